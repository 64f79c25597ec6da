package update

import (
	"bytes"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// node is an element of a document under change. Elements that nobody looks into stay bytes.
type node struct {
	element []byte   // type, name, NUL, value; nil when it was removed. Inside an array the name means nothing
	content *content // once it was looked into: what it contains, and of element only type and name count
}

// content is what a document or an array contains.
type content struct {
	array   bool
	nodes   []node
	lookups int
	names   map[string]int // position of the first node with a name, once there were many lookups
}

// elementNode makes a node with a copy of v.
func elementNode(name []byte, v bson.RawValue) node {
	e := make([]byte, 0, len(name)+len(v.Value)+2)
	return node{element: bsonval.AppendElementBytes(e, name, v)}
}

func (n *node) removed() bool { return n.element == nil }

func (n *node) kind() bson.Type { return bson.Type(n.element[0]) }

// name returns the element's name. It may be called with a removed node.
func (n *node) name() []byte {
	if n.removed() {
		return nil
	}
	return n.element[1 : 1+bytes.IndexByte(n.element[1:], 0)]
}

// value returns the value of an element that was not looked into.
func (n *node) value() bson.RawValue {
	return bson.RawValue{Type: n.kind(), Value: n.element[len(n.name())+2:]}
}

// set gives the element another value.
func (n *node) set(v bson.RawValue) { *n = elementNode(n.name(), v) }

func (n *node) remove() { *n = node{} }

// open returns what a document or array contains and nil for everything else.
func (a *applier) open(n *node) *content {
	if n.content == nil && (n.kind() == bson.TypeEmbeddedDocument || n.kind() == bson.TypeArray) {
		n.content = a.read(n.value())
	}
	return n.content
}

// read looks into a document or array. Corrupt bytes end it early and are noted.
func (a *applier) read(v bson.RawValue) *content {
	nodes, ok := elements(v.Value)
	a.corrupt = a.corrupt || !ok
	if v.Type == bson.TypeArray {
		// The fields of objects do not count: an error must not depend on the number of fields beside the named ones.
		a.visit(len(nodes))
	}
	return &content{array: v.Type == bson.TypeArray, nodes: nodes}
}

// elements returns nodes that alias the elements of a document or array, and whether its bytes are sound.
func elements(doc []byte) (nodes []node, ok bool) {
	n := 0
	for it := bsonval.NewIter(doc); it.Next(); {
		n++
	}
	nodes = make([]node, 0, n)
	it := bsonval.NewIter(doc)
	for it.Next() {
		nodes = append(nodes, node{element: it.Element()})
	}
	return nodes, it.Err() == nil
}

// manyNames is the number of fields, and of lookups among them, from which a map pays.
const manyNames = 16

// find returns the position of the element that a segment names.
func (c *content) find(segment string) (int, bool) {
	if c.array {
		i, ok := arrayIndex(segment)
		return i, ok && i < len(c.nodes)
	}
	if c.names == nil {
		if c.lookups++; c.lookups < manyNames || len(c.nodes) < manyNames {
			return c.search(segment, 0)
		}
		c.names = make(map[string]int, len(c.nodes))
		for i := len(c.nodes) - 1; i >= 0; i-- {
			c.names[string(c.nodes[i].name())] = i
		}
	}
	i, ok := c.names[segment]
	if ok && c.nodes[i].removed() {
		return c.search(segment, i+1) // a document may have a name twice
	}
	return i, ok
}

func (c *content) search(name string, from int) (int, bool) {
	for i := from; i < len(c.nodes); i++ {
		if string(c.nodes[i].name()) == name {
			return i, true
		}
	}
	return 0, false
}

// add appends an element.
func (c *content) add(n node) {
	if _, known := c.names[string(n.name())]; c.names != nil && !known {
		c.names[string(n.name())] = len(c.nodes)
	}
	c.nodes = append(c.nodes, n)
}

// appendNode appends an element under a name. It stops early when there is too much.
func appendNode(dst []byte, name []byte, n *node, limit int) []byte {
	if n.removed() || len(dst) > limit {
		return dst
	}
	dst = append(dst, byte(n.kind()))
	dst = append(dst, name...)
	dst = append(dst, 0)
	if n.content == nil {
		return append(dst, n.value().Value...)
	}
	return appendContent(dst, n.content, limit)
}

func appendContent(dst []byte, c *content, limit int) []byte {
	dst, start := bsonval.BeginDocument(dst)
	var number [20]byte
	for i := range c.nodes {
		name := c.nodes[i].name()
		if c.array {
			name = strconv.AppendInt(number[:0], int64(i), 10)
		}
		dst = appendNode(dst, name, &c.nodes[i], limit)
	}
	return bsonval.EndDocument(dst, start)
}
