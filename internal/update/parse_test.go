package update_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/internal/update"
)

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		update, filters string
		code            int
		message         string // a part of it
	}{
		{`{}`, ``, 9, "no operators"},
		{`{"a":1}`, ``, 9, "a: is not a supported"},
		{`{"$set":{"a":1},"b":1}`, ``, 9, "b: is not a supported"},
		{`{"$sett":{"a":1}}`, ``, 9, "$sett: is not a supported"},
		{`{"$v":1}`, ``, 9, "$v"},
		{`{"$set":1}`, ``, 9, "$set: must be an object"},
		{`{"$set":[]}`, ``, 9, "$set: must be an object"},
		{`{"$set":{"":1}}`, ``, 56, "''"},
		{`{"$set":{"a..b":1}}`, ``, 56, "'a..b'"},
		{`{"$set":{"a.":1}}`, ``, 56, "'a.'"},
		{`{"$set":{".a":1}}`, ``, 56, "'.a'"},
		{`{"$set":{"$a":1}}`, ``, 52, "'$a'"},
		{`{"$set":{"a.$b":1}}`, ``, 52, "'a.$b'"},
		{`{"$set":{"a.$[":1}}`, ``, 52, "'a.$['"},
		{`{"$set":{"$":1}}`, ``, 2, "starts with"},
		{`{"$set":{"$[]":1}}`, ``, 2, "starts with"},
		{`{"$set":{"$[x].a":1}}`, `[{"x":1}]`, 2, "starts with"},
		{`{"$set":{"a.$.$":1}}`, ``, 2, "more than one"},
		{`{"$set":{"a.$[x]":1}}`, ``, 2, "without an array filter"},
		{`{"$set":{"a":1,"a.b":1}}`, ``, 40, "'a.b' conflicts"},
		{`{"$set":{"a.b":1},"$inc":{"a":1}}`, ``, 40, "'a' conflicts"},
		{`{"$set":{"a":1},"$inc":{"a":1}}`, ``, 40, "$inc: 'a' conflicts"},
		{`{"$set":{"a.$[]":1,"a.0":1}}`, ``, 40, "'a.0' conflicts"},
		{`{"$set":{"a.$":1,"a.$[]":1}}`, ``, 40, "'a.$[]' conflicts"},
		{`{"$set":{"a.$":1,"a.$.b":1}}`, ``, 40, "'a.$.b' conflicts"},
		{`{"$set":{"a":{"$b":1}}}`, ``, 52, "starts with '$'"},
		{`{"$set":{"a":[{"b.c":1}]}}`, ``, 57, "dot"},
		{`{"$set":{"a":[[{"":1}]]}}`, ``, 56, "empty name"},
		{`{"$setOnInsert":{"a":{"$b":1}}}`, ``, 52, ""},
		{`{"$min":{"a":{"$b":1}}}`, ``, 52, ""},
		{`{"$push":{"a":{"$b":1}}}`, ``, 52, ""},
		{`{"$push":{"a":{"$each":[{"$b":1}]}}}`, ``, 52, ""},
		{`{"$push":{"a":{"$each":1}}}`, ``, 2, "$each must be an array"},
		{`{"$push":{"a":{"$each":[],"x":1}}}`, ``, 2, "beside $each"},
		{`{"$push":{"a":{"$each":[],"$slice":1.5}}}`, ``, 2, "integers"},
		{`{"$push":{"a":{"$each":[],"$position":"1"}}}`, ``, 2, "integers"},
		{`{"$push":{"a":{"$each":[],"$sort":2}}}`, ``, 2, "1 or -1"},
		{`{"$push":{"a":{"$each":[],"$sort":{"a":"x"}}}}`, ``, 2, "1 or -1"},
		{`{"$push":{"a":{"$each":[],"$sort":{}}}}`, ``, 2, "$sort is empty"},
		{`{"$push":{"a":{"$each":[],"$sort":{"a.":1}}}}`, ``, 2, "not valid"},
		{`{"$push":{"a":{"$each":[],"$sort":{"a.$[]":1}}}}`, ``, 2, "positional"},
		{`{"$addToSet":{"a":{"$b":1}}}`, ``, 52, ""},
		{`{"$set":{"a":1}}`, `[{"x":1}]`, 9, "'x' is not used"},
		{`{"$set":{"a.$[x]":1}}`, `[{}]`, 9, "names no field"},
		{`{"$set":{"a.$[x]":1}}`, `[{"x":1,"y":1}]`, 9, "two identifiers"},
		{`{"$set":{"a.$[x]":1}}`, `[{"x":1},{"x":2}]`, 9, "the same identifier"},
		{`{"$set":{"a.$[X]":1}}`, `[{"X":1}]`, 2, "lowercase"},
		{`{"$set":{"a.$[x_]":1}}`, `[{"x_":1}]`, 2, "lowercase"},
		{`{"$set":{"a.$[x]":1}}`, `[{"x":{"$where":"1"}}]`, 2, "$where"},
	} {
		_, err := update.Parse(raw(t, c.update), list(t, c.filters), update.Options{})
		if code(err) != c.code || !strings.Contains(fmt.Sprint(err), c.message) {
			t.Errorf("Parse(%s, %s): %v (code %d), want code %d with %q", c.update, c.filters, err, code(err), c.code, c.message)
		}
	}
}

// TestParseRefusesDuplicates is about documents that JSON parsers of this project do not let pass.
func TestParseRefusesDuplicates(t *testing.T) {
	t.Parallel()
	many := bson.D{}
	for i := range 12 {
		many = append(many, bson.E{Key: fmt.Sprint("f", i%11), Value: i})
	}
	set := func(v any) bson.D { return bson.D{{Key: "$set", Value: bson.D{{Key: "a", Value: v}}}} }
	push := bson.D{{Key: "$each", Value: bson.A{}}, {Key: "$slice", Value: 1}, {Key: "$slice", Value: 1}}
	for _, u := range []bson.D{
		set(bson.D{{Key: "x", Value: 1}, {Key: "x", Value: 1}}),
		set(many),
		append(set(1), set(1)...),
		{{Key: "$set", Value: bson.D{{Key: "a", Value: 1}, {Key: "a", Value: 1}}}},
		{{Key: "$push", Value: bson.D{{Key: "a", Value: push}}}},
	} {
		doc, err := bson.Marshal(u)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := update.Parse(doc, nil, update.Options{}); err == nil {
			t.Errorf("Parse(%v) accepts a name that occurs twice", u)
		}
	}
}

func TestParseRefusesCorruptBytes(t *testing.T) {
	t.Parallel()
	whole := raw(t, `{"$set":{"a":{"b":"text"}}}`)
	for i := range whole {
		if _, err := update.Parse(whole[:i], nil, update.Options{}); code(err) != 9 {
			t.Errorf("Parse(%d bytes): %v, want code 9", i, err)
		}
	}
	if _, err := update.Parse(whole, []bson.Raw{{1}}, update.Options{}); err == nil {
		t.Error("Parse accepts a corrupt array filter")
	}
}

func TestParseLimits(t *testing.T) {
	t.Parallel()
	paths := bson.D{}
	for i := range 10_001 {
		paths = append(paths, bson.E{Key: fmt.Sprint("f", i), Value: 1})
	}
	for n, wantErr := range map[int]bool{len(paths): true, len(paths) - 1: false} {
		doc, err := bson.Marshal(bson.D{{Key: "$set", Value: paths[:n]}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := update.Parse(doc, nil, update.Options{}); (err != nil) != wantErr {
			t.Errorf("%d paths: %v", n, err)
		}
	}
}

func TestParseHonoursQueryOptions(t *testing.T) {
	t.Parallel()
	u := raw(t, `{"$pull":{"a":{"$regex":"x"}}}`)
	if _, err := update.Parse(u, nil, update.Options{}); err != nil {
		t.Error(err)
	}
	if _, err := update.Parse(u, nil, update.Options{Query: query.Options{NoRegex: true}}); err == nil {
		t.Error("a regular expression is accepted with NoRegex")
	}
}

func TestNamed(t *testing.T) {
	t.Parallel()
	u, err := update.Parse(raw(t, `{"$set":{"z.a":1,"b.$.c":2},"$rename":{"p":"q.r"},"$setOnInsert":{"s":1},"$unset":{"d.$[].e":1,"d.$[x].f":1}}`),
		list(t, `[{"x":1}]`), update.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []update.NamedPath{
		{Path: "z.a", Op: "$set"},
		{Path: "b.$.c", Op: "$set", Positional: true},
		{Path: "p", Op: "$rename"},
		{Path: "q.r", Op: "$rename"},
		{Path: "s", Op: "$setOnInsert", OnInsertOnly: true},
		{Path: "d.$[].e", Op: "$unset", Positional: true},
		{Path: "d.$[x].f", Op: "$unset", Positional: true},
	}
	if diff := cmp.Diff(want, u.Named()); diff != "" {
		t.Errorf("Named (-want +got)\n%s", diff)
	}
}

func TestErrorsHaveNoValues(t *testing.T) {
	t.Parallel()
	_, err := update.Parse(raw(t, `{"$set":{"a.`+strings.Repeat("é", 100)+`.$x":"secret"}}`), nil, update.Options{})
	if err == nil || len(err.Error()) > 200 || strings.Contains(err.Error(), "é") || strings.Contains(err.Error(), "secret") {
		t.Errorf("error = %v", err)
	}
	u, err := update.Parse(raw(t, `{"$inc":{"a":1}}`), nil, update.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = u.Apply(nil, raw(t, `{"a":"secret"}`), update.Input{Positional: -1}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("error = %v", err)
	}
}
