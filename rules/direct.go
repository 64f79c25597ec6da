package rules

import (
	"maps"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/predicate"
	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/rules/expr"
)

// Direct states a write that the database may decide by itself: which documents of the view that match may be written,
// and which may not. Both are exact.
type Direct struct {
	Allowed    bson.Raw // nil is every document
	Denied     bson.Raw
	NoneDenied bool // no document of the view that matches is denied, whatever is stored
}

// DirectUpdate states an update of whole values at or below some top-level fields, each named once. Where the rules cannot
// be decided on the document as it was, why says so: permissions must not depend on what the update changes, for then the
// document as it will be has to be looked at.
func (p *Plan) DirectUpdate(raw bson.Raw, f *query.Filter, fields []string) (d Direct, why string) {
	reads := p.bound.Reads()
	switch {
	case reads.All:
		return Direct{}, "the rules look at the whole document"
	case p.bound.schema != nil:
		return Direct{}, "the collection has a schema"
	case p.bound.projection.HidesSomething():
		return Direct{}, "a query filter hides fields"
	case slices.ContainsFunc(p.bound.branches, func(br *branch) bool { return len(br.onUpdate.values) > 0 }):
		return Direct{}, "a role sets values of its own"
	}
	for _, name := range fields {
		if reads.Fields[name] {
			return Direct{}, "the rules depend on a field that is written"
		}
	}
	return p.direct(raw, f, func(br *branch) (predicate.Bounds, string) { return br.mayWrite(fields) })
}

// DirectDelete states a deletion.
func (p *Plan) DirectDelete(raw bson.Raw, f *query.Filter) (d Direct, why string) {
	return p.direct(raw, f, (*branch).mayDelete)
}

func (p *Plan) direct(raw bson.Raw, f *query.Filter, permit func(*branch) (predicate.Bounds, string)) (d Direct, why string) {
	if !p.filters.Exact() {
		return Direct{}, "a query filter has no exact query"
	}
	matches, _ := p.matches(raw, f, new([]Reason))
	allowed, denied := predicate.Never(), predicate.Never()
	for i := range p.parts {
		pt := &p.parts[i]
		permitted, why := permit(pt.branch)
		seen := predicate.Both(p.filters, pt.when, matches[i])
		switch {
		case why != "":
			return Direct{}, why
		case !seen.Exact():
			return Direct{}, "which documents the user sees has no exact query"
		case !permitted.Exact():
			return Direct{}, "the permission has no exact query"
		}
		allowed = predicate.Either(allowed, predicate.Both(seen, permitted))
		denied = predicate.Either(denied, predicate.Both(seen, permitted.Not()))
	}
	allowed, denied = allowed.Simplify(), denied.Simplify()
	if allowed.May.Size() > maxQuery || denied.May.Size() > maxQuery {
		return Direct{}, "the rules are too large for one query"
	}
	if allowed.May.IsNone() {
		return Direct{}, "no document may be written"
	}
	return Direct{Allowed: allowed.May.Document(), Denied: denied.May.Document(), NoneDenied: denied.May.IsNone()}, ""
}

// mayWrite states the permission for top-level fields and everything below them. The document filters need no mention:
// what is seen has passed the one for reading, and the one for writing is a part of each permission to write.
func (br *branch) mayWrite(fields []string) (predicate.Bounds, string) {
	if br.write.defined {
		return br.write.cond.Bounds(""), ""
	}
	out := predicate.Always()
	for _, name := range fields {
		n := br.field(name)
		switch {
		case n.write.defined && n.write.cond.OfField():
			return out, "the permission of a field depends on its value"
		case n.write.defined:
			out = predicate.Both(out, n.write.cond.Bounds(""))
		case len(n.fields) > 0:
			return out, "the permissions of a field are those of its parts"
		default:
			out = predicate.Never()
		}
	}
	return out, ""
}

// mayDelete states the permission to delete: to write every field, and to delete.
func (br *branch) mayDelete() (predicate.Bounds, string) {
	out := br.delete.Bounds("")
	if br.write.defined {
		return predicate.Both(out, br.write.cond.Bounds("")), ""
	}
	conds := []optional{br.additional.write}
	for _, name := range slices.Sorted(maps.Keys(br.fields)) {
		conds = append(conds, br.fields[name].write)
	}
	for _, o := range conds {
		if c := o.orUnknown(); c.OfField() {
			return out, "the permission of a field depends on its value"
		} else if t, isConst := c.Const(); !isConst || t != expr.True {
			out = predicate.Both(out, c.Bounds(""))
		}
	}
	return out, ""
}
