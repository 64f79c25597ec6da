package pipeline_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/internal/pipeline"
)

func TestAccepted(t *testing.T) {
	t.Parallel()
	for _, text := range examples(t) {
		if _, err := pipeline.Parse(stages(t, text), pipeline.Options{}); err != nil {
			t.Errorf("Parse(%s): %v", text, err)
		}
	}
}

// The lists of the tests have everything that the package accepts.
func TestListsAreComplete(t *testing.T) {
	t.Parallel()
	for file, known := range map[string][]string{"expressions.txt": pipeline.OperatorNames(), "accumulators.txt": pipeline.AccumulatorNames()} {
		var listed []string
		allowed, _ := entries(t, file)
		for _, e := range allowed {
			listed = append(listed, e.name)
		}
		slices.Sort(listed)
		if diff := cmp.Diff(listed, known); diff != "" {
			t.Errorf("%s (-listed +known):\n%s", file, diff)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	tests := []struct{ pipeline, want string }{
		// Stages.
		{`[{"$lookup":{"from":"d"}}]`, `aggregation stage "$lookup" is not supported for this user`},
		{`[{}]`, `a stage of the pipeline must be an object with exactly one field`},
		{`[{"$limit":1,"$skip":1}]`, `a stage of the pipeline must be an object with exactly one field`},
		{`[{"match":{}}]`, `aggregation stage "match" is not supported for this user`},
		{`[{"$lookup\u00e9\n":1}]`, `aggregation stage "$lookup???" is not supported for this user`},
		{`[{"$facet":{"x":[{"$facet":{"y":[]}}]}}]`, `aggregation stage "$facet" is not supported inside $facet`},
		{`[{"$facet":{}}]`, `$facet needs an object with at least one field`},
		{`[{"$facet":{"x":{"$limit":1}}}]`, `each branch of $facet must be an array of stages`},
		{`[{"$facet":{"x":[[]]}}]`, `a stage of the pipeline must be an object with exactly one field`},
		{`[{"$facet":{"x.y":[]}}]`, `"x.y" in $facet cannot name a field: names are not empty, do not start with $ and contain no dot`},
		{`[{"$match":[]}]`, `$match needs an object`},
		{`[{"$match":{"$expr":{"$eq":[1,1]}}}]`, `$expr: the operator is not supported`},
		{`[{"$match":{"s":{"$regex":"(?=a)"}}}]`, `$regex: this kind of group is not supported`},
		{`[{"$project":{}}]`, `$project needs an object with at least one field`},
		{`[{"$project":{"x":{}}}]`, `$project: an empty object says neither 0 nor 1`},
		{`[{"$project":{"x":1,"y":0}}]`, `projection of "y": cannot stand in an inclusion`},
		{`[{"$project":{"x":1,"x.y":1}}]`, `projection of "x.y": collides with another path`},
		{`[{"$project":{"x.$":1}}]`, `$project: a name in "x.$" cannot start with $`},
		{`[{"$project":{"x":{"$meta":"textScore"}}}]`, `expression operator "$meta" is not supported for this user`},
		{`[{"$project":{"x":{"$elemMatch":{"y":1}}}}]`, `expression operator "$elemMatch" is not supported for this user`},
		{`[{"$set":{"":1}}]`, `the path has an empty segment`},
		{`[{"$set":{"x":{"y.z":1}}}]`, `"y.z" in an expression cannot name a field: names are not empty, do not start with $ and contain no dot`},
		{`[{"$addFields":[]}]`, `$addFields needs an object with at least one field`},
		{`[{"$unset":[]}]`, `$unset needs a string or a nonempty array of strings`},
		{`[{"$unset":["x",1]}]`, `$unset needs a string or a nonempty array of strings`},
		{`[{"$unset":"$x"}]`, `$unset: a name in "$x" cannot start with $`},
		{`[{"$unset":["x","x"]}]`, `projection of "x": collides with another path`},
		{`[{"$sort":{}}]`, `$sort needs an object with at least one field`},
		{`[{"$sort":{"x":{"$meta":"textScore"}}}]`, `x: the direction of a sort must be 1 or -1`},
		{`[{"$sort":{"x":1,"$_internalLimit":1}}]`, `$_internalLimit: a name in a sort cannot start with $`},
		{`[{"$limit":0}]`, `$limit needs a whole number from 1 to 9223372036854775807`},
		{`[{"$limit":1.5}]`, `$limit needs a whole number from 1 to 9223372036854775807`},
		{`[{"$limit":"1"}]`, `$limit needs a whole number from 1 to 9223372036854775807`},
		{`[{"$skip":-1}]`, `$skip needs a whole number from 0 to 9223372036854775807`},
		{`[{"$count":"$n"}]`, `$count needs the name of a field, which cannot start with $ or contain a dot`},
		{`[{"$count":"n.m"}]`, `$count needs the name of a field, which cannot start with $ or contain a dot`},
		{`[{"$count":{}}]`, `$count needs the name of a field, which cannot start with $ or contain a dot`},
		{`[{"$unwind":"a"}]`, `$unwind needs a path that starts with $`},
		{`[{"$unwind":"$$ROOT"}]`, `a field path is not valid: a name in it cannot start with $`},
		{`[{"$unwind":{"path":"$a","preserveNullAndEmptyArrays":1}}]`, `$unwind: "preserveNullAndEmptyArrays" must be true or false`},
		{`[{"$unwind":{"path":"$a","includeArrayIndex":"$i"}}]`, `$unwind: a name in "$i" cannot start with $`},
		{`[{"$unwind":{"path":"$a","includeArrayIndex":1}}]`, `$unwind: a path must be a string`},
		{`[{"$replaceRoot":"$o"}]`, `$replaceRoot needs an object`},
		{`[{"$replaceRoot":{"newRoot":"$o","x":1}}]`, `argument of $replaceRoot "x" is not supported for this user`},
		// Groups.
		{`[{"$group":{"x":{"$sum":1}}}]`, `$group needs a field "_id"`},
		{`[{"$group":{"_id":null,"x":1}}]`, `$group: the field "x" needs an object with exactly one accumulator`},
		{`[{"$group":{"_id":null,"x":{"$sum":1,"$avg":1}}}]`, `$group: the field "x" needs an object with exactly one accumulator`},
		{`[{"$group":{"_id":null,"x":{"$count":1}}}]`, `$count needs an empty object`},
		{`[{"$group":{"_id":null,"x":{"$sum":{"$sum":"$n"}}}}]`, `expression operator "$sum" is not supported for this user`},
		{`[{"$group":{"_id":null,"$doingMerge":true}}]`, `"$doingMerge" in $group cannot name a field: names are not empty, do not start with $ and contain no dot`},
		{`[{"$bucket":{"groupBy":"$n","boundaries":[{"$add":[1,1]},3]}}]`, `"boundaries" of $bucket must be a constant, without names or strings that start with $`},
		{`[{"$bucket":{"groupBy":"$n","boundaries":"$a"}}]`, `$bucket: "boundaries" must be an array`},
		{`[{"$bucket":{"groupBy":"$n","boundaries":[0,1],"default":"$$NOW"}}]`, `"default" of $bucket must be a constant, without names or strings that start with $`},
		{`[{"$bucket":{"groupBy":"$n","boundaries":[0,1],"output":{"_id":{"$sum":1}}}}]`, `$bucket: "output" cannot have a field "_id"`},
		{`[{"$bucketAuto":{"groupBy":"$n","buckets":0}}]`, `"buckets" of $bucketAuto needs a whole number from 1 to 2147483647`},
		{`[{"$bucketAuto":{"groupBy":"$n","buckets":1,"granularity":"R7"}}]`, `$bucketAuto: "granularity" must name a known series`},
		{`[{"$bucketAuto":{"groupBy":"$n"}}]`, `$bucketAuto needs an argument "buckets"`},
		// Windows.
		{`[{"$densify":{"field":"$n","range":{"step":1,"bounds":"full"}}}]`, `$densify: a name in "$n" cannot start with $`},
		{`[{"$densify":{"field":"n","range":{"step":"1","bounds":"full"}}}]`, `$densify: "step" must be a number`},
		{`[{"$densify":{"field":"n","range":{"step":1,"bounds":"all"}}}]`, `"bounds" of $densify must be two constants or a known word`},
		{`[{"$densify":{"field":"n","range":{"step":1,"bounds":[0,1,2]}}}]`, `"bounds" of $densify must be two constants or a known word`},
		{`[{"$densify":{"field":"n","range":{"step":1,"bounds":[0]}}}]`, `"bounds" of $densify must be two constants or a known word`},
		{`[{"$densify":{"field":"n","range":{"step":1,"bounds":"full","unit":"eon"}}}]`, `$densify: "unit" must name a unit of time`},
		{`[{"$densify":{"field":"n","partitionByFields":"s","range":{"step":1,"bounds":"full"}}}]`, `$densify: "partitionByFields" must be an array`},
		{`[{"$fill":{"output":{}}}]`, `"output" of $fill needs an object with at least one field`},
		{`[{"$fill":{"output":{"x":{"method":"best"}}}}]`, `$fill: each field of "output" needs a "value" or a known "method"`},
		{`[{"$fill":{"output":{"x":{"value":1,"method":"locf"}}}}]`, `$fill: each field of "output" needs a "value" or a known "method"`},
		{`[{"$fill":{"sortBy":{"n":2},"output":{"x":{"value":1}}}}]`, `n: the direction of a sort must be 1 or -1`},
		{`[{"$setWindowFields":{"output":{"x":{"$sum":1,"$avg":1}}}}]`, `$setWindowFields: each field of "output" needs exactly one operator`},
		{`[{"$setWindowFields":{"output":{"x":{"window":{}}}}}]`, `$setWindowFields: each field of "output" needs exactly one operator`},
		{`[{"$setWindowFields":{"output":{"x":{"$sum":1,"window":{"documents":[{"$add":[1]},1]}}}}}]`, `"documents" of $setWindowFields must be two constants or a known word`},
		{`[{"$setWindowFields":{"output":{"x":{"$sum":1,"window":{"range":"full"}}}}}]`, `"range" of $setWindowFields must be two constants or a known word`},
		// Expressions.
		{`[{"$set":{"x":{"$add":[1],"y":1}}}]`, `"$add" in an expression cannot name a field: names are not empty, do not start with $ and contain no dot`},
		{`[{"$set":{"x":{"y":1,"$add":[1]}}}]`, `"$add" in an expression cannot name a field: names are not empty, do not start with $ and contain no dot`},
		{`[{"$set":{"x":"$"}}]`, `a field path is not valid: the path has an empty segment`},
		{`[{"$set":{"x":"$a..b"}}]`, `a field path is not valid: the path has an empty segment`},
		{`[{"$set":{"x":"$a.$b"}}]`, `a field path is not valid: a name in it cannot start with $`},
		{`[{"$set":{"x":"$a\u0000"}}]`, `a field path is not valid: the name contains a NUL character`},
		{`[{"$set":{"x":"$$ROOT."}}]`, `a field path is not valid: the path has an empty segment`},
		{`[{"$set":{"x":"$$ROOT.$a"}}]`, `a field path is not valid: a name in it cannot start with $`},
		{`[{"$set":{"x":"$$"}}]`, `a string that starts with "$$" must name a variable`},
		{`[{"$set":{"x":"$$ secret"}}]`, `a string that starts with "$$" must name a variable`},
		{`[{"$set":{"x":"$$$a"}}]`, `a string that starts with "$$" must name a variable`},
		{`[{"$set":{"x":{"$regularExpression":{"pattern":"a","options":""}}}}]`, `a value of type "regex" is not allowed in an expression`},
		{`[{"$set":{"x":{"$minKey":1}}}]`, `a value of type "minKey" is not allowed in an expression`},
		{`[{"$set":{"x":{"$literal":[{"y":{"$symbol":"x"}}]}}}]`, `a value of type "symbol" is not allowed in an expression`},
		{`[{"$set":{"x":{"$cond":{"if":1,"then":2}}}}]`, `$cond needs an argument "else"`},
		{`[{"$set":{"x":{"$switch":{"branches":{"case":1,"then":1}}}}}]`, `$switch: "branches" must be an array`},
		{`[{"$set":{"x":{"$switch":{"branches":[{"case":1,"then":1,"else":1}]}}}}]`, `argument of a branch of $switch "else" is not supported for this user`},
		{`[{"$set":{"x":{"$let":{"vars":[],"in":1}}}}]`, `$let: "vars" must be an object`},
		{`[{"$set":{"x":{"$let":{"vars":{"CURRENT":"$o"},"in":"$x"}}}}]`, `variable of $let "CURRENT" is not supported for this user`},
		{`[{"$set":{"x":{"$let":{"vars":{"_x":1},"in":1}}}}]`, `variable of $let "_x" is not supported for this user`},
		{`[{"$set":{"x":{"$let":{"vars":{"x.y":1},"in":1}}}}]`, `variable of $let "x.y" is not supported for this user`},
		{`[{"$set":{"x":{"$let":{"vars":{"x":1,"y":"$$x"},"in":1}}}}]`, `variable "$$x" is not supported for this user`},
		{`[{"$set":{"x":[{"$let":{"vars":{"x":1},"in":1}},"$$x"]}}]`, `variable "$$x" is not supported for this user`},
		{`[{"$set":{"x":{"$map":{"input":"$$this","in":1}}}}]`, `variable "$$this" is not supported for this user`},
		{`[{"$set":{"x":{"$map":{"input":"$a","as":"e","in":"$$this"}}}}]`, `variable "$$this" is not supported for this user`},
		{`[{"$set":{"x":{"$map":{"input":"$a","as":"ROOT","in":1}}}}]`, `$map: "as" must be a name of letters, digits and "_" that starts with a small letter`},
		{`[{"$set":{"x":{"$map":{"input":"$a","as":1,"in":1}}}}]`, `$map: "as" must be a name of letters, digits and "_" that starts with a small letter`},
		{`[{"$set":{"x":{"$map":{"input":"$a","in":"$$value"}}}}]`, `variable "$$value" is not supported for this user`},
		{`[{"$set":{"x":{"$filter":{"input":"$a","cond":1,"limit":"$$this"}}}}]`, `variable "$$this" is not supported for this user`},
		{`[{"$set":{"x":{"$filter":{"input":"$a","cond":1,"arrayIndexAs":"i"}}}}]`, `argument of $filter "arrayIndexAs" is not supported for this user`},
		{`[{"$set":{"x":{"$reduce":{"input":"$a","initialValue":"$$value","in":1}}}}]`, `variable "$$value" is not supported for this user`},
		{`[{"$set":{"x":{"$trim":"$s"}}}]`, `$trim needs an object`},
		{`[{"$set":{"x":{"$year":{"date":"$d","format":1}}}}]`, `argument of $year "format" is not supported for this user`},
		{`[{"$set":{"x":{"$regexMatch":{"input":"$s","regex":"$n"}}}}]`, `$regexMatch: "regex" and "options" must be constants that do not start with $`},
		{`[{"$set":{"x":{"$regexMatch":{"input":"$s","regex":{"$concat":["a"]}}}}}]`, `$regexMatch: "regex" and "options" must be constants that do not start with $`},
		{`[{"$set":{"x":{"$regexMatch":{"input":"$s","regex":"a","options":"$s"}}}}]`, `$regexMatch: "regex" and "options" must be constants that do not start with $`},
		{`[{"$set":{"x":{"$regexMatch":{"input":"$s","regex":"(a)\\1"}}}}]`, `$regex: the pattern has an escape that is not supported`},
		{`[{"$set":{"x":{"$regexMatch":{"input":"$s","regex":1}}}}]`, `$regex: must be a string or a regular expression`},
		{`[{"$set":{"x":{"$regexMatch":{"input":"$s","regex":"a","options":"u"}}}}]`, `$options: the letters i, m, s and x are allowed`},
	}
	for _, tc := range tests {
		_, err := pipeline.Parse(stages(t, tc.pipeline), pipeline.Options{})
		var refused *pipeline.Error
		if !errors.As(err, &refused) || refused.Msg != tc.want {
			t.Errorf("Parse(%s)\n got %v\nwant %s", tc.pipeline, err, tc.want)
		}
	}
}
