package update

import (
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// push inserts values into an array, then sorts it, then cuts it.
type push struct {
	values   []node
	position *int64 // nil for the end
	slice    *int64 // nil for everything
	sort     *sorter
}

func newPush(_ *parser, f field) (change, error) {
	doc, _ := bsonval.Document(f.value)
	each, ok := bsonval.Lookup(doc, "$each")
	if !ok {
		return push{values: []node{elementNode(nil, f.value)}}, checkStored(f.op, f.value, len(f.path.segments)+1)
	}
	m := push{}
	if err := m.modifiers(f, doc); err != nil {
		return nil, err
	}
	arr, ok := bsonval.Array(each)
	if !ok {
		return nil, refuse(codeBadValue, f.op, "the argument of $each must be an array")
	}
	m.values, _ = elements(arr)
	return m, checkStored(f.op, each, len(f.path.segments))
}

// modifiers reads what stands beside $each.
func (m *push) modifiers(f field, doc bson.Raw) error {
	seen := map[string]bool{}
	it := bsonval.NewIter(doc)
	for it.Next() {
		name := string(it.Key())
		if seen[name] {
			return refuse(codeBadValue, f.op, "a modifier is written twice")
		}
		seen[name] = true
		var err error
		switch name {
		case "$each":
		case "$position":
			m.position, err = integer(f, it.Value())
		case "$slice":
			m.slice, err = integer(f, it.Value())
		case "$sort":
			m.sort, err = newSorter(f, it.Value())
		default:
			err = refuse(codeBadValue, f.op, "only $position, $slice and $sort may stand beside $each")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func integer(f field, v bson.RawValue) (*int64, error) {
	n, ok := bsonval.Int64(v)
	if !ok {
		return nil, refuse(codeBadValue, f.op, "$position and $slice take integers")
	}
	return &n, nil
}

func (m push) existing(a *applier, l *leaf, at place) error {
	c, err := a.openArray(l, at, codeBadValue)
	switch {
	case err != nil:
		return err
	case (len(m.values) > 0 || m.sort != nil) && a.changesID(l):
		return immutable(l) // as in MongoDB, even if the array is the same afterwards
	}
	m.apply(a, c)
	return nil
}

func (m push) missing(a *applier, _ *leaf, _ place) (bson.RawValue, absence, error) {
	c := &content{array: true}
	m.apply(a, c)
	return bson.RawValue{Type: bson.TypeArray, Value: appendContent(nil, c, maxDocument)}, create, nil
}

func (m push) apply(a *applier, c *content) {
	c.nodes = slices.Insert(c.nodes, m.index(len(c.nodes)), m.values...)
	a.visit(len(m.values))
	if m.sort != nil {
		m.sort.sort(c.nodes)
		a.visit(len(c.nodes))
	}
	if m.slice == nil {
		return
	}
	if n := int64(len(c.nodes)); *m.slice >= 0 {
		c.nodes = c.nodes[:min(*m.slice, n)]
	} else if *m.slice > -n {
		c.nodes = c.nodes[n+*m.slice:]
	}
}

// index is where the new values go in an array of n elements. A negative position counts from the end.
func (m push) index(n int) int {
	switch {
	case m.position == nil || *m.position >= int64(n):
		return n
	case *m.position >= 0:
		return int(*m.position)
	}
	return max(0, n+int(max(*m.position, -int64(n))))
}
