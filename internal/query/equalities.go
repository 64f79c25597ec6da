package query

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// FieldValue is a field that a filter pins to one value.
type FieldValue struct {
	Path  string
	Value bson.RawValue
}

// Equalities returns the fields that every matching document has been pinned to, as an upsert takes them into the
// document it makes: $eq at the top level and inside $and, an $all or $in with a single value, an $or with a single
// alternative or the same one repeated. As on the server, an
// alternative that can never match does not count, and a filter that can never match pins nothing. Paths stay dotted; one
// that is pinned twice is listed twice.
func (f *Filter) Equalities() []FieldValue {
	if f == nil || f.root == nil {
		return nil
	}
	return appendEqualities(nil, f.root)
}

func appendEqualities(dst []FieldValue, n *node) []FieldValue {
	switch {
	case n.never():
		return dst
	case n.kind == nodeTest:
		return appendTestEqualities(dst, n.path.text, &n.test)
	case n.kind == nodeOr && n.alternatives() != 1:
		return n.appendAgreed(dst)
	case n.kind == nodeNor:
		return dst
	}
	for i := range n.kids {
		dst = appendEqualities(dst, &n.kids[i])
	}
	return dst
}

// appendAgreed appends what all alternatives pin, if they are one equality repeated.
func (n *node) appendAgreed(dst []FieldValue) []FieldValue {
	var agreed []FieldValue
	for i := range n.kids {
		kid := &n.kids[i]
		if kid.never() {
			continue
		}
		if kid.kind != nodeTest {
			return dst
		}
		pins := appendTestEqualities(nil, kid.path.text, &kid.test)
		if len(pins) != 1 || len(agreed) == 1 && (pins[0].Path != agreed[0].Path || !bsonval.Equal(pins[0].Value, agreed[0].Value)) {
			return dst
		}
		if agreed == nil {
			agreed = pins
		}
	}
	return append(dst, agreed...)
}

// alternatives counts the branches that could match something.
func (n *node) alternatives() int {
	count := 0
	for i := range n.kids {
		if !n.kids[i].never() {
			count++
		}
	}
	return count
}

// never tells whether the node matches nothing because of an empty $in or $all.
func (n *node) never() bool {
	switch n.kind {
	case nodeTest:
		return n.test.op == In && bsonval.IsEmpty(n.test.operand)
	case nodeAnd:
		return n.alternatives() < len(n.kids)
	case nodeOr:
		return n.alternatives() == 0
	}
	return false
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

// onlyValue returns the value of an $in that contains one, perhaps repeated, and no regular expression.
func (t *Test) onlyValue() (v bson.RawValue, ok bool) {
	it := bsonval.NewIter(t.operand.Value)
	for it.Next() {
		e := it.Value()
		if e.Type == bson.TypeRegex || ok && !bsonval.Equal(v, e) {
			return bson.RawValue{}, false
		}
		if !ok {
			v, ok = e, true
		}
	}
	return v, ok
}
