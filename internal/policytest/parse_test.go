package policytest_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/internal/policytest"
)

const salary = `Bob sees his colleague's name
but not her salary.

Spec: rules 7.4, rules 5
Decision: 11, 26
Needs: real engine

-- data_sources/mongodb-atlas/hr/employees/rules.json --
{"database": "hr", "collection": "employees"}
-- users.json --
{"bob": {"id": "b", "data": {"email": "b@x"}, "custom_data": {"team": "red"}}, "ci": {"id": "k", "type": "server"}}
-- documents/hr.employees.json --
[{"_id": "a", "salary": 10}, {"(repeat)": 2, "document": {"_id": "(n)", "x": "(#)"}}]
-- server.json --
{"compat": "app-services"}
-- 1. bob raises a salary --
updateOne hr.employees {"_id": "a"} {"$set": {"x": "}"}}
upsert true
header X-Org: acme
-- 1. want --
matched 1 modified 1
-- 1. stored --
{"_id": "a"}

-- 1. stored other/hr.log.old --
-- 2. a request without credentials --
POST /app/x HTTP
Accept: application/ejson

{"a": 1}
-- 2. want --
status 400
`

func mustParse(t *testing.T, name, text string) *policytest.Case {
	t.Helper()
	c, err := policytest.Parse(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestParse(t *testing.T) {
	c := mustParse(t, "fields/salary.txtar", salary)
	type summary struct {
		Name, Text, Needs  string
		Spec, Decisions    []string
		Documents          []string
		Settings           string
		User, Action, Args string
		Headers            []policytest.Header
		Stored             []string
		WantLine           int
		HTTP               policytest.Exchange
	}
	got := summary{
		Name: c.Name, Text: c.Text, Needs: c.Needs, Spec: c.Spec, Decisions: c.Decisions,
		Settings: string(c.Settings), User: c.Steps[0].User, HTTP: *c.Steps[1].HTTP,
		Action: c.Steps[0].Command.Action, Headers: c.Steps[0].Command.Headers, WantLine: c.Steps[0].Want.Line,
	}
	for _, d := range c.Documents[0].Documents {
		got.Documents = append(got.Documents, d.String())
	}
	for _, a := range c.Steps[0].Command.Args {
		got.Args += a.Key + "=" + a.Text + ";"
	}
	for _, s := range c.Steps[0].Stored {
		got.Stored = append(got.Stored, s.Service+"/"+s.String()+": "+strings.Join(s.Want.Lines, " "))
	}
	want := summary{
		Name: "fields/salary", Text: "Bob sees his colleague's name but not her salary.", Needs: "real engine",
		Spec: []string{"rules 7.4", "rules 5"}, Decisions: []string{"11", "26"},
		Documents: []string{
			`{"_id": "a","salary": {"$numberInt":"10"}}`,
			`{"_id": "0001","x": {"$numberInt":"1"}}`,
			`{"_id": "0002","x": {"$numberInt":"2"}}`,
		},
		Settings: "{\"compat\": \"app-services\"}\n",
		User:     "bob", Action: "updateOne",
		Args:     `filter={"_id": "a"};update={"$set": {"x": "}"}};upsert=true;`,
		Headers:  []policytest.Header{{Name: "X-Org", Value: "acme"}},
		Stored:   []string{`mongodb-atlas/hr.employees: {"_id": "a"}`, "other/hr.log.old: "},
		WantLine: 21,
		HTTP: policytest.Exchange{
			Method: "POST", Target: "/app/x HTTP", Body: `{"a": 1}`,
			Headers: []policytest.Header{{Name: "Accept", Value: "application/ejson"}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
}

func TestFilesSuppliesTheRest(t *testing.T) {
	c := mustParse(t, "salary.txtar", salary)
	var names []string
	err := fs.WalkDir(c.Files(), ".", func(path string, d fs.DirEntry, err error) error {
		if !d.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"auth/custom_user_data.json", "auth/providers.json",
		"data_sources/mongodb-atlas/config.json", "data_sources/mongodb-atlas/hr/employees/rules.json",
		"root_config.json",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("Files (-want +got):\n%s", diff)
	}
	providers, err := fs.ReadFile(c.Files(), "auth/providers.json")
	if err != nil || !strings.Contains(string(providers), `"field_name": "email"`) {
		t.Errorf("providers = %s, %v, want a metadata field for email", providers, err)
	}
	custom := c.CustomData()
	if len(custom) != 1 || custom[0].String() != `{"_id": "custom-bob","user_id": "b","team": "red"}` {
		t.Errorf("CustomData() = %v", custom)
	}
}

func TestParseErrors(t *testing.T) {
	const users = "-- users.json --\n{\"ann\": {\"id\": \"ua\"}}\n"
	tests := []struct{ name, text, want string }{
		{"no text", "Spec: rules 1\n" + users + "-- 1. ann x --\nfind a.b {}\n-- 1. want --\n", "c.txtar:1: the case does not say"},
		{"no spec", "Text.\n" + users + "-- 1. ann x --\nfind a.b {}\n-- 1. want --\n", "c.txtar:1: no Spec"},
		{"no step", "Text.\nSpec: x\n", "c.txtar:1: no step"},
		{"no want", "Text.\nSpec: x\n" + users + "-- 1. ann x --\nfind a.b {}\n", "c.txtar:5: step 1 has no want"},
		{"unknown user", "Text.\nSpec: x\n" + users + "-- 1. bob x --\nfind a.b {}\n-- 1. want --\n", `c.txtar:5: no user "bob"`},
		{"unknown action", "Text.\nSpec: x\n" + users + "-- 1. ann x --\nfetch a.b {}\n-- 1. want --\n", `c.txtar:6: unknown action "fetch"`},
		{"unknown option", "Text.\nSpec: x\n" + users + "-- 1. ann x --\nfind a.b {}\nhint 1\n-- 1. want --\n", `c.txtar:7: unknown option "hint"`},
		{"missing argument", "Text.\nSpec: x\n" + users + "-- 1. ann x --\nupdateOne a.b {}\n-- 1. want --\n", "c.txtar:6: update: expected a JSON"},
		{"extra argument", "Text.\nSpec: x\n" + users + "-- 1. ann x --\nfind a.b {} {}\n-- 1. want --\n", "c.txtar:6: find takes no more"},
		{"namespace", "Text.\nSpec: x\n" + users + "-- 1. ann x --\nfind ab {}\n-- 1. want --\n", `c.txtar:6: "ab" is not a namespace`},
		{"numbering", "Text.\nSpec: x\n" + users + "-- 2. ann x --\nfind a.b {}\n-- 2. want --\n", "c.txtar:5: step 2 stands where step 1 should"},
		{"want first", "Text.\nSpec: x\n" + users + "-- 1. want --\n", `c.txtar:5: "1. want" comes before step 1`},
		{"bad JSON", "Text.\nSpec: x\n-- documents/a.b.json --\n[\n{,}]\n", "c.txtar:5: "},
		{"documents", "Text.\nSpec: x\n-- documents/a.b.json --\n{}\n", "c.txtar:4: expected an array"},
		{"time", "Text.\nSpec: x\n-- now --\nMonday\n", `c.txtar:4: expected a time such as`},
		{"stray file", "Text.\nSpec: x\n-- notes --\n", `c.txtar:3: "notes" is neither`},
		{"outside", "Text.\nSpec: x\n-- ../a.json --\n", `c.txtar:3: "../a.json" is not a path`},
		{"twice", "Text.\nSpec: x\n-- a.json --\n-- a.json --\n", `c.txtar:4: "a.json" occurs twice`},
		{"late text", "Text.\nSpec: x\nMore.\n", "c.txtar:3: text after"},
		{"user field", "Text.\nSpec: x\n-- users.json --\n{\"a\": {\"id\": \"a\", \"typ\": \"x\"}}\n", `c.txtar:3: user "a": bad "typ"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := policytest.Parse("c.txtar", []byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Parse = %v, want %q", err, tt.want)
			}
		})
	}
}
