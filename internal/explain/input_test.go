package explain_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/explain"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/rules"
)

func file(name, text string) *source.File { return &source.File{Name: name, Text: []byte(text)} }

func mustDoc(t testing.TB, text string) bson.Raw {
	t.Helper()
	if text == "" {
		return nil
	}
	doc, err := ejson.Parse([]byte(text), ejson.Limits{})
	if err != nil {
		t.Fatalf("parse %s: %v", text, err)
	}
	return doc
}

func mustUser(t testing.TB, text string) *explain.User {
	t.Helper()
	u, ds := explain.ParseUser(file("user.json", text))
	if ds.HasErrors() {
		t.Fatalf("user %s: %v", text, ds)
	}
	return u
}

func TestParseUser(t *testing.T) {
	got := mustUser(t, `{
		"id": "ua", "type": "server", "data": {"email": "a@x"}, "custom_data": {"n": {"$numberLong": "5"}},
		"request": {
			"operation": "delete", "action": "deleteOne", "service": "s", "httpMethod": "GET", "httpReferrer": "r", "httpUserAgent": "u",
			"rawQueryString": "q", "remoteIPAddress": "10.0.0.1", "requestHeaders": {"X-Org": "acme", "x-b": ["1", "2"]}
		}
	}`)
	data := mustDoc(t, `{"email": "a@x"}`)
	want := &explain.User{
		User: rules.User{
			ID: "ua", Type: rules.ServerUser, Data: data,
			Identities: []rules.Identity{{ID: "ua", ProviderType: "api-key", Data: data}},
		},
		CustomData: mustDoc(t, `{"n": {"$numberLong": "5"}}`),
		Request: rules.Request{
			Operation: "delete", Action: "deleteOne", Service: "s", HTTPMethod: "GET", Referrer: "r", UserAgent: "u",
			RawQueryString: "q", RemoteAddress: "10.0.0.1", Headers: map[string][]string{"x-org": {"acme"}, "x-b": {"1", "2"}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	least := mustUser(t, `{"id": "ub"}`)
	want = &explain.User{User: rules.User{
		ID: "ub", Type: rules.NormalUser, Identities: []rules.Identity{{ID: "ub", ProviderType: "custom-token"}},
	}}
	if diff := cmp.Diff(want, least); diff != "" {
		t.Errorf("the least user (-want +got):\n%s", diff)
	}
}

func TestParseUserRefuses(t *testing.T) {
	tests := []struct{ text, want string }{ // line:column code hint
		{`{"id": "ua"`, `1:11 malformed-json`},
		{`[]`, `1:1 wrong-type`},
		{`{}`, `1:1 missing-key`},
		{`{"id": ""}`, `1:8 invalid-value`},
		{`{"id": 5}`, `1:8 wrong-type`},
		{"{\"id\": \"ua\",\n \"typ\": \"normal\"}", `2:2 unknown-key did you mean "type"?`},
		{`{"id": "ua", "type": "admin"}`, `1:22 invalid-value`},
		{`{"id": "ua", "data": []}`, `1:22 wrong-type`},
		{`{"id": "ua", "data": {"n": {"$numberInt": "x"}}}`, `1:46 invalid-value`},
		{`{"id": "ua", "custom_data": "x"}`, `1:29 wrong-type`},
		{`{"id": "ua", "request": {"ip": "::1"}}`, `1:26 unknown-key`},
		{`{"id": "ua", "request": {"action": 1}}`, `1:36 wrong-type`},
		{`{"id": "ua", "request": {"requestHeaders": []}}`, `1:44 wrong-type`},
		{`{"id": "ua", "request": {"requestHeaders": {"a": [1]}}}`, `1:51 wrong-type`},
		{`{"id": "ua", "id": "ub"}`, `1:14 duplicate-name keep one of the two`},
		{
			`{"mara": {"id": "um"}, "tom": {"id": "ut"}}`,
			`1:1 missing-key this looks like several users: give one of them, {"id": …}`,
		},
	}
	for _, tt := range tests {
		u, ds := explain.ParseUser(file("user.json", tt.text))
		if u != nil || !ds.HasErrors() {
			t.Errorf("%s is a user: %+v", tt.text, u)
			continue
		}
		if got := place(ds[0]); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: %s, want %s", tt.text, got, tt.want)
		}
	}
}

// place is line:column code hint.
func place(d source.Diagnostic) string {
	line, column := d.Span.Position()
	return strings.TrimSpace(fmt.Sprintf("%d:%d %s %s", line, column, d.Code, d.Hint))
}

func TestParseDocument(t *testing.T) {
	doc, ds := explain.ParseDocument(file("doc.json", "{\"_id\": {\"$oid\": \"5f0000000000000000000001\"}}\n"))
	if ds.HasErrors() || doc.Lookup("_id").Type != bson.TypeObjectID {
		t.Errorf("%v, %v", doc, ds)
	}
	for text, want := range map[string]string{
		`[{"_id": 1}]`:                          `1:1 wrong-type give one document of the list`,
		`"x"`:                                   `1:1 wrong-type`,
		``:                                      `1:1 malformed-json`,
		"{\"a\": 1,\n\"b\": {\"$oid\": \"x\"}}": `2:18 invalid-value`,
		"{\"a\": 1,\n\"b\": {\"$date\": {\"x\": 1}}}": `2:`,
	} {
		doc, ds := explain.ParseDocument(file("doc.json", text))
		if doc != nil || !ds.HasErrors() {
			t.Errorf("%s is a document", text)
			continue
		}
		if got := place(ds[0]); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
