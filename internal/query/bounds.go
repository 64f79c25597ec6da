package query

import (
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/predicate"
)

// Bounds brackets the filter between two queries for a database. atom says what stands for one test at one path, before
// any negation around it.
func (f *Filter) Bounds(atom func(Path, *Test) predicate.Bounds) predicate.Bounds {
	if f == nil || f.root == nil {
		return predicate.Never()
	}
	return f.root.bounds(atom)
}

func (n *node) bounds(atom func(Path, *Test) predicate.Bounds) predicate.Bounds {
	switch n.kind {
	case nodeTest:
		return atom(n.path, &n.test)
	case nodeAnd, nodeOr, nodeNor:
		kids := make([]predicate.Bounds, len(n.kids))
		for i := range n.kids {
			kids[i] = n.kids[i].bounds(atom)
		}
		switch n.kind {
		case nodeAnd:
			return predicate.Both(kids...)
		case nodeOr:
			return predicate.Either(kids...)
		}
		return predicate.Either(kids...).Not()
	}
	return predicate.Never()
}

// Portable tells whether every server answers the filter as Match does, and never gives up on a document: it holds no
// regular expression and nothing that servers read differently (see the package comment).
func (f *Filter) Portable() bool { return f != nil && f.root.portable() }

func (n *node) portable() bool {
	if n.kind == nodeTest {
		return n.test.portable(n.path)
	}
	return !slices.ContainsFunc(n.kids, func(kid node) bool { return !kid.portable() })
}

// portable is the same for one test at a path; the zero Path is an element of an array.
func (t *Test) portable(p Path) bool {
	switch t.op {
	case Regex:
		return false
	case All, Not, ElemMatch:
		if t.more.object != nil {
			return t.more.object.portable()
		}
		return !slices.ContainsFunc(t.more.list, func(inner Test) bool { return !inner.portable(p) })
	case In, Nin:
		if t.more != nil && len(t.more.patterns) > 0 {
			return false
		}
	}
	switch t.operand.Type {
	case bson.TypeMinKey, bson.TypeMaxKey:
		return false
	}
	return !t.MatchesMissing()
}

// Bounds brackets the test between two queries for a database, which hold of exactly the documents that Match does
// wherever the two are the same. Numbers in paths, regular expressions, $mod and what servers read differently are not stated.
func (t *Test) Bounds(p Path) predicate.Bounds {
	if p.positions() > 0 || len(p.segments) == 0 {
		return predicate.Unstated()
	}
	switch t.op {
	case Eq:
		return equality(p, t.operand)
	case Ne:
		return equality(p, t.operand).Not()
	case Gt, Gte, Lt, Lte:
		return t.order(p)
	case In:
		return t.membership(p)
	case Nin:
		return t.membership(p).Not()
	case Exists:
		there := exists(p)
		if t.n == 0 {
			return there.Not()
		}
		return there
	case Type, Size, ElemMatch:
		if t.more != nil && t.more.object != nil {
			return t.elementBounds(p)
		}
		if !t.portable(p) {
			return predicate.Unstated()
		}
		return predicate.Exactly(predicate.Field(p.text, t.op.String(), t.operand))
	case All, Not:
		kids := make([]predicate.Bounds, len(t.more.list))
		for i := range t.more.list {
			kids[i] = t.more.list[i].Bounds(p)
		}
		if t.op == Not {
			return predicate.Both(kids...).Not()
		}
		return predicate.Both(kids...)
	}
	return predicate.Unstated()
}

// elementBounds states the $elemMatch of documents by what has to hold of the paths below the array, each for itself. That
// is the same where only one thing has to hold, and it spares servers that read the operator in ways of their own.
func (t *Test) elementBounds(p Path) predicate.Bounds {
	kids := []node{*t.more.object}
	if t.more.object.kind == nodeAnd {
		kids = t.more.object.kids
	}
	out := predicate.Exactly(predicate.OfType(p.text, bson.TypeArray))
	for i := range kids {
		k := &kids[i]
		if k.kind != nodeTest || k.test.op == All || k.test.op == Not || k.test.negative() || k.test.MatchesMissing() {
			out = out.Loose() // what has to be absent may be absent in another element
			continue
		}
		out = predicate.Both(out, k.test.Bounds(p.join(k.path)))
	}
	if len(kids) != 1 || len(p.segments) > 1 {
		// Several things may hold of several elements. And where the path leads through an array there are several
		// values at its end: one may be an array, and another one have what is asked for.
		out = out.Loose()
	}
	return out
}

// equality states {p: {$eq: v}}.
func equality(p Path, v bson.RawValue) predicate.Bounds {
	switch {
	case v.Type == bson.TypeNull:
		return null(p)
	case !isPlain(v):
		return predicate.Unstated()
	}
	return predicate.Exactly(predicate.Field(p.text, "$eq", v))
}

// null states {p: null} in a form in which no server takes a stored undefined for null.
func null(p Path) predicate.Bounds {
	if len(p.segments) > 1 {
		return predicate.Unstated()
	}
	isNull := predicate.Exactly(predicate.OfType(p.text, bson.TypeNull))
	return predicate.Either(isNull, exists(p).Not())
}

// exists states {p: {$exists: true}}. Its negation is stated as one, for both to be recognized.
func exists(p Path) predicate.Bounds {
	return predicate.Exactly(predicate.Field(p.text, "$exists", bsonval.FromBool(true)))
}

// order states a comparison with a value that is no container. null is its own neighbour, and nothing lies beyond it.
func (t *Test) order(p Path) predicate.Bounds {
	switch {
	case t.null && (t.op == Gte || t.op == Lte):
		return null(p)
	case !isPlain(t.operand) || t.operand.Type == bson.TypeArray || t.operand.Type == bson.TypeEmbeddedDocument:
		return predicate.Unstated()
	}
	return predicate.Exactly(predicate.Field(p.text, t.op.String(), t.operand))
}

// membership states $in. A null among the elements is stated apart.
func (t *Test) membership(p Path) predicate.Bounds {
	arr, start := bsonval.BeginDocument(nil)
	it := bsonval.NewIter(t.operand.Value)
	n, only := 0, bson.RawValue{}
	for it.Next() {
		v := it.Value()
		switch {
		case v.Type == bson.TypeNull:
			continue
		case !isPlain(v):
			return predicate.Unstated()
		}
		n, only = n+1, v
		arr = bsonval.AppendElementBytes(arr, it.Key(), v)
	}
	list := predicate.Never()
	switch {
	case n == 1:
		list = equality(p, only) // as a server reads it
	case n > 1:
		list = predicate.Exactly(predicate.Field(p.text, "$in", bsonval.FromArray(bsonval.EndDocument(arr, start))))
	}
	if !t.null {
		return list
	}
	return predicate.Either(list, null(p))
}

// isPlain tells whether a value means itself wherever it stands in a query: no pattern, no type that only old drivers
// write, and no name that could be read as an operator.
func isPlain(v bson.RawValue) bool {
	switch v.Type {
	case bson.TypeDouble, bson.TypeString, bson.TypeBinary, bson.TypeObjectID, bson.TypeBoolean, bson.TypeDateTime,
		bson.TypeInt32, bson.TypeInt64, bson.TypeTimestamp, bson.TypeDecimal128, bson.TypeNull:
		return true
	case bson.TypeEmbeddedDocument, bson.TypeArray:
		it := bsonval.NewIter(v.Value)
		for it.Next() {
			if k := it.Key(); len(k) > 0 && k[0] == '$' || !isPlain(it.Value()) {
				return false
			}
		}
		return it.Err() == nil
	}
	return false
}
