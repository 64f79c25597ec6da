package rules

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/rules/expr"
)

// What follows judges a change by the permissions of fields, down to where one is given.

func (d *Decider) changedFields(br *branch, set pathSet, pre, post bson.Raw) (path string, t expr.Truth) {
	before, after := bsonval.NewIter(pre), bsonval.NewIter(post)
	for after.Next() {
		name := string(after.Key())
		was, _ := bsonval.Lookup(pre, name)
		if bsonval.Identical(was, after.Value()) {
			continue
		}
		if t := d.changed(br.field(name), set.child(name), was, after.Value()); t != expr.True {
			return name, t
		}
	}
	for before.Next() {
		name := string(before.Key())
		if _, kept := bsonval.Lookup(post, name); kept {
			continue
		}
		if t := d.changed(br.field(name), set.child(name), before.Value(), bson.RawValue{}); t != expr.True {
			return name, t
		}
	}
	return "", intact(before, after)
}

// field finds the permission of a top-level field. Names that no path can address are matched by no entry.
func (br *branch) field(name string) *node {
	if n, ok := br.fields[name]; ok && bsonval.IsSegment(name) {
		return n
	}
	return br.additional
}

// writable evaluates the write permission given at n itself.
func (d *Decider) writable(n *node, pre, post bson.RawValue) expr.Truth {
	if n == nil || !n.write.defined {
		return expr.False
	}
	d.env.This, d.env.Prev = post, pre
	return n.write.cond.Eval(&d.env)
}

// changed tells whether everything in which pre and post differ, but for the paths of set, may be written under n. Either may
// be missing.
func (d *Decider) changed(n *node, set pathSet, pre, post bson.RawValue) expr.Truth {
	switch {
	case set.covers(pre, post):
		return expr.True
	case n == nil:
		return expr.False
	case n.write.defined || len(n.fields) == 0:
		return d.writable(n, pre, post)
	case bsonval.IsMissing(pre) && bsonval.IsEmpty(post), bsonval.IsMissing(post) && bsonval.IsEmpty(pre):
		return expr.False // a container itself is nobody's to add or remove, only what is in it
	case isContainer(pre) && isContainer(post) && pre.Type != post.Type:
		return d.changed(n, pathSet{}, pre, bson.RawValue{}).And(d.changed(n, pathSet{}, bson.RawValue{}, post))
	case pre.Type == bson.TypeArray || post.Type == bson.TypeArray:
		return d.changedElements(n, pre, post)
	case (isDocument(pre) || bsonval.IsMissing(pre)) && (isDocument(post) || bsonval.IsMissing(post)):
		return d.changedChildren(n, set, pre, post)
	default:
		return expr.False // a scalar where only children are listed
	}
}

func (d *Decider) changedChildren(n *node, set pathSet, pre, post bson.RawValue) expr.Truth {
	was, is := documentOf(pre), documentOf(post)
	if !sameOrder(was, is) {
		return expr.False // the order of the names is the container's, as comparisons see it
	}
	before, after := bsonval.NewIter(was), bsonval.NewIter(is)
	for after.Next() {
		name := string(after.Key())
		v, _ := bsonval.Lookup(was, name)
		if t := d.changed(n.child(name), set.child(name), v, after.Value()); t != expr.True {
			return t
		}
	}
	for before.Next() {
		name := string(before.Key())
		if _, kept := bsonval.Lookup(is, name); kept {
			continue
		}
		if t := d.changed(n.child(name), set.child(name), before.Value(), bson.RawValue{}); t != expr.True {
			return t
		}
	}
	return intact(before, after)
}

// sameOrder tells whether the names that both documents have stand in the same order.
func sameOrder(a, b bson.Raw) bool {
	rest := bsonval.NewIter(b)
	for it := bsonval.NewIter(a); it.Next(); {
		if _, both := bsonval.Lookup(b, string(it.Key())); !both {
			continue
		}
		for {
			if !rest.Next() {
				return false
			}
			if string(rest.Key()) == string(it.Key()) {
				break
			}
		}
	}
	return true
}

// changedElements compares arrays by position: the entries of a fields map apply to each element that is a document,
// and nothing else in the array may change.
func (d *Decider) changedElements(n *node, pre, post bson.RawValue) expr.Truth {
	if (pre.Type != bson.TypeArray && !bsonval.IsMissing(pre)) || (post.Type != bson.TypeArray && !bsonval.IsMissing(post)) {
		return expr.False
	}
	was, is := bsonval.NewIter(documentOf(pre)), bsonval.NewIter(documentOf(post))
	for {
		before, after := was.Next(), is.Next()
		if !before && !after {
			return intact(was, is)
		}
		var v, w bson.RawValue
		if before {
			v = was.Value()
		}
		if after {
			w = is.Value()
		}
		if v.Type == bson.TypeArray || w.Type == bson.TypeArray {
			if !bsonval.Identical(v, w) {
				return expr.False
			}
			continue
		}
		if t := d.changed(n, pathSet{}, v, w); t != expr.True {
			return t
		}
	}
}

func (n *node) child(name string) *node {
	if !bsonval.IsSegment(name) {
		return nil
	}
	return n.fields[name]
}

func isDocument(v bson.RawValue) bool { return v.Type == bson.TypeEmbeddedDocument }

func isContainer(v bson.RawValue) bool { return isDocument(v) || v.Type == bson.TypeArray }

func documentOf(v bson.RawValue) bson.Raw {
	if !isContainer(v) {
		return bsonval.Empty()
	}
	return bson.Raw(v.Value)
}
