package proxy_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/proxy"
)

// directly is a store that runs direct writes, which find n documents.
func directly(n int64, docs ...bson.Raw) *store {
	s := returning(docs...)
	s.features = everything
	s.direct = func(proxy.DirectWrite) (proxy.DirectResult, error) {
		return proxy.DirectResult{Matched: n, Modified: n}, nil
	}
	return s
}

// What is sent as one write, and what has to be decided on documents.
func TestDirectUpdate(t *testing.T) {
	const (
		titleWriter = `{"name": "w", "apply_when": {}, "read": true, "write": false, "fields": {"title": {"write": {"owner": "%%user.id"}}}}`
		byTitle     = `{"name": "w", "apply_when": {"title": {"$ne": "x"}}, "write": true}`
		byValue     = `{"name": "w", "apply_when": {}, "read": true, "fields": {"title": {"write": {"%%this": {"$ne": "x"}}}}}`
		nested      = `{"name": "w", "apply_when": {}, "read": true, "fields": {"title": {"fields": {"en": {"write": true}}}}}`
		whole       = `{"name": "w", "apply_when": {}, "write": {"%%root": {"$exists": true}}}`
		ua          = `{"owner":{"$eq":"ua"}}`
	)
	tests := []struct {
		name, roles, filters string
		filter, update       string
		many                 bool
		want                 string // the filter sent; "guarded" when documents are read first
		denied               string // what was looked for before
	}{
		{"everything", `{"name": "w", "apply_when": {}, "write": true}`, ``, `{"_id":1}`, `{"$set":{"title":"x"}}`, false, `{"_id":1}`, ``},
		{"one's own", owner, ``, `{"_id":1}`, `{"$inc":{"n":1},"$push":{"a.b":{"$each":[1],"$slice":2}}}`, false, `{"$and":[` + ua + `,{"_id":1}]}`, ``},
		{"all of one's own", owner, ``, `{"s":1}`, `{"$set":{"title":"x"},"$unset":{"n":""}}`, true, `{"$and":[` + ua + `,{"s":1}]}`, ``},
		{"a field of one's own", titleWriter, ``, `{"_id":1}`, `{"$set":{"title.en":"x"}}`, false, `{"$and":[{"_id":1},` + ua + `]}`, ``},
		{
			"several of which some may be denied", titleWriter, ``, `{}`, `{"$set":{"title":"x"}}`, true, ua,
			`{"$nor":[` + ua + `]}`,
		},
		{"under a query filter", owner, `{"name": "f", "apply_when": true, "query": {"t": 1}}`, `{"_id":1}`, `{"$set":{"title":"x"}}`, false, `{"$and":[{"t":{"$eq":1}},` + ua + `,{"_id":1}]}`, ``},

		{"the role depends on it", byTitle, ``, `{"_id":1}`, `{"$set":{"title":"x"}}`, false, `guarded`, ``},
		{"... not on another field", byTitle, ``, `{"_id":1}`, `{"$set":{"n":1}}`, false, `{"$and":[{"$nor":[{"title":{"$eq":"x"}}]},{"_id":1}]}`, ``},
		{"a query filter depends on it", owner, `{"name": "f", "apply_when": true, "query": {"t": 1}}`, `{"_id":1}`, `{"$set":{"t":2}}`, false, `guarded`, ``},
		{"the permission depends on the value", byValue, ``, `{"_id":1}`, `{"$set":{"title":"y"}}`, false, `guarded`, ``},
		{"permissions of parts", nested, ``, `{"_id":1}`, `{"$set":{"title.en":"y"}}`, false, `guarded`, ``},
		{"the whole document", whole, ``, `{"_id":1}`, `{"$set":{"n":1}}`, false, `guarded`, ``},
		{"a field that may not be written", titleWriter, ``, `{"_id":1}`, `{"$set":{"n":1}}`, false, `guarded`, ``},
		{"hidden by a projection", owner, `{"name": "f", "apply_when": true, "projection": {"secret": 0}}`, `{"_id":1}`, `{"$set":{"n":1}}`, false, `guarded`, ``},
		{"a pattern in the filter", owner, ``, `{"_id":1,"n":{"$regex":"x"}}`, `{"$set":{"n":1}}`, false, `guarded`, ``},
		{"the first of several", owner, ``, `{"n":1}`, `{"$set":{"n":1}}`, false, `guarded`, ``},
		{"a position", owner, ``, `{"_id":1}`, `{"$set":{"a.0":1}}`, false, `guarded`, ``},
		{"the position that matched", owner, ``, `{"_id":1,"a":1}`, `{"$set":{"a.$":2}}`, false, `guarded`, ``},
		{"a new name", owner, ``, `{"_id":1}`, `{"$rename":{"n":"m"}}`, false, `guarded`, ``},
		{"the time", owner, ``, `{"_id":1}`, `{"$currentDate":{"at":true}}`, false, `guarded`, ``},
		{"sorted", owner, ``, `{"_id":1}`, `{"$push":{"a":{"$each":[1],"$sort":1}}}`, false, `guarded`, ``},
		{"several, of which one may fail", owner, ``, `{}`, `{"$inc":{"n":1}}`, true, `guarded`, ``},
		{"several, below a value that may be none", owner, ``, `{}`, `{"$set":{"a.b":1}}`, true, `guarded`, ``},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := directly(1)
			p, _ := newProxy(t, s, tt.roles, tt.filters)
			_, err := p.Update(t.Context(), ann, proxy.Update{NS: ns, Filter: doc(t, tt.filter), Update: doc(t, tt.update), Many: tt.many})
			if err != nil {
				t.Fatal(err)
			}
			got, denied := "guarded", ""
			if len(s.directs) > 0 {
				got = text(t, s.directs[0].Filter)
				if text(t, s.directs[0].Update) != tt.update || s.directs[0].Many != tt.many {
					t.Errorf("sent %+v", s.directs[0])
				}
				if len(s.asked) > 0 {
					denied = text(t, s.asked[0].Filter)
				}
			}
			if diff := cmp.Diff([]string{tt.want, tt.denied}, []string{got, denied}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Without success the request is decided on documents, where the reason is found.
func TestDirectFallsBack(t *testing.T) {
	mine, theirs := doc(t, `{"_id":1,"owner":"ua","n":"x"}`), doc(t, `{"_id":2,"owner":"ub","n":1}`)
	readers := owner + `,{"name": "readers", "apply_when": {}, "read": true}`
	tests := []struct {
		name, roles, filter, update string
		many                        bool
		err                         error // of the direct write
		kind                        proxy.Kind
		message                     string
	}{
		{"denied", readers, `{"_id":2}`, `{"$set":{"n":7}}`, false, nil, proxy.Denied, "update not permitted"},
		{"one of several denied", readers, `{}`, `{"$set":{"n":5}}`, true, nil, proxy.Denied, "update not permitted"},
		{"an operator that fails on the value", owner, `{"_id":1}`, `{"$inc":{"n":1}}`, false, proxy.ErrRejected, proxy.Invalid, ""},
		{"taken", owner, `{"_id":1}`, `{"$set":{"n":1}}`, false, proxy.ErrDuplicateKey, proxy.DuplicateKey, "duplicate key"},
		{"some may be stored", owner, `{}`, `{"$set":{"n":1}}`, true, proxy.ErrDuplicateKey, proxy.DuplicateKey, "duplicate key; some of the documents may have been changed"},
		{"not known", owner, `{}`, `{"$set":{"n":1}}`, true, proxy.ErrUnclear, proxy.Unclear, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := directly(0, mine, theirs)
			if tt.err != nil {
				s.direct = func(proxy.DirectWrite) (proxy.DirectResult, error) { return proxy.DirectResult{}, tt.err }
			}
			p, _ := newProxy(t, s, tt.roles, ``)
			_, err := p.Update(t.Context(), ann, proxy.Update{NS: ns, Filter: doc(t, tt.filter), Update: doc(t, tt.update), Many: tt.many})
			var e *proxy.Error
			if !errors.As(err, &e) || e.Kind != tt.kind || (tt.message != "" && e.Message != tt.message) {
				t.Errorf("got %v, want kind %v %s", err, tt.kind, tt.message)
			}
			if len(s.writes) != 0 {
				t.Errorf("wrote %v", s.writes)
			}
		})
	}
	// One that does not exist is not found, in either way.
	s := directly(0)
	p, _ := newProxy(t, s, owner, ``)
	if res, err := p.Update(t.Context(), ann, proxy.Update{NS: ns, Filter: doc(t, `{"_id":9}`), Update: doc(t, `{"$set":{"n":1}}`)}); err != nil || res.Matched != 0 {
		t.Errorf("not found: %+v, %v", res, err)
	}
}

func TestDirectDelete(t *testing.T) {
	const (
		drafts = `{"name": "w", "apply_when": {}, "write": true, "delete": {"%%root.s": "draft"}}`
		fields = `{"name": "w", "apply_when": {}, "fields": {"_id": {"write": true}, "a": {"write": {"o": 1}}}, "additional_fields": {"write": true}}`
		value  = `{"name": "w", "apply_when": {}, "fields": {"_id": {"write": true}, "a": {"write": {"%%this": 1}}}, "additional_fields": {"write": true}}`
	)
	tests := []struct {
		name, roles, filter string
		many                bool
		want, denied        string
	}{
		{"one's own", owner, `{"_id":1}`, false, `{"$and":[{"owner":{"$eq":"ua"}},{"_id":1}]}`, ``},
		{"all of one's own", owner, `{}`, true, `{"owner":{"$eq":"ua"}}`, ``},
		{"drafts", drafts, `{}`, true, `{"s":{"$eq":"draft"}}`, `{"$nor":[{"s":{"$eq":"draft"}}]}`},
		{"every field", fields, `{"_id":1}`, false, `{"$and":[{"_id":1},{"o":{"$eq":1}}]}`, ``},
		{"a permission that depends on the value", value, `{"_id":1}`, false, `guarded`, ``},
		{"the first of several", owner, `{}`, false, `guarded`, ``},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := directly(3)
			p, _ := newProxy(t, s, tt.roles, ``)
			n, err := p.Delete(t.Context(), ann, proxy.Delete{NS: ns, Filter: doc(t, tt.filter), Many: tt.many})
			if err != nil {
				t.Fatal(err)
			}
			got, denied := "guarded", ""
			if len(s.directs) > 0 {
				got = text(t, s.directs[0].Filter)
				if n != 3 || s.directs[0].Update != nil {
					t.Errorf("deleted %d by %+v", n, s.directs[0])
				}
				if len(s.asked) > 0 {
					denied = text(t, s.asked[0].Filter)
				}
			}
			if diff := cmp.Diff([]string{tt.want, tt.denied}, []string{got, denied}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
