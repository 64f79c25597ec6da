package query

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// state is what one match carries along.
type state struct {
	corrupt bool   // the document is not BSON; nothing matches then
	record  bool   // note the array element that made the match, for the positional operator
	offset  []byte // its name in the array, nil for none
}

// lookup returns the first field called name; a missing one is the zero value.
func lookup(doc []byte, name string, st *state) bson.RawValue {
	it := bsonval.NewIter(doc)
	for it.Next() {
		if string(it.Key()) == name {
			return it.Value()
		}
	}
	if it.Err() != nil {
		st.corrupt = true
	}
	return bson.RawValue{}
}

// walk reports whether one of the values that MongoDB finds at path passes hit. The values are: the one at the end of
// the path; if an array stands there, its elements and itself; if an array stands before, what walkArray finds in it. A
// path that ends early finds a missing value.
func (t *Test) walk(doc []byte, path []string, st *state) bool {
	for i, name := range path {
		v := lookup(doc, name, st)
		switch {
		case v.Type == bson.TypeArray && i+1 < len(path):
			pass, found := t.walkArray(v.Value, path[i+1:], st)
			return pass || !found && t.hit(bson.RawValue{}, st)
		case i+1 == len(path):
			return t.terminal(v, st)
		case v.Type != bson.TypeEmbeddedDocument:
			return t.hit(bson.RawValue{}, st)
		}
		doc = v.Value
	}
	return false
}

// terminal tests a value that ends the path, and before it the elements if it is an array.
func (t *Test) terminal(v bson.RawValue, st *state) bool {
	if v.Type == bson.TypeArray && t.expandsArrays() {
		it := bsonval.NewIter(v.Value)
		for it.Next() {
			if t.hit(it.Value(), st) {
				return st.found(it.Key())
			}
		}
		if it.Err() != nil {
			st.corrupt = true
		}
	}
	return t.hit(v, st)
}

// walkArray looks for path from the elements of an array: from each one that is a document, and from the one that a
// numeric segment selects. An element that is neither document nor array is a missing value, unless the segment is
// numeric. found tells whether there was anything to test; where there was not, the path as a whole is missing. (Servers
// before MongoDB 9 find nothing in such arrays, not even a missing value.)
func (t *Test) walkArray(arr []byte, path []string, st *state) (pass, found bool) {
	numeric := isNumeric(path[0])
	it := bsonval.NewIter(arr)
	for it.Next() {
		v := it.Value()
		selected := numeric && string(it.Key()) == path[0]
		switch {
		case v.Type == bson.TypeEmbeddedDocument:
			// A document is searched for the numeric segment as a name first.
			if found = true; t.walk(v.Value, path, st) {
				return st.found(it.Key()), true
			}
			if selected && len(path) > 1 && t.walk(v.Value, path[1:], st) {
				return true, true
			}
		case selected && len(path) > 1 && v.Type == bson.TypeArray:
			found = true
			if pass, _ := t.walkArray(v.Value, path[1:], st); pass {
				return true, true
			}
		case !numeric && v.Type != bson.TypeArray:
			if found = true; t.hit(bson.RawValue{}, st) {
				return true, true
			}
		}
		// An array that is selected by its position is taken as it is, its elements are not looked at.
		if selected && len(path) == 1 {
			if found = true; t.hit(v, st) {
				return true, true
			}
		}
	}
	if it.Err() != nil {
		st.corrupt = true
	}
	return false, found
}

func isNumeric(segment string) bool {
	for i := range len(segment) {
		if segment[i] < '0' || segment[i] > '9' {
			return false
		}
	}
	return true
}

// found notes an array element that was looked at because it was there, not because the path named its index. The
// outermost array is the last to call it, and so it wins.
func (st *state) found(key []byte) bool {
	if st.record {
		st.offset = key
	}
	return true
}
