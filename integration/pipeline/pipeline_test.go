// Package pipeline_test runs what package pipeline accepts on a real server.
package pipeline_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/integration/testdb"
	"github.com/rolegate/rolegate/internal/pipeline"
)

// documents are what the examples are written for: nothing in them makes an example fail.
var documents = []string{
	`{"_id":1,"n":5,"s":"abc","d":{"$date":"2020-01-01T00:00:00Z"},"a":[1,2,3],"o":{"x":1,"y":2}}`,
	`{"_id":2,"n":1,"s":"b","d":{"$date":"2020-01-02T00:00:00Z"},"a":[5],"o":{"x":2}}`,
	`{"_id":3,"n":2,"s":"abc","d":{"$date":"2020-01-03T00:00:00Z"},"a":[],"o":{}}`,
}

func open(t *testing.T) *mongo.Collection {
	t.Helper()
	s := testdb.Open(t)
	s.NeedReal(t, "complete aggregation")
	docs := make([]any, len(documents))
	for i, text := range documents {
		var doc bson.D
		if err := bson.UnmarshalExtJSON([]byte(text), false, &doc); err != nil {
			t.Fatal(err)
		}
		docs[i] = doc
	}
	db := s.Database(t)
	s.Seed(t, db, "c", docs...)
	return s.Client(t).Database(db).Collection("c")
}

// readList returns the lines of a list of the package: names, some with an example.
func readList(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile("../../internal/pipeline/testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "# ") {
			out = append(out, line)
		}
	}
	return out
}

func stages(t *testing.T, text string) []bson.Raw {
	t.Helper()
	var parsed struct{ P []bson.Raw }
	if err := bson.UnmarshalExtJSON([]byte(`{"p":`+text+`}`), false, &parsed); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return parsed.P
}

func parse(t *testing.T, text string) *pipeline.Pipeline {
	t.Helper()
	p, err := pipeline.Parse(stages(t, text), pipeline.Options{})
	if err != nil {
		t.Fatalf("Parse(%s): %v", text, err)
	}
	return p
}

func aggregate(t *testing.T, c *mongo.Collection, stages []bson.Raw) ([]bson.Raw, error) {
	t.Helper()
	cur, err := c.Aggregate(t.Context(), stages)
	if err != nil {
		return nil, err
	}
	docs := []bson.Raw{}
	err = cur.All(t.Context(), &docs)
	return docs, err
}

// Each example of an operator is what the server means by it. This needs MongoDB 8.
func TestServerRunsTheExamples(t *testing.T) {
	c := open(t)
	examples := readList(t, "accepted.txt")
	for _, file := range []string{"stages.txt", "expressions.txt", "accumulators.txt", "window.txt", "query.txt", "variables.txt"} {
		for _, line := range readList(t, file) {
			if _, example, ok := strings.Cut(line, " "); ok {
				examples = append(examples, example)
			}
		}
	}
	for _, text := range examples {
		parse(t, text)
		if _, err := aggregate(t, c, stages(t, text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Each position in which the package checks an expression is one in which the server takes one.
func TestServerEvaluatesThePositions(t *testing.T) {
	c := open(t)
	empty := c.Database().Collection("empty")
	for _, position := range readList(t, "positions.txt") {
		if _, err := aggregate(t, empty, stages(t, strings.ReplaceAll(position, "EXPR", `{"$ifNull":["$n","$s"]}`))); err != nil {
			t.Errorf("%s: %v", position, err)
		}
		if _, err := aggregate(t, empty, stages(t, strings.ReplaceAll(position, "EXPR", `{"$noSuchOperator":"$n"}`))); err == nil {
			t.Errorf("%s takes anything", position)
		}
	}
}

// The server tells which names it knows: the lists have them all, so that every one of them is tried.
func TestListsHaveWhatTheServerHas(t *testing.T) {
	c := open(t)
	var status struct {
		Metrics struct {
			AggStageCounters map[string]any
			OperatorCounters map[string]map[string]any
		}
	}
	if err := c.Database().RunCommand(t.Context(), bson.D{{Key: "serverStatus", Value: 1}}).Decode(&status); err != nil {
		t.Fatal(err)
	}
	for file, known := range map[string]map[string]any{
		"stages.txt": status.Metrics.AggStageCounters, "expressions.txt": status.Metrics.OperatorCounters["expressions"],
		"accumulators.txt": status.Metrics.OperatorCounters["groupAccumulators"], "window.txt": status.Metrics.OperatorCounters["windowAccumulators"],
		"query.txt": status.Metrics.OperatorCounters["match"],
	} {
		listed := map[string]bool{}
		for _, line := range readList(t, file) {
			name, _, _ := strings.Cut(line, " ")
			listed[name] = true
		}
		if len(known) == 0 {
			t.Errorf("the server has no counters for %s", file)
		}
		for name := range known {
			if !listed[name] {
				t.Errorf("%s lacks %s", file, name)
			}
		}
	}
}

// A pipeline that is a find gives what the find gives.
func TestLeadingIsAFind(t *testing.T) {
	c := open(t)
	parts := []string{
		`{"$match":{"n":{"$gt":0}}}`, `{"$match":{"a":{"$size":3}}}`, `{"$sort":{"s":1,"n":-1}}`, `{"$skip":1}`, `{"$limit":1}`,
		`{"$project":{"n":1,"o":{"x":1}}}`, `{"$unset":["_id","o.x"]}`, `{"$count":"total"}`,
	}
	for set := range 1 << len(parts) {
		var chosen []string
		for i, part := range parts {
			if set>>i&1 == 1 {
				chosen = append(chosen, part)
			}
		}
		text := "[" + strings.Join(chosen, ",") + "]"
		l := parse(t, text).Leading()
		if len(l.Rest) > 0 {
			continue // two projections
		}
		want, err := aggregate(t, c, stages(t, text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, find(t, c, l)); diff != "" {
			t.Errorf("%s (-aggregated +found):\n%s", text, diff)
		}
	}
}

// find runs the leading part of a pipeline; the projection and the count are made here, as the proxy makes them.
func find(t *testing.T, c *mongo.Collection, l pipeline.Leading) []bson.Raw {
	t.Helper()
	filters := bson.A{bson.D{}}
	for _, st := range l.Match {
		filters = append(filters, st.FilterDoc)
	}
	o := options.Find().SetSkip(l.Skip).SetLimit(l.Limit)
	if l.Sort != nil {
		o.SetSort(l.Sort.Keys())
	}
	cur, err := c.Find(t.Context(), bson.D{{Key: "$and", Value: filters}}, o)
	if err != nil {
		t.Fatal(err)
	}
	docs := []bson.Raw{}
	if err := cur.All(t.Context(), &docs); err != nil {
		t.Fatal(err)
	}
	for i := range docs {
		if l.Projection != nil {
			if docs[i], err = filter.Project(nil, docs[i], *l.Projection); err != nil {
				t.Fatal(err)
			}
		}
	}
	if l.CountField == "" || len(docs) == 0 {
		return docs // nothing is counted, not even to zero
	}
	counted, err := bson.Marshal(bson.D{{Key: l.CountField, Value: int32(len(docs))}})
	if err != nil {
		t.Fatal(err)
	}
	return []bson.Raw{counted}
}
