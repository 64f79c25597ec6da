package proxy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/proxy"
)

// Pages in an order that follows from what the user sees come from the database, with a document more on each side.
func TestPageThere(t *testing.T) {
	const (
		cut   = `{"$match":{"title":{"$exists":true}}} {"$project":{"title":1,"_id":0}} {"$replaceWith":{"d":"$$ROOT"}} `
		whole = `{"$replaceWith":"$d"}`
		// other looks for a document that equals {title: 1} and is not the same
		other = ` {"$match":{"title":{"$exists":true}}} {"$project":{"title":1,"_id":0}} ` +
			`{"$match":{"$expr":{"$eq":["$$ROOT",{"$literal":{"title":1}}]}}} {"$limit":9223372036854775807} ` +
			`{"$match":{"$expr":{"$not":[{"$and":[{"$eq":[{"$type":"$$ROOT.title"},"int"]}]}]}}} {"$limit":1} {"$count":"n"}`
	)
	tests := []struct {
		name, roles, sort string
		skip, limit       int64
		others            bool     // are found that are alike
		result            []string // of the pipeline
		wantSent          string   // "" when the page is made here
		want              []string // nil when the pipeline's result is not used
	}{
		{
			"the first page", titles, ``, 0, 2, false,
			[]string{`{"title":"A"}`, `{"title":"B"}`, `{"title":"C"}`},
			cut + `{"$sort":{"d":1}} {"$limit":3} ` + whole,
			[]string{`{"title":"A"}`, `{"title":"B"}`},
		},
		{
			"a page further on, sorted by the client", titles, `{"title":-1}`, 5, 2, false,
			[]string{`{"title":"D"}`, `{"title":"C"}`, `{"title":"B"}`, `{"title":"A"}`},
			cut + `{"$sort":{"d.title":-1,"d":1}} {"$skip":4} {"$limit":4} ` + whole,
			[]string{`{"title":"C"}`, `{"title":"B"}`},
		},
		{
			"the last page", titles, ``, 1, 2, false,
			[]string{`{"title":"A"}`, `{"title":"B"}`},
			cut + `{"$sort":{"d":1}} {"$limit":4} ` + whole,
			[]string{`{"title":"B"}`},
		},
		{
			"beyond the last page", titles, ``, 9, 2, false, nil,
			cut + `{"$sort":{"d":1}} {"$skip":8} {"$limit":4} ` + whole,
			[]string{},
		},
		{
			"alike within the page: ordered here", titles, ``, 0, 2, false,
			[]string{`{"title":{"$numberDouble":"1.0"}}`, `{"title":1}`},
			cut + `{"$sort":{"d":1}} {"$limit":3} ` + whole,
			[]string{`{"title":1}`, `{"title":1.0}`},
		},
		{
			"alike across its end: made here", titles, ``, 0, 1, false,
			[]string{`{"title":1}`, `{"title":{"$numberDouble":"1.0"}}`},
			cut + `{"$sort":{"d":1}} {"$limit":2} ` + whole, nil,
		},
		{
			"alike across its beginning: made here", titles, ``, 1, 1, false,
			[]string{`{"title":1}`, `{"title":{"$numberDouble":"1.0"}}`},
			cut + `{"$sort":{"d":1}} {"$limit":3} ` + whole, nil,
		},
		{
			"the same across its end", titles, ``, 0, 1, false,
			[]string{`{"title":1}`, `{"title":1}`},
			cut + `{"$sort":{"d":1}} {"$limit":2} ` + whole + other,
			[]string{`{"title":1}`},
		},
		{
			"the same across its end, and alike elsewhere: made here", titles, ``, 0, 1, true,
			[]string{`{"title":1}`, `{"title":1}`},
			cut + `{"$sort":{"d":1}} {"$limit":2} ` + whole + other, nil,
		},
		{
			"the same across its beginning, and alike elsewhere: made here", titles, ``, 1, 1, true,
			[]string{`{"title":1}`, `{"title":1}`, `{"title":2}`},
			cut + `{"$sort":{"d":1}} {"$limit":3} ` + whole + other, nil,
		},
		{
			"nothing is like it", titles, ``, 0, 1, false,
			[]string{`{"title":true}`, `{"title":true}`},
			cut + `{"$sort":{"d":1}} {"$limit":2} ` + whole,
			[]string{`{"title":true}`},
		},
		{
			"nothing tells what is like it: made here", titles, ``, 0, 1, false,
			[]string{`{"title":{"$numberDecimal":"1"}}`, `{"title":{"$numberDecimal":"1"}}`},
			cut + `{"$sort":{"d":1}} {"$limit":2} ` + whole, nil,
		},
		{"keys that may meet two arrays", titles, `{"title":1,"x":1}`, 0, 1, false, nil, ``, nil},
		{"a view that cannot be stated", `{"name":"r","apply_when":{"title":{"$regex":"Z"}},"fields":{"title":{"read":true}}}`, ``, 0, 1, false, nil, ``, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := returning(docs(t, `{"_id":1,"title":"Z"}`)...)
			s.features, s.result = everything, docs(t, tt.result...)
			if tt.others {
				s.others = docs(t, `{"n":1}`)
			}
			p, _ := newProxy(t, s, tt.roles, ``)
			got := []string{}
			err := p.Find(t.Context(), ann, proxy.Find{NS: ns, Sort: doc(t, tt.sort), Skip: tt.skip, Limit: tt.limit}, func(d bson.Raw) error {
				got = append(got, text(t, d))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			var sent []string
			for _, q := range s.pipelines {
				for _, st := range q.Stages {
					sent = append(sent, text(t, st))
				}
			}
			if diff := cmp.Diff(tt.wantSent, strings.Join(sent, " ")); diff != "" {
				t.Errorf("stages (-want +got):\n%s", diff)
			}
			if here := len(s.asked) > 0; here != (tt.want == nil) {
				t.Errorf("made here: %v", here)
			}
			if tt.want == nil {
				tt.want = docsFrom(tt.skip, `{"title":"Z"}`)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("documents (-want +got):\n%s", diff)
			}
		})
	}
}

// docsFrom is what a page shows of the only document.
func docsFrom(skip int64, only string) []string {
	if skip > 0 {
		return []string{}
	}
	return []string{only}
}
