package update

import (
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
)

// pull is $pull and $pullAll: it removes the elements that its condition holds for.
type pull struct {
	cost    int // of a small element
	removes func(a *applier, element bson.RawValue) bool
}

func newPullAll(_ *parser, f field) (change, error) {
	arr, ok := bsonval.Array(f.value)
	if !ok {
		return nil, refuse(codeBadValue, f.op, "takes an array")
	}
	nodes, _ := elements(arr)
	values := newValueSet(nodes)
	return pull{1, func(_ *applier, element bson.RawValue) bool {
		_, found := values.find(element)
		return found
	}}, nil
}

// wrapped is the name under which a condition on the elements themselves is asked.
const wrapped = "element"

// newPull reads the condition: operators and regular expressions are asked of the elements themselves, other objects are
// queries that elements must match which are objects, and everything else is a value to be equal to.
func newPull(p *parser, f field) (change, error) {
	doc, isDocument := bsonval.Document(f.value)
	switch {
	case isDocument && !startsWithOperator(doc):
		return p.pullObjects(f, doc)
	case isDocument || f.value.Type == bson.TypeRegex:
		return p.pullMatching(f)
	}
	return pull{1, func(_ *applier, element bson.RawValue) bool {
		return bsonval.Equal(f.value, element)
	}}, nil
}

func (p *parser) pullObjects(f field, doc bson.Raw) (change, error) {
	filter, err := query.Parse(doc, p.o.Query)
	if err != nil {
		return nil, refuse(codeBadValue, f.op, err.Error())
	}
	return pull{costOf(doc), func(_ *applier, element bson.RawValue) bool {
		doc, ok := bsonval.Document(element)
		return ok && filter.Match(doc)
	}}, nil
}

func (p *parser) pullMatching(f field) (change, error) {
	doc, start := bsonval.BeginDocument(nil)
	doc = bsonval.EndDocument(bsonval.AppendElement(doc, wrapped, f.value), start)
	filter, err := query.Parse(doc, p.o.Query)
	if err != nil {
		return nil, refuse(codeBadValue, f.op, err.Error())
	}
	return pull{costOf(doc), elementTest{filter, wrapped}.matches}, nil
}

// startsWithOperator tells whether an object is a set of operators on a value, by its first name.
func startsWithOperator(doc bson.Raw) bool {
	it := bsonval.NewIter(doc)
	return it.Next() && len(it.Key()) > 0 && it.Key()[0] == '$' &&
		!slices.Contains([]string{"$and", "$or", "$nor", "$not"}, string(it.Key()))
}

func (p pull) existing(a *applier, l *leaf, at place) error {
	c, err := a.openArray(l, at, codeBadValue)
	if err != nil {
		return err
	}
	c.nodes = slices.DeleteFunc(c.nodes, func(n node) bool {
		v := n.value()
		a.visit(p.cost * sizeOf(v))
		return a.visits <= maxVisits && p.removes(a, v)
	})
	return a.tooExpensive()
}

func (pull) missing(*applier, *leaf, place) (bson.RawValue, absence, error) {
	return bson.RawValue{}, check, nil
}
