package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/source"
)

// broken describes, for each service, which namespaces are denied and which are served.
func broken(app *config.App) map[string]string {
	out := map[string]string{}
	for _, s := range app.Services {
		var parts []string
		if s.DefaultRule != nil {
			parts = append(parts, state("default", s.DefaultRule))
		}
		for _, rs := range s.Rulesets {
			parts = append(parts, state(rs.Database+"."+rs.Collection, rs))
		}
		out[s.Name] = strings.Join(parts, " ")
	}
	return out
}

func state(name string, rs *config.Ruleset) string {
	if rs.Broken {
		return "-" + name
	}
	return "+" + name
}

// TestQuarantine holds where an error reaches: to its own namespace, to all that may be meant, or to the whole app. What is
// served is marked with +, what is denied with -.
func TestQuarantine(t *testing.T) {
	t.Parallel()
	const (
		root    = "-- root_config.json --\n{\"app_id\": \"x\", \"config_version\": 20210101}\n"
		service = root + "-- data_sources/s/config.json --\n{\"name\": \"s\", \"type\": \"mongodb-atlas\"}\n" +
			"-- data_sources/s/default_rule.json --\n{\"roles\": []}\n" +
			"-- data_sources/s/hr/ok/rules.json --\n{\"database\": \"hr\", \"collection\": \"ok\"}\n"
		legacy = root + "-- services/s/config.json --\n{\"name\": \"s\", \"type\": \"mongodb-atlas\"}\n" +
			"-- services/s/rules/hr.ok.json --\n{\"database\": \"hr\", \"collection\": \"ok\"}\n"
	)
	for _, c := range []struct {
		name, export string
		usable       bool
		want         string
	}{
		{"nothing wrong", service, true, "+default +hr.ok"},
		{"malformed rules", service + "-- data_sources/s/hr/bad/rules.json --\n{\n", true, "+default -hr.bad +hr.ok"},
		{"empty rules", service + "-- data_sources/s/hr/bad/rules.json --\n", true, "+default -hr.bad +hr.ok"},
		{"rules are a list", service + "-- data_sources/s/hr/bad/rules.json --\n[]\n", true, "+default -hr.bad +hr.ok"},
		{"roles are no list", service + "-- data_sources/s/hr/bad/rules.json --\n{\"roles\": {}}\n", true, "+default -hr.bad +hr.ok"},
		{"wrong schema", service + "-- data_sources/s/hr/bad/schema.json --\n{\n", true, "+default -hr.bad +hr.ok"},
		{"misnamed rules", service + "-- data_sources/s/hr/bad/rule.json --\n{}\n", true, "+default -hr.bad +hr.ok"},
		{
			"names disagree", service + "-- data_sources/s/hr/bad/rules.json --\n{\"database\": \"hr\", \"collection\": \"worse\"}\n",
			true, "+default -hr.bad +hr.ok -hr.worse",
		},
		{
			"names disagree and hit another", service + "-- data_sources/s/hr/bad/rules.json --\n{\"database\": \"hr\", \"collection\": \"ok\"}\n",
			true, "+default -hr.bad -hr.ok",
		},
		{"unfilled template", service + "-- data_sources/s/hr/bad/rules.json --\n{\"id\": \"%(%%environment.values.x)\"}\n", true, "+default -hr.bad +hr.ok"},
		{"malformed default", strings.Replace(service, `{"roles": []}`, `{"roles": [}`, 1), true, "-default +hr.ok"},
		{"misnamed default", strings.Replace(service, "default_rule.json", "default_rules.json", 1), true, "-default -hr.ok"},
		{"malformed service", strings.Replace(service, `"name": "s",`, `"name": "s"`, 1), true, "-default -hr.ok"},
		{"unknown type of service", strings.Replace(service, `"mongodb-atlas"`, `"mongo"`, 1), true, "-default -hr.ok"},
		{"data lake", strings.Replace(service, `"mongodb-atlas"`, `"datalake"`, 1), true, "-default -hr.ok"},
		{"legacy, nothing wrong", legacy, true, "+hr.ok"},
		{"legacy, malformed rules", legacy + "-- services/s/rules/hr.bad.json --\n{\n", true, "-default -hr.bad +hr.ok"},
		{"legacy, rules are a list", legacy + "-- services/s/rules/hr.bad.json --\n[]\n", true, "-default -hr.bad +hr.ok"},
		{"legacy, no names", legacy + "-- services/s/rules/bad.json --\n{}\n", true, "-default -bad. +hr.ok"},
		{"legacy, twice", legacy + "-- services/s/rules/old.ok.json --\n{\"database\": \"hr\", \"collection\": \"ok\"}\n", true, "-hr.ok"},
		{
			"legacy, rules of other services", legacy + "-- services/s/rules/hr.bad.json --\n{\"actions\": [\"send\"], \"when\": {}}\n",
			true, "-hr.bad +hr.ok",
		},
		{"both layouts", service + strings.TrimPrefix(legacy, root), false, ""},
		{"malformed root", strings.Replace(service, `"x",`, `"x"`, 1), false, "+default +hr.ok"},
		{"malformed value", service + "-- values/v.json --\n{\n", false, "+default +hr.ok"},
		{"malformed environment", service + "-- environments/qa.json --\n{\n", false, "+default +hr.ok"},
		{"malformed providers", service + "-- auth/providers.json --\n{\n", false, "+default +hr.ok"},
		{"malformed Data API", service + "-- http_endpoints/data_api_config.json --\n{\n", false, "+default +hr.ok"},
		{"malformed functions", service + "-- functions/config.json --\n{\n", false, "+default +hr.ok"},
		{"malformed function", service + "-- functions/f/config.json --\n{\n", true, "+default +hr.ok"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			app, ds := config.Load(export(c.export), config.Options{})
			if app.Usable != c.usable {
				t.Errorf("usable = %v, want %v; %v", app.Usable, c.usable, ds)
			}
			if got := broken(app)["s"]; c.want != "" && got != c.want {
				t.Errorf("rulesets = %q, want %q; %v", got, c.want, ds)
			}
			if denies := strings.Contains(c.want, "-") || !c.usable; denies != ds.HasErrors() && c.name != "data lake" && c.name != "legacy, no names" && c.name != "malformed function" {
				t.Errorf("HasErrors = %v, want %v; %v", ds.HasErrors(), denies, ds)
			}
		})
	}
}

func TestBrokenFunction(t *testing.T) {
	t.Parallel()
	app, ds := config.Load(export(`
-- root_config.json --
{"app_id": "x"}
-- functions/bad/config.json --
{"name": "bad",}
-- functions/worse/config.json --
{"name": "worse", "private": "true"}
-- functions/good/config.json --
{"name": "good"}
`), config.Options{})
	got := map[string]bool{}
	for _, f := range app.Functions {
		got[f.Name] = f.Broken
	}
	if diff := cmp.Diff(map[string]bool{"bad": true, "worse": true, "good": false}, got); diff != "" || !ds.HasErrors() {
		t.Errorf("broken functions (-want +got):\n%s\n%v", diff, ds)
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	fsys := export(`
-- root_config.json --
{"app_id": "x", "config_version": 20210101}
-- values/a.json --
{"name": "a", "from_secret": true, "value": "sa"}
-- values/b.json --
{"name": "b", "from_secret": true, "value": "sb"}
-- data_sources/s/config.json --
{"name": "s", "type": "mongodb-atlas"}
-- data_sources/s/hr/uses/rules.json --
{"roles": [{"name": "r", "apply_when": {}, "fields": {"x": {"fields": {"y": {"read": {"%or": [{"n": "%%values.a.deep"}]}}}}}}]}
-- data_sources/s/hr/other/rules.json --
{"roles": [{"name": "r", "apply_when": {"n": "%%values.b"}, "document_filters": {"read": true}, "additional_fields": {}}]}
-- data_sources/s/hr/key/rules.json --
{"filters": [{"name": "f", "apply_when": {"%%values.a": 1}}]}
`)
	only := func(names ...string) config.SecretSource {
		return func(name string) (string, bool) {
			for _, n := range names {
				if n == name {
					return "value of a secret", true
				}
			}
			return "", false
		}
	}
	for _, c := range []struct {
		name    string
		options config.Options
		errors  bool
		want    string
	}{
		{"validate without any", config.Options{}, false, "+hr.key +hr.other +hr.uses"},
		{"serve without any", config.Options{Serving: true}, true, "-hr.key -hr.other -hr.uses"},
		{"serve with one", config.Options{Serving: true, Secrets: only("sb")}, true, "-hr.key +hr.other -hr.uses"},
		{"serve with both", config.Options{Serving: true, Secrets: only("sa", "sb")}, false, "+hr.key +hr.other +hr.uses"},
	} {
		app, ds := config.Load(fsys, c.options)
		if got := broken(app)["s"]; got != c.want || ds.HasErrors() != c.errors || !app.Usable {
			t.Errorf("%s: rulesets = %q, want %q; usable %v; %v", c.name, got, c.want, app.Usable, ds)
		}
		for _, d := range ds {
			if strings.Contains(d.Message+d.Hint, "value of a secret") {
				t.Errorf("%s: %v tells a secret", c.name, d)
			}
		}
	}
	if got := config.SecretVariable("Jwt.key-1ä"); got != "ROLEGATE_SECRET_JWT_KEY_1_" {
		t.Errorf("SecretVariable = %q", got)
	}
}

func TestServeProblemsOfDisabled(t *testing.T) {
	t.Parallel()
	app, ds := config.Load(export(`
-- root_config.json --
{"app_id": "x", "config_version": 20210101}
-- http_endpoints/data_api_config.json --
{"disabled": true, "run_as_system": true, "run_as_user_id": "u"}
`), config.Options{})
	if len(ds) != 0 || len(config.ServeProblems(app)) != 0 {
		t.Errorf("a disabled Data API cannot do harm: %v, %v", ds, config.ServeProblems(app))
	}
	if app.DataAPI == nil || !app.DataAPI.Disabled {
		t.Errorf("Data API = %+v, want it disabled", app.DataAPI)
	}
}

func TestDataAPIThatIsNoObjectIsOff(t *testing.T) {
	t.Parallel()
	app, ds := config.Load(export("-- root_config.json --\n{\"app_id\": \"x\"}\n-- http_endpoints/data_api_config.json --\n[]\n"), config.Options{})
	if !ds.HasErrors() || app.Usable || !app.DataAPI.Disabled {
		t.Errorf("Data API = %+v, %v, want it off and an error", app.DataAPI, ds)
	}
}

// FuzzLoad holds that no text of a rules file makes Load panic, and that one with errors is never served.
func FuzzLoad(f *testing.F) {
	for _, s := range []string{
		`{"database": "hr", "collection": "c", "roles": [{"name": "r", "apply_when": {}, "fields": {"a.b": {"read": true}, "a": {}}}]}`,
		`{"roles": [{"name": "r", "apply_when": {"x": "%%values.v"}, "document_filters": {"read": {}}, "additional_fields": {"write": true}}], "filters": [{}]}`,
		`{"id": "%(%%environment.values.e)", "roles": null}`, `[]`, `{`, `{"roles": [1], "schema": [], "relationships": {"a": 1}}`,
	} {
		f.Add(s)
	}
	exports, err := filepath.Glob(corpusDir + "/*/services/*/rules/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range exports {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		fsys := export("-- root_config.json --\n{\"app_id\": \"x\"}\n-- environments/no-environment.json --\n{\"values\": {\"e\": \"v\\\"\"}}\n" +
			"-- values/v.json --\n{\"name\": \"v\", \"from_secret\": true, \"value\": \"s\"}\n" +
			"-- services/t/config.json --\n{\"name\": \"t\", \"type\": \"mongodb\"}\n-- data_sources/s/config.json --\n{\"name\": \"s\", \"type\": \"mongodb-atlas\"}\n")
		file := &fstest.MapFile{Data: []byte(text)}
		fsys["data_sources/s/hr/c/rules.json"] = file
		fsys["services/t/rules/hr.c.json"] = file
		app, ds := config.Load(fsys, config.Options{Serving: true})
		if !app.Usable {
			t.Fatalf("a rules file makes the app unusable: %v", ds)
		}
		var out strings.Builder
		if err := ds.WriteText(&out); err != nil {
			t.Fatal(err)
		}
		errors := 0
		for _, d := range ds {
			if line, _ := d.Span.Position(); line == 0 {
				t.Fatalf("%v points nowhere", d)
			}
			if d.Severity == source.Error {
				errors++
			}
		}
		if denied := strings.Contains(broken(app)["s"]+broken(app)["t"], "-"); denied != (errors > 0) {
			t.Fatalf("%d errors, but denied = %v: %v", errors, denied, ds)
		}
	})
}
