package predicate

import (
	"bytes"
	"slices"
)

// Roles that follow each other repeat conditions and their negations: A, then not A and B. Saying less is easier to read
// and to index. It is also safer: a server's own simplifier has been seen to make A of (A and B) or (A and not B) or (not
// A), which is everything.

// mostSimplified bounds the pairs that are compared.
const mostSimplified = 32

// same tells whether two predicates are one. It may miss that they mean the same.
func same(a, b *node) bool {
	if a == b {
		return true
	}
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case leaf:
		return bytes.Equal(a.doc, b.doc)
	case not:
		return same(a.kids[0], b.kids[0])
	}
	return false
}

// opposite tells whether one is the negation of the other.
func opposite(a, b *node) bool {
	return a.kind == not && same(a.kids[0], b) || b.kind == not && same(b.kids[0], a)
}

// conjunction drops repetitions. It reports false where two members contradict each other.
func conjunction(kids []*node) (kept []*node, possible bool) {
	if len(kids) > mostSimplified {
		return kids, true
	}
	for _, k := range kids {
		if slices.ContainsFunc(kept, func(o *node) bool { return opposite(o, k) }) {
			return nil, false
		}
		if !slices.ContainsFunc(kept, func(o *node) bool { return same(o, k) }) {
			kept = append(kept, k)
		}
	}
	return kept, true
}

// disjunction drops alternatives that others cover, and members of an alternative that another one makes needless: A or
// (not A and B) is A or B. It reports true where everything matches.
func disjunction(kids []*node) (kept []*node, always bool) {
	if len(kids) > mostSimplified {
		return kids, false
	}
	terms := make([][]*node, len(kids))
	for i, k := range kids {
		terms[i] = members(k)
	}
	for changed := true; changed; {
		changed = false
		for i := range terms {
			for j := range terms {
				if i == j || terms[i] == nil || terms[j] == nil {
					continue
				}
				at, covers := resolve(terms[i], terms[j])
				switch {
				case !covers:
				case at < 0:
					terms[j], kids[j], changed = nil, nil, true
				case len(terms[j]) == 1:
					return nil, true
				default:
					terms[j], kids[j], changed = slices.Delete(slices.Clone(terms[j]), at, at+1), nil, true
				}
			}
		}
	}
	for i, t := range terms {
		switch {
		case t == nil:
		case kids[i] != nil:
			kept = append(kept, kids[i])
		default:
			kept = append(kept, junction(and, t, All()).n)
		}
	}
	return kept, false
}

// members are the conditions of a conjunction.
func members(n *node) []*node {
	if n.kind == and {
		return n.kids
	}
	return []*node{n}
}

// resolve tells whether every member of a is one of b, but for one at most whose negation is; at is where in b that
// stands, or -1. Then b holds of nothing that a does not hold of, or b without that member says the same beside a.
func resolve(a, b []*node) (at int, covers bool) {
	at = -1
	for _, m := range a {
		if slices.ContainsFunc(b, func(o *node) bool { return same(m, o) }) {
			continue
		}
		i := slices.IndexFunc(b, func(o *node) bool { return opposite(m, o) })
		if i < 0 || at >= 0 {
			return -1, false
		}
		at = i
	}
	return at, true
}
