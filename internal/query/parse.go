package query

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// parser carries the limits and what has been used of them.
type parser struct {
	o         Options
	branches  int
	positions int // numeric segments on the way here, through all $elemMatch
}

// document parses a query document: fields with conditions, and logic.
func (p *parser) document(doc bson.Raw, depth int) (node, error) {
	if depth > p.o.MaxDepth {
		return node{}, refuse("", "the filter is nested too deeply")
	}
	and := node{kind: nodeAnd}
	it := bsonval.NewIter(doc)
	for it.Next() {
		name := string(it.Key())
		var err error
		if strings.HasPrefix(name, "$") {
			and.kids, err = p.logic(and.kids, name, it.Value(), depth)
		} else {
			and.kids, err = p.field(and.kids, name, it.Value(), depth)
		}
		if err != nil {
			return node{}, err
		}
	}
	if it.Err() != nil {
		return node{}, refuse("", "the filter is not a valid document")
	}
	if len(and.kids) == 1 {
		return and.kids[0], nil
	}
	return and, nil
}

// logic parses an operator that stands where a field name could.
func (p *parser) logic(dst []node, name string, v bson.RawValue, depth int) ([]node, error) {
	n := node{}
	switch name {
	case "$and":
		n.kind = nodeAnd
	case "$or":
		n.kind = nodeOr
	case "$nor":
		n.kind = nodeNor
	case "$comment":
		if p.o.Trusted {
			return dst, nil
		}
		fallthrough
	default:
		return nil, refuse(name, "the operator is not supported")
	}
	arr, ok := bsonval.Array(v)
	if !ok {
		return nil, refuse(name, "must be an array")
	}
	it := bsonval.NewIter(arr)
	for it.Next() {
		doc, ok := bsonval.Document(it.Value())
		if !ok {
			return nil, refuse(name, "the entries must be objects")
		}
		if err := p.branch(name, len(n.kids)+1); err != nil {
			return nil, err
		}
		kid, err := p.document(doc, depth+1)
		if err != nil {
			return nil, err
		}
		n.kids = append(n.kids, kid)
	}
	if len(n.kids) == 0 {
		return nil, refuse(name, "must be a nonempty array")
	}
	return append(dst, n), nil
}

// branch counts one branch of one operator.
func (p *parser) branch(name string, n int) error {
	if n > p.o.MaxBranches {
		return refuse(name, "has too many branches")
	}
	return p.count(name)
}

func (p *parser) count(name string) error {
	p.branches++
	if p.branches > p.o.MaxTotalBranches {
		return refuse(name, "the filter has too many branches")
	}
	return nil
}

// field parses what is asked of one field.
func (p *parser) field(dst []node, name string, v bson.RawValue, depth int) ([]node, error) {
	path, err := parsePath(name, p.o.MaxSegments)
	if err != nil {
		return nil, err
	}
	if !p.o.Trusted && strings.Contains(name, ".$") {
		return nil, refuse(name, "a name in a path cannot start with $")
	}
	positions := path.positions()
	p.positions += positions
	if !p.o.Trusted && p.positions > maxPositions {
		return nil, refuse(name, "too many positions in arrays are named")
	}
	tests, err := p.conditions(nil, v, depth)
	p.positions -= positions
	if err != nil {
		return nil, err
	}
	for _, t := range tests {
		dst = append(dst, node{kind: nodeTest, path: path, test: t})
	}
	return dst, nil
}

// conditions parses the value of a field: operators, a regular expression, or a literal to be equal to.
func (p *parser) conditions(dst []Test, v bson.RawValue, depth int) ([]Test, error) {
	if doc, ok := bsonval.Document(v); ok && hasOperators(doc) {
		return p.operators(dst, doc, depth)
	}
	op := Eq
	if v.Type == bson.TypeRegex {
		op = Regex
	}
	return p.appendTest(dst, op, v, depth)
}

// hasOperators tells whether a document is a set of operators: its first name starts with a dollar sign.
func hasOperators(doc bson.Raw) bool {
	it := bsonval.NewIter(doc)
	return it.Next() && len(it.Key()) > 0 && it.Key()[0] == '$'
}

// operators parses {$gt: 1, $lt: 5}.
func (p *parser) operators(dst []Test, doc bson.Raw, depth int) ([]Test, error) {
	it := bsonval.NewIter(doc)
	for it.Next() {
		name := string(it.Key())
		op, ok := opNamed(name)
		switch {
		case name == "$options":
			if _, ok := bsonval.Lookup(doc, "$regex"); !ok {
				return nil, refuse(name, "needs a $regex")
			}
			continue
		case !ok:
			return nil, refuse(name, "the operator is not supported")
		}
		v := it.Value()
		if op == Regex {
			var err error
			if v, err = withOptions(v, doc); err != nil {
				return nil, err
			}
		}
		var err error
		if dst, err = p.appendTest(dst, op, v, depth); err != nil {
			return nil, err
		}
	}
	if it.Err() != nil {
		return nil, refuse("", "the filter is not a valid document")
	}
	return dst, nil
}

func (p *parser) appendTest(dst []Test, op Op, v bson.RawValue, depth int) ([]Test, error) {
	t, err := p.test(op, v, depth)
	if err != nil {
		return nil, err
	}
	return append(dst, t), nil
}

// literal checks a value that is compared with: what a client may send, and no names that look like operators.
func (p *parser) literal(op Op, v bson.RawValue, depth int) error {
	if p.o.Trusted {
		return nil
	}
	switch v.Type {
	case bson.TypeUndefined, bson.TypeDBPointer, bson.TypeJavaScript, bson.TypeCodeWithScope, bson.TypeSymbol:
		return refuse(op.String(), "the operand has a type that is not allowed")
	case bson.TypeRegex:
		if p.o.NoRegex {
			return refuse("$regex", "regular expressions are not allowed")
		}
	case bson.TypeEmbeddedDocument, bson.TypeArray:
		if depth >= p.o.MaxValueDepth {
			return refuse(op.String(), "the operand is nested too deeply")
		}
		it := bsonval.NewIter(v.Value)
		for it.Next() {
			if key := it.Key(); len(key) > 0 && key[0] == '$' {
				return refuse(string(key), "is not allowed inside a value")
			}
			if err := p.literal(op, it.Value(), depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}
