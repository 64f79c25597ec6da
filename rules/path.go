package rules

import (
	"strings"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/predicate"
	"github.com/rolegate/rolegate/internal/query"
)

// reach says how much of the value at a path the documents of a part show.
type reach uint8

const (
	hidden      reach = iota // nothing, whatever is stored
	partly                   // a part, or it is not known which
	inside                   // all of it, but not all of the containers on the way
	conditional              // all of it or nothing, as a condition on the top-level field decides
	readable                 // all of it, with every container on the way
)

// reach finds out for a path. For a conditional one it states the condition.
func (p *part) reach(path query.Path) (reach, predicate.Bounds) {
	segments := path.Segments()
	name := segments[0]
	if name == filter.Reserved {
		return hidden, predicate.Bounds{}
	}
	if p.whole {
		return readable, predicate.Bounds{}
	}
	n, listed := p.tree.Fields[name]
	if !listed || !bsonval.IsSegment(name) {
		return p.onTop(p.tree.Rest, name)
	}
	if len(n.Fields) == 0 || n.Whole == filter.Always {
		return p.onTop(n.Whole, name)
	}
	if n.Whole != filter.Never {
		return partly, predicate.Bounds{}
	}
	return below(n, segments[1:]), predicate.Bounds{}
}

// onTop decides for a top-level field that is shown whole or not at all.
func (p *part) onTop(c filter.Cond, name string) (reach, predicate.Bounds) {
	switch _, asks := c.Asks(); {
	case c == filter.Always:
		return readable, predicate.Bounds{}
	case asks:
		return conditional, p.branch.allowed(c, name, true)
	}
	return hidden, predicate.Bounds{}
}

// below decides inside a container of which n shows a part. A number may be a name or a position, at which the same
// permissions hold.
func below(n *filter.Node, segments []string) reach {
	if !showsAny(n) {
		return hidden
	}
	if len(segments) == 0 {
		return partly
	}
	named := hidden
	if child, listed := n.Fields[segments[0]]; listed && bsonval.IsSegment(segments[0]) {
		switch _, asks := child.Whole.Asks(); {
		case child.Whole == filter.Always:
			named = inside
		case asks:
			named = partly
		default:
			named = below(child, segments[1:])
		}
	}
	if !isNumber(segments[0]) {
		return named
	}
	if named == hidden && below(n, segments[1:]) == hidden {
		return hidden
	}
	return partly
}

// showsAny tells whether anything at all is ever shown at n.
func showsAny(n *filter.Node) bool {
	if n.Whole != filter.Never {
		return true
	}
	for _, child := range n.Fields {
		if showsAny(child) {
			return true
		}
	}
	return false
}

func isNumber(segment string) bool { return strings.Trim(segment, "0123456789") == "" }

// reach is that of the part under the projection of the query filters, which takes away more.
func (p *Plan) reach(of *part, path query.Path) (reach, predicate.Bounds) {
	r, c := of.reach(path)
	switch text := path.String(); {
	case !p.bound.projection.HidesSomething(), r == hidden, !p.bound.projection.HidesAny(text):
		return r, c
	case p.bound.projection.Hides(text):
		return hidden, c
	}
	return partly, c
}
