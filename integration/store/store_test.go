// Package store tests internal/mongostore on a server.
package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/integration/testdb"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/mongostore"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// bench is a store with one data source on a collection of its own.
type bench struct {
	*testdb.Server
	store *mongostore.Store
	ns    rules.Namespace
}

func open(t *testing.T, seed ...string) bench {
	t.Helper()
	s := testdb.Open(t)
	b := bench{
		Server: s,
		store:  openStore(t, s.URI),
		ns:     rules.Namespace{Service: "mongodb-atlas", Database: s.Database(t), Collection: "c"},
	}
	b.seed(t, seed...)
	return b
}

func openStore(t *testing.T, uri string) *mongostore.Store {
	t.Helper()
	store, err := mongostore.Open(t.Context(), mongostore.Config{DataSources: map[string]string{"mongodb-atlas": uri}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(context.Background()); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return store
}

func (b bench) seed(t *testing.T, docs ...string) {
	t.Helper()
	raws := make([]any, len(docs))
	for i, d := range docs {
		raws[i] = doc(t, d)
	}
	b.Seed(t, b.ns.Database, b.ns.Collection, raws...)
}

// stored is the collection in the order of _id, as relaxed EJSON.
func (b bench) stored(t *testing.T) []string {
	t.Helper()
	return relaxed(t, b.Dump(t, b.ns.Database, b.ns.Collection))
}

func (b bench) find(t *testing.T, q proxy.Query) ([]string, error) {
	t.Helper()
	docs := []bson.Raw{}
	var failed error
	for d, err := range b.store.Find(t.Context(), b.ns, q) {
		if err != nil {
			failed = err
			continue // nothing may come after an error
		}
		docs = append(docs, slices.Clone(d))
	}
	return relaxed(t, docs), failed
}

func (b bench) write(t *testing.T, ws ...proxy.GuardedWrite) (proxy.WriteResult, error) {
	t.Helper()
	return b.store.Write(t.Context(), b.ns, ws)
}

func doc(t *testing.T, ejson string) bson.Raw {
	t.Helper()
	var d bson.Raw
	if err := bson.UnmarshalExtJSON([]byte(ejson), false, &d); err != nil {
		t.Fatalf("%s: %v", ejson, err)
	}
	return d
}

// value is a BSON value written as EJSON; the empty string is absence.
func value(t *testing.T, ejson string) bson.RawValue {
	t.Helper()
	if ejson == "" {
		return bson.RawValue{}
	}
	v, _ := bsonval.Lookup(doc(t, `{"v": `+ejson+`}`), "v")
	return v
}

func relaxed(t *testing.T, docs []bson.Raw) []string {
	t.Helper()
	out := []string{}
	for _, d := range docs {
		text, err := bson.MarshalExtJSON(d, false, false)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(text))
	}
	return out
}

func set(t *testing.T, id, field, to string, guard ...proxy.GuardField) proxy.GuardedWrite {
	t.Helper()
	return proxy.GuardedWrite{
		Kind: proxy.UpdateFields, ID: value(t, id), Guard: proxy.Guard{Fields: guard},
		Set: []proxy.FieldValue{{Path: field, Value: value(t, to)}},
	}
}

func TestFind(t *testing.T) {
	b := open(t, `{"_id": "a", "n": 3}`, `{"_id": "b", "n": 1}`, `{"_id": "c", "n": 2}`, `{"_id": "d"}`)
	tests := map[string]struct {
		query proxy.Query
		want  []string
	}{
		"all, sorted": {
			proxy.Query{Sort: doc(t, `{"_id": -1}`)},
			[]string{`{"_id":"d"}`, `{"_id":"c","n":2}`, `{"_id":"b","n":1}`, `{"_id":"a","n":3}`},
		},
		"filtered": {
			proxy.Query{Filter: doc(t, `{"n": {"$gt": 1}}`), Sort: doc(t, `{"n": 1}`)},
			[]string{`{"_id":"c","n":2}`, `{"_id":"a","n":3}`},
		},
		"skip and limit": {
			proxy.Query{Sort: doc(t, `{"_id": 1}`), Skip: 1, Limit: 2, ForDecision: true},
			[]string{`{"_id":"b","n":1}`, `{"_id":"c","n":2}`},
		},
		"in batches of one": {
			proxy.Query{Filter: doc(t, `{"n": {"$lt": 3}}`), Sort: doc(t, `{"n": 1}`), BatchSize: 1},
			[]string{`{"_id":"b","n":1}`, `{"_id":"c","n":2}`},
		},
		"none": {proxy.Query{Filter: doc(t, `{"n": 9}`)}, []string{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := b.find(t, tt.query)
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("Find: %v (-want +got):\n%s", err, diff)
			}
		})
	}
	if got, err := b.find(t, proxy.Query{Filter: doc(t, `{"n": {"$foo": 1}}`)}); !errors.Is(err, proxy.ErrRejected) || len(got) > 0 {
		t.Errorf("Find with an unknown operator = %v, %v, want ErrRejected", got, err)
	}
}

func TestFindStreamsManyBatches(t *testing.T) {
	b := open(t)
	docs := make([]any, 2500)
	for i := range docs {
		docs[i] = bson.D{{Key: "_id", Value: fmt.Sprintf("%04d", i)}}
	}
	b.Seed(t, b.ns.Database, b.ns.Collection, docs...)
	for _, size := range []int32{0, 7, 1000} {
		got, err := b.find(t, proxy.Query{Sort: doc(t, `{"_id": 1}`), BatchSize: size})
		if err != nil || len(got) != len(docs) || got[2499] != `{"_id":"2499"}` {
			t.Errorf("Find in batches of %d = %d documents, %v, want %d", size, len(got), err, len(docs))
		}
	}
	n := 0
	for _, err := range b.store.Find(t.Context(), b.ns, proxy.Query{BatchSize: 10}) {
		if n++; err != nil || n == 15 {
			break // gives the open cursor back
		}
	}
	if n != 15 {
		t.Errorf("Find went on for %d documents, want 15", n)
	}
}

// Under a case-insensitive default collation a filter on "bob" would also be true of BOB.
func TestFindIgnoresTheCollationOfACollection(t *testing.T) {
	b := open(t)
	b.NeedReal(t, "collations")
	create := bson.D{{Key: "create", Value: "c"}, {Key: "collation", Value: bson.D{{Key: "locale", Value: "en"}, {Key: "strength", Value: 2}}}}
	if err := b.Client(t).Database(b.ns.Database).RunCommand(t.Context(), create).Err(); err != nil {
		t.Fatal(err)
	}
	b.seed(t, `{"_id": 1, "owner": "BOB"}`, `{"_id": 2, "owner": "bob"}`)
	got, err := b.find(t, proxy.Query{Filter: doc(t, `{"owner": "bob"}`)})
	if diff := cmp.Diff([]string{`{"_id":2,"owner":"bob"}`}, got); diff != "" || err != nil {
		t.Errorf("Find: %v (-want +got):\n%s", err, diff)
	}
	for _, several := range []bool{false, true} {
		ws := []proxy.GuardedWrite{set(t, "1", "x", "1", proxy.GuardField{Name: "owner", Value: value(t, `"bob"`)})}
		if several {
			ws = append(ws, ws[0])
		}
		res, err := b.write(t, ws...)
		if err != nil || res.Done != 0 {
			t.Errorf("a write of %d statements guarded by bob changed the document of BOB: %+v, %v", len(ws), res, err)
		}
	}
}

func TestUnknownDataSourceAndReservedDatabase(t *testing.T) {
	b := open(t)
	elsewhere, own := b.ns, b.ns
	elsewhere.Service = "other"
	own.Database = mongostore.DefaultStoreDatabase
	for _, ns := range []rules.Namespace{elsewhere, own} {
		for _, err := range b.store.Find(t.Context(), ns, proxy.Query{}) {
			if err == nil {
				t.Errorf("Find in %s of %s is possible", ns, ns.Service)
			}
		}
		insert := proxy.GuardedWrite{Kind: proxy.InsertDocument, Document: doc(t, `{"_id": 1}`)}
		if res, err := b.store.Write(t.Context(), ns, []proxy.GuardedWrite{insert}); err == nil || res.Done != 0 {
			t.Errorf("Write in %s of %s = %+v, %v", ns, ns.Service, res, err)
		}
	}
	if docs := b.Dump(t, mongostore.DefaultStoreDatabase, "c"); len(docs) > 0 {
		t.Errorf("%d documents in our own database", len(docs))
	}
}

func TestCapabilitiesAreLoggedWithoutThePassword(t *testing.T) {
	s := testdb.Open(t)
	var log strings.Builder
	store, err := mongostore.Open(t.Context(), mongostore.Config{
		DataSources: map[string]string{"a": s.URI, "b": s.URI},
		StoreURI:    s.URI,
		Logger:      textLogger(&log),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close(context.Background()) }()
	if n := strings.Count(log.String(), "database reached"); n != 1 {
		t.Errorf("one deployment, %d lines:\n%s", n, &log)
	}
	if warned := strings.Contains(log.String(), "for development only"); warned == s.Real {
		t.Errorf("the log says development only = %v, the server is real = %v:\n%s", warned, s.Real, &log)
	}
	if err := store.Ping(t.Context()); err != nil {
		t.Errorf("Ping = %v", err)
	}
}
