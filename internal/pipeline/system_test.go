package pipeline_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/internal/pipeline"
)

// TestStagesOfTheSystem is about the stages that no client may use, and about what is refused in them.
func TestStagesOfTheSystem(t *testing.T) {
	for _, tt := range []struct {
		pipeline string
		others   []string
	}{
		{`[{"$lookup":{"from":"d","localField":"a","foreignField":"b.c","as":"x"}}]`, []string{"d"}},
		{`[{"$lookup":{"from":"d","as":"x","pipeline":[{"$match":{"a":1}},{"$unionWith":"e"},{"$facet":{"y":[{"$sample":{"size":1}}]}}]}}]`, []string{"d", "e"}},
		{`[{"$unionWith":{"coll":"d","pipeline":[{"$lookup":{"from":"d","localField":"a","foreignField":"a","as":"x"}}]}}]`, []string{"d"}},
		{`[{"$facet":{"y":[{"$unionWith":"d"}]}}]`, []string{"d"}},
		{`[{"$graphLookup":{"from":"d","startWith":"$a","connectFromField":"a","connectToField":"b","as":"x","maxDepth":2,"depthField":"n","restrictSearchWithMatch":{"a":1}}}]`, []string{"d"}},
		{`[{"$sample":{"size":3}}]`, nil},
		{`[{"$redact":{"$cond":[{"$eq":["$a",1]},"$$KEEP","$$PRUNE"]}}]`, nil},
	} {
		p, err := pipeline.Parse(stages(t, tt.pipeline), pipeline.Options{System: true})
		if diff := cmp.Diff(tt.others, p.Others()); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", tt.pipeline, err, diff)
		}
		wantRefused(t, tt.pipeline, `" is not supported for this user`)
	}
	for _, text := range []string{
		`[{"$lookup":{"from":{"db":"admin","coll":"users"},"localField":"a","foreignField":"b","as":"x"}}]`,
		`[{"$lookup":{"as":"x","pipeline":[]}}]`,
		`[{"$lookup":{"from":"d","as":"$x","pipeline":[]}}]`,
		`[{"$lookup":{"from":"d","as":"x","let":{"a":1},"pipeline":[]}}]`,
		`[{"$lookup":{"from":"d","as":"x","pipeline":[{"$out":"e"}]}}]`,
		`[{"$lookup":{"from":"d","as":"x","pipeline":[{"$match":{"$where":"1"}}]}}]`,
		`[{"$lookup":{"from":"d","as":"x","pipeline":{"$match":{}}}}]`,
		`[{"$unionWith":{"coll":"d","db":"admin"}}]`,
		`[{"$unionWith":{"coll":"d","pipeline":[{"$set":{"x":{"$function":{}}}}]}}]`,
		`[{"$unionWith":1}]`,
		`[{"$graphLookup":{"from":"d","startWith":{"$function":{}},"connectFromField":"a","connectToField":"b","as":"x"}}]`,
		`[{"$graphLookup":{"from":"d","startWith":"$a","connectFromField":"a","connectToField":"b","as":"x","restrictSearchWithMatch":{"$where":"1"}}}]`,
		`[{"$graphLookup":{"from":"d","startWith":"$a","connectFromField":"a","connectToField":"b","as":"x","maxDepth":-1}}]`,
		`[{"$sample":{"size":0}}]`,
		`[{"$redact":"$$CLUSTER_TIME"}]`,
		`[{"$set":{"a":"$$PRUNE"}}]`,
		`[{"$out":"d"}]`,
		`[{"$merge":"d"}]`,
		`[{"$currentOp":{}}]`,
		`[{"$documents":[{"a":1}]}]`,
	} {
		_, err := pipeline.Parse(stages(t, text), pipeline.Options{System: true})
		var refused *pipeline.Error
		if !errors.As(err, &refused) {
			t.Errorf("%s: %v, want it refused", text, err)
		}
	}
}
