package update

import (
	"errors"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
)

// Base returns the document that an upsert starts from: what the filter demands to be equal. Its fields are in the
// order of new fields; MongoDB leaves theirs to chance.
func Base(f *query.Filter) (bson.Raw, error) {
	base, start := bsonval.BeginDocument(nil)
	doc, docStart := bsonval.BeginDocument(nil)
	doc, set := bsonval.BeginElement(doc, bson.TypeEmbeddedDocument, "$set")
	whole, inside := 0, 0 // equalities of the _id and of what is in it
	for _, e := range f.Equalities() {
		switch {
		case e.Path == "_id":
			whole++
			base = bsonval.AppendElement(base, e.Path, e.Value)
			continue
		case strings.HasPrefix(e.Path, "_id."):
			inside++
		}
		doc = bsonval.AppendElement(doc, e.Path, e.Value)
	}
	doc = bsonval.EndDocument(bsonval.EndDocument(doc, set), docStart)
	u, err := Parse(doc, nil, Options{})
	var conflict *Error
	switch {
	case errors.As(err, &conflict) && conflict.Code == codeConflict, whole > 1, whole == 1 && inside > 0:
		return nil, refuse(codeNotSingleValue, "", "the filter demands two values of a field, and no document has them")
	case err != nil:
		return nil, err
	}
	return u.Apply(nil, bsonval.EndDocument(base, start), Input{Insert: true, Positional: -1})
}
