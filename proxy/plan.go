package proxy

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/rules"
)

// Planned is how a read would be carried out.
type Planned struct {
	Query   Query // what the store would be asked, unless the outcome is None
	Outcome Outcome
	Why     []rules.Reason // why the outcome is Narrowed
	Ordered bool           // the store returns documents in the order of the answer, or any order will do
	Paged   bool           // the store applies skip and limit, or counts
	// Computed says that a store which can compute fields orders and pages what it finds, although it does not by the
	// query alone.
	Computed bool

	Filter    *query.Filter // the client's
	FilterDoc bson.Raw      // as it was written
	Bound     *rules.Bound
	View      *rules.Plan
}

// Plan tells how an operation, as rules call it, would find its documents. What lookups find is what
// the caller says, and custom is what the database holds about the user, which counts where the app uses it: the Store may be
// nil.
func (p *Proxy) Plan(c Caller, custom rules.CustomData, operation string, op Find) (*Planned, error) {
	s, err := p.planning(c, op.NS, custom, operation)
	if err != nil {
		return nil, err
	}
	v, err := s.parseRead(op.Filter, op.Sort)
	if err != nil {
		return nil, err
	}
	v.skip, v.limit = op.Skip, op.Limit
	switch operation {
	case "count", "distinct", "aggregate":
		v.anyOrder = true
	case "update", "delete":
		v.forDecision = true
	}
	r := s.planRead(v)
	return &Planned{
		Query: r.query, Outcome: r.outcome, Why: r.why, Ordered: r.ordered, Paged: r.paged,
		Computed: !r.ordered && len(s.pageSegments(v, r)) > 0,
		Filter:   v.filter, FilterDoc: v.raw, Bound: s.bound, View: s.view(),
	}, nil
}

// planning is a session that asks nobody.
func (p *Proxy) planning(c Caller, ns rules.Namespace, custom rules.CustomData, operation string) (*session, error) {
	s, err := p.session(c, ns, operation)
	if err != nil {
		return nil, err
	}
	return s, s.bindTo(context.Background(), operation, p.known(custom))
}

// known is what rules may know of the custom data that a user has.
func (p *Proxy) known(custom rules.CustomData) rules.CustomData {
	switch {
	case p.NoCustomData:
		return rules.CustomData{Unresolved: true}
	case p.custom == nil:
		return rules.CustomData{}
	}
	return custom
}

// PlannedWrite is how a write would be carried out on a store that can compute fields; any other guards every write.
type PlannedWrite struct {
	Direct bool     // in one round trip, by the filter alone
	Why    string   // why not
	Filter bson.Raw // of a direct write; nil is every document
	Denied bson.Raw // what is looked for before it, and must not be found; nil when nothing is
}

// PlanUpdate tells how an update would be carried out. It asks nobody, as Plan.
func (p *Proxy) PlanUpdate(c Caller, custom rules.CustomData, op Update) (*PlannedWrite, error) {
	s, err := p.planning(c, op.NS, custom, "update")
	if err != nil {
		return nil, err
	}
	it, err := s.change(op, nil)
	if err != nil {
		return nil, err
	}
	return it.planned(), nil
}

// PlanDelete tells how a deletion would be carried out. It asks nobody, as Plan.
func (p *Proxy) PlanDelete(c Caller, custom rules.CustomData, op Delete) (*PlannedWrite, error) {
	s, err := p.planning(c, op.NS, custom, "delete")
	if err != nil {
		return nil, err
	}
	it, err := s.deletion(op, nil)
	if err != nil {
		return nil, err
	}
	return it.planned(), nil
}

func (it *item) planned() *PlannedWrite {
	if it.direct == nil {
		return &PlannedWrite{Why: "a replacement is decided on the document it replaces"}
	}
	w, why := it.direct()
	if why != "" {
		return &PlannedWrite{Why: why}
	}
	out := &PlannedWrite{Direct: true, Filter: w.Allowed}
	if w.many && !w.NoneDenied {
		out.Denied = w.Denied
	}
	return out
}
