package oracle_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/rolegate/rolegate/integration/oracle"
	"github.com/rolegate/rolegate/internal/query"
)

const (
	docsPerRound    = 150
	queriesPerRound = 150
	rounds          = 3 // of 22,500 pairs
	maxFailures     = 10
)

// ids returns the _ids of what a cursor yields, in its order.
func ids(t *testing.T, cur *mongo.Cursor) []int32 {
	t.Helper()
	var docs []struct {
		ID int32 `bson:"_id"`
	}
	if err := cur.All(t.Context(), &docs); err != nil {
		t.Fatal(err)
	}
	out := make([]int32, len(docs))
	for i := range docs {
		out[i] = docs[i].ID
	}
	return out
}

// matching returns the _ids the engine finds, or that it refused the query.
func matching(t *testing.T, coll *mongo.Collection, filter any) (found []int32, refused error) {
	t.Helper()
	cur, err := coll.Find(t.Context(), filter, options.Find().SetProjection(bson.D{{Key: "_id", Value: 1}}))
	var command mongo.CommandError
	if errors.As(err, &command) {
		return nil, err
	}
	if err != nil {
		t.Fatal(err)
	}
	found = ids(t, cur)
	slices.Sort(found)
	return found, nil
}

func mustMarshal(t *testing.T, d bson.D) bson.Raw {
	t.Helper()
	raw, err := bson.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// refusals are what only we refuse, on purpose: what clients may not send, and regular expressions that RE2 cannot
// match as PCRE does or that PCRE versions read differently. Everything else must be accepted or refused as on the
// server.
var refusals = map[string]bool{
	"$regex: $ and \\Z must end the pattern or one of its alternatives": true,
	"$regex: ^ with the option m must be followed by a character":       true,
	"$regex: a literal { must be escaped":                               true,
	"$regex: possessive and repeated quantifiers are not supported":     true,
	"$regex: this kind of group is not supported":                       true,
	"$regex: the pattern has an escape that is not supported":           true,
	// Database references, and what the server ignores beside an $elemMatch inside $all.
	"$ref: the operator is not supported": true,
	"$id: the operator is not supported":  true,
	"$all: cannot contain operators":      true,
	"$in: cannot contain operators":       true,
	"$nin: cannot contain operators":      true,
}

// forClients tells whether a refusal is one that holds for clients only.
func forClients(err error) bool {
	return strings.HasSuffix(err.Error(), "the operand has a type that is not allowed") || strings.HasSuffix(err.Error(), "is not allowed inside a value")
}

type tally struct {
	pairs, matches, bothRefuse int
	onlyWeRefuse               map[string]int
	failures                   int
}

// compareQuery compares one query over all documents.
func (c *tally) compareQuery(t *testing.T, coll *mongo.Collection, docs []bson.Raw, q bson.D, o query.Options) {
	t.Helper()
	raw := mustMarshal(t, q)
	f, err := query.Parse(raw, o)
	want, refused := matching(t, coll, raw)
	switch {
	case err != nil && refused != nil:
		c.bothRefuse++
		return
	case err != nil:
		c.onlyWeRefuse[err.Error()]++
		if !refusals[err.Error()] && (o.Trusted || !forClients(err)) {
			c.failures++
			t.Errorf("only we refuse %s: %v", oracle.JSON(q), err)
		}
		return
	case refused != nil:
		c.failures++
		t.Errorf("the server refuses %s, we do not: %v", oracle.JSON(q), refused)
		return
	}
	for i, doc := range docs {
		c.pairs++
		_, expected := slices.BinarySearch(want, int32(i))
		if expected {
			c.matches++
		}
		if got := f.Match(doc); got != expected {
			c.failures++
			t.Errorf("Match = %v, the server says %v\nquery %s\ndoc   %s", got, expected, oracle.JSON(q), oracle.JSON(doc))
			return
		}
	}
}

// run compares some rounds of queries that draw makes.
func run(t *testing.T, rounds int, draw func(g *oracle.Generator) bson.D) {
	t.Helper()
	e := oracle.Open(t)
	c := &tally{onlyWeRefuse: map[string]int{}}
	for round := range rounds * e.Scale {
		g := oracle.NewGenerator(e.Rand)
		coll, docs := e.Fill(t, "queries", g.Documents(docsPerRound))
		for range queriesPerRound {
			c.compareQuery(t, coll, docs, draw(g), query.Options{Trusted: round%2 == 0})
			if c.failures >= maxFailures {
				t.FailNow()
			}
		}
	}
	if c.matches == 0 {
		t.Error("nothing ever matches: this compares nothing")
	}
	t.Logf("%d pairs agree, %d of them matches; both refuse %d queries, only we refuse:\n%s", c.pairs, c.matches, c.bothRefuse, counts(c.onlyWeRefuse))
}

func TestQueriesMatchAsTheServerDoes(t *testing.T) {
	run(t, rounds, func(g *oracle.Generator) bson.D { return g.Query(2, 0) })
}

func TestOperandsAreRefusedAsTheServerDoes(t *testing.T) {
	run(t, 2, func(g *oracle.Generator) bson.D { return g.Query(1, 60) })
}

func TestSingleOperatorsMatchAsTheServerDoes(t *testing.T) {
	run(t, 2, func(g *oracle.Generator) bson.D { return bson.D{{Key: g.Path(), Value: g.Operators(2)}} })
}

func counts(m map[string]int) string {
	lines := make([]string, 0, len(m))
	for reason, n := range m {
		lines = append(lines, fmt.Sprintf("%6d %s\n", n, reason))
	}
	slices.Sort(lines)
	slices.Reverse(lines)
	return fmt.Sprint(lines)
}

func TestSortsOrderAsTheServerDoes(t *testing.T) {
	const rounds, sortsPerRound, perSort = 36, 200, 20
	e := oracle.Open(t)
	g := oracle.NewGenerator(e.Rand)
	compared, refused, failures := 0, 0, 0
	for range rounds * e.Scale {
		coll, docs := e.Fill(t, "sorts", g.Documents(perSort))
		for range sortsPerRound {
			by := g.Sort()
			s, err := query.ParseSort(mustMarshal(t, by))
			if err != nil {
				t.Fatal(err)
			}
			// _id makes the order total, as it does in the proxy.
			cur, err := coll.Find(t.Context(), bson.D{}, options.Find().SetSort(append(by, bson.E{Key: "_id", Value: 1})).SetProjection(bson.D{{Key: "_id", Value: 1}}))
			if err != nil { // two keys through different arrays, or an index that is also a name
				refused++
				continue
			}
			want := ids(t, cur)
			got := make([]int32, len(docs))
			for i := range got {
				got[i] = int32(i)
			}
			slices.SortStableFunc(got, func(a, b int32) int { return s.Compare(docs[a], docs[b]) })
			compared++
			if !slices.Equal(got, want) {
				i := 0
				for got[i] == want[i] {
					i++
				}
				failures++
				t.Errorf("sort %s: %s stands before %s, the server says otherwise", oracle.JSON(by), oracle.JSON(docs[got[i]]), oracle.JSON(docs[want[i]]))
			}
			if failures >= maxFailures {
				t.FailNow()
			}
		}
	}
	if compared < refused/4 {
		t.Errorf("the server refuses %d of %d sorts", refused, compared+refused)
	}
	t.Logf("%d sorts of %d documents agree, the server refuses %d", compared, perSort, refused)
}
