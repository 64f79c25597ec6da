package proxy

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Count returns how many documents of the view match.
func (p *Proxy) Count(ctx context.Context, c Caller, op Count) (int64, error) {
	s, err := p.begin(ctx, c, op.NS, "count", false)
	if err != nil {
		return 0, err
	}
	v, err := s.parseRead(op.Filter, nil)
	if err != nil {
		return 0, err
	}
	return s.count(ctx, v)
}

// count lets the database count where it finds what matches and no more. skip and limit are those of v.
func (s *session) count(ctx context.Context, v viewRead) (int64, error) {
	v.anyOrder = true
	p := s.planRead(v)
	if p.outcome != Exact {
		n := int64(0)
		if err := s.eachPlanned(ctx, v, p, func(_, _ bson.Raw) error { n++; return nil }); err != nil {
			return 0, err
		}
		return n, nil
	}
	n, err := s.p.Store.Count(ctx, s.ns, p.query.Filter)
	s.record(&reading{plan: p, returned: 1})
	if err != nil {
		return 0, s.storeError(err)
	}
	n = max(n-v.skip, 0)
	if v.limit > 0 {
		n = min(n, v.limit)
	}
	return n, nil
}
