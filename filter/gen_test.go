package filter_test

import (
	"bytes"
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"pgregory.net/rapid"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/bsonval"
)

// Few names, so that documents, masks and paths meet; some that look like positions, some that are no path.
var (
	plainNames = []string{"a", "b", "c", "_id", "0", "1"}
	oddNames   = []string{"", "a.b", "$a", "_id__baas_transaction"}
)

// pick draws a number below n, each about as often; the generators of ranges prefer small numbers, and documents made of
// those are too plain.
func pick(t *rapid.T, n int, label string) int {
	bits := 0
	for range 6 {
		bits <<= 1
		if rapid.Bool().Draw(t, label) {
			bits++
		}
	}
	return bits % n
}

func oneOf[T any](t *rapid.T, list []T, label string) T { return list[pick(t, len(list), label)] }

func drawName(t *rapid.T) string {
	if pick(t, 12, "odd") == 0 {
		return oneOf(t, oddNames, "odd name")
	}
	return oneOf(t, plainNames, "name")
}

func drawValue(t *rapid.T, depth int) any {
	kinds := 4
	if depth > 0 {
		kinds = 8
	}
	switch pick(t, kinds, "kind") {
	case 0:
		return int32(pick(t, 4, "int"))
	case 1:
		return float64(pick(t, 4, "double"))
	case 2:
		return oneOf(t, []string{"", "s", "é"}, "string")
	case 3:
		return nil
	case 4, 5:
		return drawArray(t, depth-1)
	default:
		return drawFields(t, depth-1)
	}
}

func drawArray(t *rapid.T, depth int) bson.A {
	list := bson.A{}
	documents := rapid.Bool().Draw(t, "of documents")
	for range pick(t, 4, "length") {
		if documents {
			list = append(list, drawFields(t, max(depth-1, 0)))
			continue
		}
		list = append(list, drawValue(t, depth))
	}
	return list
}

func drawFields(t *rapid.T, depth int) bson.D { return addFields(t, bson.D{}, depth) }

// addFields draws fields behind those of doc; now and then a name comes twice.
func addFields(t *rapid.T, doc bson.D, depth int) bson.D {
	for range pick(t, 7, "fields") {
		name := drawName(t)
		if has(doc, name) && pick(t, 8, "twice") > 0 {
			continue
		}
		doc = append(doc, bson.E{Key: name, Value: drawValue(t, depth)})
	}
	return doc
}

// drawVersion draws what v may have become after a small change.
func drawVersion(t *rapid.T, v any) any {
	switch pick(t, 16, "change") {
	case 0:
		return drawValueLike(t, v)
	case 1:
		if doc, ok := v.(bson.D); ok && len(doc) > 1 {
			return append(slices.Clone(doc[1:]), doc[0])
		}
	case 2:
		if list, ok := v.(bson.A); ok {
			return append(slices.Clone(list), drawValue(t, 1))
		}
	}
	switch v := v.(type) {
	case bson.D:
		out := bson.D{}
		for _, e := range v {
			if pick(t, 16, "drop") > 0 {
				out = append(out, bson.E{Key: e.Key, Value: drawVersion(t, e.Value)})
			}
		}
		return out
	case bson.A:
		out := bson.A{}
		for _, item := range v {
			out = append(out, drawVersion(t, item))
		}
		return out
	}
	return v
}

// drawValueLike draws another value; a document stays one, as it may be the one at the top.
func drawValueLike(t *rapid.T, v any) any {
	if _, ok := v.(bson.D); ok {
		return drawFields(t, 1)
	}
	return drawValue(t, 1)
}

func has(doc bson.D, name string) bool {
	for _, e := range doc {
		if e.Key == name {
			return true
		}
	}
	return false
}

func drawDoc(t *rapid.T) bson.D {
	doc := bson.D{}
	if rapid.Bool().Draw(t, "containers") {
		doc = bson.D{{Key: "a", Value: drawArray(t, 3)}, {Key: "b", Value: drawFields(t, 3)}}
	}
	return addFields(t, doc, 4)
}

// check runs a property on more draws than one rapid.Check does.
func check(t *testing.T, property func(*rapid.T)) {
	t.Helper()
	for range 20 {
		rapid.Check(t, property)
	}
}

func mustMarshal(t testing.TB, doc bson.D) bson.Raw {
	t.Helper()
	raw, err := bson.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func drawCond(t *rapid.T) filter.Cond {
	return oneOf(t, []filter.Cond{
		filter.Never, filter.Never, filter.Never, filter.Always, filter.Ask(0), filter.Ask(1), filter.Ask(-1),
	}, "cond")
}

func drawNode(t *rapid.T, depth int) *filter.Node {
	if pick(t, 16, "nil") == 0 {
		return nil
	}
	n := &filter.Node{Whole: drawCond(t), Rest: drawCond(t)}
	if depth == 0 {
		return n
	}
	if rapid.Bool().Draw(t, "below") {
		n.Whole = filter.Never
	}
	for range pick(t, 6, "listed") {
		if n.Fields == nil {
			n.Fields = map[string]*filter.Node{}
		}
		n.Fields[drawName(t)] = drawNode(t, depth-1)
	}
	return n
}

// drawSmaller draws a mask that shows at most what n shows. No name is unlisted: at the root Rest would speak for it.
func drawSmaller(t *rapid.T, n *filter.Node) *filter.Node {
	if n == nil || pick(t, 10, "hide") == 0 {
		return nil
	}
	small := &filter.Node{Whole: n.Whole, Rest: n.Rest, Fields: map[string]*filter.Node{}}
	if pick(t, 4, "whole") == 0 {
		small.Whole = filter.Never
	}
	if pick(t, 4, "rest") == 0 {
		small.Rest = filter.Never
	}
	for name, child := range n.Fields {
		small.Fields[name] = drawSmaller(t, child)
	}
	return small
}

// parity answers condition 0 with "an even number" and condition 1 with "a container".
func parity(n int, this bson.RawValue) (bool, error) {
	if n == 1 {
		return this.Type == bson.TypeArray || this.Type == bson.TypeEmbeddedDocument, nil
	}
	i, exact := bsonval.Int64(this)
	return exact && i%2 == 0, nil
}

// drawProjection draws projections, most of them valid.
func drawProjection(t *rapid.T) bson.D {
	value := oneOf(t, []any{int32(1), true, 2.5}, "value")
	if rapid.Bool().Draw(t, "exclude") {
		value = oneOf(t, []any{int32(0), false, 0.0}, "value")
	}
	p := bson.D{}
	for range pick(t, 5, "paths") {
		path := drawPath(t)
		if path == "_id" && rapid.Bool().Draw(t, "switch _id") {
			p = append(p, bson.E{Key: path, Value: rapid.Bool().Draw(t, "_id")})
			continue
		}
		p = append(p, bson.E{Key: path, Value: value})
	}
	return p
}

func drawPath(t *rapid.T) string {
	path := oneOf(t, plainNames, "path")
	for range pick(t, 3, "more") {
		path += "." + oneOf(t, plainNames, "segment")
	}
	return path
}

// parsed draws a projection and skips what is refused.
func parsed(t *rapid.T) (filter.Projection, bson.D) {
	doc := drawProjection(t)
	raw, err := bson.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	p, err := filter.ParseProjection(raw)
	if err != nil {
		t.Skip("refused")
	}
	return p, doc
}

// within reports whether small consists of elements of big in big's order: the same, or containers of which the same
// can be said. The keys of arrays do not count.
func within(small, big bson.Raw, isArray bool) bool {
	s, b := bsonval.NewIter(small), bsonval.NewIter(big)
	for s.Next() {
		found := false
		for b.Next() {
			if (isArray || bytes.Equal(s.Key(), b.Key())) && valueWithin(s.Value(), b.Value()) {
				found = true
				break
			}
		}
		if !found {
			return false
		}
	}
	return s.Err() == nil
}

func valueWithin(small, big bson.RawValue) bool {
	if bsonval.Identical(small, big) {
		return true
	}
	container := big.Type == bson.TypeArray || big.Type == bson.TypeEmbeddedDocument
	return small.Type == big.Type && container && within(small.Value, big.Value, big.Type == bson.TypeArray)
}
