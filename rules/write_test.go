package rules_test

import (
	"testing"

	"github.com/rolegate/rolegate/rules"
)

func TestCheckInsert(t *testing.T) {
	tests := []struct {
		name, roles, filters, doc string
		idGiven                   bool
		want                      string // "" is allowed, else the missing permission
	}{
		{"write", role(`"write": true`), ``, `{"a": 1}`, true, ``},
		{"no role", role(`"apply_when": {"a": 2}, "write": true`), ``, `{"a": 1}`, false, `apply_when`},
		{"insert alone does not suffice", role(`"insert": true`), ``, `{"a": 1}`, false, `write`},
		{"insert false", role(`"insert": false, "write": true`), ``, `{"a": 1}`, false, `insert`},
		{"fields", role(`"fields": {"a": {"write": true}}`), ``, `{"_id": 1, "a": 1}`, false, ``},
		{"a field that is not granted", role(`"fields": {"a": {"write": true}}`), ``, `{"a": 1, "b": null}`, false, `write`},
		{"an _id of the client's own", role(`"fields": {"a": {"write": true}}`), ``, `{"_id": 9, "a": 1}`, true, `write`},
		{"insert only", role(`"write": {"%%prevRoot": {"%exists": false}}`), ``, `{"a": 1}`, false, ``},
		{"the gate", role(`"document_filters": {"read": true, "write": {"owner": "%%user.id"}}, "write": true`), ``, `{"owner": "ub"}`, false, `document_filters`},
		{"additional fields", role(`"fields": {"a": {}}, "additional_fields": {"write": true}`), ``, `{"b": 1}`, false, ``},
		{"... but not the listed one", role(`"fields": {"a": {}}, "additional_fields": {"write": true}`), ``, `{"a": 1}`, false, `write`},
		{"nested", role(`"fields": {"a": {"fields": {"b": {"write": true}}}}`), ``, `{"a": {"b": 1}}`, false, ``},
		{"nested, not listed", role(`"fields": {"a": {"fields": {"b": {"write": true}}}}`), ``, `{"a": {"b": 1, "c": 1}}`, false, `write`},
		{"a scalar where children are listed", role(`"fields": {"a": {"fields": {"b": {"write": true}}}}`), ``, `{"a": 1}`, false, `write`},
		{"an empty document where children are listed", role(`"fields": {"a": {"fields": {"b": {"write": true}}}}`), ``, `{"a": {}}`, false, `write`},
		{"documents in an array", role(`"fields": {"a": {"fields": {"b": {"write": true}}}}`), ``, `{"a": [{"b": 1}]}`, false, ``},
		{"scalars in an array", role(`"fields": {"a": {"fields": {"b": {"write": true}}}}`), ``, `{"a": [{"b": 1}, 1]}`, false, `write`},
		{"a condition on the value", role(`"fields": {"a": {"write": {"%%this": "%%user.id"}}}`), ``, `{"a": "ua"}`, false, ``},
		{"a query filter", role(`"write": true`), `{"name": "f", "apply_when": true, "query": {"t": 1}}`, `{"t": 2}`, false, `filter`},
		{"a condition that raises", role(`"write": {"a": {"%oidToString": "%%root.b"}}`), ``, `{"a": 1, "b": 1}`, false, `error`},
		{"an insert condition that raises", role(`"write": true, "insert": {"a": {"%oidToString": "%%root.b"}}`), ``, `{"a": 1, "b": 1}`, false, `error`},
		{"a role that raises", role(`"apply_when": {"a": {"%oidToString": "%%root.b"}}, "write": true`), ``, `{"a": 1, "b": 1}`, false, `error`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := bind(t, compile(t, rulesFile(tt.roles, tt.filters), rules.Options{})).Decider()
			if got := d.CheckInsert(mustDoc(t, tt.doc), tt.idGiven); missing(got) != tt.want {
				t.Errorf("CheckInsert = %+v, want %q", got, tt.want)
			}
		})
	}
}

func TestCheckDelete(t *testing.T) {
	tests := []struct{ name, roles, doc, want string }{
		{"write", role(`"write": true`), `{"a": 1}`, ``},
		{"no role", role(`"apply_when": {"a": 2}, "write": true`), `{"a": 1}`, `apply_when`},
		{"delete false", role(`"write": true, "delete": false`), `{"a": 1}`, `delete`},
		{"delete without write", role(`"read": true, "delete": true`), `{"a": 1}`, `write`},
		{"a condition", role(`"write": true, "delete": {"%%root.s": "draft"}`), `{"s": "final"}`, `delete`},
		{"a write condition", role(`"write": {"s": "draft"}`), `{"s": "final"}`, `write`},
		{"the gate", role(`"document_filters": {"write": false}, "write": true`), `{"a": 1}`, `document_filters`},
		{"every field there is, but not every other", role(`"fields": {"_id": {"write": true}, "a": {"write": true}}`), `{"_id": 1, "a": 1}`, `write`},
		{"every other field, but not a listed one", role(`"fields": {"s": {}}, "additional_fields": {"write": true}`), `{"a": 1}`, `write`},
		{"all fields", role(`"fields": {"a": {"write": true}}, "additional_fields": {"write": true}`), `{"a": 1, "b": 1}`, ``},
		{"a condition on other fields", role(`"additional_fields": {"write": {"%%this": {"$exists": true}}}`), `{"a": 1}`, `write`},
		{"a nested field", role(`"fields": {"a": {"fields": {"b": {"write": true}}}}, "additional_fields": {"write": true}`), `{"a": {"b": 1}}`, `write`},
		{"a condition that raises", role(`"write": {"a": {"%oidToString": "%%root.b"}}`), `{"a": 1, "b": 1}`, `error`},
		{"a delete condition that raises", role(`"write": true, "delete": {"a": {"%oidToString": "%%root.b"}}`), `{"a": 1, "b": 1}`, `error`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := bind(t, compile(t, rulesFile(tt.roles, ``), rules.Options{})).Decider()
			if got := d.CheckDelete(mustDoc(t, tt.doc)); missing(got) != tt.want {
				t.Errorf("CheckDelete = %+v, want %q", got, tt.want)
			}
		})
	}
}

func TestNameable(t *testing.T) {
	tests := []struct {
		roles, doc string
		named      []string
		want       bool
	}{
		{role(`"read": true`), `{"a": 1}`, []string{"a", "b.c"}, true},
		{role(`"read": {"a": 2}`), `{"a": 1}`, []string{"a"}, false},
		{role(`"read": {"a": {"%oidToString": "%%root.b"}}`), `{"a": 1, "b": 1}`, []string{"a"}, false},
		{role(`"fields": {"a": {"write": true}}`), `{"a": 1, "b": 1}`, []string{"a"}, true},
		{role(`"fields": {"a": {"write": true}}`), `{"a": 1, "b": 1}`, []string{"a", "b"}, false},
		{role(`"fields": {"a": {"fields": {"b": {"read": true}}}}`), `{"a": {"b": {"c": 1}}}`, []string{"a.b.c"}, true},
		{role(`"fields": {"a": {"fields": {"b": {"read": true}}}}`), `{"a": {"b": 1}}`, []string{"a"}, false},
		{role(`"fields": {"a": {"fields": {"b": {"read": true}}}}`), `{"a": [{"b": 1}]}`, []string{"a.b"}, false},
		{role(`"apply_when": {"a": 2}, "read": true`), `{"a": 1}`, []string{"a"}, false},
		{role(`"additional_fields": {"read": true}`), `{}`, []string{""}, true},
		{role(`"additional_fields": {"read": true}, "fields": {"a": {}}`), `{}`, []string{""}, false},
		{role(`"additional_fields": {"read": {"%%this": 1}}`), `{"a": 2}`, []string{""}, false},
	}
	for _, tt := range tests {
		d := bind(t, compile(t, rulesFile(tt.roles, ``), rules.Options{})).Decider()
		if got := d.Nameable(mustDoc(t, tt.doc), tt.named); got != tt.want {
			t.Errorf("Nameable(%s, %q) under %s = %v, want %v", tt.doc, tt.named, tt.roles, got, tt.want)
		}
	}
}
