package worlds_test

import (
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// rules makes the roles and filters of a rules.json.
func (g *generator) rules() bson.D {
	roles := bson.A{}
	for i := range pick(g, 1, 2, 2, 2, 3) {
		roles = append(roles, g.role(i))
	}
	rules := bson.D{{Key: "roles", Value: roles}}
	if filters := g.filters(); len(filters) > 0 {
		rules = append(rules, bson.E{Key: "filters", Value: filters})
	}
	return rules
}

func (g *generator) role(i int) bson.D {
	role := bson.D{{Key: "name", Value: fmt.Sprintf("r%d", i)}, {Key: "apply_when", Value: g.applyWhen()}}
	add := func(percent int, name string, v any) {
		if g.chance(percent) {
			role = append(role, bson.E{Key: name, Value: v})
		}
	}
	add(20, "document_filters", g.gates())
	add(25, "read", g.permission(false))
	add(12, "write", g.permission(false))
	add(10, "insert", g.permission(false))
	add(70, "fields", g.fields(topNames, 3))
	add(35, "additional_fields", g.access())
	return role
}

// gates are the document filters: for reading, for writing, both or none.
func (g *generator) gates() bson.D {
	d := bson.D{}
	if g.chance(50) {
		d = append(d, bson.E{Key: "read", Value: g.permission(false)})
	}
	if g.chance(60) {
		d = append(d, bson.E{Key: "write", Value: g.permission(false)})
	}
	return d
}

// applyWhen is a condition of a role, often a usual one.
func (g *generator) applyWhen() any {
	switch n := g.IntN(20); {
	case n < 7:
		return pick[any](g, bson.D{}, true)
	case n < 10:
		return bson.D{{Key: "owner", Value: "%%user.id"}}
	case n < 11:
		return bson.D{{Key: "owner", Value: bson.D{{Key: "%stringToOid", Value: "%%user.id"}}}}
	case n < 14:
		return g.ofLists(pick(g, topNames...))
	}
	return g.expression(2, inRole)
}

// ofLists compares a field with a list that the user or the app has.
func (g *generator) ofLists(name string) bson.D {
	list := pick(g, "%%values.list", "%%user.data.list", "%%user.data.list", "%%user.custom_data.list", "%%user.custom_data.list")
	switch n := g.IntN(10); {
	case n < 5:
		return bson.D{{Key: name, Value: list}}
	case n < 7:
		return bson.D{{Key: name, Value: bson.D{{Key: pick(g, "$ne", "$all"), Value: list}}}}
	case n < 9:
		return bson.D{{Key: name, Value: bson.D{{Key: "$not", Value: bson.D{{Key: "$all", Value: list}}}}}}
	}
	return bson.D{{Key: name, Value: bson.D{{Key: "$in", Value: bson.A{list, g.literal()}}}}}
}

// permission is a value of read or write.
func (g *generator) permission(ofField bool) any {
	switch n := g.IntN(10); {
	case n < 4:
		return true
	case n < 5:
		return false
	case ofField:
		return g.expression(1, inField)
	}
	return g.expression(1, inRole)
}

// access is read and write of a field.
func (g *generator) access() bson.D {
	d := bson.D{}
	if g.chance(80) {
		d = append(d, bson.E{Key: "read", Value: g.permission(true)})
	}
	if g.chance(20) {
		d = append(d, bson.E{Key: "write", Value: g.permission(true)})
	}
	return d
}

// fields is a map of entries, nested at most depth deep.
func (g *generator) fields(names []string, depth int) bson.D {
	d := bson.D{}
	if depth == 3 && g.chance(60) {
		d = append(d, bson.E{Key: "_id", Value: bson.D{{Key: "read", Value: g.permission(true)}}})
	}
	for _, name := range names {
		switch {
		case g.chance(35):
		case depth == 1 || g.chance(45):
			d = append(d, bson.E{Key: name, Value: g.access()})
		case g.chance(10):
			d = append(d, bson.E{Key: name + "." + pick(g, innerNames...), Value: g.access()})
		default:
			entry := bson.D{{Key: "fields", Value: g.fields(innerNames, depth-1)}}
			if g.chance(25) {
				entry = append(entry, g.access()...)
			}
			d = append(d, bson.E{Key: name, Value: entry})
		}
	}
	return d
}

// filters makes the filters, most of the time none.
func (g *generator) filters() bson.A {
	list := bson.A{}
	inclusion := g.chance(40)
	for i := range pick(g, 0, 0, 0, 0, 1, 1, 2, 2) {
		f := bson.D{{Key: "name", Value: fmt.Sprintf("f%d", i)}}
		switch n := g.IntN(10); {
		case n < 6:
			f = append(f, bson.E{Key: "apply_when", Value: pick[any](g, bson.D{}, true)})
		default:
			f = append(f, bson.E{Key: "apply_when", Value: g.expression(1, inFilter)})
		}
		if g.chance(60) {
			f = append(f, bson.E{Key: "query", Value: g.filterQuery(1)})
		}
		if g.chance(50) {
			if g.chance(5) {
				inclusion = !inclusion // then they exclude each other
			}
			f = append(f, bson.E{Key: pick(g, "projection", "projection", "project"), Value: g.projection(inclusion)})
		}
		list = append(list, f)
	}
	return list
}

// filterQuery is a query in which values may be expansions and conversions.
func (g *generator) filterQuery(depth int) bson.D {
	q := bson.D{}
	for range pick(g, 1, 1, 2) {
		switch n := g.IntN(10); {
		case depth > 0 && n < 2:
			list := bson.A{}
			for range 1 + g.IntN(2) {
				list = append(list, g.filterQuery(depth-1))
			}
			q = append(q, bson.E{Key: g.prefix() + pick(g, "and", "or", "nor"), Value: list})
		case n < 4 || !g.real:
			q = append(q, bson.E{Key: g.path(), Value: g.claimOr(g.sent, inFilter)})
		case n < 5:
			q = append(q, g.ofLists(pick(g, topNames...))...)
		case n < 7:
			q = append(q, bson.E{Key: "owner", Value: pick[any](g, "%%user.id", bson.D{{Key: "$in", Value: bson.A{"%%user.id", "u2"}}})})
		default:
			q = append(q, bson.E{Key: g.path(), Value: g.operators(1, inFilter)})
		}
	}
	return unique(q)
}

// projection has zeros or ones, but for the _id.
func (g *generator) projection(inclusion bool) bson.D {
	on, off := pick[any](g, int32(1), true, 1.0), pick[any](g, int32(0), false)
	if !inclusion {
		on = off
	}
	p := bson.D{}
	var taken []string
	for range pick(g, 1, 1, 2, 3) {
		path := pick(g, "a", "a", "b", "c", "owner", "a.a", "a.b", "a.x", "b.a", "b.x", "a.b.x", "c.a")
		if !overlap(taken, path) {
			taken = append(taken, path)
			p = append(p, bson.E{Key: path, Value: on})
		}
	}
	if g.chance(25) {
		p = append(p, bson.E{Key: "_id", Value: pick[any](g, int32(0), int32(1), false)})
	}
	return p
}

// overlap tells whether a path is, contains or lies in one of others, which no projection may have.
func overlap(paths []string, path string) bool {
	for _, p := range paths {
		if p == path || len(p) > len(path) && p[:len(path)+1] == path+"." || len(path) > len(p) && path[:len(p)+1] == p+"." {
			return true
		}
	}
	return false
}
