package worlds_test

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// request makes a read.
func (g *generator) request() Request {
	r := Request{Action: pick(g, "find", "find", "find", "find", "findOne", "countDocuments", "distinct", "aggregate", "aggregate")}
	if r.Action == "aggregate" {
		if r.Pipeline = g.pipeline(); g.real {
			return r
		}
		r = Request{Action: "find"} // the embedded server cannot compute
	}
	if g.chance(65) {
		r.Filter = g.query(pick(g, 0, 1, 2))
	}
	switch r.Action {
	case "distinct":
		r.Key = g.path()
		return r
	case "countDocuments":
		return r
	}
	if g.chance(50) {
		r.Sort = g.sort()
	}
	if g.chance(30) {
		r.Projection = g.projection(g.chance(50))
	}
	if r.Action == "find" && g.chance(40) {
		r.Skip, r.Limit = int64(pick(g, 0, 0, 1, 2, 5)), int64(pick(g, 0, 1, 1, 2, 3, 10))
	}
	return r
}

func (g *generator) sort() bson.D {
	by := bson.D{}
	for range pick(g, 1, 1, 1, 2) {
		path := g.path()
		if !g.real {
			path, _, _ = strings.Cut(path, ".") // below arrays the embedded server has an order of its own
		}
		by = append(by, bson.E{Key: path, Value: pick[any](g, int32(1), int32(-1))})
	}
	return unique(by)
}

// query is a filter of a client.
func (g *generator) query(depth int) bson.D {
	q := bson.D{}
	for range pick(g, 1, 1, 1, 1, 2) {
		switch n := g.IntN(10); {
		case depth > 0 && n < 3:
			list := bson.A{}
			for range 1 + g.IntN(3) {
				list = append(list, g.query(depth-1))
			}
			q = append(q, bson.E{Key: pick(g, "$and", "$or", "$or", "$nor"), Value: list})
		case g.real && n < 4:
			q = append(q, g.absence())
		case n < 6:
			q = append(q, bson.E{Key: g.path(), Value: g.sent()})
		default:
			q = append(q, bson.E{Key: g.path(), Value: g.tests(depth)})
		}
	}
	return unique(q)
}

// absence is a condition that something missing fulfils, or fails, below a field that may be shown in part.
func (g *generator) absence() bson.E {
	v := pick[any](g, nil, nil, bson.D{{Key: "$in", Value: bson.A{nil, g.sent()}}}, bson.D{{Key: "$gte", Value: nil}}, bson.D{{Key: "$ne", Value: nil}},
		bson.D{{Key: "$exists", Value: false}}, bson.D{{Key: "$not", Value: bson.D{{Key: "$lte", Value: nil}}}}, bson.D{{Key: "$nin", Value: bson.A{nil}}})
	return bson.E{Key: pick(g, "a", "b", "c") + "." + pick(g, innerNames...), Value: v}
}

// sent is a value that clients may send. The embedded server has ideas of its own about null, arrays and documents.
func (g *generator) sent() any {
	for {
		v := g.operand()
		if isLiteral(v) && (g.real || isPlain(v)) {
			return v
		}
	}
}

func isPlain(v any) bool {
	switch v.(type) {
	case nil, bson.A, bson.D:
		return false
	}
	return true
}

// tests is an object of operators.
func (g *generator) tests(depth int) bson.D {
	d := bson.D{}
	for range pick(g, 1, 1, 1, 2) {
		d = append(d, g.test(depth))
	}
	return unique(d)
}

func (g *generator) test(depth int) bson.E {
	n := g.IntN(20)
	if !g.real {
		n = g.IntN(14) // the embedded server gets the other operators wrong
	}
	switch {
	case n < 4:
		return bson.E{Key: pick(g, "$eq", "$ne", "$ne"), Value: g.sent()}
	case n < 8:
		return bson.E{Key: pick(g, "$gt", "$gte", "$lt", "$lte"), Value: g.sent()}
	case n < 11:
		return bson.E{Key: pick(g, "$in", "$in", "$nin"), Value: bson.A{g.sent(), g.sent()}}
	case n < 13:
		return bson.E{Key: "$exists", Value: g.chance(50)}
	case n < 14:
		return bson.E{Key: "$type", Value: pick[any](g, "string", "int", "number", "array", "object", "null", "bool", int32(3))}
	case n < 15:
		return bson.E{Key: "$size", Value: int32(g.IntN(4))}
	case n < 16:
		return bson.E{Key: "$all", Value: bson.A{g.sent(), g.sent()}[:1+g.IntN(2)]}
	case n < 17:
		return bson.E{Key: "$regex", Value: pick(g, "x", "^u", "1$")}
	case n < 18:
		return bson.E{Key: "$mod", Value: bson.A{int32(2), int32(g.IntN(2))}}
	case n < 19 && depth > 0:
		return bson.E{Key: "$not", Value: bson.D{g.test(depth - 1)}}
	case depth > 0 && g.chance(60):
		return bson.E{Key: "$elemMatch", Value: bson.D{{Key: pick(g, innerNames...), Value: pick[any](g, g.sent(), g.tests(depth-1))}}}
	case depth > 0:
		return bson.E{Key: "$elemMatch", Value: bson.D{g.test(0)}}
	}
	return bson.E{Key: "$eq", Value: g.sent()}
}
