package filter_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/bsonval"
)

func TestDiff(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		pre, post string // "" is no document
		want      []filter.Path
	}{
		"equal":                           {`{"a":1,"b":{"c":[1]}}`, `{"a":1,"b":{"c":[1]}}`, nil},
		"nothing":                         {``, ``, nil},
		"nothing and empty":               {``, `{}`, nil},
		"changed":                         {`{"a":1,"b":2}`, `{"a":1,"b":3}`, []filter.Path{"b"}},
		"added and removed":               {`{"a":1,"b":2}`, `{"b":2,"c":3}`, []filter.Path{"c", "a"}},
		"number of another type":          {`{"a":1}`, `{"a":1.0}`, []filter.Path{"a"}},
		"null and missing":                {`{"a":null}`, `{}`, []filter.Path{"a"}},
		"nested":                          {`{"a":{"b":1,"c":2}}`, `{"a":{"b":1,"c":3,"d":4}}`, []filter.Path{"a.c", "a.d"}},
		"nested removed":                  {`{"a":{"b":1,"c":2}}`, `{"a":{"c":2}}`, []filter.Path{"a.b"}},
		"new document":                    {`{}`, `{"a":{"b":1,"c":{"d":2}}}`, []filter.Path{"a.b", "a.c.d"}},
		"insert":                          {``, `{"_id":1,"a":{"b":1}}`, []filter.Path{"_id", "a.b"}},
		"removed document":                {`{"a":{"b":1,"c":{"d":2}}}`, `{}`, []filter.Path{"a.b", "a.c.d"}},
		"new empty document":              {`{}`, `{"a":{}}`, []filter.Path{"a"}},
		"removed empty document":          {`{"a":{"b":{}}}`, `{"a":{}}`, []filter.Path{"a.b"}},
		"document becomes a scalar":       {`{"a":{"b":1}}`, `{"a":1}`, []filter.Path{"a"}},
		"document becomes an array":       {`{"a":{"0":1}}`, `{"a":[1]}`, []filter.Path{"a"}},
		"new array":                       {`{}`, `{"a":[{"b":1}]}`, []filter.Path{"a"}},
		"longer array":                    {`{"a":[1]}`, `{"a":[1,2]}`, []filter.Path{"a"}},
		"shorter array":                   {`{"a":[1,2]}`, `{"a":[3]}`, []filter.Path{"a"}},
		"element":                         {`{"a":[1,{"b":1,"c":2}]}`, `{"a":[1,{"b":1,"c":3}]}`, []filter.Path{"a.1.c"}},
		"elements of several kinds":       {`{"a":[1,[2],{"b":3},4]}`, `{"a":[5,[6],{"b":7},4]}`, []filter.Path{"a.0", "a.1.0", "a.2.b"}},
		"array in an array":               {`{"a":[[1,2],3]}`, `{"a":[[1],3]}`, []filter.Path{"a.0"}},
		"order at the top":                {`{"a":1,"b":2}`, `{"b":2,"a":1}`, nil},
		"order at the top, and more":      {`{"a":1,"b":2}`, `{"b":3,"a":1}`, []filter.Path{"b"}},
		"order below":                     {`{"x":{"a":1,"b":2}}`, `{"x":{"b":2,"a":1}}`, []filter.Path{"x"}},
		"order below, and more":           {`{"x":{"a":1,"b":2},"y":1}`, `{"x":{"c":0,"b":3,"a":1},"y":2}`, []filter.Path{"x", "y"}},
		"odd name at the top":             {`{"a":1}`, `{"a":2,"b.c":1}`, []filter.Path{""}},
		"odd name removed":                {`{"a":1,"$b":1}`, `{"a":2}`, []filter.Path{""}},
		"odd name left as it is":          {`{"a":1,"b.c":1}`, `{"a":2,"b.c":1}`, []filter.Path{"a"}},
		"odd name below":                  {`{"x":{"y":{"a":1}}}`, `{"x":{"y":{"b":1,"":2}}}`, []filter.Path{"x.y"}},
		"odd name in a new document":      {`{}`, `{"x":{"a":1,"$b":2}}`, []filter.Path{"x"}},
		"odd name in a removed one":       {`{"x":{"a":1,"$b":2}}`, `{}`, []filter.Path{"x"}},
		"odd name in an array":            {`{"x":[{"a":1}]}`, `{"x":[{"a.b":1}]}`, []filter.Path{"x.0"}},
		"odd name inside an odd name":     {`{"x":{"a.b":{"c":1}}}`, `{"x":{"a.b":{"c":2}}}`, []filter.Path{"x"}},
		"a name that looks like an index": {`{"a":{"0":1}}`, `{"a":{"0":2}}`, []filter.Path{"a.0"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var pre, post bson.Raw
			if tt.pre != "" {
				pre = mustDoc(t, tt.pre)
			}
			if tt.post != "" {
				post = mustDoc(t, tt.post)
			}
			if diff := cmp.Diff(tt.want, filter.Diff(pre, post), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("Diff(%s, %s) (-want +got):\n%s", tt.pre, tt.post, diff)
			}
		})
	}
}

// TestDiffOfWhatCannotBeNamed gives documents that no well-behaved client writes.
func TestDiffOfWhatCannotBeNamed(t *testing.T) {
	t.Parallel()
	in := func(t bson.Type, value bson.Raw) bson.Raw { return one("x", bson.RawValue{Type: t, Value: value}) }
	twice, start := bsonval.BeginDocument(nil)
	twice = bsonval.AppendElement(twice, "a", bsonval.FromInt32(1))
	twice = bsonval.EndDocument(bsonval.AppendElement(twice, "a", bsonval.FromInt32(2)), start)
	object, arr := bson.TypeEmbeddedDocument, bson.TypeArray
	tests := map[string]struct {
		pre, post bson.Raw
		want      []filter.Path
	}{
		"a name twice before":      {twice, mustDoc(t, `{"a":1}`), []filter.Path{""}},
		"a name twice after":       {mustDoc(t, `{"a":1}`), twice, []filter.Path{""}},
		"a name twice below":       {in(object, twice), mustDoc(t, `{"x":{"a":1}}`), []filter.Path{"x"}},
		"corrupt":                  {corrupt(), mustDoc(t, `{"a":1}`), []filter.Path{""}},
		"corrupt below":            {mustDoc(t, `{"x":{"a":1}}`), in(object, corrupt()), []filter.Path{"x"}},
		"corrupt array":            {mustDoc(t, `{"x":[1]}`), in(arr, corrupt()), []filter.Path{"x"}},
		"both arrays corrupt":      {in(arr, one("b", bson.RawValue{Type: 0x7e})), in(arr, corrupt()), []filter.Path{"x"}},
		"array numbered otherwise": {in(arr, one("0", bsonval.FromInt32(1))), in(arr, one("7", bsonval.FromInt32(1))), []filter.Path{"x"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, filter.Diff(tt.pre, tt.post)); diff != "" {
				t.Errorf("Diff (-want +got):\n%s", diff)
			}
		})
	}
	for name, kind := range map[string]bson.Type{"documents": object, "arrays": arr} {
		t.Run("too deep: "+name, func(t *testing.T) {
			t.Parallel()
			got := filter.Diff(nested(kind, bsonval.FromInt32(1)), nested(kind, bsonval.FromInt32(2)))
			if len(got) != 1 || len(got[0].Segments()) < 100 {
				t.Errorf("Diff = %v, want one path, cut at a depth limit", got)
			}
		})
	}
}

func TestPathSegments(t *testing.T) {
	t.Parallel()
	for path, want := range map[filter.Path][]string{"": nil, "a": {"a"}, "a.0.b": {"a", "0", "b"}} {
		if diff := cmp.Diff(want, path.Segments()); diff != "" {
			t.Errorf("Path(%q).Segments() (-want +got):\n%s", path, diff)
		}
	}
}
