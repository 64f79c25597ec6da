package update

import (
	"slices"
	"sort"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// openArray returns the elements of the array at a place, or an error with the given code.
func (a *applier) openArray(l *leaf, at place, code int) (*content, error) {
	if at.node().kind() != bson.TypeArray {
		return nil, refusePath(code, l.op, l.path.text, "must be an array")
	}
	return a.open(at.node()), nil
}

// valueSet finds values by equality in logarithmic time.
type valueSet []bson.RawValue

func newValueSet(nodes []node) valueSet {
	s := make(valueSet, len(nodes))
	for i := range nodes {
		s[i] = nodes[i].value()
	}
	slices.SortFunc(s, bsonval.Compare)
	return s
}

// find returns the position of the first value that is not below v, and whether it equals v.
func (s valueSet) find(v bson.RawValue) (int, bool) {
	return sort.Find(len(s), func(i int) int { return bsonval.Compare(v, s[i]) })
}

// addToSet appends the values that an array does not contain.
type addToSet struct {
	values []node   // without repetitions
	set    valueSet // the same, sorted
}

func newAddToSet(_ *parser, f field) (change, error) {
	values, err := f.setValues()
	if err != nil {
		return nil, err
	}
	for i := range values {
		if err := checkStored(f.op, values[i].value(), len(f.path.segments)+1); err != nil {
			return nil, err
		}
	}
	all := newValueSet(values)
	seen := make([]bool, len(all))
	m := addToSet{}
	for _, n := range values {
		if i, _ := all.find(n.value()); !seen[i] {
			seen[i] = true
			m.values = append(m.values, n)
		}
	}
	m.set = newValueSet(m.values)
	return m, nil
}

// setValues returns the values of an $each, or the argument itself.
func (f field) setValues() ([]node, error) {
	doc, _ := bsonval.Document(f.value)
	it := bsonval.NewIter(doc)
	if !it.Next() || string(it.Key()) != "$each" {
		return []node{elementNode(nil, f.value)}, nil
	}
	arr, ok := bsonval.Array(it.Value())
	if !ok {
		return nil, refuse(codeTypeMismatch, f.op, "the argument of $each must be an array")
	}
	if it.Next() {
		return nil, refuse(codeBadValue, f.op, "nothing may stand beside $each")
	}
	nodes, _ := elements(arr)
	return nodes, nil
}

func (m addToSet) existing(a *applier, l *leaf, at place) error {
	c, err := a.openArray(l, at, codeBadValue)
	if err != nil {
		return err
	}
	present := make([]bool, len(m.set))
	for i := range c.nodes {
		if found, ok := m.set.find(c.nodes[i].value()); ok {
			present[found] = true
		}
	}
	for _, n := range m.values {
		if found, _ := m.set.find(n.value()); !present[found] {
			c.nodes = append(c.nodes, n)
		}
	}
	a.visit(len(m.values))
	return nil
}

func (m addToSet) missing(*applier, *leaf, place) (bson.RawValue, absence, error) {
	return bson.RawValue{Type: bson.TypeArray, Value: appendContent(nil, &content{array: true, nodes: m.values}, maxDocument)}, create, nil
}

// pop removes the last element of an array, or the first.
type pop struct{ first bool }

func newPop(_ *parser, f field) (change, error) {
	n, ok := bsonval.Int64(f.value)
	if !ok || n != 1 && n != -1 {
		return nil, refuse(codeFailedToParse, f.op, "takes 1 or -1")
	}
	return pop{n < 0}, nil
}

func (p pop) existing(a *applier, l *leaf, at place) error {
	c, err := a.openArray(l, at, codeTypeMismatch)
	switch {
	case err != nil:
		return err
	case len(c.nodes) == 0:
	case p.first:
		c.nodes = c.nodes[1:]
	default:
		c.nodes = c.nodes[:len(c.nodes)-1]
	}
	return nil
}

func (pop) missing(*applier, *leaf, place) (bson.RawValue, absence, error) {
	return bson.RawValue{}, check, nil
}
