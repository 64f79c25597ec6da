package apptest

import (
	"cmp"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
	"github.com/rolegate/rolegate/rules/expr"
)

// coverage counts what the rules of an app came to. It asks the rules about every document that a request is about, those
// included that the query kept in the database, and takes writes from what was stored and from the decision log.
type coverage struct{ places []*place }

// place is one set of rules: those of a namespace, or the default rules of a data source.
type place struct {
	rules   *config.Ruleset
	name    string
	service string
	asked   int
	filters []*filterSeen
	roles   []*roleSeen
}

type filterSeen struct {
	name, at                string
	applied, passed, hidden seen
	skipped                 seen
}

type roleSeen struct {
	source      *config.Role
	applies     kinds // in which a user of the cases can come to it; none while no such user has asked
	applied     seen  // to a document
	passed      seen  // it was asked, and did not apply
	permissions map[string]*branch
	fieldsSeen  []*fieldSeen // in the order of the rules
	order       []string     // of the names of permissions
}

// branch is a condition with its two outcomes.
type branch struct {
	at              string
	granted, denied seen
}

// fieldSeen is the rule about a field: its own, or that of additional_fields.
type fieldSeen struct {
	path            string // "" is every field that is not listed
	at              string
	shown, hidden   seen
	written, denied seen
}

// seen is an outcome: whether it can be at all, and how often it was.
type seen struct {
	can   bool
	only  kinds // in which it can be; none is all of them
	times int
}

func newCoverage(app *config.App) *coverage {
	c := &coverage{}
	for _, s := range app.Services {
		for _, rs := range s.Rulesets {
			c.add(s, rs, rs.Database+"."+rs.Collection)
		}
		if s.DefaultRule != nil {
			c.add(s, s.DefaultRule, "(default rule)")
		}
	}
	return c
}

func (c *coverage) add(s *config.Service, rs *config.Ruleset, name string) {
	p := &place{rules: rs, name: name, service: s.Name}
	for _, f := range rs.Filters {
		yes, no := outcomes(f.ApplyWhen)
		p.filters = append(p.filters, &filterSeen{
			name: f.Name, at: f.Span.String(), applied: seen{can: yes}, skipped: seen{can: no},
			passed: seen{can: yes}, hidden: seen{can: yes && f.Query != nil && len(f.Query.Members) > 0},
		})
	}
	for _, r := range rs.Roles {
		p.roles = append(p.roles, newRoleSeen(r))
	}
	c.places = append(c.places, p)
}

// outcomes tells what an expression can come to. One that is absent is false.
func outcomes(v *source.Value) (yes, no bool) {
	switch {
	case v == nil:
		return false, true
	case v.Kind == source.Bool:
		return v.String() == "true", v.String() != "true"
	case v.Kind == source.Object && len(v.Members) == 0:
		return true, false
	}
	return true, true
}

func newRoleSeen(r *config.Role) *roleSeen {
	yes, no := outcomes(r.ApplyWhen)
	seenRole := &roleSeen{source: r, applied: seen{can: yes}, passed: seen{can: no}, permissions: map[string]*branch{}}
	permission := func(name string, v *source.Value, only kinds) {
		if v == nil {
			return
		}
		yes, no := outcomes(v)
		seenRole.permissions[name] = &branch{v.Span.String(), seen{can: yes, only: only}, seen{can: no, only: only}}
		seenRole.order = append(seenRole.order, name)
	}
	if d := r.DocumentFilters; d != nil {
		permission("document_filters.read", d.Read, reading)
		permission("document_filters.write", d.Write, writing)
	}
	permission("read", r.Read, reading)
	permission("write", r.Write, writing)
	permission("insert", r.Insert, inserting)
	permission("delete", r.Delete, deleting)
	if always(r.Write) {
		return seenRole // nothing is left to fields
	}
	seenRole.listFields("", r.Fields, config.FieldRule{})
	if r.Additional != nil {
		seenRole.field("", *r.Additional)
	}
	granted, _ := outcomes(r.Write)
	for _, f := range seenRole.fieldsSeen {
		if always(r.Read) {
			f.shown.can, f.hidden.can = false, false
		}
		if granted { // fields are not asked
			f.written.can, f.denied.can = false, false
		}
	}
	return seenRole
}

// always tells whether an expression is true whatever there is.
func always(v *source.Value) bool {
	yes, no := outcomes(v)
	return yes && !no
}

// listFields lists the rules that say something about a field; one that only leads to fields inside says nothing. What a
// field says counts for all that is in it.
func (r *roleSeen) listFields(prefix string, fields []config.Field, around config.FieldRule) {
	for i := range fields {
		f := &fields[i]
		rule := config.FieldRule{Read: cmp.Or(around.Read, f.Rule.Read), Write: cmp.Or(around.Write, f.Rule.Write), Span: f.Rule.Span}
		if f.Rule.Read != nil || f.Rule.Write != nil || len(f.Rule.Fields) == 0 {
			r.field(prefix+f.Name, rule)
		}
		r.listFields(prefix+f.Name+".", f.Rule.Fields, rule)
	}
}

func (r *roleSeen) field(path string, rule config.FieldRule) {
	read, noRead := outcomes(rule.Read)
	write, noWrite := outcomes(rule.Write)
	changing := r.changes(path)
	r.fieldsSeen = append(r.fieldsSeen, &fieldSeen{
		path: path, at: rule.Span.String(),
		shown: seen{can: read || write, only: reading}, hidden: seen{can: noRead && noWrite, only: reading},
		written: seen{can: write && changing != 0, only: changing}, denied: seen{can: noWrite && changing != 0, only: changing},
	})
}

func (s *seen) note() { s.times++ }

// observe notes what a step made the rules decide.
func (c *coverage) observe(s *session, a *asked) {
	p, filters := c.find(a.ns)
	if p == nil {
		return
	}
	p.asked++
	p.reach(s, a)
	for _, r := range requests(a.step.Command) {
		plan := s.plan(a, r)
		if plan == nil {
			continue
		}
		if r.operation != "insert" {
			docs := about(plan, a.before)
			filters.filtered(plan, docs)
			for _, doc := range docs {
				p.read(plan, doc)
			}
		}
	}
	c.written(s, a, p)
}

// find finds the roles and the query filters of a namespace as the policy does: a collection without roles of its own has
// the default ones, with its own filters.
func (c *coverage) find(ns rules.Namespace) (roles, filters *place) {
	for _, p := range c.places {
		switch {
		case p.service != ns.Service:
		case p.rules.Collection == "" && filters == nil:
			roles, filters = p, p
		case p.rules.Collection == "":
			roles = p
		case p.rules.Database == ns.Database && p.rules.Collection == ns.Collection:
			if filters = p; len(p.roles) > 0 {
				return p, p
			}
		}
	}
	return roles, filters
}

func (p *place) filtered(plan *proxy.Planned, docs []bson.Raw) {
	for i, f := range plan.Bound.Filters() {
		if i >= len(p.filters) || p.filters[i].name != f.Source.Name {
			return
		}
		to := p.filters[i]
		if f.Applies == expr.False || f.Applies == expr.Unknown && !f.None {
			to.skipped.note()
			continue
		}
		to.applied.note()
		for _, doc := range docs {
			if !f.None && (f.Filter == nil || f.Filter.Match(doc)) {
				to.passed.note()
			} else {
				to.hidden.note()
			}
		}
	}
}

// read asks the roles about one document.
func (p *place) read(plan *proxy.Planned, doc bson.Raw) {
	env := &expr.Env{Root: doc, PrevRoot: doc}
	r, passed := p.choose(plan, env)
	for _, other := range passed {
		other.passed.note()
	}
	if r == nil {
		return
	}
	r.applied.note()
	for _, name := range []string{"document_filters.read", "read"} {
		if b := r.permissions[name]; b != nil {
			b.note(plan.Bound.Trace(r.permission(name), expr.InRole, env).Truth == expr.True)
		}
	}
	decision := plan.Bound.Decider().Decide(doc)
	cut, _, err := filter.Cut(nil, doc, decision.Read)
	if decision.Err != nil || err != nil {
		return
	}
	for _, f := range r.fieldsSeen {
		f.noteRead(doc, cut, r.source)
	}
}

// choose finds the role that applies, and those before it, which do not.
func (p *place) choose(plan *proxy.Planned, env *expr.Env) (role *roleSeen, passed []*roleSeen) {
	for i, state := range plan.Bound.Roles() {
		if i >= len(p.roles) {
			break
		}
		switch plan.Bound.Trace(state.Source.ApplyWhen, expr.InRole, env).Truth {
		case expr.True:
			return p.roles[i], p.roles[:i]
		case expr.Error:
			return nil, p.roles[:i]
		}
	}
	return nil, p.roles
}

func (r *roleSeen) permission(name string) *source.Value {
	switch name {
	case "document_filters.read":
		return r.source.DocumentFilters.Read
	default:
		return r.source.Read
	}
}

func (b *branch) note(granted bool) {
	if granted {
		b.granted.note()
	} else {
		b.denied.note()
	}
}

func (f *fieldSeen) noteRead(stored, cut bson.Raw, role *config.Role) {
	if f.path != "" {
		v := at(stored, f.path)
		if !bsonval.IsMissing(v) {
			f.noteFate(bsonval.IsMissing(at(cut, f.path)))
		}
		return
	}
	for it := bsonval.NewIter(stored); it.Next(); {
		if !listed(role, string(it.Key())) {
			_, left := bsonval.Lookup(cut, string(it.Key()))
			f.noteFate(!left)
		}
	}
}

func (f *fieldSeen) noteFate(hidden bool) {
	if hidden {
		f.hidden.note()
	} else {
		f.shown.note()
	}
}

func listed(r *config.Role, name string) bool {
	return slices.ContainsFunc(r.Fields, func(f config.Field) bool { return f.Name == name })
}

// at is the value at a path through documents, the zero value where there is none.
func at(doc bson.Raw, path string) bson.RawValue {
	first, rest, deeper := strings.Cut(path, ".")
	v, _ := bsonval.Lookup(doc, first)
	if !deeper {
		return v
	}
	inside, _ := bsonval.Document(v)
	if inside == nil {
		return bson.RawValue{}
	}
	return at(inside, rest)
}
