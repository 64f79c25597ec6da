package policytest_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/internal/policytest"
)

func dirOf(files map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

const besideCase = "A case.\n-- 1. ann asks --\nfind a.b {}\n-- 1. want --\n"

// What a case says takes the place of what is beside it, for that case alone.
func TestBeside(t *testing.T) {
	dir := dirOf(map[string]string{
		"users.json":           `{"ann": {"id": "ua"}, "bob": {"id": "ub", "type": "server"}}`,
		"documents/a.b.json":   `[{"_id": 1}]`,
		"documents/s/a.c.json": `[{"_id": 2}]`,
		"secrets.json":         `{"k": "common"}`,
		"server.json":          `{"compat": "app-services"}`,
		"cases/plain.txtar":    besideCase,
		"cases/deep/own.txtar": "Own.\n-- users.json --\n{\"ann\": {\"id\": \"other\", \"provider\": \"anon-user\"}}\n-- documents/a.b.json --\n[]\n" +
			"-- secrets.json --\n{\"k\": \"own\"}\n-- server.json --\n{}\n-- auth/x.json --\n{}\n-- 1. bob asks --\nfind a.b {}\n-- 1. want --\n",
		"cases/README.md": "not a case",
	})
	beside, err := policytest.ReadBeside(dir)
	if err != nil {
		t.Fatal(err)
	}
	cases, err := beside.Cases(dir)
	if err != nil {
		t.Fatal(err)
	}
	type summary struct {
		Name, Ann, Provider, Secret, Settings string
		Documents                             []string
		Changes                               bool
	}
	var got []summary
	for _, c := range cases {
		s := summary{
			Name: c.Name, Ann: c.Users["ann"].ID, Provider: c.Users["ann"].Provider + " " + c.Users["bob"].Provider,
			Secret: c.Secrets["k"], Settings: strings.TrimSpace(string(c.Settings)), Changes: c.ChangesApp(),
		}
		for _, d := range c.Documents {
			s.Documents = append(s.Documents, d.Service+"/"+d.String()+strings.Repeat(" document", len(d.Documents)))
		}
		got = append(got, s)
	}
	want := []summary{
		{"deep/own", "other", "anon-user api-key", "own", "{}", []string{"s/a.c document", "mongodb-atlas/a.b"}, true},
		{"plain", "ua", "custom-token api-key", "common", `{"compat": "app-services"}`, []string{"mongodb-atlas/a.b document", "s/a.c document"}, false},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cases (-want +got):\n%s", diff)
	}
	app := dirOf(map[string]string{"auth/x.json": "app", "root_config.json": "app"})
	over, err := cases[0].Over(app)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"auth/x.json": "{}\n", "root_config.json": "app"} {
		if text, err := over.(interface {
			ReadFile(name string) ([]byte, error)
		}).ReadFile(name); string(text) != want || err != nil {
			t.Errorf("%s = %q, %v", name, text, err)
		}
	}
}

func TestBesideMistakes(t *testing.T) {
	for _, tt := range []struct{ name, file, text, want string }{
		{"user without an id", "users.json", `{"ann": {}}`, `users.json:1: user "ann" has no id`},
		{"name of a user", "users.json", `{"ann b": {"id": "x"}}`, `users.json:1: user "ann b": a name is one word`},
		{"JSON", "users.json", "{\n\"ann\": }", "users.json:2: "},
		{"documents", "documents/a.json", `[]`, `documents/a.json:1: "documents/a.json" is not documents/<namespace>.json`},
		{"secret", "secrets.json", `{"a": 1}`, `secrets.json:1: secret "a" is not a string`},
		{"case", "cases/x.txtar", "A case.\n-- 1. eve asks --\nfind a.b {}\n-- 1. want --\n", `cases/x.txtar:2: no user "eve"`},
		{"no case", "cases/x.md", "", "no file NAME.txtar"},
	} {
		dir := dirOf(map[string]string{tt.file: tt.text})
		beside, err := policytest.ReadBeside(dir)
		if err == nil {
			_, err = beside.Cases(dir)
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}
