package config_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/source"
)

// export makes a file system of a txtar text.
func export(text string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for _, f := range txtar.Parse([]byte(text)).Files {
		fsys[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return fsys
}

func mustLoad(t *testing.T, fsys fs.FS) *config.App {
	t.Helper()
	app, ds := config.Load(fsys, config.Options{Secrets: func(string) (string, bool) { return "given", true }})
	if ds.HasErrors() || !app.Usable {
		t.Fatalf("Load = %v, usable %v, want no errors", ds, app.Usable)
	}
	return app
}

// diffApp compares apps by what they hold, not where it stands. Values are compared by their text.
func diffApp(want, got *config.App) string {
	return cmp.Diff(want, got,
		cmpopts.IgnoreTypes(source.Span{}),
		cmpopts.IgnoreUnexported(config.Service{}, config.DataAPI{}),
		cmpopts.IgnoreFields(config.App{}, "Revision"),
		cmpopts.EquateEmpty(),
		cmp.Transformer("text", func(v *source.Value) string { return textOf(v) }),
		cmpopts.IgnoreFields(source.File{}, "Text"),
	)
}

func textOf(v *source.Value) string {
	if v == nil {
		return ""
	}
	return string(v.Span.File.Text[v.Span.Start:v.Span.End])
}

// val is a value as it stands in a file.
func val(text string) *source.Value {
	v, _ := source.Parse(&source.File{Text: []byte(text)})
	return v
}

func TestLoadToday(t *testing.T) {
	t.Parallel()
	got := mustLoad(t, export(`
-- root_config.json --
{"app_id": "demo-abcde", "config_version": 20210101, "name": "demo", "environment": "production", "provider_region": "aws-us-east-1",
 "deployment_model": "GLOBAL", "allowed_request_origins": ["https://b.example.com", "https://a.example.com"]}
-- environments/production.json --
{"values": {"cluster": "Live", "max": 5}}
-- environments/testing.json --
{"values": {"cluster": "Test"}}
-- data_sources/mongodb-atlas/config.json --
{"name": "mongodb-atlas", "type": "mongodb-atlas", "config": {"clusterName": "%(%%environment.values.cluster)", "readPreference": "nearest"}, "version": 1}
-- data_sources/mongodb-atlas/default_rule.json --
{"roles": [{"name": "all", "apply_when": {}, "read": true}]}
-- data_sources/mongodb-atlas/hr/employees/rules.json --
{"database": "hr", "collection": "employees",
 "roles": [{"name": "self", "apply_when": {"_id": "%%user.id"}, "document_filters": {"read": true, "write": {"x": 1}},
   "read": {"a": 1}, "write": false, "insert": true, "delete": {"b": 1}, "search": false,
   "fields": {"a.b.c": {"read": true}, "a": {"write": true, "fields": {"x": {"read": {}}}}, "name": {}},
   "additional_fields": {"read": true, "write": false}}],
 "filters": [{"name": "f", "apply_when": true, "query": {"s": "x"}, "project": {"name": 1}}]}
-- data_sources/mongodb-atlas/hr/employees/schema.json --
{"title": "employee"}
-- data_sources/mongodb-atlas/hr/notes/schema.json --
{}
-- data_sources/mongodb-atlas/hr/empty/README.md --
nothing
-- auth/providers.json --
{"anon-user": {"name": "anon-user", "type": "anon-user", "disabled": true},
 "custom-token": {"name": "custom-token", "type": "custom-token", "disabled": false,
   "config": {"audience": ["a", "b"], "requireAnyAudience": true, "signingAlgorithm": "RS256", "useJWKURI": true, "jwkURI": "http://127.0.0.1:9/k", "issuer": "me"},
   "metadata_fields": [{"required": true, "name": "a\\.b.c", "field_name": "see"}, {"name": "email"}]}}
-- auth/custom_user_data.json --
{"enabled": true, "mongo_service_name": "mongodb-atlas", "database_name": "hr", "collection_name": "users", "user_id_field": "uid", "on_user_creation_function_name": "hello"}
-- values/team.json --
{"name": "team", "from_secret": false, "value": ["red"]}
-- values/key.json --
{"id": "1", "name": "key", "private": false, "from_secret": true, "value": "the_key"}
-- functions/config.json --
[{"name": "b/hello", "private": true, "can_evaluate": {}, "run_as_system": true, "disable_arg_logs": true}, {"name": "z", "run_as_user_id": "u"}]
-- functions/b/hello.js --
exports = () => 1
-- functions/a.js --
exports = () => 1
-- functions/node_modules/x/y.js --
-- https_endpoints/data_api_config.json --
[{"disabled": false, "versions": ["v1"], "return_type": "EJSON", "create_user_on_auth": true, "fetch_custom_user_data": true,
  "log_function_arguments": true, "can_evaluate": {}, "validation_method": "NO_VALIDATION", "secret_name": "", "run_as_user_id": ""}]
-- package.json --
{broken
`))
	yes := true
	want := &config.App{
		Root: config.Root{
			AppID: "demo-abcde", Name: "demo", ConfigVersion: 20210101, Environment: "production", Location: "aws-us-east-1", Deployment: "GLOBAL",
			AllowedOrigins: []string{"https://a.example.com", "https://b.example.com"},
		},
		Services: []*config.Service{{
			Name: "mongodb-atlas", Type: "mongodb-atlas", ClusterName: "Live", ReadPreference: "nearest",
			DefaultRule: &config.Ruleset{Service: "mongodb-atlas", Roles: []*config.Role{{Name: "all", ApplyWhen: val("{}"), Read: val("true")}}},
			Rulesets: []*config.Ruleset{
				{
					Service: "mongodb-atlas", Database: "hr", Collection: "employees", Schema: val(`{"title": "employee"}`),
					Roles: []*config.Role{{
						Name: "self", ApplyWhen: val(`{"_id": "%%user.id"}`), Read: val(`{"a": 1}`), Write: val("false"), Insert: val("true"),
						Delete: val(`{"b": 1}`), Search: val("false"),
						DocumentFilters: &config.DocumentFilters{Read: val("true"), Write: val(`{"x": 1}`)},
						Additional:      &config.FieldRule{Read: val("true"), Write: val("false")},
						Fields: []config.Field{
							{Name: "a", Rule: config.FieldRule{Write: val("true"), Fields: []config.Field{
								{Name: "x", Rule: config.FieldRule{Read: val("{}")}},
								{Name: "b", Rule: config.FieldRule{Fields: []config.Field{{Name: "c", Rule: config.FieldRule{Read: val("true")}}}}},
							}}},
							{Name: "name"},
						},
					}},
					Filters: []*config.QueryFilter{{Name: "f", ApplyWhen: val("true"), Query: val(`{"s": "x"}`), Projection: val(`{"name": 1}`)}},
				},
				{Service: "mongodb-atlas", Database: "hr", Collection: "notes", Schema: val("{}")},
			},
		}},
		Values:            map[string]*source.Value{"team": val(`["red"]`)},
		Secrets:           map[string]string{"key": "the_key"},
		EnvironmentValues: map[string]*source.Value{"cluster": val(`"Live"`), "max": val("5")},
		Providers: []*config.Provider{
			{Name: "anon-user", Type: "anon-user", Disabled: true},
			{Name: "custom-token", Type: "custom-token", CustomToken: &config.CustomToken{
				Audiences: []string{"a", "b"}, RequireAnyAudience: true, Issuer: "me", SigningAlgorithm: "RS256", JWKURI: "http://127.0.0.1:9/k",
				Metadata: []config.MetadataField{{Required: true, Path: []string{"a.b", "c"}, Name: "see"}, {Path: []string{"email"}, Name: "email"}},
			}},
		},
		CustomUserData: &config.CustomUserData{
			Enabled: true, Service: "mongodb-atlas", Database: "hr", Collection: "users", UserIDField: "uid", OnUserCreation: "hello",
		},
		DataAPI: &config.DataAPI{
			Versions: []string{"v1"}, ReturnType: "EJSON", CreateUserOnAuth: &yes, FetchCustomUserData: &yes, LogArguments: true, CanEvaluate: val("{}"),
		},
		Functions: []*config.Function{
			{Name: "a", Source: &source.File{Name: "functions/a.js"}},
			{Name: "b/hello", Private: true, CanEvaluate: val("{}"), RunAsSystem: true, DisableArgLogs: true, Source: &source.File{Name: "functions/b/hello.js"}},
			{Name: "z", RunAsUserID: "u"},
		},
		Usable: true,
	}
	if diff := diffApp(want, got); diff != "" {
		t.Errorf("Load (-want +got):\n%s", diff)
	}
	if problems := config.ServeProblems(got); len(problems) != 0 {
		t.Errorf("ServeProblems = %v, want none", problems)
	}
}

func TestLoadLegacy(t *testing.T) {
	t.Parallel()
	got := mustLoad(t, export(`
-- stitch.json --
{"app_id": "old-abcde", "config_version": 20180301, "name": "old", "location": "US-VA",
 "security": {"allowed_request_origins": ["https://a.example.com"], "allowed_origins": ["https://a.example.com", "https://b.example.com"]},
 "custom_user_data_config": {"enabled": true, "mongo_service_id": "5d1", "database_name": "hr", "collection_name": "users", "user_id_field": "uid"}}
-- services/db/config.json --
{"id": "5d1", "name": "mongodb-atlas", "type": "mongodb-atlas", "config": {"clusterName": "Cluster0", "sync": {"state": "disabled"}}, "secret_config": {}}
-- services/db/rules/hr.old.staff.json --
{"id": "5d2", "roles": [{"id": "5d3", "name": "all", "apply_when": {}, "read": true}], "schema": {"title": "x"}, "relationships": {}}
-- services/db/rules/before.notes.json --
{"database": "hr", "collection": "notes", "roles": []}
-- services/mail/config.json --
{"name": "mail", "type": "twilio", "config": {"sid": 1}}
-- services/mail/rules/r.json --
{broken
-- auth_providers/custom-token.json --
{"id": "5d4", "name": "custom-token", "type": "custom-token", "config": {"audience": "a, b", "signingAlgorithm": "HS256"},
 "secret_config": {"signingKeys": ["k1", "k2"]}, "disabled": false}
-- functions/hello/config.json --
{"id": "5d5", "name": "hello", "private": false, "can_evaluate": {}}
-- functions/hello/source.js --
exports = () => 1
-- secrets.json --
{}
`))
	want := &config.App{
		Root: config.Root{
			AppID: "old-abcde", Name: "old", ConfigVersion: 20180301, Location: "US-VA",
			AllowedOrigins: []string{"https://a.example.com", "https://b.example.com"},
		},
		Services: []*config.Service{{
			Name: "mongodb-atlas", Type: "mongodb-atlas", ClusterName: "Cluster0",
			Rulesets: []*config.Ruleset{
				{Service: "mongodb-atlas", Database: "hr", Collection: "notes"},
				{
					Service: "mongodb-atlas", Database: "hr", Collection: "old.staff", Schema: val(`{"title": "x"}`),
					Roles: []*config.Role{{Name: "all", ApplyWhen: val("{}"), Read: val("true")}},
				},
			},
		}},
		Providers: []*config.Provider{{Name: "custom-token", Type: "custom-token", CustomToken: &config.CustomToken{
			Audiences: []string{"a", "b"}, SigningAlgorithm: "HS256", SigningKeys: []string{"k1", "k2"},
		}}},
		CustomUserData: &config.CustomUserData{Enabled: true, Service: "mongodb-atlas", Database: "hr", Collection: "users", UserIDField: "uid"},
		Functions:      []*config.Function{{Name: "hello", CanEvaluate: val("{}"), Source: &source.File{Name: "functions/hello/source.js"}}},
		Usable:         true,
	}
	if diff := diffApp(want, got); diff != "" {
		t.Errorf("Load (-want +got):\n%s", diff)
	}
}

func TestRootFileOfEachVersion(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"root_config.json", "realm_config.json", "config.json", "stitch.json"} {
		app := mustLoad(t, fstest.MapFS{name: {Data: []byte(`{"app_id": "x-abcde"}`)}})
		if app.Root.AppID != "x-abcde" || app.Root.Span.File.Name != name {
			t.Errorf("%s: app id %q from %v", name, app.Root.AppID, app.Root.Span)
		}
	}
}

// A mounted volume is made of links: the entries lead through a hidden directory.
func TestLoadThroughLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"..data/root_config.json":                                `{"app_id": "x-abcde", "config_version": 20210101}`,
		"..data/data_sources/mongodb-atlas/config.json":          `{"name": "mongodb-atlas", "type": "mongodb-atlas"}`,
		"..data/data_sources/mongodb-atlas/hr/people/rules.json": `{"database": "hr", "collection": "people", "roles": []}`,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"root_config.json", "data_sources"} {
		if err := os.Symlink("..data/"+name, filepath.Join(dir, name)); err != nil {
			t.Skipf("no symbolic links here: %v", err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	app := mustLoad(t, root.FS())
	if len(app.Services) != 1 || len(app.Services[0].Rulesets) != 1 || app.Root.AppID != "x-abcde" {
		t.Errorf("Load = %+v, want one service with one ruleset", app)
	}
}

func TestRevision(t *testing.T) {
	t.Parallel()
	base := func() fstest.MapFS {
		return export("-- root_config.json --\n{\"app_id\": \"x\"}\n-- values/a.json --\n{\"name\": \"a\", \"value\": 1}\n-- notes.txt --\nx\n")
	}
	first := mustLoad(t, base()).Revision
	if len(first) != 64 || mustLoad(t, base()).Revision != first {
		t.Errorf("revision %q is not stable", first)
	}
	other := base()
	other["notes.txt"] = &fstest.MapFile{Data: []byte("y")}
	if mustLoad(t, other).Revision != first {
		t.Error("a file that is not read changes the revision")
	}
	seen := []string{first}
	for name, change := range map[string]func(fstest.MapFS){
		"content": func(m fstest.MapFS) { m["values/a.json"] = &fstest.MapFile{Data: []byte(`{"name": "a", "value": 2}`)} },
		"name":    func(m fstest.MapFS) { m["values/b.json"] = m["values/a.json"]; delete(m, "values/a.json") },
		"removal": func(m fstest.MapFS) { delete(m, "values/a.json") },
	} {
		m := base()
		change(m)
		if r := mustLoad(t, m).Revision; slices.Contains(seen, r) {
			t.Errorf("%s: revision %s was there before", name, r)
		} else {
			seen = append(seen, r)
		}
	}
}

// A source that cannot be read breaks the function, not the app: triggers may be anything.
func TestFunctionSourceTooLarge(t *testing.T) {
	t.Parallel()
	app, ds := config.Load(fstest.MapFS{
		"root_config.json":      {Data: []byte(`{"app_id": "x-abcde", "config_version": 20210101}`)},
		"functions/config.json": {Data: []byte(`[{"name": "large"}, {"name": "none"}]`)},
		"functions/large.js":    {Data: make([]byte, 5<<20)},
		"functions/small.js":    {Data: []byte(`exports = () => 1`)},
	}, config.Options{})
	if ds.HasErrors() || len(ds) != 1 || ds[0].Code != config.CodeFileTooLarge {
		t.Errorf("diagnostics: %v", ds)
	}
	got := map[string]bool{}
	for _, f := range app.Functions {
		got[f.Name] = f.Source != nil && !f.Broken
	}
	if diff := cmp.Diff(map[string]bool{"large": false, "none": false, "small": true}, got); diff != "" {
		t.Errorf("usable (-want +got):\n%s", diff)
	}
}
