package worlds_test

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// claims are data of a user. What is called none never is there.
func (g *generator) claims() bson.D {
	d := bson.D{}
	add := func(percent int, name string, v any) {
		if g.chance(percent) {
			d = append(d, bson.E{Key: name, Value: v})
		}
	}
	add(70, "team", pick[any](g, "x", "y", "u1", "x", nil))
	add(70, "list", pick[any](g, bson.A{"x", "y"}, bson.A{"u1"}, bson.A{nil, "x", int32(1)}, bson.A{}, bson.A{}, bson.A{nil}, bson.A{int32(1), int32(2)}, g.storable(bson.A{bson.A{"x"}}), "x", nil))
	add(70, "n", pick[any](g, int32(1), int32(2), int32(3), int32(2), nil))
	add(60, "nested", bson.D{{Key: "k", Value: pick[any](g, "x", "y", int32(1), nil)}, {Key: "m", Value: bson.A{"x", "u2"}}})
	add(50, "ref", pick(g, hexID, uuidID, "zz", "twelve bytes"))
	add(30, "vip", g.chance(50))
	return d
}

// scalar returns a value that contains no others.
func (g *generator) scalar() any {
	switch n := g.IntN(60); {
	case n < 14:
		return pick[any](g, int32(1), int32(2), int32(3))
	case n < 17:
		return pick[any](g, int64(2), 2.0, 1.5, int64(1), -1.0)
	case n < 30:
		return pick[any](g, "x", "y", "x", "y", "u1", "u2", hexID, uuidID)
	case n < 36:
		return pick(g, userIDs...)
	case n < 42:
		return nil
	case n < 46:
		return g.chance(50)
	case n < 48:
		return oid
	case n < 50:
		return bson.DateTime(g.IntN(3))
	case n < 52:
		return pick[any](g, "", uuid, bson.ObjectID{11: 2}, math.MaxInt32)
	}
	if !g.real {
		return pick[any](g, int32(2), "x")
	}
	return pick[any](g, mustDecimal("2"), mustDecimal("2.0"), math.NaN(), bson.Regex{Pattern: "x"}, bson.MinKey{}, bson.MaxKey{}, bson.Timestamp{T: 1, I: 1},
		math.Inf(1), mustDecimal("NaN"), bson.Binary{Subtype: 4, Data: []byte("short")}, uuid, bson.Regex{Pattern: "^X", Options: "i"}, math.Copysign(0, -1))
}

// value returns a value nested at most depth deep.
func (g *generator) value(depth int) any {
	switch n := g.IntN(100); {
	case depth == 0 || n < 45:
		return g.scalar()
	case n < 70:
		return g.array(depth)
	case n < 74:
		return bson.D{}
	}
	return g.inner(depth)
}

func (g *generator) inner(depth int) bson.D {
	d := bson.D{}
	for _, i := range g.Perm(len(innerNames))[:1+g.IntN(len(innerNames))] {
		d = append(d, bson.E{Key: innerNames[i], Value: g.value(depth - 1)})
	}
	if g.real && g.chance(4) {
		d = append(d, bson.E{Key: pick(g, "a.b", "0", "$x", ""), Value: g.value(0)})
	}
	return d
}

// array returns an array: of documents most of the time, of scalars, or of anything.
func (g *generator) array(depth int) bson.A {
	list := bson.A{}
	kind := g.IntN(10)
	for range pick(g, 0, 1, 1, 2, 2, 3, 4) {
		switch {
		case kind < 5:
			list = append(list, g.inner(depth))
		case kind < 8:
			list = append(list, g.scalar())
		case g.real || depth < 2:
			list = append(list, g.value(depth-1))
		default:
			list = append(list, pick[any](g, g.scalar(), g.inner(depth)))
		}
	}
	return g.storable(list)
}

// storable drops the arrays in an array, which the embedded server does not take.
func (g *generator) storable(list bson.A) bson.A {
	if g.real {
		return list
	}
	out := bson.A{}
	for _, v := range list {
		if _, isArray := v.(bson.A); !isArray {
			out = append(out, v)
		}
	}
	return out
}

// document returns a document with an _id of its own.
func (g *generator) document(id any) bson.D {
	d := bson.D{}
	for _, i := range g.Perm(len(topNames)) {
		switch name := topNames[i]; {
		case g.chance(25):
		case name == "owner":
			d = append(d, bson.E{Key: name, Value: g.owner()})
		case g.chance(10):
			d = append(d, bson.E{Key: name, Value: g.listOfUser()})
		default:
			d = append(d, bson.E{Key: name, Value: g.value(3)})
		}
	}
	if g.real && g.chance(3) {
		d = append(d, bson.E{Key: pick(g, "a.b", "$a", "0"), Value: g.value(1)})
	}
	if g.chance(3) {
		d = append(d, bson.E{Key: "_id__baas_transaction", Value: g.value(1)})
	}
	return append(bson.D{{Key: "_id", Value: id}}, d...)
}

// listOfUser is what the user has, too.
func (g *generator) listOfUser() any {
	for _, e := range slices.Concat(g.user.Data, g.user.Custom) {
		if list, isList := e.Value.(bson.A); isList && g.chance(60) {
			return list
		}
	}
	return bson.A{}
}

func (g *generator) owner() any {
	switch n := g.IntN(20); {
	case n < 13:
		return pick[any](g, "u1", "u1", "u2", hexID, uuidID, oid, uuid)
	case n < 15:
		return bson.A{"u1", pick(g, userIDs...)}
	case n < 16:
		return bson.A{pick(g, userIDs...), nil}
	case n < 17:
		return nil
	}
	return g.value(1)
}

// freshID returns an _id that no document of the world has.
func (g *generator) freshID() any {
	g.ids++
	n, style := g.ids, g.style
	if style == 3 {
		style = g.IntN(6)
	}
	switch style {
	case 0:
		return int32(n)
	case 1:
		return fmt.Sprintf("d%02d", n)
	case 2:
		return bson.ObjectID{10: byte(n >> 8), 11: byte(n)}
	case 3:
		return float64(n)
	case 4:
		return bson.D{{Key: "a", Value: int32(n)}}
	}
	return int64(n)
}

// makeDocuments makes the documents of a world.
func (g *generator) makeDocuments() {
	g.style, g.ids, g.docs = g.IntN(4), 0, nil
	for range 3 + g.IntN(12) {
		if len(g.docs) > 0 && g.chance(30) {
			g.docs = append(g.docs, g.sibling(pick(g, g.docs...)))
			continue
		}
		g.docs = append(g.docs, g.document(g.freshID()))
	}
	g.Shuffle(len(g.docs), func(i, j int) { g.docs[i], g.docs[j] = g.docs[j], g.docs[i] })
}

// sibling is a document that differs in little from another one, so that sort keys are the same and what is shown, too.
// Some differ in nothing but the types of numbers, or in nothing.
func (g *generator) sibling(doc bson.D) bson.D {
	var other any = doc[1:]
	switch n := g.IntN(20); {
	case n < 10:
		other = g.change(doc[1:])
	case n < 16:
		other = g.retyped(doc[1:])
	}
	return append(bson.D{{Key: "_id", Value: g.freshID()}}, other.(bson.D)...)
}

// retyped gives the numbers in v types of their own.
func (g *generator) retyped(v any) any {
	switch c := v.(type) {
	case bson.D:
		d := slices.Clone(c)
		for i := range d {
			d[i].Value = g.retyped(d[i].Value)
		}
		return d
	case bson.A:
		list := slices.Clone(c)
		for i := range list {
			list[i] = g.retyped(list[i])
		}
		return list
	case int32:
		if g.real && g.chance(20) {
			return mustDecimal(strconv.Itoa(int(c)))
		}
		return pick[any](g, c, int64(c), float64(c))
	}
	return v
}
