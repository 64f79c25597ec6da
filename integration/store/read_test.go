package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/mongostore"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

func (b bench) aggregate(t *testing.T, documents bool, stages ...string) ([]string, error) {
	t.Helper()
	q := proxy.AggregateQuery{Documents: documents, BatchSize: 2}
	for _, s := range stages {
		q.Stages = append(q.Stages, doc(t, s))
	}
	docs := []bson.Raw{}
	var failed error
	for d, err := range b.store.Aggregate(t.Context(), b.ns, q) {
		if err != nil {
			failed = err
			continue // nothing may come after an error
		}
		docs = append(docs, slices.Clone(d))
	}
	return relaxed(t, docs), failed
}

// distinct is the values as EJSON, in the order of their texts.
func (b bench) distinct(t *testing.T, key, filter string) ([]string, error) {
	t.Helper()
	var query bson.Raw
	if filter != "" {
		query = doc(t, filter)
	}
	values, err := b.store.Distinct(t.Context(), b.ns, key, query)
	texts := []string{}
	for _, v := range values {
		texts = append(texts, v.String())
	}
	slices.Sort(texts)
	return texts, err
}

func TestCount(t *testing.T) {
	b := open(t, `{"_id": "a", "n": 3}`, `{"_id": "b", "n": 1}`, `{"_id": "c", "n": 2}`, `{"_id": "d"}`)
	for filter, want := range map[string]int64{`{}`: 4, `{"n": {"$gt": 1}}`: 2, `{"n": 9}`: 0} {
		if n, err := b.store.Count(t.Context(), b.ns, doc(t, filter)); n != want || err != nil {
			t.Errorf("Count(%s) = %d, %v, want %d", filter, n, err, want)
		}
	}
	if n, err := b.store.Count(t.Context(), b.ns, nil); n != 4 || err != nil {
		t.Errorf("Count of everything = %d, %v, want 4", n, err)
	}
	if n, err := b.store.Count(t.Context(), b.ns, doc(t, `{"n": {"$foo": 1}}`)); !errors.Is(err, proxy.ErrRejected) || n != 0 {
		t.Errorf("Count with an unknown operator = %d, %v, want ErrRejected", n, err)
	}
	b.ns.Collection = "nothing"
	if n, err := b.store.Count(t.Context(), b.ns, nil); n != 0 || err != nil {
		t.Errorf("Count of a collection that is not there = %d, %v", n, err)
	}
}

func TestDistinct(t *testing.T) {
	b := open(t, `{"_id": 1, "a": "x", "l": [{"b": 1}, {"b": 2}]}`, `{"_id": 2, "a": ["x", "y"], "l": {"b": 2}}`, `{"_id": 3, "a": null}`, `{"_id": 4}`)
	tests := []struct {
		key, filter string
		want        []string
	}{
		{"a", ``, []string{`"x"`, `"y"`, `null`}},
		{"a", `{"_id": {"$lt": 2}}`, []string{`"x"`}},
		{"l.b", `{}`, []string{`{"$numberInt":"1"}`, `{"$numberInt":"2"}`}},
		{"nothing", ``, []string{}},
	}
	for _, tt := range tests {
		got, err := b.distinct(t, tt.key, tt.filter)
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("Distinct(%s, %s): %v (-want +got):\n%s", tt.key, tt.filter, err, diff)
		}
	}
	if got, err := b.distinct(t, "a", `{"n": {"$foo": 1}}`); !errors.Is(err, proxy.ErrRejected) || len(got) > 0 {
		t.Errorf("Distinct with an unknown operator = %v, %v, want ErrRejected", got, err)
	}
	// With a deadline, which not every server wants to know.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if got, err := b.store.Distinct(ctx, b.ns, "a", nil); len(got) != 3 || err != nil {
		t.Errorf("Distinct with a deadline = %v, %v", got, err)
	}
}

func TestAggregate(t *testing.T) {
	b := open(t, `{"_id": "a", "n": 3}`, `{"_id": "b", "n": 1}`, `{"_id": "c", "n": 2}`, `{"_id": "d"}`)
	tests := map[string]struct {
		stages []string
		want   []string
	}{
		"two batches": {
			[]string{`{"$match": {"n": {"$gt": 0}}}`, `{"$sort": {"n": -1}}`, `{"$project": {"n": 1}}`},
			[]string{`{"_id":"a","n":3}`, `{"_id":"c","n":2}`, `{"_id":"b","n":1}`},
		},
		"one":  {[]string{`{"$count": "n"}`}, []string{`{"n":4}`}},
		"none": {[]string{`{"$match": {"n": 9}}`}, []string{}},
	}
	for name, tt := range tests {
		got, err := b.aggregate(t, false, tt.stages...)
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	if got, err := b.aggregate(t, false); len(got) != 4 || err != nil {
		t.Errorf("no stages: %v, %v, want everything", got, err)
	}
	for _, err := range b.store.Aggregate(t.Context(), b.ns, proxy.AggregateQuery{BatchSize: 1}) {
		if err != nil {
			t.Error(err)
		}
		break // gives the open cursor back
	}
}

func TestAggregateDocumentsOfItsOwn(t *testing.T) {
	b := open(t, `{"_id": "a"}`)
	b.NeedReal(t, "$documents")
	got, err := b.aggregate(t, true, `{"$documents": [{"a": 1}, {"a": 2}, {"a": {"$literal": "$b"}}]}`, `{"$match": {"a": {"$ne": 1}}}`)
	if diff := cmp.Diff([]string{`{"a":2}`, `{"a":"$b"}`}, got); diff != "" || err != nil {
		t.Errorf("Aggregate: %v (-want +got):\n%s", err, diff)
	}
}

// What the stages of a client raise, before or after the first documents, is never an error of ours.
func TestErrorsOfStages(t *testing.T) {
	b := open(t)
	docs := make([]any, 300)
	for i := range docs {
		docs[i] = bson.D{{Key: "_id", Value: int32(i)}, {Key: "n", Value: int32(len(docs) - 1 - i)}, {Key: "s", Value: "x"}}
	}
	b.Seed(t, b.ns.Database, b.ns.Collection, docs...)
	bad := []string{
		`{"$foo": {}}`, `{"$match": {"n": {"$foo": 1}}}`, `{"$limit": -1}`, `{"$limit": "x"}`, `{"$sort": {"n": 7}}`, `{"$count": ""}`,
		`{"$group": {"n": 1}}`, `{"$project": {}}`, `{"$unwind": "n"}`, `{"$match": {"s": {"$regex": "("}}}`, `{}`,
	}
	if b.Real {
		for _, expression := range []string{
			`{"$divide": [1, "$n"]}`, `{"$divide": ["$n", "$s"]}`, `{"$mod": [1, "$n"]}`, `{"$toInt": "$s"}`, `{"$add": ["$s", 1]}`, `{"$sqrt": "$s"}`,
			`{"$map": {"input": "$n", "in": 1}}`, `{"$arrayElemAt": ["$s", 0]}`, `{"$size": "$n"}`, `{"$foo": 1}`, `"$$nobody"`, `{"$dateToString": {"date": "$s"}}`,
			`{"$regexMatch": {"input": "$s", "regex": "("}}`, `{"$substrBytes": ["é", 1, "$n"]}`, `{"$ln": 0}`, `{"$range": [0, 1, "$n"]}`,
			`{"$objectToArray": "$n"}`, `{"$mergeObjects": "$n"}`, `{"$concat": ["$n"]}`, `{"$split": ["$s", ""]}`, `{"$range": [0, 100000000]}`,
		} {
			bad = append(bad, `{"$project": {"x": `+expression+`}}`)
		}
		bad = append(bad, `{"$replaceWith": "$n"}`, `{"$bucket": {"groupBy": "$n", "boundaries": [0, 1]}}`, `{"$group": {"_id": 1, "x": {"$foo": 1}}}`,
			`{"$setWindowFields": {"sortBy": {"n": 1}, "output": {"x": {"$sum": "$n", "window": {"range": [-1, 1], "unit": "day"}}}}}`)
	}
	for _, stage := range bad {
		if got, err := b.aggregate(t, false, `{"$sort": {"_id": 1}}`, stage); !errors.Is(err, proxy.ErrRejected) {
			t.Errorf("%s: %d documents, %v, want ErrRejected", stage, len(got), err)
		}
	}
	if !b.Real {
		return
	}
	got, err := b.aggregate(t, false, `{"$sort": {"_id": 1}}`, `{"$project": {"x": {"$divide": [1, "$n"]}}}`)
	if !errors.Is(err, proxy.ErrRejected) || len(got) == 0 {
		t.Errorf("a division by zero in the last document: %d documents, %v, want some and ErrRejected", len(got), err)
	}
}

func TestFeatures(t *testing.T) {
	b := open(t)
	var want proxy.Features
	if b.Real {
		want = proxy.Features{Computed: true, UnionWith: true, Documents: true}
	}
	if got, err := b.store.Features(t.Context(), b.ns); got != want || err != nil {
		t.Errorf("Features = %+v, %v, want %+v", got, err, want)
	}
}

// reads are all of them, by what they yield or return; nobody but a test needs them alike.
func reads(b bench) map[string]func(context.Context) (int, error) {
	return map[string]func(context.Context) (int, error){
		"Find": func(ctx context.Context) (int, error) { return findAll(ctx, b) },
		"Count": func(ctx context.Context) (int, error) {
			n, err := b.store.Count(ctx, b.ns, nil)
			return int(n), err
		},
		"Distinct": func(ctx context.Context) (int, error) {
			values, err := b.store.Distinct(ctx, b.ns, "_id", nil)
			return len(values), err
		},
		"Aggregate": func(ctx context.Context) (n int, err error) {
			for _, err = range b.store.Aggregate(ctx, b.ns, proxy.AggregateQuery{}) {
				if err == nil {
					n++
				}
			}
			return n, err
		},
	}
}

func TestReadsOfUnknownDataSourcesAndTheReservedDatabase(t *testing.T) {
	b := open(t)
	elsewhere, own := b.ns, b.ns
	elsewhere.Service = "other"
	own.Database = mongostore.DefaultStoreDatabase
	for _, ns := range []rules.Namespace{elsewhere, own} {
		b.ns = ns
		for name, read := range reads(b) {
			if n, err := read(t.Context()); err == nil {
				t.Errorf("%s in %s of %s is possible: %d", name, ns, ns.Service, n)
			}
		}
		if f, err := b.store.Features(t.Context(), ns); err == nil || f != (proxy.Features{}) {
			t.Errorf("Features of %s of %s = %v, %v", ns, ns.Service, f, err)
		}
	}
}

func TestSlowReads(t *testing.T) {
	for name := range reads(bench{}) {
		t.Run(name, func(t *testing.T) {
			b, r := slowBench(t)
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			before := r.sent("maxTimeMS")
			if n, err := reads(b)[name](ctx); !errors.Is(err, proxy.ErrTimeout) || n != 0 {
				t.Errorf("%d, %v, want ErrTimeout", n, err)
			}
			if r.sent("maxTimeMS") == before && (b.Real || name != "Distinct") {
				t.Error("the command carries no maxTimeMS")
			}
		})
	}
}

// Under a case-insensitive collation two names are one, and "bob" is also true of BOB.
func TestReadsIgnoreTheCollationOfACollection(t *testing.T) {
	b := open(t)
	b.NeedReal(t, "collations")
	create := bson.D{{Key: "create", Value: "c"}, {Key: "collation", Value: bson.D{{Key: "locale", Value: "en"}, {Key: "strength", Value: 2}}}}
	if err := b.Client(t).Database(b.ns.Database).RunCommand(t.Context(), create).Err(); err != nil {
		t.Fatal(err)
	}
	b.seed(t, `{"_id": 1, "owner": "BOB"}`, `{"_id": 2, "owner": "bob"}`)
	if n, err := b.store.Count(t.Context(), b.ns, doc(t, `{"owner": "bob"}`)); n != 1 || err != nil {
		t.Errorf("Count = %d, %v, want 1", n, err)
	}
	if got, err := b.distinct(t, "owner", ``); len(got) != 2 || err != nil {
		t.Errorf("Distinct = %v, %v, want both", got, err)
	}
	if got, err := b.aggregate(t, false, `{"$match": {"owner": "bob"}}`); len(got) != 1 || err != nil {
		t.Errorf("Aggregate = %v, %v, want one", got, err)
	}
}

// A read is sent again when the line was cut before anything came back.
func TestConnectionCutDuringReads(t *testing.T) {
	b := open(t, `{"_id": "a"}`)
	r := startRelay(t, b.URI)
	b.store = openStore(t, r.uri)
	for name, read := range reads(b) {
		t.Run(name, func(t *testing.T) {
			r.set(false, "")
			if n, err := read(t.Context()); n != 1 || err != nil {
				t.Fatalf("through the relay: %d, %v", n, err)
			}
			command := strings.ToLower(strings.Replace(name, "Count", "Aggregate", 1))
			mark := fmt.Sprintf("%s\x00\x02\x00\x00\x00c\x00", command)
			before := r.sent(mark)
			r.set(false, mark)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			if n, err := read(ctx); !errors.Is(err, proxy.ErrUnavailable) || n != 0 {
				t.Errorf("%d, %v, want ErrUnavailable", n, err)
			}
			if n := r.sent(mark) - before; n != 2 {
				t.Errorf("sent %d times, want twice", n)
			}
		})
	}
}
