package rules_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/rules"
)

func mustPath(t testing.TB, text string) query.Path {
	t.Helper()
	p, err := query.ParsePath(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustFilter(t testing.TB, text string) *query.Filter {
	t.Helper()
	f, err := query.Parse(mustDoc(t, text), query.Options{})
	if err != nil {
		t.Fatalf("parse %s: %v", text, err)
	}
	return f
}

const (
	owner    = `{"name": "owner", "apply_when": {"owner": "%%user.id"}, "read": true}`
	titles   = `{"name": "titles", "apply_when": {}, "fields": {"title": {"read": true}}}`
	reviewed = `{"name": "reviews", "apply_when": {}, "fields": {"_id": {"read": true}, "reviews": {"fields": {"by": {"read": true}}}}}`
)

// What is asked of the database, and how far it can be relied on.
func TestNarrow(t *testing.T) {
	everyone := role(`"read": true`)
	tests := []struct {
		name, roles, filters, filter string
		want                         string // the query; none when nothing is asked
		why                          string // role.permission:path of what is not exact; "" is exact
	}{
		// Which documents.
		{"everything", everyone, ``, `{}`, ``, ``},
		{"nothing hidden: the filter as it is", everyone, ``, `{"a":null,"b.0":{"$regex":"x"}}`, `{"a":null,"b.0":{"$regex":"x"}}`, ``},
		{"no role can apply", role(`"apply_when": {"%%user.type": "server"}, "read": true`), ``, `{}`, `none`, ``},
		{"an owner", owner, ``, `{}`, `{"owner":{"$eq":"ua"}}`, ``},
		{"an owner and a filter", owner, ``, `{"a":1}`, `{"$and":[{"owner":{"$eq":"ua"}},{"a":1}]}`, ``},
		{
			"the owner on the right", role(`"apply_when": {"%%user.id": "%%root.owner"}, "read": true`), ``, `{}`,
			`{"$and":[{"owner":{"$eq":"ua"}},{"$nor":[{"owner":{"$type":11}}]}]}`, ``,
		},
		{
			"a member", role(`"apply_when": {"%%user.id": {"$in": "%%root.members"}}, "read": true`), ``, `{}`,
			`{"$and":[{"members":{"$eq":"ua"}},{"$nor":[{"members":{"$type":11}}]},{"members":{"$type":4}}]}`, ``,
		},
		{"a condition to read", role(`"read": {"s": {"$gt": 5}}`), ``, `{}`, `{"s":{"$gt":5}}`, ``},
		{"a gate", role(`"document_filters": {"read": {"s": 1}}, "read": true`), ``, `{}`, `{"s":{"$eq":1}}`, ``},
		{"a query filter", everyone, `{"name": "f", "apply_when": true, "query": {"t": 1}}`, `{"a":1}`, `{"$and":[{"t":{"$eq":1}},{"a":1}]}`, ``},
		{"a negation", role(`"apply_when": {"$not": {"s": "x"}}, "read": true`), ``, `{}`, `{"$nor":[{"s":{"$eq":"x"}}]}`, ``},
		{"null", role(`"apply_when": {"gone": null}, "read": true`), ``, `{}`, `{"$or":[{"gone":{"$type":10}},{"$nor":[{"gone":{"$exists":true}}]}]}`, ``},
		{"a list of values", role(`"apply_when": {"%%values.admins": "%%user.id"}, "read": true`), ``, `{}`, ``, ``},
		{"the documented insert-only role", role(`"write": {"%%prevRoot": {"%exists": false}}`), ``, `{}`, `none`, ``},

		{
			"an element", role(`"apply_when": {"m": {"$elemMatch": {"id": "ub"}}}, "read": true`), ``, `{}`,
			`{"$and":[{"m":{"$type":4}},{"m.id":{"$eq":"ub"}}]}`, ``,
		},
		{
			"an element with two conditions", role(`"apply_when": {"m": {"$elemMatch": {"id": "ub", "n": {"$ne": 1}}}}, "read": true`), ``, `{}`,
			`{"$and":[{"m":{"$type":4}},{"m.id":{"$eq":"ub"}}]}`, `r.apply_when`,
		},

		// Several roles.
		{
			"the second role takes the rest", owner + `,` + role(`"read": {"public": true}`), ``, `{}`,
			`{"$or":[{"owner":{"$eq":"ua"}},{"public":{"$eq":true}}]}`, ``,
		},
		{
			"... of what the first does not show", role(`"apply_when": {"owner": "%%user.id"}, "read": {"a": true}`) + `,` + role(`"read": {"public": true}`), ``, `{}`,
			`{"$or":[{"$and":[{"owner":{"$eq":"ua"}},{"a":{"$eq":true}}]},{"$and":[{"$nor":[{"owner":{"$eq":"ua"}}]},{"public":{"$eq":true}}]}]}`, ``,
		},
		{"roles that cover everything", role(`"apply_when": {"owner": "%%user.id"}, "write": {"b": true}, "fields": {"_id": {"read": true}}`) + `,` + role(`"write": true`), ``, `{}`, ``, ``},
		{"a role after one that always applies", everyone + `,` + owner, ``, `{}`, ``, ``},
		{
			"part of the documents whole", role(`"write": {"owner": "%%user.id"}, "fields": {"_id": {"read": true}}`), ``, `{"a":1}`,
			`{"$and":[{"owner":{"$eq":"ua"}},{"a":{"$eq":1}}]}`, ``,
		},

		// Fields: hidden ones are absent.
		{"a readable field", titles, ``, `{"title":"x"}`, `{"$and":[{"title":{"$exists":true}},{"title":"x"}]}`, ``},
		{"a hidden field", titles, ``, `{"secret":1}`, `none`, ``},
		{"... negated", titles, ``, `{"secret":{"$ne":1}}`, `{"title":{"$exists":true}}`, ``},
		{"... null", titles, ``, `{"secret":null}`, `{"title":{"$exists":true}}`, ``},
		{"hidden in some documents", owner + `,` + titles, ``, `{"secret":1}`, `{"$and":[{"owner":{"$eq":"ua"}},{"secret":{"$eq":1}}]}`, ``},
		{
			"readable on a condition", role(`"fields": {"_id": {"read": true}, "a": {"read": {"open": true}}}`), ``, `{"a":{"$ne":1}}`,
			`{"$or":[{"$nor":[{"a":{"$eq":1}}]},{"$nor":[{"open":{"$eq":true}}]}]}`, ``,
		},
		{
			"readable on a condition on itself", role(`"fields": {"_id": {"read": true}, "a": {"read": {"%%this.open": true}}}`), ``, `{"a.b":1}`,
			`{"$and":[{"a.open":{"$eq":true}},{"a.b":{"$eq":1}}]}`, ``,
		},
		{"inside a container", reviewed, ``, `{"reviews.by":"x"}`, `{"reviews.by":{"$eq":"x"}}`, ``},
		{"... where it may be absent", reviewed, ``, `{"reviews.by":null}`, ``, `reviews.fields:reviews.by`},
		{"... at a position", reviewed, ``, `{"reviews.0.by":"x"}`, ``, `reviews.fields:reviews.0.by`},
		{"beside it", reviewed, ``, `{"reviews.score":1}`, `none`, ``},
		{"beside it at a position", reviewed, ``, `{"reviews.0.score":1}`, `none`, ``},
		{"the container", reviewed, ``, `{"reviews":{"$size":1}}`, ``, `reviews.fields:reviews`},
		{"beside what cannot be stated", reviewed, ``, `{"_id":1,"reviews":{"$size":1}}`, `{"_id":{"$eq":1}}`, `reviews.fields:reviews`},
		{"additional fields on a condition", role(`"additional_fields": {"read": {"owner": "%%user.id"}}`), ``, `{}`, `{"owner":{"$eq":"ua"}}`, ``},
		{"other fields only", role(`"fields": {"_id": {}}, "additional_fields": {"read": true}`), ``, `{}`, ``, `r.fields`},
		{"hidden by a projection", everyone, `{"name": "f", "apply_when": true, "projection": {"secret": 0}}`, `{"secret":1}`, `none`, ``},
		{"nothing left by a projection", everyone, `{"name": "f", "apply_when": true, "projection": {"a": 1, "_id": 0}}`, `{}`, ``, `r.filter`},

		// What has no query.
		{"a pattern of the rules", role(`"apply_when": {"s": {"$regex": "x"}}, "read": true`), ``, `{"a":1}`, `{"a":1}`, `r.apply_when`},
		{
			"an unstated role before another", role(`"apply_when": {"s": {"$regex": "x"}}, "fields": {}`) + `,` + owner, ``, `{}`,
			`{"owner":{"$eq":"ua"}}`, `owner.apply_when`,
		},
		{"field against field", role(`"apply_when": {"%%root.a": "%%root.b"}, "read": true`), ``, `{}`, ``, `r.apply_when`},
		{"a pattern of the client", owner, ``, `{"a":{"$regex":"x"},"b":1}`, `{"$and":[{"owner":{"$eq":"ua"}},{"b":{"$eq":1}}]}`, `owner.fields:a`},
		{
			"what may fail hides the later roles", role(`"apply_when": {"_id": {"%stringToOid": "%%root.x"}}, "read": true`) + `,` + owner, ``, `{}`,
			``, `r.apply_when owner.apply_when`,
		},
		{"a dotted path and null", role(`"apply_when": {"a.b": null}, "read": true`), ``, `{}`, ``, `r.apply_when`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := bind(t, compile(t, rulesFile(tt.roles, tt.filters), rules.Options{})).Plan()
			n := p.Narrow(mustDoc(t, tt.filter), mustFilter(t, tt.filter))
			got := ""
			if n.Query != nil {
				got = text(t, n.Query)
			}
			if n.None {
				got = "none"
			}
			var why []string
			for _, r := range n.Why {
				w := r.Role + "." + r.Permission
				if r.Path != "" {
					w += ":" + r.Path
				}
				why = append(why, w)
			}
			if n.Exact != (len(why) == 0) {
				t.Errorf("exact %v with the reasons %q", n.Exact, why)
			}
			if diff := cmp.Diff([]string{tt.want, tt.why}, []string{got, strings.Join(why, " ")}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The same question is the same query each time, whatever the order of maps.
func TestNarrowIsStable(t *testing.T) {
	p := compile(t, rulesFile(role(`"fields": {"a": {"read": true}, "b": {"read": true}, "c": {"fields": {"d": {"read": true}, "e": {"read": true}}}}`), ``), rules.Options{})
	const want = `{"$or":[{"a":{"$exists":true}},{"b":{"$exists":true}},{"c.d":{"$exists":true}},{"c.e":{"$exists":true}}]}`
	for range 20 {
		if got := text(t, bind(t, p).Plan().Narrow(mustDoc(t, `{}`), mustFilter(t, `{}`)).Query); got != want {
			t.Fatalf("query %s, want %s", got, want)
		}
	}
}

func TestPlanReadable(t *testing.T) {
	tests := []struct {
		name, roles, filters string
		none, passThrough    bool
		readable             string // of a, a.b, _id
	}{
		{"everything", role(`"read": true`), ``, false, true, "a a.b _id"},
		{"write", role(`"write": true`), ``, false, true, "a a.b _id"},
		{"a filter", role(`"read": true`), `{"name": "f", "apply_when": true, "query": {"a": 1}}`, false, false, "a a.b _id"},
		{"a projection", role(`"read": true`), `{"name": "f", "apply_when": true, "projection": {"a": 0}}`, false, false, "_id"},
		{"an owner", role(`"apply_when": {"o": "%%user.id"}, "read": true`), ``, false, false, "a a.b _id"},
		{"whole or nothing", role(`"read": {"o": 1}`), ``, false, false, "a a.b _id"},
		{"a gate", role(`"document_filters": {"read": {"o": 1}}, "read": true`), ``, false, false, "a a.b _id"},
		{"fields", role(`"fields": {"a": {"read": true}}`), ``, false, false, "a a.b"},
		{"a part of a field", role(`"fields": {"a": {"fields": {"b": {"read": true}}}}`), ``, false, false, ""},
		{"a condition on a field", role(`"fields": {"a": {"read": {"%%this": 1}}}`), ``, false, false, ""},
		{"two roles", role(`"apply_when": {"o": 1}, "read": true`) + `,` + role(`"fields": {"_id": {"read": true}}`), ``, false, false, "_id"},
		{"a role that cannot apply", role(`"apply_when": {"%%user.type": "server"}, "read": true`), ``, true, false, "a a.b _id"},
		{"a filter that hides all", role(`"read": true`), `{"name": "f", "apply_when": true, "query": {"a": "%%user.custom_data.x"}}`, true, false, "a a.b _id"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := bind(t, compile(t, rulesFile(tt.roles, tt.filters), rules.Options{})).Plan()
			if p.None() != tt.none || p.PassThrough() != tt.passThrough {
				t.Errorf("none %v pass-through %v, want %v %v", p.None(), p.PassThrough(), tt.none, tt.passThrough)
			}
			var readable []string
			for _, path := range []string{"a", "a.b", "_id"} {
				if p.Readable(mustPath(t, path)) {
					readable = append(readable, path)
				}
			}
			if got := strings.Join(readable, " "); got != tt.readable {
				t.Errorf("readable %q, want %q", got, tt.readable)
			}
		})
	}
	p := bind(t, compile(t, rulesFile(role(`"read": true`), ``), rules.Options{})).Plan()
	if p.Readable(mustPath(t, "_id__baas_transaction.x")) {
		t.Error("the reserved field is readable")
	}
}
