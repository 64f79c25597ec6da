package rules_test

import (
	"testing"

	"github.com/rolegate/rolegate/rules"
	"github.com/rolegate/rolegate/rules/expr"
)

const dataAPIFile = "https_endpoints/data_api_config.json"

// TestEntry lets in whom can_evaluate lets in. That it cannot be told is a no, also negated.
func TestEntry(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		file string
		want bool
	}{
		{`{"disabled": false}`, true},
		{`{"disabled": false, "can_evaluate": {}}`, true},
		{`{"disabled": false, "can_evaluate": false}`, false},
		{`{"disabled": false, "can_evaluate": {"%%user.id": {"$in": "%%values.admins"}}}`, true},
		{`{"disabled": false, "can_evaluate": {"%%request.action": "find"}}`, true},
		{`{"disabled": false, "can_evaluate": {"%%user.data.level": {"$gt": 1}}}`, false},
		{`{"disabled": false, "can_evaluate": {"%%user.custom_data.banned": {"$ne": true}}}`, false},
		{`{"disabled": false, "can_evaluate": {"%not": {"%%user.id": "%%user.data.boss"}}}`, false},
	} {
		e := compile(t, "", rules.Options{}, dataAPIFile, tt.file).Entry()
		if got := e.Admits(ann, rules.CustomData{Unresolved: true}, &rules.Request{Action: "find"}, rules.Sources{}); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.file, got, tt.want)
		}
	}
	if !compile(t, "", rules.Options{}).Entry().IsOpen() {
		t.Error("an app without the file asks for something")
	}
	if (rules.Entry{}).Admits(ann, rules.CustomData{}, &rules.Request{}, rules.Sources{}) {
		t.Error("the zero value lets somebody in")
	}
}

// TestEntryErrors keeps an app from being served, and lets nobody in.
func TestEntryErrors(t *testing.T) {
	t.Parallel()
	for file, code := range map[string]string{
		`{"disabled": false, "can_evaluate": {"owner": "ua"}}`:                       expr.CodeNoDocument,
		`{"disabled": false, "can_evaluate": {"%%root.owner": "ua"}}`:                expr.CodeNoDocument,
		`{"disabled": false, "can_evaluate": {"%%user.id": {"$ne": "%%values.no"}}}`: expr.CodeUndefined,
		`{"disabled": false, "can_evaluate": {"%function": {"name": "f"}}}`:          expr.CodeFunction,
	} {
		p, ds := rules.Compile(app(t, "", dataAPIFile, file), rules.Options{})
		if len(ds) != 1 || ds[0].Code != code || ds[0].Span.File.Name != dataAPIFile {
			t.Errorf("%s: %s, want %s", file, report(ds), code)
		}
		if p.Entry().Admits(ann, rules.CustomData{}, &rules.Request{}, rules.Sources{}) {
			t.Errorf("%s lets somebody in", file)
		}
	}
	if _, ds := rules.Compile(app(t, "", dataAPIFile, `{"disabled": true, "can_evaluate": {"owner": "ua"}}`), rules.Options{}); len(ds) > 0 {
		t.Errorf("disabled: %s", report(ds))
	}
}
