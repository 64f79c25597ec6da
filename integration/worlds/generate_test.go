package worlds_test

import (
	"math/rand/v2"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// generator makes worlds in which few names and values meet often.
type generator struct {
	*rand.Rand
	// real allows what only MongoDB itself can store and query.
	real  bool
	users []User
	user  User     // who asks in the world that is being made
	docs  []bson.D // of the world that is being made: operands are taken from them
	shown []bson.D // what the user sees of them; requests look there first
	style int      // of their _id
	ids   int      // how many have been given
}

func newGenerator(seed, stream uint64, isReal bool) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, stream)), real: isReal}
	g.users = g.makeUsers()
	return g
}

func pick[T any](g *generator, choices ...T) T { return choices[g.IntN(len(choices))] }

// chance is true in so many of a hundred cases.
func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

// hexID is a user id that converts to an ObjectId, and uuidID one that converts to a UUID.
const (
	hexID  = "5f0000000000000000000001"
	uuidID = "00112233-4455-6677-8899-aabbccddeeff"
)

var (
	oid        = bson.ObjectID{0: 0x5f, 11: 1}
	uuid       = bson.Binary{Subtype: 4, Data: []byte{0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}}
	userIDs    = []string{"u1", "u2", hexID, uuidID}
	topNames   = []string{"a", "b", "c", "owner"}
	innerNames = []string{"a", "b", "x"}
)

func mustDecimal(s string) bson.Decimal128 {
	d, err := bson.ParseDecimal128(s)
	if err != nil {
		panic(err)
	}
	return d
}

// makeUsers makes one user for each id. Claims are what a JSON Web Token can hold; custom data is any BSON.
func (g *generator) makeUsers() []User {
	var list []User
	for _, id := range userIDs {
		u := User{ID: id, Data: withoutNull(g.claims())}
		if g.chance(75) {
			u.Custom = g.claims()
			if g.chance(20) {
				u.Custom = unique(append(bson.D{{Key: "ref", Value: oid}}, u.Custom...))
			}
		}
		list = append(list, u)
	}
	return list
}

// withoutNull drops claims that are null: a token that has one says nothing.
func withoutNull(d bson.D) bson.D {
	return slices.DeleteFunc(d, func(e bson.E) bool { return e.Value == nil })
}

// operand returns a value to compare with, most of the time one that stands in a document.
func (g *generator) operand() any {
	docs := g.docs
	if len(g.shown) > 0 && g.chance(60) {
		docs = g.shown
	}
	if len(docs) == 0 || g.chance(40) {
		return g.value(1)
	}
	var v any = pick(g, docs...)
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
		if len(inside) == 0 || g.chance(20) {
			return v
		}
		v = pick(g, inside...)
	}
}

// path returns a dotted path of names and indexes, often one in a document that is shown.
func (g *generator) path() string {
	if len(g.shown) > 0 && g.chance(50) {
		if path := g.pathIn(pick(g, g.shown...)); path != "" {
			return path
		}
	}
	path := pick(g, "a", "a", "a", "b", "b", "c", "owner", "owner", "_id")
	for range pick(g, 0, 0, 0, 0, 1, 1, 1, 2, 3) {
		path += "." + pick(g, "a", "a", "b", "b", "x", "0", "1")
	}
	return path
}

// pathIn returns the path of a field in a document; "" if it has none that a path can name.
func (g *generator) pathIn(doc bson.D) string {
	if len(doc) == 0 {
		return ""
	}
	e := pick(g, doc...)
	if e.Key == "" || strings.ContainsAny(e.Key, "$.") {
		return ""
	}
	v := e.Value
	if list, isArray := v.(bson.A); isArray && len(list) > 0 {
		v = pick(g, list...)
	}
	if inner, isDocument := v.(bson.D); isDocument && g.chance(50) {
		if path := g.pathIn(inner); path != "" {
			return e.Key + "." + path
		}
	}
	return e.Key
}

// world makes a world with its requests, for one of the users. Most of the time something is shown and something hidden.
func (g *generator) world(requests int) *World {
	g.user = pick(g, g.users...)
	g.makeDocuments()
	w := &World{User: g.user, Docs: slices.Clone(g.docs)}
	var shown []bson.Raw
	for range 12 {
		w.Rules = g.rules()
		view, err := w.model().View(w.User.facts("find"), raws(w.Docs))
		shown = view.Documents
		if err == nil && len(shown) > 1 && view.Hidden || g.chance(8) {
			break
		}
	}
	for range pick(g, 0, 0, 1, 2) {
		w.Indexes = append(w.Indexes, g.index())
	}
	g.twin(w)
	for _, doc := range shown {
		g.shown = append(g.shown, decoded(doc))
	}
	for range requests {
		w.Requests = append(w.Requests, g.request())
	}
	g.shown = nil
	return w
}

func decoded(doc bson.Raw) bson.D {
	var d bson.D
	if err := bson.Unmarshal(doc, &d); err != nil {
		panic(err)
	}
	return d
}

// index returns the keys of an index.
func (g *generator) index() bson.D {
	keys := bson.D{}
	for range pick(g, 1, 1, 2) {
		keys = append(keys, bson.E{Key: g.path(), Value: pick[any](g, int32(1), int32(-1))})
	}
	return unique(keys)
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
