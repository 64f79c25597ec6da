package source_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/internal/source"
)

func TestWriteText(t *testing.T) {
	t.Parallel()
	f := &source.File{Name: "a/rules.json", Text: []byte("{\r\n\t\"rölé\": \"x\x1b[31m\",\r\n  \"k\": {\"a\": 1}}")}
	at := func(s string) source.Span {
		i := bytes.Index(f.Text, []byte(s))
		return source.Span{File: f, Start: i, End: i + len(s)}
	}
	var ds source.Diagnostics
	ds.Error(at(`"rölé"`), "unknown-key", `did you mean "role"?`, "no key %q", "rölé")
	ds.Warn(at("\"x\x1b[31m\""), "odd", "", "odd")
	ds.Error(at("{\"a\": 1}"), "wrong-type", "", "an object")
	ds.Error(source.Span{File: f, Start: len(f.Text), End: len(f.Text)}, "end", "", "at the end")
	ds.Error(source.Span{File: &source.File{Name: "x\ny.json"}}, "missing", "add it", "a file is missing")
	ds.Error(source.Span{}, "nowhere", "", "no place")
	ds.Error(source.Span{File: &source.File{Name: "empty.json", Text: []byte{}}}, "malformed-json", "write it", "empty")
	var out strings.Builder
	if err := ds.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	want := `a/rules.json:2:2: error[unknown-key]: no key "rölé"
  2 | 	"rölé": "x�[31m",
    | 	^^^^^^
    hint: did you mean "role"?
a/rules.json:2:10: warning[odd]: odd
  2 | 	"rölé": "x�[31m",
    | 	        ^^^^^^^^
a/rules.json:3:8: error[wrong-type]: an object
  3 |   "k": {"a": 1}}
    |        ^
a/rules.json:3:17: error[end]: at the end
  3 |   "k": {"a": 1}}
    |                 ^
x�y.json: error[missing]: a file is missing
    hint: add it
error[nowhere]: no place
empty.json:1:1: error[malformed-json]: empty
    hint: write it
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("WriteText (-want +got):\n%s", diff)
	}
}

func TestExcerptOfLongLine(t *testing.T) {
	t.Parallel()
	f := &source.File{Name: "f", Text: []byte(strings.Repeat("ä", 100_000) + "XYZ" + strings.Repeat("ö", 100_000))}
	for _, end := range []int{200_003, 400_003} {
		ds := source.Diagnostics{{Code: "c", Message: "m", Span: source.Span{File: f, Start: 200_000, End: end}}}
		var out strings.Builder
		if err := ds.WriteText(&out); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(out.String(), "\n")
		text, carets := []rune(lines[1]), []rune(lines[2])
		if len(text) > 160 || lines[0] != "f:1:100001: error[c]: m" {
			t.Errorf("excerpt has %d characters below %q", len(text), lines[0])
		}
		if i := strings.Index(lines[2], "^"); string(text[i:i+3]) != "XYZ" || len(carets) > len(text) {
			t.Errorf("the caret does not stand below the place:\n%s", out.String())
		}
	}
}

func TestWriteJSON(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := source.Diagnostics(nil).WriteJSON(&out); err != nil || out.String() != "[]\n" {
		t.Errorf("WriteJSON of nothing = %q, %v, want an empty array", out.String(), err)
	}
	out.Reset()
	_, ds := source.Parse(&source.File{Name: "f.json", Text: []byte("{\"<a>\": 1,\n\"<a>\": 2}")})
	ds.Warn(source.Span{}, "w", "", "m")
	if err := ds.WriteJSON(&out); err != nil {
		t.Fatal(err)
	}
	want := `[
  {
    "file": "f.json",
    "line": 2,
    "column": 1,
    "severity": "error",
    "code": "duplicate-name",
    "message": "the name \"<a>\" appears twice in one object, first at 1:2",
    "hint": "keep one of the two"
  },
  {
    "file": "",
    "line": 0,
    "column": 0,
    "severity": "warning",
    "code": "w",
    "message": "m",
    "hint": ""
  }
]
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("WriteJSON (-want +got):\n%s", diff)
	}
}

type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, errors.New("closed") }

func TestWriteReportsFailure(t *testing.T) {
	t.Parallel()
	ds := source.Diagnostics{{Code: "c"}}
	if ds.WriteText(closedPipe{}) == nil || ds.WriteJSON(closedPipe{}) == nil {
		t.Error("an error of the writer was lost")
	}
}

func TestSortAndSeverity(t *testing.T) {
	t.Parallel()
	f, g := &source.File{Name: "a", Text: []byte("xx\nyy")}, &source.File{Name: "b", Text: []byte("z")}
	var ds source.Diagnostics
	ds.Warn(source.Span{File: g}, "c", "", "5")
	ds.Warn(source.Span{File: f, Start: 3}, "c", "", "3")
	ds.Warn(source.Span{File: f, Start: 3}, "b", "", "2b")
	ds.Warn(source.Span{File: f, Start: 3}, "b", "", "2a")
	if ds.HasErrors() {
		t.Error("warnings count as errors")
	}
	ds.Error(source.Span{File: f, Start: 3}, "z", "", "1")
	ds.Warn(source.Span{File: f}, "c", "", "0")
	ds.Sort()
	var got []string
	for _, d := range ds {
		got = append(got, d.Message)
	}
	if diff := cmp.Diff([]string{"0", "1", "2a", "2b", "3", "5"}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if !ds.HasErrors() {
		t.Error("the error was not seen")
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"apply_when", "read", "write", "insert", "fields", "additional_fields", "id"}
	for name, want := range map[string]string{
		"applyWhen": "apply_when", "aply_when": "apply_when", "Read": "read", "raed": "read", "wrte": "write", "read": "",
		"ID": "id", "ix": "", "additionalFields": "additional_fields", "filds": "fields", "schema": "", "": "",
		strings.Repeat("a", 65): "",
	} {
		if got := source.Nearest(name, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}
