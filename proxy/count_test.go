package proxy_test

import (
	"errors"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/proxy"
)

func TestCount(t *testing.T) {
	stored := docs(t, `{"_id":1,"owner":"ua","title":"C","secret":3}`, `{"_id":2,"owner":"ub","title":"B"}`, `{"_id":3,"owner":"ua"}`)
	tests := []struct {
		name, roles, filter string
		want                int64
	}{
		{"everything", everyone, ``, 3},
		{"documents that the user sees", owner, `{}`, 2},
		{"... and that match", owner, `{"title":"C"}`, 1},
		{"documents with a field that the user sees", titles, ``, 2},
		{"a filter on a hidden field", titles, `{"secret":3}`, 0},
		{"... negated", titles, `{"secret":{"$ne":3}}`, 2},
		{"nobody's", `{"name": "server", "apply_when": {"%%user.type": "server"}, "read": true}`, ``, 0},
		{"the operation that rules are told", `{"name": "count", "apply_when": {"%%request.operation": "count"}, "read": true}`, ``, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, _ := newProxy(t, filtering(t, stored...), tt.roles, ``)
			got, err := p.Count(t.Context(), ann, proxy.Count{NS: ns, Filter: doc(t, tt.filter)})
			if got != tt.want || err != nil {
				t.Errorf("Count = %d, %v, want %d", got, err, tt.want)
			}
		})
	}
}

func TestCountRefusals(t *testing.T) {
	some := docs(t, `{"_id":1,"owner":"ua"}`, `{"_id":2,"owner":"ua"}`, `{"_id":3,"owner":"ua"}`)
	failing := &store{find: func(proxy.Query) ([]bson.Raw, error) { return some[:1], proxy.ErrTimeout }}
	tests := []struct {
		name, collection, filter string
		s                        *store
		want                     proxy.Kind
	}{
		{"no rule", "other", ``, returning(), proxy.NoRule},
		{"an operator that is not allowed", "c", `{"$where":"1"}`, returning(), proxy.Invalid},
		{"too many documents", "c", ``, returning(some...), proxy.ScanLimit},
		{"slow", "c", ``, failing, proxy.TimedOut},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, _ := newProxy(t, tt.s, owner, ``, func(c *proxy.Config) { c.Limits.Scan = 2 })
			op := proxy.Count{NS: ns, Filter: doc(t, tt.filter)}
			op.NS.Collection = tt.collection
			got, err := p.Count(t.Context(), ann, op)
			var e *proxy.Error
			if !errors.As(err, &e) || e.Kind != tt.want || got != 0 {
				t.Errorf("Count = %d, %v, want kind %v", got, err, tt.want)
			}
		})
	}
}
