package update

import (
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
)

// Update is a parsed update document. It is immutable and aliases the bytes it was parsed from. The zero Update and a
// nil one change nothing.
type Update struct {
	root  *step
	named []NamedPath
}

// NamedPath is a path that an operator names.
type NamedPath struct {
	Path         string // as written, positional segments included
	Op           string
	Positional   bool // the path has a segment $, $[] or $[id]
	OnInsertOnly bool // written only when an upsert inserts
}

// Options says what an update may contain. The zero value is for clients.
type Options struct {
	Query query.Options // for the conditions of $pull and the array filters
}

// maxPaths is how many paths one update may name.
const maxPaths = 10_000

// Parse reads an update document: operators with the paths they change, for each path its argument. It refuses with an
// *Error what it does not know.
func Parse(update bson.Raw, arrayFilters []bson.Raw, o Options) (*Update, error) {
	// The operator and its paths are two levels that are not stored, $each and its array two more.
	if err := validate(update, maxDepth+4); err != nil {
		return nil, err
	}
	p := &parser{
		o: o, update: &Update{root: newStep()}, filters: map[string]*arrayFilter{}, operators: map[string]bool{},
	}
	if err := p.parseArrayFilters(arrayFilters); err != nil {
		return nil, err
	}
	it := bsonval.NewIter(update)
	for it.Next() {
		if err := p.operator(string(it.Key()), it.Value()); err != nil {
			return nil, err
		}
	}
	if len(p.operators) == 0 {
		return nil, refuse(codeFailedToParse, "", "the update has no operators")
	}
	if err := p.checkFiltersUsed(); err != nil {
		return nil, err
	}
	p.update.root.sort()
	return p.update, nil
}

func validate(doc bson.Raw, depth int) error {
	err := bsonval.Validate(doc, depth)
	switch {
	case errors.Is(err, bsonval.ErrTooDeep):
		return refuse(codeOverflow, "", "the update is nested too deeply")
	case err != nil:
		return refuse(codeFailedToParse, "", "the update is not a valid document")
	}
	return nil
}

// Named returns every path that an operator names, in the order of the update; for a $rename the source, then the
// target. The caller must not change the result.
func (u *Update) Named() []NamedPath { return u.named }

// parser collects an Update.
type parser struct {
	o         Options
	update    *Update
	filters   map[string]*arrayFilter // by identifier
	operators map[string]bool
}

// field is one path of one operator with its argument.
type field struct {
	op    string
	path  path
	value bson.RawValue
}

// target is the path at which a change appears.
func (f field) target(c change) path {
	if r, ok := c.(*rename); ok {
		return r.target
	}
	return f.path
}

// constructors make the change that an operator's argument asks for.
var constructors = map[string]func(p *parser, f field) (change, error){
	"$set":         newSet,
	"$setOnInsert": newSet,
	"$unset":       newUnset,
	"$inc":         newArithmetic,
	"$mul":         newArithmetic,
	"$min":         newExtreme,
	"$max":         newExtreme,
	"$currentDate": newCurrentDate,
	"$rename":      newRename,
	"$push":        newPush,
	"$addToSet":    newAddToSet,
	"$pull":        newPull,
	"$pullAll":     newPullAll,
	"$pop":         newPop,
	"$bit":         newBit,
}

func (p *parser) operator(op string, v bson.RawValue) error {
	construct, known := constructors[op]
	if !known {
		return refuse(codeFailedToParse, op, "is not a supported update operator")
	}
	if p.operators[op] {
		return refuse(codeFailedToParse, op, "is written twice")
	}
	p.operators[op] = true
	doc, ok := bsonval.Document(v)
	if !ok {
		return refuse(codeFailedToParse, op, "must be an object")
	}
	it := bsonval.NewIter(doc)
	for it.Next() {
		at, err := parsePath(op, string(it.Key()))
		if err != nil {
			return err
		}
		f := field{op: op, path: at, value: it.Value()}
		c, err := construct(p, f)
		if err != nil {
			return err
		}
		if err := p.add(op, f.target(c), c); err != nil {
			return err
		}
	}
	return nil
}

// add names a path and puts a change at its end in the tree of paths.
func (p *parser) add(op string, at path, c change) error {
	if len(p.update.named) == maxPaths {
		return refuse(codeBadValue, op, "the update names too many paths")
	}
	insertOnly := op == "$setOnInsert"
	p.update.named = append(p.update.named, NamedPath{Path: at.text, Op: op, Positional: at.hasPositional(), OnInsertOnly: insertOnly})
	return p.insert(&leaf{op: op, path: at, change: c, onInsert: insertOnly})
}

// insert adds a leaf to the tree.
func (p *parser) insert(l *leaf) error {
	s := p.update.root
	last := len(l.path.segments) - 1
	for i, name := range l.path.segments {
		id, selects := identifier(name)
		if selects && i == 0 {
			return refusePath(codeBadValue, l.op, l.path.text, "starts with a positional segment")
		}
		if s.leaf != nil || !s.isEmpty() && s.elements != selects {
			return conflict(l)
		}
		if selects {
			s.elements, name = true, id
			if err := p.use(s, l, id); err != nil {
				return err
			}
		}
		next := s.child(name)
		if next != nil && i == last {
			return conflict(l)
		}
		if next == nil {
			next = newStep()
			s.setChild(name, next)
		}
		s = next
	}
	s.leaf = l
	return nil
}

// use looks up the array filter for a segment of a path.
func (p *parser) use(s *step, l *leaf, id string) error {
	f := p.filters[id]
	switch {
	case id == "":
		return nil
	case f == nil:
		return refusePath(codeBadValue, l.op, l.path.text, "names an identifier without an array filter")
	}
	f.used = true
	s.setFilter(f)
	return nil
}
