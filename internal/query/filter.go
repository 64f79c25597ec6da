package query

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// Filter is a parsed query document. It is immutable. The zero Filter and a nil one match nothing.
type Filter struct {
	root  *node
	paths []Path
}

// FieldValue is a field that a filter pins to one value.
type FieldValue struct {
	Path  string
	Value bson.RawValue
}

type nodeKind uint8

const (
	nodeNone nodeKind = iota // matches nothing
	nodeTest
	nodeAnd
	nodeOr
	nodeNor
)

// node is a tree of logic over tests.
type node struct {
	path Path
	test Test
	kids []node
	kind nodeKind
}

// Parse reads a query document. What it does not know or does not allow is refused with an *Error, at any depth. The
// filter aliases the document.
func Parse(filter bson.Raw, o Options) (*Filter, error) {
	p := parser{o: o.withDefaults()}
	// The logic of a filter nests documents about twice as deep as itself.
	if err := bsonval.Validate(filter, p.o.MaxValueDepth+4*p.o.MaxDepth); err != nil {
		return nil, refuse("", "the filter is not a valid document")
	}
	root, err := p.document(filter, 0)
	if err != nil {
		return nil, err
	}
	return &Filter{root: &root, paths: appendPaths(nil, &root)}, nil
}

// Match reports whether doc matches. A document with corrupt bytes in what is read does not.
func (f *Filter) Match(doc bson.Raw) bool {
	if f == nil || f.root == nil {
		return false
	}
	var st state
	return f.root.match(doc, &st) && !st.corrupt
}

func (n *node) match(doc []byte, st *state) bool {
	switch n.kind {
	case nodeTest:
		return n.test.match(doc, n.path.segments, st)
	case nodeAnd:
		for i := range n.kids {
			if !n.kids[i].match(doc, st) {
				return false
			}
		}
		return true
	case nodeOr, nodeNor:
		for i := range n.kids {
			if n.kids[i].match(doc, st) {
				return n.kind == nodeOr
			}
		}
		return n.kind == nodeNor
	}
	return false
}

// Paths returns every path that the filter reads, each once, in the order of first mention. An $elemMatch of documents
// reads its array's path and the inner paths below it. The caller must not change the result.
func (f *Filter) Paths() []Path { return f.paths }

func appendPaths(dst []Path, n *node) []Path {
	if n.kind == nodeTest {
		dst = appendPath(dst, n.path)
		return appendInnerPaths(dst, n.path, &n.test)
	}
	for i := range n.kids {
		dst = appendPaths(dst, &n.kids[i])
	}
	return dst
}

// appendInnerPaths adds what the $elemMatch of documents inside a test read.
func appendInnerPaths(dst []Path, at Path, t *Test) []Path {
	if t.more == nil {
		return dst
	}
	if t.more.object != nil {
		for _, inner := range appendPaths(nil, t.more.object) {
			dst = appendPath(dst, at.join(inner))
		}
	}
	for i := range t.more.list {
		dst = appendInnerPaths(dst, at, &t.more.list[i])
	}
	return dst
}

func appendPath(dst []Path, p Path) []Path {
	for i := range dst {
		if dst[i].text == p.text {
			return dst
		}
	}
	return append(dst, p)
}

// Equalities returns the fields that every matching document has been pinned to, as an upsert takes them into the
// document it makes: $eq at the top level and inside $and, an $all, $in or $or with a single value. Paths stay dotted;
// one that is pinned twice is listed twice.
func (f *Filter) Equalities() []FieldValue {
	if f == nil || f.root == nil {
		return nil
	}
	return appendEqualities(nil, f.root)
}

func appendEqualities(dst []FieldValue, n *node) []FieldValue {
	switch {
	case n.kind == nodeAnd, n.kind == nodeOr && len(n.kids) == 1:
		for i := range n.kids {
			dst = appendEqualities(dst, &n.kids[i])
		}
	case n.kind == nodeTest:
		dst = appendTestEqualities(dst, n.path.text, &n.test)
	}
	return dst
}

func appendTestEqualities(dst []FieldValue, path string, t *Test) []FieldValue {
	switch t.op {
	case Eq:
		return append(dst, FieldValue{Path: path, Value: t.operand})
	case All:
		for i := range t.more.list {
			dst = appendTestEqualities(dst, path, &t.more.list[i])
		}
	case In:
		if v, ok := t.onlyValue(); ok {
			return append(dst, FieldValue{Path: path, Value: v})
		}
	}
	return dst
}

// onlyValue returns the value of an $in with one element that is no regular expression.
func (t *Test) onlyValue() (bson.RawValue, bool) {
	it := bsonval.NewIter(t.operand.Value)
	if !it.Next() {
		return bson.RawValue{}, false
	}
	v := it.Value()
	return v, v.Type != bson.TypeRegex && !it.Next()
}
