package oracle

import (
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Schema returns a JSON schema of the keywords that MongoDB's own validator has.
func (g *Generator) Schema(depth int) bson.D {
	s := bson.D{}
	add := func(name string, v any) { s = append(s, bson.E{Key: name, Value: v}) }
	for range Pick(g, 1, 1, 2, 3) {
		kind := g.IntN(12)
		if depth == 0 {
			kind = g.IntN(6)
		}
		switch kind {
		case 0:
			add("bsonType", g.schemaTypes("double", "string", "object", "array", "objectId", "date", "bool", "null", "regex", "int", "timestamp", "long", "decimal",
				"number", "number", "minKey", "maxKey", "undefined", "symbol", "dbPointer", "javascript", "javascriptWithScope"))
		case 1:
			add("type", g.schemaTypes("object", "array", "number", "boolean", "string", "null"))
		case 2:
			add("enum", g.distinct(func() any { return g.Operand() }))
		case 3:
			bound := Pick(g, "minimum", "maximum")
			add(bound, Pick[any](g, int32(0), int32(1), int64(2), 1.5, -1.0, mustDecimal("0.5"), int64(1<<53+1), float64(1<<53)))
			if g.IntN(2) == 0 {
				add(map[string]string{"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}[bound], g.IntN(2) == 0)
			}
		case 4:
			add("multipleOf", Pick[any](g, int32(1), int64(2), 0.5, mustDecimal("0.1"))) // by 15 digits of a double on the server, which 3 would show
		case 5:
			what := Pick(g, "Length", "Items", "Properties")
			add("min"+what, int32(g.IntN(3)))
			if g.IntN(2) == 0 {
				add("max"+what, int32(2+g.IntN(3))) // a maximum below the minimum is an error of ours
			}
		case 6:
			add("items", g.Schema(depth-1))
		case 7:
			add("items", bson.A{g.Schema(depth - 1), g.Schema(depth - 1)}[:1+g.IntN(2)])
			if g.IntN(2) == 0 {
				add("additionalItems", g.schemaOrBool(depth-1))
			}
		case 8:
			add(Pick(g, "anyOf", "oneOf", "allOf"), bson.A{g.Schema(depth - 1), g.Schema(depth - 1)}[:1+g.IntN(2)])
		case 9:
			add("not", g.Schema(depth-1))
		case 10:
			add(Pick(g, "uniqueItems"), g.IntN(4) > 0)
		default:
			s = append(s, g.schemaOfFields(depth-1)...)
		}
	}
	s = unique(s)
	if slices.ContainsFunc(s, func(e bson.E) bool { return e.Key == "bsonType" }) {
		s = slices.DeleteFunc(s, func(e bson.E) bool { return e.Key == "type" })
	}
	return s
}

// schemaOfFields has keywords of objects.
func (g *Generator) schemaOfFields(depth int) bson.D {
	s := bson.D{}
	names := func() any { return g.distinct(func() any { return Pick(g, fieldNames...) }) }
	fields := bson.D{}
	for range Pick(g, 1, 2, 3) {
		fields = append(fields, bson.E{Key: Pick(g, fieldNames...), Value: g.Schema(depth)})
	}
	s = append(s, bson.E{Key: "properties", Value: unique(fields)})
	if g.IntN(3) == 0 {
		s = append(s, bson.E{Key: "required", Value: names()})
	}
	if g.IntN(3) == 0 {
		s = append(s, bson.E{Key: "patternProperties", Value: bson.D{{Key: Pick(g, "^a", "[bc]", "0"), Value: g.Schema(depth)}}})
	}
	if g.IntN(3) == 0 {
		s = append(s, bson.E{Key: "additionalProperties", Value: g.schemaOrBool(depth)})
	}
	if g.IntN(4) == 0 {
		s = append(s, bson.E{Key: "dependencies", Value: bson.D{{Key: Pick(g, fieldNames...), Value: Pick[any](g, names(), g.Schema(depth))}}})
	}
	return s
}

func (g *Generator) schemaOrBool(depth int) any {
	if g.IntN(2) == 0 {
		return g.IntN(2) == 0
	}
	return g.Schema(depth)
}

// schemaTypes returns one of the names, or a list of two.
func (g *Generator) schemaTypes(names ...string) any {
	one, two := Pick(g, names...), Pick(g, names...)
	if one == two || g.IntN(2) == 0 {
		return one
	}
	return bson.A{one, two}
}

// distinct returns a list of one to three values that differ.
func (g *Generator) distinct(draw func() any) bson.A {
	list, seen := bson.A{}, map[string]bool{}
	for range 1 + g.IntN(3) {
		v := draw()
		if text := JSON(bson.D{{Key: "v", Value: v}}); !seen[text] {
			list, seen[text] = append(list, v), true
		}
	}
	return list
}
