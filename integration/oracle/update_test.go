package oracle_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/rolegate/rolegate/integration/oracle"
	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/internal/update"
)

const (
	updatesPerRound = 1000
	updateRounds    = 25
)

// outcome is what became of a document: its bytes, or the code of an error.
type outcome struct {
	doc  bson.Raw
	code int
	err  error
}

// ours computes what an update makes of a document.
func ours(t *testing.T, pre bson.Raw, u oracle.UpdateCase) outcome {
	t.Helper()
	in := update.Input{Now: time.Now(), Positional: -1}
	filter, err := query.Parse(mustMarshal(t, u.Filter), query.Options{Trusted: true})
	if err != nil {
		return outcome{err: err}
	}
	filters := make([]bson.Raw, len(u.ArrayFilters))
	for i, f := range u.ArrayFilters {
		filters[i] = mustMarshal(t, f)
	}
	parsed, err := update.Parse(mustMarshal(t, u.Update), filters, update.Options{Query: query.Options{Trusted: true}})
	if err != nil {
		return failed(err)
	}
	if !filter.Match(pre) {
		return outcome{doc: pre}
	}
	if i, ok := filter.Positional(pre); ok {
		in.Positional = i
	}
	before := bytes.Clone(pre)
	post, err := parsed.Apply(nil, pre, in)
	if !bytes.Equal(before, pre) {
		t.Fatal("Apply changed the before-image")
	}
	if err != nil {
		return failed(err)
	}
	return outcome{doc: post}
}

func failed(err error) outcome {
	o := outcome{err: err}
	var e *update.Error
	if errors.As(err, &e) {
		o.code = e.Code
	}
	return o
}

// theirs runs one update for each document.
func theirs(t *testing.T, coll *mongo.Collection, cases []oracle.UpdateCase) []outcome {
	t.Helper()
	models := make([]mongo.WriteModel, len(cases))
	for i, u := range cases {
		filter := append(bson.D{{Key: "_id", Value: int32(i)}}, u.Filter...)
		m := mongo.NewUpdateOneModel().SetFilter(filter).SetUpdate(u.Update)
		if len(u.ArrayFilters) > 0 {
			filters := make([]any, len(u.ArrayFilters))
			for j, f := range u.ArrayFilters {
				filters[j] = f
			}
			m.SetArrayFilters(filters)
		}
		models[i] = m
	}
	out := make([]outcome, len(cases))
	_, err := coll.BulkWrite(t.Context(), models, options.BulkWrite().SetOrdered(false))
	var bulk mongo.BulkWriteException
	if err != nil && !errors.As(err, &bulk) {
		t.Fatal(err)
	}
	for _, e := range bulk.WriteErrors {
		out[e.Index].code, out[e.Index].err = e.Code, errors.New(e.Message)
	}
	cur, err := coll.Find(t.Context(), bson.D{}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}))
	if err != nil {
		t.Fatal(err)
	}
	var docs []bson.Raw
	if err := cur.All(t.Context(), &docs); err != nil {
		t.Fatal(err)
	}
	if len(docs) != len(cases) {
		t.Fatalf("%d documents, want %d", len(docs), len(cases))
	}
	for i, doc := range docs {
		out[i].doc = doc
	}
	return out
}

func TestUpdatesMakeWhatTheServerMakes(t *testing.T) {
	e := oracle.Open(t)
	counted := map[string]int{}
	failures := 0
	for range updateRounds * e.Scale {
		g := oracle.NewGenerator(e.Rand)
		docs := g.Documents(updatesPerRound)
		coll, stored := e.Fill(t, "updates", docs)
		cases := make([]oracle.UpdateCase, len(docs))
		for i, doc := range docs {
			cases[i] = g.Update(doc, 6)
		}
		for i, want := range theirs(t, coll, cases) {
			got := ours(t, stored[i], cases[i])
			verdict, agree := judge(got, want, stored[i])
			if refusedByUsOnly(got) {
				verdict, agree = "a refusal of ours", true
			}
			counted[verdict]++
			if agree {
				continue
			}
			failures++
			t.Errorf("%s\nfilter  %s\nupdate  %s\nfilters %s\nbefore  %s\nours    %s\ntheirs  %s", verdict, oracle.JSON(cases[i].Filter), oracle.JSON(cases[i].Update),
				oracle.JSON(bson.D{{Key: "", Value: cases[i].ArrayFilters}}), oracle.JSON(stored[i]), show(got), show(want))
			if failures >= maxFailures {
				t.FailNow()
			}
		}
	}
	if n := counted["the same change"]; n < updatesPerRound {
		t.Errorf("only %d updates change anything: this compares too little", n)
	}
	t.Logf("outcomes:\n%s", counts(counted))
}

// refusedByUsOnly tells whether a refusal is one that the package documents as its own: names that start with '$'.
// (Indexes with leading zeros are not generated at all. The server takes a.1 and a.01 for two paths, then stops on finding
// the element twice.)
func refusedByUsOnly(got outcome) bool {
	const dollarPrefixed = 52
	return got.code == dollarPrefixed
}

func show(o outcome) string {
	if o.err != nil {
		return fmt.Sprintf("error %d: %v", o.code, o.err)
	}
	return fmt.Sprintf("%s\n        %x", oracle.JSON(o.doc), []byte(o.doc))
}

// judge says in a few words how two outcomes compare, and whether they agree.
func judge(got, want outcome, pre bson.Raw) (verdict string, agree bool) {
	switch {
	case got.err != nil && want.err != nil:
		if got.code == want.code {
			return fmt.Sprintf("both fail with %d", got.code), true
		}
		return fmt.Sprintf("we fail with %d, the server with %d", got.code, want.code), false
	case got.err != nil:
		return fmt.Sprintf("only we fail: %v", got.err), false
	case want.err != nil:
		return "only the server fails", false
	case !bytes.Equal(got.doc, want.doc):
		return "the documents differ", false
	case bytes.Equal(got.doc, pre):
		return "nothing changes", true
	}
	return "the same change", true
}

func TestCurrentDateStandsWhereTheServerPutsIt(t *testing.T) {
	e := oracle.Open(t)
	kinds := []any{true, false, bson.D{{Key: "$type", Value: "date"}}, bson.D{{Key: "$type", Value: "timestamp"}}}
	for _, kind := range kinds {
		coll, stored := e.Fill(t, "dates", []bson.D{{{Key: "b", Value: "x"}}})
		u := oracle.UpdateCase{Filter: bson.D{}, Update: bson.D{{Key: "$currentDate", Value: bson.D{{Key: "b", Value: kind}, {Key: "a.c", Value: kind}}}}}
		want, got := theirs(t, coll, []oracle.UpdateCase{u})[0], ours(t, stored[0], u)
		if want.err != nil || got.err != nil {
			t.Fatalf("%v: %v, the server says %v", kind, got.err, want.err)
		}
		for _, path := range [][]string{{"b"}, {"a", "c"}} {
			w, g := want.doc.Lookup(path...), got.doc.Lookup(path...)
			if w.Type != g.Type {
				t.Errorf("%v: %v at %v, the server has %v", kind, g.Type, path, w.Type)
			}
			if len(w.Value) != len(g.Value) || !bytes.Equal(w.Value[6:], g.Value[6:]) {
				t.Errorf("%v: %x at %v, the server has %x", kind, g.Value, path, w.Value)
			}
		}
	}
}
