package expr_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/rules/expr"
)

func parseQuery(text string) (*expr.Query, source.Diagnostics) {
	v, ds := source.Parse(&source.File{Name: "rules.json", Text: []byte(text)})
	if ds.HasErrors() {
		return nil, ds
	}
	return expr.ParseQuery(v, names, &ds), ds
}

func TestQueryBind(t *testing.T) {
	tests := []struct{ name, query, want string }{ // an empty want matches nothing
		{"empty", `{}`, `{}`},
		{"a literal", `{"status": "final"}`, `{"status":{"$eq":"final"}}`},
		{"an expansion", `{"owner": "%%user.id"}`, `{"owner":{"$eq":"ua"}}`},
		{"an expansion that is a document is data", `{"a": "%%user.custom_data.nested"}`, `{"a":{"$eq":{"level":{"$numberInt":"3"}}}}`},
		{"an expansion under an operator", `{"n": {"$gte": "%%values.limit"}}`, `{"n":{"$gte":{"$numberInt":"5"}}}`},
		{"a list", `{"t": {"$in": "%%user.data.tags"}}`, `{"t":{"$in":["x","y"]}}`},
		{"a list drops nulls", `{"t": {"$in": "%%user.custom_data.manages"}}`, `{"t":{"$in":["b@x"]}}`},
		{"all of a list with a null", `{"t": {"$all": "%%user.custom_data.manages"}}`, `{"t":{"$all":[]}}`},
		{"not in a list with a null", `{"t": {"$nin": "%%user.custom_data.manages"}}`, `{"t":{"$nin":["b@x"]}}`},
		{"a list that is none", `{"t": {"$in": "%%user.id"}}`, ``},
		{"a written list", `{"t": {"$in": ["%%user.id", "z"]}}`, `{"t":{"$in":["ua","z"]}}`},
		{"unresolved", `{"t": "%%user.custom_data.org"}`, ``},
		{"unresolved, negated", `{"t": {"$ne": "%%user.custom_data.org"}}`, ``},
		{"unresolved in one branch", `{"$or": [{"t": "%%user.custom_data.org"}, {"a": 1}]}`, ``},
		{"null", `{"t": "%%user.custom_data.none"}`, ``},
		{"null in a list", `{"t": {"$in": ["%%user.custom_data.none"]}}`, ``},
		{"an empty array", `{"t": {"$ne": "%%user.custom_data.empty"}}`, ``},
		{"an empty array in a list", `{"t": {"$in": ["%%user.custom_data.empty"]}}`, ``},
		{"an empty list", `{"t": {"$in": "%%user.custom_data.empty"}}`, `{"t":{"$in":[]}}`},
		{"a pattern among data", `{"t": "%%user.custom_data.pattern"}`, ``},
		{"patterns among data", `{"t": {"$in": "%%user.custom_data.patterns"}}`, ``},
		{"operators among data", `{"t": {"$all": "%%user.custom_data.operators"}}`, ``},
		{"an operator as data", `{"t": {"$all": ["%%user.custom_data.operator"]}}`, ``},
		{
			"operators of either spelling", `{"%or": [{"a": {"%gt": 1}}, {"b": {"$not": {"%lt": 2}}}]}`,
			`{"$or":[{"a":{"$gt":{"$numberInt":"1"}}},{"b":{"$not":{"$lt":{"$numberInt":"2"}}}}]}`,
		},
		{"elemMatch", `{"a": {"$elemMatch": {"b": "%%user.id"}}}`, `{"a":{"$elemMatch":{"b":{"$eq":"ua"}}}}`},
		{"elemMatch on values", `{"a": {"$elemMatch": {"$gt": 1}}}`, `{"a":{"$elemMatch":{"$gt":{"$numberInt":"1"}}}}`},
		{"shapes", `{"a": {"$exists": true, "$type": "string", "$size": 2}}`, `{"a":{"$exists":true,"$type":"string","$size":{"$numberInt":"2"}}}`},
		{"regex", `{"a": {"$regex": "^x", "$options": "i"}}`, `{"a":{"$regex":"^x","$options":"i"}}`},
		{"conversion", `{"_id": {"%stringToOid": "%%user.data.oid"}}`, `{"_id":{"$eq":{"$oid":"5f0000000000000000000001"}}}`},
		{"conversion that fails", `{"_id": {"%stringToOid": "%%user.id"}}`, ``},
		{"extended JSON", `{"_id": {"$oid": "5f0000000000000000000001"}}`, `{"_id":{"$eq":{"$oid":"5f0000000000000000000001"}}}`},
		{"an embedded document", `{"a": {"b": "%%user.id"}}`, `{"a":{"$eq":{"b":"ua"}}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q, ds := parseQuery(tt.query)
			if ds.HasErrors() {
				t.Fatalf("parse: %v", ds)
			}
			got, is := q.Bind(scope(t))
			if is != expr.True {
				if tt.want != "" {
					t.Errorf("matches nothing, want %s", tt.want)
				}
				return
			}
			text, err := ejson.AppendCanonical(nil, got)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(text)); diff != "" {
				t.Errorf("bound query (-want +got):\n%s", diff)
			}
		})
	}
}

func TestQueryErrors(t *testing.T) {
	for text, code := range map[string]string{
		`[]`:                                 expr.CodeType,
		`{"%%user.id": 1}`:                   expr.CodePlacement,
		`{"$gt": 1}`:                         expr.CodePlacement,
		`{"$where": "x"}`:                    expr.CodeOperator,
		`{"$or": []}`:                        expr.CodeOperand,
		`{"$and": [1]}`:                      expr.CodeType,
		`{"a": {"$foo": 1}}`:                 expr.CodeOperator,
		`{"a": {"$gt": 1, "b": 2}}`:          expr.CodeMixed,
		`{"a": "%%root.b"}`:                  expr.CodeNoDocument,
		`{"a": {"$size": "%%values.limit"}}`: expr.CodeOperand,
		`{"a": {"$size": -1}}`:               expr.CodeOperand,
		`{"a": {"$in": "%%nope"}}`:           expr.CodeExpansion,
		`{"a": {"$not": 1}}`:                 expr.CodeOperand,
		`{"a": {"b": {"%function": {"name": "f"}}}}`: expr.CodeFunction,
	} {
		q, ds := parseQuery(text)
		if !slices.ContainsFunc(ds, func(d source.Diagnostic) bool { return d.Code == code }) {
			t.Errorf("%s: no diagnostic %s in %v", text, code, ds)
		}
		if _, is := q.Bind(scope(t)); is == expr.True {
			t.Errorf("%s: a broken query matches something", text)
		}
	}
}

func TestQueryUses(t *testing.T) {
	q, _ := parseQuery(`{"$or": [{"a": {"$in": "%%user.custom_data.x"}}, {"b": "%%request.action"}]}`)
	if got, want := q.Uses(), (expr.Uses{CustomData: true, Request: true}); got != want {
		t.Errorf("Uses = %+v, want %+v", got, want)
	}
}
