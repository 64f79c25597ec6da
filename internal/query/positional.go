package query

import (
	"slices"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
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
	for _, n := range evaluationOrder(nil, f.root) {
		n.test.match(doc, n.path.segments, &st)
	}
	if st.corrupt || st.offset == nil {
		return 0, false
	}
	index, err := strconv.Atoi(string(st.offset))
	return index, err == nil
}

// evaluationOrder lists the tests of a conjunction in the order in which the server evaluates them: by kind of operator,
// then by path.
func evaluationOrder(dst []*node, n *node) []*node {
	switch n.kind {
	case nodeTest:
		dst = append(dst, n)
	case nodeAnd:
		for i := range n.kids {
			dst = evaluationOrder(dst, &n.kids[i])
		}
	}
	slices.SortStableFunc(dst, func(a, b *node) int {
		if c := serverRank[a.test.op] - serverRank[b.test.op]; c != 0 {
			return c
		}
		return strings.Compare(a.path.text, b.path.text)
	})
	return dst
}

var serverRank = [...]int{
	ElemMatch: 1, Size: 2, All: 3, Eq: 3, Lte: 4, Lt: 5, Gt: 6, Gte: 7, Regex: 8, Mod: 9, Exists: 10, In: 11,
	Ne: 12, Nin: 12, Not: 12, Type: 13,
}
