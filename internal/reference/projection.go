package reference

import (
	"errors"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// kind is what a projection does with the fields that it does not name.
type kind uint8

const (
	neutral   kind = iota // it names none, or only _id
	inclusion             // drops them
	exclusion             // keeps them
)

// projection is a MongoDB projection of zeros and ones.
type projection struct {
	kind  kind
	id    bool     // whether _id is kept
	paths []string // of fields, with a NUL between names
}

// below is the path of a field in what path leads to. A stored name may have dots, which are no separators.
func below(path, name string) string { return path + "\x00" + name }

// ErrProjections is the answer to every request when the projections of the rule filters that apply exclude each other.
var ErrProjections = errors.New("the projections of the filters differ in kind")

var errProjection = errors.New("a projection has zeros or ones, not both")

func parseProjection(doc bson.Raw) (projection, error) {
	p := projection{id: true}
	for _, e := range elements(doc) {
		on, ok := flag(e.value)
		if !ok {
			return p, errProjection
		}
		want := exclusion
		if on {
			want = inclusion
		}
		switch {
		case e.name == "_id":
			p.id = on
			if on && len(elements(doc)) == 1 {
				p.kind = inclusion
			}
			continue
		case p.kind != neutral && p.kind != want:
			return p, errProjection
		}
		p.kind = want
		p.paths = append(p.paths, strings.ReplaceAll(e.name, ".", "\x00"))
	}
	return p, nil
}

func flag(v bson.RawValue) (on, ok bool) {
	if b, ok := bsonval.Bool(v); ok {
		return b, true
	}
	n, ok := bsonval.Double(v)
	return n != 0, ok
}

// and is what both projections show: of two inclusions what is in both, of two exclusions what is in neither.
func (p projection) and(q projection) (projection, error) {
	both := projection{kind: p.kind, id: p.id && q.id}
	switch {
	case p.kind == neutral:
		both.kind, both.paths = q.kind, q.paths
	case q.kind == neutral:
		both.paths = p.paths
	case p.kind != q.kind:
		return both, ErrProjections
	case p.kind == exclusion:
		both.paths = slices.Concat(p.paths, q.paths)
	default:
		for _, path := range slices.Concat(p.paths, q.paths) {
			if p.names(path) && q.names(path) {
				both.paths = append(both.paths, path)
			}
		}
	}
	return both, nil
}

// names tells whether a path, or one above it, is listed.
func (p projection) names(path string) bool {
	return slices.ContainsFunc(p.paths, func(listed string) bool {
		return listed == path || strings.HasPrefix(path, below(listed, ""))
	})
}

// inside tells whether a path below this one is listed.
func (p projection) inside(path string) bool {
	return slices.ContainsFunc(p.paths, func(listed string) bool { return strings.HasPrefix(listed, below(path, "")) })
}

// complement shows what p hides.
func (p projection) complement() projection {
	return projection{kind: map[kind]kind{neutral: inclusion, inclusion: exclusion, exclusion: inclusion}[p.kind], id: !p.id, paths: p.paths}
}

// apply projects the fields of a document.
func (p projection) apply(fields []element) []element {
	var kept []element
	for _, e := range fields {
		if e.name == "_id" {
			if p.id {
				kept = append(kept, e)
			}
			continue
		}
		if v := p.value(e.name, e.value); !bsonval.IsMissing(v) {
			kept = append(kept, element{e.name, v})
		}
	}
	return kept
}

// value projects the value at a path.
func (p projection) value(path string, v bson.RawValue) bson.RawValue {
	named := slices.Contains(p.paths, path)
	inside := p.inside(path)
	switch {
	case named && p.kind == exclusion, !named && !inside && p.kind == inclusion:
		return bson.RawValue{}
	case named || !inside:
		return v
	case isDocument(v):
		var kept []element
		for _, e := range elements(document(v)) {
			if inner := p.value(below(path, e.name), e.value); !bsonval.IsMissing(inner) {
				kept = append(kept, element{e.name, inner})
			}
		}
		return bsonval.FromDocument(encode(kept))
	case isArray(v):
		var kept []bson.RawValue
		for _, e := range values(v) {
			if inner := p.value(path, e); !bsonval.IsMissing(inner) {
				kept = append(kept, inner)
			}
		}
		return array(kept)
	case p.kind == inclusion:
		return bson.RawValue{}
	}
	return v
}
