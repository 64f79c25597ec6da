package oracle_test

import (
	"bytes"
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

// An array as _id has one code with us; the server has another one if the array was made by $push.
const invalidID, notSingleValue = 53, 54

// TestUpsertsMakeWhatTheServerMakes compares documents that upserts insert. Half of them get their _id from the server or
// the update.
func TestUpsertsMakeWhatTheServerMakes(t *testing.T) {
	e := oracle.Open(t)
	coll := e.DB.Collection("upserts")
	g := oracle.NewGenerator(e.Rand)
	docs := g.Documents(updatesThatInsert * e.Scale)
	failures := 0
	counted := map[string]int{}
	for i, doc := range docs {
		u := g.Update(doc, 3)
		if g.IntN(3) == 0 {
			u.ArrayFilters = nil
			u.Update = bson.D{{Key: "$setOnInsert", Value: bson.D{{Key: "z", Value: bson.Timestamp{}}, {Key: "_id", Value: g.Value(1)}}}}
		}
		pre := bson.D{{Key: "_id", Value: int32(i)}}
		if g.IntN(2) == 0 {
			pre = bson.D{}
		}
		filter := append(bson.D{{Key: "none", Value: bson.D{{Key: "$exists", Value: true}}}}, pre...)
		want := upsert(t, coll, filter, u)
		got := inserted(t, mustMarshal(t, pre), u)
		if _, err := got.doc.LookupErr("_id"); got.err == nil && err != nil && want.err == nil {
			want.doc = withoutID(t, want.doc)
		}
		verdict, agree := judge(got, want, mustMarshal(t, pre))
		if refusedByUsOnly(got) || got.code == invalidID && want.code == notSingleValue {
			verdict, agree = "a refusal of ours", true
		}
		counted[verdict]++
		if agree {
			continue
		}
		t.Errorf("%s\nfilter  %s\nupdate  %s\nours    %s\ntheirs  %s", verdict, oracle.JSON(filter), oracle.JSON(u.Update), show(got), show(want))
		if failures++; failures >= maxFailures {
			t.FailNow()
		}
	}
	t.Logf("outcomes:\n%s", counts(counted))
}

func upsert(t *testing.T, coll *mongo.Collection, filter bson.D, u oracle.UpdateCase) outcome {
	t.Helper()
	o := options.UpdateOne().SetUpsert(true)
	if len(u.ArrayFilters) > 0 {
		filters := make([]any, len(u.ArrayFilters))
		for i, f := range u.ArrayFilters {
			filters[i] = f
		}
		o.SetArrayFilters(filters)
	}
	result, err := coll.UpdateOne(t.Context(), filter, u.Update, o)
	if err != nil {
		we, ok := err.(mongo.WriteException) //nolint:errorlint // as the driver returns it
		if !ok || len(we.WriteErrors) != 1 {
			t.Fatal(err)
		}
		return outcome{code: we.WriteErrors[0].Code, err: err}
	}
	var doc bson.Raw
	if err := coll.FindOneAndDelete(t.Context(), bson.D{{Key: "_id", Value: bson.D{{Key: "$eq", Value: result.UpsertedID}}}}).Decode(&doc); err != nil {
		t.Fatalf("%v %v", result, err)
	}
	return outcome{doc: doc}
}

func inserted(t *testing.T, pre bson.Raw, u oracle.UpdateCase) outcome {
	t.Helper()
	filters := make([]bson.Raw, len(u.ArrayFilters))
	for i, f := range u.ArrayFilters {
		filters[i] = mustMarshal(t, f)
	}
	parsed, err := update.Parse(mustMarshal(t, u.Update), filters, update.Options{Query: query.Options{Trusted: true}})
	if err != nil {
		return failed(err)
	}
	post, err := parsed.Apply(nil, pre, update.Input{Insert: true, Now: time.Now(), Positional: -1})
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
