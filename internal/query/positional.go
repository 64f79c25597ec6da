package query

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// Positional returns the index of the array element that made doc match, which the positional operator $ of an update
// stands for. It is false when doc does not match or when no array made it match. Only conditions that hold together
// (at the top level and inside $and) determine it; of several, the server takes the one it evaluates last, and it
// evaluates them in an order of its own.
func (f *Filter) Positional(doc bson.Raw) (index int, ok bool) {
	if !f.Match(doc) {
		return 0, false
	}
	st := state{record: true}
	order := evaluationOrder(f.root)
	for i, c := range order {
		if !slices.ContainsFunc(order[:i], c.same) {
			c.test.match(doc, c.path.segments, &st)
		}
	}
	if st.corrupt || st.offset == nil {
		return 0, false
	}
	index, err := strconv.Atoi(string(st.offset))
	return index, err == nil
}

// conjunct is one of the tests that must all hold.
type conjunct struct {
	path Path
	test *Test
	rank int
}

// evaluationOrder lists the tests of a conjunction in the order in which the server evaluates them: by kind of operator,
// then by path, two $elemMatch by what they contain.
func evaluationOrder(root *node) []conjunct {
	list := appendConjuncts(nil, root)
	slices.SortStableFunc(list, compareConjuncts)
	return list
}

func compareConjuncts(a, b conjunct) int {
	c := cmp.Or(a.rank-b.rank, strings.Compare(a.path.text, b.path.text))
	if c == 0 && a.test.op == ElemMatch {
		return slices.CompareFunc(a.test.contents(), b.test.contents(), compareConjuncts)
	}
	return c
}

// same tells whether two conjuncts pin a path to the same value; the server evaluates only the first of them.
func (c conjunct) same(other conjunct) bool {
	if c.rank != ranks[Eq] || c.rank != other.rank || c.path.text != other.path.text {
		return false
	}
	return bsonval.Identical(c.test.pinned(), other.test.pinned())
}

// pinned is the value of an $eq, or of an $in with one.
func (t *Test) pinned() bson.RawValue {
	if t.op == In {
		v, _ := t.onlyValue()
		return v
	}
	return t.operand
}

// contents lists what an $elemMatch asks of an element.
func (t *Test) contents() []conjunct {
	if t.more.object != nil {
		return evaluationOrder(t.more.object)
	}
	var list []conjunct
	for i := range t.more.list {
		list = appendTestConjuncts(list, Path{}, &t.more.list[i])
	}
	slices.SortStableFunc(list, compareConjuncts)
	return list
}

func appendConjuncts(dst []conjunct, n *node) []conjunct {
	for i := range n.kids {
		if n.kind == nodeAnd {
			dst = appendConjuncts(dst, &n.kids[i])
		}
	}
	if n.kind == nodeTest {
		dst = appendTestConjuncts(dst, n.path, &n.test)
	}
	return dst
}

func appendTestConjuncts(dst []conjunct, path Path, t *Test) []conjunct {
	if t.op != All {
		return append(dst, conjunct{path: path, test: t, rank: t.rank()})
	}
	for i := range t.more.list {
		dst = appendTestConjuncts(dst, path, &t.more.list[i])
	}
	return dst
}

var ranks = [...]int{
	ElemMatch: 1, Size: 2, Eq: 3, Lte: 4, Lt: 5, Gt: 6, Gte: 7, Regex: 8, Mod: 9, Exists: 10, In: 11, Ne: 12, Nin: 12, Not: 12, Type: 13,
}

// rank is the place of the operator in the server's order. A list of one counts as what it contains.
func (t *Test) rank() int {
	if t.op == In {
		switch _, one := t.onlyValue(); {
		case one:
			return ranks[Eq]
		case t.more != nil && len(t.more.patterns) == 1 && len(t.more.values) == 0:
			return ranks[Regex]
		}
	}
	return ranks[t.op]
}
