package filter

import (
	"errors"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// ErrPosition is returned for a position at which the view of an array has no element.
var ErrPosition = errors.New("the array has no element at this position")

// StoredPath turns a dotted path into the cut document into the path of the same place in doc. The two differ where m
// drops elements of an array on the way: those behind close up, so that a client counts other positions than are stored.
// A path that leads nowhere is returned as it is.
func StoredPath(doc bson.Raw, m Mask, path string) (string, error) {
	if m.all || m.root == nil {
		return path, nil
	}
	c := cutter{judge: m.judge}
	v := bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: doc}
	if whole, err := c.allows(m.root.Whole, v); whole || err != nil {
		return path, err
	}
	segments := strings.Split(path, ".")
	n := m.root
	for i := range segments {
		switch v.Type {
		case bson.TypeEmbeddedDocument:
			next, ok := bsonval.Lookup(bson.Raw(v.Value), segments[i])
			if !ok {
				return strings.Join(segments, "."), nil
			}
			child, _, err := c.element(n, []byte(segments[i]), next, i+1)
			if child == nil || err != nil {
				return strings.Join(segments, "."), err
			}
			v, n = next, child
		case bson.TypeArray:
			seen, err := strconv.ParseUint(segments[i], 10, 31)
			if err != nil {
				return strings.Join(segments, "."), nil
			}
			if segments[i], v, err = c.stored(v.Value, n, int(seen), i+1); err != nil {
				return "", err
			}
		default:
			return strings.Join(segments, "."), nil
		}
	}
	return strings.Join(segments, "."), nil
}

// stored finds the element of arr that is the seen-th of which n shows something.
func (c cutter) stored(arr []byte, n *Node, seen, depth int) (position string, v bson.RawValue, err error) {
	var buf []byte
	it := bsonval.NewIter(arr)
	for it.Next() {
		v := it.Value()
		if v.Type != bson.TypeEmbeddedDocument {
			continue
		}
		out, visible, err := c.document(buf[:0], v.Value, n, depth+1)
		if err != nil {
			return "", v, err
		}
		buf = out
		if !visible {
			continue
		}
		if seen == 0 {
			return string(it.Key()), v, nil
		}
		seen--
	}
	if err := it.Err(); err != nil {
		return "", bson.RawValue{}, err
	}
	return "", bson.RawValue{}, ErrPosition
}
