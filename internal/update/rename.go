package update

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// rename moves a value. It stands at the target in the tree of paths; its source is reserved.
type rename struct{ source, target path }

func newRename(p *parser, f field) (change, error) {
	if err := p.add(f.op, f.path, reserved{}); err != nil {
		return nil, err
	}
	text, ok := bsonval.String(f.value)
	if !ok {
		return nil, refuse(codeBadValue, f.op, "the target must be a string")
	}
	target, err := parsePath(f.op, text)
	if err != nil {
		return nil, err
	}
	switch {
	case f.path.isPrefixOf(target) || target.isPrefixOf(f.path):
		return nil, refusePath(codeBadValue, f.op, text, "lies on the path of the source")
	case f.path.hasPositional() || target.hasPositional():
		return nil, refuse(codeBadValue, f.op, "cannot have positional segments")
	}
	return &rename{source: f.path, target: target}, nil
}

func (r *rename) existing(a *applier, l *leaf, at place) error {
	v, err := r.take(a, l)
	if err == nil && !bsonval.IsMissing(v) {
		at.node().set(v)
	}
	return err
}

func (r *rename) missing(a *applier, l *leaf, _ place) (bson.RawValue, absence, error) {
	v, err := r.take(a, l)
	if bsonval.IsMissing(v) {
		return v, ignore, err
	}
	return v, create, err
}

// take removes the source and returns its value, the missing value if there is none. It refuses arrays on the way to
// the source or to the target.
func (r *rename) take(a *applier, l *leaf) (bson.RawValue, error) {
	from, array := a.follow(r.source)
	if len(from.absent) > 0 {
		return bson.RawValue{}, viable(&leaf{op: l.op, path: r.source}, from)
	}
	if array {
		return bson.RawValue{}, refusePath(codeBadValue, l.op, r.source.text, "is an element of an array")
	}
	if _, array := a.follow(r.target); array {
		return bson.RawValue{}, refusePath(codeBadValue, l.op, r.target.text, "is an element of an array")
	}
	v := from.node().value()
	if depth := len(r.target.segments); depth > len(r.source.segments) && depth+nesting(v, maxDepth-depth) > maxDepth {
		return bson.RawValue{}, refuse(codeOverflow, l.op, "the document would be nested too deeply")
	}
	from.node().remove()
	return v, nil
}

// follow walks a whole path and tells whether there was an array above its end.
func (a *applier) follow(p path) (at place, array bool) {
	at = place{parent: &a.root}
	for _, segment := range p.segments {
		array = array || at.node().kind() == bson.TypeArray
		at = a.down(at, segment)
	}
	return at, array
}

// reserved keeps the source of a rename free of other changes. It does nothing itself.
type reserved struct{}

func (reserved) existing(*applier, *leaf, place) error { return nil }

func (reserved) missing(*applier, *leaf, place) (bson.RawValue, absence, error) {
	return bson.RawValue{}, ignore, nil
}
