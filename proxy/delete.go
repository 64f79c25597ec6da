package proxy

import (
	"context"

	"github.com/rolegate/rolegate/rules"
)

// Delete deletes the first document of the view that matches, or all of them, and returns how many.
func (p *Proxy) Delete(ctx context.Context, c Caller, op Delete) (int64, error) {
	s, err := p.begin(ctx, c, op.NS, "delete", true)
	if err != nil {
		return 0, err
	}
	v, err := s.parseRead(op.Filter, nil)
	if err != nil {
		return 0, err
	}
	change := func(d *rules.Decider, t target) (*GuardedWrite, error) {
		if w := d.CheckDelete(t.stored); !w.Allowed {
			return nil, s.deny(w)
		}
		return &GuardedWrite{Kind: DeleteDocument, ID: t.id}, nil
	}
	if a, err := s.directDelete(ctx, v, op, change); a.done || err != nil {
		return a.Matched, err
	}
	ts, err := s.targets(ctx, v, op.Many)
	if err != nil {
		return 0, err
	}
	done, err := s.apply(ctx, v, ts, op.Many, change)
	return done.changed, err
}
