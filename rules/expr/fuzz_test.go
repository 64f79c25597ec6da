package expr_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/rules/expr"
)

// corpus is where real exports lie beside a checkout; without it the fuzzer starts from the seeds below.
const corpus = "../../../shared/corpus"

// FuzzParse parses anything, binds it and evaluates it. Nothing may panic, a broken expression must not grant, and
// what is constant must evaluate to itself.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`{"owner": "%%user.id"}`, `{"%or": [{"a": {"$gt": 1}}, {"b.c": null}]}`, `{"%%true": {"%not": {"a": "%%root.b"}}}`,
		`{"_id": {"%stringToOid": "%%user.id"}}`, `{"a": {"$elemMatch": {"b": {"$in": [1, 2]}}}}`, `{"%%user.custom_data": {"a": {"b": 1}}}`,
	} {
		f.Add([]byte(s), []byte(`{"a": [1, {"b": 2}], "owner": "ua"}`))
	}
	files, _ := filepath.Glob(corpus + "/*/data_sources/*/*/*/rules.json")
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		v, ds := source.Parse(&source.File{Name: name, Text: text})
		if ds.HasErrors() || v.Get("roles") == nil {
			continue
		}
		for _, role := range v.Get("roles").Items {
			if when := role.Get("apply_when"); when != nil {
				f.Add(text[when.Span.Start:when.Span.End], []byte(`{"_id": 1}`))
			}
		}
	}
	f.Fuzz(func(t *testing.T, text, docText []byte) {
		v, ds := source.Parse(&source.File{Name: "rules.json", Text: text})
		if ds.HasErrors() {
			return
		}
		doc, ok := parseDoc(docText)
		if !ok {
			return
		}
		for _, place := range []expr.Place{expr.InRole, expr.InField, expr.BeforeDocuments} {
			var ds source.Diagnostics
			c := expr.Parse(v, place, names, &ds).Bind(scope(t))
			env := &expr.Env{Root: doc, PrevRoot: doc, This: bsonval.FromDocument(doc)}
			got := c.Eval(env)
			if ds.HasErrors() && got != expr.Unknown {
				t.Fatalf("a broken expression is %v", got)
			}
			if want, isConst := c.Const(); isConst && got != want {
				t.Fatalf("constant %v evaluates to %v", want, got)
			}
			if again := c.Eval(env); again != got {
				t.Fatalf("evaluates to %v, then to %v", got, again)
			}
			c.Reads(func(string) {})
		}
		var more source.Diagnostics
		q := expr.ParseQuery(v, names, &more)
		if bound, is := q.Bind(scope(t)); is == expr.True {
			if more.HasErrors() {
				t.Fatal("a broken query matches something")
			}
			if err := bsonval.Validate(bound, 200); err != nil {
				t.Fatalf("bound query: %v", err)
			}
		}
	})
}
