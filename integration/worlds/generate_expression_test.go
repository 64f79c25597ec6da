package worlds_test

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// scope is where an expression stands: what it may mention depends on it.
type scope uint8

const (
	inRole   scope = iota
	inField        // %%this is a value of the field
	inFilter       // no document
)

func (g *generator) prefix() string { return pick(g, "%", "$") }

// expression is an object of conditions, nested at most depth deep.
func (g *generator) expression(depth int, c scope) any {
	if g.chance(4) {
		return g.chance(50)
	}
	x := bson.D{}
	for range pick(g, 1, 1, 1, 2) {
		x = append(x, g.condition(depth, c))
	}
	return unique(x)
}

func (g *generator) condition(depth int, c scope) bson.E {
	switch n := g.IntN(20); {
	case depth > 0 && n < 5:
		list := bson.A{}
		for range 1 + g.IntN(3) {
			list = append(list, g.expression(depth-1, c))
		}
		return bson.E{Key: g.prefix() + pick(g, "and", "or", "or", "nor"), Value: list}
	case depth > 0 && n < 8:
		return bson.E{Key: g.prefix() + "not", Value: g.expression(depth-1, c)}
	case depth > 0 && n < 9:
		return bson.E{Key: pick(g, "%%true", "%%false"), Value: g.expression(depth-1, c)}
	case n < 10:
		return bson.E{Key: pick(g, "%%true", "%%false"), Value: pick[any](g, true, false, "%%user.data.vip", "%%user.custom_data.vip", "%%true")}
	case n < 11:
		return bson.E{Key: pick(g, "%%user.data", "%%user.custom_data", "%%user.data.nested"), Value: g.subConditions(c)}
	case c == inField && n < 15:
		return bson.E{Key: pick(g, "%%this", "%%this", "%%prev", "%%this.a"), Value: g.conditionValue(depth, c)}
	case c == inFilter || n < 14:
		return bson.E{Key: "%%" + g.boundLeft(), Value: g.boundValue(depth, c)}
	}
	return bson.E{Key: pick(g, "", "", "", "%%root.", "%%prevRoot.", "%%this.") + g.path(), Value: g.conditionValue(depth, c)}
}

// subConditions are conditions on fields of what is known of the user.
func (g *generator) subConditions(c scope) bson.D {
	d := bson.D{}
	for _, name := range pick(g, []string{"team"}, []string{"n", "team"}, []string{"nested.k"}, []string{"k"}, []string{"none"}) {
		d = append(d, bson.E{Key: name, Value: g.boundValue(0, c)})
	}
	return d
}

// conditionValue is what stands beside a key.
func (g *generator) conditionValue(depth int, c scope) any {
	switch {
	case depth > 0 && g.chance(5):
		return bson.D{{Key: pick(g, "%%true", "%%false"), Value: g.expression(depth-1, c)}}
	case g.chance(45):
		return g.right(c)
	}
	return g.operators(depth, c)
}

// boundValue is what stands beside a key that is known without a document: a document there would be conditions.
func (g *generator) boundValue(depth int, c scope) any {
	for {
		v := g.conditionValue(depth, c)
		if d, isDocument := v.(bson.D); !isDocument || len(d) > 0 && strings.ContainsAny(d[0].Key[:1], "$%") {
			return v
		}
	}
}

// claim is an expansion that is known without a document. What is called none has no value.
func (g *generator) claim() string {
	if g.chance(35) {
		return "user.id"
	}
	if g.chance(12) {
		return pick(g, "values.list", "values.n", "values.obj.k", "values.obj.none", "environment.tag", "environment.values.tier", "environment.values.max", "request.service")
	}
	return pick(g, "user.data.", "user.custom_data.") + pick(g, "team", "team", "list", "list", "n", "nested.k", "nested.m", "ref", "none", "vip")
}

// boundLeft is a claim as a key, where paths may lead through arrays.
func (g *generator) boundLeft() string {
	if g.chance(15) {
		return pick(g, "user.type", "user.identities.provider_type", "request.operation", "request.action", "user.data.list.0", "user", "user.custom_data", "args.x")
	}
	return g.claim()
}

// literal is a value as it may be written in a rule.
func (g *generator) literal() any {
	for {
		v := g.operand()
		if isLiteral(v) {
			return v
		}
	}
}

// isLiteral excludes patterns, which are operators in a rule, and what would be read as an operator or an expansion.
func isLiteral(v any) bool {
	switch v := v.(type) {
	case bson.Regex:
		return false
	case bson.A:
		for _, e := range v {
			if !isLiteral(e) {
				return false
			}
		}
	case bson.D:
		for _, e := range v {
			if e.Key == "" || strings.ContainsAny(e.Key, "$%.") || !isLiteral(e.Value) {
				return false
			}
		}
	}
	return true
}

// right is the right side of a comparison.
func (g *generator) right(c scope) any {
	if g.chance(6) {
		return pick[any](g, bson.A{"%%" + g.claim(), g.literal()}, bson.D{{Key: pick(g, innerNames...), Value: "%%" + g.claim()}})
	}
	if c != inFilter && g.chance(12) {
		return pick(g, "%%root.", "%%prevRoot.", "%%root.", "%%this.") + pick(g, "a", "b", "c", "owner", "a.x", "b.a", "_id")
	}
	return g.claimOr(g.literal, c)
}

func (g *generator) claimOr(literal func() any, c scope) any {
	switch {
	case g.chance(45):
		return "%%" + g.claim()
	case g.chance(12):
		return g.conversion(c)
	}
	return literal()
}

// conversion converts a claim, a literal or a stored value.
func (g *generator) conversion(c scope) bson.D {
	name := pick(g, "stringToOid", "stringToOid", "oidToString", "stringToUuid", "uuidToString")
	v := pick[any](g, "%%user.id", "%%user.id", "%%user.data.ref", "%%user.custom_data.ref", "%%user.data.none")
	switch {
	case name == "stringToOid" && g.chance(20):
		v = hexID
	case c != inFilter && g.chance(30):
		v = pick(g, "%%root.", "%%this.", "%%prevRoot.") + pick(g, "a", "owner", "b.x", "_id")
	}
	return bson.D{{Key: g.prefix() + name, Value: v}}
}

// operators is an object of one or two operators.
func (g *generator) operators(depth int, c scope) bson.D {
	d := bson.D{}
	for range pick(g, 1, 1, 1, 2) {
		d = append(d, g.operator(depth, c)...)
	}
	return uniqueOperators(d)
}

// uniqueOperators drops operators that are there already, whatever their prefix.
func uniqueOperators(d bson.D) bson.D {
	seen := map[string]bool{}
	out := bson.D{}
	for _, e := range d {
		if !seen[e.Key[1:]] {
			out = append(out, e)
		}
		seen[e.Key[1:]] = true
	}
	return out
}

func (g *generator) operator(depth int, c scope) bson.D {
	one := func(name string, v any) bson.D { return bson.D{{Key: g.prefix() + name, Value: v}} }
	switch n := g.IntN(24); {
	case n < 3:
		return one(pick(g, "eq", "ne"), g.right(c))
	case n < 6:
		return one("ne", g.right(c))
	case n < 10:
		return one(pick(g, "gt", "gte", "lt", "lte"), g.right(c))
	case n < 14:
		return one(pick(g, "in", "in", "nin"), g.rightList(c))
	case n < 15:
		return one("all", g.rightList(c))
	case n < 17:
		if c != inFilter && g.chance(20) {
			return one("exists", pick(g, "%%true", "%%false"))
		}
		return one("exists", pick[any](g, true, false, int32(1), int32(0)))
	case n < 18:
		return one("type", pick[any](g, "string", "int", "number", "array", "object", "null", bson.A{"bool", "objectId"}))
	case n < 19:
		return one("size", g.IntN(3))
	case n < 20:
		return one("mod", bson.A{int32(2), int32(g.IntN(2))})
	case n < 21:
		return append(one("regex", pick(g, "x", "^u", "1$", "X")), one("options", pick(g, "", "i"))...)
	case n < 22:
		return one("elemMatch", pick(g, bson.D{{Key: "x", Value: g.literal()}}, bson.D{{Key: "$gte", Value: "u"}}, bson.D{{Key: "a", Value: bson.D{{Key: "$gt", Value: int32(1)}}}}))
	case depth == 0 || c == inFilter:
		return one("not", g.operator(0, c))
	case n < 23:
		return one("not", g.operators(depth-1, c))
	}
	return one(pick(g, "and", "or", "nor"), bson.A{g.operators(depth-1, c), g.operators(depth-1, c)})
}

// rightList is the operand of in, nin and all.
func (g *generator) rightList(c scope) any {
	if g.chance(30) {
		return "%%" + pick(g, "user.data.list", "user.custom_data.list", "values.list", "user.data.none", "user.data.nested.m")
	}
	if c != inFilter && g.chance(8) {
		return pick(g, "%%root.", "%%prevRoot.") + pick(g, "a", "b", "owner")
	}
	list := bson.A{}
	for range pick(g, 0, 1, 2, 2, 3) {
		list = append(list, g.right(c))
	}
	return list
}
