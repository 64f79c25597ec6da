package update

import (
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// sorter is the $sort of a $push. Unlike the sort of a query it does not look into arrays.
type sorter struct{ keys []sortKey }

// sortKey is a path inside the elements, or no path for the element as a whole.
type sortKey struct {
	path       []string
	descending bool
}

func newSorter(f field, v bson.RawValue) (*sorter, error) {
	doc, ok := bsonval.Document(v)
	if !ok {
		key, err := newSortKey(f, nil, v)
		return &sorter{keys: []sortKey{key}}, err
	}
	s := &sorter{}
	it := bsonval.NewIter(doc)
	for it.Next() {
		path, err := parsePath(f.op, string(it.Key()))
		if err != nil {
			return nil, refuse(codeBadValue, f.op, "a path of the $sort is not valid")
		}
		if path.hasPositional() {
			return nil, refuse(codeBadValue, f.op, "a path of the $sort has a positional segment")
		}
		key, err := newSortKey(f, path.segments, it.Value())
		if err != nil {
			return nil, err
		}
		s.keys = append(s.keys, key)
	}
	if len(s.keys) == 0 {
		return nil, refuse(codeBadValue, f.op, "the $sort is empty")
	}
	return s, nil
}

func newSortKey(f field, path []string, direction bson.RawValue) (sortKey, error) {
	n, ok := bsonval.Int64(direction)
	if !ok || n != 1 && n != -1 {
		return sortKey{}, refuse(codeBadValue, f.op, "the direction of a $sort must be 1 or -1")
	}
	return sortKey{path: path, descending: n < 0}, nil
}

// sort orders elements; equal ones stay as they are.
func (s *sorter) sort(nodes []node) {
	type keyed struct {
		node node
		keys []bson.RawValue
	}
	all := make([]keyed, len(nodes))
	values := make([]bson.RawValue, len(nodes)*len(s.keys))
	for i, n := range nodes {
		keys := values[i*len(s.keys) : (i+1)*len(s.keys)]
		for j, k := range s.keys {
			keys[j] = k.value(n.value())
		}
		all[i] = keyed{n, keys}
	}
	slices.SortStableFunc(all, func(a, b keyed) int { return s.compare(a.keys, b.keys) })
	for i := range all {
		nodes[i] = all[i].node
	}
}

func (s *sorter) compare(a, b []bson.RawValue) int {
	for i, k := range s.keys {
		c := bsonval.Compare(a[i], b[i])
		if c != 0 && k.descending {
			return -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// value returns what an element sorts by: what stands at the path if it is an object, else null. Arrays on the way are
// entered by index only.
func (k sortKey) value(v bson.RawValue) bson.RawValue {
	if len(k.path) == 0 {
		return v
	}
	for i, name := range k.path {
		if v.Type != bson.TypeEmbeddedDocument && (i == 0 || v.Type != bson.TypeArray) {
			return bsonval.Null()
		}
		v, _ = bsonval.Lookup(v.Value, name)
	}
	if bsonval.IsMissing(v) {
		return bsonval.Null()
	}
	return v
}
