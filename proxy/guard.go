package proxy

import (
	"bytes"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/rules"
)

// target is a document of the view that a write selected.
type target struct {
	stored, view bson.Raw
	id           bson.RawValue
}

func newTarget(stored, view bson.Raw) target {
	t := target{stored: bytes.Clone(stored), view: bytes.Clone(view)}
	t.id, _ = bsonval.Lookup(t.stored, "_id")
	return t
}

// guard pins the fields that a decision read, as they were. A name that the database could not address as a field
// makes it pin the whole document.
func guard(stored bson.Raw, reads rules.Reads) Guard {
	if reads.All {
		return Guard{Document: stored}
	}
	var g Guard
	for name := range reads.Fields {
		if name == "_id" {
			continue // pinned by the write itself
		}
		if !bsonval.IsSegment(name) {
			return Guard{Document: stored}
		}
		v, _ := bsonval.Lookup(stored, name)
		g.Fields = append(g.Fields, GuardField{Name: name, Value: v})
	}
	slices.SortFunc(g.Fields, func(a, b GuardField) int { return strings.Compare(a.Name, b.Name) })
	return g
}

// difference is the update that turns pre into post, by whole top-level fields: exact values, never the client's
// operators. It reports the touched fields; bad is a field that cannot be written by name.
func difference(pre, post bson.Raw) (set []FieldValue, unset []string, bad bool) {
	for it := bsonval.NewIter(post); it.Next(); {
		name := string(it.Key())
		was, _ := bsonval.Lookup(pre, name)
		if !bsonval.Identical(was, it.Value()) {
			set = append(set, FieldValue{Path: name, Value: it.Value()})
			bad = bad || !bsonval.IsSegment(name)
		}
	}
	for it := bsonval.NewIter(pre); it.Next(); {
		name := string(it.Key())
		if _, kept := bsonval.Lookup(post, name); !kept {
			unset = append(unset, name)
			bad = bad || !bsonval.IsSegment(name)
		}
	}
	return set, unset, bad
}
