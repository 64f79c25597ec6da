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
			p, _ := newProxy(t, returning(stored...), tt.roles, ``)
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
		{"too many documents", "c", `{"x":{"$not":{"$regex":"x"}}}`, returning(some...), proxy.ScanLimit},
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

// The database counts, and finds different values, where it finds what matches and no more.
func TestCountingThere(t *testing.T) {
	tests := []struct {
		name, roles, filter string
		count, distinct     string // what the store was asked; "" when the proxy did it
	}{
		{"everything", everyone, `{"owner":"ua"}`, `{"owner":"ua"}`, `{"owner":"ua"}`},
		{"some documents", owner, `{}`, `{"owner":{"$eq":"ua"}}`, `{"owner":{"$eq":"ua"}}`},
		{"a hidden key", titles, `{}`, `{"title":{"$exists":true}}`, ``},
		{"what cannot be stated", pattern, `{}`, ``, ``},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := returning(docs(t, `{"_id":"a","owner":"ua","title":"A","s":"x"}`)...)
			p, _ := newProxy(t, s, tt.roles, ``)
			if n, err := p.Count(t.Context(), ann, proxy.Count{NS: ns, Filter: doc(t, tt.filter)}); n != 1 || err != nil {
				t.Errorf("Count = %d, %v", n, err)
			}
			want := ""
			if len(s.counted) > 0 {
				want = text(t, s.counted[0])
			}
			if want != tt.count || (tt.count != "") != (len(s.asked) == 0) {
				t.Errorf("the store counted %s and found %v, want %s", want, s.asked, tt.count)
			}
			s.counted, want = nil, ""
			if _, err := p.Distinct(t.Context(), ann, proxy.Distinct{NS: ns, Key: "owner", Filter: doc(t, tt.filter)}); err != nil {
				t.Error(err)
			}
			if len(s.counted) > 0 {
				want = text(t, s.counted[0])
			}
			if want != tt.distinct {
				t.Errorf("the store found the values of %s, want %s", want, tt.distinct)
			}
		})
	}
}

// A database that finds values in an index says null also for what is missing.
func TestDistinctAsksForNull(t *testing.T) {
	for stored, want := range map[string]int{`{"_id":1,"owner":"ua","a":null}`: 1, `{"_id":1,"owner":"ua"}`: 0} {
		s := returning(docs(t, stored)...)
		s.nulls = true
		p, _ := newProxy(t, s, owner, ``)
		got, err := p.Distinct(t.Context(), ann, proxy.Distinct{NS: ns, Key: "a"})
		if len(got) != want || err != nil || len(s.asked) != 1 || s.asked[0].Limit != 1 {
			t.Errorf("%s has the values %v, %v after %v; want %d", stored, got, err, s.asked, want)
		}
	}
}
