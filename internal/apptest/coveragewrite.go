package apptest

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules/expr"
)

// written notes what a step changed, and what the decision log says was refused.
func (c *coverage) written(s *session, a *asked, p *place) {
	changes := compare(a.before, a.after)
	asked := requests(a.step.Command)
	deletes := slices.ContainsFunc(asked, func(r request) bool { return r.operation == "delete" })
	for _, r := range asked {
		p.allowed(s, a, r, changes)
	}
	for _, l := range a.log {
		role := p.role(l.attrs["role"])
		if role == nil || l.message != "refused" {
			continue
		}
		permission, path := l.attrs["permission"], l.attrs["path"]
		switch {
		case permission == "write" && deletes:
			path = "" // any field that may not be written refuses a deletion; nobody has changed it
		case permission == "write" && path != "":
			path = role.below(path, asked, a.before)
		}
		role.refused(permission, path)
		// What a role never permits it often refuses by what is looked at before.
		if permission == "write" {
			role.never("write")
		}
		if len(asked) == 1 {
			role.never(asked[0].operation)
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

// allowed notes the permissions behind the changes of a request.
func (p *place) allowed(s *session, a *asked, r request, changes []change) {
	plan := s.plan(a, request{operation: r.operation, filter: bsonval.Empty()})
	if plan == nil {
		return
	}
	switch r.operation {
	case "insert":
		p.inserted(plan, r.documents, changes)
	case "update":
		p.updated(plan, changes)
		if upsert := s.plan(a, request{operation: "insert", filter: bsonval.Empty()}); r.upsert && upsert != nil {
			p.upserted(upsert, changes)
		}
	case "delete":
		for _, ch := range changes {
			if ch.after != nil {
				continue
			}
			if role := p.role(plan.Bound.Decider().Decide(ch.before).Role); role != nil {
				role.allowed("delete", "document_filters.write", "write")
			}
		}
	}
}

// inserted goes by the documents as they were sent: what the role that applies to one sets may make another role apply to
// what is stored, which has to permit it, too.
func (p *place) inserted(plan *proxy.Planned, sent []bson.Raw, changes []change) {
	var stored []bson.Raw
	for _, ch := range changes {
		if ch.before == nil {
			stored = append(stored, ch.after)
		}
	}
	for _, doc := range sent {
		_, idGiven := bsonval.Lookup(doc, "_id")
		decision := plan.Bound.Decider().CheckInsert(doc, idGiven)
		i := slices.IndexFunc(stored, func(other bson.Raw) bool {
			_, set := bsonval.Lookup(decision.Post, "_id")
			return !set || idOf(other) == idOf(decision.Post)
		})
		by := p.role(decision.Role)
		if by == nil || i < 0 {
			continue
		}
		by.inserts(by, stored[i], idGiven)
		if after := p.role(plan.Bound.Decider().CheckInsert(stored[i], true).Role); after != nil && after != by {
			after.inserts(by, stored[i], idGiven)
		}
		stored = slices.Delete(stored, i, i+1)
	}
}

// upserted goes by what is stored: what a filter and an update make is not known before.
func (p *place) upserted(plan *proxy.Planned, changes []change) {
	for _, ch := range changes {
		if ch.before != nil {
			continue
		}
		if role := p.role(plan.Bound.Decider().CheckInsert(ch.after, true).Role); role != nil {
			role.inserts(role, ch.after, true)
		}
	}
}

// inserts notes that the role permitted a new document, in which another role or itself has set values.
func (r *roleSeen) inserts(by *roleSeen, doc bson.Raw, idGiven bool) {
	r.applied.note()
	r.allowed("insert", "document_filters.write", "write")
	r.changed(change{after: doc}, func(path string) bool { return by.presets("insert", path) || path == "_id" && !idGiven })
}

// updated asks the role that applied to a document as it was, and the one that applies to what became of it.
func (p *place) updated(plan *proxy.Planned, changes []change) {
	for _, ch := range changes {
		if ch.before == nil || ch.after == nil {
			continue
		}
		by := p.role(plan.Bound.Decider().Decide(ch.before).Role)
		if by == nil {
			continue
		}
		set := func(path string) bool { return by.presets("update", path) }
		by.updates(ch, set)
		if after, _ := p.choose(plan, &expr.Env{Root: ch.after, PrevRoot: ch.before}); after != nil && after != by {
			after.applied.note()
			after.updates(ch, set)
		}
	}
}

func (r *roleSeen) updates(ch change, set func(path string) bool) {
	r.allowed("document_filters.write", "write")
	r.changed(ch, set)
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

// changed notes the fields that were changed by the client, and not set by a role.
func (r *roleSeen) changed(ch change, set func(path string) bool) {
	for _, f := range r.fieldsSeen {
		if !f.written.can {
			continue
		}
		if f.path != "" {
			if !set(f.path) && !bytesEqual(at(ch.before, f.path), at(ch.after, f.path)) {
				f.written.note()
			}
			continue
		}
		for it := bsonval.NewIter(ch.after); it.Next(); {
			name := string(it.Key())
			was, _ := bsonval.Lookup(ch.before, name)
			if !listed(r.source, name) && !set(name) && !bytesEqual(was, it.Value()) {
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

// never notes the refusal of a permission that the role gives to nobody.
func (r *roleSeen) never(permission string) {
	if b := r.permissions[permission]; b != nil && !b.granted.can {
		b.denied.note()
	}
}

// below is the path of the field inside that a refusal of a change is about, or the path itself. The log names the field on
// top. Where several fields inside are changed it is one that nobody may change.
func (r *roleSeen) below(path string, asked []request, before []bson.Raw) string {
	out := path
	for _, f := range r.fieldsSeen {
		inside := f.denied.can && f.path != path && leadsTo(path, f.path)
		if !inside || !slices.ContainsFunc(asked, func(q request) bool { return q.changes(f.path, before) }) {
			continue
		}
		if out = f.path; !f.written.can {
			break
		}
	}
	return out
}

// fieldAt is the rule about a path: the longest that leads to it, or else that of all other fields.
func (r *roleSeen) fieldAt(path string) *fieldSeen {
	var best, other *fieldSeen
	for _, f := range r.fieldsSeen {
		switch {
		case f.path == "":
			other = f
		case leadsTo(f.path, path):
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
