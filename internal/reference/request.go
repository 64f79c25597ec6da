package reference

import (
	"bytes"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
)

// Select returns the documents of the view that match, in the total order: by the sort keys, then by the document as it
// is shown, then by its bytes. A document that shows its _id has it in front, so that such documents are in the order of
// the _id.
func (v View) Select(filter, sort bson.Raw) ([]bson.Raw, error) {
	f, err := query.Parse(filter, query.Options{})
	if err != nil {
		return nil, err
	}
	var by *query.Sort
	if len(elements(sort)) > 0 {
		if by, err = query.ParseSort(sort); err != nil {
			return nil, err
		}
	}
	var found []bson.Raw
	for _, doc := range v.Documents {
		if f.Match(doc) {
			found = append(found, doc)
		}
	}
	slices.SortStableFunc(found, func(a, b bson.Raw) int { return inOrder(by, a, b) })
	return found, nil
}

// inOrder compares two documents of the view by the total order.
func inOrder(by *query.Sort, a, b bson.Raw) int {
	if c := by.Compare(a, b); c != 0 {
		return c
	}
	if c := bsonval.CompareDocuments(a, b); c != 0 {
		return c
	}
	return bytes.Compare(a, b)
}

// Page leaves out the first documents and keeps as many as limit allows; 0 is no limit.
func Page(docs []bson.Raw, skip, limit int64) []bson.Raw {
	docs = docs[min(skip, int64(len(docs))):]
	if limit > 0 {
		docs = docs[:min(limit, int64(len(docs)))]
	}
	return docs
}

// Project applies a projection of zeros and ones to documents.
func Project(docs []bson.Raw, projection bson.Raw) ([]bson.Raw, error) {
	p, err := parseProjection(projection)
	if err != nil {
		return nil, err
	}
	out := make([]bson.Raw, len(docs))
	for i, doc := range docs {
		out[i] = encode(p.apply(elements(doc)))
	}
	return out, nil
}

// Distinct lists the different values of a key in documents, in BSON order. An array stands for its elements. In an array
// a number is a position and never a name, unlike in a query.
func Distinct(docs []bson.Raw, key string) []bson.RawValue {
	var found []bson.RawValue
	for _, doc := range docs {
		for _, v := range reached(bsonval.FromDocument(doc), strings.Split(key, "."), false) {
			if isArray(v) {
				found = append(found, values(v)...)
			} else {
				found = append(found, v)
			}
		}
	}
	slices.SortStableFunc(found, bsonval.Compare)
	return slices.CompactFunc(found, bsonval.Equal)
}
