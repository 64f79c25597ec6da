package oracle

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Query returns a query document. wild is how many of a hundred operands are of a kind that the operator may refuse.
func (g *Generator) Query(depth, wild int) bson.D {
	q := bson.D{}
	for range Pick(g, 1, 1, 1, 1, 2, 3) {
		switch n := g.IntN(10); {
		case depth > 0 && n < 3:
			branches := bson.A{}
			for range 1 + g.IntN(3) {
				branches = append(branches, g.Query(depth-1, wild))
			}
			q = append(q, bson.E{Key: Pick(g, "$and", "$or", "$nor"), Value: branches})
		case n < 5:
			q = append(q, bson.E{Key: g.Path(), Value: g.implicit()})
		default:
			q = append(q, bson.E{Key: g.Path(), Value: g.operators(depth, wild)})
		}
	}
	return unique(q)
}

// unique drops later fields of the same name.
func unique(d bson.D) bson.D {
	seen := map[string]bool{}
	out := bson.D{}
	for _, e := range d {
		if !seen[e.Key] {
			out = append(out, e)
		}
		seen[e.Key] = true
	}
	return out
}

// implicit is what stands at a field without an operator.
func (g *Generator) implicit() any {
	if g.IntN(8) == 0 {
		return bson.Regex{Pattern: g.Pattern(), Options: g.RegexOptions()}
	}
	return g.Operand()
}

// Operators returns one to three operators for a field.
func (g *Generator) Operators(depth int) bson.D { return g.operators(depth, 0) }

func (g *Generator) operators(depth, wild int) bson.D {
	ops := bson.D{}
	for range Pick(g, 1, 1, 1, 2, 3) {
		name := Pick(g, "$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$exists", "$type", "$size", "$all", "$elemMatch",
			"$elemMatch", "$mod", "$regex", "$not", "$in", "$not")
		v := g.operand(name, depth, wild)
		ops = append(ops, bson.E{Key: name, Value: v})
		if _, isText := v.(string); name == "$regex" && isText && g.IntN(2) == 0 {
			ops = append(ops, bson.E{Key: "$options", Value: g.RegexOptions()})
		}
	}
	return unique(ops)
}

func (g *Generator) operand(name string, depth, wild int) any {
	if g.IntN(100) < wild {
		return g.garbage(depth)
	}
	switch name {
	case "$in", "$nin":
		return g.list()
	case "$all":
		if depth > 0 && g.IntN(4) == 0 {
			list := bson.A{}
			for range 1 + g.IntN(2) {
				list = append(list, bson.D{{Key: "$elemMatch", Value: g.operand("$elemMatch", depth-1, wild)}})
			}
			return list
		}
		return g.list()
	case "$exists":
		return Pick[any](g, true, false, int32(0), 1.0, nil, "")
	case "$size":
		return Pick[any](g, int32(0), int32(1), int64(2), 3.0, mustDecimal("2"))
	case "$type":
		return g.types()
	case "$mod":
		return bson.A{Pick(g, troubleNumbers...), Pick(g, troubleNumbers...)}
	case "$regex":
		if g.IntN(3) == 0 {
			return bson.Regex{Pattern: g.Pattern(), Options: g.RegexOptions()}
		}
		return g.Pattern()
	case "$elemMatch":
		if depth > 0 && g.IntN(2) == 0 {
			return g.Query(depth-1, wild)
		}
		return g.operators(depth-1, wild)
	case "$not":
		if depth <= 0 || g.IntN(6) == 0 {
			return bson.Regex{Pattern: g.Pattern(), Options: g.RegexOptions()}
		}
		return g.operators(depth-1, wild)
	}
	return g.Operand()
}

// garbage returns operands that some operators refuse.
func (g *Generator) garbage(depth int) any {
	op := bson.D{{Key: Pick(g, "$gt", "$in", "$elemMatch", "$foo", "$ref", "$id", "$and", "$regex", "$not", "$options"), Value: g.Value(1)}}
	switch g.IntN(10) {
	case 0:
		return op
	case 1:
		return bson.A{op}
	case 2:
		return append(bson.D{{Key: "a", Value: 1}}, op...)
	case 3:
		return append(op, bson.E{Key: "a", Value: 1})
	case 4:
		return bson.A{bson.D{{Key: "$elemMatch", Value: g.operators(depth-1, 0)}}, g.Operand()}
	case 5:
		return bson.A{g.Operand(), bson.D{{Key: "$elemMatch", Value: g.operators(depth-1, 0)}}}
	case 6:
		return bson.A{g.Operand(), bson.Undefined{}}
	case 7:
		return bson.A{bson.D{{Key: "$elemMatch", Value: bson.D{{Key: "a", Value: 1}}}, {Key: "$gt", Value: 1}}}
	}
	return g.Value(2)
}

func (g *Generator) list() bson.A {
	list := bson.A{}
	for range Pick(g, 0, 1, 1, 2, 3, 12) {
		if g.IntN(12) == 0 {
			list = append(list, bson.Regex{Pattern: g.Pattern(), Options: g.RegexOptions()})
			continue
		}
		list = append(list, g.Operand())
	}
	return list
}

func (g *Generator) types() any {
	one := func() any {
		return Pick[any](g, "double", "string", "object", "array", "binData", "undefined", "objectId", "bool", "date", "null", "regex", "dbPointer", "javascript",
			"symbol", "javascriptWithScope", "int", "timestamp", "long", "decimal", "minKey", "maxKey", "number", int32(1), 2.0, int64(4), int32(-1), int32(127),
			mustDecimal("16"), int32(18), int32(19), int32(10), "missing", int32(0), int32(20), 255.0)
	}
	if g.IntN(2) == 0 {
		return one()
	}
	return bson.A{one(), one()}
}

// RegexOptions returns option letters, ordered as drivers send them.
func (g *Generator) RegexOptions() string {
	var b strings.Builder
	for _, letter := range "imsx" {
		if g.IntN(4) == 0 {
			b.WriteRune(letter)
		}
	}
	return b.String()
}

var regexTokens = []string{
	"a", "a", "b", "c", "A", "B", "k", "K", "s", "S", "é", "É", "ß", "\u212a", "ſ", ".", ".", "^", "^", "$", "$", `\A`, `\z`, `\Z`, `\b`, `\B`, `\s`, `\S`, `\d`, `\D`,
	`\w`, `\W`, `\n`, `\t`, `\N`, `\x61`, `\x{e9}`, `\.`, `\-`, `\_`, `[a-c]`, `[^a]`, `[\s]`, `[^\s]`, `[\w.]`, `[^\W]`, `[\S\n]`, `[]a]`, `[^]a]`,
	`[a-]`, `[-a]`, `[[:alpha:]]`, `[[:lower:]]`, `[[:^upper:]]`, `[[:space:]]`, `[[:word:]-]`, `[k]`, `[^k]`, `[j-t]`, `[\b]`, `[é-í]`, "(?:a|b)", "(a|)", "(?i)", "(?-i:a)", "(?i:b)",
	"(?m)", "(?s:.)", "(?x) ", "(", ")", "|", "|", "*", "+", "?", "{2}", "{0,1}", "{1,}", " ", "#", "\n", "]", "}", "-", ",", `\Q.a\E`, `\E`, "(?<n>a)", "(?P<m>b)", `a\n$`, "x", "1", "{",
}

// Pattern returns a regular expression of a few tokens, not always a valid one.
func (g *Generator) Pattern() string {
	var b strings.Builder
	for range 1 + g.IntN(6) {
		b.WriteString(Pick(g, regexTokens...))
	}
	return b.String()
}

// Sort returns a sort document of up to three keys.
func (g *Generator) Sort() bson.D {
	by := bson.D{}
	for range Pick(g, 1, 1, 2, 2, 3) {
		by = append(by, bson.E{Key: g.Path(), Value: Pick[any](g, int32(1), int32(-1), 1.0, int64(-1))})
	}
	return unique(by)
}

// Array returns an array of one to four values.
func (g *Generator) Array(depth int) bson.A {
	arr := bson.A{}
	for range 1 + g.IntN(4) {
		arr = append(arr, g.Value(depth))
	}
	return arr
}

// ArrayQuery returns a query on the array a of doc, without alternatives.
func (g *Generator) ArrayQuery(doc bson.D) bson.D {
	g.docs = []bson.D{doc[1:]}
	q := bson.D{}
	for range Pick(g, 1, 1, 1, 2) {
		path := Pick(g, "a", "a", "a", "a.a", "a.b", "a.0", "a.1", "a.0.a", "a.b.a", "a.1.0")
		if g.IntN(3) == 0 {
			q = append(q, bson.E{Key: path, Value: g.implicit()})
		} else {
			q = append(q, bson.E{Key: path, Value: g.operators(1, 0)})
		}
	}
	return unique(q)
}

// FlatQuery returns a query on the fields a, b and c, with logic and the operators that may pin a field.
func (g *Generator) FlatQuery(depth int) bson.D {
	q := bson.D{}
	for range 1 + g.IntN(2) {
		switch n := g.IntN(8); {
		case depth > 0 && n < 3:
			branches := bson.A{}
			for range 1 + g.IntN(2) {
				branches = append(branches, g.FlatQuery(depth-1))
			}
			q = append(q, bson.E{Key: Pick(g, "$and", "$and", "$or", "$nor"), Value: branches})
		case n < 5:
			q = append(q, bson.E{Key: Pick(g, "a", "b", "c"), Value: g.implicit()})
		default:
			name := Pick(g, "$eq", "$in", "$all", "$gt", "$not")
			q = append(q, bson.E{Key: Pick(g, "a", "b", "c"), Value: bson.D{{Key: name, Value: g.operand(name, 1, 0)}}})
		}
	}
	return unique(q)
}
