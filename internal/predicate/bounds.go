package predicate

// Bounds brackets a condition: whatever satisfies it matches May, and whatever matches Must satisfies it. The zero Bounds
// is the condition that nothing satisfies.
type Bounds struct{ May, Must Predicate }

// Exactly is a condition that p states.
func Exactly(p Predicate) Bounds { return Bounds{p, p} }

// Always is the condition that everything satisfies.
func Always() Bounds { return Exactly(All()) }

// Never is the condition that nothing satisfies.
func Never() Bounds { return Bounds{} }

// Unstated is a condition of which no query tells anything.
func Unstated() Bounds { return Bounds{May: All(), Must: None()} }

// Of is Always or Never.
func Of(holds bool) Bounds {
	if holds {
		return Always()
	}
	return Never()
}

// Exact tells that the two are one query. It may miss that two queries mean the same, never the reverse.
func (b Bounds) Exact() bool { return b.May.n == b.Must.n }

// Simplify says the same with less.
func (b Bounds) Simplify() Bounds {
	may := b.May.Simplify()
	if b.Exact() {
		return Exactly(may)
	}
	return Bounds{May: may, Must: b.Must}
}

// Not is the condition that whatever does not satisfy b satisfies.
func (b Bounds) Not() Bounds {
	if b.Exact() {
		return Exactly(Not(b.May))
	}
	return Bounds{May: Not(b.Must), Must: Not(b.May)}
}

// Loose is b without its Must: what satisfies it is not known to.
func (b Bounds) Loose() Bounds {
	if b.May.IsNone() {
		return Never()
	}
	return Bounds{May: b.May}
}

// Both is the conjunction.
func Both(bs ...Bounds) Bounds { return join(And, bs) }

// Either is the disjunction.
func Either(bs ...Bounds) Bounds { return join(Or, bs) }

func join(op func(...Predicate) Predicate, bs []Bounds) Bounds {
	ps, exact := make([]Predicate, len(bs)), true
	for i, b := range bs {
		ps[i] = b.May
		exact = exact && b.Exact()
	}
	may := op(ps...)
	if exact {
		return Exactly(may)
	}
	for i, b := range bs {
		ps[i] = b.Must
	}
	return Bounds{May: may, Must: op(ps...)}
}
