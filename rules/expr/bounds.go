package expr

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/predicate"
	"github.com/rolegate/rolegate/internal/query"
)

// Bounds brackets the documents for which the condition is true between two queries. The condition is taken as it is on
// reads, where both images are the stored document. at is the path of the value that %%this stands for, "" where no path
// leads to it; no array may lie on the way there.
func (c Cond) Bounds(at string) predicate.Bounds {
	if c.n == nil {
		return predicate.Never()
	}
	b := c.n.bounds(at).isTrue
	if b.May.Size() > maxSize || b.May.Depth() > maxDepth {
		return predicate.Unstated()
	}
	return b
}

// What a server surely takes as a part of a query. Larger conditions are left to the evaluator.
const (
	maxSize  = 2000
	maxDepth = 20
)

// Fails tells whether evaluating the condition may end in Error.
func (c Cond) Fails() bool { return c.n != nil && c.n.fails() }

// OfField tells whether the condition looks at the field it stands on.
func (c Cond) OfField() bool {
	found := false
	if c.n != nil {
		c.n.visit(func(r ref) { found = found || r.base == baseThis || r.base == basePrev })
	}
	return found
}

// bracket holds the bounds of being true and of being false. The two are no complements: a condition may also be unknown,
// or fail, and then its negation is no more true than it is.
type bracket struct{ isTrue, isFalse predicate.Bounds }

func (t bracket) not() bracket { return bracket{t.isFalse, t.isTrue} }

// unstated leaves everything to the evaluator.
func unstated() bracket { return bracket{predicate.Unstated(), predicate.Unstated()} }

// when restricts both, for a condition that is unknown everywhere else.
func (t bracket) when(known predicate.Bounds) bracket {
	return bracket{predicate.Both(t.isTrue, known), predicate.Both(t.isFalse, known)}
}

// either is a condition that is never unknown.
func either(holds predicate.Bounds) bracket { return bracket{holds, holds.Not()} }

func (n constNode) bounds(string) bracket {
	switch Truth(n) {
	case True:
		return bracket{isTrue: predicate.Always()}
	case False:
		return bracket{isFalse: predicate.Always()}
	}
	return bracket{} // unknown and failed are neither
}

func (n constNode) fails() bool { return Truth(n) == Error }

func (n *junction) bounds(at string) bracket {
	isTrue, isFalse := make([]predicate.Bounds, len(n.kids)), make([]predicate.Bounds, len(n.kids))
	for i, k := range n.kids {
		t := k.bounds(at)
		isTrue[i], isFalse[i] = t.isTrue, t.isFalse
	}
	if n.any {
		return bracket{predicate.Either(isTrue...), predicate.Both(isFalse...)}
	}
	return bracket{predicate.Both(isTrue...), predicate.Either(isFalse...)}
}

func (n *junction) fails() bool {
	for _, k := range n.kids {
		if k.fails() {
			return true
		}
	}
	return false
}

func (n *notNode) bounds(at string) bracket { return n.kid.bounds(at).not() }
func (n *notNode) fails() bool              { return n.kid.fails() }

// bounds and fails are never called: bind replaces a comparison by a constant or by a bound one.
func (n *comparison) bounds(string) bracket { return unstated() }
func (n *comparison) fails() bool           { return true }

func (n *staticPredicate) fails() bool { return false }

func (n *staticPredicate) bounds(at string) bracket {
	p, ok := n.left.on(at)
	if !ok {
		// The document as a whole is there, whatever it is.
		if n.left.base.isImage() && n.m.op == query.Exists {
			return constNode(n.m.match(nil, documentValue(bsonval.Empty()), n.left)).bounds(at)
		}
		return unstated()
	}
	t := either(n.m.bounds(p))
	if n.m.vain {
		t.isTrue = predicate.Never()
		if n.m.rest.Op() != 0 {
			t.isTrue = n.m.rest.Bounds(p)
		}
	}
	if n.m.negate {
		t = t.not()
	}
	if !n.m.null {
		return t
	}
	if len(p.Segments()) > 1 {
		return unstated()
	}
	return t.when(predicate.Exactly(predicate.Field(p.String(), "$exists", bsonval.FromBool(true))))
}

// isImage tells whether the base is the stored document.
func (b base) isImage() bool { return b == baseRoot || b == basePrevRoot }

// on is the path of a reference in the stored document.
func (r ref) on(at string) (query.Path, bool) {
	switch {
	case r.base.isImage() && r.text != "":
		return r.path, true
	case (r.base == baseThis || r.base == basePrev) && at != "":
		if r.text != "" {
			at += "." + r.text
		}
		p, err := query.ParsePath(at)
		return p, err == nil
	}
	return query.Path{}, false
}

// bounds states what holds computes for the value at p.
func (m *matcher) bounds(p query.Path) predicate.Bounds {
	if !m.isList {
		return m.test.Bounds(p)
	}
	// An array of the user's: its elements are looked for one by one in what is no array, and the array as a whole.
	values, _ := withoutNulls(m.list)
	in, err := query.NewTest(query.In, values)
	if err != nil {
		return predicate.Unstated()
	}
	one := in.Bounds(p)
	if len(p.Segments()) > 1 {
		one = one.Loose() // which of the values on the way are arrays is not known
	} else {
		one = predicate.Both(one, isType(p, bson.TypeArray).Not())
	}
	return predicate.Either(one, m.test.Bounds(p))
}

// isType states {p: {$type: t}}.
func isType(p query.Path, t bson.Type) predicate.Bounds {
	return predicate.Exactly(predicate.OfType(p.String(), t))
}

func (n *dynamicPredicate) fails() bool { return operandFails(n.right) }

// bounds states a known value on the left and a field on the right, as in {"%%user.id": "%%root.owner"}. Field against
// field has no query.
func (n *dynamicPredicate) bounds(string) bracket {
	right, ok := n.right.(reference)
	if !ok || !n.known || !right.ref.base.isImage() || right.ref.text == "" || strings.Contains(right.ref.text, ".") {
		return unstated()
	}
	v := resolve(n.value, n.left)
	if !isScalar(v) {
		return unstated()
	}
	p := right.ref.path
	op, negate := n.op, false
	switch op {
	case query.Ne:
		op, negate = query.Eq, true
	case query.Nin:
		op, negate = query.In, true
	}
	equal, err := query.NewTest(query.Eq, v)
	if err != nil || (op != query.Eq && op != query.In) {
		return unstated()
	}
	holds := equal.Bounds(p)
	// A stored pattern is not compared with, nor is what only old drivers write, and a list has to be one.
	known := isType(p, bson.TypeRegex).Not()
	isList := isType(p, bson.TypeArray)
	differs := predicate.Either(isType(p, bson.TypeUndefined).Not(), isList)
	if op == query.In {
		known, differs = predicate.Both(known, isList), predicate.Always()
	}
	t := bracket{isTrue: predicate.Both(holds, known), isFalse: predicate.Both(holds.Not(), known, differs)}
	if negate {
		return t.not()
	}
	return t
}

// isScalar tells whether a value equals nothing but another of its kind: no container, no pattern, nothing that is absent.
func isScalar(v bson.RawValue) bool {
	switch v.Type {
	case 0, bson.TypeNull, bson.TypeUndefined, bson.TypeRegex, bson.TypeEmbeddedDocument, bson.TypeArray:
		return false
	}
	return true
}

func (n *truthNode) bounds(string) bracket { return unstated() }
func (n *truthNode) fails() bool           { return operandFails(n.arg) }

// operandFails tells whether evaluating a bound operand may fail: only a conversion of a stored value does.
func operandFails(o operand) bool {
	switch o := o.(type) {
	case constant, reference:
		return false
	case list:
		return anyFails(o.items)
	case document:
		return anyFails(o.values)
	}
	return true
}

func anyFails(os []operand) bool {
	for _, o := range os {
		if operandFails(o) {
			return true
		}
	}
	return false
}
