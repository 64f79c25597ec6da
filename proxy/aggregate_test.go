package proxy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/proxy"
)

func stages(t testing.TB, texts ...string) []bson.Raw {
	t.Helper()
	return docs(t, texts...)
}

func aggregate(t testing.TB, p *proxy.Proxy, pipeline ...string) ([]string, error) {
	t.Helper()
	got := []string{}
	err := p.Aggregate(t.Context(), ann, proxy.Aggregate{NS: ns, Pipeline: stages(t, pipeline...)}, func(d bson.Raw) error {
		got = append(got, text(t, d))
		return nil
	})
	return got, err
}

var everything = proxy.Features{Computed: true, UnionWith: true, Documents: true}

const (
	barrier = `{"$replaceWith":{"$mergeObjects":["$$ROOT"]}} {"$limit":9223372036854775807}`
	unset   = `{"$unset":"_id__baas_transaction"}`
	group   = `{"$group":{"_id":"$a"}}`
)

// What is sent in front of the client's stages: which documents, in which order, cut how, and then the barrier.
func TestAggregatePlan(t *testing.T) {
	const cutAll = `{"$unset":["_id__baas_transaction"]}`
	tests := []struct {
		name, roles, filters string
		features             proxy.Features
		pipeline             []string
		want                 string
	}{
		{"nothing is hidden", everyone, ``, everything, []string{`{"$match":{"a":1}}`, group}, unset + ` {"$match":{"a":1}} ` + group},
		{
			"some documents are hidden", owner, ``, everything,
			[]string{group},
			`{"$match":{"owner":{"$eq":"ua"}}} {"$sort":{"_id":1}} ` + cutAll + ` ` + barrier + ` ` + group,
		},
		{
			"a filter on what is readable narrows, and stays", owner, ``, everything,
			[]string{`{"$match":{"a":{"$gt":1}}}`, group},
			`{"$match":{"$and":[{"owner":{"$eq":"ua"}},{"a":{"$gt":1}}]}} {"$sort":{"_id":1}} ` + cutAll + ` ` + barrier + ` {"$match":{"a":{"$gt":1}}} ` + group,
		},
		{
			"a pattern does not narrow", owner, ``, everything,
			[]string{`{"$match":{"a":{"$regex":"x"}}}`, group},
			`{"$match":{"owner":{"$eq":"ua"}}} {"$sort":{"_id":1}} ` + cutAll + ` ` + barrier + ` {"$match":{"a":{"$regex":"x"}}} ` + group,
		},
		{
			"some fields are hidden", titlesID, ``, everything,
			[]string{`{"$match":{"secret":null}}`, group},
			`{"$sort":{"_id":1}} {"$project":{"_id":1,"title":1}} ` + barrier + ` {"$match":{"secret":null}} ` + group,
		},
		{
			"_id is hidden", titles, ``, everything,
			[]string{group},
			`{"$match":{"title":{"$exists":true}}} {"$project":{"title":1,"_id":0}} {"$replaceWith":{"d":"$$ROOT"}} {"$sort":{"d":1}} {"$replaceWith":"$d"} ` + barrier + ` ` + group,
		},
		{
			"two roles", owner + `,` + titlesID, ``, everything,
			[]string{group},
			`{"$match":{"owner":{"$eq":"ua"}}} ` + cutAll +
				` {"$unionWith":{"coll":"c","pipeline":[{"$match":{"$nor":[{"owner":{"$eq":"ua"}}]}},{"$project":{"_id":1,"title":1}}]}} {"$sort":{"_id":1}} ` + barrier + ` ` + group,
		},
		{
			"a condition on a field", `{"name": "r", "apply_when": {}, "fields": {"_id": {"read": true}, "a": {"read": {"open": true}}}}`, ``, everything,
			[]string{group},
			`{"$match":{"open":{"$eq":true}}} {"$project":{"_id":1,"a":1}}` +
				` {"$unionWith":{"coll":"c","pipeline":[{"$match":{"$nor":[{"open":{"$eq":true}}]}},{"$project":{"_id":1}}]}} {"$sort":{"_id":1}} ` + barrier + ` ` + group,
		},
		{
			"a projection of the rules", everyone, `{"name": "f", "apply_when": true, "query": {"t": 1}, "projection": {"secret": 0}}`, everything,
			[]string{group},
			`{"$match":{"t":{"$eq":1}}} {"$sort":{"_id":1}} ` + cutAll + ` {"$project":{"secret":false}} ` + barrier + ` ` + group,
		},
		{
			"nothing can match", titles, ``, everything,
			[]string{`{"$match":{"secret":1}}`, `{"$group":{"_id":null,"n":{"$sum":1}}}`},
			`{"$match":{"_id":{"$in":[]}}} {"$replaceWith":{"d":"$$ROOT"}} {"$sort":{"d":1}} {"$replaceWith":"$d"} ` + barrier + ` {"$match":{"secret":1}} {"$group":{"_id":null,"n":{"$sum":1}}}`,
		},
		{
			"what cannot be stated is brought along", pattern, ``, everything,
			[]string{`{"$match":{"a":5}}`, group},
			`{"$documents":{"$literal":[{"_id":1,"s":"x","a":5}]}} {"$limit":9223372036854775807} {"$match":{"a":5}} ` + group,
		},
		{
			"two roles without $unionWith", owner + `,` + titlesID, ``,
			proxy.Features{Computed: true, Documents: true},
			[]string{group},
			`{"$documents":{"$literal":[{"_id":1,"title":"A"},{"_id":2}]}} {"$limit":9223372036854775807} ` + group,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := returning(docs(t, `{"_id":2,"s":"y","a":5}`, `{"_id":1,"s":"x","a":5,"title":"A"}`)...)
			if !strings.Contains(tt.want, "title") {
				s = returning(docs(t, `{"_id":2,"s":"y","a":5}`, `{"_id":1,"s":"x","a":5}`)...)
			}
			s.features, s.result = tt.features, docs(t, `{"_id":7}`)
			p, _ := newProxy(t, s, tt.roles, tt.filters)
			got, err := aggregate(t, p, tt.pipeline...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{`{"_id":7}`}, got); diff != "" {
				t.Errorf("documents (-want +got):\n%s", diff)
			}
			q := s.pipelines[0]
			var sent []string
			for _, st := range q.Stages {
				sent = append(sent, text(t, st))
			}
			if diff := cmp.Diff(tt.want, strings.Join(sent, " ")); diff != "" {
				t.Errorf("stages (-want +got):\n%s", diff)
			}
			if q.Documents != strings.HasPrefix(tt.want, `{"$documents"`) {
				t.Errorf("brings documents along: %v", q.Documents)
			}
		})
	}
}

// A pipeline that is nothing but a find runs as one, whatever the database can do.
func TestAggregateAsFind(t *testing.T) {
	stored := docs(t,
		`{"_id":1,"owner":"ua","title":"C","secret":3}`,
		`{"_id":2,"owner":"ub","title":"B","secret":1}`,
		`{"_id":3,"owner":"ua","title":"A","secret":2}`,
	)
	tests := []struct {
		name, roles string
		pipeline    []string
		want        []string
	}{
		{"nothing", owner, nil, []string{`{"_id":1,"owner":"ua","title":"C","secret":3}`, `{"_id":3,"owner":"ua","title":"A","secret":2}`}},
		{"a page", titles, []string{`{"$sort":{"title":1}}`, `{"$skip":1}`, `{"$limit":1}`}, []string{`{"title":"B"}`}},
		{"a projection", owner, []string{`{"$match":{"secret":{"$gt":2}}}`, `{"$match":{"title":"C"}}`, `{"$project":{"title":1}}`}, []string{`{"_id":1,"title":"C"}`}},
		{"a count", owner, []string{`{"$count":"n"}`}, []string{`{"n":2}`}},
		{"a count of a page", owner, []string{`{"$skip":1}`, `{"$limit":5}`, `{"$count":"n"}`}, []string{`{"n":1}`}},
		{"a count that cannot be asked for", pattern, []string{`{"$limit":5}`, `{"$count":"n"}`}, []string{}},
		{"a count of nothing", owner, []string{`{"$match":{"secret":9}}`, `{"$count":"n"}`}, []string{}},
		{"a hidden field", titles, []string{`{"$match":{"secret":1}}`}, []string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := returning(stored...)
			p, _ := newProxy(t, s, tt.roles, ``)
			got, err := aggregate(t, p, tt.pipeline...)
			if err != nil || len(s.pipelines) != 0 {
				t.Fatalf("%v after sending %v", err, s.pipelines)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("documents (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAggregateRefusals(t *testing.T) {
	many := docs(t, `{"_id":1,"s":"x","pad":"0123456789"}`, `{"_id":2,"s":"x","pad":"0123456789"}`)
	tests := []struct {
		name, roles string
		features    proxy.Features
		stage       string
		kind        proxy.Kind
		message     string // a part of it
		role        string
	}{
		{"another collection", everyone, everything, `{"$lookup":{"from":"d","as":"x"}}`, proxy.Invalid, `"$lookup"`, ``},
		{"an expression over the stored document", everyone, everything, `{"$match":{"$expr":true}}`, proxy.Invalid, `$expr`, ``},
		{"without computed fields", everyone, proxy.Features{}, group, proxy.Unsupported, `"$group" needs computed fields`, ``},
		{"without $documents", pattern, proxy.Features{Computed: true, UnionWith: true}, group, proxy.Unsupported, `$documents`, `pattern`},
		{"too much to bring along", pattern, everything, group, proxy.Unsupported, `more documents than can be sent`, `pattern`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := returning(many...)
			s.features = tt.features
			p, _ := newProxy(t, s, tt.roles, ``, func(c *proxy.Config) { c.Limits.View = 80 })
			_, err := aggregate(t, p, tt.stage)
			var e *proxy.Error
			if !errors.As(err, &e) || e.Kind != tt.kind || !strings.Contains(e.Message, tt.message) || e.Role != tt.role {
				t.Errorf("got %#v, want kind %v with %q of role %q", err, tt.kind, tt.message, tt.role)
			}
			if len(s.pipelines) != 0 {
				t.Errorf("sent %v", s.pipelines)
			}
		})
	}
}

// The answer ends after the limit of the door, also where a find answers.
func TestAggregateLimit(t *testing.T) {
	s := returning(docs(t, `{"_id":1}`, `{"_id":2}`, `{"_id":3}`)...)
	s.features = everything
	p, _ := newProxy(t, s, everyone, ``)
	n := 0
	count := func(bson.Raw) error { n++; return nil }
	if err := p.Aggregate(t.Context(), ann, proxy.Aggregate{NS: ns, Limit: 2}, count); err != nil || n != 2 {
		t.Errorf("%d documents, %v", n, err)
	}
	if err := p.Aggregate(t.Context(), ann, proxy.Aggregate{NS: ns, Limit: 2, Pipeline: stages(t, group)}, count); err != nil {
		t.Fatal(err)
	}
	last := s.pipelines[0].Stages[len(s.pipelines[0].Stages)-1]
	if v, _ := bsonval.Lookup(last, "$limit"); !bsonval.Equal(v, bsonval.FromInt32(2)) {
		t.Errorf("the last stage is %s", text(t, last))
	}
}
