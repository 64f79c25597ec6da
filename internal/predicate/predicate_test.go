package predicate_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"pgregory.net/rapid"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/predicate"
	"github.com/rolegate/rolegate/internal/query"
)

func field(name string) predicate.Predicate {
	return predicate.Field(name, "$eq", bsonval.FromInt32(1))
}

var a, b, c = field("a"), field("b"), field("c")

// text is the query as it is sent.
func text(t testing.TB, p predicate.Predicate) string {
	t.Helper()
	switch {
	case p.IsAll():
		return "all"
	case p.IsNone():
		return "none"
	}
	out, err := ejson.AppendRelaxed(nil, p.Document())
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestPredicates(t *testing.T) {
	const qa, qb, qc = `{"a":{"$eq":1}}`, `{"b":{"$eq":1}}`, `{"c":{"$eq":1}}`
	and, or, not := predicate.And, predicate.Or, predicate.Not
	all, none := predicate.All(), predicate.None()
	tests := []struct {
		name string
		p    predicate.Predicate
		want string
	}{
		{"the zero value", predicate.Predicate{}, "none"},
		{"nothing is needed", and(), "all"},
		{"no alternative", or(), "none"},
		{"what is always so is not said", and(all, a, all), qa},
		{"what never is decides", and(a, none), "none"},
		{"an alternative that is always so decides", or(a, all), "all"},
		{"one that never is is not said", or(none, a), qa},
		{"junctions flatten", and(a, and(b, c)), `{"$and":[` + qa + `,` + qb + `,` + qc + `]}`},
		{"negation", not(a), `{"$nor":[` + qa + `]}`},
		{"twice", not(not(a)), qa},
		{"of everything", not(all), "none"},
		{"of nothing", not(none), "all"},
		{"repetition", and(a, a, field("a")), qa},
		{"contradiction", and(a, b, not(a)), "none"},
		{"either way", or(a, not(a)), "all"},
		{"the second takes the rest", or(a, and(not(a), b)), `{"$or":[` + qa + `,` + qb + `]}`},
		{"covered", or(a, and(a, b)), qa},
		{"two halves", or(and(a, b), and(a, not(b))), qa},
		{"two halves and the rest", or(and(a, b), and(a, not(b)), not(a)), "all"},
		{"three halves", or(and(a, b, c), and(not(a), b, c), not(c)), `{"$or":[` + qb + `,{"$nor":[` + qc + `]}]}`},
		{"nothing to save", or(and(a, b), and(not(a), c)), `{"$or":[{"$and":[` + qa + `,` + qb + `]},{"$and":[{"$nor":[` + qa + `]},` + qc + `]}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := text(t, tt.p); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	if none.Document() == nil || all.Document() != nil {
		t.Error("nothing must not be sent as everything")
	}
	f, err := query.Parse(none.Document(), query.Options{Trusted: true})
	if err != nil || f.Match(bsonval.Empty()) {
		t.Errorf("the query that matches nothing: %v", err)
	}
}

// formula is a predicate with what it has to say of three fields, as bits of a set.
type formula struct {
	p    predicate.Predicate
	says func(fields int) bool
}

func draw(t *rapid.T, depth int) formula {
	kind := rapid.IntRange(0, 5).Draw(t, "kind")
	if depth == 0 || kind == 0 {
		i := rapid.IntRange(0, 2).Draw(t, "field")
		return formula{field(string(rune('a' + i))), func(fields int) bool { return fields>>i&1 == 1 }}
	}
	if kind == 1 {
		f := draw(t, depth-1)
		return formula{predicate.Not(f.p), func(fields int) bool { return !f.says(fields) }}
	}
	join, one := predicate.And, false
	if kind > 3 {
		join, one = predicate.Or, true
	}
	var ps []predicate.Predicate
	var fs []formula
	for range rapid.IntRange(1, 4).Draw(t, "members") {
		f := draw(t, depth-1)
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

// Whatever is folded and saved, the query says the same.
func TestSimplifyingKeepsTheMeaning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := draw(t, 3)
		if rapid.Bool().Draw(t, "simplified") {
			f.p = f.p.Simplify()
		}
		var matches *query.Filter
		if doc := f.p.Document(); doc != nil {
			var err error
			if matches, err = query.Parse(doc, query.Options{Trusted: true}); err != nil {
				t.Fatal(err)
			}
		}
		for fields := range 8 {
			stored, start := bsonval.BeginDocument(nil)
			for i := range 3 {
				if fields>>i&1 == 1 {
					stored = bsonval.AppendElement(stored, string(rune('a'+i)), bsonval.FromInt32(1))
				}
			}
			stored = bsonval.EndDocument(stored, start)
			if got := matches == nil || matches.Match(stored); got != f.says(fields) {
				t.Fatalf("%v on %s: %v", f.p.Document(), bson.Raw(stored), got)
			}
		}
	})
}

func TestSimplify(t *testing.T) {
	const qa, qb, qc = `{"a":{"$eq":1}}`, `{"b":{"$eq":1}}`, `{"c":{"$eq":1}}`
	and, or, not := predicate.And, predicate.Or, predicate.Not
	tests := []struct {
		name string
		p    predicate.Predicate
		want string
	}{
		{"nothing to drop", or(and(a, b), c), `{"$or":[{"$and":[` + qa + `,` + qb + `]},` + qc + `]}`},
		{"one condition", a, qa},
		{"everything, in a way that only all combinations show", or(and(or(a, b), c), not(and(or(a, b), c))), "all"},
		{"nothing", and(or(a, b), not(or(a, b))), "none"},
		{"everything further down", and(c, or(and(a, b), not(and(a, b)))), qc},
		{"what two others cover", or(and(a, c), and(not(c), b), and(a, b)), `{"$or":[{"$and":[` + qa + `,` + qc + `]},{"$and":[{"$nor":[` + qc + `]},` + qb + `]}]}`},
		{"what the others imply", and(or(a, b), a), qa},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := text(t, tt.p.Simplify()); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	many := predicate.None()
	for i := range 12 {
		many = or(many, and(field(string(rune('a'+i))), field("z")))
	}
	if got := many.Simplify(); text(t, got) != text(t, many) {
		t.Errorf("of many conditions: %s", text(t, got))
	}
}

func TestBounds(t *testing.T) {
	exact, loose := predicate.Exactly(a), predicate.Bounds{May: b, Must: predicate.And(b, c)}
	tests := []struct {
		name      string
		bs        predicate.Bounds
		may, must string
	}{
		{"the zero value", predicate.Bounds{}, "none", "none"},
		{"always", predicate.Always(), "all", "all"},
		{"unstated", predicate.Unstated(), "all", "none"},
		{"not unstated", predicate.Unstated().Not(), "all", "none"},
		{"not", loose.Not(), `{"$nor":[{"$and":[{"b":{"$eq":1}},{"c":{"$eq":1}}]}]}`, `{"$nor":[{"b":{"$eq":1}}]}`},
		{"both", predicate.Both(exact, loose), `{"$and":[{"a":{"$eq":1}},{"b":{"$eq":1}}]}`, `{"$and":[{"a":{"$eq":1}},{"b":{"$eq":1}},{"c":{"$eq":1}}]}`},
		{"either", predicate.Either(exact, predicate.Unstated()), "all", `{"a":{"$eq":1}}`},
		{"loose", exact.Loose(), `{"a":{"$eq":1}}`, "none"},
		{"loose never", predicate.Never().Loose(), "none", "none"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if may, must := text(t, tt.bs.May), text(t, tt.bs.Must); may != tt.may || must != tt.must {
				t.Errorf("may %s must %s, want %s and %s", may, must, tt.may, tt.must)
			}
		})
	}
	for _, bs := range []predicate.Bounds{exact, exact.Not(), predicate.Both(exact, exact.Not()), predicate.Either(exact, predicate.Always()), {}} {
		if !bs.Exact() {
			t.Errorf("%s is not exact", text(t, bs.May))
		}
	}
	for _, bs := range []predicate.Bounds{loose, predicate.Unstated(), exact.Loose(), predicate.Both(exact, loose).Not()} {
		if bs.Exact() {
			t.Errorf("%s is exact", text(t, bs.May))
		}
	}
}
