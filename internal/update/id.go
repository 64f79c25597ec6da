package update

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// checkID makes sure after a change that the _id is what it was. Only an upsert may set one that was missing.
func (a *applier) checkID(l *leaf) error {
	if !a.changesID(l) {
		return nil
	}
	before, had := bsonval.Lookup(a.pre, "_id")
	c := a.open(&a.root.nodes[0])
	i, has := c.find("_id")
	if had && has {
		now := c.nodes[i]
		if now.content == nil && bsonval.Identical(before, now.value()) {
			return nil
		}
		if now.content != nil && bsonval.Identical(before, encoded(&now)) {
			return nil
		}
	}
	return immutable(l)
}

func immutable(l *leaf) error { return refuse(codeImmutable, l.op, "the field _id cannot be changed") }

// changesID tells whether a change is made to an _id that must stay, or to something in it.
func (a *applier) changesID(l *leaf) bool {
	r, renames := l.change.(*rename)
	if l.path.segments[0] != "_id" && (!renames || r.source.segments[0] != "_id") {
		return false
	}
	_, had := bsonval.Lookup(a.pre, "_id")
	return had || !a.in.Insert
}

// encoded returns the value of a node that was looked into.
func encoded(n *node) bson.RawValue {
	return bson.RawValue{Type: n.kind(), Value: appendContent(nil, n.content, maxDocument)}
}

// idFirst moves the _id of a new document to its place and checks its type.
func (a *applier) idFirst(doc *content) error {
	i, ok := doc.find("_id")
	if !ok {
		return nil
	}
	id := doc.nodes[i]
	switch id.kind() {
	case bson.TypeArray, bson.TypeRegex, bson.TypeUndefined:
		return refuse(codeInvalidID, "", "the _id cannot be an array, a regular expression or undefined")
	}
	copy(doc.nodes[1:i+1], doc.nodes[:i])
	doc.nodes[0] = id
	doc.names = nil
	return nil
}
