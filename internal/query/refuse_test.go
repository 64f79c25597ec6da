package query_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/query"
)

// serverOperators are MongoDB's query operators that are not on the allow-list, and names that are none.
var serverOperators = []string{
	"$expr", "$where", "$function", "$text", "$jsonSchema", "$sampleRate", "$near", "$nearSphere", "$geoWithin", "$geoIntersects", "$within", "$geometry",
	"$center", "$centerSphere", "$box", "$polygon", "$maxDistance", "$minDistance", "$uniqueDocs", "$bitsAllSet", "$bitsAnySet", "$bitsAllClear", "$bitsAnyClear",
	"$comment", "$alwaysTrue", "$alwaysFalse", "$atomic", "$db", "$ref", "$id", "$natural", "$query", "$orderby", "$hint", "$meta", "$slice", "$isolated", "$rand",
	"$encStringStartsWith", "$_internalExprEq", "$_internalSchemaType", "$_internalEqHash", "$_internalBucketGeoWithin", "$_internalPath", "$eqFoo", "$EQ", "$", "$$", "$set",
	"$GT", "$gt ", "$lookup", "$search", "$options",
}

func TestOperatorsNotListedAreRefusedEverywhere(t *testing.T) {
	t.Parallel()
	positions := []string{
		`{%s}`, `{"$and":[{%s}]}`, `{"$or":[{"a":1},{%s}]}`, `{"$nor":[{"$and":[{%s}]}]}`, `{"a":{%s}}`, `{"a":{"$gt":1,%s}}`, `{"a":{"$not":{%s}}}`, `{"a":{"$elemMatch":{%s}}}`,
		`{"a":{"$elemMatch":{"b":{%s}}}}`, `{"a":{"$elemMatch":{"$or":[{%s}]}}}`, `{"a":{"$elemMatch":{"$gt":1,%s}}}`, `{"a":{"$all":[{"$elemMatch":{%s}}]}}`, `{"a":{"$all":[{%s}]}}`,
		`{"a":{"$in":[{%s}]}}`, `{"a":{"$in":[1,[{%s}]]}}`, `{"a":{"$nin":[{"b":{%s}}]}}`, `{"a":{"$eq":{%s}}}`, `{"a":{"$ne":[{%s}]}}`, `{"a":{"$gt":{"b":{%s}}}}`, `{"a":{"b":1,%s}}`,
		`{"a":{"b":{%s}}}`, `{"a":[{%s}]}`, `{"a":[[{%s}]]}`, `{"a":{"$not":{"$elemMatch":{%s}}}}`, `{"a":{"$gt":1},%s}`,
	}
	for _, op := range serverOperators {
		for _, position := range positions {
			for _, operand := range []string{`1`, `"1"`, `{}`, `[]`} {
				text := fmt.Sprintf(position, fmt.Sprintf("%q:%s", op, operand))
				_, err := query.Parse(mustDoc(t, text), query.Options{})
				var refused *query.Error
				if !errors.As(err, &refused) {
					t.Errorf("Parse(%s) = %v, want a refusal", text, err)
				}
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	many := func(n int, one string) string { return strings.TrimSuffix(strings.Repeat(one+",", n), ",") }
	nest := func(n int, open, end string) string {
		return strings.Repeat(open, n) + `{"a":1}` + strings.Repeat(end, n)
	}
	tests := map[string]string{
		"and of nothing":             `{"$and":[]}`,
		"or of an object":            `{"$or":{"a":1}}`,
		"nor of a nested array":      `{"$nor":[[{"a":1}]]}`,
		"array-like object":          `{"$or":{"0":{"a":1},"length":1}}`,
		"empty name":                 `{"":1}`,
		"trailing dot":               `{"a.":1}`,
		"leading dot":                `{".a":1}`,
		"double dot":                 `{"a..b":1}`,
		"positions in a path":        `{"a` + strings.Repeat(".0", 11) + `":1}`,
		"positions below elemMatch":  `{"a.0.0.0.0.0.0":{"$elemMatch":{"b.0.0.0":{"$not":{"$elemMatch":{"c.0.0":1}}}}}}`,
		"dollar in a path":           `{"a.$b":1}`,
		"long name":                  `{"` + strings.Repeat("x", 1025) + `":1}`,
		"51 segments":                `{"` + strings.Repeat("a.", 50) + `a":1}`,
		"operators after a field":    `{"a":{"b":1,"$gt":2}}`,
		"field after operators":      `{"a":{"$gt":2,"b":1}}`,
		"not of a value":             `{"a":{"$not":5}}`,
		"not of nothing":             `{"a":{"$not":{}}}`,
		"not of a field":             `{"a":{"$not":{"b":1}}}`,
		"in of a value":              `{"a":{"$in":1}}`,
		"in with operators":          `{"a":{"$in":[{"$gt":1}]}}`,
		"in with undefined":          `{"a":{"$in":[{"$undefined":true}]}}`,
		"10,001 elements":            `{"a":{"$in":[` + many(10001, "1") + `]}}`,
		"10,001 of all":              `{"a":{"$all":[` + many(10001, "1") + `]}}`,
		"all of a value":             `{"a":{"$all":1}}`,
		"all of a mixture":           `{"a":{"$all":[1,{"$elemMatch":{"b":1}}]}}`,
		"all with operators":         `{"a":{"$all":[{"$gt":1}]}}`,
		"elemMatch of a value":       `{"a":{"$elemMatch":1}}`,
		"size of a string":           `{"a":{"$size":"1"}}`,
		"size of a fraction":         `{"a":{"$size":1.5}}`,
		"size below zero":            `{"a":{"$size":-1}}`,
		"size over 31 bits":          `{"a":{"$size":2147483648}}`,
		"type of nothing":            `{"a":{"$type":[]}}`,
		"unknown type":               `{"a":{"$type":"integer"}}`,
		"unknown type number":        `{"a":{"$type":20}}`,
		"type of a fraction":         `{"a":{"$type":1.5}}`,
		"type of an object":          `{"a":{"$type":{}}}`,
		"unknown type in a list":     `{"a":{"$type":["int","missing"]}}`,
		"mod of a value":             `{"a":{"$mod":2}}`,
		"mod of one":                 `{"a":{"$mod":[2]}}`,
		"mod of three":               `{"a":{"$mod":[2,1,0]}}`,
		"mod by zero":                `{"a":{"$mod":[0,1]}}`,
		"mod by a fraction":          `{"a":{"$mod":[0.5,1]}}`,
		"mod by NaN":                 `{"a":{"$mod":[{"$numberDouble":"NaN"},1]}}`,
		"mod by a string":            `{"a":{"$mod":["2",1]}}`,
		"regex of a number":          `{"a":{"$regex":1}}`,
		"regex of a number, options": `{"a":{"$regex":1,"$options":"i"}}`,
		"options without a regex":    `{"a":{"$options":"i"}}`,
		"options of a number":        `{"a":{"$regex":"a","$options":1}}`,
		"unknown option":             `{"a":{"$regex":"a","$options":"g"}}`,
		"options twice":              `{"a":{"$regex":{"$regularExpression":{"pattern":"a","options":"i"}},"$options":"i"}}`,
		"NUL in a pattern":           `{"a":{"$regex":"a\u0000"}}`,
		"NUL in options":             `{"a":{"$regex":"a","$options":"\u0000"}}`,
		"long pattern":               `{"a":{"$regex":"` + strings.Repeat("a", 513) + `"}}`,
		"ne with a regex":            `{"a":{"$ne":{"$regularExpression":{"pattern":"a","options":""}}}}`,
		"gt with a regex":            `{"a":{"$gt":{"$regularExpression":{"pattern":"a","options":""}}}}`,
		"undefined":                  `{"a":{"$undefined":true}}`,
		"code":                       `{"a":{"$code":"x"}}`,
		"code inside":                `{"a":{"$gt":[{"b":{"$code":"x"}}]}}`,
		"symbol":                     `{"a":{"$symbol":"x"}}`,
		"21 levels of logic":         nest(21, `{"$and":[`, `]}`),
		"21 levels of elemMatch":     nest(21, `{"a":{"$elemMatch":`, `}}`),
		"21 levels of not":           `{"a":` + strings.Repeat(`{"$not":`, 21) + `{"$gt":1}` + strings.Repeat("}", 22),
		"101 branches":               `{"$or":[` + many(101, `{"a":1}`) + `]}`,
		"1,001 branches":             `{"$and":[` + many(11, `{"$or":[`+many(91, `{"a":1}`)+`]}`) + `]}`,
		"1,001 patterns":             `{"a":{"$in":[` + many(1001, `{"$regularExpression":{"pattern":"a","options":""}}`) + `]}}`,
		"101 of all with elemMatch":  `{"a":{"$all":[` + many(101, `{"$elemMatch":{"b":1}}`) + `]}}`,
	}
	for name, text := range tests {
		_, err := query.Parse(mustDoc(t, text), query.Options{})
		var refused *query.Error
		if !errors.As(err, &refused) {
			t.Errorf("%s: Parse = %v, want a refusal", name, err)
		}
	}
	for name, text := range map[string]string{
		"20 levels of logic":     nest(20, `{"$and":[`, `]}`),
		"20 levels of elemMatch": nest(20, `{"a":{"$elemMatch":`, `}}`),
		"100 branches":           `{"$or":[` + many(100, `{"a":1}`) + `]}`,
		"10,000 elements":        `{"a":{"$in":[` + many(10000, "1") + `]}}`,
		"50 segments":            `{"` + strings.Repeat("a.", 49) + `a":1}`,
		"long pattern":           `{"a":{"$regex":"` + strings.Repeat("a", 512) + `"}}`,
	} {
		if _, err := query.Parse(mustDoc(t, text), query.Options{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	deep := `{"a":` + strings.Repeat("[", 120) + strings.Repeat("]", 120) + "}"
	tests := []struct {
		filter  string
		options query.Options
		want    bool
	}{
		{`{"$comment":"x","a":1}`, query.Options{Trusted: true}, true},
		{`{"a":{"$elemMatch":{"$comment":"x"}}}`, query.Options{Trusted: true}, true},
		{`{"a.$id":1}`, query.Options{Trusted: true}, true},
		{`{"a":{"b":1,"$gt":2}}`, query.Options{Trusted: true}, true},
		{`{"a":{"$code":"x"}}`, query.Options{Trusted: true}, true},
		{`{"$where":"x"}`, query.Options{Trusted: true}, false},
		{`{"$expr":{"$eq":[1,1]}}`, query.Options{Trusted: true}, false},
		{`{"a":{"$in":[{"$gt":1}]}}`, query.Options{Trusted: true}, false},
		{`{"a":{"$regex":"x"}}`, query.Options{NoRegex: true}, false},
		{`{"a":{"$in":[{"$regularExpression":{"pattern":"a","options":""}}]}}`, query.Options{NoRegex: true}, false},
		{`{"a":{"$eq":{"$regularExpression":{"pattern":"a","options":""}}}}`, query.Options{NoRegex: true}, false},
		{`{"a":{"$gt":1}}`, query.Options{NoRegex: true}, true},
		{`{"a":{"$in":[1,2]}}`, query.Options{MaxElements: 1}, false},
		{`{"a":{"$all":[1,2]}}`, query.Options{MaxBranches: 1}, false},
		{`{"a":{"$all":[1,2]}}`, query.Options{MaxBranches: 1, Trusted: true}, true},
		{`{"a.b":1}`, query.Options{MaxSegments: 1}, false},
		{`{"$or":[{"a":1},{"a":2}]}`, query.Options{MaxBranches: 1}, false},
		{`{"$or":[{"a":1},{"a":2}]}`, query.Options{MaxTotalBranches: 1}, false},
		{`{"$or":[{"$or":[{"a":2}]}]}`, query.Options{MaxDepth: 1}, false},
		{`{"a":{"$regex":"xy"}}`, query.Options{MaxPattern: 1}, false},
		{deep, query.Options{MaxValueDepth: 130}, true},
		{deep, query.Options{}, false},
	}
	for _, tc := range tests {
		if _, err := query.Parse(mustDoc(t, tc.filter), tc.options); (err == nil) != tc.want {
			t.Errorf("Parse(%.80s, %+v) = %v, want accepted: %v", tc.filter, tc.options, err, tc.want)
		}
	}
}

func TestErrorsShowNoMoreThanTheyMay(t *testing.T) {
	t.Parallel()
	doc, err := bson.Marshal(bson.D{{Key: "$é\n" + strings.Repeat("x", 500), Value: "secret"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = query.Parse(doc, query.Options{})
	var refused *query.Error
	if !errors.As(err, &refused) || refused.Op != "$???"+strings.Repeat("x", 60) || strings.Contains(err.Error(), "secret") {
		t.Errorf("error = %v", err)
	}
}
