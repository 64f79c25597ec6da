package update

import (
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// Limits of one application.
const (
	maxDocument = 16 << 20
	maxVisits   = 16 << 20
	maxPadding  = 1_500_000
)

// Input is what an update depends on besides the document.
type Input struct {
	Now        time.Time // for $currentDate
	Positional int       // index of the array element that the query matched, -1 for none
	Insert     bool      // the document is being made by an upsert: $setOnInsert applies
}

// Apply appends to dst the document that the update makes of pre and returns it. pre is not changed and never aliased.
// For an upsert it is the document that the query's equalities make, and nil stands for an empty one; the _id then comes
// first, wherever it was set. Failures are of type *Error.
func (u *Update) Apply(dst []byte, pre bson.Raw, in Input) (post bson.Raw, err error) {
	if pre == nil {
		pre = bson.Raw{5, 0, 0, 0, 0}
	}
	a := &applier{in: in, pre: pre}
	doc := a.read(bsonval.FromDocument(pre))
	a.root = content{nodes: []node{{element: []byte{byte(bson.TypeEmbeddedDocument), 0}, content: doc}}}
	if u != nil && u.root != nil {
		if err := a.walk(u.root, place{parent: &a.root}); err != nil {
			return nil, err
		}
	}
	if a.corrupt {
		return nil, refuse(codeBadValue, "", "the document is corrupt")
	}
	if in.Insert {
		if err := a.idFirst(doc); err != nil {
			return nil, err
		}
	}
	start := len(dst)
	dst = appendContent(dst, doc, start+maxDocument)
	if len(dst)-start > maxDocument {
		return nil, refuse(CodeDocumentTooLarge, "", "the document would be too large")
	}
	return bson.Raw(dst[start:]), nil
}

// applier is one application of an update.
type applier struct {
	in      Input
	pre     bson.Raw
	root    content // one node: the document
	merged  map[[2]*step]*step
	scratch []byte
	visits  int
	padding int
	corrupt bool
}

// visit counts work with array elements, so that a small update cannot keep a processor busy.
func (a *applier) visit(n int) { a.visits += n }

func (a *applier) tooExpensive() error {
	if a.visits <= maxVisits {
		return nil
	}
	return refuse(codeBadValue, "", "the update is too expensive")
}

// change is what an operator does at the end of its path.
type change interface {
	// existing changes the element that stands there.
	existing(a *applier, l *leaf, at place) error
	// missing returns the value to create where nothing stands, or the missing value and what else to do.
	missing(a *applier, l *leaf, at place) (bson.RawValue, absence, error)
}

// absence is what an operator does about a path that is not there.
type absence uint8

const (
	create absence = iota
	check          // nothing, but a path that could not be created is an error
	ignore         // nothing
)

// place is an element of the document, or one that could be created below it.
type place struct {
	parent *content
	i      int
	absent []string // the segments below the element that do not exist
}

func (p place) node() *node { return &p.parent.nodes[p.i] }

// down follows one segment.
func (a *applier) down(p place, segment string) place {
	p = a.settle(p)
	if len(p.absent) == 0 {
		if c := a.open(p.node()); c != nil {
			if i, ok := c.find(segment); ok {
				return place{parent: c, i: i}
			}
		}
	}
	p.absent = append(p.absent[:len(p.absent):len(p.absent)], segment)
	return p
}

// settle follows the absent segments that were created meanwhile.
func (a *applier) settle(p place) place {
	for len(p.absent) > 0 {
		c := a.open(p.node())
		if c == nil {
			break
		}
		i, ok := c.find(p.absent[0])
		if !ok {
			break
		}
		p = place{parent: c, i: i, absent: p.absent[1:]}
	}
	return p
}

// walk applies everything below one step.
func (a *applier) walk(s *step, at place) error {
	switch err := a.tooExpensive(); {
	case err != nil:
		return err
	case s.leaf != nil:
		return a.leaf(s.leaf, at)
	case s.elements:
		return a.walkElements(s, at)
	}
	return a.walkFields(s, at)
}

func (a *applier) walkFields(s *step, at place) error {
	matched, index := s.matched, ""
	if matched != nil {
		if a.in.Positional < 0 {
			return refuse(codeBadValue, matched.anyLeaf().op, "the query did not match an element for the segment '$'")
		}
		index = strconv.Itoa(a.in.Positional)
	}
	for _, name := range s.order {
		next := s.next[name]
		if matched != nil {
			switch c := strings.Compare(index, name); { // by bytes, as in MongoDB, although the names are in another order

			case c == 0:
				both, err := a.merge(matched, next)
				if err != nil {
					return err
				}
				next, matched = both, nil
			case c < 0:
				if err := a.walk(matched, a.down(at, index)); err != nil {
					return err
				}
				matched = nil
			}
		}
		if err := a.walk(next, a.down(at, name)); err != nil {
			return err
		}
	}
	if matched != nil {
		return a.walk(matched, a.down(at, index))
	}
	return nil
}

// merge is merge with a memory: the same trees meet at many elements.
func (a *applier) merge(s, t *step) (*step, error) {
	key := [2]*step{s, t}
	if m := a.merged[key]; m != nil {
		return m, nil
	}
	const costOfStep = 512 // mostly memory
	made := 0
	m, err := merge(s, t, &made)
	if err != nil {
		return nil, err
	}
	a.visit(made * costOfStep)
	if a.merged == nil {
		a.merged = map[[2]*step]*step{}
	}
	a.merged[key] = m
	return m, nil
}

// walkElements applies what is done to selected elements of an array. Which elements are selected is decided before any
// of them changes.
func (a *applier) walkElements(s *step, at place) error {
	at = a.settle(at)
	l := s.anyLeaf()
	if len(at.absent) > 0 {
		return refusePath(codeBadValue, l.op, l.path.text, "selects elements of an array that does not exist")
	}
	if at.node().kind() != bson.TypeArray {
		return refusePath(codeBadValue, l.op, l.path.text, "selects elements of something that is not an array")
	}
	c := a.open(at.node())
	selected := make([][]*step, len(c.nodes))
	for i := range c.nodes {
		selected[i] = a.selected(s, &c.nodes[i])
		if err := a.tooExpensive(); err != nil {
			return err
		}
	}
	for i, steps := range selected {
		if len(steps) == 0 {
			continue
		}
		all := steps[0]
		for _, next := range steps[1:] {
			var err error
			if all, err = a.merge(all, next); err != nil {
				return err
			}
		}
		if err := a.walk(all, place{parent: c, i: i}); err != nil {
			return err
		}
	}
	return nil
}

// selected returns what is done to one element of an array.
func (a *applier) selected(s *step, element *node) []*step {
	var steps []*step
	a.visit(len(s.order))
	for _, id := range s.order {
		f := s.filters[id]
		if f != nil {
			a.visit(f.cost * sizeOf(element.value()))
		}
		if f == nil || f.test.matches(a, element.value()) {
			steps = append(steps, s.next[id])
		}
	}
	return steps
}

// leaf makes one change.
func (a *applier) leaf(l *leaf, at place) error {
	if l.onInsert && !a.in.Insert {
		return nil
	}
	if at = a.settle(at); len(at.absent) == 0 {
		if err := l.change.existing(a, l, at); err != nil {
			return err
		}
		return a.checkID(l)
	}
	v, do, err := l.change.missing(a, l, at)
	switch {
	case err != nil:
		return err
	case do == create:
		if err := a.create(l, at, v); err != nil {
			return err
		}
		return a.checkID(l)
	case do == check:
		return viable(l, at)
	}
	return ambiguous(l, at)
}
