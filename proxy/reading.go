package proxy

import (
	"context"
	"log/slog"
)

// Outcome is what a read asks of the database.
type Outcome uint8

// The outcomes of planning a read.
const (
	None     Outcome = iota // nothing: no document of the view can match
	Exact                   // what matches, no less and no more
	Narrowed                // at least what matches; the rest is sorted out here
)

func (o Outcome) String() string {
	switch o {
	case Exact:
		return "exact"
	case Narrowed:
		return "narrowed"
	default:
		return "none"
	}
}

// Reading is what is worth counting about one read of a collection.
type Reading struct {
	Operation string // as rules call it
	Outcome   Outcome
	Fetched   int // documents that came from the database
	Returned  int // documents of the view that were the answer, or decided about it
}

// reading is a Reading under way.
type reading struct {
	plan              readPlan
	fetched, returned int
}

// record counts a read, for the limits and for others, and tells the debug log of it.
func (s *session) record(r *reading) {
	if !r.plan.exact() {
		*s.scanned += r.fetched
	}
	if s.p.ObserveRead != nil {
		s.p.ObserveRead(Reading{Operation: s.op, Outcome: r.plan.outcome, Fetched: r.fetched, Returned: r.returned})
	}
	if !s.p.Log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	attrs := append(s.attrs(), "plan", r.plan.outcome.String(), "fetched", r.fetched, "returned", r.returned)
	if len(r.plan.why) > 0 {
		w := r.plan.why[0]
		attrs = append(attrs, "role", w.Role, "permission", w.Permission, "path", w.Path)
	}
	s.p.Log.Debug("documents read", attrs...)
}
