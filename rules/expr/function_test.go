package expr_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/rules/expr"
)

// recorder gives back the first argument, unless the function is called fail, and keeps what was called.
type recorder struct{ called []string }

func (r *recorder) Call(_ *expr.Scope, name string, args []bson.RawValue) (bson.RawValue, error) {
	text := []string{name}
	for _, a := range args {
		if bsonval.IsMissing(a) {
			text = append(text, "missing")
			continue
		}
		out, err := ejson.AppendRelaxedValue(nil, a)
		if err != nil {
			return bson.RawValue{}, err
		}
		text = append(text, string(out))
	}
	r.called = append(r.called, strings.Join(text, " "))
	if name == "fail" || len(args) == 0 {
		return bson.RawValue{}, errors.New("it failed")
	}
	return args[0], nil
}

func parseCalling(t *testing.T, text string) *expr.Expr {
	t.Helper()
	v, ds := source.Parse(&source.File{Name: "rules.json", Text: []byte(text)})
	names := expr.Names{Functions: map[string]string{"give": "", "fail": "", "broken": "its source has errors"}}
	e := expr.Parse(v, expr.InRole, names, &ds)
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	return e
}

// Calls, what they come to, and when which of them happens.
func TestFunctions(t *testing.T) {
	t.Parallel()
	const doc = `{"a": true, "b": "x", "list": ["x", "y"], "n": null}`
	call := func(name, args string) string {
		return fmt.Sprintf(`{"%%function": {"name": %q, "arguments": [%s]}}`, name, args)
	}
	for _, c := range []struct {
		text           string
		want           expr.Truth
		atBind, atEval string // what is called, separated by commas
	}{
		{call("give", `true`), expr.True, "give true", ""},
		{call("give", `false`), expr.False, "give false", ""},
		{call("give", `1`), expr.Unknown, "give 1", ""},
		{call("fail", ``), expr.Error, "fail", ""},
		{`{"%%true": ` + call("give", `true`) + `}`, expr.True, "give true", ""},
		{`{"%%false": ` + call("give", `false`) + `}`, expr.True, "give false", ""},
		{`{"%%false": ` + call("give", `"no"`) + `}`, expr.Unknown, `give "no"`, ""},
		{`{"%%false": ` + call("fail", ``) + `}`, expr.Error, "fail", ""},
		{`{"%not": ` + call("fail", ``) + `}`, expr.Error, "fail", ""},
		{call("give", `"%%root.a"`), expr.True, "", "give true"},
		{call("give", `"%%root.b"`), expr.Unknown, "", `give "x"`},
		{call("give", `"%%root.none"`), expr.Unknown, "", "give missing"},
		{call("fail", `"%%root.a"`), expr.Error, "", "fail true"},
		{`{"%not": ` + call("fail", `"%%root.a"`) + `}`, expr.Error, "", "fail true"},
		// An argument without a value: the function is not called.
		{call("give", `true, "%%user.custom_data.nothing"`), expr.Unknown, "", ""},
		// Arguments at any depth.
		{call("give", `true, {"id": "%%user.id", "list": ["%%root.b", 1]}`), expr.True, "", `give true {"id":"ua","list":["x",1]}`},
		{call("give", call("give", `true`)), expr.True, "give true,give true", ""},
		{call("give", call("fail", ``)), expr.Error, "fail", ""},
		// As a value.
		{`{"b": ` + call("give", `"x"`) + `}`, expr.True, `give "x"`, ""},
		{`{"b": {"%ne": ` + call("give", `"x"`) + `}}`, expr.False, `give "x"`, ""},
		{`{"b": {"%in": [` + call("give", `"x"`) + `, "z"]}}`, expr.True, `give "x"`, ""},
		{`{"b": ` + call("give", `["x"]`) + `}`, expr.True, `give ["x"]`, ""},
		{`{"b": ` + call("give", `"%%root.list"`) + `}`, expr.True, "", `give ["x","y"]`},
		{`{"none": ` + call("give", `null`) + `}`, expr.Unknown, "give null", ""},
		{`{"none": ` + call("give", `"%%root.none"`) + `}`, expr.Unknown, "", "give missing"},
		{`{"none": ` + call("give", `"%%root.n"`) + `}`, expr.Unknown, "", "give null"},
		{`{"none": {"%in": [` + call("give", `"%%root.none"`) + `]}}`, expr.Unknown, "", "give missing"},
		{`{"none": {"%ne": ` + call("give", `"%%root.none"`) + `}}`, expr.Unknown, "", "give missing"},
		{`{"b": ` + call("fail", ``) + `}`, expr.Error, "fail", ""},
		{`{"b": {"%ne": ` + call("fail", ``) + `}}`, expr.Error, "fail", ""},
		{`{"b": {"%nin": [` + call("fail", ``) + `]}}`, expr.Error, "fail", ""},
		{`{"%%user.id": ` + call("give", `"ua"`) + `}`, expr.True, `give "ua"`, ""},
		// What decides without it keeps a function from being called, wherever it stands.
		{`{"%and": [` + call("fail", ``) + `, {"%%user.id": "ub"}]}`, expr.False, "", ""},
		{`{"%or": [` + call("fail", ``) + `, {"%%user.id": "ua"}]}`, expr.True, "", ""},
		{`{"%and": [` + call("give", `"%%root.a"`) + `, {"b": "y"}]}`, expr.False, "", ""},
		{`{"%or": [` + call("give", `"%%root.a"`) + `, {"b": "x"}]}`, expr.True, "", ""},
		{`{"%or": [{"b": "y"}, ` + call("fail", `"%%root.a"`) + `]}`, expr.Error, "", "fail true"},
		{`{"%and": [{"b": "x"}, ` + call("fail", `"%%root.a"`) + `]}`, expr.Error, "", "fail true"},
	} {
		t.Run(c.text, func(t *testing.T) {
			t.Parallel()
			r := &recorder{}
			s := scope(t)
			s.User, s.Functions = mustDoc(t, `{"id": "ua"}`), r
			e := parseCalling(t, c.text)
			bound := expr.Any(e.Bind(s)) // which binds once more what is bound already
			atBind := strings.Join(r.called, ",")
			r.called = nil
			d := mustDoc(t, doc)
			got := bound.Eval(&expr.Env{Root: d, PrevRoot: d})
			if diff := cmp.Diff([]any{c.want, c.atBind, c.atEval}, []any{got, atBind, strings.Join(r.called, ",")}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if c.atEval != "" && (!bound.Fails() || bound.Bounds("").Exact()) {
				t.Error("a plan would be made of what a function decides")
			}
			if !e.Uses().Functions || !e.Uses().CustomData || !e.Uses().Request {
				t.Errorf("uses %+v", e.Uses())
			}
			s.Functions = nil
			if got := e.Bind(s).Eval(&expr.Env{Root: d, PrevRoot: d}); got == expr.True && c.want != expr.True {
				t.Errorf("without functions: %v", got)
			}
		})
	}
}

// What cannot be called is an error where it is called.
func TestFunctionErrors(t *testing.T) {
	t.Parallel()
	names := expr.Names{Functions: map[string]string{"give": "", "broken": "its source has errors"}}
	for text, want := range map[string]string{
		`{"%function": {"name": "gibe"}}`:                                           `did you mean "give"?`,
		`{"%function": {"name": "broken"}}`:                                         "its source has errors",
		`{"%function": {"name": "give", "arguments": [], "args": []}}`:              "one list",
		`{"a": {"%function": {"name": "give"}, "%gt": 5}}`:                          "beside other operators",
		`{"%function": {"name": "give", "arguments": ["%%values.none"]}}`:           "not defined",
		`{"%function": {"name": "give", "arguments": [{"%function": {"x": 1}}]}}`:   "name and arguments",
		`{"a": {"%stringToOid": {"%function": {"name": "give", "arguments": []}}}}`: "takes a string or an expansion",
	} {
		v, ds := source.Parse(&source.File{Name: "rules.json", Text: []byte(text)})
		e := expr.Parse(v, expr.InRole, names, &ds)
		if !ds.HasErrors() || !strings.Contains(ds[0].String()+ds[0].Hint, want) {
			t.Errorf("%s: %v, want %s", text, ds, want)
		}
		if got := e.Bind(scope(t)).Eval(&expr.Env{}); got != expr.Unknown {
			t.Errorf("%s: %v", text, got)
		}
	}
}
