package oracle_test

import (
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/integration/oracle"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
)

// sortedValues puts values in order and keeps one of those that are equal.
func sortedValues(vs []bson.RawValue) []bson.RawValue {
	slices.SortFunc(vs, bsonval.Compare)
	return slices.CompactFunc(vs, bsonval.Equal)
}

// dotted gives some of the fields, at any depth, names with dots in them. They are on no path.
func dotted(g *oracle.Generator, v any) any {
	switch v := v.(type) {
	case bson.D:
		out := bson.D{}
		for _, e := range v {
			if g.IntN(10) == 0 {
				e.Key += oracle.Pick(g, ".a", ".0", ".b.c")
			}
			out = append(out, bson.E{Key: e.Key, Value: dotted(g, e.Value)})
		}
		return out
	case bson.A:
		out := bson.A{}
		for _, e := range v {
			out = append(out, dotted(g, e))
		}
		return out
	}
	return v
}

func TestDistinctFindsTheValuesTheServerDoes(t *testing.T) {
	const rounds, keysPerRound, perRound = 60, 100, 12
	e := oracle.Open(t)
	g := oracle.NewGenerator(e.Rand)
	compared, found, failures := 0, 0, 0
	for range rounds * e.Scale {
		docs := g.Documents(perRound)
		for i := range docs {
			docs[i] = dotted(g, docs[i]).(bson.D)
		}
		coll, raws := e.Fill(t, "distinct", docs)
		for range keysPerRound {
			key := g.Path()
			path, err := query.ParsePath(key)
			if err != nil {
				t.Fatal(err)
			}
			got := []bson.RawValue{}
			for _, doc := range raws {
				path.Values(doc, func(v bson.RawValue) bool {
					got = append(got, v)
					return true
				})
			}
			got = sortedValues(got)
			var reply struct {
				Values []bson.RawValue `bson:"values"`
			}
			cmd := bson.D{{Key: "distinct", Value: coll.Name()}, {Key: "key", Value: key}}
			if err := e.DB.RunCommand(t.Context(), cmd).Decode(&reply); err != nil {
				t.Fatalf("distinct %s: %v", key, err)
			}
			want := sortedValues(reply.Values)
			compared++
			found += len(want)
			if !slices.EqualFunc(got, want, bsonval.Equal) {
				failures++
				t.Errorf("distinct %s: got %v, the server says %v\n%s", key, got, want, lines(raws))
			}
			if failures >= maxFailures {
				t.FailNow()
			}
		}
	}
	if found < compared {
		t.Errorf("%d values of %d keys: this compares little", found, compared)
	}
	t.Logf("%d keys over %d documents agree, with %d values", compared, perRound, found)
}

func lines(docs []bson.Raw) string {
	out := ""
	for _, d := range docs {
		out += oracle.JSON(d) + "\n"
	}
	return out
}
