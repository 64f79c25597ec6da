package pipeline_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/pipeline"
)

// operands are what a name that is not allowed is tried with.
var operands = []string{`1`, `"$n"`, `{}`, `["$n",1]`, `{"input":"$a","in":1}`}

// wantRefused wants a pipeline to be refused for the sake of one name.
func wantRefused(t *testing.T, text, name string) {
	t.Helper()
	_, err := pipeline.Parse(stages(t, text), pipeline.Options{})
	var refused *pipeline.Error
	if !errors.As(err, &refused) || !strings.Contains(refused.Msg, name) {
		t.Errorf("Parse(%s) = %v, want a refusal of %s", text, err, name)
	}
}

// checkPositions wants that what is refused in these positions is not refused because of them.
func checkPositions(t *testing.T, positions []string, placeholder, valid string) {
	t.Helper()
	for _, position := range positions {
		if !strings.Contains(position, placeholder) {
			t.Errorf("%s has no %s", position, placeholder)
		}
		mustParse(t, strings.ReplaceAll(position, placeholder, valid))
	}
}

func TestStagesNotListedAreRefusedEverywhere(t *testing.T) {
	t.Parallel()
	positions := []string{
		`[STAGE]`, `[STAGE,{"$limit":1}]`, `[{"$match":{}},STAGE]`, `[{"$facet":{"x":[STAGE]}}]`, `[{"$facet":{"x":[],"y":[{"$match":{}},STAGE]}}]`,
		`[{"$limit":1},{"$facet":{"x":[{"$limit":1}],"y":[STAGE,{"$limit":1}]}},{"$limit":1}]`,
	}
	checkPositions(t, positions, "STAGE", `{"$match":{}}`)
	_, refused := entries(t, "stages.txt")
	for _, e := range refused {
		for _, position := range positions {
			for _, operand := range append(operands, `{"from":"c","pipeline":[],"as":"x"}`, `"c"`) {
				text := strings.ReplaceAll(position, "STAGE", fmt.Sprintf(`{%q:%s}`, e.name, operand))
				wantRefused(t, text, `aggregation stage "`+e.name+`" is not supported for this user`)
			}
		}
	}
}

func TestExpressionsNotListedAreRefusedEverywhere(t *testing.T) {
	t.Parallel()
	positions := lines(t, "positions.txt")
	checkPositions(t, positions, "EXPR", `{"$toString":"$n"}`)
	_, refused := entries(t, "expressions.txt")
	for _, e := range refused {
		for _, position := range positions {
			for _, operand := range operands {
				text := strings.ReplaceAll(position, "EXPR", fmt.Sprintf(`{%q:%s}`, e.name, operand))
				wantRefused(t, text, `expression operator "`+e.name+`" is not supported for this user`)
			}
		}
	}
}

func TestVariablesNotListedAreRefusedEverywhere(t *testing.T) {
	t.Parallel()
	positions := lines(t, "positions.txt")
	checkPositions(t, positions, "EXPR", `"$$ROOT"`)
	_, refused := entries(t, "variables.txt")
	for _, e := range refused {
		for _, position := range positions {
			if strings.Contains(position, `"in":EXPR`) && (e.name == "$$this" || e.name == "$$value" || e.name == "$$x") {
				continue // bound there
			}
			for _, below := range []string{"", ".a", ".a.b"} {
				wantRefused(t, strings.ReplaceAll(position, "EXPR", `"`+e.name+below+`"`), `variable "`+e.name+`" is not supported for this user`)
			}
		}
	}
}

func TestAccumulatorsNotListedAreRefusedEverywhere(t *testing.T) {
	t.Parallel()
	for _, list := range []struct {
		file, kind string
		positions  []string
	}{
		{"accumulators.txt", "accumulator", []string{
			`[{"$group":{"_id":null,"x":ACC}}]`, `[{"$group":{"x":{"$sum":1},"y":ACC,"_id":"$n"}}]`, `[{"$bucket":{"groupBy":"$n","boundaries":[0,1],"output":{"x":ACC}}}]`,
			`[{"$bucketAuto":{"groupBy":"$n","buckets":2,"output":{"x":{"$sum":1},"y":ACC}}}]`, `[{"$facet":{"x":[{"$group":{"_id":null,"x":ACC}}]}}]`,
		}},
		{"window.txt", "window operator", []string{
			`[{"$setWindowFields":{"output":{"x":ACC}}}]`, `[{"$setWindowFields":{"sortBy":{"n":1},"output":{"x":{"$sum":1},"y.z":ACC}}}]`,
			`[{"$facet":{"x":[{"$setWindowFields":{"output":{"x":ACC}}}]}}]`,
		}},
	} {
		checkPositions(t, list.positions, "ACC", `{"$sum":"$n"}`)
		_, refused := entries(t, list.file)
		for _, e := range refused {
			for _, position := range list.positions {
				for _, operand := range operands {
					text := strings.ReplaceAll(position, "ACC", fmt.Sprintf(`{%q:%s}`, e.name, operand))
					wantRefused(t, text, list.kind+` "`+e.name+`" is not supported for this user`)
				}
			}
		}
	}
}

func TestQueryOperatorsNotListedAreRefusedEverywhere(t *testing.T) {
	t.Parallel()
	positions := []string{
		`[{"$match":{OP}}]`, `[{"$match":{"n":{OP}}}]`, `[{"$match":{"n":{"$gt":1,OP}}}]`, `[{"$match":{"$and":[{"n":1},{OP}]}}]`, `[{"$match":{"$or":[{"n":{OP}}]}}]`,
		`[{"$match":{"$nor":[{"$and":[{OP}]}]}}]`, `[{"$match":{"n":{"$not":{OP}}}}]`, `[{"$match":{"a":{"$elemMatch":{OP}}}}]`, `[{"$match":{"a":{"$elemMatch":{"x":{OP}}}}}]`,
		`[{"$match":{"a":{"$all":[{OP}]}}}]`, `[{"$match":{"n":{"$in":[{OP}]}}}]`, `[{"$match":{"n":{"x":{OP}}}}]`, `[{"$limit":1},{"$facet":{"x":[{"$match":{OP}}]}}]`,
	}
	_, refused := entries(t, "query.txt")
	for _, e := range refused {
		for _, position := range positions {
			for _, operand := range operands {
				wantRefused(t, strings.ReplaceAll(position, "OP", fmt.Sprintf(`%q:%s`, e.name, operand)), "")
			}
		}
	}
}

// poisons are values that are refused wherever a pipeline has a value, except as data.
var poisons = []string{
	`{"$function":{"body":"","args":[],"lang":"js"}}`, `"$$USER_ROLES"`, `[{"$getField":"n"}]`, `{"x":{"y":"$$CURRENT.n"}}`, `{"$undefined":true}`,
	`[{"$lookup":{"from":"c","pipeline":[],"as":"x"}}]`, `{"$code":"x"}`, `"$n.$x"`, `{"$add":[1,1],"$function":{}}`,
}

// A pipeline that is accepted is changed at one place, whatever the place is: the result is refused. This needs no list
// of places, so it finds those that were forgotten.
func TestNothingIsLeftUnchecked(t *testing.T) {
	t.Parallel()
	pipelines := examples(t)
	for _, position := range lines(t, "positions.txt") {
		pipelines = append(pipelines, strings.ReplaceAll(position, "EXPR", `{"$toString":"$n"}`))
	}
	tried := 0
	for _, text := range pipelines {
		for _, poison := range poisons {
			for _, changed := range poisoned(tree(t, text), tree(t, poison)) {
				stages, ok := written(t, changed.pipeline)
				if !ok {
					continue
				}
				tried++
				if _, err := pipeline.Parse(stages, pipeline.Options{}); err == nil {
					t.Errorf("%s is accepted with %s at %s", text, poison, changed.at)
				}
			}
		}
	}
	if tried < 10_000 {
		t.Errorf("tried %d places", tried)
	}
}

// Parts of the examples and poisons are put together at random. What is then accepted has no name that is not listed.
func TestMixtures(t *testing.T) {
	t.Parallel()
	var pipelines, donors []any
	for _, text := range examples(t) {
		if text != "[]" {
			pipelines = append(pipelines, tree(t, text))
			donors = append(donors, parts(tree(t, text))...)
		}
	}
	for _, poison := range poisons {
		donors = append(donors, parts(tree(t, poison))...)
	}
	w := newWalker(t)
	accepted := 0
	r := rand.New(rand.NewPCG(1, 1))
	for range 10_000 {
		mixed := pipelines[r.IntN(len(pipelines))]
		for range 1 + r.IntN(4) {
			changes := poisoned(mixed, donors[r.IntN(len(donors))])
			mixed = changes[r.IntN(len(changes))].pipeline
			if list, ok := mixed.(bson.A); !ok || len(list) == 0 {
				break
			}
		}
		stages, ok := written(t, mixed)
		if !ok {
			continue
		}
		if _, err := pipeline.Parse(stages, pipeline.Options{}); err != nil {
			continue
		}
		accepted++
		for _, stage := range stages {
			if found := w.look(bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: stage}, false); found != "" {
				t.Errorf("%s is accepted with %q", stage, found)
			}
		}
	}
	if accepted < 100 {
		t.Errorf("%d were accepted", accepted)
	}
}
