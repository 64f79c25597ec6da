package rules

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/predicate"
	"github.com/rolegate/rolegate/internal/query"
)

// Plan is what is known of the view before a document is read. It only ever narrows what is asked of a database: whether
// a document is in the view, and what of it, a Decider decides. A Plan is immutable.
type Plan struct {
	bound   *Bound
	parts   []part
	filters predicate.Bounds // the queries of the query filters
}

// Reason says why a query is not exact, for the log and for those who wrote the rules.
type Reason struct {
	Role       string // "" when it is not a role
	Permission string // of the role: apply_when, document_filters, read, write or fields; else "filter"
	Path       string // of the client's filter, when a test of it cannot be stated
}

// Narrowed is a query for those documents of the view that match a client's filter.
type Narrowed struct {
	Query bson.Raw // nil asks for everything
	None  bool     // nothing in the view can match: there is nothing to ask
	Exact bool     // what the database finds is what matches, no less and no more
	Why   []Reason // why it is not exact
}

// Plan splits the view into parts.
func (b *Bound) Plan() *Plan {
	p := &Plan{bound: b, filters: predicate.Always()}
	if b.none {
		return p
	}
	p.parts = b.parts()
	for i, f := range b.filters {
		q := predicate.Exactly(predicate.Leaf(b.queries[i]))
		if len(f.Paths()) == 0 {
			q = predicate.Unstated() // {} and the like: decided in process
			if f.Match(bsonval.Empty()) {
				q = predicate.Always()
			}
		} else if !f.Portable() {
			q = q.Loose()
		}
		p.filters = predicate.Both(p.filters, q)
	}
	if b.projection.HidesAny("_id") {
		// What a projection leaves of a document may be nothing.
		for i := range p.parts {
			p.parts[i].when, p.parts[i].why = p.parts[i].when.Loose(), "filter"
		}
		return p
	}
	if b.projection.HidesSomething() {
		p.loosenWithoutID()
	}
	return p
}

// loosenWithoutID gives up on parts of which a projection may leave nothing: those that do not always show _id.
func (p *Plan) loosenWithoutID() {
	id, err := query.ParsePath("_id")
	for i := range p.parts {
		if r, _ := p.parts[i].reach(id); err != nil || r != readable {
			p.parts[i].when, p.parts[i].why = p.parts[i].when.Loose(), "filter"
		}
	}
}

// None tells that no document is in the view, whatever is stored.
func (p *Plan) None() bool { return len(p.parts) == 0 }

// PassThrough tells that the view is the collection: nothing is hidden, no document and no field.
func (p *Plan) PassThrough() bool {
	return len(p.parts) == 1 && p.parts[0].whole && p.parts[0].when.Must.IsAll() && p.filters.Must.IsAll() &&
		!p.bound.projection.HidesSomething()
}

// Readable tells whether the path is readable, with everything below it and every container above it, in every document
// of the view.
func (p *Plan) Readable(path query.Path) bool {
	for i := range p.parts {
		if r, _ := p.reach(&p.parts[i], path); r != readable {
			return false
		}
	}
	return true
}

// AllReadable tells whether all of the paths are.
func (p *Plan) AllReadable(paths []query.Path) bool {
	for _, path := range paths {
		if !p.Readable(path) {
			return false
		}
	}
	return true
}

// Narrow states what a client's filter, written as raw, finds in the view. A predicate on what the user may not read
// sees it as absent, in each part for itself.
func (p *Plan) Narrow(raw bson.Raw, f *query.Filter) Narrowed {
	if p.None() {
		return Narrowed{None: true, Exact: true}
	}
	if p.PassThrough() && p.AllReadable(f.Paths()) {
		n := Narrowed{Exact: true}
		if len(raw) > len(bsonval.Empty()) {
			n.Query = raw
		}
		return n
	}
	var out Narrowed
	asked := p.ask(raw, f, &out.Why)
	asked = predicate.Both(p.filters, asked).Simplify()
	if !p.filters.Exact() {
		out.Why = append(out.Why, Reason{Permission: "filter"})
	}
	out.None, out.Exact = asked.May.IsNone(), asked.Exact()
	out.Query = asked.May.Document()
	return out
}

// maxQuery bounds what is sent for one request, in conditions. Beyond it only the rules narrow, not the client's filter.
const maxQuery = 5000

// ask joins, over all parts, belonging to the part and matching there.
func (p *Plan) ask(raw bson.Raw, f *query.Filter, why *[]Reason) predicate.Bounds {
	matches, plain := p.matches(raw, f, why)
	visible := make([]predicate.Bounds, len(p.parts))
	for i := range p.parts {
		pt := &p.parts[i]
		if visible[i] = pt.when; !plain {
			visible[i] = predicate.Both(pt.when, matches[i])
		}
		if pt.why != "" {
			*why = append(*why, Reason{Role: pt.branch.role, Permission: pt.why})
		}
	}
	if plain {
		return predicate.Both(predicate.Either(visible...), matches[0])
	}
	return predicate.Either(visible...)
}

// matches states what the client's filter finds in each part. plain tells that it means the same in all of them, because
// every part shows all that it looks at; it is then asked as it was written.
func (p *Plan) matches(raw bson.Raw, f *query.Filter, why *[]Reason) (matches []predicate.Bounds, plain bool) {
	matches = make([]predicate.Bounds, len(p.parts))
	size := 0
	plain = f.Portable()
	for i := range p.parts {
		n := narrower{plan: p, part: &p.parts[i], plain: true}
		matches[i] = f.Bounds(n.test)
		plain = plain && n.plain
		size += matches[i].May.Size() + matches[i].Must.Size()
		if n.stuck != "" {
			*why = append(*why, Reason{Role: n.part.branch.role, Permission: "fields", Path: n.stuck})
		}
	}
	switch {
	case plain:
		*why = nil
		client := predicate.Of(f.Match(bsonval.Empty()))
		if len(f.Paths()) > 0 {
			client = predicate.Exactly(predicate.Leaf(raw))
		}
		for i := range matches {
			matches[i] = client
		}
	case size > maxQuery:
		*why = append(*why, Reason{Permission: "filter"})
		for i := range matches {
			matches[i] = predicate.Unstated()
		}
	}
	return matches, plain
}

// narrower states the tests of a client's filter for the documents of one part.
type narrower struct {
	plan  *Plan
	part  *part
	plain bool   // all paths so far are readable
	stuck string // the first path whose test has no exact query
}

// test states what a test finds in the view; docs/reads.md has the table.
func (n *narrower) test(path query.Path, t *query.Test) predicate.Bounds {
	r, condition := n.plan.reach(n.part, path)
	n.plain = n.plain && r == readable
	out := predicate.Unstated()
	switch r {
	case readable, inside:
		// Elements of which nothing is shown are not in the view's arrays. Bounds states no test that would count them: none
		// that what is missing passes, below a dot, and none with a position.
		out = t.Bounds(path)
	case hidden:
		return predicate.Of(t.Match(bsonval.Empty(), path))
	case conditional:
		absent := predicate.Of(t.Match(bsonval.Empty(), path))
		out = predicate.Either(
			predicate.Both(condition, t.Bounds(path)),
			predicate.Both(condition.Not(), absent),
		)
	}
	if n.stuck == "" && !out.Exact() {
		n.stuck = path.String()
	}
	return out
}
