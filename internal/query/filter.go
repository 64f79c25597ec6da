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
