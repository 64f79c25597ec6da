package filter

import "strings"

// Hides reports that nothing at path, nor below it, is ever shown. A numeric segment may be a position in an array as
// well as a name: Hides holds only if both readings are hidden.
func (p Projection) Hides(path string) bool {
	_, most := p.extent(path)
	return most == nothing
}

// HidesAny reports that a document may lose something at path: the value, a part of it, or elements of an array on the
// way to it. Where it does not hold, a predicate on path has the same answer before and after the projection. A numeric
// segment counts as a position and as a name.
func (p Projection) HidesAny(path string) bool {
	least, _ := p.extent(path)
	return least != whole
}

// shown says how much of the value at some path is left.
type shown uint8

const (
	nothing shown = iota
	part
	whole
)

// extent returns how much is left at path in its least and in its most generous reading.
func (p Projection) extent(path string) (least, most shown) {
	if p.mode == everything {
		return whole, whole
	}
	return p.below(p.paths, path, false)
}

// below is extent from a place inside the tree; inside tells that t is a container on the way, not the document itself.
func (p Projection) below(t paths, path string, inside bool) (least, most shown) {
	segment, rest, more := strings.Cut(path, ".")
	sub, listed := t[segment]
	switch {
	case listed && sub != nil && more:
		least, most = p.below(sub, rest, true)
	case listed && sub != nil:
		least, most = part, part
	case listed == (p.mode == exclusion):
		least, most = nothing, nothing
	case inside && p.mode == inclusion:
		// An inclusion drops scalars from the arrays on its way, so positions and emptiness may change.
		least, most = part, part
	default:
		least, most = whole, whole
	}
	if !inside || !isIndex(segment) {
		return least, most
	}
	low, high := part, part // an element of the container, and t cuts each of them
	if more {
		low, high = p.below(t, rest, true)
	}
	return min(least, low), max(most, high)
}

// isIndex reports whether a path segment may be a position in an array.
func isIndex(segment string) bool {
	return segment != "" && strings.Trim(segment, "0123456789") == ""
}

// HidesSomething reports that the projection is not the one that shows everything.
func (p Projection) HidesSomething() bool { return p.mode != everything }
