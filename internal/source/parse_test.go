package source_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/internal/source"
)

func parse(text string) (*source.Value, source.Diagnostics) {
	return source.Parse(&source.File{Name: "f.json", Text: []byte(text)})
}

func TestParseKeepsOrderAndPlaces(t *testing.T) {
	t.Parallel()
	text := "{\n  \"ä\": [1.50, \"x\\u0041\"],\n  \"b\" : {\"c\":null, \"d\": true}, \"e\": false\n}\n"
	v, ds := parse(text)
	if len(ds) != 0 {
		t.Fatalf("Parse = %v, want no diagnostics", ds)
	}
	for _, c := range []struct {
		got            *source.Value
		kind           source.Kind
		str, text, pos string
	}{
		{v, source.Object, "", text[:len(text)-1], "f.json:1:1"},
		{v.Get("ä"), source.Array, "", `[1.50, "x\u0041"]`, "f.json:2:8"},
		{v.Get("ä").Items[0], source.Number, "1.50", "1.50", "f.json:2:9"},
		{v.Get("ä").Items[1], source.String, "xA", `"x\u0041"`, "f.json:2:15"},
		{v.Get("b"), source.Object, "", `{"c":null, "d": true}`, "f.json:3:9"},
		{v.Get("b").Get("c"), source.Null, "", "null", "f.json:3:14"},
		{v.Get("b").Get("d"), source.Bool, "", "true", "f.json:3:25"},
		{v.Get("e"), source.Bool, "", "false", "f.json:3:37"},
	} {
		span := c.got.Span
		if c.got.Kind != c.kind || c.got.Str != c.str || text[span.Start:span.End] != c.text || span.String() != c.pos {
			t.Errorf("value = %v %q %q at %s, want %v %q %q at %s",
				c.got.Kind, c.got.Str, text[span.Start:span.End], span, c.kind, c.str, c.text, c.pos)
		}
	}
	if !v.Get("b").Get("d").Bool || v.Get("e").Bool {
		t.Error("booleans were not kept")
	}
	if name := v.Members[1].NameSpan; name.String() != "f.json:3:3" || text[name.Start:name.End] != `"b"` {
		t.Errorf("name stands at %s", name)
	}
	if v.Get("zz") != nil || v.Get("e").Get("x") != nil || (*source.Value)(nil).Get("x") != nil {
		t.Error("Get of nothing is not nil")
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", "f.json:1:1: error[malformed-json]: the file is empty"},
		{"blank", " \n\t\n", "f.json:1:1: error[malformed-json]: the file is empty"},
		{"cut", "{\"a\":\n [1, 2\n", "f.json:2:6: error[malformed-json]: not valid JSON: the file ends too early"},
		{"cut string", `{"a": "bc`, "f.json:1:9: error[malformed-json]: not valid JSON: the file ends too early"},
		{"cut in a name", "{\"a\": 1,\n\"bc", "f.json:2:3: error[malformed-json]: not valid JSON: the file ends too early"},
		{"line break in a string", "{\"a\": \"b\nc\"}", "f.json:1:9: error[malformed-json]: not valid JSON: invalid character '\\n' in string (expecting non-control character)"},
		{"trailing comma", "{\"a\": 1,\n}", "f.json:1:8: error[malformed-json]: not valid JSON: invalid character ',' at start of value"},
		{"bare word", "{\"a\": yes}", "f.json:1:7: error[malformed-json]: not valid JSON: invalid character 'y' at start of value"},
		{"cut literal", "[tru]", "f.json:1:5: error[malformed-json]: not valid JSON: invalid character ']' in literal true (expecting 'e')"},
		{"number as name", "{1: 2}", "f.json:1:2: error[malformed-json]: not valid JSON: object member name must be a string"},
		{"leading zero", "[012]", "f.json:1:3: error[malformed-json]: not valid JSON: invalid character '1' after array element (expecting ',' or ']')"},
		{"control", "[\"a\x01b\"]", "f.json:1:4: error[malformed-json]: not valid JSON: invalid character '\\x01' in string (expecting non-control character)"},
		{"NUL", "[1\x00]", "f.json:1:3: error[malformed-json]: not valid JSON: invalid character '\\x00' after array element (expecting ',' or ']')"},
		{"NUL in a name", "{\"a\\u0000b\": 1}", "f.json:1:2: error[nul-in-name]: a name contains a NUL character"},
		{"not UTF-8", "[\"ä\xff\"]", "f.json:1:4: error[invalid-utf8]: the text is not valid UTF-8"},
		{"half a surrogate", `["\ud800"]`, "f.json:1:3: error[malformed-json]: not valid JSON: invalid surrogate pair `\\ud800\"]` in string"},
		{"byte order mark", "\ufeff{}", "f.json:1:1: error[byte-order-mark]: the file starts with a byte order mark"},
		{"UTF-16", "\xff\xfe{\x00}\x00", "f.json:1:1: error[invalid-utf8]: the text is not valid UTF-8"},
		{"trailing", "{}\n  {}", "f.json:2:3: error[trailing-data]: there is more text after the end of the JSON value"},
		{"too deep", strings.Repeat("[", 101) + strings.Repeat("]", 101), "f.json:1:101: error[json-too-deep]: more than 100 objects and arrays inside each other"},
		{"duplicate", "{\"a\": 1,\n \"b\": {\"a\": 2}, \"\\u0061\": 3}", "f.json:2:17: error[duplicate-name]: the name \"a\" appears twice in one object, first at 1:2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, ds := parse(c.in)
			var got []string
			for _, d := range ds {
				got = append(got, d.String())
			}
			if diff := cmp.Diff([]string{c.want}, got); diff != "" {
				t.Errorf("Parse(%q) (-want +got):\n%s", c.in, diff)
			}
		})
	}
}

func TestParseKeepsValueOfDoubtfulMeaning(t *testing.T) {
	t.Parallel()
	v, ds := parse(`{"a": 1, "a": 2}`)
	if v == nil || len(v.Members) != 2 || v.Get("a").Str != "1" || !ds.HasErrors() {
		t.Errorf("Parse = %v, %v, want both members, the first one to be got, and an error", v, ds)
	}
	if v, _ := parse(`{} x`); v != nil {
		t.Errorf("Parse of a text with a tail = %v, want nil", v)
	}
}

func TestParseBoundsReport(t *testing.T) {
	t.Parallel()
	_, ds := parse("{" + strings.Repeat(`"a":1,`, 10_000) + `"a":1}`)
	if len(ds) != 50 {
		t.Errorf("%d diagnostics for 10000 duplicates, want 50", len(ds))
	}
	if _, ds := parse(strings.Repeat("[", 100) + strings.Repeat("]", 100)); len(ds) != 0 {
		t.Errorf("depth 100 = %v, want it accepted", ds)
	}
	_, ds = parse(`{"` + strings.Repeat("é", 200) + `": 1, "` + strings.Repeat("é", 200) + `": 1}`)
	if len(ds) != 1 || len(ds[0].Message) > 250 {
		t.Errorf("a long name is shown whole: %v", ds)
	}
}

func TestMalformedHints(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`[1, ]`: "remove the comma: nothing follows it", `[1,, 2]`: "", `{"a": 1 "b": 2}`: "a comma may be missing before it",
		"{\n// x\n}": "JSON has no comments", "{'a': 1}": "strings and names stand in double quotes", "[1": "a closing bracket or quote is missing",
		"": "write {} for an empty object", `[x]`: "",
	} {
		if _, ds := parse(in); len(ds) != 1 || ds[0].Hint != want {
			t.Errorf("Parse(%q) = %+v, want the hint %q", in, ds, want)
		}
	}
}

func TestKindNames(t *testing.T) {
	t.Parallel()
	var got []string
	for k := source.Null; k <= source.Object+1; k++ {
		got = append(got, k.String())
	}
	want := []string{"null", "a boolean", "a number", "a string", "an array", "an object", "an unknown kind of value"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzParse holds that nothing panics, that every reported place lies in the text, that an accepted value covers exactly the
// text it claims, and that reading that text again gives the same value.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "{}", `{"a":[1,-2.5e3,"x",true,null,{"b":{}}]}`, `{"a":1,"a":2}`, "\ufeff{}", "{\"a\": \"\xff\"}", `["\ud83d\ude00"]`,
		`{"roles":[{"name":"owner","apply_when":{"%%root.owner":"%%user.id"},"read":true}],"filters":[]}`, "[1,]", "{'a':1}",
		`{"a":1} // x`, strings.Repeat("[", 102), "[1\n2]", `{"a\u0000":1}`,
	} {
		f.Add([]byte(s))
	}
	exports, err := filepath.Glob("../../../shared/corpus/*/data_sources/*/*/*/rules.json") // real exports, where they are at hand
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range exports {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, ds := source.Parse(&source.File{Name: "f", Text: text})
		if v == nil && !ds.HasErrors() {
			t.Fatal("no value and no error")
		}
		for _, d := range ds {
			line, column := d.Span.Position()
			if line < 1 || column < 1 || d.Span.Start < 0 || d.Span.Start > len(text) || d.Span.End > len(text) || d.Span.End < d.Span.Start {
				t.Fatalf("diagnostic %v at %d:%d, bytes %d to %d of %d", d, line, column, d.Span.Start, d.Span.End, len(text))
			}
		}
		var out bytes.Buffer
		if err := ds.WriteText(&out); err != nil || bytes.ContainsAny(out.Bytes(), "\x1b\x00\x07") {
			t.Fatalf("WriteText = %q, %v", out.Bytes(), err)
		}
		if v != nil {
			checkAgain(t, v)
		}
	})
}

func checkAgain(t *testing.T, v *source.Value) {
	t.Helper()
	text := v.Span.File.Text[v.Span.Start:v.Span.End]
	again, _ := source.Parse(&source.File{Name: "again", Text: text})
	if again == nil || again.Kind != v.Kind || again.Str != v.Str || again.Bool != v.Bool ||
		len(again.Items) != len(v.Items) || len(again.Members) != len(v.Members) || again.Span.End != len(text) {
		t.Fatalf("%q read again = %+v, want %+v", text, again, v)
	}
	for i, item := range v.Items {
		if i < 3 {
			checkAgain(t, item)
		}
	}
	for i, m := range v.Members {
		if m.Name != again.Members[i].Name {
			t.Fatalf("name %q read again = %q", m.Name, again.Members[i].Name)
		}
		if i < 3 {
			checkAgain(t, m.Value)
		}
	}
}
