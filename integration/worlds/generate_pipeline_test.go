package worlds_test

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// pipeline makes stages that a user may send. What depends on the order of documents comes before anything that leaves
// them in none.
func (g *generator) pipeline() bson.A {
	stages := bson.A{}
	if g.chance(40) {
		stages = append(stages, bson.D{{Key: "$match", Value: g.query(1)}})
	}
	if g.chance(15) {
		// As a find would be written.
		stages = append(stages, bson.D{{Key: "$sort", Value: g.sort()}}, bson.D{{Key: "$limit", Value: int32(1 + g.IntN(5))}})
		return stages
	}
	ordered := true
	for range pick(g, 0, 1, 1, 2, 3) {
		stage := g.stage(ordered)
		stages = append(stages, stage)
		ordered = ordered && !unorders[stage[0].Key]
	}
	return stages
}

// unorders are stages after which documents are in no certain order.
var unorders = map[string]bool{"$group": true, "$sort": true, "$sortByCount": true}

// isUnordered tells whether a pipeline gives its documents in no certain order: not even the database gives them in the
// same one each time.
func isUnordered(pipeline bson.A) bool {
	return slices.ContainsFunc(pipeline, func(stage any) bool {
		name, _ := stageOf(stage)
		return unorders[name]
	})
}

// needsOrder tells whether what a pipeline makes depends on the order of the documents.
func needsOrder(pipeline bson.A) bool {
	return slices.ContainsFunc(pipeline, func(stage any) bool {
		name, v := stageOf(stage)
		return name == "$limit" || name == "$skip" || strings.Contains(text(v), `"$push"`) || strings.Contains(text(v), `"$first"`) ||
			strings.Contains(text(v), `"$last"`)
	})
}

// asFind is the find that a pipeline stands for, if it is no more than that.
func asFind(pipeline bson.A) (r Request, ok bool) {
	r.Action = "aggregate"
	for _, stage := range pipeline {
		name, v := stageOf(stage)
		document, _ := v.(bson.D)
		n, _ := v.(int32)
		switch {
		case name == "$match" && r.Filter == nil && r.Sort == nil && r.Limit == 0:
			r.Filter = document
		case name == "$sort" && r.Sort == nil && r.Limit == 0:
			r.Sort = document
		case name == "$limit" && r.Limit == 0:
			r.Limit = int64(n)
		default:
			return r, false
		}
	}
	return r, true
}

// stageOf is the name of a stage and what it says. What is no stage, as a pipeline that is being made smaller may have,
// has no name.
func stageOf(stage any) (name string, v any) {
	d, _ := stage.(bson.D)
	if len(d) != 1 {
		return "", nil
	}
	return d[0].Key, d[0].Value
}

func (g *generator) stage(ordered bool) bson.D {
	one := func(name string, v any) bson.D { return bson.D{{Key: name, Value: v}} }
	switch n := g.IntN(24); {
	case n < 3:
		return one("$match", g.query(1))
	case n < 5:
		return one("$project", g.projection(g.chance(50)))
	case n < 8:
		return one("$project", bson.D{{Key: "v", Value: g.compute(2)}, {Key: pick(g, "a", "b.x", "_id"), Value: int32(1)}})
	case n < 11:
		return one(pick(g, "$addFields", "$set"), bson.D{{Key: pick(g, "v", "a", "a.x"), Value: g.compute(2)}})
	case n < 12:
		return one("$unset", pick(g, "a", "b", "a.b", "_id"))
	case n < 14 && ordered:
		return one(pick(g, "$limit", "$skip"), int32(1+g.IntN(4)))
	case n < 16:
		return one("$unwind", pick[any](g, "$a", "$b", bson.D{{Key: "path", Value: "$a"}, {Key: "preserveNullAndEmptyArrays", Value: true}, {Key: "includeArrayIndex", Value: "i"}}))
	case n < 20:
		return one("$group", g.group(ordered))
	case n < 21:
		return one("$count", "n")
	case n < 22:
		return one("$sortByCount", g.compute(1))
	case n < 23:
		return one("$replaceWith", bson.D{{Key: "$mergeObjects", Value: bson.A{"$$ROOT", bson.D{{Key: "v", Value: g.compute(1)}}}}})
	}
	return one("$sort", g.sort())
}

func (g *generator) group(ordered bool) bson.D {
	d := bson.D{{Key: "_id", Value: pick[any](g, nil, g.compute(1), "$owner", "$a", bson.D{{Key: "o", Value: "$owner"}})}}
	names := []string{"$sum", "$min", "$max", "$avg"}
	if ordered {
		names = append(names, "$first", "$last", "$push")
	}
	for i := range 1 + g.IntN(2) {
		d = append(d, bson.E{Key: pick(g, "x", "y") + string(rune('0'+i)), Value: bson.D{{Key: pick(g, names...), Value: pick[any](g, int32(1), g.compute(1), "$$ROOT")}}})
	}
	return d
}

// compute is an expression on a document, that fails on some.
func (g *generator) compute(depth int) any {
	field := func() any { return "$" + g.path() }
	inner := field
	if depth > 0 {
		inner = func() any { return g.compute(depth - 1) }
	}
	one := func(name string, v any) bson.D { return bson.D{{Key: name, Value: v}} }
	switch n := g.IntN(24); {
	case depth == 0 || n < 6:
		return field()
	case n < 8:
		return one("$literal", g.constant())
	case n < 10:
		return one(pick(g, "$eq", "$ne", "$gt", "$lt", "$cmp"), bson.A{inner(), inner()})
	case n < 12:
		return one("$cond", bson.A{inner(), inner(), field()})
	case n < 13:
		return one("$ifNull", bson.A{inner(), "none"})
	case n < 14:
		return one("$type", inner())
	case n < 15:
		return one("$isArray", bson.A{inner()})
	case n < 16:
		return one("$objectToArray", pick[any](g, "$$ROOT", inner()))
	case n < 17:
		return one("$mergeObjects", bson.A{"$$ROOT", one("v", inner())})
	case n < 18:
		return one("$map", bson.D{{Key: "input", Value: array(inner())}, {Key: "as", Value: "e"}, {Key: "in", Value: pick[any](g, "$$e", "$$e.a", one("$type", "$$e.x"))}})
	case n < 19:
		return one("$filter", bson.D{{Key: "input", Value: array(inner())}, {Key: "cond", Value: one("$gt", bson.A{"$$this.a", nil})}})
	case n < 20:
		return one("$size", pick[any](g, array(inner()), field()))
	case n < 21:
		return one(pick(g, "$toInt", "$toString", "$toObjectId"), inner())
	case n < 22:
		return one(pick(g, "$add", "$divide", "$concat", "$concatArrays"), bson.A{inner(), inner()})
	case n < 23:
		return one("$arrayElemAt", bson.A{array(inner()), int32(g.IntN(3) - 1)})
	}
	return "$$ROOT"
}

// constant is a value that may stand in an expression.
func (g *generator) constant() any {
	for {
		v := g.sent()
		if s := text(v); !strings.Contains(s, "$minKey") && !strings.Contains(s, "$maxKey") {
			return v
		}
	}
}

// array is an expression that is an array whatever v is.
func array(v any) bson.D {
	return bson.D{{Key: "$cond", Value: bson.A{bson.D{{Key: "$isArray", Value: bson.A{v}}}, v, bson.A{v}}}}
}
