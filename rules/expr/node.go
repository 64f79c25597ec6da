package expr

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
)

// node is one step of a condition. The same tree serves both stages: bind returns a tree in which everything that
// does not depend on the document has become a constant, and eval is only called on such a tree.
type node interface {
	bind(*Scope) node
	eval(*Env) Truth
	// visit calls f for the node's own references and then for those of its children.
	visit(f func(ref))
}

// constNode is a condition that no longer depends on anything.
type constNode Truth

func (n constNode) bind(*Scope) node { return n }
func (n constNode) eval(*Env) Truth  { return Truth(n) }
func (n constNode) visit(func(ref))  {}

// allNode is true when all of its children are.
type allNode struct{ kids []node }

func (n *allNode) bind(s *Scope) node {
	kept, folded := bindKids(n.kids, s, True, Truth.And)
	if folded == False {
		return constNode(False)
	}
	if len(kept) == 0 {
		return constNode(folded)
	}
	if folded != True {
		kept = append(kept, constNode(folded))
	}
	if len(kept) == 1 {
		return kept[0]
	}
	return &allNode{kept}
}

func (n *allNode) eval(e *Env) Truth {
	t := True
	for _, k := range n.kids {
		if t = t.And(k.eval(e)); t == False {
			return False
		}
	}
	return t
}

func (n *allNode) visit(f func(ref)) { visitAll(n.kids, f) }

// anyNode is true when one of its children is.
type anyNode struct{ kids []node }

func (n *anyNode) bind(s *Scope) node {
	kept, folded := bindKids(n.kids, s, False, Truth.or)
	if folded == True {
		return constNode(True)
	}
	if len(kept) == 0 {
		return constNode(folded)
	}
	if folded != False {
		kept = append(kept, constNode(folded))
	}
	if len(kept) == 1 {
		return kept[0]
	}
	return &anyNode{kept}
}

func (n *anyNode) eval(e *Env) Truth {
	t := False
	for _, k := range n.kids {
		if t = t.or(k.eval(e)); t == True {
			return True
		}
	}
	return t
}

func (n *anyNode) visit(f func(ref)) { visitAll(n.kids, f) }

// bindKids binds the children, folds the constant ones into one value and keeps the others.
func bindKids(kids []node, s *Scope, neutral Truth, combine func(Truth, Truth) Truth) ([]node, Truth) {
	kept := make([]node, 0, len(kids)+1)
	folded := neutral
	for _, k := range kids {
		switch b := k.bind(s).(type) {
		case constNode:
			folded = combine(folded, Truth(b))
		default:
			kept = append(kept, b)
		}
	}
	return kept, folded
}

func visitAll(kids []node, f func(ref)) {
	for _, k := range kids {
		k.visit(f)
	}
}

// notNode negates its child.
type notNode struct{ kid node }

func (n *notNode) bind(s *Scope) node {
	switch b := n.kid.bind(s).(type) {
	case constNode:
		return constNode(Truth(b).not())
	default:
		return &notNode{b}
	}
}

func (n *notNode) eval(e *Env) Truth { return n.kid.eval(e).not() }
func (n *notNode) visit(f func(ref)) { n.kid.visit(f) }

// predicate compares the value of a reference with an operand.
type predicate struct {
	left  side
	op    query.Op
	right operand
}

// side is the left of a comparison: a reference, or a value written in place.
type side struct {
	ref
	written bson.RawValue
}

func (n *predicate) visit(f func(ref)) {
	f(n.left.ref)
	n.right.visit(f)
}

// eval is never called: bind replaces a predicate by a constant or by a bound one.
func (n *predicate) eval(*Env) Truth { return Unknown }

func (n *predicate) bind(s *Scope) node {
	if n.left.base == baseNever || (n.left.base == baseCustomData && s.CustomDataUnresolved) {
		return constNode(Unknown)
	}
	right, ok := n.right.bind(s)
	if !ok {
		return constNode(Unknown)
	}
	var b node
	if v, ok := right.(constant); ok {
		m, ok := newMatcher(n.op, v)
		if !ok {
			return constNode(Unknown)
		}
		b = &staticPredicate{left: n.left.ref, m: m}
	} else {
		b = &dynamicPredicate{left: n.left.ref, op: n.op, right: right}
	}
	if n.left.base.ofDocument() {
		return b
	}
	// The left side is known: evaluate now. Only a right side that needs the document is left for later.
	doc, v := s.lookup(n.left.ref, n.left.written)
	switch b := b.(type) {
	case *staticPredicate:
		return constNode(b.m.match(doc, v, n.left.ref))
	case *dynamicPredicate:
		b.known, b.doc, b.value = true, doc, v
		return b
	default:
		return constNode(Unknown)
	}
}

// staticPredicate compares a value of the document with a constant.
type staticPredicate struct {
	left ref
	m    matcher
}

func (n *staticPredicate) bind(*Scope) node  { return n }
func (n *staticPredicate) visit(f func(ref)) { f(n.left) }

func (n *staticPredicate) eval(e *Env) Truth {
	doc, v := e.lookup(n.left)
	return n.m.match(doc, v, n.left)
}

// dynamicPredicate compares with a value that is itself read from the document.
type dynamicPredicate struct {
	left  ref
	op    query.Op
	right operand

	known bool // the left side was bound
	doc   bson.Raw
	value bson.RawValue
}

func (n *dynamicPredicate) bind(*Scope) node { return n }

func (n *dynamicPredicate) visit(f func(ref)) {
	f(n.left)
	n.right.visit(f)
}

func (n *dynamicPredicate) eval(e *Env) Truth {
	right, ok := n.right.eval(e)
	if !ok {
		return Error
	}
	doc, v := n.doc, n.value
	if !n.known {
		doc, v = e.lookup(n.left)
	}
	_, written := n.right.(list)
	m, ok := newMatcher(n.op, constant{value: right, expansion: !written, ofDocument: true})
	if !ok {
		return Unknown
	}
	return m.match(doc, v, n.left)
}

// truthNode is %%true or %%false beside an expansion: only the very boolean counts.
type truthNode struct {
	want bool
	arg  operand
}

func (n *truthNode) visit(f func(ref)) { n.arg.visit(f) }

func (n *truthNode) bind(s *Scope) node {
	arg, ok := n.arg.bind(s)
	if !ok {
		return constNode(Unknown)
	}
	if c, ok := arg.(constant); ok {
		return constNode(n.judge(c.value))
	}
	return &truthNode{n.want, arg}
}

func (n *truthNode) eval(e *Env) Truth {
	v, ok := n.arg.eval(e)
	if !ok {
		return Error
	}
	return n.judge(v)
}

func (n *truthNode) judge(v bson.RawValue) Truth {
	b, ok := bsonval.Bool(v)
	return truthOf(ok && b == n.want)
}
