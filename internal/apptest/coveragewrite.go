package apptest

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/proxy"
)

// written notes what a step changed, and what the decision log says was refused.
func (c *coverage) written(s *session, a *asked, p *place) {
	changes := compare(a.before, a.after)
	asked := requests(a.step.Command)
	for _, r := range asked {
		if r.operation == "insert" || r.operation == "update" || r.operation == "delete" {
			c.allowed(s, a, p, r.operation, changes)
		}
	}
	for _, l := range a.log {
		role := p.role(l.attrs["role"])
		if role == nil || l.message != "refused" {
			continue
		}
		role.refused(l.attrs["permission"], l.attrs["path"])
		// A role that lets nobody insert or delete often refuses it by what is looked at before.
		if len(asked) != 1 || asked[0].operation == l.attrs["permission"] {
			continue
		}
		if b := role.permissions[asked[0].operation]; b != nil {
			b.denied.note()
		}
	}
}

// change is a document before and after; nil is no document.
type change struct{ before, after bson.Raw }

func compare(before, after []bson.Raw) []change {
	var out []change
	same := func(doc bson.Raw) func(bson.Raw) bool {
		return func(other bson.Raw) bool { return idOf(doc) == idOf(other) }
	}
	for _, doc := range before {
		i := slices.IndexFunc(after, same(doc))
		switch {
		case i < 0:
			out = append(out, change{before: doc})
		case !slices.Equal(doc, after[i]):
			out = append(out, change{doc, after[i]})
		}
	}
	for _, doc := range after {
		if !slices.ContainsFunc(before, same(doc)) {
			out = append(out, change{after: doc})
		}
	}
	return out
}

// allowed notes the permissions behind changes of one kind.
func (c *coverage) allowed(s *session, a *asked, p *place, operation string, changes []change) {
	plan := s.plan(a, request{operation: operation, filter: bsonval.Empty()})
	if plan == nil {
		return
	}
	for _, ch := range changes {
		switch {
		case ch.before == nil && operation == "insert":
			p.inserted(plan, ch.after)
		case ch.after == nil && operation == "delete":
			if role := p.role(plan.Bound.Decider().Decide(ch.before).Role); role != nil {
				role.allowed("delete")
			}
		case ch.before != nil && ch.after != nil && operation == "update":
			if role := p.role(plan.Bound.Decider().Decide(ch.before).Role); role != nil {
				role.allowed("document_filters.write", "write")
				role.changed(ch)
			}
		}
	}
}

func (p *place) inserted(plan *proxy.Planned, doc bson.Raw) {
	role := p.role(plan.Bound.Decider().CheckInsert(doc, true).Role)
	if role == nil {
		return
	}
	role.applied.note()
	role.allowed("insert", "document_filters.write", "write")
	role.changed(change{after: doc})
}

func (p *place) role(name string) *roleSeen {
	i := slices.IndexFunc(p.roles, func(r *roleSeen) bool { return r.source.Name == name })
	if i < 0 {
		return nil
	}
	return p.roles[i]
}

// allowed notes permissions that were asked and held. One that can only be false was not what let the change through.
func (r *roleSeen) allowed(names ...string) {
	for _, name := range names {
		if b := r.permissions[name]; b != nil && b.granted.can {
			b.granted.note()
		}
	}
}

// changed notes the fields that were changed.
func (r *roleSeen) changed(ch change) {
	for _, f := range r.fieldsSeen {
		if !f.written.can {
			continue
		}
		if f.path != "" {
			if !bytesEqual(at(ch.before, f.path), at(ch.after, f.path)) {
				f.written.note()
			}
			continue
		}
		for it := bsonval.NewIter(ch.after); it.Next(); {
			was, _ := bsonval.Lookup(ch.before, string(it.Key()))
			if !listed(r.source, string(it.Key())) && !bytesEqual(was, it.Value()) {
				f.written.note()
			}
		}
	}
}

func bytesEqual(a, b bson.RawValue) bool { return a.Type == b.Type && slices.Equal(a.Value, b.Value) }

// refused notes what a line of the decision log says was missing.
func (r *roleSeen) refused(permission, path string) {
	if permission == "document_filters" {
		permission = "document_filters.write"
	}
	if f := r.fieldAt(path); f != nil && path != "" && permission == "write" {
		f.denied.note()
		return
	}
	if b := r.permissions[permission]; b != nil {
		b.denied.note()
	}
}

// fieldAt is the rule about a path: the longest that leads to it, or else that of all other fields.
func (r *roleSeen) fieldAt(path string) *fieldSeen {
	var best, other *fieldSeen
	for _, f := range r.fieldsSeen {
		switch {
		case f.path == "":
			other = f
		case f.path == path, strings.HasPrefix(path, f.path+"."):
			if best == nil || len(f.path) > len(best.path) {
				best = f
			}
		}
	}
	first, _, _ := strings.Cut(path, ".")
	if best == nil && !slices.ContainsFunc(r.source.Fields, func(f config.Field) bool { return f.Name == first }) {
		return other
	}
	return best
}
