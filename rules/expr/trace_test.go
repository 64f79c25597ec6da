package expr_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/rules/expr"
)

func mustValue(t testing.TB, text string) *source.Value {
	t.Helper()
	v, ds := source.Parse(&source.File{Name: "rules.json", Text: []byte(text)})
	if ds.HasErrors() {
		t.Fatalf("parse %s: %v", text, ds)
	}
	return v
}

// lines writes a trace as a list, each part indented below what it is a part of.
func lines(t testing.TB, s expr.Step, indent string) []string {
	t.Helper()
	truth := s.Truth.String()
	if s.Open {
		truth = "open"
	}
	line := indent + truth + " " + s.Join.String() + " " + s.Text
	for _, seen := range s.Seen {
		value := []byte("-")
		if !bsonval.IsMissing(seen.Value) {
			var err error
			if value, err = ejson.AppendRelaxedValue(nil, seen.Value); err != nil {
				t.Fatal(err)
			}
		}
		line += " | " + seen.Name + " = " + string(value)
	}
	out := []string{line}
	for _, p := range s.Parts {
		out = append(out, lines(t, p, indent+". ")...)
	}
	return out
}

func TestTrace(t *testing.T) {
	tests := []struct {
		name, expr, doc string // without a document only what is known before
		place           expr.Place
		want            string
	}{
		{"a boolean", `true`, `{}`, expr.InRole, `true alone true`},
		{"nothing", `{}`, `{}`, expr.InRole, `true alone {}`},
		{"both sides", `{"owner": "%%user.id"}`, `{"owner": "ub"}`, expr.InRole, `false alone {"owner": "%%user.id"} | owner = "ub" | %%user.id = "ua"`},
		{"... before a document", `{"owner": "%%user.id"}`, ``, expr.InRole, `open alone {"owner": "%%user.id"} | %%user.id = "ua"`},
		{"a literal", `{"n": {"$gt": 5}}`, `{"n": 7}`, expr.InRole, `true alone {"n": {"$gt": 5}} | n = 7`},
		{"what is missing", `{"team": "%%user.data.team"}`, `{}`, expr.InRole, `unknown alone {"team": "%%user.data.team"} | team = - | %%user.data.team = -`},
		{"an expansion that never has a value", `{"%%user.rol": {"$ne": "x"}}`, `{}`, expr.InRole, `unknown alone {"%%user.rol": {"$ne": "x"}} | %%user.rol = -`},
		{"... on the right", `{"a": ["%%args.x", 1]}`, `{"a": 1}`, expr.InRole, `unknown alone {"a": ["%%args.x", 1]} | a = 1 | %%args.x = -`},
		{"custom data", `{"%%user.custom_data.nested": {"level": 3}}`, ``, expr.InRole, `true alone {"%%user.custom_data.nested": {"level": 3}} | %%user.custom_data.nested.level = 3`},
		{
			"several members", `{"a": 1, "b": "%%values.limit"}`, `{"a": 1, "b": 6}`, expr.InRole,
			`false all {"a": 1, "b": "%%values.limit"}
			. true alone {"a": 1} | a = 1
			. false alone {"b": "%%values.limit"} | b = 6 | %%values.limit = 5`,
		},
		{
			"logic", `{"%or": [{"a": 1}, {"%nor": [{"b": 2}, {"c": 3}]}, {"$not": {"d": 4}}]}`, `{"a": 2, "d": 4}`, expr.InRole,
			`true any {"%or": [{"a": 1}, {"%nor": [{"b": 2}, {"c": 3}]}, {"$not": {"d": 4}}]}
			. false alone {"a": 1} | a = 2
			. true none {"%nor": [{"b": 2}, {"c": 3}]}
			. . false alone {"b": 2} | b = -
			. . false alone {"c": 3} | c = -
			. false not {"$not": {"d": 4}}
			. . true alone {"d": 4} | d = 4`,
		},
		{
			"one of a list", `{"$and": [{"a": 1}]}`, `{"a": 1}`, expr.InRole,
			`true all {"$and": [{"a": 1}]}
			. true alone {"a": 1} | a = 1`,
		},
		{
			"the truth of an expression", `{"%%false": {"%and": [{"a": 1}]}}`, `{"a": 1}`, expr.InRole,
			`false not {"%%false": {"%and": [{"a": 1}]}}
			. true all {"%and": [{"a": 1}]}
			. . true alone {"a": 1} | a = 1`,
		},
		{
			"... that is true", `{"%%true": {"a": 1}}`, `{"a": 1}`, expr.InRole,
			`true all {"%%true": {"a": 1}}
			. true alone {"a": 1} | a = 1`,
		},
		{"... or a comparison", `{"%%true": {"%in": "%%user.data.tags"}}`, ``, expr.InRole, `false alone {"%%true": {"%in": "%%user.data.tags"}} | %%user.data.tags = ["x","y"]`},
		{"... or an expansion", `{"%%true": "%%user.custom_data.flag"}`, ``, expr.InRole, `true alone {"%%true": "%%user.custom_data.flag"} | %%user.custom_data.flag = true`},
		{"through an array", `{"a.b": 2}`, `{"a": [{"b": 1}, {"b": 2}]}`, expr.InRole, `true alone {"a.b": 2} | a.b = [1,2]`},
		{"a conversion that fails", `{"_id": {"%stringToOid": "%%root.x"}}`, `{"_id": 1, "x": "no"}`, expr.InRole, `error alone {"_id": {"%stringToOid": "%%root.x"}} | _id = 1 | x = "no"`},
		{"the document", `{"%%root": {"$exists": true}}`, `{"a": 1}`, expr.InRole, `true alone {"%%root": {"$exists": true}} | %%root = {"a":1}`},
		{"the document before", `{"%%prevRoot.a": 1}`, `{"a": 1}`, expr.InRole, `true alone {"%%prevRoot.a": 1} | %%prevRoot.a = 1`},
		{"the field it stands on", `{"%%this": {"$lt": "%%prev.x"}}`, `{"f": {"x": 1}}`, expr.InField, `false alone {"%%this": {"$lt": "%%prev.x"}} | %%this = {"x":1} | %%prev.x = 1`},
		{"without a document", `{"%%user.type": "normal"}`, ``, expr.BeforeDocuments, `true alone {"%%user.type": "normal"} | %%user.type = "normal"`},
		{"one name twice", `{"%%user.id": {"$in": ["%%user.id", "%%user.id"]}}`, ``, expr.InRole, `true alone {"%%user.id": {"$in": ["%%user.id", "%%user.id"]}} | %%user.id = "ua"`},
		{"other bases", `{"%%environment.values.region": "%%request.requestHeaders.X-Org"}`, ``, expr.InRole, `false alone {"%%environment.values.region": "%%request.requestHeaders.X-Org"} | %%environment.values.region = "eu" | %%request.requestHeaders.x-org = ["acme"]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := expr.Trace(mustValue(t, tt.expr), tt.place, names, scope(t), env(t, tt.doc))
			want := strings.ReplaceAll(tt.want, "\t", "")
			if diff := cmp.Diff(want, strings.Join(lines(t, got, ""), "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	t.Run("custom data that is unresolved", func(t *testing.T) {
		s := scope(t)
		s.CustomDataUnresolved = true
		got := expr.Trace(mustValue(t, `{"team": "%%user.custom_data.team"}`), expr.InRole, names, s, nil)
		if want := `unknown alone {"team": "%%user.custom_data.team"} | %%user.custom_data.team = -`; lines(t, got, "")[0] != want {
			t.Errorf("got %q, want %q", lines(t, got, ""), want)
		}
	})
}

// env is a document as reads see it, nil without one. What stands at f is the field that a condition is about.
func env(t testing.TB, doc string) *expr.Env {
	t.Helper()
	if doc == "" {
		return nil
	}
	root := mustDoc(t, doc)
	this, _ := bsonval.Lookup(root, "f")
	return &expr.Env{Root: root, PrevRoot: root, This: this, Prev: this}
}

// joined is the truth of the whole that the truths of its parts make.
func joined(s expr.Step) expr.Truth {
	every, some := expr.True, expr.False
	for _, p := range s.Parts {
		every, some = every.And(p.Truth), expr.Or(some, p.Truth)
	}
	negated := map[expr.Truth]expr.Truth{expr.True: expr.False, expr.False: expr.True, expr.Unknown: expr.Unknown, expr.Error: expr.Error}
	switch s.Join {
	case expr.All:
		return every
	case expr.AnyOf:
		return some
	case expr.NoneOf:
		return negated[some]
	case expr.Not:
		return negated[every]
	default:
		return s.Truth
	}
}

// The truth of a whole is the one that evaluation finds, and follows from those of its parts.
func TestTraceAgrees(t *testing.T) {
	leaf := rapid.SampledFrom([]string{
		`{}`, `true`, `false`, `"%%true"`, `{"a": 1}`, `{"a": {"$gt": 1, "$lt": 3}}`, `{"a": "%%user.id"}`, `{"a": "%%user.data.none"}`,
		`{"%%user.rol": {"$ne": 1}}`, `{"a": {"%stringToOid": "%%root.b"}}`, `{"%%true": "%%root.c"}`, `{"a": {"%%true": {"b": "x"}}}`,
		`{"%%false": {"%eq": false}}`, `{"%%user.data": {"email": "a@x", "x": 1}}`, `{"%%this": 1}`,
	})
	var expression func(depth int) *rapid.Generator[string]
	expression = func(depth int) *rapid.Generator[string] {
		if depth == 0 {
			return leaf
		}
		return rapid.Custom(func(t *rapid.T) string {
			list := strings.Join(rapid.SliceOfN(expression(depth-1), 1, 3).Draw(t, "list"), ", ")
			one := expression(depth - 1)
			switch rapid.IntRange(0, 6).Draw(t, "kind") {
			case 0:
				return `{"$and": [` + list + `]}`
			case 1:
				return `{"%or": [` + list + `]}`
			case 2:
				return `{"$nor": [` + list + `]}`
			case 3:
				return `{"%not": ` + one.Draw(t, "not") + `, "$or": [` + list + `]}`
			case 4:
				return `{"%%false": {"%or": [` + list + `]}, "b": "x"}`
			case 5:
				return `{"%%true": ` + one.Draw(t, "true") + `}`
			default:
				return leaf.Draw(t, "leaf")
			}
		})
	}
	truths := map[expr.Truth]int{}
	s := scope(t)
	rapid.Check(t, func(rt *rapid.T) {
		text := expression(3).Draw(rt, "expression")
		e, ds := parse(text, expr.InRole)
		if ds.HasErrors() {
			rt.Skip("a comparison beside a boolean")
		}
		c := e.Bind(s)
		var check func(expr.Step)
		check = func(step expr.Step) {
			if got := joined(step); got != step.Truth {
				rt.Fatalf("%s is %v, its parts make %v", step.Text, step.Truth, got)
			}
			for _, p := range step.Parts {
				check(p)
			}
		}
		for _, a := range []string{`1`, `2`, `"ua"`, `null`, `[1, 5]`} {
			on := env(t, `{"a": `+a+`, "b": "x", "c": true}`)
			whole := expr.Trace(mustValue(t, text), expr.InRole, names, s, on)
			if want := c.Eval(on); whole.Truth != want || whole.Open {
				rt.Fatalf("%s traces to %v, evaluates to %v", text, whole.Truth, want)
			}
			truths[whole.Truth]++
			check(whole)
		}
		before := expr.Trace(mustValue(t, text), expr.InRole, names, s, nil)
		if want, isConst := c.Const(); before.Open == isConst || (isConst && before.Truth != want) {
			rt.Fatalf("%s traces to %v (open %v) before a document, is %v (constant %v)", text, before.Truth, before.Open, want, isConst)
		}
	})
	for _, truth := range []expr.Truth{expr.True, expr.False, expr.Unknown, expr.Error} {
		if truths[truth] == 0 {
			t.Errorf("no expression is %v: this compares too little", truth)
		}
	}
	t.Logf("%v", truths)
}
