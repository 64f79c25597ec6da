package reference

import (
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// element is a field of a document or an element of an array.
type element struct {
	name  string
	value bson.RawValue
}

// elements decodes a document or an array. Documents come from the database or from a parser, and are sound.
func elements(doc bson.Raw) []element {
	var list []element
	for it := bsonval.NewIter(doc); it.Next(); {
		list = append(list, element{string(it.Key()), it.Value()})
	}
	return list
}

// encode is the reverse of elements.
func encode(list []element) bson.Raw {
	doc, start := bsonval.BeginDocument(nil)
	for _, e := range list {
		doc = bsonval.AppendElement(doc, e.name, e.value)
	}
	return bsonval.EndDocument(doc, start)
}

// array makes an array of values.
func array(list []bson.RawValue) bson.RawValue {
	named := make([]element, len(list))
	for i, v := range list {
		named[i] = element{strconv.Itoa(i), v}
	}
	return bsonval.FromArray(encode(named))
}

// values lists what is in an array; anything else is empty.
func values(v bson.RawValue) []bson.RawValue {
	arr, _ := bsonval.Array(v)
	var list []bson.RawValue
	for _, e := range elements(arr) {
		list = append(list, e.value)
	}
	return list
}

// document is the document that v is; anything else is none.
func document(v bson.RawValue) bson.Raw {
	doc, _ := bsonval.Document(v)
	return doc
}

// get is the field of a document; none has the zero value.
func get(doc bson.Raw, name string) bson.RawValue {
	v, _ := bsonval.Lookup(doc, name)
	return v
}

func isArray(v bson.RawValue) bool    { return v.Type == bson.TypeArray }
func isDocument(v bson.RawValue) bool { return v.Type == bson.TypeEmbeddedDocument }
func isNull(v bson.RawValue) bool     { return v.Type == bson.TypeNull }
