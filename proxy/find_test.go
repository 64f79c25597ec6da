package proxy_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/proxy"
)

const (
	everyone = `{"name": "all", "apply_when": {}, "read": true}`
	owner    = `{"name": "owner", "apply_when": {"owner": "%%user.id"}, "write": true}`
	pattern  = `{"name": "pattern", "apply_when": {"s": {"$regex": "x"}}, "read": true}`
	titles   = `{"name": "titles", "apply_when": {}, "fields": {"title": {"read": true}}}`
	titlesID = `{"name": "titles", "apply_when": {}, "fields": {"_id": {"read": true}, "title": {"read": true}}}`
)

// What goes to the database, and in what order. Pages are asked of it only where it finds what matches and no more.
func TestFindPlan(t *testing.T) {
	const ua = `{"owner":{"$eq":"ua"}}`
	const hasTitle = `{"title":{"$exists":true}}`
	tests := []struct {
		name, roles, filters string
		filter, sort         string
		wantFilter, wantSort string
		paged                bool
		outcome              proxy.Outcome
	}{
		{"nothing is hidden", everyone, ``, `{"a":1}`, ``, `{"a":1}`, ``, true, proxy.Exact},
		{"the reserved field is hidden from everybody", everyone, ``, `{"_id__baas_transaction":null}`, `{"_id__baas_transaction":1}`, ``, ``, false, proxy.Exact},
		{"nothing is hidden, sorted", everyone, ``, `{}`, `{"a":-1}`, ``, `{"a":-1}`, true, proxy.Exact},
		{
			"a query filter", everyone, `{"name": "f", "apply_when": true, "query": {"t": 1}}`, `{"a":1}`, `{"b":1}`,
			`{"$and":[{"t":{"$eq":1}},{"a":1}]}`, `{"b":1,"_id":1}`, true, proxy.Exact,
		},
		{"some documents are hidden", owner, ``, `{"a":1}`, ``, `{"$and":[` + ua + `,{"a":1}]}`, `{"_id":1}`, true, proxy.Exact},
		{"some fields are hidden, not those", titlesID, ``, `{"title":1}`, `{"title":1}`, `{"title":1}`, `{"title":1,"_id":1}`, true, proxy.Exact},
		{"a hidden field in the filter", titlesID, ``, `{"secret":null}`, ``, ``, `{"_id":1}`, true, proxy.Exact},
		{"a hidden field beside another", titlesID, ``, `{"title":1,"secret":{"$ne":1}}`, ``, `{"title":{"$eq":1}}`, `{"_id":1}`, true, proxy.Exact},
		{"a hidden field in the sort", titlesID, ``, `{"title":1}`, `{"secret":1}`, `{"title":1}`, ``, false, proxy.Exact},
		{"_id is hidden", titles, ``, `{"title":1}`, `{"title":1}`, `{"$and":[` + hasTitle + `,{"title":1}]}`, ``, false, proxy.Exact},
		{"two keys and all documents that match", owner, ``, `{"a":1}`, `{"a":1,"b":1}`, `{"$and":[` + ua + `,{"a":1}]}`, `{"a":1,"b":1,"_id":1}`, true, proxy.Exact},
		{"two keys, which may meet two arrays of hidden documents", pattern, ``, `{"a":1}`, `{"a":1,"b":1}`, `{"a":1}`, ``, false, proxy.Narrowed},
		{"a position in the sort, which may be a name", pattern, ``, `{}`, `{"a.0":1}`, ``, ``, false, proxy.Narrowed},
		{"a second key that is _id", pattern, ``, `{}`, `{"a":-1,"_id":-1}`, ``, `{"a":-1,"_id":-1}`, false, proxy.Narrowed},
		{"two keys and nothing hidden", everyone, ``, `{}`, `{"a":1,"b.0":1}`, ``, `{"a":1,"b.0":1}`, true, proxy.Exact},
		{"a pattern where nothing is hidden", everyone, ``, `{"a":{"$regex":"x"}}`, ``, `{"a":{"$regex":"x"}}`, ``, true, proxy.Exact},
		{"a pattern where documents are hidden", owner, ``, `{"a":{"$regex":"x"}}`, ``, ua, `{"_id":1}`, false, proxy.Narrowed},
		{"a pattern inside a list", owner, ``, `{"$or":[{"a":{"$in":[{"$regularExpression":{"pattern":"x","options":""}}]}}]}`, ``, ua, `{"_id":1}`, false, proxy.Narrowed},
		{"_id in the sort", owner, ``, `{}`, `{"_id":-1}`, ua, `{"_id":-1}`, true, proxy.Exact},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := returning()
			var read []proxy.Reading
			p, _ := newProxy(t, s, tt.roles, tt.filters, func(c *proxy.Config) {
				c.ObserveRead = func(r proxy.Reading) { read = append(read, r) }
			})
			if _, err := find(t, p, proxy.Find{Filter: doc(t, tt.filter), Sort: doc(t, tt.sort), Skip: 1, Limit: 2}); err != nil {
				t.Fatal(err)
			}
			want := proxy.Query{}
			if tt.paged {
				want.Skip, want.Limit = 1, 2
			}
			q := s.asked[0]
			if diff := cmp.Diff([]any{tt.wantFilter, tt.wantSort, want.Skip, want.Limit},
				[]any{text(t, q.Filter), text(t, q.Sort), q.Skip, q.Limit}); diff != "" {
				t.Errorf("query (-want +got):\n%s", diff)
			}
			if len(read) != 1 || read[0].Outcome != tt.outcome {
				t.Errorf("outcome %v, want %v", read, tt.outcome)
			}
		})
	}
}

func TestFind(t *testing.T) {
	stored := docs(t,
		`{"_id":1,"owner":"ua","title":"C","secret":3}`,
		`{"_id":2,"owner":"ub","title":"B","secret":1}`,
		`{"_id":3,"owner":"ua","title":"A","secret":2}`,
	)
	tests := []struct {
		name, roles  string
		op           proxy.Find
		filter, sort string
		projection   string
		want         []string
	}{
		{"hidden documents do not use up the limit", owner, proxy.Find{Limit: 1, Skip: 1}, ``, ``, `{"title":1}`, []string{`{"_id":3,"title":"A"}`}},
		{"a hidden field is as if absent", titles, proxy.Find{}, `{"secret":1}`, ``, ``, nil},
		{"... also when negated", titles, proxy.Find{}, `{"secret":{"$ne":1}}`, ``, ``, []string{`{"title":"A"}`, `{"title":"B"}`, `{"title":"C"}`}},
		{"... and in a sort", titlesID, proxy.Find{}, ``, `{"secret":1}`, ``, []string{`{"_id":1,"title":"C"}`, `{"_id":2,"title":"B"}`, `{"_id":3,"title":"A"}`}},
		{"sorted here", titles, proxy.Find{Limit: 2}, ``, `{"title":-1}`, ``, []string{`{"title":"C"}`, `{"title":"B"}`}},
		{"sorted here, second page", titles, proxy.Find{Skip: 1, Limit: 1}, ``, `{"title":1}`, ``, []string{`{"title":"B"}`}},
		{
			"a role for each document", owner + `,` + titles,
			proxy.Find{},
			`{"title":{"$exists":true}}`, ``, ``,
			[]string{`{"_id":1,"owner":"ua","title":"C","secret":3}`, `{"_id":3,"owner":"ua","title":"A","secret":2}`, `{"title":"B"}`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, _ := newProxy(t, returning(stored...), tt.roles, ``)
			tt.op.Filter, tt.op.Sort, tt.op.Projection = doc(t, tt.filter), doc(t, tt.sort), doc(t, tt.projection)
			got, err := find(t, p, tt.op)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("documents (-want +got):\n%s", diff)
			}
		})
	}
}

// A sort that the database refuses, because it meets two arrays, is done here: no document may make a page fail.
func TestFindSortsWhatTheDatabaseRefuses(t *testing.T) {
	s := returning(docs(t, `{"_id":1,"owner":"ua","a":[2],"b":[1]}`, `{"_id":2,"owner":"ua","a":[1],"b":[2]}`)...)
	inner := s.find
	s.find = func(q proxy.Query) ([]bson.Raw, error) {
		if q.Sort != nil {
			return nil, proxy.ErrRejected
		}
		return inner(q)
	}
	p, _ := newProxy(t, s, owner, ``)
	got, err := find(t, p, proxy.Find{Sort: doc(t, `{"a":1,"b":1}`), Limit: 1})
	if diff := cmp.Diff([]string{`{"_id":2,"owner":"ua","a":[1],"b":[2]}`}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := find(t, p, proxy.Find{Sort: doc(t, `{"a":1}`)}); err == nil {
		t.Error("a sort that cannot meet two arrays was not refused")
	}
}

func TestFindOne(t *testing.T) {
	p, _ := newProxy(t, returning(docs(t, `{"_id":1,"owner":"ub"}`, `{"_id":2,"owner":"ua"}`)...), owner, ``)
	got, err := p.FindOne(t.Context(), ann, proxy.Find{NS: ns, Limit: 7, Skip: 5})
	if err != nil || text(t, got) != `{"_id":2,"owner":"ua"}` {
		t.Errorf("FindOne = %s, %v", text(t, got), err)
	}
	got, err = p.FindOne(t.Context(), ann, proxy.Find{NS: ns, Filter: doc(t, `{"_id":1}`)})
	if err != nil || got != nil {
		t.Errorf("FindOne of a hidden document = %s, %v", text(t, got), err)
	}
}

// Nothing is asked of the database when no role can apply, or nothing of the view can match.
func TestFindNone(t *testing.T) {
	for roles, filter := range map[string]string{
		`{"name": "server", "apply_when": {"%%user.type": "server"}, "read": true}`: `{}`,
		titles: `{"secret":1}`,
	} {
		s := returning()
		p, _ := newProxy(t, s, roles, ``)
		if got, err := find(t, p, proxy.Find{Filter: doc(t, filter)}); err != nil || got != nil || len(s.asked) != 0 {
			t.Errorf("%s: found %v, %v after %d queries", roles, got, err, len(s.asked))
		}
	}
}

func TestFindRefusals(t *testing.T) {
	many := returning(docs(t, `{"_id":1,"owner":"ua"}`, `{"_id":2,"owner":"ua"}`, `{"_id":3,"owner":"ua"}`)...)
	failing := func(err error) *store {
		s := returning(docs(t, `{"_id":1,"owner":"ua"}`)...)
		inner := s.find
		s.find = func(q proxy.Query) ([]bson.Raw, error) {
			docs, _ := inner(q)
			return docs, err
		}
		return s
	}
	tests := []struct {
		name string
		s    *store
		ns   string
		op   proxy.Find
		want proxy.Kind
	}{
		{"an operator that is not allowed", returning(), "c", proxy.Find{Filter: doc(t, `{"$where":"1"}`)}, proxy.Invalid},
		{"a sort that is none", returning(), "c", proxy.Find{Sort: doc(t, `{"a":"x"}`)}, proxy.Invalid},
		{"a computed projection", returning(), "c", proxy.Find{Projection: doc(t, `{"a":"$b"}`)}, proxy.Invalid},
		{"no rule", returning(), "other", proxy.Find{}, proxy.NoRule},
		{"too many documents", many, "c", proxy.Find{Filter: doc(t, `{"x":{"$not":{"$regex":"x"}}}`)}, proxy.ScanLimit},
		{"unreachable", failing(proxy.ErrUnavailable), "c", proxy.Find{}, proxy.Unavailable},
		{"slow", failing(proxy.ErrTimeout), "c", proxy.Find{}, proxy.TimedOut},
		{"rejected", failing(proxy.ErrRejected), "c", proxy.Find{}, proxy.Rejected},
		{"anything else", failing(errors.New("dial: value 42")), "c", proxy.Find{}, proxy.Internal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, _ := newProxy(t, tt.s, owner, ``, func(c *proxy.Config) { c.Limits.Scan = 2 })
			tt.op.NS = ns
			tt.op.NS.Collection = tt.ns
			err := p.Find(t.Context(), ann, tt.op, func(bson.Raw) error { return nil })
			var e *proxy.Error
			if !errors.As(err, &e) || e.Kind != tt.want {
				t.Fatalf("error %v, want kind %v", err, tt.want)
			}
			if strings.Contains(e.Message, "42") {
				t.Errorf("the message quotes a cause: %s", e.Message)
			}
		})
	}
}

func TestFindWithholdsWhatFails(t *testing.T) {
	p, l := newProxy(t, returning(docs(t, `{"_id":1,"a":5}`, `{"_id":2,"a":"5f0000000000000000000001"}`)...),
		`{"name": "r", "apply_when": {"_id": {"$ne": {"%stringToOid": "%%root.a"}}}, "read": true}`, ``)
	got, err := find(t, p, proxy.Find{})
	if err != nil || len(got) != 1 {
		t.Errorf("found %v, %v", got, err)
	}
	for _, want := range []string{"withheld", "documents=1", "role=r", "permission=apply_when", "request_id=req-1", "namespace=app.c"} {
		if n := strings.Count(l.String(), want); n != 1 {
			t.Errorf("the log says %d times %s:\n%s", n, want, l)
		}
	}
}

// Custom user data that is not read is unresolved, not empty: a negated condition on it must not grant.
func TestNoCustomData(t *testing.T) {
	const roles = `{"name": "r", "apply_when": {"%%user.custom_data.banned": {"$ne": true}}, "read": true}`
	stored := doc(t, `{"_id":1}`)
	for unread, want := range map[bool]int{false: 1, true: 0} {
		p, _ := newProxy(t, returning(stored), roles, ``, func(c *proxy.Config) { c.NoCustomData = unread })
		if got, err := find(t, p, proxy.Find{}); err != nil || len(got) != want {
			t.Errorf("unread %v: found %v, %v", unread, got, err)
		}
	}
}

// Evaluating ends with the request, also inside of a batch.
func TestFindEndsWithTheRequest(t *testing.T) {
	p, _ := newProxy(t, returning(docs(t, `{"_id":1,"owner":"ua"}`, `{"_id":2,"owner":"ua"}`)...), owner, ``)
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	err := p.Find(ctx, ann, proxy.Find{NS: ns}, func(bson.Raw) error {
		n++
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || n != 1 {
		t.Errorf("%d documents and %v after the end", n, err)
	}
}
