package query

import (
	"strings"
)

const (
	maxSegments   = 50
	maxNameLength = 1024
	// maxPositions bounds the numeric segments that a client's predicate goes through. Each may be a position and a name,
	// and where a document has both, the ways through it double.
	maxPositions = 10
)

// Path is a dotted field path. The zero Path is empty and matches nothing a query could name.
type Path struct {
	text     string
	segments []string
}

// ParsePath splits a dotted path. Empty segments, NUL characters, names over 1,024 bytes and more than 50 segments are
// refused.
func ParsePath(s string) (Path, error) { return parsePath(s, maxSegments) }

func parsePath(s string, most int) (Path, error) {
	if strings.Count(s, ".") >= most {
		return Path{}, refuse(s, "the path has too many segments")
	}
	segments := strings.Split(s, ".")
	for _, name := range segments {
		switch {
		case name == "":
			return Path{}, refuse(s, "the path has an empty segment")
		case len(name) > maxNameLength:
			return Path{}, refuse(s, "the name is too long")
		case strings.IndexByte(name, 0) >= 0:
			return Path{}, refuse(s, "the name contains a NUL character")
		}
	}
	return Path{text: s, segments: segments}, nil
}

// String returns the path as it was written.
func (p Path) String() string { return p.text }

// Segments returns the names between the dots. The caller must not change them.
func (p Path) Segments() []string { return p.segments }

// positions counts the numeric segments.
func (p Path) positions() int {
	n := 0
	for _, segment := range p.segments {
		if isNumeric(segment) {
			n++
		}
	}
	return n
}

// join returns the path of q below p.
func (p Path) join(q Path) Path {
	segments := make([]string, 0, len(p.segments)+len(q.segments))
	segments = append(append(segments, p.segments...), q.segments...)
	return Path{text: p.text + "." + q.text, segments: segments}
}
