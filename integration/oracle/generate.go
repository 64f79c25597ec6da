package oracle

import (
	"math"
	"math/rand/v2"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Generator makes documents, values and queries in which few names and values meet often.
type Generator struct {
	*rand.Rand
	docs []bson.D // operands are taken from these
	// Odd allows the obsolete BSON types.
	Odd bool
}

// NewGenerator draws from r.
func NewGenerator(r *rand.Rand) *Generator { return &Generator{Rand: r, Odd: true} }

// Pick returns one of the choices.
func Pick[T any](g *Generator, choices ...T) T { return choices[g.IntN(len(choices))] }

func mustDecimal(s string) bson.Decimal128 {
	d, err := bson.ParseDecimal128(s)
	if err != nil {
		panic("a literal of this file is no decimal: " + s)
	}
	return d
}

var (
	troubleNumbers = []any{
		int32(0), int32(1), int32(2), int32(-1), int32(3), int64(0), int64(1), int64(2), 0.0, 1.0, 1.5, 2.0, -1.0, math.Copysign(0, -1), math.NaN(),
		math.Inf(1), math.Inf(-1), mustDecimal("1"), mustDecimal("1.0"), mustDecimal("1.5"), mustDecimal("NaN"), mustDecimal("Infinity"),
		mustDecimal("-Infinity"), mustDecimal("0.1"), 0.1, mustDecimal("-0"), int64(1 << 53), int64(1<<53 + 1), float64(1 << 53),
		mustDecimal("9007199254740993"), int64(math.MaxInt64), int64(math.MinInt64), float64(1 << 63), mustDecimal("1E+40"), 1e300, int32(math.MaxInt32),
		int32(4), int32(5), -4.5, mustDecimal("4.9"), mustDecimal("-7.99"), int32(-7), mustDecimal("0E-6176"), mustDecimal("9223372036854775807.5"),
	}
	troubleStrings = []string{
		"", "a", "ab", "abc", "ABC", "b", "a\n", "a\nb", "\n", "a\n\n", "x y", "a.b", "1", "é", "É", "\u212a", "k", "ſ", "s", "S", "a\v", "\t", "foo bar", "a\rb", "ß",
	}
	fieldNames = []string{"a", "b", "c", "0", "1"}
)

// Scalar returns a value that contains no others.
func (g *Generator) Scalar() any {
	switch n := g.IntN(40); {
	case n < 18:
		return Pick(g, troubleNumbers...)
	case n < 25:
		return Pick(g, troubleStrings...)
	case n < 29:
		return nil
	case n < 31:
		return g.IntN(2) == 0
	case n < 33:
		return bson.DateTime(g.IntN(3) - 1)
	case n < 34:
		return bson.Binary{Subtype: Pick[byte](g, 0, 0, 4, 5), Data: []byte("abcd")[:g.IntN(4)]}
	case n < 35:
		return bson.ObjectID{11: byte(g.IntN(3))}
	case n < 36:
		return bson.Regex{Pattern: Pick(g, "a", "^a", "b$"), Options: Pick(g, "", "i")}
	case n < 37:
		return bson.Timestamp{T: 1 + g.Uint32N(2), I: g.Uint32N(2)} // the server replaces a timestamp of zero
	case n < 38:
		return Pick[any](g, bson.MinKey{}, bson.MaxKey{})
	}
	if !g.Odd {
		return int32(1)
	}
	return Pick[any](g, bson.Undefined{}, bson.Symbol("a"), bson.JavaScript("a"), bson.DBPointer{DB: "a"}, bson.CodeWithScope{Code: "a", Scope: bson.D{}})
}

// Value returns a value nested at most depth deep.
func (g *Generator) Value(depth int) any {
	switch n := g.IntN(10); {
	case depth == 0 || n < 4:
		return g.Scalar()
	case n < 8:
		arr := bson.A{}
		for range g.IntN(4) {
			arr = append(arr, g.Value(depth-1))
		}
		return arr
	}
	return g.Document(depth - 1)
}

// Document returns a document with up to three fields.
func (g *Generator) Document(depth int) bson.D {
	doc := bson.D{}
	for _, i := range g.Perm(len(fieldNames))[:g.IntN(4)] {
		doc = append(doc, bson.E{Key: fieldNames[i], Value: g.Value(depth)})
	}
	return doc
}

// Documents returns n documents and remembers them for operands.
func (g *Generator) Documents(n int) []bson.D {
	g.docs = make([]bson.D, n)
	for i := range g.docs {
		g.docs[i] = g.Document(3)
	}
	return g.docs
}

// Path returns a dotted path of names and indexes.
func (g *Generator) Path() string {
	path := Pick(g, "a", "a", "a", "b", "b", "c")
	for range Pick(g, 0, 0, 1, 1, 1, 2, 3) {
		path += "." + Pick(g, "a", "b", "c", "0", "0", "1", "2")
	}
	return path
}

// Operand returns a value to compare with, most of the time one that stands in a document.
func (g *Generator) Operand() any {
	if len(g.docs) == 0 || g.IntN(3) == 0 {
		return g.Value(2)
	}
	var v any = Pick(g, g.docs...)
	for {
		var inside []any
		switch c := v.(type) {
		case bson.D:
			for _, e := range c {
				inside = append(inside, e.Value)
			}
		case bson.A:
			inside = c
		}
		if len(inside) == 0 || g.IntN(4) == 0 {
			break
		}
		v = Pick(g, inside...)
	}
	return v
}
