package filter_test

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"pgregory.net/rapid"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/bsonval"
)

// The models below say the same as the package in the plainest way, on decoded documents.

// modelCut is Cut. A nil result is nothing.
func modelCut(doc bson.D, n *filter.Node, j filter.Judge) bson.D {
	if n == nil {
		return nil
	}
	if modelAllows(n.Whole, doc, j) {
		n = &filter.Node{Rest: filter.Always}
	}
	return modelFields(doc, n, j, true)
}

func modelFields(doc bson.D, n *filter.Node, j filter.Judge, top bool) bson.D {
	var out bson.D
	for _, e := range doc {
		if top && e.Key == "_id__baas_transaction" {
			continue
		}
		child, listed := n.Fields[e.Key]
		if e.Key == "" || e.Key[0] == '$' || strings.Contains(e.Key, ".") {
			listed = false
		}
		var shown any
		switch {
		case !listed && top && modelAllows(n.Rest, e.Value, j):
			shown = e.Value
		case !listed || child == nil:
			continue
		case modelAllows(child.Whole, e.Value, j):
			shown = e.Value
		default:
			if shown = modelValue(e.Value, child, j); shown == nil {
				continue
			}
		}
		out = append(out, bson.E{Key: e.Key, Value: shown})
	}
	return out
}

// modelValue cuts into a container; nil is nothing.
func modelValue(v any, n *filter.Node, j filter.Judge) any {
	switch v := v.(type) {
	case bson.D:
		if cut := modelFields(v, n, j, false); cut != nil {
			return cut
		}
	case bson.A:
		var out bson.A
		for _, item := range v {
			doc, ok := item.(bson.D)
			if !ok {
				continue
			}
			if cut := modelFields(doc, n, j, false); cut != nil {
				out = append(out, cut)
			}
		}
		if out != nil {
			return out
		}
	}
	return nil
}

func modelAllows(c filter.Cond, v any, j filter.Judge) bool {
	if c <= filter.Always {
		return c == filter.Always
	}
	kind, value, err := bson.MarshalValue(v)
	if err != nil {
		return false
	}
	ok, err := j.Allow(int(c)-2, bson.RawValue{Type: kind, Value: value})
	return ok && err == nil
}

func TestCutProperties(t *testing.T) {
	t.Parallel()
	check(t, func(rt *rapid.T) {
		decoded := drawDoc(rt)
		doc := mustMarshal(t, decoded)
		node := drawNode(rt, 4)
		mask := filter.Tree(node, judge(parity))

		got, visible, err := filter.Cut(nil, doc, mask)
		if err != nil {
			rt.Fatalf("Cut: %v", err)
		}
		if visible != (len(got) > 0) {
			rt.Fatalf("visible = %v with %d bytes", visible, len(got))
		}
		want := modelCut(decoded, node, judge(parity))
		if (want != nil) != visible || visible && !bytes.Equal(got, mustMarshal(t, want)) {
			rt.Fatalf("Cut(%v) = %v, want %v", decoded, bson.Raw(got), want)
		}
		if !visible {
			return
		}
		if err := bsonval.Validate(got, 100); err != nil {
			rt.Fatalf("output is no BSON: %v", err)
		}
		if !within(got, doc, false) {
			rt.Fatalf("%v is not within %v", bson.Raw(got), doc)
		}
		again, _, err := filter.Cut(nil, got, mask)
		if err != nil || !bytes.Equal(got, again) {
			rt.Fatalf("cut twice: %v, %v, want %v", bson.Raw(again), err, bson.Raw(got))
		}
		less, visible, err := filter.Cut(nil, doc, filter.Tree(drawSmaller(rt, node), judge(parity)))
		if err != nil || visible && !within(less, got, false) {
			rt.Fatalf("a smaller mask shows %v, %v, not within %v", bson.Raw(less), err, bson.Raw(got))
		}
		if out, visible, err := filter.Cut(nil, doc, filter.Mask{}); len(out) > 0 || visible || err != nil {
			rt.Fatalf("the zero mask shows %v", bson.Raw(out))
		}
	})
}

// modelProject is Project for one path and one mode: applied path by path it is the whole projection for exclusions.
func modelProject(v any, tree bson.D, include bool) any {
	switch v := v.(type) {
	case bson.D:
		out := bson.D{}
		for _, e := range v {
			i := slices.IndexFunc(tree, func(f bson.E) bool { return f.Key == e.Key })
			switch {
			case i < 0 && include, i >= 0 && tree[i].Value == nil && !include:
			case i < 0, tree[i].Value == nil:
				out = append(out, e)
			default:
				if value, keep := modelBelow(e.Value, tree[i].Value.(bson.D), include); keep {
					out = append(out, bson.E{Key: e.Key, Value: value})
				}
			}
		}
		return out
	case bson.A:
		out := bson.A{}
		for _, item := range v {
			if value, keep := modelBelow(item, tree, include); keep {
				out = append(out, value)
			}
		}
		return out
	}
	return nil
}

func modelBelow(v any, tree bson.D, include bool) (any, bool) {
	switch v.(type) {
	case bson.D, bson.A:
		return modelProject(v, tree, include), true
	}
	return v, !include
}

// treeOf turns {"a.b": 1, _id: 0} into {a: {b: nil}} and the mode.
func treeOf(p bson.D) (tree bson.D, include bool) {
	id, hasID := true, false
	other := false
	for _, e := range p {
		on := e.Value != any(int32(0)) && e.Value != any(false) && e.Value != any(0.0)
		if e.Key == "_id" {
			id, hasID = on, true
			continue
		}
		include, other = on, true
		tree = insert(tree, strings.Split(e.Key, "."))
		if e.Key != "_id" && strings.HasPrefix(e.Key, "_id.") {
			hasID, id = true, !on // decided below _id: not switched as a whole
		}
	}
	if !other {
		include = hasID && id
	}
	if id == include && !has(tree, "_id") {
		tree = append(tree, bson.E{Key: "_id"})
	}
	return tree, include
}

func insert(tree bson.D, path []string) bson.D {
	if len(path) == 0 {
		return tree
	}
	for i, e := range tree {
		if e.Key == path[0] {
			tree[i].Value = insert(e.Value.(bson.D), path[1:])
			return tree
		}
	}
	e := bson.E{Key: path[0]}
	if len(path) > 1 {
		e.Value = insert(bson.D{}, path[1:])
	}
	return append(tree, e)
}

func TestProjectProperties(t *testing.T) {
	t.Parallel()
	check(t, func(rt *rapid.T) {
		decoded := drawDoc(rt)
		doc := mustMarshal(t, decoded)
		p, source := parsed(rt)
		got, err := filter.Project(nil, doc, p)
		if err != nil {
			rt.Fatal(err)
		}
		want := decoded
		if len(source) > 0 {
			tree, include := treeOf(source)
			want = modelProject(decoded, tree, include).(bson.D)
		}
		if !bytes.Equal(got, mustMarshal(t, want)) {
			rt.Fatalf("Project(%v, %v) = %v, want %v", decoded, source, bson.Raw(got), want)
		}
		if again, err := filter.Project(nil, got, p); err != nil || !bytes.Equal(got, again) {
			rt.Fatalf("projected twice: %v, %v", bson.Raw(again), err)
		}
		if err := bsonval.Validate(got, 100); err != nil || !within(got, doc, false) {
			rt.Fatalf("Project(%v, %v) = %v, %v", decoded, source, bson.Raw(got), err)
		}
	})
}

// reachable lists what a predicate on a path would look at: the values at its end, a step into every array on the way by
// position and by element, and how many elements each of these arrays has.
func reachable(v bson.RawValue, path []string) []string {
	var found []string
	if v.Type == bson.TypeArray {
		found = append(found, "array of "+strconv.Itoa(size(v)))
	}
	if len(path) == 0 {
		return append(found, v.String())
	}
	if v.Type != bson.TypeArray && v.Type != bson.TypeEmbeddedDocument {
		return found
	}
	it := bsonval.NewIter(v.Value)
	for it.Next() {
		if string(it.Key()) == path[0] {
			found = append(found, reachable(it.Value(), path[1:])...)
		}
		if v.Type == bson.TypeArray && it.Value().Type == bson.TypeEmbeddedDocument {
			found = append(found, reachable(it.Value(), path)...)
		}
	}
	return found
}

func size(v bson.RawValue) (n int) {
	for it := bsonval.NewIter(v.Value); it.Next(); n++ {
	}
	return n
}

func TestHidesProperties(t *testing.T) {
	t.Parallel()
	check(t, func(rt *rapid.T) {
		doc := mustMarshal(t, drawDoc(rt))
		p, source := parsed(rt)
		path := drawPath(rt)
		got, err := filter.Project(nil, doc, p)
		if err != nil {
			rt.Fatal(err)
		}
		segments := strings.Split(path, ".")
		before, after := reachable(bsonval.FromDocument(doc), segments), reachable(bsonval.FromDocument(got), segments)
		if !p.HidesAny(path) && !slices.Equal(before, after) {
			rt.Fatalf("%v hides nothing of %s, yet %v became %v", source, path, before, after)
		}
		values := slices.DeleteFunc(after, func(s string) bool { return strings.HasPrefix(s, "array of ") })
		if p.Hides(path) && len(values) > 0 {
			rt.Fatalf("%v hides %s, yet %v is left", source, path, values)
		}
		if p.Hides(path) && !p.HidesAny(path) {
			rt.Fatalf("%v hides %s but nothing of it", source, path)
		}
	})
}

func TestIntersectProperties(t *testing.T) {
	t.Parallel()
	check(t, func(rt *rapid.T) {
		doc := mustMarshal(t, drawDoc(rt))
		p, _ := parsed(rt)
		q, _ := parsed(rt)
		both, err := filter.Intersect([]filter.Projection{p, q})
		if err != nil {
			rt.Skip("conflict")
		}
		got, err := filter.Project(nil, doc, both)
		if err != nil {
			rt.Fatal(err)
		}
		for _, one := range []filter.Projection{p, q} {
			alone, err := filter.Project(nil, doc, one)
			if err != nil || !within(got, alone, false) {
				rt.Fatalf("together %v, alone %v, %v", bson.Raw(got), bson.Raw(alone), err)
			}
		}
		swapped, err := filter.Intersect([]filter.Projection{q, p})
		if err != nil {
			rt.Fatal(err)
		}
		if out, err := filter.Project(nil, doc, swapped); err != nil || !bytes.Equal(got, out) {
			rt.Fatalf("%v, swapped %v, %v", bson.Raw(got), bson.Raw(out), err)
		}
	})
}

// leaves calls visit for every place that Diff may name: the way there, and the value.
func leaves(at filter.Path, doc bson.Raw, visit func(filter.Path, bson.RawValue)) {
	it := bsonval.NewIter(doc)
	for it.Next() {
		key, v := string(it.Key()), it.Value()
		if key == "" || key[0] == '$' || strings.Contains(key, ".") {
			visit(at, bsonval.FromDocument(doc))
			continue
		}
		path := filter.Path(key)
		if at != "" {
			path = at + "." + path
		}
		if (v.Type == bson.TypeEmbeddedDocument || v.Type == bson.TypeArray) && size(v) > 0 {
			leaves(path, v.Value, visit)
			continue
		}
		visit(path, v)
	}
}

// at returns the first value at a path, taking segments as names in documents and in arrays.
func at(doc bson.Raw, path filter.Path) bson.RawValue {
	v := bsonval.FromDocument(doc)
	for _, segment := range path.Segments() {
		if v.Type != bson.TypeEmbeddedDocument && v.Type != bson.TypeArray {
			return bson.RawValue{}
		}
		v, _ = bsonval.Lookup(v.Value, segment)
	}
	return v
}

func covers(path, leaf filter.Path) bool {
	return path == "" || path == leaf || strings.HasPrefix(string(leaf), string(path)+".")
}

// TestDiffProperties holds Diff to both sides: each difference lies under a path it gave, and each path it gave is one.
func TestDiffProperties(t *testing.T) {
	t.Parallel()
	check(t, func(rt *rapid.T) {
		a := drawDoc(rt)
		b := drawDoc(rt)
		if rapid.Bool().Draw(rt, "related") {
			b = drawVersion(rt, a).(bson.D)
		}
		pre, post := mustMarshal(t, a), mustMarshal(t, b)
		paths := filter.Diff(pre, post)
		if diff := cmp.Diff([]filter.Path(nil), filter.Diff(pre, pre)); diff != "" {
			rt.Fatalf("a document differs from itself: %s", diff)
		}
		if len(slices.Compact(slices.Sorted(slices.Values(paths)))) != len(paths) {
			rt.Fatalf("a path comes twice: %q", paths)
		}
		for _, p := range paths {
			if bsonval.Identical(at(pre, p), at(post, p)) {
				rt.Fatalf("Diff(%v, %v) = %q, but %q is the same", pre, post, paths, p)
			}
		}
		covered := func(leaf filter.Path, _ bson.RawValue) {
			if bsonval.Identical(at(pre, leaf), at(post, leaf)) {
				return
			}
			if leaf == "" && bytes.Equal(sorted(a), sorted(b)) {
				return // the order at the top
			}
			if !slices.ContainsFunc(paths, func(p filter.Path) bool { return covers(p, leaf) }) && !deeper(paths, leaf) {
				rt.Fatalf("Diff(%v, %v) = %q misses %q", pre, post, paths, leaf)
			}
		}
		leaves("", pre, covered)
		leaves("", post, covered)
	})
}

// deeper reports whether a path lies below a leaf: an odd name that stayed makes its container a leaf of the walk.
func deeper(paths []filter.Path, leaf filter.Path) bool {
	return slices.ContainsFunc(paths, func(p filter.Path) bool { return covers(leaf, p) })
}

func sorted(doc bson.D) []byte {
	doc = slices.Clone(doc)
	slices.SortStableFunc(doc, func(x, y bson.E) int { return strings.Compare(x.Key, y.Key) })
	raw, _ := bson.Marshal(doc)
	return raw
}
