package worlds_test

import (
	"bytes"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/reference"
)

// twin gives the world another content of which the user may read the same: hidden values of another kind, hidden fields
// and elements that come or go, documents that nobody sees, another order of insertion and other indexes.
func (g *generator) twin(w *World) {
	var docs []bson.D
	seen := w.eye()
	for _, doc := range w.Docs {
		shown := seen(doc)
		switch {
		case len(shown) == 0 && g.chance(25):
			continue
		case len(shown) == 0 && g.chance(50):
			doc = g.unseen(seen, doc)
		default:
			doc = g.changed(seen, doc)
		}
		docs = append(docs, doc)
	}
	for range pick(g, 0, 1, 2, 5) {
		if doc := g.unseen(seen, nil); doc != nil {
			docs = append(docs, doc)
		}
	}
	g.Shuffle(len(docs), func(i, j int) { docs[i], docs[j] = docs[j], docs[i] })
	w.Twin = docs
	for range pick(g, 0, 1, 2) {
		w.TwinIndexes = append(w.TwinIndexes, g.index())
	}
	if !w.isTwin() {
		w.Twin, w.TwinIndexes = nil, nil
	}
}

// eye tells what the user sees of a document, whatever the action.
func (w *World) eye() func(bson.D) [][]byte {
	model, facts := w.model(), w.facts()
	return func(doc bson.D) [][]byte {
		var all [][]byte
		for _, facts := range facts {
			if view, err := model.View(facts, raws([]bson.D{doc})); err == nil {
				all = append(all, sorted(view.Documents)...)
			}
		}
		return all
	}
}

// facts are those of each action, where rules may tell one from the other.
func (w *World) facts() []*reference.Facts {
	var list []*reference.Facts
	for action := range operations {
		if list == nil || bytes.Contains([]byte(text(w.Rules)), []byte("%%request")) {
			list = append(list, w.User.facts(action))
		}
	}
	if len(list) > 1 {
		list = append(list, w.User.factsOf("find", "get"), w.User.factsOf("findOne", "get"))
	}
	return list
}

// isTwin tells whether the user sees the same in both contents, and not everything.
func (w *World) isTwin() bool {
	if len(w.Twin) == 0 {
		return false
	}
	model := w.model()
	hidden := false
	for _, facts := range w.facts() {
		a, errA := model.View(facts, raws(w.Docs))
		b, errB := model.View(facts, raws(w.Twin))
		if errA != nil || errB != nil || !slices.EqualFunc(sorted(a.Documents), sorted(b.Documents), bytes.Equal) {
			return false
		}
		hidden = a.Hidden || b.Hidden
		if !hidden {
			return false
		}
	}
	return hidden && !slices.EqualFunc(sorted(raws(w.Docs)), sorted(raws(w.Twin)), bytes.Equal)
}

func sorted(docs []bson.Raw) [][]byte {
	list := make([][]byte, len(docs))
	for i, d := range docs {
		list[i] = d
	}
	slices.SortFunc(list, bytes.Compare)
	return list
}

// unseen makes a document that the user does not see, in the place of doc if there is one. It gives up after some trials.
func (g *generator) unseen(seen func(bson.D) [][]byte, doc bson.D) bson.D {
	id := g.freshID()
	if doc != nil {
		id = doc[0].Value
	}
	for range 12 {
		if other := g.document(id); len(seen(other)) == 0 {
			return other
		}
	}
	return doc
}

// changed makes changes to a document that the user does not see.
func (g *generator) changed(seen func(bson.D) [][]byte, doc bson.D) bson.D {
	shown := seen(doc)
	for range pick(g, 0, 8, 16) {
		other := append(bson.D{doc[0]}, g.change(doc[1:]).(bson.D)...)
		if g.chance(30) {
			other = replaced(doc, 0, bson.E{Key: "_id", Value: g.freshID()})
		}
		if slices.EqualFunc(seen(other), shown, bytes.Equal) {
			doc = other
		}
	}
	return doc
}

// change changes a value somewhere inside v.
func (g *generator) change(v any) any {
	switch c := v.(type) {
	case bson.D:
		i := g.IntN(len(c) + 1)
		switch n := g.IntN(10); {
		case i == len(c) || n < 2:
			name := pick(g, pick(g, innerNames...), pick(g, topNames...), "x")
			return unique(slices.Insert(slices.Clone(c), i, bson.E{Key: name, Value: g.value(2)}))
		case n < 4:
			return slices.Delete(slices.Clone(c), i, i+1)
		case n < 6:
			return replaced(c, i, bson.E{Key: c[i].Key, Value: g.value(2)})
		}
		return replaced(c, i, bson.E{Key: c[i].Key, Value: g.change(c[i].Value)})
	case bson.A:
		i := g.IntN(len(c) + 1)
		switch n := g.IntN(10); {
		case i == len(c) || n < 3:
			return slices.Insert(slices.Clone(c), i, g.element())
		case n < 5:
			return slices.Delete(slices.Clone(c), i, i+1)
		}
		return g.storable(replaced(c, i, g.change(c[i])))
	}
	return g.value(1)
}

// element is a value that may stand in an array.
func (g *generator) element() any {
	if g.chance(60) {
		return g.inner(2)
	}
	return g.scalar()
}
