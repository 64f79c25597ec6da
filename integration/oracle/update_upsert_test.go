package oracle_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/rolegate/rolegate/integration/oracle"
	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/internal/update"
)

const updatesThatInsert = 3000

// TestUpsertsMakeWhatTheServerMakes compares documents that upserts insert. Half of them get their _id from the
// server or the update, and half have a filter that demands more to be equal.
func TestUpsertsMakeWhatTheServerMakes(t *testing.T) {
	e := oracle.Open(t)
	coll := e.DB.Collection("upserts")
	g := oracle.NewGenerator(e.Rand)
	docs := g.UpdateDocuments(updatesThatInsert * e.Scale)
	c := newComparison()
	for i, doc := range docs {
		u := g.Update(doc, 3)
		if g.IntN(3) == 0 {
			u.ArrayFilters = nil
			u.Update = bson.D{{Key: "$setOnInsert", Value: bson.D{{Key: "z", Value: bson.Timestamp{}}, {Key: "_id", Value: g.Value(1)}}}}
		}
		u.Filter = bson.D{{Key: "none", Value: bson.D{{Key: "$exists", Value: true}}}}
		if g.IntN(2) == 0 {
			u.Filter = append(u.Filter, bson.E{Key: "_id", Value: int32(i)})
		}
		if g.IntN(2) == 0 {
			u.Filter = append(u.Filter, equalities(g)...)
		}
		f, err := query.Parse(mustMarshal(t, u.Filter), query.Options{Trusted: true})
		if err != nil || emptyListInside.MatchString(oracle.JSON(u.Filter)) {
			continue
		}
		want, got := upsert(t, coll, u), inserted(t, f, u)
		if got.err == nil && want.err == nil {
			if _, err := got.doc.LookupErr("_id"); err != nil {
				want.doc = withoutID(t, want.doc)
			}
		}
		if len(f.Equalities()) > 1 && got.err == nil && want.err == nil {
			got.doc, want.doc = sorted(t, got.doc), sorted(t, want.doc) // the order of equalities is left to chance
		}
		c.judge(t, u, nil, got, want)
	}
	t.Logf("%s", c)
}

// equalities is a filter that demands something to be equal, mostly.
func equalities(g *oracle.Generator) bson.D {
	if g.IntN(2) == 0 {
		return bson.D{{Key: "$and", Value: bson.A{g.FlatQuery(1)}}}
	}
	and := bson.A{}
	for range 1 + g.IntN(3) {
		path := g.Path()
		if g.IntN(8) == 0 {
			path = oracle.Pick(g, "_id", "_id.a", "_id.b", "")
		}
		and = append(and, bson.D{{Key: path, Value: g.Operand()}})
	}
	return bson.D{{Key: "$and", Value: and}}
}

// sorted puts the fields of a document and of those in it in order.
func sorted(t *testing.T, doc bson.Raw) bson.Raw {
	t.Helper()
	var d bson.D
	if err := bson.Unmarshal(doc, &d); err != nil {
		t.Fatal(err)
	}
	return mustMarshal(t, sortFields(d).(bson.D))
}

func sortFields(v any) any {
	switch v := v.(type) {
	case bson.D:
		for i := range v {
			v[i].Value = sortFields(v[i].Value)
		}
		slices.SortStableFunc(v, func(a, b bson.E) int { return strings.Compare(a.Key, b.Key) })
	case bson.A:
		for i := range v {
			v[i] = sortFields(v[i])
		}
	}
	return v
}

func upsert(t *testing.T, coll *mongo.Collection, u oracle.UpdateCase) outcome {
	t.Helper()
	o := options.UpdateOne().SetUpsert(true)
	if len(u.ArrayFilters) > 0 {
		filters := make([]any, len(u.ArrayFilters))
		for i, f := range u.ArrayFilters {
			filters[i] = f
		}
		o.SetArrayFilters(filters)
	}
	result, err := coll.UpdateOne(t.Context(), u.Filter, u.Update, o)
	if err != nil {
		we, ok := err.(mongo.WriteException) //nolint:errorlint // as the driver returns it
		if !ok || len(we.WriteErrors) != 1 {
			t.Fatal(err)
		}
		return outcome{code: we.WriteErrors[0].Code, err: errors.New(we.WriteErrors[0].Message)}
	}
	var doc bson.Raw
	if err := coll.FindOneAndDelete(t.Context(), bson.D{{Key: "_id", Value: bson.D{{Key: "$eq", Value: result.UpsertedID}}}}).Decode(&doc); err != nil {
		t.Fatalf("%v %v", result, err)
	}
	return outcome{doc: doc}
}

func inserted(t *testing.T, f *query.Filter, u oracle.UpdateCase) outcome {
	t.Helper()
	filters := make([]bson.Raw, len(u.ArrayFilters))
	for i, f := range u.ArrayFilters {
		filters[i] = mustMarshal(t, f)
	}
	parsed, err := update.Parse(mustMarshal(t, u.Update), filters, update.Options{Query: query.Options{Trusted: true}})
	if err != nil {
		return failed(err)
	}
	base, err := update.Base(f)
	if err != nil {
		return failed(err)
	}
	post, err := parsed.Apply(nil, base, update.Input{Insert: true, Now: time.Now(), Positional: -1})
	if err != nil {
		return failed(err)
	}
	return outcome{doc: post}
}

// withoutID is a document without the _id that the server made.
func withoutID(t *testing.T, doc bson.Raw) bson.Raw {
	t.Helper()
	elements, err := doc.Elements()
	if err != nil || len(elements) == 0 || elements[0].Key() != "_id" {
		t.Fatalf("no _id in front: %v", err)
	}
	rest := bytes.Clone(doc[4+len(elements[0]):])
	out := append(make([]byte, 4), rest...)
	n := len(out)
	out[0], out[1], out[2], out[3] = byte(n), byte(n>>8), byte(n>>16), byte(n>>24)
	return out
}
