package query

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// maxSortKeys is MongoDB's limit.
const maxSortKeys = 32

// Sort orders documents by the values at some paths. It is immutable. The zero Sort and a nil one make all documents
// equal.
type Sort struct {
	doc  bson.Raw
	keys []sortKey
}

type sortKey struct {
	path       Path
	descending bool
}

// ParseSort reads a sort document: paths with 1 or -1, at most 32, each once. The sort aliases the document.
func ParseSort(sort bson.Raw) (*Sort, error) {
	s := &Sort{doc: sort}
	it := bsonval.NewIter(sort)
	for it.Next() {
		name := string(it.Key())
		path, err := ParsePath(name)
		if err != nil {
			return nil, err
		}
		for _, segment := range path.segments {
			if segment[0] == '$' {
				return nil, refuse(name, "a name in a sort cannot start with $")
			}
		}
		for i := range s.keys {
			if s.keys[i].path.text == name {
				return nil, refuse(name, "the sort names this path twice")
			}
		}
		direction, _ := bsonval.Int64(it.Value())
		if direction != 1 && direction != -1 {
			return nil, refuse(name, "the direction of a sort must be 1 or -1")
		}
		s.keys = append(s.keys, sortKey{path: path, descending: direction < 0})
	}
	switch {
	case it.Err() != nil:
		return nil, refuse("", "the sort is not a valid document")
	case len(s.keys) > maxSortKeys:
		return nil, refuse("", "the sort has too many keys")
	}
	return s, nil
}

// Keys returns the sort document as it was parsed.
func (s *Sort) Keys() bson.Raw {
	if s == nil {
		return nil
	}
	return s.doc
}

// Paths returns the paths of the keys.
func (s *Sort) Paths() []Path {
	if s == nil {
		return nil
	}
	paths := make([]Path, len(s.keys))
	for i := range s.keys {
		paths[i] = s.keys[i].path
	}
	return paths
}

// Compare orders two documents. A missing value sorts as null. An array sorts by its lowest element, descending by its
// highest, and an empty one before null. Where two keys lead through the same array, they are taken from the same
// element. (MongoDB refuses to sort when two keys lead through different arrays of one document; here each key then
// goes by its own array.)
func (s *Sort) Compare(a, b bson.Raw) int {
	if s == nil {
		return 0
	}
	var left, right [4]bson.RawValue
	return s.CompareKeys(s.AppendKey(left[:0], a), s.AppendKey(right[:0], b))
}

// AppendKey appends the values that a document sorts by, for callers that compare it many times. They alias doc.
func (s *Sort) AppendKey(dst []bson.RawValue, doc bson.Raw) []bson.RawValue {
	if s == nil {
		return dst
	}
	start := len(dst)
	for i := range s.keys {
		v, plain := plainKey(doc, s.keys[i].path.segments)
		if !plain {
			return s.appendArrayKey(dst[:start], doc)
		}
		dst = append(dst, v)
	}
	return dst
}

// CompareKeys orders two documents by what AppendKey made of them.
func (s *Sort) CompareKeys(a, b []bson.RawValue) int {
	if s == nil {
		return 0
	}
	for i := range s.keys {
		c := bsonval.Compare(a[i], b[i])
		if c != 0 && s.keys[i].descending {
			return -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// plainKey follows a path that meets no array.
func plainKey(doc []byte, path []string) (v bson.RawValue, plain bool) {
	for i, name := range path {
		var st state
		v = lookup(doc, name, &st)
		switch {
		case v.Type == bson.TypeArray:
			return v, false
		case i+1 == len(path) && !bsonval.IsMissing(v):
			return v, true
		case v.Type != bson.TypeEmbeddedDocument:
			return bsonval.Null(), true
		}
		doc = v.Value
	}
	return v, true
}
