package query_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
)

func mustValue(t testing.TB, text string) bson.RawValue {
	t.Helper()
	v, ok := bsonval.Lookup(mustDoc(t, `{"v":`+text+`}`), "v")
	if !ok {
		t.Fatal(text)
	}
	return v
}

func TestNewTest(t *testing.T) {
	t.Parallel()
	path, err := query.ParsePath("a.b")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		op      query.Op
		operand string
		value   string // as the field itself; "" for a missing one
		want    bool
	}{
		{query.Eq, `1`, `1.0`, true},
		{query.Eq, `1`, `[1]`, true},
		{query.Eq, `[1]`, `[1]`, true},
		{query.Eq, `null`, ``, true},
		{query.Eq, `1`, ``, false},
		{query.Ne, `1`, `[1,2]`, false},
		{query.Ne, `1`, ``, true},
		{query.Gt, `1`, `2`, true},
		{query.Gte, `{"x":1}`, `{"x":1}`, true},
		{query.Lt, `"b"`, `"a"`, true},
		{query.Lte, `1`, `"a"`, false},
		{query.In, `[1,2]`, `2`, true},
		{query.In, `[]`, `2`, false},
		{query.In, `[null]`, ``, true},
		{query.Nin, `[1]`, ``, true},
		{query.Exists, `true`, ``, false},
		{query.Exists, `false`, ``, true},
		{query.Type, `"int"`, `[1]`, true},
		{query.Size, `1`, `[[]]`, true},
		{query.All, `[1,2]`, `[2,1]`, true},
		{query.All, `[1,2]`, `[2]`, false},
		{query.ElemMatch, `{"$gt":1}`, `[2]`, true},
		{query.ElemMatch, `{"x":1}`, `[{"x":1}]`, true},
		{query.Mod, `[2,1]`, `3`, true},
		{query.Regex, `"^a"`, `"ab"`, true},
		{query.Regex, `{"$regularExpression":{"pattern":"^A","options":"i"}}`, `["b","ab"]`, true},
		{query.Not, `{"$gt":1}`, `[2]`, false},
		{query.Not, `{"$gt":1}`, ``, true},
	}
	for _, tc := range tests {
		test, err := query.NewTest(tc.op, mustValue(t, tc.operand))
		if err != nil {
			t.Errorf("NewTest(%v, %s): %v", tc.op, tc.operand, err)
			continue
		}
		value, doc := bson.RawValue{}, mustDoc(t, `{"a":{}}`)
		if tc.value != "" {
			value, doc = mustValue(t, tc.value), mustDoc(t, `{"a":{"b":`+tc.value+`}}`)
		}
		if got := test.MatchValue(value); got != tc.want {
			t.Errorf("{%v: %s}.MatchValue(%s) = %v", tc.op, tc.operand, tc.value, got)
		}
		if got := test.Match(doc, path); got != tc.want {
			t.Errorf("{%v: %s}.Match(%s) = %v", tc.op, tc.operand, doc, got)
		}
		if test.Op() != tc.op {
			t.Errorf("Op = %v, want %v", test.Op(), tc.op)
		}
	}
	for _, op := range []query.Op{0, query.Eq, query.In, query.Exists, query.Type, query.Size, query.All, query.ElemMatch, query.Mod, query.Regex, query.Not, 200} {
		if _, err := query.NewTest(op, bson.RawValue{}); err == nil {
			t.Errorf("NewTest(%v, missing) is accepted", op)
		}
	}
}

// What a list of data holds is compared with: no element is an operator or a pattern.
func TestNewContainment(t *testing.T) {
	t.Parallel()
	path, err := query.ParsePath("a")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		list, value string
		want        bool
	}{
		{`[1,2]`, `[2.0,1]`, true},
		{`[1,2]`, `[2]`, false},
		{`[1]`, `1`, true},
		{`[]`, `[]`, false},
		{`[{"$elemMatch":{"$exists":true}}]`, `[1]`, false},
		{`[{"$elemMatch":{"$exists":true}}]`, `[{"$elemMatch":{"$exists":true}}]`, true},
		{`[{"$regularExpression":{"pattern":"x","options":""}}]`, `["x"]`, false},
	} {
		test, ok := query.NewContainment(mustValue(t, tt.list))
		if got := test.Match(mustDoc(t, `{"a":`+tt.value+`}`), path); got != tt.want || !ok {
			t.Errorf("%s has all of %s = %v, %v", tt.value, tt.list, got, ok)
		}
	}
	if _, ok := query.NewContainment(mustValue(t, `1`)); ok {
		t.Error("1 is no list")
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	f := mustParse(t, `{"a.b":1,"$or":[{"c":{"$elemMatch":{"d":1,"$and":[{"e.f":2}]}}},{"a.b":{"$gt":0}}],"g":{"$all":[{"$elemMatch":{"h":1}}]},"i":{"$not":{"$elemMatch":{"j":{"$elemMatch":{"k":1}}}}},"l":{"$elemMatch":{"$gt":1}}}`)
	var got []string
	for _, p := range f.Paths() {
		got = append(got, p.String())
	}
	want := []string{"a.b", "c", "c.d", "c.e.f", "g", "g.h", "i", "i.j", "i.j.k", "l"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"c", "e", "f"}, f.Paths()[3].Segments()); diff != "" {
		t.Error(diff)
	}
}

func TestEqualities(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		`{}`:                                    nil,
		`{"a":1,"b.c":{"$eq":2},"d":{"$gt":3}}`: {"a", "b.c"},
		`{"$and":[{"a":1},{"$and":[{"b":1}]}],"$or":[{"c":1}]}`:               {"a", "b", "c"},
		`{"$or":[{"a":1},{"b":1}],"$nor":[{"c":1}]}`:                          nil,
		`{"$or":[{"a":1},{"a":1.0}]}`:                                         {"a"},
		`{"$or":[{"a":1},{"a":1,"b":1}]}`:                                     nil,
		`{"$or":[{"a":1},{"b":{"$in":[]}}]}`:                                  {"a"},
		`{"$or":[{"b":{"$in":[]}}],"a":1}`:                                    nil,
		`{"a":1,"$and":[{"b":{"$all":[]}}]}`:                                  nil,
		`{"a":{"$in":[1]},"b":{"$in":[1,2]},"c":{"$all":[1,2]}}`:              {"a", "c", "c"},
		`{"a":{"$all":[{"$elemMatch":{"b":1}}]},"b":{"$not":{"$eq":1}}}`:      nil,
		`{"a":{"$in":[{"$regularExpression":{"pattern":"a","options":""}}]}}`: nil,
		`{"a":{"$regularExpression":{"pattern":"a","options":""}},"b":null}`:  {"b"},
	}
	for filter, want := range tests {
		var got []string
		for _, eq := range mustParse(t, filter).Equalities() {
			got = append(got, eq.Path)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Equalities(%s): %s", filter, diff)
		}
	}
}

func TestPositional(t *testing.T) {
	t.Parallel()
	tests := []struct {
		filter, doc string
		index       int
		ok          bool
	}{
		{`{"a":2}`, `{"a":[1,2]}`, 1, true},
		{`{"a.b":2}`, `{"a":[{"b":1},{"b":[1,2]}]}`, 1, true},
		{`{"a":{"$elemMatch":{"b":2}}}`, `{"a":[{"b":1},{"b":2}]}`, 1, true},
		{`{"a.b":{"$elemMatch":{"$gt":1}}}`, `{"a":[{"b":[1]},{"b":[1,2]}]}`, 1, true},
		{`{"a":{"$elemMatch":{"$gt":1}},"c":1}`, `{"a":[1,1,2],"c":1}`, 2, true},
		{`{"a":{"$gte":2,"$lte":3}}`, `{"a":[0,2]}`, 1, true},
		{`{"a":{"$in":[7]},"b":1}`, `{"a":[1,7],"b":1}`, 1, true},
		{`{"a":{"$in":[{"$regularExpression":{"pattern":"x","options":""}}]}}`, `{"a":["a","x"]}`, 1, true},
		{`{"a":{"$all":[{"$elemMatch":{"b":1}},{"$elemMatch":{"c":1}}]}}`, `{"a":[{"c":1},{"b":1}]}`, 0, true},
		{`{"a":{"$all":[2,1]},"$and":[{"a":2}]}`, `{"a":[1,2]}`, 0, true},
		{`{"a.0":1}`, `{"a":[1]}`, 0, false},
		{`{"a":{"$ne":5}}`, `{"a":[1]}`, 0, false},
		{`{"$or":[{"a":1}]}`, `{"a":[1]}`, 0, false},
		{`{"a":1}`, `{"a":1}`, 0, false},
		{`{"a":1}`, `{"a":[2]}`, 0, false},
	}
	for _, tc := range tests {
		index, ok := mustParse(t, tc.filter).Positional(mustDoc(t, tc.doc))
		if index != tc.index || ok != tc.ok {
			t.Errorf("Positional(%s, %s) = %d, %v, want %d, %v", tc.filter, tc.doc, index, ok, tc.index, tc.ok)
		}
	}
}

func TestMatchingDoesNotAllocate(t *testing.T) {
	doc := mustDoc(t, `{"_id":1,"a":{"b":[{"c":1},{"c":"x"}]},"tags":["a","b","c"],"n":12.5,"s":"hello","d":{"$numberDecimal":"1.50"}}`)
	filters := []string{
		`{"s":"hello","n":{"$gt":3,"$lt":{"$numberLong":"100"}}}`, `{"a.b.c":"x"}`, `{"a.b.1.c":"x"}`, `{"tags":{"$all":["a","c"]}}`, `{"tags":{"$in":["q","c"]}}`, `{"tags":{"$size":3}}`,
		`{"a.b":{"$elemMatch":{"c":{"$type":"string"}}}}`, `{"$or":[{"x":1},{"s":{"$ne":"y"}}],"$nor":[{"z":{"$exists":true}}]}`, `{"s":{"$not":{"$regex":"^x"}}}`, `{"n":{"$mod":[4,0]}}`,
		`{"d":{"$gte":1}}`, `{"n":{"$in":[1,2,3,4,5,6,7,8,9,12.5]}}`, `{"tags":["a","b","c"]}`, `{"x":null}`,
	}
	for _, text := range filters {
		f := mustParse(t, text)
		if !f.Match(doc) {
			t.Errorf("%s does not match", text)
		}
		if n := testing.AllocsPerRun(50, func() { f.Match(doc) }); n != 0 {
			t.Errorf("%s: Match allocates %v times", text, n)
		}
	}
	path, err := query.ParsePath("n")
	if err != nil {
		t.Fatal(err)
	}
	operand, list := bsonval.FromInt32(3), mustValue(t, `[1,2,12.5]`)
	allocs := testing.AllocsPerRun(50, func() {
		gt, err := query.NewTest(query.Gt, operand)
		in, err2 := query.NewTest(query.In, list)
		if err != nil || err2 != nil || !gt.Match(doc, path) || !in.Match(doc, path) {
			t.Error("no match")
		}
	})
	if allocs != 0 {
		t.Errorf("a test made at run time allocates %v times", allocs)
	}
}

func TestMatchesMissing(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{"$eq":null}`: true, `{"$ne":null}`: true, `{"$in":[1,null]}`: true, `{"$gte":null}`: true, `{"$gt":{"$minKey":1}}`: true, `{"$lt":{"$maxKey":1}}`: true, `{"$all":[1,null]}`: true,
		`{"$not":{"$eq":null}}`: true, `{"$eq":1}`: false, `{"$ne":1}`: false, `{"$exists":true}`: false, `{"$exists":false}`: false, `{"$nin":[1]}`: false, `{"$gt":null}`: false,
		`{"$type":10}`: false, `{"$size":0}`: false, `{"$not":{"$gt":1}}`: false,
	} {
		test, err := query.NewTest(query.Not, mustValue(t, text))
		if err != nil {
			t.Fatal(err)
		}
		if got := test.MatchesMissing(); got != want {
			t.Errorf("MatchesMissing(%s) = %v", text, got)
		}
	}
	var none query.Test
	if none.MatchesMissing() {
		t.Error("the zero test matches a missing value")
	}
}

func BenchmarkMatch(b *testing.B) {
	doc := mustDoc(b, `{"_id":1,"owner":"u1","tags":["a","b","c"],"n":12.5,"items":[{"p":1},{"p":20}]}`)
	for _, text := range []string{`{"owner":"u1"}`, `{"tags":{"$in":["x","c"]}}`, `{"items.p":{"$gte":10}}`, `{"$or":[{"owner":"u2"},{"n":{"$lt":20}}]}`} {
		f := mustParse(b, text)
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !f.Match(doc) {
					b.Fatal("no match")
				}
			}
		})
	}
}
