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
	n := int64(0)
	err = s.each(ctx, v, func(_, _ bson.Raw) error {
		n++
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}
