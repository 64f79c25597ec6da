package predicate

import (
	"bytes"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// mostAtoms bounds the different conditions of which a truth table is made: it has a bit for each combination of them.
const mostAtoms = 8

// table says for each combination of some conditions whether a predicate holds.
type table []uint64

// Simplify drops what is implied by the rest, at every level, wherever few enough different conditions are involved to
// try all their combinations. Each condition is taken for independent of the others, so that nothing is dropped which a
// server could need.
func (p Predicate) Simplify() Predicate {
	if p.n == nil || !p.n.repeats(map[string]bool{}) {
		return p // where each condition stands once, each of them counts
	}
	kids := make([]Predicate, len(p.n.kids))
	for i, kid := range p.n.kids {
		kids[i] = Predicate{kid}.Simplify()
	}
	switch p.n.kind {
	case not:
		return Not(kids[0])
	case and:
		p = And(kids...)
	default:
		p = Or(kids...)
	}
	if p.n == nil || (p.n.kind != and && p.n.kind != or) {
		return p
	}
	atoms, few := p.n.atoms(nil)
	if !few {
		return p
	}
	return p.n.irredundant(atoms)
}

// repeats tells whether a condition stands in more than one place.
func (n *node) repeats(seen map[string]bool) bool {
	if n.kind == leaf {
		again := seen[string(n.doc)]
		seen[string(n.doc)] = true
		return again
	}
	return slices.ContainsFunc(n.kids, func(kid *node) bool { return kid.repeats(seen) })
}

// irredundant is the junction without the members that the others make needless.
func (n *node) irredundant(atoms []bson.Raw) Predicate {
	tables := make([]table, len(n.kids))
	for i, kid := range n.kids {
		tables[i] = kid.table(atoms)
	}
	whole := joined(n.kind, tables, -1, atoms)
	switch {
	case whole.within(joined(or, nil, -1, atoms)):
		return None()
	case joined(and, nil, -1, atoms).within(whole):
		return All()
	}
	kept := slices.Clone(n.kids)
	for i := len(kept) - 1; i >= 0; i-- {
		others := joined(n.kind, tables, i, atoms)
		if n.kind == or && tables[i].within(others) || n.kind == and && others.within(tables[i]) {
			kept, tables = slices.Delete(kept, i, i+1), slices.Delete(tables, i, i+1)
		}
	}
	if len(kept) == len(n.kids) {
		return Predicate{n}
	}
	return junction(n.kind, kept, None())
}

// atoms adds the different conditions below n. few is false when there are too many.
func (n *node) atoms(found []bson.Raw) (atoms []bson.Raw, few bool) {
	if n.kind == leaf {
		if !slices.ContainsFunc(found, func(d bson.Raw) bool { return bytes.Equal(d, n.doc) }) {
			found = append(found, n.doc)
		}
		return found, len(found) <= mostAtoms
	}
	for _, kid := range n.kids {
		var few bool
		if found, few = kid.atoms(found); !few {
			return found, false
		}
	}
	return found, true
}

// table tries all combinations at once. Bit m of the table is about the combination in which atom i holds where bit i of m
// is set.
func (n *node) table(atoms []bson.Raw) table {
	switch n.kind {
	case leaf:
		at := slices.IndexFunc(atoms, func(d bson.Raw) bool { return bytes.Equal(d, n.doc) })
		t := make(table, words(atoms))
		for i := range t {
			switch {
			case at < len(patterns):
				t[i] = patterns[at]
			case i>>(at-len(patterns))&1 == 1:
				t[i] = ^uint64(0)
			}
		}
		return t
	case not:
		t := n.kids[0].table(atoms)
		for i := range t {
			t[i] = ^t[i]
		}
		return t
	}
	t := joined(n.kind, nil, -1, atoms)
	for _, kid := range n.kids {
		t.join(n.kind, kid.table(atoms))
	}
	return t
}

// patterns are the tables of the first six atoms, within one word.
var patterns = [6]uint64{
	0xaaaaaaaaaaaaaaaa, 0xcccccccccccccccc, 0xf0f0f0f0f0f0f0f0, 0xff00ff00ff00ff00, 0xffff0000ffff0000, 0xffffffff00000000,
}

// joined is the table of a junction of all tables but one; of none it is what changes nothing.
func joined(k kind, tables []table, but int, atoms []bson.Raw) table {
	t := make(table, words(atoms))
	if k == and {
		for i := range t {
			t[i] = ^uint64(0)
		}
	}
	for i, u := range tables {
		if i != but {
			t.join(k, u)
		}
	}
	return t
}

func (t table) join(k kind, u table) {
	for i := range t {
		if k == and {
			t[i] &= u[i]
		} else {
			t[i] |= u[i]
		}
	}
}

func words(atoms []bson.Raw) int { return max(1, 1<<len(atoms)/64) }

// within tells whether t implies u.
func (t table) within(u table) bool {
	for i := range t {
		if t[i]&^u[i] != 0 {
			return false
		}
	}
	return true
}
