package bsonschema_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonschema"
	"github.com/rolegate/rolegate/internal/source"
)

// No schema and no document makes the encoder or the validator panic, and a value of the wrong type never passes.
func FuzzValidate(f *testing.F) {
	for _, v := range everyType(f) {
		doc := raw(f, bson.D{{Key: "v", Value: v}})
		f.Add(`{"properties": {"v": {"bsonType": "int", "minimum": 3, "enum": [1, 2]}}}`, []byte(doc))
		f.Add(`{"properties": {"v": {"items": {"uniqueItems": true}, "propertyNames": {"format": "email"}, "multipleOf": 0.5}}}`, []byte(doc))
	}
	f.Fuzz(func(t *testing.T, text string, doc []byte) {
		strict := compile(t, `{"properties": {"v": {"bsonType": "int", "enum": [1]}, "w": {"uniqueItems": true, "multipleOf": 3}}, "required": ["v"]}`, bsonschema.Options{})
		if got := strict.Validate(nil, doc, nil); len(got) == 0 {
			if n, ok := bson.Raw(doc).Lookup("v").Int32OK(); !ok || n != 1 {
				t.Errorf("%x passes", doc)
			}
		}
		v, ds := source.Parse(&source.File{Name: "s", Text: []byte(text)})
		if v == nil || ds.HasErrors() {
			return
		}
		s := bsonschema.Compile(v, bsonschema.Options{Validate: func(*source.Value) int { return 0 }}, &ds)
		s.Validate(doc, doc, func(int, bson.RawValue, bson.RawValue) bool { return false })
	})
}
