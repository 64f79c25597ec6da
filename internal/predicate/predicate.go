package predicate

import (
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// Predicate is a MongoDB query. It is immutable and cheap to copy. The zero Predicate matches nothing.
type Predicate struct{ n *node }

type kind uint8

const (
	all  kind = iota // everything
	leaf             // doc
	and              // of kids, at least two
	or               // of kids, at least two
	not              // of one kid
)

// node is shared by every Predicate that contains it.
type node struct {
	doc   bson.Raw
	kids  []*node
	kind  kind
	size  int // of nodes, shared ones counted each time
	depth int
}

var everything = &node{kind: all, size: 1}

// All matches every document.
func All() Predicate { return Predicate{everything} }

// None matches no document.
func None() Predicate { return Predicate{} }

// Leaf is a query as it is; it must hold at least one condition. The predicate aliases the document, which must not
// change.
func Leaf(query bson.Raw) Predicate {
	return Predicate{&node{kind: leaf, doc: query, size: 1, depth: 1}}
}

// Field is the query {path: {op: operand}}.
func Field(path, op string, operand bson.RawValue) Predicate {
	doc, start := bsonval.BeginDocument(make([]byte, 0, len(path)+len(op)+len(operand.Value)+16))
	doc, inner := bsonval.BeginElement(doc, bson.TypeEmbeddedDocument, path)
	doc = bsonval.AppendElement(doc, op, operand)
	return Leaf(bsonval.EndDocument(bsonval.EndDocument(doc, inner), start))
}

// OfType is the query {path: {$type: t}}.
func OfType(path string, t bson.Type) Predicate {
	return Field(path, "$type", bsonval.FromInt32(int32(t)))
}

// IsAll tells that the predicate is known to match every document.
func (p Predicate) IsAll() bool { return p.n == everything }

// IsNone tells that the predicate is known to match nothing.
func (p Predicate) IsNone() bool { return p.n == nil }

// Size is the number of conditions and of the junctions that join them.
func (p Predicate) Size() int {
	if p.n == nil {
		return 0
	}
	return p.n.size
}

// Depth is how deep junctions nest.
func (p Predicate) Depth() int {
	if p.n == nil {
		return 0
	}
	return p.n.depth
}

// And matches what all of the predicates match.
func And(ps ...Predicate) Predicate {
	kids := make([]*node, 0, len(ps))
	for _, p := range ps {
		switch {
		case p.IsNone():
			return None()
		case p.IsAll():
		case p.n.kind == and:
			kids = append(kids, p.n.kids...)
		default:
			kids = append(kids, p.n)
		}
	}
	kids, possible := conjunction(kids)
	if !possible {
		return None()
	}
	return junction(and, kids, All())
}

// Or matches what any of the predicates matches.
func Or(ps ...Predicate) Predicate {
	kids := make([]*node, 0, len(ps))
	for _, p := range ps {
		switch {
		case p.IsAll():
			return All()
		case p.IsNone():
		case p.n.kind == or:
			kids = append(kids, p.n.kids...)
		default:
			kids = append(kids, p.n)
		}
	}
	kids, always := disjunction(kids)
	if always {
		return All()
	}
	return junction(or, kids, None())
}

// junction joins what is left after folding.
func junction(k kind, kids []*node, none Predicate) Predicate {
	switch len(kids) {
	case 0:
		return none
	case 1:
		return Predicate{kids[0]}
	}
	n := &node{kind: k, kids: kids, size: 1}
	for _, kid := range kids {
		n.size += kid.size
		n.depth = max(n.depth, kid.depth+1)
	}
	return Predicate{n}
}

// Not matches what p does not match.
func Not(p Predicate) Predicate {
	switch {
	case p.IsNone():
		return All()
	case p.IsAll():
		return None()
	case p.n.kind == not:
		return Predicate{p.n.kids[0]}
	}
	return Predicate{&node{kind: not, kids: []*node{p.n}, size: p.n.size + 1, depth: p.n.depth + 1}}
}

// Document is the query as it is sent: nil for everything. What matches nothing has a query, too, but it is better not
// sent at all.
func (p Predicate) Document() bson.Raw {
	if p.IsAll() {
		return nil
	}
	if p.n != nil && p.n.kind == leaf {
		return p.n.doc
	}
	doc, start := bsonval.BeginDocument(nil)
	if p.n == nil {
		return bsonval.EndDocument(appendNothing(doc), start)
	}
	return bsonval.EndDocument(p.n.append(doc), start)
}

// append adds the junction as an element.
func (n *node) append(dst []byte) []byte {
	name := "$nor"
	switch n.kind {
	case and:
		name = "$and"
	case or:
		name = "$or"
	}
	dst, list := bsonval.BeginElement(dst, bson.TypeArray, name)
	for i, kid := range n.kids {
		if kid.kind == leaf {
			dst = bsonval.AppendElement(dst, strconv.Itoa(i), bsonval.FromDocument(kid.doc))
			continue
		}
		var start int
		dst, start = bsonval.BeginElement(dst, bson.TypeEmbeddedDocument, strconv.Itoa(i))
		dst = bsonval.EndDocument(kid.append(dst), start)
	}
	return bsonval.EndDocument(dst, list)
}

// appendNothing is {_id: {$in: []}}.
func appendNothing(dst []byte) []byte {
	dst, id := bsonval.BeginElement(dst, bson.TypeEmbeddedDocument, "_id")
	dst, list := bsonval.BeginElement(dst, bson.TypeArray, "$in")
	return bsonval.EndDocument(bsonval.EndDocument(dst, list), id)
}
