package pipeline_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/pipeline"
)

func many(n int, one string) string { return strings.TrimSuffix(strings.Repeat(one+",", n), ",") }

func nested(n int, open, inner, end string) string {
	return strings.Repeat(open, n) + inner + strings.Repeat(end, n)
}

func TestLimits(t *testing.T) {
	t.Parallel()
	facet := func(branches int) string {
		var b strings.Builder
		for i := range branches {
			fmt.Fprintf(&b, `"b%d":[],`, i)
		}
		return `[{"$facet":{` + strings.TrimSuffix(b.String(), ",") + `}}]`
	}
	tests := []struct {
		name, at, over string // a pipeline at the limit, and one over it
		options        pipeline.Options
	}{
		{"stages", `[` + many(50, `{"$limit":1}`) + `]`, `[` + many(51, `{"$limit":1}`) + `]`, pipeline.Options{}},
		{
			"stages inside facets", `[{"$facet":{"x":[` + many(24, `{"$limit":1}`) + `],"y":[` + many(25, `{"$limit":1}`) + `]}}]`,
			`[{"$facet":{"x":[` + many(25, `{"$limit":1}`) + `],"y":[` + many(25, `{"$limit":1}`) + `]}}]`,
			pipeline.Options{},
		},
		{"branches", facet(20), facet(21), pipeline.Options{}},
		// A path, a $literal, an array and its elements.
		{"nodes", `[{"$set":{"x":{"$literal":[` + many(4997, `1`) + `]}}}]`, `[{"$set":{"x":{"$literal":[` + many(4998, `1`) + `]}}}]`, pipeline.Options{}},
		{"nodes of two stages", `[{"$set":{"x":1}},{"$unset":"y"}]`, `[{"$set":{"x":1}},{"$unset":["x","y"]}]`, pipeline.Options{MaxNodes: 3}},
		{"nodes of a group", `[{"$group":{"_id":"$a","x":{"$count":{}}}}]`, `[{"$group":{"_id":"$a","x":{"$count":{}},"y":{"$count":{}}}}]`, pipeline.Options{MaxNodes: 2}},
		{"names of a projection", `[{"$project":{"a":1,"b":1}}]`, `[{"$project":{"a":1,"b":1,"c":1}}]`, pipeline.Options{MaxNodes: 2}},
		{"references", `[{"$set":{"x":["$a"]}}]`, `[{"$set":{"x":["$a","$b"]}}]`, pipeline.Options{MaxNodes: 3}},
		{"documents", `[{"$set":{"x":[{}]}}]`, `[{"$set":{"x":[{},{}]}}]`, pipeline.Options{MaxNodes: 3}},
		{
			"paths of a partition", `[{"$fill":{"partitionByFields":["a"],"output":{"x":{"value":1}}}}]`,
			`[{"$fill":{"partitionByFields":["a","b"],"output":{"x":{"value":1}}}}]`,
			pipeline.Options{MaxNodes: 3},
		},
		{"depth", `[{"$replaceWith":` + nested(98, `[`, `{}`, `]`) + `}]`, `[{"$replaceWith":` + nested(99, `[`, `{}`, `]`) + `}]`, pipeline.Options{}},
		{"depth of operators", `[{"$replaceWith":` + nested(5, `{"$not":`, `1`, `}`) + `}]`, `[{"$replaceWith":` + nested(6, `{"$not":`, `1`, `}`) + `}]`, pipeline.Options{MaxDepth: 6}},
		{"segments", `[{"$set":{"x":"$a` + strings.Repeat(".a", 49) + `"}}]`, `[{"$set":{"x":"$a` + strings.Repeat(".a", 50) + `"}}]`, pipeline.Options{}},
		{"segments of a variable", `[{"$set":{"x":"$$ROOT` + strings.Repeat(".a", 50) + `"}}]`, `[{"$set":{"x":"$$ROOT` + strings.Repeat(".a", 51) + `"}}]`, pipeline.Options{}},
		{
			"segments of a projection", `[{"$project":{"a` + strings.Repeat(".a", 24) + `":{"a` + strings.Repeat(".a", 24) + `":"$x"}}}]`,
			`[{"$project":{"a` + strings.Repeat(".a", 24) + `":{"a` + strings.Repeat(".a", 25) + `":"$x"}}}]`,
			pipeline.Options{},
		},
		{
			"a pattern", `[{"$set":{"x":{"$regexMatch":{"input":"$s","regex":"` + strings.Repeat("a", 512) + `"}}}}]`,
			`[{"$set":{"x":{"$regexMatch":{"input":"$s","regex":"` + strings.Repeat("a", 513) + `"}}}}]`,
			pipeline.Options{},
		},
		{"patterns in filters", `[{"$match":{"s":"a"}}]`, `[{"$match":{"s":{"$regex":"a"}}}]`, pipeline.Options{NoRegex: true}},
		{"patterns in expressions", `[{"$set":{"x":"a"}}]`, `[{"$set":{"x":{"$regexMatch":{"input":"$s","regex":"a"}}}}]`, pipeline.Options{NoRegex: true}},
	}
	for _, tc := range tests {
		if _, err := pipeline.Parse(stages(t, tc.at), tc.options); err != nil {
			t.Errorf("%s: at the limit: %v", tc.name, err)
		}
		_, err := pipeline.Parse(stages(t, tc.over), tc.options)
		var refused *pipeline.Error
		if !errors.As(err, &refused) {
			t.Errorf("%s: over the limit: %v", tc.name, err)
		}
	}
}

// What cannot be written as JSON.
func TestBytes(t *testing.T) {
	t.Parallel()
	marshal := func(v any) bson.Raw {
		raw, err := bson.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	set := func(v any) bson.Raw { return marshal(bson.D{{Key: "$set", Value: bson.D{{Key: "x", Value: v}}}}) }
	twice := func(op, name string, others ...string) bson.Raw {
		args := bson.D{{Key: name, Value: "$a"}, {Key: name, Value: "$a"}}
		for _, other := range others {
			args = append(args, bson.E{Key: other, Value: "$a"})
		}
		return set(bson.D{{Key: op, Value: args}})
	}
	valid := set(1)
	broken := append(bson.Raw(nil), valid...)
	broken[len(broken)-7]++
	for name, raw := range map[string]bson.Raw{
		"nil":                    nil,
		"cut":                    valid[:len(valid)-1],
		"broken":                 broken,
		"not UTF-8":              set("\xff"),
		"undefined":              set(bson.Undefined{}),
		"symbol":                 set(bson.Symbol("x")),
		"code":                   set(bson.JavaScript("x")),
		"code with a scope":      set(bson.CodeWithScope{Code: "x", Scope: bson.D{}}),
		"a database pointer":     set(bson.DBPointer{DB: "x"}),
		"a reference":            set(bson.D{{Key: "$ref", Value: "c"}, {Key: "$id", Value: 1}}),
		"a stage twice":          marshal(bson.D{{Key: "$limit", Value: 1}, {Key: "$limit", Value: 1}}),
		"an operator twice":      set(bson.D{{Key: "$abs", Value: 1}, {Key: "$abs", Value: 1}}),
		"an argument twice":      twice("$trim", "input"),
		"the vars twice":         set(bson.D{{Key: "$let", Value: bson.D{{Key: "vars", Value: bson.D{}}, {Key: "vars", Value: bson.D{}}, {Key: "in", Value: 1}}}}),
		"the pattern twice":      twice("$regexMatch", "regex", "input"),
		"the branches twice":     twice("$switch", "branches"),
		"the cond twice":         twice("$filter", "cond", "input"),
		"the if twice":           twice("$cond", "if", "then", "else"),
		"a new field twice":      marshal(bson.D{{Key: "$unset", Value: bson.A{"a", "a"}}}),
		"NUL in a count":         marshal(bson.D{{Key: "$count", Value: "a\x00b"}}),
		"NUL in an unset":        marshal(bson.D{{Key: "$unset", Value: "a\x00b"}}),
		"NUL in a path":          set("$a\x00b"),
		"a name of 1,025 bytes":  marshal(bson.D{{Key: "$unset", Value: strings.Repeat("a", 1025)}}),
		"a path of 1,025 bytes":  set("$" + strings.Repeat("a", 1025)),
		"not a number to skip":   marshal(bson.D{{Key: "$skip", Value: math.NaN()}}),
		"an array for a filter":  marshal(bson.D{{Key: "$match", Value: bson.A{bson.D{}}}}),
		"an array for arguments": set(bson.D{{Key: "$map", Value: bson.A{"$a"}}}),
	} {
		p, err := pipeline.Parse([]bson.Raw{raw}, pipeline.Options{})
		var refused *pipeline.Error
		if !errors.As(err, &refused) || p != nil {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
}

// The text of an error goes to the client and to logs: constants do not.
func TestErrorsShowNoValues(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`[{"$set":{"x":"$$ SECRET"}}]`, `[{"$set":{"x":"$5.00. SECRET.."}}]`, `[{"$count":"$SECRET"}]`, `[{"$limit":"SECRET"}]`, `[{"$unwind":"SECRET"}]`,
		`[{"$bucketAuto":{"groupBy":"$n","buckets":2,"granularity":"SECRET"}}]`, `[{"$set":{"x":{"$regexMatch":{"input":"x","regex":"(SECRET"}}}}]`,
		`[{"$match":{"n":{"$size":"SECRET"}}}]`, `[{"$fill":{"output":{"x":{"method":"SECRET"}}}}]`, `[{"$sort":{"x":"SECRET"}}]`,
		`[{"$set":{"x":{"$map":{"input":"$a","as":"$SECRET","in":1}}}}]`, `[{"$bucket":{"groupBy":"$n","boundaries":["$SECRET"]}}]`,
	} {
		_, err := pipeline.Parse(stages(t, text), pipeline.Options{})
		if err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("Parse(%s) = %v", text, err)
		}
	}
}
