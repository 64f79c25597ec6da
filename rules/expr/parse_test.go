package expr_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/rules/expr"
)

func TestParseErrors(t *testing.T) {
	tests := []struct {
		expr  string
		place expr.Place
		code  string
		at    string // the text that the diagnostic points at
		hint  string // part of it
	}{
		{`"true"`, expr.InRole, expr.CodeType, `"true"`, "true, false or an object"},
		{`1`, expr.InRole, expr.CodeType, `1`, ""},
		{`null`, expr.InRole, expr.CodeType, `null`, ""},
		{`{"%true": 1}`, expr.InRole, expr.CodeExpansion, `"%true"`, "%%true"},
		{`{"%user.custom_data": {"a": 1}}`, expr.InRole, expr.CodeExpansion, `"%user.custom_data"`, "%%user.custom_data"},
		{`{"a": "%user.id"}`, expr.InRole, expr.CodeExpansion, `"%user.id"`, "%%user.id"},
		{`{"a": "%%user.id%%"}`, expr.InRole, expr.CodeExpansion, `"%%user.id%%"`, ""},
		{`{"a": "%%user."}`, expr.InRole, expr.CodeExpansion, `"%%user."`, ""},
		{`{"a": "%%key"}`, expr.InRole, expr.CodeExpansion, `"%%key"`, ""},
		{`{"%%usr.id": 1}`, expr.InRole, expr.CodeExpansion, `"%%usr.id"`, "%%user"},
		{`{"a": "%%values.admin"}`, expr.InRole, expr.CodeUndefined, `"%%values.admin"`, "admins"},
		{`{"a": "%%environment.values.x"}`, expr.InRole, expr.CodeUndefined, `"%%environment.values.x"`, ""},
		{`{"a": {"$neq": 1}}`, expr.InRole, expr.CodeOperator, `"$neq"`, "$ne"},
		{`{"a": {"$where": "x"}}`, expr.InRole, expr.CodeOperator, `"$where"`, ""},
		{`{"$expr": {}}`, expr.InRole, expr.CodeOperator, `"$expr"`, ""},
		{`{"$gt": 3}`, expr.InRole, expr.CodePlacement, `"$gt"`, "field"},
		{`{"%stringToOid": "x"}`, expr.InRole, expr.CodePlacement, `"%stringToOid"`, ""},
		{`{"a": {"%%root.b": 1}}`, expr.InRole, expr.CodePlacement, `"%%root.b"`, ""},
		{`{"a": {"$gt": 1, "b": 2}}`, expr.InRole, expr.CodeMixed, `"b"`, ""},
		{`{"a": {"b": 2, "$gt": 1}}`, expr.InRole, expr.CodeMixed, `"$gt"`, ""},
		{`{"a": {"b": {"$gt": 1}}}`, expr.InRole, expr.CodePlacement, `"$gt"`, ""},
		{`{"a": {"b": {"%function": {"name": "f"}}}}`, expr.InRole, expr.CodeFunction, `"%function"`, "quarantine"},
		{`{"%%user.type": {"enum": ["a"]}}`, expr.InRole, expr.CodeOperator, `"enum"`, "%in"},
		{`{"%%user.custom_data": {}}`, expr.InRole, expr.CodeOperand, `{}`, ""},
		{`{"%%user.custom_data": {"": 1}}`, expr.InRole, expr.CodePath, `""`, ""},
		{`{"a..b": 1}`, expr.InRole, expr.CodePath, `"a..b"`, ""},
		{`{"%and": []}`, expr.InRole, expr.CodeOperand, `[]`, ""},
		{`{"%or": {"a": 1}}`, expr.InRole, expr.CodeOperand, `{"a": 1}`, ""},
		{`{"a": {"$in": 1}}`, expr.InRole, expr.CodeOperand, `1`, ""},
		{`{"a": {"$exists": "yes"}}`, expr.InRole, expr.CodeOperand, `"yes"`, ""},
		{`{"a": {"$size": "%%values.limit"}}`, expr.InRole, expr.CodeOperand, `"%%values.limit"`, ""},
		{`{"a": {"$size": "x"}}`, expr.InRole, expr.CodeOperand, `"x"`, ""},
		{`{"a": {"$elemMatch": {"b": ["%%user.id"]}}}`, expr.InRole, expr.CodeOperand, `"%%user.id"`, ""},
		{`{"a": {"$regex": "%%user.id"}}`, expr.InRole, expr.CodeOperand, `"%%user.id"`, ""},
		{`{"a": {"$regex": "("}}`, expr.InRole, expr.CodeOperand, `"("`, ""},
		{`{"a": {"$regex": "x", "$options": 1}}`, expr.InRole, expr.CodeOperand, `1`, ""},
		{`{"a": {"$not": 1}}`, expr.InRole, expr.CodeOperand, `1`, ""},
		{`{"a": {"%stringToOid": "xyz"}}`, expr.InRole, expr.CodeOperand, `"xyz"`, ""},
		{`{"a": {"%stringToOid": 1}}`, expr.InRole, expr.CodeOperand, `1`, ""},
		{`{"a": {"%stringToOid": "%%nope"}}`, expr.InRole, expr.CodeExpansion, `"%%nope"`, ""},
		{`{"a": {"%stringToOid": "%%user.id", "$gt": 1}}`, expr.InRole, expr.CodePlacement, `"%stringToOid"`, ""},
		{`{"a": {"$oid": "xyz"}}`, expr.InRole, expr.CodeOperand, `{"$oid": "xyz"}`, ""},
		{`{"a": {"%and": [{"$gt": 1, "b": 2}]}}`, expr.InRole, expr.CodeMixed, `"b"`, ""},
		{`{"a": ["%%nope"]}`, expr.InRole, expr.CodeExpansion, `"%%nope"`, ""},
		{`{"a": {"b": "%%nope"}}`, expr.InRole, expr.CodeExpansion, `"%%nope"`, ""},
		{`{"%%true": "%%nope"}`, expr.InRole, expr.CodeExpansion, `"%%nope"`, ""},
		{`{"%%true": {"%function": {"name": "f", "arguments": ["%%user.id"]}}}`, expr.InRole, expr.CodeFunction, `"%function"`, "quarantine"},
		{`{"%function": {"arguments": []}}`, expr.InRole, expr.CodeOperand, `{"arguments": []}`, "name"},
		{`{"%function": {"name": "f", "arguments": 1}}`, expr.InRole, expr.CodeOperand, `1`, ""},
		{`{"%function": {"name": "f", "argument": []}}`, expr.InRole, expr.CodeOperand, `"argument"`, ""},
		{`{"a": {"%function": {"name": "f"}}}`, expr.InRole, expr.CodeFunction, `"%function"`, ""},
		{`{"owner": "%%user.id"}`, expr.BeforeDocuments, expr.CodeNoDocument, `"owner"`, "%%user"},
		{`{"%%root.owner": 1}`, expr.BeforeDocuments, expr.CodeNoDocument, `"%%root.owner"`, "%%user"},
		{`{"%%user.id": "%%this"}`, expr.BeforeDocuments, expr.CodeNoDocument, `"%%this"`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.expr, func(t *testing.T) {
			e, ds := parse(tt.expr, tt.place)
			i := slices.IndexFunc(ds, func(d source.Diagnostic) bool { return d.Code == tt.code })
			if i < 0 {
				t.Fatalf("no diagnostic %s in %v", tt.code, ds)
			}
			d := ds[i]
			if got := tt.expr[d.Span.Start:d.Span.End]; got != tt.at {
				t.Errorf("points at %s, want %s", got, tt.at)
			}
			if !strings.Contains(d.Hint, tt.hint) {
				t.Errorf("hint %q does not mention %q", d.Hint, tt.hint)
			}
			if got, _ := e.Bind(scope(t)).Const(); got != expr.Unknown {
				t.Errorf("a broken expression is %v, want unknown", got)
			}
		})
	}
}

func TestLiteral(t *testing.T) {
	for text, want := range map[string][2]bool{
		`true`:             {true, true},
		`false`:            {false, true},
		`{}`:               {true, false},
		`{"%%true": true}`: {false, false},
	} {
		value, literal := mustExpr(t, text, expr.InRole).Literal()
		if literal != want[1] || (literal && value != want[0]) {
			t.Errorf("Literal(%s) = %v, %v, want %v", text, value, literal, want)
		}
	}
}

func TestUses(t *testing.T) {
	for text, want := range map[string]expr.Uses{
		`{"a": 1}`:                              {},
		`{"a": "%%user.custom_data.x"}`:         {CustomData: true},
		`{"%%user": {"custom_data": {"x": 1}}}`: {CustomData: true},
		`{"%%request.action": "find"}`:          {Request: true},
		`{"%or": [{"a": {"$in": ["%%user.custom_data.x"]}}, {"%not": {"%%true": "%%request.action"}}]}`: {CustomData: true, Request: true},
		`{"a": {"b": {"%stringToOid": "%%user.custom_data.x"}}}`:                                        {CustomData: true},
	} {
		// The last one is no valid literal; what counts is that everything is walked.
		e, _ := parse(text, expr.InRole)
		if got := e.Uses(); got != want && !strings.Contains(text, "stringToOid") {
			t.Errorf("Uses(%s) = %+v, want %+v", text, got, want)
		}
	}
}

func TestReads(t *testing.T) {
	tests := []struct{ expr, want string }{
		{`{"a.b": 1, "c": "%%root.d.e", "%%prevRoot.f": {"$exists": true}}`, "a c d f"},
		{`{"%or": [{"a": 1}, {"%not": {"b": {"$in": ["%%root.c"]}}}]}`, "a b c"},
		{`{"%%prevRoot": {"%exists": false}}`, ""},
		{`{"%%user.id": "%%root.owner"}`, "owner"},
		{`{"%%true": "%%root.flag"}`, "flag"},
		{`{"a": {"b": "%%root.c"}}`, "a c"},
		{`{"a": {"%oidToString": "%%root.c"}}`, "a c"},
		{`{"%%user.type": "normal"}`, "-"},
	}
	for _, tt := range tests {
		var got []string
		mustExpr(t, tt.expr, expr.InRole).Bind(scope(t)).Reads(func(f string) { got = append(got, f) })
		slices.Sort(got)
		got = slices.Compact(got)
		text := strings.Join(got, " ")
		if len(got) == 0 {
			text = "-"
		}
		if text != tt.want {
			t.Errorf("Reads(%s) = %q, want %q", tt.expr, text, tt.want)
		}
	}
}

// What can never have a value is a warning, and unknown on both sides of a comparison.
func TestParseWarnings(t *testing.T) {
	tests := []struct{ expr, code, hint string }{
		{`{"%%user.custom_dat.x": {"$ne": 1}}`, expr.CodeExpansion, "custom_data"},
		{`{"%%user": {"nam": {"$ne": 1}}}`, "", ""},
		{`{"a": {"$ne": "%%user._id"}}`, expr.CodeExpansion, "%%user.id"},
		{`{"%%request.httpmethod": {"$ne": "GET"}}`, expr.CodeExpansion, "httpMethod"},
		{`{"%%environment.tags": {"$ne": "x"}}`, expr.CodeExpansion, "tag"},
		{`{"%%user.id": {"$nin": "members"}}`, expr.CodeOperand, "%%root.members"},
	}
	for _, tt := range tests {
		e, ds := parse(tt.expr, expr.InRole)
		if ds.HasErrors() || (tt.code != "" && (len(ds) != 1 || ds[0].Code != tt.code || !strings.Contains(ds[0].Hint, tt.hint))) {
			t.Errorf("%s: %v, want a warning %s with the hint %s", tt.expr, ds, tt.code, tt.hint)
		}
		if got := e.Bind(scope(t)).Eval(&expr.Env{}); got != expr.Unknown {
			t.Errorf("%s = %v, want unknown", tt.expr, got)
		}
	}
}
