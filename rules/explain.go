package rules

import (
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/rules/expr"
)

// What follows is for people who ask why. Nothing that decides uses it.

// RoleState is a role and what binding a user made of it.
type RoleState struct {
	Source *config.Role
	Live   bool // documents are asked about it
}

// Roles are all roles that a Bound was made from, in their order. One that is not live either does not apply to this user
// or stands behind one that applies to every document.
func (b *Bound) Roles() []RoleState {
	out := make([]RoleState, len(b.set.roles))
	for i, r := range b.set.roles {
		live := slices.ContainsFunc(b.branches, func(br *branch) bool { return br.from == r })
		out[i] = RoleState{Source: r.source, Live: live}
	}
	return out
}

// FilterState is a query filter and what binding a user made of it.
type FilterState struct {
	Source  *config.QueryFilter
	Applies expr.Truth
	None    bool          // no document passes: a value that it needs is not there
	Filter  *query.Filter // what passes; nil is everything, unless None
	Query   bson.Raw      // of Filter
}

// Filters are all query filters that a Bound was made from, in their order.
func (b *Bound) Filters() []FilterState {
	out := make([]FilterState, len(b.set.filters))
	for i, f := range b.set.filters {
		bound := f.bind(b.scope)
		out[i] = FilterState{Source: f.source, Applies: bound.applies, None: bound.none, Filter: bound.filter, Query: bound.query}
	}
	return out
}

// Trace evaluates an expression of the ruleset part by part, for the user that is bound. See expr.Trace.
func (b *Bound) Trace(v *source.Value, place expr.Place, e *expr.Env) expr.Step {
	return expr.Trace(v, place, b.set.policy.names, b.scope, e)
}

// Part is a set of documents of the view that one role shows alike, query filters aside.
type Part struct {
	Role      *config.Role
	Documents bson.Raw // what they match; nil is everything
	Why       string   // the permission that has no exact query, so that others match, too; "" when none do
	Whole     bool     // a document is shown as a whole, else field by field

	plan *Plan
	part *part
}

// Parts are the sets that the view is made of, in the order of their roles. A role that shows nothing has none.
func (p *Plan) Parts() []Part {
	out := make([]Part, len(p.parts))
	for i := range p.parts {
		pt := &p.parts[i]
		out[i] = Part{
			Role: pt.branch.from.source, Documents: pt.when.May.Document(), Why: pt.why, Whole: pt.whole,
			plan: p, part: pt,
		}
	}
	return out
}

// Extent says how much of a field the documents of a part show.
type Extent uint8

// The extents.
const (
	Hidden      Extent = iota // nothing
	InPart                    // some of what is below it, or that is not known
	OnCondition               // all or nothing
	Whole                     // all of it
)

// Extent tells how much of a top-level field is shown. It follows the projections of query filters, too.
func (p Part) Extent(field string) Extent {
	path, err := query.ParsePath(field)
	if err != nil {
		return Hidden
	}
	switch r, _ := p.plan.reach(p.part, path); r {
	case readable:
		return Whole
	case conditional:
		return OnCondition
	case partly, inside:
		return InPart
	default:
		return Hidden
	}
}

// IsSecret tells whether a value is that of a secret of the app, or what a conversion makes of one, so that it must not be
// shown to anybody.
func (p *Policy) IsSecret(v bson.RawValue) bool {
	return slices.ContainsFunc(p.secrets, func(s bson.RawValue) bool { return bsonval.Identical(s, v) })
}
