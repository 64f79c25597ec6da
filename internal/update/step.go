package update

import "slices"

// step is a node of the tree in which the paths of an update meet: either a change at the end of a path, or the segments
// that follow.
type step struct {
	leaf    *leaf
	next    map[string]*step // by name, or for elements by identifier
	order   []string         // the names, in the order of application
	matched *step            // after the segment $
	// elements tells that the segments that follow select array elements, $[] or $[id]; filters holds theirs.
	elements bool
	filters  map[string]*arrayFilter
}

// leaf is a change with the path at which it is made.
type leaf struct {
	op       string
	path     path
	change   change
	onInsert bool
}

func newStep() *step { return &step{next: map[string]*step{}} }

func conflict(l *leaf) error {
	return refusePath(codeConflict, l.op, l.path.text, "conflicts with another path of the update")
}

func (s *step) isEmpty() bool { return len(s.next) == 0 && s.matched == nil }

// child returns what follows after a name; after "$" that is what is done to the matched element.
func (s *step) child(name string) *step {
	if name == positional {
		return s.matched
	}
	return s.next[name]
}

func (s *step) setChild(name string, next *step) {
	if name == positional {
		s.matched = next
		return
	}
	s.next[name] = next
}

func (s *step) setFilter(f *arrayFilter) {
	if s.filters == nil {
		s.filters = map[string]*arrayFilter{}
	}
	s.filters[f.test.name] = f
}

// sort fixes the order of application in the whole tree. It must be called once, before the tree is shared.
func (s *step) sort() {
	s.sortNames()
	for _, next := range s.next {
		next.sort()
	}
	if s.matched != nil {
		s.matched.sort()
	}
}

func (s *step) sortNames() {
	s.order = make([]string, 0, len(s.next))
	for name := range s.next {
		s.order = append(s.order, name)
	}
	slices.SortFunc(s.order, compareNames)
}

// merge returns the tree that does what a and b do. Both stay as they are. made counts what is made for it.
func merge(a, b *step, made *int) (*step, error) {
	if a.leaf != nil {
		return nil, conflict(a.leaf)
	}
	if b.leaf != nil {
		return nil, conflict(b.leaf)
	}
	if a.elements != b.elements {
		return nil, conflict(b.anyLeaf())
	}
	m := newStep()
	m.elements = a.elements
	for _, s := range []*step{a, b} {
		for _, f := range s.filters {
			m.setFilter(f)
		}
		for name, next := range s.next {
			if err := m.join(name, next, made); err != nil {
				return nil, err
			}
		}
		if s.matched == nil {
			continue
		}
		if err := m.join(positional, s.matched, made); err != nil {
			return nil, err
		}
	}
	m.sortNames()
	*made += 1 + len(m.next)
	return m, nil
}

func (s *step) join(name string, next *step, made *int) error {
	if have := s.child(name); have != nil {
		var err error
		if next, err = merge(have, next, made); err != nil {
			return err
		}
	}
	s.setChild(name, next)
	return nil
}

// anyLeaf returns a leaf below s, to have a path for an error.
func (s *step) anyLeaf() *leaf {
	for s.leaf == nil {
		if s.matched != nil {
			s = s.matched
		} else {
			s = s.next[s.order[0]]
		}
	}
	return s.leaf
}
