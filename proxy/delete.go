package proxy

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/rules"
)

// Delete deletes the first document of the view that matches, or all of them, and returns how many.
func (p *Proxy) Delete(ctx context.Context, c Caller, op Delete) (int64, error) {
	s, err := p.begin(ctx, c, op.NS, "delete", true)
	if err != nil {
		return 0, err
	}
	it, err := s.deletion(op, nil)
	if err != nil {
		return 0, err
	}
	if done, err := it.directly(ctx); done || err != nil {
		return it.matched, err
	}
	if err := s.execution(it).run(ctx); err != nil {
		if it.changed > 0 {
			err = withDone(err, Done{Deleted: it.changed})
		}
		return 0, err
	}
	return it.changed, nil
}

// deletion is the item of a delete. The sort says which document is the first.
func (s *session) deletion(op Delete, sort bson.Raw) (*item, error) {
	v, err := s.parseRead(op.Filter, sort)
	if err != nil {
		return nil, err
	}
	it := &item{s: s, v: v, many: op.Many}
	it.decide = func(d *rules.Decider, t target) (*GuardedWrite, error) {
		if w := d.CheckDelete(t.stored); !w.Allowed {
			return nil, s.deny(w)
		}
		return &GuardedWrite{Kind: DeleteDocument, ID: t.id}, nil
	}
	it.direct = func() (directWrite, string) { return s.directDelete(v, op) }
	return it, nil
}
