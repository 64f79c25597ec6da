package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/mongostore"
	"github.com/rolegate/rolegate/proxy"
)

func textLogger(w *strings.Builder) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

func TestWriteEachKind(t *testing.T) {
	before := `{"_id": "a", "n": 1, "deep": {"x": 1, "y": 2}, "gone": true}`
	guard := proxy.Guard{Fields: []proxy.GuardField{
		{Name: "n", Value: value(t, `1`)}, {Name: "deep", Value: value(t, `{"x": 1, "y": 2}`)}, {Name: "new"},
	}}
	tests := map[string]struct {
		write proxy.GuardedWrite
		want  []string
	}{
		"insert": {
			proxy.GuardedWrite{Kind: proxy.InsertDocument, Document: doc(t, `{"_id": "b", "n": 2}`)},
			[]string{`{"_id":"a","n":1,"deep":{"x":1,"y":2},"gone":true}`, `{"_id":"b","n":2}`},
		},
		"difference": {
			proxy.GuardedWrite{
				Kind: proxy.UpdateFields, ID: value(t, `"a"`), Guard: guard, Unset: []string{"gone", "deep.y"},
				Set: []proxy.FieldValue{{Path: "deep.x", Value: value(t, `9`)}, {Path: "new", Value: value(t, `"$n"`)}},
			},
			[]string{`{"_id":"a","n":1,"deep":{"x":9},"new":"$n"}`},
		},
		"replacement": {
			proxy.GuardedWrite{
				Kind: proxy.ReplaceDocument, ID: value(t, `"a"`), Guard: proxy.Guard{Document: doc(t, before)},
				Document: doc(t, `{"_id": "a", "n": 7}`),
			},
			[]string{`{"_id":"a","n":7}`},
		},
		"delete": {
			proxy.GuardedWrite{Kind: proxy.DeleteDocument, ID: value(t, `"a"`), Guard: guard},
			[]string{},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := open(t, before)
			res, err := b.write(t, tt.write)
			want := proxy.WriteResult{Matched: []bool{true}, Done: 1}
			switch tt.write.Kind {
			case proxy.InsertDocument:
				want.Inserted = 1
			case proxy.DeleteDocument:
				want.Deleted = 1
			}
			if diff := cmp.Diff(want, res); diff != "" || err != nil {
				t.Errorf("Write: %v (-want +got):\n%s", err, diff)
			}
			if diff := cmp.Diff(tt.want, b.stored(t)); diff != "" {
				t.Errorf("stored (-want +got):\n%s", diff)
			}
			if tt.write.Kind == proxy.InsertDocument {
				return
			}
			before := b.stored(t)
			res, err = b.write(t, tt.write) // the document is not any longer what the decision saw
			if diff := cmp.Diff(proxy.WriteResult{Matched: []bool{false}}, res); diff != "" || err != nil {
				t.Errorf("second Write: %v (-want +got):\n%s", err, diff)
			}
			if diff := cmp.Diff(before, b.stored(t)); diff != "" {
				t.Errorf("a lost guard changed something (-want +got):\n%s", diff)
			}
		})
	}
}

// A guard holds for exactly the value that was seen, whatever MongoDB's query equality thinks of it.
func TestGuardIsIdentity(t *testing.T) {
	b := open(t)
	values := []string{
		``, `null`, `"ua"`, `["ua"]`, `["ua", "ub"]`, `1`, `{"$numberLong": "1"}`, `{"$numberDouble": "1.0"}`, `[1, 2]`,
		`[]`, `{}`, `{"a": 1}`, `{"a": 1, "b": 2}`, `[null]`,
	}
	if b.Real {
		values = append(values,
			`[[1, 2], 3]`, `[[1, 2]]`, `{"b": 2, "a": 1}`, `[{"a": 1}]`, `{"$numberDecimal": "1"}`, `""`, `"UA"`, `false`, `0`, `true`,
			`{"$numberDouble": "NaN"}`, `{"$date": "2020-01-01T00:00:00Z"}`, `{"$timestamp": {"t": 1, "i": 1}}`,
			`{"$oid": "5f0000000000000000000001"}`, `{"$binary": {"base64": "AAE=", "subType": "00"}}`,
			`{"$binary": {"base64": "AAE=", "subType": "04"}}`, `{"$minKey": 1}`, `{"$maxKey": 1}`, `{"$symbol": "ua"}`,
			`{"$code": "ua"}`, `{"$code": "ua", "$scope": {}}`, `{"$regularExpression": {"pattern": "ua", "options": ""}}`,
			`{"$undefined": true}`, `"$f"`, `{"$literal": 1}`,
		)
	}
	for i, v := range values {
		d := fmt.Sprintf(`{"_id": "%03d"}`, i)
		if v != "" {
			d = fmt.Sprintf(`{"_id": "%03d", "f": %s}`, i, v)
		}
		b.insertOne(t, d)
	}
	for i, stored := range values {
		id := fmt.Sprintf(`"%03d"`, i)
		var whole, fields []proxy.GuardedWrite
		var want []bool
		for j, seen := range values {
			if !b.Real && (i+j)%3 != 0 && i != j {
				continue // the embedded server writes a few documents a second
			}
			want = append(want, stored == seen)
			fields = append(fields, set(t, id, "x", "true", proxy.GuardField{Name: "f", Value: value(t, seen)}))
			pre := `{"_id": ` + id + `}`
			if seen != "" {
				pre = `{"_id": ` + id + `, "f": ` + seen + `}`
			}
			// The replacement does not change the document, so that the next guard meets the same one.
			whole = append(whole, proxy.GuardedWrite{
				Kind: proxy.ReplaceDocument, ID: value(t, id), Document: b.one(t, i), Guard: proxy.Guard{Document: doc(t, pre)},
			})
		}
		if b.Real { // the other cannot see that a whole document has gained a field
			b.expect(t, "document "+stored, whole, want)
		}
		b.expect(t, "field "+stored, fields, want)
	}
}

// expect writes all at once and one by one.
func (b bench) expect(t *testing.T, name string, ws []proxy.GuardedWrite, want []bool) {
	t.Helper()
	if res, err := b.write(t, ws...); err != nil || !cmp.Equal(want, res.Matched) {
		t.Errorf("%s: Write: %v (-want +got):\n%s", name, err, cmp.Diff(want, res.Matched))
	}
	if !b.Real {
		return
	}
	for i, w := range ws {
		if res, err := b.write(t, w); err != nil || !cmp.Equal(want[i:i+1], res.Matched) {
			t.Errorf("%s: Write alone with guard %v = %+v, %v, want %v", name, w.Guard, res, err, want[i])
		}
	}
}

// insertOne goes through the store, because the driver's own methods would not keep every type.
func (b bench) insertOne(t *testing.T, d string) {
	t.Helper()
	if _, err := b.write(t, proxy.GuardedWrite{Kind: proxy.InsertDocument, Document: doc(t, d)}); err != nil {
		t.Fatalf("insert %s: %v", d, err)
	}
}

func (b bench) one(t *testing.T, i int) bson.Raw {
	t.Helper()
	raw, err := b.Client(t).Database(b.ns.Database).Collection(b.ns.Collection).
		FindOne(t.Context(), bson.D{{Key: "_id", Value: fmt.Sprintf("%03d", i)}}).Raw()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestIDIsIdentity(t *testing.T) {
	b := open(t)
	ids := []string{`1`, `"1"`, `{"a": 1}`, `"a"`}
	others := []string{`{"$numberDouble": "1.0"}`, `{"$numberLong": "1"}`, `null`, `{"a": 1, "b": 1}`, `"A"`, `["a"]`, `2`}
	for _, id := range ids {
		b.insertOne(t, `{"_id": `+id+`}`)
	}
	for _, id := range others {
		if res, err := b.write(t, set(t, id, "x", "1")); err != nil || res.Done != 0 {
			t.Errorf("Write to _id %s = %+v, %v, want nothing done", id, res, err)
		}
	}
	for _, id := range ids {
		if res, err := b.write(t, set(t, id, "x", "1")); err != nil || res.Done != 1 {
			t.Errorf("Write to _id %s = %+v, %v, want it done", id, res, err)
		}
	}
}

func TestLostGuardInTheMiddle(t *testing.T) {
	b := open(t, `{"_id": "a", "v": 1}`, `{"_id": "b", "v": 2}`, `{"_id": "c", "v": 1}`, `{"_id": "d", "v": 1}`)
	seen := proxy.GuardField{Name: "v", Value: value(t, `1`)}
	res, err := b.write(t,
		set(t, `"a"`, "v", "5", seen), set(t, `"b"`, "v", "5", seen), set(t, `"c"`, "v", "5", seen),
		proxy.GuardedWrite{Kind: proxy.DeleteDocument, ID: value(t, `"d"`), Guard: proxy.Guard{Fields: []proxy.GuardField{seen}}},
		proxy.GuardedWrite{Kind: proxy.DeleteDocument, ID: value(t, `"gone"`)})
	want := proxy.WriteResult{Matched: []bool{true, false, true, true, false}, Done: 3, Deleted: 1}
	if diff := cmp.Diff(want, res); diff != "" || err != nil {
		t.Errorf("Write: %v (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{`{"_id":"a","v":5}`, `{"_id":"b","v":2}`, `{"_id":"c","v":5}`}, b.stored(t)); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

// Before MongoDB 8.0 a reply has totals: they tell about each statement only when all or none took effect.
func TestTotalsOfOlderServers(t *testing.T) {
	b := open(t, `{"_id": "a", "v": 1}`, `{"_id": "b", "v": 1}`, `{"_id": "c", "v": 2}`)
	b.NeedReal(t, "totals that can be relied on")
	store, err := mongostore.Open(t.Context(), mongostore.Config{
		DataSources: map[string]string{"mongodb-atlas": b.URI}, NoBulkWrite: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close(context.Background()) })
	b.store = store
	index := mongo.IndexModel{Keys: bson.D{{Key: "k", Value: 1}}, Options: options.Index().SetUnique(true).SetSparse(true)}
	if _, err := b.Client(t).Database(b.ns.Database).Collection(b.ns.Collection).Indexes().CreateOne(t.Context(), index); err != nil {
		t.Fatal(err)
	}
	seen := proxy.GuardField{Name: "v", Value: value(t, `1`)}
	write := func(id, field, to string) proxy.GuardedWrite { return set(t, id, field, to, seen) }
	remove := proxy.GuardedWrite{Kind: proxy.DeleteDocument, ID: value(t, `"a"`), Guard: proxy.Guard{Fields: []proxy.GuardField{seen}}}
	tests := []struct {
		name  string
		ws    []proxy.GuardedWrite
		want  proxy.WriteResult
		error error
	}{
		{"all hold", []proxy.GuardedWrite{write(`"a"`, "x", "1"), write(`"b"`, "x", "1")}, proxy.WriteResult{Matched: []bool{true, true}, Done: 2}, nil},
		{"none holds", []proxy.GuardedWrite{write(`"c"`, "x", "1"), write(`"d"`, "x", "1")}, proxy.WriteResult{Matched: []bool{false, false}}, nil},
		{"some hold", []proxy.GuardedWrite{write(`"a"`, "x", "2"), write(`"c"`, "x", "2")}, proxy.WriteResult{Done: 1}, nil},
		{
			"an error after one that held",
			[]proxy.GuardedWrite{write(`"a"`, "k", "7"), write(`"b"`, "k", "7"), write(`"b"`, "x", "9")},
			proxy.WriteResult{Matched: []bool{true, false}, Done: 1},
			proxy.ErrDuplicateKey,
		},
		{"two commands", []proxy.GuardedWrite{write(`"b"`, "x", "3"), remove, remove}, proxy.WriteResult{Done: 2, Deleted: 1}, nil},
	}
	for _, tt := range tests {
		res, err := b.write(t, tt.ws...)
		if diff := cmp.Diff(tt.want, res); diff != "" || !errors.Is(err, tt.error) {
			t.Errorf("%s: Write: %v, want %v (-want +got):\n%s", tt.name, err, tt.error, diff)
		}
	}
	if diff := cmp.Diff([]string{`{"_id":"b","v":1,"x":3}`, `{"_id":"c","v":2}`}, b.stored(t)); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestDuplicateKeyInTheMiddle(t *testing.T) {
	b := open(t, `{"_id": "b"}`, `{"_id": "x"}`, `{"_id": "y"}`, `{"_id": "z"}`)
	var inserts []proxy.GuardedWrite
	for _, id := range []string{"a", "b", "c"} {
		inserts = append(inserts, proxy.GuardedWrite{Kind: proxy.InsertDocument, Document: doc(t, `{"_id": "`+id+`", "k": "`+id+`"}`)})
	}
	res, err := b.write(t, inserts...)
	if diff := cmp.Diff(proxy.WriteResult{Matched: []bool{true, false}, Done: 1, Inserted: 1}, res); diff != "" || !errors.Is(err, proxy.ErrDuplicateKey) {
		t.Errorf("insert: %v, want ErrDuplicateKey (-want +got):\n%s", err, diff)
	}

	if got := len(b.stored(t)); got != 5 {
		t.Errorf("%d documents are stored, want 5", got)
	}
}

func TestDuplicateKeyInAnUpdate(t *testing.T) {
	b := open(t, `{"_id": "x", "k": 2}`, `{"_id": "y", "k": 3}`, `{"_id": "z", "k": 4}`)
	b.NeedReal(t, "error of its own for a duplicate key in an update")
	index := mongo.IndexModel{Keys: bson.D{{Key: "k", Value: 1}}, Options: options.Index().SetUnique(true)}
	if _, err := b.Client(t).Database(b.ns.Database).Collection(b.ns.Collection).Indexes().CreateOne(t.Context(), index); err != nil {
		t.Fatal(err)
	}
	res, err := b.write(t, set(t, `"x"`, "k", "7"), set(t, `"y"`, "k", "7"), set(t, `"z"`, "k", "8"))
	if diff := cmp.Diff(proxy.WriteResult{Matched: []bool{true, false}, Done: 1}, res); diff != "" || !errors.Is(err, proxy.ErrDuplicateKey) {
		t.Errorf("update: %v, want ErrDuplicateKey (-want +got):\n%s", err, diff)
	}
	want := []string{`{"_id":"x","k":7}`, `{"_id":"y","k":3}`, `{"_id":"z","k":4}`}
	if diff := cmp.Diff(want, b.stored(t)); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	if err != nil && strings.Contains(err.Error(), "7") {
		t.Errorf("the error holds a stored value: %v", err)
	}
}

func TestManyStatementsHaveAResultEach(t *testing.T) {
	b := open(t)
	b.NeedReal(t, "bulkWrite command, and is slow")
	const n = 10_200 // more than one bulkWrite
	inserts, updates, want := make([]proxy.GuardedWrite, n), make([]proxy.GuardedWrite, n), make([]bool, n)
	for i := range n {
		id := bsonval.FromInt32(int32(i))
		inserts[i] = proxy.GuardedWrite{Kind: proxy.InsertDocument, Document: doc(t, fmt.Sprintf(`{"_id": %d, "v": %d}`, i, i%3))}
		updates[i] = proxy.GuardedWrite{
			Kind: proxy.UpdateFields, ID: id, Set: []proxy.FieldValue{{Path: "x", Value: id}},
			Guard: proxy.Guard{Fields: []proxy.GuardField{{Name: "v", Value: bsonval.FromInt32(1)}}},
		}
		want[i] = i%3 == 1
	}
	if res, err := b.write(t, inserts...); err != nil || res.Done != n {
		t.Fatalf("insert = %d, %v", res.Done, err)
	}
	res, err := b.write(t, updates...)
	if diff := cmp.Diff(proxy.WriteResult{Matched: want, Done: n / 3}, res); diff != "" || err != nil {
		t.Errorf("update: %v (-want +got):\n%.2000s", err, diff)
	}
}

func TestDocumentTooLarge(t *testing.T) {
	b := open(t)
	b.NeedReal(t, "document limit")
	half := strings.Repeat("x", 9<<20)
	big := bson.D{{Key: "_id", Value: 2}, {Key: "a", Value: half}, {Key: "b", Value: half}}
	raw, err := bson.Marshal(big)
	if err != nil {
		t.Fatal(err)
	}
	small := proxy.GuardedWrite{Kind: proxy.InsertDocument, Document: doc(t, `{"_id": 1}`)}
	res, err := b.write(t, small, proxy.GuardedWrite{Kind: proxy.InsertDocument, Document: raw})
	if !errors.Is(err, proxy.ErrDocumentTooLarge) || res.Done != 0 {
		t.Errorf("insert = %+v, %v, want ErrDocumentTooLarge and nothing done", res, err)
	}
	grow := func(field string) proxy.GuardedWrite {
		return proxy.GuardedWrite{
			Kind: proxy.UpdateFields, ID: value(t, "1"), Set: []proxy.FieldValue{{Path: field, Value: bsonval.FromString(half)}},
		}
	}
	b.insertOne(t, `{"_id": 1}`)
	if res, err := b.write(t, grow("a")); err != nil || res.Done != 1 {
		t.Errorf("first half = %+v, %v", res, err)
	}
	if res, err := b.write(t, grow("b")); !errors.Is(err, proxy.ErrDocumentTooLarge) || res.Done != 0 {
		t.Errorf("second half = %+v, %v, want ErrDocumentTooLarge and nothing done", res, err)
	}
}

// Writers that read, decide and write concurrently never lose an increment.
func TestGuardsSerialiseWriters(t *testing.T) {
	b := open(t, `{"_id": "counter", "n": 0}`)
	writers, each := 8, 25
	if !b.Real {
		writers, each = 3, 3
	}
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for done := 0; done < each; {
				n := b.counter(t)
				res, err := b.store.Write(context.Background(), b.ns, []proxy.GuardedWrite{{
					Kind: proxy.UpdateFields, ID: bsonval.FromString("counter"),
					Set:   []proxy.FieldValue{{Path: "n", Value: bsonval.FromInt32(n + 1)}},
					Guard: proxy.Guard{Fields: []proxy.GuardField{{Name: "n", Value: bsonval.FromInt32(n)}}},
				}})
				if err != nil {
					t.Errorf("Write = %v", err)
					return
				}
				done += res.Done
			}
		})
	}
	wg.Wait()
	if n := b.counter(t); int(n) != writers*each {
		t.Errorf("counter = %d, want %d", n, writers*each)
	}
}

func (b bench) counter(t *testing.T) int32 {
	t.Helper()
	for d, err := range b.store.Find(context.Background(), b.ns, proxy.Query{ForDecision: true, Limit: 1}) {
		if err != nil {
			t.Errorf("Find = %v", err)
			return 0
		}
		return d.Lookup("n").Int32()
	}
	return -1
}
