package proxy

import (
	"context"
	"sort"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/rules"
)

// viewRead asks for documents of the view, in the total order of the client's sort keys and then _id.
type viewRead struct {
	raw    bson.Raw // the client's filter
	filter *query.Filter
	sort   *query.Sort // nil is unsorted
	skip   int64
	limit  int64 // 0 is no limit
	// anyOrder says that the order of the documents does not matter.
	anyOrder bool
	// forDecision asks for the stored documents too, from where writes go.
	forDecision bool
	named       []string // the paths that a write changes
}

// readPlan says what is asked of the store and what is left to do in the proxy.
type readPlan struct {
	query   Query
	outcome Outcome
	ordered bool // the store returns documents in the total order
	paged   bool // skip and limit were sent
	why     []rules.Reason
}

// exact tells that what the store finds is what matches: nothing is rechecked.
func (p *readPlan) exact() bool { return p.outcome == Exact }

// view is the plan of the user's view, made when it is first needed.
func (s *session) view() *rules.Plan {
	if s.plan == nil {
		s.plan = s.bound.Plan()
	}
	return s.plan
}

// planRead decides what may be sent. What the client asks of a field that the user may not read is answered as if the
// field were absent: rules.Plan states as much of that as there are queries for, the rest is decided here. A sort key
// goes to the database only if it is readable in every document of the view.
func (s *session) planRead(v viewRead) readPlan {
	view := s.view()
	narrowed := view.Narrow(v.raw, v.filter)
	p := readPlan{
		query:   Query{Filter: narrowed.Query, ForDecision: v.forDecision},
		outcome: Narrowed,
		why:     narrowed.Why,
	}
	switch {
	case narrowed.None:
		p.outcome = None
		return p
	case narrowed.Exact:
		p.outcome = Exact
	}
	sortSent := v.sort == nil || view.AllReadable(v.sort.Paths()) && (p.exact() || cannotFail(v.sort))
	switch {
	case v.anyOrder:
		p.ordered = true
	case view.PassThrough() && sortSent && !v.forDecision:
		p.ordered = true // nothing is hidden that the order could tell of
		if v.sort != nil {
			p.query.Sort = v.sort.Keys()
		}
	case sortSent && view.KeepsID():
		p.ordered = true
		p.query.Sort = withID(v.sort)
	}
	if p.exact() && p.ordered {
		p.paged = true
		p.query.Skip, p.query.Limit = v.skip, v.limit
	}
	return p
}

// each calls f with the stored document and its view, for every document that matches, in order. Both are valid during
// the call only.
func (s *session) each(ctx context.Context, v viewRead, f func(stored, view bson.Raw) error) error {
	return s.eachPlanned(ctx, v, s.planRead(v), f)
}

func (s *session) eachPlanned(ctx context.Context, v viewRead, p readPlan, f func(stored, view bson.Raw) error) error {
	r := reading{plan: p}
	defer s.record(&r)
	if p.outcome == None {
		return nil
	}
	defer s.logWithheld()
	if !p.ordered {
		if done, err := s.pageThere(ctx, v, &r, f); done || err != nil {
			return err
		}
		return s.sorted(ctx, v, &r, f)
	}
	skip := v.skip
	if p.paged {
		skip = 0
	}
	err := s.scan(ctx, v, &r, func(stored, view bson.Raw) (bool, error) {
		if skip > 0 {
			skip--
			return true, nil
		}
		r.returned++
		err := f(stored, view)
		return v.limit == 0 || int64(r.returned) < v.limit, err
	})
	if r.fetched == 0 && Rejected.is(err) && v.sort != nil && !cannotFail(v.sort) && !s.view().PassThrough() {
		// It met two arrays in documents of the view. Sorting the view does not fail.
		r.plan.query.Sort, r.plan.query.Skip, r.plan.query.Limit = nil, 0, 0
		return s.sorted(ctx, v, &r, f)
	}
	return err
}

// scan reads from the store, decides, cuts, and evaluates the client's filter again on what is left.
func (s *session) scan(ctx context.Context, v viewRead, r *reading, f func(stored, view bson.Raw) (bool, error)) error {
	d := s.bound.Decider()
	var view []byte
	for stored, err := range s.p.Store.Find(ctx, s.ns, r.plan.query) {
		if err == nil {
			err = ctx.Err() // a batch may take long to evaluate
		}
		if err != nil {
			return s.storeError(err)
		}
		if r.fetched++; r.fetched > s.p.Limits.Scan && !r.plan.exact() {
			return s.tooMany(r.plan.why)
		}
		out, visible, err := d.View(view[:0], stored)
		view = out
		if err != nil {
			s.withhold(err)
			continue
		}
		if !visible || (!r.plan.exact() && !v.filter.Match(view)) {
			continue
		}
		if more, err := f(stored, view); err != nil || !more {
			return err
		}
	}
	return nil
}

// tooMany refuses to go on scanning. The log says what keeps the database from finding the documents itself.
func (s *session) tooMany(why []rules.Reason) *Error {
	e := &Error{Kind: ScanLimit, Message: "too many documents would have to be examined"}
	if len(why) > 0 {
		e.Role, e.Permission, e.Path = why[0].Role, why[0].Permission, why[0].Path
	}
	return e
}

// sorted reads everything that matches, puts it in order here and then applies skip and limit. With a limit only as
// many documents are held as can still be part of the answer.
func (s *session) sorted(ctx context.Context, v viewRead, r *reading, f func(stored, view bson.Raw) error) error {
	c := collection{order: s.order(v.sort), keep: v.skip + v.limit}
	if v.limit == 0 {
		c.keep = 0
	}
	err := s.scan(ctx, v, r, func(stored, view bson.Raw) (bool, error) {
		if !v.forDecision {
			stored = nil
		}
		if c.add(stored, view); c.bytes > s.p.Limits.Memory {
			return false, &Error{Kind: TooLarge, Message: "too much would have to be sorted"}
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	sort.Slice(c.items, func(i, j int) bool { return c.order(c.items[i].view, c.items[j].view) < 0 })
	for i, it := range c.items {
		if int64(i) < v.skip {
			continue
		}
		r.returned++
		if err := f(it.stored, it.view); err != nil {
			return err
		}
	}
	return nil
}
