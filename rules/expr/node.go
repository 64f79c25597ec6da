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
	// bounds brackets a bound node between queries; at is where %%this is found, "" when no path leads there.
	bounds(at string) bracket
	// fails tells whether evaluation may end in Error.
	fails() bool
	// visit calls f for the node's own references and then for those of its children.
	visit(f func(ref))
}

// constNode is a condition that no longer depends on anything.
type constNode Truth

func (n constNode) bind(*Scope) node { return n }
func (n constNode) eval(*Env) Truth  { return Truth(n) }
func (n constNode) visit(func(ref))  {}

// junction is true when all of its children are or, with any, when one of them is.
type junction struct {
	any  bool
	kids []node
}

// join combines the values of two children.
func (n *junction) join(t, u Truth) Truth {
	if n.any {
		return t.or(u)
	}
	return t.And(u)
}

// bind binds the children and folds the constant ones into one value. Like eval it starts from the value that changes
// nothing and is done at its opposite, which no other child can change.
func (n *junction) bind(s *Scope) node {
	folded, done := truthOf(!n.any), truthOf(n.any)
	kept := make([]node, 0, len(n.kids)+1)
	for _, k := range n.kids {
		if folded == done {
			break
		}
		switch b := k.bind(s).(type) {
		case constNode:
			folded = n.join(folded, Truth(b))
		default:
			kept = append(kept, b)
		}
	}
	if folded == done || len(kept) == 0 {
		return constNode(folded)
	}
	if folded != done.not() {
		kept = append(kept, constNode(folded))
	}
	if len(kept) == 1 {
		return kept[0]
	}
	return &junction{n.any, kept}
}

func (n *junction) eval(e *Env) Truth {
	t, done := truthOf(!n.any), truthOf(n.any)
	for _, k := range n.kids {
		if t = n.join(t, k.eval(e)); t == done {
			break
		}
	}
	return t
}

func (n *junction) visit(f func(ref)) {
	for _, k := range n.kids {
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

// comparison compares the value of a reference with an operand.
type comparison struct {
	left  side
	op    query.Op
	right operand
}

// side is the left of a comparison: a reference, or a value written in place.
type side struct {
	ref
	written bson.RawValue
}

func (n *comparison) visit(f func(ref)) {
	f(n.left.ref)
	n.right.visit(f)
}

// eval is never called: bind replaces a predicate by a constant or by a bound one.
func (n *comparison) eval(*Env) Truth { return Unknown }

func (n *comparison) bind(s *Scope) node {
	if t := s.known(n.left.ref); t != True {
		return constNode(t)
	}
	right, ok := n.right.bind(s)
	if !ok {
		return constNode(Unknown)
	}
	var b node
	if _, ok := right.(failed); ok {
		return constNode(Error)
	}
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
	right, t := n.operand(e)
	if t != True {
		return t
	}
	doc, v := n.doc, n.value
	if !n.known {
		doc, v = e.lookup(n.left)
	}
	m, ok := newMatcher(n.op, right)
	if !ok {
		return Unknown
	}
	if n.known && n.sharesNothing(right, m) {
		return Unknown
	}
	return m.match(doc, v, n.left)
}

// sharesNothing tells whether a value of the request and one of the document, which are empty or hold something absent,
// have nothing in common but that. A user without a team is no member of what has no team, on whichever side of the
// comparison they stand, and neither is one with several teams of which one has no name.
// See cases/expressions/nothing-in-common.txtar.
func (n *dynamicPredicate) sharesNothing(right constant, m matcher) bool {
	known := resolve(n.value, n.left)
	switch {
	case isVain(known) && (m.op == query.Eq || m.op == query.In || m.op == query.All):
		return m.holds(n.doc, n.value, n.left)
	case !right.anyNull:
		return false
	case bsonval.IsMissing(known), isNull(known) && right.anyMissing:
		return true
	case isNull(known) && isNull(right.value):
		return false // null is what they have in common
	}
	return m.holds(n.doc, n.value, n.left) && !n.holdsOtherwise(right)
}

// holdsOtherwise tells whether the comparison holds also without what the document lacks.
func (n *dynamicPredicate) holdsOtherwise(right constant) bool {
	if right.value.Type != bson.TypeArray {
		return false
	}
	right.value, _ = withoutNulls(right.value)
	m, ok := newMatcher(n.op, right)
	return ok && m.holds(n.doc, n.value, n.left)
}

// operand evaluates the right side. It returns True unless the right side makes the predicate what it returns.
func (n *dynamicPredicate) operand(e *Env) (constant, Truth) {
	if l, written := n.right.(list); written {
		return l.gather(e)
	}
	v, ok := n.right.eval(e)
	if !ok {
		return constant{}, Error
	}
	absent := bsonval.IsMissing(v)
	if isCall(n.right) {
		if absent {
			return constant{}, Unknown
		}
		return constant{value: v, expansion: true}, True
	}
	return constant{value: v, expansion: true, ofDocument: true, anyNull: absent || isNull(v), anyMissing: absent}, True
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
