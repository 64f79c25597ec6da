package proxy

import (
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

// Plan tells how an operation, as rules call it, would find its documents. It asks nobody: the Store may be nil, and custom
// is what the database holds about the user, which counts where the app uses it.
func (p *Proxy) Plan(c Caller, custom rules.CustomData, operation string, op Find) (*Planned, error) {
	s, err := p.session(c, op.NS, operation)
	if err != nil {
		return nil, err
	}
	switch {
	case p.NoCustomData:
		custom = rules.CustomData{Unresolved: true}
	case p.custom == nil:
		custom = rules.CustomData{}
	}
	if err := s.bindTo(operation, custom); err != nil {
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
