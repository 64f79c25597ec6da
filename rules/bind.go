package rules

import (
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/rules/expr"
)

// Bound is a ruleset for one user and one request: an ordered list of branches of which the first that applies to a
// document decides, and the query filters that every document has to pass. It is immutable.
type Bound struct {
	set        *Ruleset
	scope      *expr.Scope
	branches   []*branch
	filters    []*query.Filter
	queries    []bson.Raw
	projection filter.Projection
	postImage  bool
	none       bool // a query filter matches nothing
	schema     *boundSchema
}

// ErrProjections is returned when the projections of several query filters contradict each other.
var ErrProjections = errors.New("the projections of the query filters cannot be combined")

// Bind evaluates everything in the ruleset that does not depend on a document. Every call of a function and every lookup fails.
func (r *Ruleset) Bind(u *User, custom CustomData, req *Request) (*Bound, error) {
	return r.BindWith(u, custom, req, Sources{})
}

// Sources are what rules may ask for while they are bound and evaluated. They are for this user and this request.
type Sources struct {
	Functions expr.Functions // nil: every call fails
	Lookups   expr.Lookups   // nil: every lookup fails
}

// BindWith is Bind with the functions and lookups of the app.
func (r *Ruleset) BindWith(u *User, custom CustomData, req *Request, from Sources) (*Bound, error) {
	s := r.policy.scope(u, custom, req, from)
	if r.uses.Request {
		s.Request = req.document()
	}
	b := &Bound{set: r, scope: s, postImage: r.policy.postImage, schema: r.schema.bind(s)}
	if err := b.bindFilters(); err != nil {
		return nil, err
	}
	for _, role := range r.roles {
		when := role.when.Bind(s)
		t, isConst := when.Const()
		if isConst && (t == expr.False || t == expr.Unknown) {
			continue
		}
		b.branches = append(b.branches, role.bind(when, s))
		if isConst {
			break // it applies to whatever reaches it, or fails on it
		}
	}
	return b, nil
}

// Scope is what is known of a request before any document is read.
func (p *Policy) Scope(u *User, custom CustomData, req *Request, from Sources) *expr.Scope {
	s := p.scope(u, custom, req, from)
	s.Request = req.document()
	return s
}

// scope leaves out %%request, which takes time to make and is seldom needed.
func (p *Policy) scope(u *User, custom CustomData, req *Request, from Sources) *expr.Scope {
	return &expr.Scope{
		User:                 u.Document(),
		CustomData:           custom.Document,
		CustomDataUnresolved: custom.Unresolved,
		Values:               p.values,
		Environment:          p.environment,
		Now:                  req.Now,
		TimeZone:             p.zone,
		Functions:            from.Functions,
		Lookups:              from.Lookups,
	}
}

func (b *Bound) bindFilters() error {
	var projections []filter.Projection
	for _, f := range b.set.filters {
		bound := f.bind(b.scope)
		if bound.applies == expr.False {
			continue
		}
		b.none = b.none || bound.none
		if f.projection.HidesSomething() {
			projections = append(projections, f.projection)
		}
		if bound.filter != nil {
			b.queries = append(b.queries, bound.query)
			b.filters = append(b.filters, bound.filter)
		}
	}
	p, err := filter.Intersect(projections)
	if err != nil {
		return ErrProjections
	}
	b.projection = p
	return nil
}

// boundFilter is a query filter for one user and one request.
type boundFilter struct {
	applies expr.Truth
	none    bool          // no document passes
	filter  *query.Filter // what passes; nil is no restriction
	query   bson.Raw      // of filter
}

func (f *queryFilter) bind(s *expr.Scope) boundFilter {
	b := boundFilter{applies: expr.True}
	if f.when != nil {
		b.applies, _ = f.when.Bind(s).Const()
	}
	// A filter of which it is not known whether it applies hides everything rather than nothing.
	b.none = b.applies == expr.Unknown || b.applies == expr.Error
	if f.query == nil || b.applies == expr.False {
		return b
	}
	q, t := f.query.Bind(s)
	if t != expr.True {
		b.none = true
		return b
	}
	parsed, err := query.Parse(q, query.Options{Trusted: true})
	if err != nil {
		b.none = true // a bound value made the query unusable
		return b
	}
	b.filter, b.query = parsed, q
	return b
}

// optional is a permission that a role may leave out, which is not the same as denying it.
type optional struct {
	defined bool
	cond    expr.Cond
}

func bindOptional(e *expr.Expr, s *expr.Scope) optional {
	if e == nil {
		return optional{}
	}
	return optional{true, e.Bind(s)}
}

// branch is a bound role.
type branch struct {
	from      *role
	role      string
	when      expr.Cond
	gateRead  optional
	gateWrite optional
	read      optional
	write     optional
	insert    expr.Cond
	delete    expr.Cond

	fields     map[string]*node
	additional *node

	onInsert, onUpdate presets

	tree  *filter.Node
	conds []expr.Cond // what tree asks for, by number
}

// node is the bound permission of a field.
type node struct {
	read, write optional
	fields      map[string]*node
}

// writeGate is document_filters.write, or document_filters.read where only that is given.
func (br *branch) writeGate() expr.Cond {
	switch {
	case br.gateWrite.defined:
		return br.gateWrite.cond
	case br.gateRead.defined:
		return br.gateRead.cond
	}
	return expr.Const(expr.True)
}

func (r *role) bind(when expr.Cond, s *expr.Scope) *branch {
	granted := expr.Const(expr.True)
	br := &branch{
		from:      r,
		role:      r.name,
		when:      when,
		gateRead:  bindOptional(r.gateRead, s),
		gateWrite: bindOptional(r.gateWrite, s),
		read:      bindOptional(r.read, s),
		insert:    granted,
		delete:    granted,
		onInsert:  bindPresets(r.onInsert, s),
		onUpdate:  bindPresets(r.onUpdate, s),
	}
	if r.write != nil {
		if value, literal := r.write.Literal(); !literal || value { // see cases/writes/write-false-literal.txtar
			br.write = br.bindWrite(r.write, s)
		}
	}
	br.fields = br.bindFields(r.fields, s)
	if r.insert != nil {
		br.insert = r.insert.Bind(s)
	}
	if r.delete != nil {
		br.delete = r.delete.Bind(s)
	}
	br.additional = &node{read: bindOptional(r.additional.read, s), write: br.bindWrite(r.additional.write, s)}
	br.tree = &filter.Node{Fields: map[string]*filter.Node{}, Rest: br.whole(br.additional, true, true)}
	for name, n := range br.fields {
		br.tree.Fields[name] = br.readTree(n, true, true)
	}
	return br
}

// bindWrite binds a permission to write. It counts only where document_filters.write holds, also for what it grants to read:
// see cases/document-filters/write-gates-what-write-shows.txtar. Where only document_filters.read is given, every path asks it first.
func (br *branch) bindWrite(e *expr.Expr, s *expr.Scope) optional {
	o := bindOptional(e, s)
	if o.defined && br.gateWrite.defined {
		o.cond = br.gateWrite.cond.And(o.cond)
	}
	return o
}

func (br *branch) bindFields(fs []field, s *expr.Scope) map[string]*node {
	if len(fs) == 0 {
		return nil
	}
	out := make(map[string]*node, len(fs))
	for _, f := range fs {
		out[f.name] = &node{
			read:   bindOptional(f.read, s),
			write:  br.bindWrite(f.write, s),
			fields: br.bindFields(f.fields, s),
		}
	}
	return out
}

// readTree is what may be read at n and below. A kind of permission that is given at a level decides for everything
// below it; the levels below only speak where it is still open. Whatever may be written may be read.
func (br *branch) readTree(n *node, readOpen, writeOpen bool) *filter.Node {
	out := &filter.Node{Whole: br.whole(n, readOpen, writeOpen)}
	readOpen = readOpen && !n.read.defined
	writeOpen = writeOpen && !n.write.defined
	if len(n.fields) > 0 && (readOpen || writeOpen) {
		out.Fields = make(map[string]*filter.Node, len(n.fields))
		for name, child := range n.fields {
			out.Fields[name] = br.readTree(child, readOpen, writeOpen)
		}
	}
	return out
}

// whole is the condition under which the field is readable with all below it.
func (br *branch) whole(n *node, readOpen, writeOpen bool) filter.Cond {
	var either []expr.Cond
	if readOpen && n.read.defined {
		either = append(either, n.read.cond)
	}
	if writeOpen && n.write.defined {
		either = append(either, n.write.cond)
	}
	c := expr.Any(either...)
	switch t, isConst := c.Const(); {
	case isConst && t == expr.True:
		return filter.Always
	case isConst && t != expr.Error:
		return filter.Never
	}
	br.conds = append(br.conds, c)
	return filter.Ask(len(br.conds) - 1)
}
