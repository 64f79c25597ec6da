package bsonschema_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonschema"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/source"
)

func read(t testing.TB, text string) *source.Value {
	t.Helper()
	v, ds := source.Parse(&source.File{Name: "schema.json", Text: []byte(text)})
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	return v
}

func compile(t testing.TB, text string, o bsonschema.Options) *bsonschema.Schema {
	t.Helper()
	var ds source.Diagnostics
	s := bsonschema.Compile(read(t, text), o, &ds)
	if len(ds) > 0 {
		t.Fatalf("%s: %v", text, ds)
	}
	return s
}

func raw(t testing.TB, v any) bson.Raw {
	t.Helper()
	d, err := bson.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// say prints the failures, the first first.
func say(fs []bsonschema.Failure) string {
	var out []string
	for _, f := range fs {
		var names []string
		for _, step := range f.Path {
			names = append(names, step.Name)
		}
		out = append(out, strings.TrimSpace(strings.Join(names, ".")+" "+f.Reason))
	}
	return strings.Join(out, "; ")
}

// everyType has one value of each type.
func everyType(t testing.TB) map[string]any {
	t.Helper()
	dec, err := bson.ParseDecimal128("1.5")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{
		"double": 1.5, "string": "x", "object": bson.D{}, "array": bson.A{}, "objectId": bson.NewObjectID(),
		"date": bson.DateTime(1), "bool": true, "null": nil, "regex": bson.Regex{Pattern: "a"}, "int": int32(1),
		"timestamp": bson.Timestamp{T: 1}, "long": int64(1), "decimal": dec, "minKey": bson.MinKey{}, "maxKey": bson.MaxKey{},
		"uuid": bson.Binary{Subtype: 4, Data: make([]byte, 16)}, "binData": bson.Binary{Data: []byte{1}},
		"javascript": bson.JavaScript("f"), "symbol": bson.Symbol("s"), "undefined": bson.Undefined{},
		"dbPointer": bson.DBPointer{DB: "d"}, "javascriptWithScope": bson.CodeWithScope{Code: "f", Scope: bson.D{}},
	}
}

// Each type accepts its own values and, but for the groups, no others.
func TestTypes(t *testing.T) {
	groups := map[string][]string{"number": {"int", "long", "double", "decimal"}, "binData": {"binData", "uuid"}}
	values := everyType(t)
	names := []string{"number", "mixed", "float", "boolean"}
	for name := range values {
		names = append(names, name)
	}
	for _, name := range names {
		s := compile(t, `{"properties": {"v": {"bsonType": "`+name+`"}}}`, bsonschema.Options{})
		for other, v := range values {
			want := name == "mixed" || name == other
			for _, member := range groups[name] {
				want = want || member == other
			}
			want = want || name == "float" && other == "double" || name == "boolean" && other == "bool"
			got := s.Validate(nil, raw(t, bson.D{{Key: "v", Value: v}}), nil)
			if (len(got) == 0) != want {
				t.Errorf("bsonType %s of a %s: %s, want valid %v", name, other, say(got), want)
			}
			if len(got) > 0 && say(got) != "v is of the wrong type" {
				t.Errorf("bsonType %s of a %s: %s", name, other, say(got))
			}
		}
	}
}

func TestOldUUIDIsUUID(t *testing.T) {
	s := compile(t, `{"properties": {"v": {"bsonType": "uuid"}}}`, bsonschema.Options{})
	doc := raw(t, bson.D{{Key: "v", Value: bson.Binary{Subtype: 3, Data: make([]byte, 16)}}})
	if got := s.Validate(nil, doc, nil); len(got) > 0 {
		t.Error(say(got))
	}
}

func decimal(t testing.TB, text string) bson.Decimal128 {
	t.Helper()
	d, err := bson.ParseDecimal128(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The traps of the validator below, and values at the edges.
func TestValues(t *testing.T) {
	for _, c := range []struct {
		schema string // of the field v
		v      any
		want   string
	}{
		{`{"minimum": 0}`, decimal(t, "NaN"), "v is not a finite number"},
		{`{"maximum": 0}`, decimal(t, "Infinity"), "v is not a finite number"},
		{`{"minimum": 0}`, decimal(t, "1E+6144"), ""},
		{`{"maximum": 0}`, decimal(t, "1E-6176"), "v is too large"},
		{`{"enum": [{"$numberDecimal": "1E+6144"}]}`, decimal(t, "1E+6144"), ""},
		{`{"enum": [1]}`, decimal(t, "1E+6144"), "v is none of the allowed values"},
		{`{"enum": [1]}`, decimal(t, "1.0"), ""},
		{`{"enum": [{"$numberDouble": "NaN"}]}`, decimal(t, "NaN"), ""},
		{`{"enum": [0.1]}`, decimal(t, "0.1"), "v is none of the allowed values"},
		{`{"enum": [0.1]}`, 0.1, ""},
		{`{"enum": ["a"]}`, bson.Symbol("a"), ""},
		{`{"enum": [{"$numberLong": "9007199254740993"}]}`, int64(9007199254740992), "v is none of the allowed values"},
		{`{"const": {"a": 1, "b": 1}}`, bson.D{{Key: "b", Value: 1}, {Key: "a", Value: 1}}, "v is none of the allowed values"},
		{`{"const": [1, [2]]}`, bson.A{1.0, bson.A{int64(2)}}, ""},
		{`{"const": "ab"}`, bson.A{"a", "b"}, "v is none of the allowed values"},
		{`{"uniqueItems": true}`, bson.A{int64(9007199254740993), 9007199254740992.0}, ""},
		{`{"uniqueItems": true}`, bson.A{nil, nil}, "v has equal elements"},
		{`{"multipleOf": 0.01}`, 0.07, ""},
		{`{"minimum": {"$numberInt": "3"}}`, 2, "v is too small"},
		{`{"minimum": 3, "exclusiveMinimum": false}`, 3, ""},
		{`{"bsonType": "string", "minimum": 3}`, "x", ""},
		{`{"bsonType": []  , "title": "x"}`, "x", "compile"},
		{`{"items": [], "additionalItems": false}`, bson.A{1}, "v.0 matches what it must not"},
		{`{"items": [], "additionalItems": {"bsonType": "string"}}`, bson.A{1}, "v.0 is of the wrong type"},
		{`{"items": {"bsonType": "int"}, "additionalItems": false}`, bson.A{int32(1), int32(1)}, ""},
		{`{"additionalItems": false}`, bson.A{1}, ""},
		{`{"items": false}`, bson.A{1}, "v.0 matches what it must not"},
		{`true`, 1, ""},
		{`false`, 1, "v matches what it must not"},
		{`{"properties": {"$ref": {"bsonType": "string"}, "id": {"bsonType": "string"}}}`, bson.D{{Key: "$ref", Value: 1}}, "v.$ref is of the wrong type"},
		{`{"properties": {"int": {"bsonType": "string"}}}`, bson.D{{Key: "int", Value: "x"}}, ""},
		{`{"properties": {"a.b": {"bsonType": "string"}}}`, bson.D{{Key: "a.b", Value: 1}}, "v.a.b is of the wrong type"},
		{`{"properties": {"": {"bsonType": "string"}}}`, bson.D{{Key: "", Value: 1}}, "v. is of the wrong type"},
		{
			`{"properties": {"=": {"bsonType": "string"}}, "required": ["unique", "unique"], "enum": [1]}`,
			bson.D{{Key: "=", Value: 1}},
			"v is none of the allowed values; v.= is of the wrong type; v.unique is required",
		},
		{`{"propertyNames": {"enum": ["a"]}}`, bson.D{{Key: "b", Value: 1}}, "v has a field whose name is not allowed"},
		{`{"bsonType": "object", "propertyNames": {"pattern": "^a"}}`, bson.D{{Key: "ab", Value: 1}}, ""},
		{`{"dependencies": {"a": [], "b": ["a", "a"]}, "required": []}`, bson.D{{Key: "a", Value: 1}}, ""},
		{
			`{"anyOf": [{"bsonType": "int"}, {"bsonType": "object", "properties": {"x": {"bsonType": "int"}}}]}`,
			bson.D{{Key: "x", Value: "y"}},
			"v matches none of the alternatives",
		},
		{`{"format": "date-time"}`, "2020-01-01T00:00:00Z", ""},
		{`{"description": "x", "title": "y", "default": 3, "$schema": "http://127.0.0.1:1/x", "id": "http://127.0.0.1:1/y"}`, "x", ""},
		{`{"minLength": 1, "validate": true}`, "", "v does not satisfy its validate expression; v is too short"},
	} {
		var ds source.Diagnostics
		o := bsonschema.Options{Validate: func(*source.Value) int { return 0 }}
		s := bsonschema.Compile(read(t, `{"properties": {"v": `+c.schema+`}}`), o, &ds)
		if ds.HasErrors() {
			if c.want != "compile" {
				t.Errorf("%s: %v", c.schema, ds)
			}
			continue
		}
		if got := say(s.Validate(nil, raw(t, bson.D{{Key: "_id", Value: 1}, {Key: "v", Value: c.v}}), nil)); got != c.want {
			t.Errorf("%s of %v: %q, want %q", c.schema, c.v, got, c.want)
		}
	}
}

func TestDocument(t *testing.T) {
	for _, c := range []struct {
		schema string
		doc    bson.D
		want   string
	}{
		{`{"additionalProperties": false}`, bson.D{{Key: "_id", Value: 1}}, ""},
		{`{"additionalProperties": false}`, bson.D{{Key: "_id", Value: 1}, {Key: "a", Value: 1}}, "a is not allowed"},
		{`{"additionalProperties": {"bsonType": "string"}}`, bson.D{{Key: "_id", Value: 1}, {Key: "a", Value: "x"}}, ""},
		{`{"allOf": [{"additionalProperties": false}]}`, bson.D{{Key: "_id", Value: 1}}, ""},
		{`{"properties": {"_id": {"bsonType": "string"}}}`, bson.D{{Key: "_id", Value: 1}}, "_id is of the wrong type"},
		{`{"properties": {"o": {"additionalProperties": false}}}`, bson.D{{Key: "o", Value: bson.D{{Key: "_id", Value: 1}}}}, "o._id is not allowed"},
		{`{"propertyNames": {"maxLength": 1}}`, bson.D{{Key: "_id", Value: 1}, {Key: "a", Value: 1}}, ""},
		{`{"minProperties": 3}`, bson.D{{Key: "_id", Value: 1}}, "has too few fields"},
		{`{"not": {"required": ["a"]}}`, bson.D{{Key: "a", Value: 1}}, "matches what it must not"},
	} {
		if got := say(compile(t, c.schema, bsonschema.Options{}).Validate(nil, raw(t, c.doc), nil)); got != c.want {
			t.Errorf("%s of %v: %q, want %q", c.schema, c.doc, got, c.want)
		}
	}
}

func TestNullTypes(t *testing.T) {
	for _, c := range []struct {
		schema string
		doc    bson.D
		want   string
	}{
		{`{"properties": {"v": {"bsonType": "int"}}}`, bson.D{{Key: "v", Value: nil}}, ""},
		{`{"properties": {"v": {"bsonType": "int"}}}`, bson.D{{Key: "v", Value: "x"}}, "v is of the wrong type"},
		{`{"properties": {"v": {"type": "number"}}, "required": ["v"]}`, bson.D{{Key: "v", Value: nil}}, "v is of the wrong type"},
		{`{"properties": {"v": {"enum": [1], "properties": {}}}}`, bson.D{{Key: "v", Value: nil}}, ""},
		{`{"properties": {"v": {"enum": [1]}}}`, bson.D{{Key: "v", Value: 2}}, "v is none of the allowed values"},
		{`{"properties": {"v": {"const": 1}}}`, bson.D{{Key: "v", Value: nil}}, ""},
		{`{"properties": {"v": {"anyOf": [{"bsonType": "int"}]}}}`, bson.D{{Key: "v", Value: nil}}, ""},
		{`{"properties": {"v": {"anyOf": [{"bsonType": "int"}]}}}`, bson.D{{Key: "v", Value: "x"}}, "v matches none of the alternatives"},
		{`{"properties": {"v": {"allOf": [{"bsonType": "int"}]}}}`, bson.D{{Key: "v", Value: nil}}, ""},
		{`{"properties": {"v": {"not": {"bsonType": "null"}}}}`, bson.D{{Key: "v", Value: nil}}, ""},
		{`{"properties": {"v": {"if": {"bsonType": "null"}, "then": {"bsonType": "int"}}}}`, bson.D{{Key: "v", Value: nil}}, ""},
		{`{"properties": {"v": {"items": {"bsonType": "int"}}}}`, bson.D{{Key: "v", Value: bson.A{nil}}}, "v.0 is of the wrong type"},
		{`{"properties": {"v": {"bsonType": "object", "properties": {"x": {"bsonType": "int"}}}}}`, bson.D{{Key: "v", Value: bson.D{{Key: "x", Value: "y"}}}}, "v.x is of the wrong type"},
		{`{"patternProperties": {"^v": {"bsonType": "int"}}}`, bson.D{{Key: "v", Value: nil}}, ""},
		{`{"additionalProperties": {"bsonType": "int"}}`, bson.D{{Key: "v", Value: nil}}, ""},
	} {
		s := compile(t, c.schema, bsonschema.Options{NullType: true})
		if got := say(s.Validate(nil, raw(t, c.doc), nil)); got != c.want {
			t.Errorf("%s of %v: %q, want %q", c.schema, c.doc, got, c.want)
		}
	}
}

// What is wrong in one array leaves room for what is wrong elsewhere.
func TestManyFailures(t *testing.T) {
	s := compile(t, `{"properties": {"a": {"items": {"bsonType": "int"}}, "z": {"bsonType": "int"}}, "additionalProperties": false}`, bsonschema.Options{})
	doc := bson.D{{Key: "a", Value: make(bson.A, 5000)}, {Key: "z", Value: "x"}}
	for i := range 2000 {
		doc = append(doc, bson.E{Key: fmt.Sprint("f", i), Value: 1})
	}
	if got := s.Validate(nil, raw(t, doc), nil); len(got) != 1000 {
		t.Errorf("%d failures", len(got))
	}
	if got := say(s.Validate(nil, raw(t, doc[:2]), nil)); !strings.HasPrefix(got, "z is of the wrong type; a.0 is of the wrong type") {
		t.Errorf("%.100s", got)
	}
}

func TestDiagnostics(t *testing.T) {
	for schema, want := range map[string]string{
		`[]`:                     "1:1 invalid-schema",
		`{"bsonType": "string"}`: "1:1 invalid-schema",
		`{"type": "array"}`:      "1:1 invalid-schema",
		`{"type": "integer"}`:    "1:10 unknown-schema-type",
		`{"properties": {"a": {"bsonType": "strng"}}}`:                 "1:35 unknown-schema-type",
		`{"properties": {"a": {"bsonType": 1}}}`:                       "1:35 invalid-schema",
		`{"properties": {"a": {"bsonType": []}}}`:                      "1:35 invalid-schema",
		`{"properties": {"a": {"type": "objectId"}}}`:                  "1:31 unknown-schema-type",
		`{"properties": {"a": {"type": "object", "bsonType": "int"}}}`: "1:23 invalid-schema",
		`{"properties": {"a": 1}}`:                                     "1:22 invalid-schema",
		`{"properties": []}`:                                           "1:16 invalid-schema",
		`{"patternProperties": {"(": {}}}`:                             "1:24 invalid-schema",
		`{"patternProperties": 1}`:                                     "1:23 invalid-schema",
		`{"required": "a"}`:                                            "1:14 invalid-schema",
		`{"required": [1]}`:                                            "1:15 invalid-schema",
		`{"dependencies": 1}`:                                          "1:18 invalid-schema",
		`{"dependencies": {"a": [1]}}`:                                 "1:25 invalid-schema",
		`{"minProperties": -1}`:                                        "1:19 invalid-schema",
		`{"minProperties": 1.5}`:                                       "1:19 invalid-schema",
		`{"minProperties": 1e99}`:                                      "1:19 invalid-schema",
		`{"minProperties": "1"}`:                                       "1:19 invalid-schema",
		`{"minimum": {"$numberInt": "x"}}`:                             "1:13 invalid-schema",
		`{"minimum": {"$date": "1"}}`:                                  "1:13 invalid-schema",
		`{"minimum": 1e999999999}`:                                     "1:13 invalid-schema",
		`{"multipleOf": 0}`:                                            "1:16 invalid-schema",
		`{"exclusiveMinimum": 3}`:                                      "1:22 invalid-schema",
		`{"exclusiveMinimum": true}`:                                   "1:2 invalid-schema",
		`{"minLength": 3, "maxLength": 2}`:                             "1:1 invalid-schema",
		`{"enum": 1}`:                                                  "1:10 invalid-schema",
		`{"enum": []}`:                                                 "1:10 invalid-schema",
		`{"const": {"$oid": "x"}}`:                                     "1:11 invalid-schema",
		`{"anyOf": {}}`:                                                "1:11 invalid-schema",
		`{"anyOf": []}`:                                                "1:11 invalid-schema",
		`{"not": 1}`:                                                   "1:9 invalid-schema",
		`{"pattern": 1}`:                                               "1:13 invalid-schema",
		`{"pattern": "a(?!b)"}`:                                        "1:13 invalid-schema",
		`{"format": "phone"}`:                                          "1:12 unknown-schema-type",
		`{"format": 1}`:                                                "1:12 invalid-schema",
		`{"uniqueItems": 1}`:                                           "1:17 invalid-schema",
		`{"then": 1}`:                                                  "1:2 unknown-schema-keyword",
		`{"reqired": ["a"]}`:                                           "1:2 unknown-schema-keyword",
		`{"$ref": "#/definitions/a"}`:                                  "1:2 invalid-schema",
		`{"validate": true}`:                                           "1:2 invalid-schema",
		`{"not": {"allOf": [{"validate": true}]}}`:                     "1:21 invalid-schema",
		`{"properties": {"a": {"contains": {"validate": true}}}}`:      "1:36 invalid-schema",
	} {
		var ds source.Diagnostics
		s := bsonschema.Compile(read(t, schema), bsonschema.Options{}, &ds)
		var got []string
		for _, d := range ds {
			line, column := d.Span.Position()
			got = append(got, fmt.Sprintf("%d:%d %s", line, column, d.Code))
		}
		if diff := cmp.Diff(want, strings.Join(got, ", ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", schema, diff)
		}
		if ds.HasErrors() && len(s.Validate(nil, raw(t, bson.D{}), nil)) == 0 {
			t.Errorf("%s: a schema with errors lets documents pass", schema)
		}
	}
}

// A reference is refused before anybody follows it.
func TestReferencesAreNotFetched(t *testing.T) {
	asked := false
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer srv.Close()
	for _, schema := range []string{
		`{"$ref": "` + srv.URL + `"}`, `{"properties": {"a": {"$ref": "` + srv.URL + `"}}}`, `{"id": "` + srv.URL + `"}`,
		`{"$schema": "` + srv.URL + `"}`, `{"definitions": {"a": {"$ref": "` + srv.URL + `"}}}`, `{"enum": [{"$ref": "` + srv.URL + `"}]}`,
	} {
		var ds source.Diagnostics
		bsonschema.Compile(read(t, schema), bsonschema.Options{}, &ds)
	}
	if asked {
		t.Error("a reference was fetched")
	}
}

func TestZeroSchemaLetsNothingPass(t *testing.T) {
	var zero *bsonschema.Schema
	for _, s := range []*bsonschema.Schema{zero, {}} {
		if len(s.Validate(nil, raw(t, bson.D{}), nil)) == 0 {
			t.Error("passes")
		}
	}
}

func TestBounds(t *testing.T) {
	s := compile(t, `{"title": "x"}`, bsonschema.Options{})
	if got := say(s.Validate(nil, raw(t, bson.D{{Key: "a", Value: make(bson.A, 250_000)}}), nil)); got != "has too many values to be checked" {
		t.Error(got)
	}
	digits := make(bson.A, 5000)
	for i := range digits {
		digits[i] = decimal(t, "1E-6000")
	}
	if got := say(s.Validate(nil, raw(t, bson.D{{Key: "a", Value: digits}}), nil)); got != "has too many values to be checked" {
		t.Error(got)
	}
	if got := say(s.Validate(nil, raw(t, bson.D{{Key: "a", Value: digits[:100]}}), nil)); got != "" {
		t.Error(got)
	}
	var deep any = 1
	for range 300 {
		deep = bson.A{deep}
	}
	if got := say(s.Validate(nil, raw(t, bson.D{{Key: "a", Value: deep}}), nil)); got != "has too many values to be checked" {
		t.Error(got)
	}
	twice := raw(t, bson.D{{Key: "a", Value: 1}, {Key: "a", Value: 2}})
	if got := say(s.Validate(nil, twice, nil)); got != "is malformed" {
		t.Error(got)
	}
	broken := bson.Raw{12, 0, 0, 0, 99, 'a', 0, 1, 0, 0, 0, 0}
	if got := say(s.Validate(nil, broken, nil)); got != "is malformed" {
		t.Error(got)
	}
}

// Each validate expression is asked about each value that its schema is of, after and before.
func TestValidate(t *testing.T) {
	const schema = `{
		"validate": "root",
		"properties": {"a": {"validate": "a"}, "o": {"properties": {"x": {"validate": "x"}}}, "known": {}},
		"patternProperties": {"^p": {"validate": "p"}},
		"additionalProperties": {"validate": "rest"},
		"allOf": [{"properties": {"l": {"items": [{"validate": "first"}], "additionalItems": {"validate": "more"}}}},
			{"properties": {"m": {"items": {"validate": "each"}}}}]
	}`
	type D = bson.D
	for _, c := range []struct {
		name      string
		pre, post D
		want      []string
	}{
		{"insert", nil, D{{Key: "_id", Value: 1}, {Key: "a", Value: 1}, {Key: "known", Value: 1}}, []string{"root", "a <-1"}},
		{"removal", D{{Key: "a", Value: 1}}, D{}, []string{"root", "a 1<-"}},
		{"rest and pattern", D{{Key: "p1", Value: 1}}, D{{Key: "p1", Value: 2}, {Key: "z", Value: 3}}, []string{"root", "p 1<-2", "rest <-3"}},
		{"nested removal", D{{Key: "o", Value: D{{Key: "x", Value: 1}}}}, D{}, []string{"root", "x 1<-"}},
		{"nested replaced", D{{Key: "o", Value: D{{Key: "x", Value: 1}}}}, D{{Key: "o", Value: 5}}, []string{"root", "x 1<-"}},
		{
			"same length",
			D{{Key: "l", Value: bson.A{1, 2}}},
			D{{Key: "l", Value: bson.A{1, 3}}},
			[]string{"root", "first 1<-1", "more 2<-3", "rest"},
		},
		{
			"other length", D{{Key: "m", Value: bson.A{1, 2}}}, D{{Key: "m", Value: bson.A{4}}}, []string{"root", "each <-4", "rest"},
		},
	} {
		var names []string
		s := compile(t, schema, bsonschema.Options{Validate: func(v *source.Value) int {
			names = append(names, v.Str)
			return len(names) - 1
		}})
		var pre bson.Raw
		if c.pre != nil {
			pre = raw(t, c.pre)
		}
		number := func(v bson.RawValue) string {
			if n, ok := bsonval.Int64(v); ok {
				return string(rune('0' + n))
			}
			return ""
		}
		var asked []string
		got := s.Validate(pre, raw(t, c.post), func(n int, this, prev bson.RawValue) bool {
			line := names[n]
			if number(this)+number(prev) != "" {
				line += " " + number(prev) + "<-" + number(this)
			}
			asked = append(asked, line)
			return line != "a <-1"
		})
		if diff := cmp.Diff(c.want, asked); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		if c.name == "insert" && say(got) != "a does not satisfy its validate expression" {
			t.Errorf("%s: %s", c.name, say(got))
		}
	}
}
