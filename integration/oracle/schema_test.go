package oracle_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/integration/oracle"
	"github.com/rolegate/rolegate/internal/bsonschema"
	"github.com/rolegate/rolegate/internal/source"
)

// TestSchemasAcceptWhatTheServerAccepts compares which documents conform to a schema with MongoDB's own $jsonSchema, as
// far as that has the keywords.
func TestSchemasAcceptWhatTheServerAccepts(t *testing.T) {
	const rounds, schemas, perRound = 5, 300, 60
	e := oracle.Open(t)
	compared, conforming, refused, failures := 0, 0, 0, 0
	for range rounds * e.Scale {
		g := oracle.NewGenerator(e.Rand)
		g.Odd = false // they cannot be written in a schema
		coll, docs := e.Fill(t, "schemas", slices.DeleteFunc(g.UpdateDocuments(perRound), notFinite))
		for range schemas {
			schema := bson.D{{Key: "properties", Value: bson.D{{Key: "a", Value: g.Schema(2)}, {Key: "b", Value: g.Schema(2)}}}}
			ours := compileSchema(t, schema)
			want, err := matching(t, coll, bson.D{{Key: "$jsonSchema", Value: schema}})
			if err != nil || ours == nil {
				refused++
				if (err != nil) != (ours == nil) && !strings.Contains(fmt.Sprint(err), "duplicate") { // {"enum": [1, 1.0]} is refused there
					failures++
					t.Errorf("%s\nours refused: %v, theirs: %v", oracle.JSON(schema), ours == nil, err)
				}
				continue
			}
			for i, doc := range docs {
				compared++
				_, expected := slices.BinarySearch(want, int32(i))
				if expected {
					conforming++
				}
				if got := ours.Validate(nil, doc, nil); (len(got) == 0) != expected {
					failures++
					t.Errorf("conforms: %v, the server says %v\nschema %s\ndoc    %s\n%v", len(got) == 0, expected, oracle.JSON(schema), oracle.JSON(doc), got)
					break
				}
			}
			if failures >= maxFailures {
				t.FailNow()
			}
		}
	}
	if conforming == 0 || conforming == compared {
		t.Error("all documents are the same to all schemas: this compares nothing")
	}
	t.Logf("%d pairs agree, %d of them conform; both refuse %d schemas", compared, conforming, refused)
}

// notFinite tells whether a document contains a NaN or an infinity, for which we have bounds refuse it.
func notFinite(doc bson.D) bool {
	return strings.Contains(oracle.JSON(doc), `"NaN"`) || strings.Contains(oracle.JSON(doc), `Infinity"`)
}

// compileSchema returns nothing where the schema has errors.
func compileSchema(t *testing.T, schema bson.D) *bsonschema.Schema {
	t.Helper()
	v, ds := source.Parse(&source.File{Name: "schema.json", Text: []byte(oracle.JSON(schema))})
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	s := bsonschema.Compile(v, bsonschema.Options{}, &ds)
	if ds.HasErrors() {
		t.Log(ds)
		return nil
	}
	return s
}
