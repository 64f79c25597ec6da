package oracle

import (
	"slices"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// UpdateCase is an update of one document as a client writes it.
type UpdateCase struct {
	Filter       bson.D // besides the _id; for the segment $
	Update       bson.D
	ArrayFilters []bson.D
}

// Update returns an update that has something to do with doc. wild is how many of a hundred arguments are of a kind
// that the operator may refuse.
func (g *Generator) Update(doc bson.D, wild int) UpdateCase {
	u := &updateMaker{Generator: g, doc: doc, wild: wild, out: UpdateCase{Filter: bson.D{}}}
	if g.IntN(3) == 0 {
		u.out.Filter = u.filter()
		u.out.ArrayFilters = nil // of ways that the filter did not take
		u.matched = true
	}
	for range Pick(g, 1, 1, 1, 2, 2, 3) {
		op := Pick(g, "$set", "$set", "$set", "$unset", "$inc", "$inc", "$mul", "$min", "$max", "$rename", "$setOnInsert", "$push", "$push", "$addToSet",
			"$pull", "$pull", "$pullAll", "$pop", "$bit", "$currentDate")
		if slices.ContainsFunc(u.out.Update, func(e bson.E) bool { return e.Key == op }) {
			continue
		}
		fields := bson.D{}
		for range Pick(g, 1, 1, 1, 1, 2, 3, 4) {
			fields = append(fields, bson.E{Key: u.freePath(op), Value: u.argument(op)})
		}
		u.out.Update = append(u.out.Update, bson.E{Key: op, Value: unique(fields)})
	}
	if g.IntN(1000) < wild {
		u.misshape()
	}
	return u.out
}

// misshape makes something of an update that no operator is to blame for.
func (u *updateMaker) misshape() {
	i := u.IntN(len(u.out.Update))
	switch u.IntN(6) {
	case 0:
		u.out.Update[i].Value = bson.D{}
	case 1:
		u.out.Update[i].Value = u.Scalar()
	case 2:
		u.out.Update = append(u.out.Update, bson.E{Key: Pick(u.Generator, "a", "$foo", "$sets", "$", "$each"), Value: bson.D{{Key: "a", Value: int32(1)}}})
	case 3:
		u.out.ArrayFilters = append(u.out.ArrayFilters, bson.D{{Key: Pick(u.Generator, "unused", "f0", "F", "x_", "", "é"), Value: int32(1)}})
	case 4:
		u.out.ArrayFilters = append(u.out.ArrayFilters, u.Query(1, 0))
	case 5:
		u.out.ArrayFilters = nil
	}
}

type updateMaker struct {
	*Generator
	doc     bson.D
	wild    int
	matched bool // the filter may match an array element
	used    []string
	out     UpdateCase
}

// UpdateDocuments returns n documents to be updated and remembers them for operands. Every other one has fields that
// many operators can do something with: numbers, lists of numbers, lists of objects.
func (g *Generator) UpdateDocuments(n int) []bson.D {
	docs := g.Documents(n)
	for i := range docs {
		if i%2 == 0 {
			continue
		}
		docs[i] = g.shaped(1 + g.IntN(2))
		if g.IntN(20) == 0 {
			docs[i] = append(docs[i], bson.E{Key: Pick(g, "a.b", "$a", "", "01", "é"), Value: g.Value(1)})
		}
	}
	return docs
}

func (g *Generator) shaped(depth int) bson.D {
	doc := bson.D{}
	for _, i := range g.Perm(len(fieldNames))[:1+g.IntN(3)] {
		doc = append(doc, bson.E{Key: fieldNames[i], Value: g.shape(depth)})
	}
	return doc
}

func (g *Generator) shape(depth int) any {
	number := func() any {
		return Pick[any](g, int32(g.IntN(9)), int32(g.IntN(9)), int64(g.IntN(9)), float64(g.IntN(9))/2, mustDecimal("2.5"))
	}
	list := bson.A{}
	switch n := g.IntN(8); {
	case depth == 0 || n < 2:
		return number()
	case n < 4:
		for range Pick(g, 0, 1, 2, 3, 4, 7) {
			list = append(list, number())
		}
	case n < 6:
		for range Pick(g, 1, 2, 3, 4) {
			list = append(list, g.shaped(depth-1))
		}
	case n < 7:
		for range 1 + g.IntN(3) {
			list = append(list, g.shape(depth-1))
		}
	default:
		return g.shaped(depth - 1)
	}
	return list
}

// filter is a query that should match an array of the document.
func (u *updateMaker) filter() bson.D {
	for range 10 {
		var path []string
		var v any = u.doc
		for {
			if arr, ok := v.(bson.A); ok && len(arr) > 0 && u.IntN(2) == 0 {
				return bson.D{{Key: strings.Join(path, "."), Value: u.condition(Pick(u.Generator, arr...))}}
			}
			name, next, ok := u.segment(v, "$rename")
			if !ok || name == "" || name[0] == '$' {
				break
			}
			path, v = append(path, name), next
		}
	}
	return bson.D{{Key: u.Path(), Value: u.condition(u.Operand())}}
}

// anyCondition is one that v meets, or one that may be refused.
func (u *updateMaker) anyCondition(v any) any {
	if u.IntN(4) == 0 {
		return u.operators(1, u.wild)
	}
	return u.condition(v)
}

// condition is one that v or something like it meets.
func (u *updateMaker) condition(v any) any {
	switch u.IntN(12) {
	case 0, 1:
		return bson.D{{Key: Pick(u.Generator, "$gte", "$lte", "$gt", "$lt", "$ne", "$eq"), Value: u.literal(v)}}
	case 2:
		return bson.D{{Key: Pick(u.Generator, "$in", "$in", "$nin"), Value: bson.A{u.literal(v), u.literal(u.Operand())}}}
	case 3:
		return bson.D{{Key: "$elemMatch", Value: bson.D{{Key: Pick(u.Generator, "$gte", "$lte"), Value: u.literal(v)}}}}
	case 4:
		return bson.D{{Key: "$type", Value: Pick(u.Generator, "number", "object", "array", "string", "int")}}
	case 5:
		return bson.D{{Key: "$exists", Value: u.IntN(2) == 0}}
	case 6:
		return bson.D{{Key: "$not", Value: bson.D{{Key: Pick(u.Generator, "$gte", "$lt", "$eq"), Value: u.literal(v)}}}}
	case 7:
		return u.fitting(v)
	}
	return u.literal(v)
}

// fitting is a condition of a kind that only some values can meet.
func (u *updateMaker) fitting(v any) any {
	switch v := v.(type) {
	case bson.A:
		if len(v) > 0 && u.IntN(2) == 0 {
			return bson.D{{Key: "$all", Value: bson.A{u.literal(v[0])}}}
		}
		return bson.D{{Key: "$size", Value: int32(len(v))}}
	case string:
		return bson.D{{Key: "$regex", Value: Pick(u.Generator, "^a", "b", ".", "^$")}, {Key: "$options", Value: Pick(u.Generator, "", "i", "s")}}
	case bson.D:
		if len(v) > 0 {
			return bson.D{{Key: "$elemMatch", Value: bson.D{{Key: v[0].Key, Value: u.literal(v[0].Value)}}}}
		}
	}
	return bson.D{{Key: "$mod", Value: bson.A{int32(2), int32(u.IntN(2))}}}
}

// literal keeps regular expressions and the obsolete types, which conditions treat in ways of their own, out of them.
func (u *updateMaker) literal(v any) any {
	switch v.(type) {
	case bson.Regex, bson.Undefined:
		return int32(1)
	}
	return v
}

// identifier adds an array filter, or takes one that is there.
func (u *updateMaker) identifier(element any) string {
	if n := len(u.out.ArrayFilters); n > 0 && u.IntN(3) > 0 {
		return "$[f" + strconv.Itoa(u.IntN(n)) + "]"
	}
	id := "f" + strconv.Itoa(len(u.out.ArrayFilters))
	filter := u.arrayFilter(id, element)
	if u.IntN(6) == 0 {
		branches := bson.A{filter}
		for range 1 + u.IntN(2) {
			branches = append(branches, u.arrayFilter(id, element))
		}
		filter = bson.D{{Key: Pick(u.Generator, "$and", "$or", "$or", "$nor"), Value: branches}}
	}
	u.out.ArrayFilters = append(u.out.ArrayFilters, filter)
	return "$[" + id + "]"
}

// arrayFilter has one or two conditions on an element or its fields.
func (u *updateMaker) arrayFilter(id string, element any) bson.D {
	filter := bson.D{}
	for range Pick(u.Generator, 1, 1, 1, 2) {
		path, v := id, element
		if d, ok := element.(bson.D); ok && len(d) > 0 && u.IntN(2) == 0 {
			e := Pick(u.Generator, d...)
			path, v = id+"."+e.Key, e.Value
		}
		filter = append(filter, bson.E{Key: path, Value: u.anyCondition(v)})
	}
	return unique(filter)
}
