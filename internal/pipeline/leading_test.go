package pipeline_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/pipeline"
)

// summary is a Leading in a form that can be compared.
type summary struct {
	Match       []string
	Sort        string
	Skip, Limit int64
	Projected   string // what the projection shows of a document
	CountField  string
	Rest        []string
}

func summarize(t *testing.T, l pipeline.Leading) summary {
	t.Helper()
	s := summary{Skip: l.Skip, Limit: l.Limit, CountField: l.CountField}
	for _, st := range l.Match {
		s.Match = append(s.Match, st.FilterDoc.String())
	}
	if l.Sort != nil {
		s.Sort = l.Sort.Keys().String()
	}
	if l.Projection != nil {
		doc := stages(t, `[{"_id":1,"a":1,"b":{"c":1,"d":1}}]`)[0]
		out, err := filter.Project(nil, doc, *l.Projection)
		if err != nil {
			t.Fatal(err)
		}
		s.Projected = bson.Raw(out).String()
	}
	for _, st := range l.Rest {
		s.Rest = append(s.Rest, st.Name)
	}
	return s
}

func TestLeading(t *testing.T) {
	t.Parallel()
	number := func(s string) string { return `{"$numberInt":"` + s + `"}` }
	tests := []struct {
		pipeline string
		want     summary
	}{
		{`[]`, summary{}},
		{
			`[{"$match":{"a":1}},{"$match":{}},{"$sort":{"a":-1}},{"$skip":2},{"$limit":3},{"$project":{"a":1}},{"$count":"n"}]`,
			summary{
				Match: []string{`{"a": ` + number("1") + `}`, `{}`}, Sort: `{"a": ` + number("-1") + `}`, Skip: 2, Limit: 3,
				Projected: `{"_id": ` + number("1") + `,"a": ` + number("1") + `}`, CountField: "n",
			},
		},
		{`[{"$project":{"a":0,"b":{"c":0}}}]`, summary{Projected: `{"_id": ` + number("1") + `,"b": {"d": ` + number("1") + `}}`}},
		{`[{"$unset":["_id","b.c"]}]`, summary{Projected: `{"a": ` + number("1") + `,"b": {"d": ` + number("1") + `}}`}},
		{`[{"$unset":"b"}]`, summary{Projected: `{"_id": ` + number("1") + `,"a": ` + number("1") + `}`}},
		{`[{"$project":{"a":1,"x":"$b"}}]`, summary{Rest: []string{"$project"}}},
		{`[{"$project":{"a":1,"x":{"y":"$b"}}}]`, summary{Rest: []string{"$project"}}},
		{`[{"$project":{"a":1,"x":{"y":1,"z":{"$abs":1}}}}]`, summary{Rest: []string{"$project"}}},
		{`[{"$limit":3},{"$skip":2}]`, summary{Limit: 3, Rest: []string{"$skip"}}},
		{`[{"$limit":3},{"$limit":2}]`, summary{Limit: 3, Rest: []string{"$limit"}}},
		{`[{"$skip":3},{"$skip":2}]`, summary{Skip: 3, Rest: []string{"$skip"}}},
		{`[{"$limit":3},{"$match":{}}]`, summary{Limit: 3, Rest: []string{"$match"}}},
		{`[{"$sort":{"a":1}},{"$sort":{"b":1}},{"$limit":1}]`, summary{Sort: `{"a": ` + number("1") + `}`, Rest: []string{"$sort", "$limit"}}},
		{`[{"$unset":"b"},{"$unset":"a"}]`, summary{Projected: `{"_id": ` + number("1") + `,"a": ` + number("1") + `}`, Rest: []string{"$unset"}}},
		{`[{"$unset":"b"},{"$match":{}}]`, summary{Projected: `{"_id": ` + number("1") + `,"a": ` + number("1") + `}`, Rest: []string{"$match"}}},
		{`[{"$count":"n"},{"$count":"m"}]`, summary{CountField: "n", Rest: []string{"$count"}}},
		{`[{"$count":"n"},{"$project":{"n":1}}]`, summary{CountField: "n", Rest: []string{"$project"}}},
		{`[{"$limit":1},{"$group":{"_id":null}},{"$match":{}}]`, summary{Limit: 1, Rest: []string{"$group", "$match"}}},
		{`[{"$facet":{"x":[{"$limit":1}]}}]`, summary{Rest: []string{"$facet"}}},
	}
	for _, tc := range tests {
		got := summarize(t, mustParse(t, tc.pipeline).Leading())
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("Leading of %s (-want +got):\n%s", tc.pipeline, diff)
		}
	}
	var none *pipeline.Pipeline
	if diff := cmp.Diff(summary{}, summarize(t, none.Leading())); diff != "" {
		t.Errorf("Leading of no pipeline (-want +got):\n%s", diff)
	}
}

func TestStagesKeepWhatWasWritten(t *testing.T) {
	t.Parallel()
	for _, text := range examples(t) {
		written := stages(t, text)
		got := mustParse(t, text).Stages()
		if len(got) != len(written) {
			t.Fatalf("%s has %d stages", text, len(got))
		}
		for i, st := range got {
			elements, err := written[i].Elements()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(written[i].String(), st.Raw.String()); diff != "" || st.Name != elements[0].Key() {
				t.Errorf("stage %d of %s is %s (-want +got):\n%s", i, text, st.Name, diff)
			}
		}
	}
	match := mustParse(t, `[{"$match":{"a":1}}]`).Stages()[0]
	if !match.Filter.Match(stages(t, `[{"a":1}]`)[0]) || match.Filter.Match(stages(t, `[{"a":2}]`)[0]) {
		t.Error("the filter of $match matches something else")
	}
}
