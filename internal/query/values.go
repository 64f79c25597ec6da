package query

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// Values calls f with every value that MongoDB's distinct finds at p, until f returns false, and reports whether it
// never did. An array at the end of the path stands for its elements, one level deep. What is missing is no value, null
// is one.
//
// The way through an array is not that of a filter: a numeric segment is only a position, never the name of a field in
// an element; any other segment leads into the elements that are documents.
func (p Path) Values(doc bson.Raw, f func(bson.RawValue) bool) bool {
	return len(p.segments) == 0 || eachValue(bsonval.FromDocument(doc), p.segments, f)
}

func eachValue(in bson.RawValue, path []string, f func(bson.RawValue) bool) bool {
	switch {
	case in.Type == bson.TypeEmbeddedDocument, in.Type == bson.TypeArray && isNumeric(path[0]):
		v, found := bsonval.Lookup(in.Value, path[0])
		switch {
		case !found:
			return true
		case len(path) > 1:
			return eachValue(v, path[1:], f)
		case v.Type == bson.TypeArray:
			return eachElement(v, f)
		}
		return f(v)
	case in.Type == bson.TypeArray:
		// An array in an array has no names, only documents are entered.
		return eachElement(in, func(v bson.RawValue) bool {
			return v.Type != bson.TypeEmbeddedDocument || eachValue(v, path, f)
		})
	}
	return true
}

func eachElement(array bson.RawValue, f func(bson.RawValue) bool) bool {
	for it := bsonval.NewIter(array.Value); it.Next(); {
		if !f(it.Value()) {
			return false
		}
	}
	return true
}
