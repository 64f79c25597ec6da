package update

import (
	"cmp"
	"strconv"
	"strings"
)

// Limits of a path.
const (
	maxSegments = 50
	maxName     = 1024
)

// positional is the segment that stands for the array element that the query matched.
const positional = "$"

// path is a dotted path as an update writes it: names, indexes, positional segments.
type path struct {
	text     string
	segments []string
}

// parsePath splits a path and checks what can be checked without the update around it.
func parsePath(op, text string) (path, error) {
	p := path{text: text, segments: strings.Split(text, ".")}
	if len(p.segments) > maxSegments {
		return path{}, refusePath(codeBadValue, op, text, "has too many segments")
	}
	matched := 0
	for _, s := range p.segments {
		if err := checkSegment(op, text, s); err != nil {
			return path{}, err
		}
		if s == positional {
			matched++
		}
	}
	switch {
	case matched > 1:
		return path{}, refusePath(codeBadValue, op, text, "has more than one segment '$'")
	case p.segments[0] == positional:
		return path{}, refusePath(codeBadValue, op, text, "starts with a positional segment")
	}
	return p, nil
}

func checkSegment(op, text, s string) error {
	switch {
	case s == "":
		return refusePath(codeEmptyName, op, text, "contains an empty name")
	case len(s) > maxName:
		return refusePath(codeBadValue, op, text, "contains a name that is too long")
	case strings.IndexByte(s, 0) >= 0:
		return refusePath(codeBadValue, op, text, "contains a NUL")
	case s[0] == '$' && !isPositional(s):
		return refusePath(codeDollarPrefix, op, text, "contains a name that starts with '$'")
	}
	return nil
}

// identifier returns what stands in a segment like $[elem]; it is empty for $[], which means every element.
func identifier(segment string) (id string, ok bool) {
	id, ok = strings.CutPrefix(segment, "$[")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(id, "]")
}

// isPositional tells whether a segment stands for array elements that only the document and the query determine.
func isPositional(segment string) bool {
	_, ok := identifier(segment)
	return ok || segment == positional
}

// hasPositional tells whether any segment is positional.
func (p path) hasPositional() bool {
	for _, s := range p.segments {
		if isPositional(s) {
			return true
		}
	}
	return false
}

// isPrefixOf tells whether p leads to other or is the same path.
func (p path) isPrefixOf(other path) bool {
	return p.text == other.text || strings.HasPrefix(other.text, p.text+".")
}

// arrayIndex reads a segment as the position in an array. Numbers with leading zeros and, as in MongoDB, those of more
// than 32 bits are names.
func arrayIndex(segment string) (int, bool) {
	if hasLeadingZero(segment) || !isDigits(segment) {
		return 0, false
	}
	n, err := strconv.ParseUint(segment, 10, 32)
	return int(n), err == nil && int(n) >= 0
}

func hasLeadingZero(segment string) bool { return len(segment) > 1 && segment[0] == '0' }

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// compareNames is the order in which the fields below one parent are updated, and so the order in which new ones
// appear: numbers by their value, names by their bytes.
func compareNames(a, b string) int {
	if isDigits(a) && isDigits(b) {
		x, y := strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
		if c := cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y)); c != 0 {
			return c
		}
	}
	return strings.Compare(a, b)
}
