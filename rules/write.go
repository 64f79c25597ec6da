package rules

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/rules/expr"
)

// WriteDecision says whether a change is permitted. The zero value rejects it. Role, Permission and Path are for the
// log; none of them is for the client.
type WriteDecision struct {
	Allowed    bool
	Role       string // "" when no role applies
	Permission string // what was missing: apply_when, write, insert, delete, document_filters, filter
	Path       string // the first path that may not be written, where that is known
	Err        error  // evaluation failed

	Message string          // what the role that denies it tells the client; "" when it tells nothing
	Post    bson.Raw        // of an allowed insert or update: what is to be stored, the presets of the role included
	Preset  []bson.RawValue // the values of the presets in it
}

// Change is a change of one stored document.
type Change struct {
	Pre, Post bson.Raw
	// Named are the paths that the request names, dotted, up to the first positional segment. "" is the document
	// itself: a replacement names everything.
	Named []string
	// Computed are those whose new value depends on the old one, as with $inc. They have to be readable as they were:
	// the new value, and whether it is permitted, would tell the old one.
	Computed []string
}

// name is the role's name; nil is no role.
func (br *branch) name() string {
	if br == nil {
		return ""
	}
	return br.role
}

// denied says what a branch does not permit; nil is that none applies.
func denied(br *branch, permission, path string, t expr.Truth) WriteDecision {
	d := WriteDecision{Role: br.name(), Permission: permission, Path: path}
	if br != nil {
		d.Message = br.from.source.Message
	}
	if t == expr.Error {
		d.Err = &EvaluationError{d.Role, permission}
	}
	return d
}

// CheckInsert decides whether a new document may be stored, with what the role that applies to it sets. The first role that
// applies to the outcome has to permit it, too. idGiven says that the client chose the _id, which is then a field like any
// other.
func (d *Decider) CheckInsert(doc bson.Raw, idGiven bool) WriteDecision {
	d.setImages(doc, nil)
	br, t := d.choose()
	if t != expr.True {
		return denied(br, "apply_when", "", t)
	}
	post, w := d.apply(br, br.onInsert, doc)
	if !w.Allowed {
		return w
	}
	set := br.onInsert.paths
	d.set = set
	if w := d.mayInsert(br, set, post, idGiven); !w.Allowed {
		return w
	}
	if d.b.postImage && len(br.onInsert.values) > 0 {
		d.setImages(post, nil)
		after, t := d.choose()
		if t != expr.True {
			return denied(after, "apply_when", "", t)
		}
		if after != br {
			if w := d.mayInsert(after, set, post, idGiven); !w.Allowed {
				return w
			}
		}
	}
	if d.b.postImage && !d.passes(post) {
		return denied(br, "filter", "", expr.False)
	}
	return WriteDecision{Allowed: true, Role: br.role, Post: post, Preset: w.Preset}
}

// mayInsert tells whether the branch permits a new document, in which the paths of set are not the client's.
func (d *Decider) mayInsert(br *branch, set pathSet, doc bson.Raw, idGiven bool) WriteDecision {
	d.br = br
	d.setImages(doc, nil)
	if t := br.writeGate().Eval(&d.env); t != expr.True {
		return denied(br, "document_filters", "", t)
	}
	if w := d.insertFields(br, set, doc, idGiven); !w.Allowed {
		return w
	}
	d.setImages(doc, nil)
	if t := br.insert.Eval(&d.env); t != expr.True {
		return denied(br, "insert", "", t)
	}
	return WriteDecision{Allowed: true}
}

func (d *Decider) insertFields(br *branch, set pathSet, doc bson.Raw, idGiven bool) WriteDecision {
	if br.write.defined {
		if t := br.write.cond.Eval(&d.env); t != expr.True {
			return denied(br, "write", "", t)
		}
		return WriteDecision{Allowed: true}
	}
	it := bsonval.NewIter(doc)
	for it.Next() {
		name := string(it.Key())
		if name == "_id" && !idGiven {
			continue
		}
		if t := d.changed(br.field(name), set.child(name), bson.RawValue{}, it.Value()); t != expr.True {
			return denied(br, "write", name, t)
		}
	}
	return WriteDecision{Allowed: it.Err() == nil}
}

// CheckDelete decides whether a stored document may be deleted. It is judged on the role, not on the fields that
// happen to be stored: a refusal must not tell that a hidden field exists.
func (d *Decider) CheckDelete(doc bson.Raw) WriteDecision {
	d.setImages(doc, doc)
	br, t := d.choose()
	if t != expr.True {
		return denied(br, "apply_when", "", t)
	}
	d.br = br
	if t := br.writeGate().Eval(&d.env); t != expr.True {
		return denied(br, "document_filters", "", t)
	}
	if br.write.defined {
		if t := br.write.cond.Eval(&d.env); t != expr.True {
			return denied(br, "write", "", t)
		}
	} else if path, t := d.everyField(br, doc); t != expr.True {
		return denied(br, "write", path, t)
	}
	d.setImages(doc, doc)
	if t := br.delete.Eval(&d.env); t != expr.True {
		return denied(br, "delete", "", t)
	}
	return WriteDecision{Allowed: true, Role: br.role}
}

// everyField tells whether every field that the role lists, and every other one, may be written. A field of which only
// named children are listed may not: there is no permission for the children that are not named.
func (d *Decider) everyField(br *branch, doc bson.Raw) (path string, t expr.Truth) {
	for name, n := range br.fields {
		v, _ := bsonval.Lookup(doc, name)
		if t := d.writable(n, v, v); t != expr.True {
			return name, t
		}
	}
	// Judged also when no other field is stored, or the answer would tell.
	all := d.writable(br.additional, bson.RawValue{}, bson.RawValue{})
	it := bsonval.NewIter(doc)
	for it.Next() && all == expr.True {
		if _, listed := br.fields[string(it.Key())]; !listed {
			all = d.writable(br.additional, it.Value(), it.Value())
		}
	}
	return "", all.And(intact(it))
}

// intact is an error after a walk that ended at corrupt bytes: what lies behind them has not been judged.
func intact(walks ...bsonval.Iter) expr.Truth {
	for _, it := range walks {
		if it.Err() != nil {
			return expr.Error
		}
	}
	return expr.True
}

// CheckUpdate decides whether a stored document may be changed as c says, with what the role that applies to the pre-image
// sets on updates: by that role, and by the first role that applies to the post-image. An update that changes nothing else than
// what the role sets changes nothing.
func (d *Decider) CheckUpdate(c Change) WriteDecision {
	d.setImages(c.Pre, c.Pre)
	before, t := d.choose()
	if t != expr.True {
		return denied(before, "apply_when", "", t)
	}
	set := before.onUpdate.paths
	var values []bson.RawValue
	if len(before.onUpdate.values) > 0 {
		if set.covers(bsonval.FromDocument(c.Pre), bsonval.FromDocument(c.Post)) {
			c.Post = c.Pre
		} else {
			d.setImages(c.Post, c.Pre)
			post, w := d.apply(before, before.onUpdate, c.Post)
			if !w.Allowed {
				return w
			}
			c.Post, values = post, w.Preset
		}
	}
	if w := d.checkNamed(before, set, c); !w.Allowed {
		return w
	}
	if w := d.checkChange(before, set, c); !w.Allowed {
		return w
	}
	if d.b.postImage {
		d.setImages(c.Post, c.Pre)
		after, t := d.choose()
		if t != expr.True {
			return denied(after, "apply_when", "", t)
		}
		if after != before {
			if w := d.checkChange(after, set, c); !w.Allowed {
				return w
			}
		}
		if !d.passes(c.Post) {
			return denied(after, "filter", "", expr.False)
		}
	}
	return WriteDecision{Allowed: true, Role: before.role, Post: c.Post, Preset: values}
}

// checkChange tells whether the branch permits everything in which the two images differ, but for the paths of set.
func (d *Decider) checkChange(br *branch, set pathSet, c Change) WriteDecision {
	d.br = br
	d.setImages(c.Post, c.Pre)
	if t := br.writeGate().Eval(&d.env); t != expr.True {
		return denied(br, "document_filters", "", t)
	}
	if br.write.defined {
		if t := br.write.cond.Eval(&d.env); t != expr.True {
			return denied(br, "write", "", t)
		}
		return WriteDecision{Allowed: true}
	}
	path, t := d.changedFields(br, set, c.Pre, c.Post)
	if t != expr.True {
		return denied(br, "write", path, t)
	}
	return WriteDecision{Allowed: true}
}
