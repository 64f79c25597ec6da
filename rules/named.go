package rules

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/rules/expr"
)

// checkNamed tells whether the request may name the paths it names. A path that is readable with everything below it
// may be named; what it changes is judged by the difference. Any other path has to be writable with everything below
// it, whatever is stored there: otherwise success would tell what a hidden field holds. A part of a hidden value
// cannot be written at all where the permission is that of the whole.
//
// What the role sets itself may be named, too: whatever the client sends there has no effect.
func (d *Decider) checkNamed(br *branch, set pathSet, c Change) WriteDecision {
	for _, path := range c.Named {
		if set.holds(path) && !slices.Contains(c.Computed, path) {
			continue
		}
		if d.hiddenByFilter(path) {
			return denied(br, "filter", path, expr.False)
		}
		d.setImages(c.Pre, c.Pre)
		d.br = br
		readable := d.namedReadable(br, c.Pre, path)
		if readable == expr.True {
			continue
		}
		if slices.Contains(c.Computed, path) {
			return denied(br, "read", path, readable)
		}
		d.setImages(c.Post, c.Pre)
		if t := d.namedWritable(br, c, path); t != expr.True {
			return denied(br, "write", path, t)
		}
	}
	return WriteDecision{Allowed: true}
}

// Refused is how a write of a stored document is denied that fails before or after it is decided: in the words of the role
// that denies others. That there are other words, or none, would tell why.
func (d *Decider) Refused(stored bson.Raw, permission, path string, err error) WriteDecision {
	d.setImages(stored, stored)
	br, _ := d.choose()
	w := denied(br, permission, path, expr.False)
	w.Err = err
	return w
}

// Nameable tells whether every named path is readable in the pre-image, so that an update operator that fails on the
// value there tells nothing that the user may not know.
func (d *Decider) Nameable(pre bson.Raw, named []string) bool {
	d.setImages(pre, pre)
	br, t := d.choose()
	if t != expr.True {
		return false
	}
	d.br = br
	for _, path := range named {
		d.setImages(pre, pre)
		if d.hiddenByFilter(path) || d.namedReadable(br, pre, path) != expr.True {
			return false
		}
	}
	return true
}

// hiddenByFilter tells whether the projection of a query filter removes the path or a part of it. Such fields are not
// writable, whatever the role grants: the counts of a write would compare them.
func (d *Decider) hiddenByFilter(path string) bool {
	if path == "" {
		return d.b.projection.HidesSomething()
	}
	return d.b.projection.HidesAny(path)
}

// namedReadable tells whether the path is readable with everything below it and every container above it.
func (d *Decider) namedReadable(br *branch, doc bson.Raw, path string) expr.Truth {
	switch d.readable(br) {
	case wholeDocument:
		return expr.True
	case failed:
		return expr.Error
	case nothing:
		return expr.False
	}
	if path == "" {
		return d.everythingReadable(br, doc)
	}
	first, rest, _ := strings.Cut(path, ".")
	v, _ := bsonval.Lookup(doc, first)
	return d.readableBelow(br.field(first), v, rest, true, true)
}

// everythingReadable judges a replacement: every listed field, and every other, with all below.
func (d *Decider) everythingReadable(br *branch, doc bson.Raw) expr.Truth {
	t := expr.True
	for name, n := range br.fields {
		v, _ := bsonval.Lookup(doc, name)
		t = t.And(d.readableBelow(n, v, "", true, true))
	}
	it := bsonval.NewIter(doc)
	for it.Next() {
		if _, listed := br.fields[string(it.Key())]; !listed {
			t = t.And(d.readableBelow(br.additional, it.Value(), "", true, true))
		}
	}
	// Also when no other field is stored, or the answer would tell.
	return t.And(d.readableBelow(br.additional, bson.RawValue{}, "", true, true)).And(intact(it))
}

func (d *Decider) readableBelow(n *node, v bson.RawValue, path string, readOpen, writeOpen bool) expr.Truth {
	if n == nil {
		return expr.False
	}
	d.env.This, d.env.Prev = v, v
	t := expr.False
	if readOpen && n.read.defined {
		t, readOpen = expr.Or(t, n.read.cond.Eval(&d.env)), false
	}
	if writeOpen && n.write.defined {
		t, writeOpen = expr.Or(t, n.write.cond.Eval(&d.env)), false
	}
	if t == expr.True || path == "" || (!readOpen && !writeOpen) {
		return t
	}
	child, v, rest, ok := n.step(v, path)
	if !ok {
		return t.And(expr.False)
	}
	return expr.Or(t, d.readableBelow(child, v, rest, readOpen, writeOpen))
}

// namedWritable tells whether the path may be written with everything below it.
func (d *Decider) namedWritable(br *branch, c Change, path string) expr.Truth {
	if br.write.defined {
		return br.write.cond.Eval(&d.env)
	}
	if path == "" {
		_, t := d.everyField(br, c.Pre)
		return t
	}
	first, rest, _ := strings.Cut(path, ".")
	pre, _ := bsonval.Lookup(c.Pre, first)
	post, _ := bsonval.Lookup(c.Post, first)
	for n := br.field(first); n != nil; {
		if n.write.defined && rest != "" {
			return expr.False // the rest of a hidden value would stay, so whether this is permitted would tell of it
		}
		if rest == "" {
			return d.writable(n, pre, post)
		}
		name, _, _ := strings.Cut(rest, ".")
		post, _ = bsonval.Lookup(documentOf(post), name)
		var ok bool
		if n, pre, rest, ok = n.step(pre, rest); !ok {
			return expr.False // a hidden parent that is no document
		}
	}
	return expr.False
}

// step follows the first segment of path from v, which stands at n. In an array it is a position, and the entries of n
// are those of the element.
func (n *node) step(v bson.RawValue, path string) (child *node, value bson.RawValue, rest string, ok bool) {
	name, rest, _ := strings.Cut(path, ".")
	value, found := bsonval.Lookup(documentOf(v), name)
	switch {
	case v.Type == bson.TypeArray:
		return n, value, rest, found && isDocument(value)
	case isDocument(v) || bsonval.IsMissing(v):
		return n.child(name), value, rest, true
	default:
		return nil, value, rest, false
	}
}
