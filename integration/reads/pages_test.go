package reads

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/proxy"
)

// withoutID shows what is equal in many documents, and not their _id.
const withoutID = `{"name": "r", "apply_when": {}, "fields": {"v": {"read": true}}}`

// TestPagesOfEqualDocuments: every page is the part of the whole answer that it should be, in whichever order the
// database finds documents that are equal and differ in their bytes.
func TestPagesOfEqualDocuments(t *testing.T) {
	decimal := func(s string) bson.Decimal128 {
		d, err := bson.ParseDecimal128(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	nested := func(v any) any { return bson.D{{Key: "a", Value: bson.A{"x", bson.D{{Key: "b", Value: v}}}}} }
	for name, values := range map[string][]any{
		"numbers":              {int64(1), int64(1), int32(1), 1.0, int64(1), int32(1)},
		"another one far away": {int32(1), int32(1), int32(1), int32(1), int32(1), 1.0},
		"strings":              {"x", bson.Symbol("x"), "x", "x", bson.Symbol("x"), "x"},
		"zeros":                {0.0, 0.0, 0.0, math.Copysign(0, -1), 0.0, 0.0},
		"decimals":             {decimal("1.0"), decimal("1.0"), decimal("1.0"), decimal("1.00"), decimal("1.0"), decimal("1.0")},
		"NaN":                  {math.NaN(), math.NaN(), decimal("NaN"), math.NaN(), math.NaN(), math.NaN()},
		"deep":                 {nested(int32(1)), nested(int32(1)), nested(int32(1)), nested(1.0), nested(int32(1)), nested(int32(1))},
		"names with dots":      {bson.D{{Key: "a.b", Value: 1}}, bson.D{{Key: "a.b", Value: 1}}, bson.D{{Key: "a.b", Value: 1.0}}, bson.D{{Key: "a.b", Value: 1}}},
		"several runs":         {int32(1), int32(1), 1.0, int32(2), int32(2), "x", "x", "x", bson.Symbol("x"), true, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t, withoutID)
			docs := make([]any, len(values))
			for i, v := range values {
				docs[i] = bson.D{{Key: "_id", Value: i}, {Key: "v", Value: v}}
			}
			for range 2 {
				slices.Reverse(docs) // the order in which the database finds them
				if _, err := b.coll.DeleteMany(t.Context(), bson.D{}); err != nil {
					t.Fatal(err)
				}
				b.Seed(t, b.ns.Database, b.ns.Collection, docs...)
				for _, sort := range []string{``, `{"v": -1}`, `{"w": 1}`} {
					op := proxy.Find{NS: b.ns}
					if sort != "" {
						op.Sort = doc(t, sort)
					}
					all := b.find(t, op)
					for op.Skip = range int64(len(values)) {
						for op.Limit = 1; op.Limit <= int64(len(values)); op.Limit++ {
							want := all[op.Skip:min(int(op.Skip+op.Limit), len(all))]
							if got := b.find(t, op); !slices.Equal(got, want) {
								t.Errorf("sort %q, skip %d, limit %d: %q, want %q", sort, op.Skip, op.Limit, got, want)
							}
						}
					}
				}
			}
		})
	}
}

// TestPagesOfTheSame: a page of documents that are all the same is one of the database, wherever its edges are.
func TestPagesOfTheSame(t *testing.T) {
	docs := make([]any, 0, 300)
	for i := range 300 {
		docs = append(docs, bson.D{{Key: "_id", Value: i * 7 % 300}, {Key: "v", Value: bson.D{{Key: "n", Value: i % 3}, {Key: "tags", Value: bson.A{"x", 1.5}}}}})
	}
	b := open(t, withoutID, docs...)
	for _, op := range []proxy.Find{{Limit: 10}, {Skip: 50, Limit: 10}, {Skip: 95, Limit: 10}, {Skip: 290, Limit: 10, Sort: doc(t, `{"v.n": -1}`)}} {
		returned, fetched, outcome := b.read(t, op)
		if returned != 10 || fetched > 12 || outcome != proxy.Exact {
			t.Errorf("skip %d: %d returned, %d fetched, %v", op.Skip, returned, fetched, outcome)
		}
	}
}

// find returns documents with their types.
func (b bench) find(t *testing.T, op proxy.Find) []string {
	t.Helper()
	var out []string
	if err := b.proxy.Find(t.Context(), ann, op, func(d bson.Raw) error {
		out = append(out, fmt.Sprint(d))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}
