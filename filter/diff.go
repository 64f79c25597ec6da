package filter

import (
	"bytes"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// Path names a place in a document: field names and array positions joined by dots. The empty Path is the document as a
// whole.
//
// A name that cannot be a segment (empty, with a '.', or starting with '$') is never part of a Path: what changes there
// is reported as a change of the container, up to the whole document.
type Path string

// Segments returns the names and positions of the path, none for the whole document.
func (p Path) Segments() []string {
	if p == "" {
		return nil
	}
	return strings.Split(string(p), ".")
}

// join appends one segment.
func (p Path) join(segment string) Path {
	if p == "" {
		return Path(segment)
	}
	return p + "." + Path(segment)
}

// Diff lists the paths at which post differs from pre in type or bytes, the changed and added ones in the order of post,
// then the removed ones in the order of pre. A nil document is an empty one, so Diff(nil, post) lists what an insert
// writes.
//
// Paths end at the leaves, also inside embedded documents that are new or gone; an empty document counts as a leaf. A
// value whose type changed is one path, and so is an array that is new, gone or of another length. Arrays of one length
// are compared position by position. A container is one path as well when its fields stand in another order, when a name
// occurs twice in it, and when its bytes are corrupt: the paths never say less than what changed. At the top the order
// of fields does not count as a change.
//
// The paths say what needs permission. They are no recipe for $set and $unset: removing each leaf of a document leaves
// the document.
//
// The result aliases neither document.
func Diff(pre, post bson.Raw) []Path {
	d := differ{}
	if !d.document("", orEmpty(pre), orEmpty(post), 1) {
		return []Path{""}
	}
	return d.paths
}

// differ collects paths.
type differ struct {
	paths []Path
}

func orEmpty(doc bson.Raw) bson.Raw {
	if len(doc) == 0 {
		return bsonval.Empty()
	}
	return doc
}

// element is a field of a document that is compared with another one.
type element struct {
	key   string
	value bson.RawValue
	seen  bool
}

// elements lists the fields of a document. It returns false where they cannot be told apart or named.
func elements(doc bson.Raw) (list []element, byKey map[string]int, ok bool) {
	byKey = map[string]int{}
	it := bsonval.NewIter(doc)
	for it.Next() {
		key := string(it.Key())
		if _, twice := byKey[key]; twice {
			return nil, nil, false
		}
		byKey[key] = len(list)
		list = append(list, element{key: key, value: it.Value()})
	}
	return list, byKey, it.Err() == nil
}

// document compares two documents at path at. It returns false, having added nothing, when only the container as a whole
// can be named.
func (d *differ) document(at Path, pre, post bson.Raw, depth int) bool {
	if bytes.Equal(pre, post) {
		return true
	}
	if depth > maxDepth {
		return false
	}
	before, byKey, ok := elements(pre)
	if !ok {
		return false
	}
	after, _, ok := elements(post)
	if !ok {
		return false
	}
	mark := len(d.paths)
	last := -1 // position in pre of the latest field that both have
	for _, e := range after {
		var old bson.RawValue
		if i, both := byKey[e.key]; both {
			if i < last && depth > 1 {
				d.paths = d.paths[:mark]
				return false
			}
			last = max(last, i)
			before[i].seen = true
			old = before[i].value
		}
		if !d.field(at, e.key, old, e.value, depth) {
			d.paths = d.paths[:mark]
			return false
		}
	}
	for _, e := range before {
		if !e.seen && !d.field(at, e.key, e.value, bson.RawValue{}, depth) {
			d.paths = d.paths[:mark]
			return false
		}
	}
	return true
}

// field compares one field of the container at path at; a missing side is the zero value. It returns false when the
// field cannot be named.
func (d *differ) field(at Path, key string, pre, post bson.RawValue, depth int) bool {
	if bsonval.Identical(pre, post) {
		return true
	}
	if !bsonval.IsSegment(key) {
		return false
	}
	d.value(at.join(key), pre, post, depth)
	return true
}

// value adds what differs between two values at a path that are known to differ: at least one path, their own when
// nothing more exact can be said.
func (d *differ) value(at Path, pre, post bson.RawValue, depth int) {
	mark := len(d.paths)
	var split bool
	switch {
	case isDocument(pre) && isDocument(post):
		split = d.document(at, pre.Value, post.Value, depth+1)
	case bsonval.IsMissing(pre) && isDocument(post):
		split = !bsonval.IsEmpty(post) && d.document(at, bsonval.Empty(), post.Value, depth+1)
	case isDocument(pre) && bsonval.IsMissing(post):
		split = !bsonval.IsEmpty(pre) && d.document(at, pre.Value, bsonval.Empty(), depth+1)
	case pre.Type == bson.TypeArray && post.Type == bson.TypeArray:
		split = d.array(at, pre.Value, post.Value, depth+1)
	}
	if !split || len(d.paths) == mark {
		d.paths = append(d.paths, at)
	}
}

// array compares two arrays position by position. It returns false, having added nothing, when their lengths differ or
// one is corrupt.
func (d *differ) array(at Path, pre, post bson.Raw, depth int) bool {
	if depth > maxDepth {
		return false
	}
	mark := len(d.paths)
	before, after := bsonval.NewIter(pre), bsonval.NewIter(post)
	for i := 0; ; i++ {
		b, a := before.Next(), after.Next()
		if !b || !a {
			if a == b && before.Err() == nil && after.Err() == nil {
				return true
			}
			d.paths = d.paths[:mark]
			return false
		}
		if !bsonval.Identical(before.Value(), after.Value()) {
			d.value(at.join(strconv.Itoa(i)), before.Value(), after.Value(), depth)
		}
	}
}

func isDocument(v bson.RawValue) bool { return v.Type == bson.TypeEmbeddedDocument }
