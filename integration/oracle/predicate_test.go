package oracle_test

import (
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/integration/oracle"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/predicate"
)

// formula is a predicate, and what it has to say of documents by which of the fields a, b, c and d they have.
type formula struct {
	p    predicate.Predicate
	says func(fields int) bool
}

// drawFormula leans towards what rules make: alternatives that repeat conditions and their negations.
func drawFormula(g *oracle.Generator, depth int) formula {
	switch k := g.IntN(8); {
	case depth == 0 || k == 0:
		i := g.IntN(4)
		return formula{
			predicate.Field(string(rune('a'+i)), "$eq", bsonval.FromInt32(1)),
			func(fields int) bool { return fields>>i&1 == 1 },
		}
	case k < 3:
		f := drawFormula(g, depth-1)
		return formula{predicate.Not(f.p), func(fields int) bool { return !f.says(fields) }}
	case k < 4: // p or not p, in some company
		f, h := drawFormula(g, depth-1), drawFormula(g, depth-1)
		return formula{
			predicate.Or(predicate.And(f.p, h.p), predicate.And(f.p, predicate.Not(h.p)), predicate.Not(f.p)),
			func(int) bool { return true },
		}
	default:
		join, one := predicate.And, false
		if k > 5 {
			join, one = predicate.Or, true
		}
		var ps []predicate.Predicate
		var fs []formula
		for range 2 + g.IntN(3) {
			f := drawFormula(g, depth-1)
			ps, fs = append(ps, f.p), append(fs, f)
		}
		return formula{join(ps...), func(fields int) bool {
			for _, f := range fs {
				if f.says(fields) == one {
					return one
				}
			}
			return !one
		}}
	}
}

// TestPredicatesAreReadAsMeant: what rules become is a predicate of logic over simple tests, and servers simplify such
// predicates in ways of their own.
func TestPredicatesAreReadAsMeant(t *testing.T) {
	const fields, perScale = 4, 4000
	e := oracle.Open(t)
	g := oracle.NewGenerator(e.Rand)
	var docs []bson.D
	for m := range 1 << fields {
		d := bson.D{}
		for i := range fields {
			if m>>i&1 == 1 {
				d = append(d, bson.E{Key: string(rune('a' + i)), Value: int32(1)})
			}
		}
		docs = append(docs, d)
	}
	coll, _ := e.Fill(t, "predicates", docs)
	sent, failures := 0, 0
	for range perScale * e.Scale {
		f := drawFormula(g, 3)
		f.p = f.p.Simplify()
		if f.p.IsAll() || f.p.IsNone() {
			for m := range 1 << fields {
				if f.says(m) != f.p.IsAll() {
					t.Fatal("a predicate folds to a constant that it is not")
				}
			}
			continue
		}
		sent++
		found, err := matching(t, coll, f.p.Document())
		if err != nil {
			t.Fatal(err)
		}
		want := []int32{}
		for m := range int32(1 << fields) {
			if f.says(int(m)) {
				want = append(want, m)
			}
		}
		if fmt.Sprint(found) != fmt.Sprint(want) {
			if failures++; failures < 10 {
				t.Errorf("the server finds %v, want %v, for %s", found, want, oracle.JSON(f.p.Document()))
			}
		}
	}
	if sent == 0 {
		t.Error("no predicate was sent")
	}
	t.Logf("%d predicates, %d not as meant", sent, failures)
}
