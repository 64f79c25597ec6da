package reads

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/rolegate/rolegate/proxy"
)

func mongoIndex(field string) mongo.IndexModel {
	return mongo.IndexModel{Keys: bson.D{{Key: field, Value: 1}}}
}

const (
	stored = 100_000
	seen   = stored / 100
)

// fill stores documents of which ann owns one in a hundred.
func (b bench) fill(t *testing.T) {
	t.Helper()
	for from := 0; from < stored; from += 10_000 {
		docs := make([]any, 0, 10_000)
		for i := from; i < from+10_000; i++ {
			owner := "ub"
			if i%100 == 0 {
				owner = "ua"
			}
			docs = append(docs, bson.D{
				{Key: "_id", Value: i},
				{Key: "owner", Value: owner},
				{Key: "n", Value: i % 7},
				{Key: "tag", Value: "t" + string(rune('a'+i%5))},
				{Key: "secret", Value: i},
			})
		}
		b.Seed(t, b.ns.Database, b.ns.Collection, docs...)
	}
	if _, err := b.coll.Indexes().CreateOne(t.Context(), mongoIndex("owner")); err != nil {
		t.Fatal(err)
	}
}

// read runs one read and returns how many documents of the view came of it, and how many were fetched for that.
func (b bench) read(t *testing.T, op proxy.Find) (returned, fetched int, outcome proxy.Outcome) {
	t.Helper()
	*b.readings = nil
	op.NS = b.ns
	if err := b.proxy.Find(t.Context(), ann, op, func(bson.Raw) error { returned++; return nil }); err != nil {
		t.Fatal(err)
	}
	r := (*b.readings)[0]
	return returned, r.Fetched, r.Outcome
}

// TestHiddenDocumentsStayInTheDatabase: a user who sees one document in a hundred does not pay for the others.
func TestHiddenDocumentsStayInTheDatabase(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP TestHiddenDocumentsStayInTheDatabase: it stores 100,000 documents; run without -short")
	}
	const owner = `{"name": "owner", "apply_when": {"owner": "%%user.id"}, "fields": {"_id": {"read": true}, "owner": {"read": true}, "n": {"read": true}, "tag": {"read": true}}}`
	b := open(t, owner)
	b.fill(t)
	exact := []struct {
		name string
		op   proxy.Find
		want int
	}{
		{"find", proxy.Find{}, seen},
		{"find with a filter", proxy.Find{Filter: doc(t, `{"n": {"$in": [1, 2]}}`)}, 286},
		{"find with a filter on a hidden field", proxy.Find{Filter: doc(t, `{"secret": {"$ne": 5}}`)}, seen},
		{"a page", proxy.Find{Limit: 20}, 20},
		{"a page further on", proxy.Find{Skip: 900, Limit: 20, Sort: doc(t, `{"tag": 1}`)}, 20},
	}
	for _, tt := range exact {
		returned, fetched, outcome := b.read(t, tt.op)
		t.Logf("%s: %d returned, %d fetched, %v", tt.name, returned, fetched, outcome)
		if returned != tt.want || outcome != proxy.Exact || float64(fetched) > 1.1*float64(returned) {
			t.Errorf("%s: %d returned, %d fetched, %v; want %d, exactly", tt.name, returned, fetched, outcome, tt.want)
		}
	}
	*b.readings = nil
	n, err := b.proxy.Count(t.Context(), ann, proxy.Count{NS: b.ns})
	if r := (*b.readings)[0]; n != seen || err != nil || r.Fetched > 1 {
		t.Errorf("count %d, %v: %+v", n, err, r)
	}
	// What these cost is printed only: no bound is promised for them.
	for _, tt := range []struct {
		name string
		op   proxy.Find
		want int
	}{
		{"a pattern of the client", proxy.Find{Filter: doc(t, `{"tag": {"$regex": "a"}}`)}, seen},
		{"a hidden sort key", proxy.Find{Sort: doc(t, `{"secret": -1}`), Limit: 20}, 20},
	} {
		returned, fetched, outcome := b.read(t, tt.op)
		t.Logf("%s: %d returned, %d fetched, ratio %.1f, %v", tt.name, returned, fetched, float64(fetched)/float64(returned), outcome)
		if returned != tt.want {
			t.Errorf("%s: %d returned, want %d", tt.name, returned, tt.want)
		}
	}
}

// TestPagesOfNarrowedPlans: pages count documents of the view, also where the database cannot.
func TestPagesOfNarrowedPlans(t *testing.T) {
	for name, roles := range map[string]string{
		"a pattern":   `{"name": "r", "apply_when": {"tag": {"$regex": "^x"}}, "read": true}`,
		"without _id": `{"name": "r", "apply_when": {"tag": {"$regex": "^x"}}, "fields": {"n": {"read": true}, "tag": {"read": true}}}`,
		"two roles":   `{"name": "r", "apply_when": {"tag": {"$regex": "^x"}}, "read": true}, {"name": "s", "apply_when": {"n": {"$lt": 40}}, "fields": {"n": {"read": true}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			docs := make([]any, 200)
			for i := range docs {
				docs[i] = bson.D{{Key: "_id", Value: i * 37 % 200}, {Key: "n", Value: i}, {Key: "tag", Value: []string{"x", "y", "xy"}[i%3]}}
			}
			b := open(t, roles, docs...)
			for _, sort := range []string{``, `{"tag": 1}`, `{"hidden": 1}`, `{"n": -1}`} {
				want := map[int64]int{}
				op := proxy.Find{NS: b.ns}
				if sort != "" {
					op.Sort = doc(t, sort)
				}
				collect := func(into map[int64]int) func(bson.Raw) error {
					return func(d bson.Raw) error { into[d.Lookup("n").AsInt64()]++; return nil }
				}
				if err := b.proxy.Find(t.Context(), ann, op, collect(want)); err != nil {
					t.Fatal(err)
				}
				got := map[int64]int{}
				for op.Limit = 7; ; op.Skip += op.Limit {
					before := len(got)
					if err := b.proxy.Find(t.Context(), ann, op, collect(got)); err != nil {
						t.Fatal(err)
					}
					if len(got) == before {
						break
					}
				}
				if len(want) < 60 || len(got) != len(want) {
					t.Errorf("sorted by %q: pages show %d documents of %d", sort, len(got), len(want))
				}
				for n, times := range got {
					if times != 1 || want[n] != 1 {
						t.Errorf("sorted by %q: document %d is shown %d times", sort, n, times)
					}
				}
			}
		})
	}
}
