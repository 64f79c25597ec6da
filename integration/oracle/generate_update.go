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

// Update returns an update that has something to do with doc. wild is how many of a hundred arguments are of a kind that
// the operator may refuse.
func (g *Generator) Update(doc bson.D, wild int) UpdateCase {
	u := &updateMaker{Generator: g, doc: doc, wild: wild, out: UpdateCase{Filter: bson.D{}}}
	if g.IntN(3) == 0 {
		u.out.Filter = u.filter()
		u.matched = true
	}
	for range Pick(g, 1, 1, 1, 2, 2, 3) {
		op := Pick(g, "$set", "$set", "$set", "$unset", "$inc", "$inc", "$mul", "$min", "$max", "$rename", "$setOnInsert", "$push", "$push", "$addToSet",
			"$pull", "$pullAll", "$pop", "$bit")
		fields := bson.D{}
		for range Pick(g, 1, 1, 1, 1, 2, 3, 4) {
			fields = append(fields, bson.E{Key: u.freePath(op), Value: u.argument(op)})
		}
		u.out.Update = append(u.out.Update, bson.E{Key: op, Value: unique(fields)})
	}
	u.out.Update = unique(u.out.Update)
	return u.out
}

type updateMaker struct {
	*Generator
	doc     bson.D
	wild    int
	matched bool // the filter may match an array element
	used    []string
	out     UpdateCase
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
			if !ok {
				break
			}
			path, v = append(path, name), next
		}
	}
	return bson.D{{Key: u.Path(), Value: u.condition(u.Operand())}}
}

// condition is one that v or something like it meets.
func (u *updateMaker) condition(v any) any {
	switch u.IntN(8) {
	case 0:
		return bson.D{{Key: Pick(u.Generator, "$gte", "$lte", "$ne"), Value: u.literal(v)}}
	case 1:
		return bson.D{{Key: "$in", Value: bson.A{u.literal(v), u.literal(u.Operand())}}}
	case 2:
		return bson.D{{Key: "$elemMatch", Value: bson.D{{Key: Pick(u.Generator, "$gte", "$lte"), Value: u.literal(v)}}}}
	case 3:
		return bson.D{{Key: "$type", Value: Pick(u.Generator, "number", "object", "array", "string")}}
	case 4:
		return bson.D{{Key: "$exists", Value: u.IntN(2) == 0}}
	}
	return u.literal(v)
}

// literal keeps regular expressions and the obsolete types, which conditions treat in ways of their own, out of them.
func (u *updateMaker) literal(v any) any {
	switch v.(type) {
	case bson.Regex, bson.Undefined:
		return int32(1)
	}
	return v
}

// freePath avoids most conflicts with the paths that were made before.
func (u *updateMaker) freePath(op string) string {
	filters := len(u.out.ArrayFilters)
	path, target := u.path(op)
	for range 30 {
		free := u.IntN(60) == 0 || !slices.ContainsFunc(u.used, func(other string) bool { return conflict(path, other) })
		if free && (u.IntN(8) == 0 || suits(op, target)) {
			break
		}
		u.out.ArrayFilters = u.out.ArrayFilters[:filters]
		path, target = u.path(op)
	}
	u.used = append(u.used, path)
	return path
}

// suits tells whether an operator can do something with a value.
func suits(op string, v any) bool {
	if v == nil {
		return true
	}
	switch op {
	case "$inc", "$mul":
		switch v.(type) {
		case int32, int64, float64, bson.Decimal128:
			return true
		}
		return false
	case "$bit":
		switch v.(type) {
		case int32, int64:
			return true
		}
		return false
	case "$push", "$addToSet", "$pull", "$pullAll", "$pop":
		_, ok := v.(bson.A)
		return ok
	}
	return true
}

// conflict tells whether two paths cannot be in one update.
func conflict(a, b string) bool {
	for {
		x, restA, moreA := strings.Cut(a, ".")
		y, restB, moreB := strings.Cut(b, ".")
		if x != y {
			return strings.HasPrefix(x, "$[") != strings.HasPrefix(y, "$[")
		}
		if !moreA || !moreB {
			return true
		}
		a, b = restA, restB
	}
}

// path follows the document for a while, then adds segments of its own. It returns what stands at the path, nil for
// nothing.
func (u *updateMaker) path(op string) (string, any) {
	var segments []string
	var v any = u.doc
	for len(segments) < 5 {
		name, next, ok := u.segment(v, op)
		if !ok || u.IntN(5) == 0 {
			break
		}
		segments, v = append(segments, name), next
	}
	for len(segments) == 0 || u.IntN(6) == 0 {
		segments = append(segments, Pick(u.Generator, "a", "b", "c", "d", "0", "1", "2", "5", "10", "9", "z"))
		switch v.(type) {
		case bson.D, bson.A:
			v = nil
		}
	}
	if u.IntN(300) == 0 {
		segments = append(segments, Pick(u.Generator, "", "$", "$[]", "$x", "$[zz]", "$[", "$[]]"))
	}
	if u.IntN(300) == 0 {
		segments[0] = Pick(u.Generator, "_id", "$", "$[]", "")
	}
	return strings.Join(segments, "."), v
}

// segment picks a way down from v.
func (u *updateMaker) segment(v any, op string) (name string, next any, ok bool) {
	switch c := v.(type) {
	case bson.D:
		if len(c) > 0 {
			e := Pick(u.Generator, c...)
			return e.Key, e.Value, true
		}
	case bson.A:
		i := 0
		if len(c) > 0 {
			i = u.IntN(len(c))
			next = c[i]
		}
		switch n := u.IntN(12); {
		case n < 2 && op != "$rename":
			return "$[]", next, true
		case n < 4 && op != "$rename":
			return u.identifier(next), next, true
		case n < 6 && u.matched:
			return "$", next, true
		}
		return strconv.Itoa(i + Pick(u.Generator, 0, 0, 0, 0, 0, 0, 1, 3)), next, true
	}
	return "", nil, false
}

// identifier adds an array filter, or takes one that is there.
func (u *updateMaker) identifier(element any) string {
	if n := len(u.out.ArrayFilters); n > 0 && u.IntN(3) > 0 {
		return "$[f" + strconv.Itoa(u.IntN(n)) + "]"
	}
	id := "f" + strconv.Itoa(len(u.out.ArrayFilters))
	filter := bson.D{{Key: id, Value: u.condition(element)}}
	if d, ok := element.(bson.D); ok && len(d) > 0 && u.IntN(2) == 0 {
		e := Pick(u.Generator, d...)
		filter = bson.D{{Key: id + "." + e.Key, Value: u.condition(e.Value)}}
	}
	u.out.ArrayFilters = append(u.out.ArrayFilters, filter)
	return "$[" + id + "]"
}

func (u *updateMaker) argument(op string) any {
	if u.IntN(100) < u.wild {
		return u.Value(2)
	}
	number := func() any { return Pick(u.Generator, troubleNumbers...) }
	small := func() any {
		return Pick[any](u.Generator, int32(0), int32(1), int32(2), int64(-1), -2.0, int32(-5), int32(7), mustDecimal("1"))
	}
	switch op {
	case "$inc", "$mul":
		return number()
	case "$rename":
		return u.freePath(op)
	case "$pop":
		return Pick[any](u.Generator, int32(1), int32(-1), 1.0, int64(-1))
	case "$pullAll":
		return u.values()
	case "$bit":
		ops := bson.D{}
		for range Pick(u.Generator, 1, 1, 2) {
			ops = append(ops, bson.E{Key: Pick(u.Generator, "and", "or", "xor"), Value: Pick[any](u.Generator, int32(5), int32(-1), int64(6), int64(1)<<40, int32(0))})
		}
		return unique(ops)
	case "$push":
		if u.IntN(2) == 0 {
			return u.Operand()
		}
		each := bson.D{{Key: "$each", Value: u.values()}}
		if u.IntN(2) == 0 {
			each = append(each, bson.E{Key: "$position", Value: small()})
		}
		if u.IntN(3) == 0 {
			each = append(each, bson.E{Key: "$slice", Value: small()})
		}
		if u.IntN(2) == 0 {
			each = append(each, bson.E{Key: "$sort", Value: u.sort()})
		}
		u.Shuffle(len(each), func(i, j int) { each[i], each[j] = each[j], each[i] })
		return each
	case "$addToSet":
		if u.IntN(2) == 0 {
			return bson.D{{Key: "$each", Value: u.values()}}
		}
		return u.Operand()
	case "$pull":
		switch u.IntN(4) {
		case 0:
			return u.condition(u.Operand())
		case 1:
			return bson.D{{Key: u.Path(), Value: u.condition(u.Operand())}}
		}
		return u.Operand()
	}
	return u.Operand()
}

func (u *updateMaker) sort() any {
	if u.IntN(2) == 0 {
		return Pick[any](u.Generator, int32(1), int32(-1), 1.0)
	}
	keys := bson.D{}
	for range Pick(u.Generator, 1, 1, 2) {
		keys = append(keys, bson.E{Key: u.Path(), Value: Pick[any](u.Generator, int32(1), int32(-1))})
	}
	return unique(keys)
}

func (u *updateMaker) values() bson.A {
	values := bson.A{}
	for range Pick(u.Generator, 0, 1, 1, 2, 3, 5) {
		values = append(values, u.Operand())
	}
	return values
}
