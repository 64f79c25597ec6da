package update

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// viable reports whether the absent segments of a place could be created.
func viable(l *leaf, at place) error {
	switch at.node().kind() {
	case bson.TypeEmbeddedDocument:
		return nil
	case bson.TypeArray:
		if _, ok := arrayIndex(at.absent[0]); ok {
			return nil
		}
	}
	return refusePath(codePathNotViable, l.op, l.path.text, "leads through something that cannot have such a field")
}

// ambiguous refuses numbers with leading zeros where an array stands. They are no indexes to us but are to MongoDB, so
// doing nothing would be wrong.
func ambiguous(l *leaf, at place) error {
	if s := at.absent[0]; at.node().kind() == bson.TypeArray && hasLeadingZero(s) && isDigits(s) {
		return viable(l, at)
	}
	return nil
}

// create makes the absent segments of a place: objects on the way, whatever the segments are, and v at the end. An array
// is filled up with nulls.
func (a *applier) create(l *leaf, at place, v bson.RawValue) error {
	if err := viable(l, at); err != nil {
		return err
	}
	c := a.open(at.node())
	if c.array {
		i, _ := arrayIndex(at.absent[0])
		if err := a.pad(l, c, i); err != nil {
			return err
		}
	}
	c.add(node{element: nest(at.absent, v)})
	return nil
}

// nullElement is an element of an array.
var nullElement = []byte{byte(bson.TypeNull), 0} //nolint:gochecknoglobals // never written

func (a *applier) pad(l *leaf, c *content, size int) error {
	n := max(size-len(c.nodes), 0)
	if a.padding += n; a.padding > maxPadding {
		return refusePath(codeCannotBackfill, l.op, l.path.text, "lies too far behind the end of the array")
	}
	for range n {
		c.nodes = append(c.nodes, node{element: nullElement})
	}
	return nil
}

// nest makes an element called names[0] with v at the end of the names.
func nest(names []string, v bson.RawValue) []byte {
	last := len(names) - 1
	starts := make([]int, last)
	var dst []byte
	for i, name := range names[:last] {
		dst, starts[i] = bsonval.BeginElement(dst, bson.TypeEmbeddedDocument, name)
	}
	dst = bsonval.AppendElement(dst, names[last], v)
	for i := last - 1; i >= 0; i-- {
		dst = bsonval.EndDocument(dst, starts[i])
	}
	return dst
}
