package expr_test

import (
	"testing"

	"github.com/rolegate/rolegate/rules/expr"
)

// The whole of the four-valued logic. Rows and columns are unknown, false, true, error.
func TestTruth(t *testing.T) {
	const (
		u = expr.Unknown
		f = expr.False
		y = expr.True
		e = expr.Error
	)
	all := [4]expr.Truth{u, f, y, e}
	and := [4][4]expr.Truth{
		{u, f, u, e},
		{f, f, f, f},
		{u, f, y, e},
		{e, f, e, e},
	}
	or := [4][4]expr.Truth{
		{u, u, y, e},
		{u, f, y, e},
		{y, y, y, y},
		{e, e, y, e},
	}
	for i, a := range all {
		for j, b := range all {
			if got := a.And(b); got != and[i][j] {
				t.Errorf("%v and %v = %v, want %v", a, b, got, and[i][j])
			}
			if got := expr.Or(a, b); got != or[i][j] {
				t.Errorf("%v or %v = %v, want %v", a, b, got, or[i][j])
			}
			c := expr.Any(expr.Const(a), expr.Const(b))
			if got, isConst := c.Const(); !isConst || got != or[i][j] {
				t.Errorf("any of %v and %v = %v, want %v", a, b, got, or[i][j])
			}
		}
	}
}

func TestConversionsRefuse(t *testing.T) {
	const uuid = `{"$uuid": "00112233-4455-6677-8899-aabbccddeeff"}`
	tests := []struct {
		name, expr, doc string
		want            expr.Truth
	}{
		{"12 bytes are an ObjectId", `{"a": {"%stringToOid": "%%root.s"}}`, `{"a": {"$oid": "6162636465666768696a6b6c"}, "s": "abcdefghijkl"}`, expr.True},
		{"24 characters that are no digits", `{"a": {"%stringToOid": "%%root.s"}}`, `{"s": "zzzzzzzzzzzzzzzzzzzzzzzz"}`, expr.Error},
		{"a number is no ObjectId", `{"a": {"%stringToOid": "%%root.s"}}`, `{"s": 1}`, expr.Error},
		{"a UUID without dashes", `{"a": {"%stringToUuid": "%%root.s"}}`, `{"s": "00112233445566778899aabbccddeeff0000"}`, expr.Error},
		{"a UUID that is none", `{"a": {"%stringToUuid": "%%root.s"}}`, `{"s": "0011223x-4455-6677-8899-aabbccddeeff"}`, expr.Error},
		{"a number is no UUID", `{"a": {"%stringToUuid": "%%root.s"}}`, `{"s": 1}`, expr.Error},
		{"a string has no text of a UUID", `{"a": {"%uuidToString": "%%root.s"}}`, `{"s": "x"}`, expr.Error},
		{"other binary has none either", `{"a": {"%uuidToString": "%%root.s"}}`, `{"s": {"$binary": {"base64": "AAAA", "subType": "00"}}}`, expr.Error},
		{"there and back", `{"a": {"%eq": {"%uuidToString": "%%root.u"}}}`, `{"a": "00112233-4455-6677-8899-aabbccddeeff", "u": ` + uuid + `}`, expr.True},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := mustExpr(t, tt.expr, expr.InRole).Bind(scope(t)).Eval(&expr.Env{Root: mustDoc(t, tt.doc)})
			if got != tt.want {
				t.Errorf("%s on %s = %v, want %v", tt.expr, tt.doc, got, tt.want)
			}
		})
	}
}
