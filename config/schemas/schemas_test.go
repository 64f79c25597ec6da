package schemas_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/xeipuuv/gojsonschema"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/config/schemas"
	"github.com/rolegate/rolegate/internal/source"
)

func compile(t *testing.T) map[string]*gojsonschema.Schema {
	t.Helper()
	out := map[string]*gojsonschema.Schema{}
	for _, name := range schemas.Names() {
		text, ok := schemas.Read(name)
		if !ok {
			t.Fatalf("Read(%q) = false, want the schema", name)
		}
		loader := gojsonschema.NewSchemaLoader()
		loader.Draft, loader.AutoDetect, loader.Validate = gojsonschema.Draft7, false, true
		s, err := loader.Compile(gojsonschema.NewBytesLoader(text))
		if err != nil {
			t.Fatalf("%s is no JSON Schema: %v", name, err)
		}
		out[name] = s
	}
	return out
}

// faults says why a text does not fit the schema; it is empty when it does.
func faults(s *gojsonschema.Schema, text []byte) string {
	result, err := s.Validate(gojsonschema.NewBytesLoader(text))
	if err != nil {
		return err.Error()
	}
	var out []string
	for _, e := range result.Errors() {
		out = append(out, e.String())
	}
	return strings.Join(out, "; ")
}

func TestNames(t *testing.T) {
	t.Parallel()
	want := []string{
		"custom_user_data", "data_api", "data_source", "default_rule", "endpoints", "environment", "functions", "lookup", "providers", "root", "rules",
		"value",
	}
	if diff := cmp.Diff(want, schemas.Names()); diff != "" {
		t.Errorf("Names (-want +got):\n%s", diff)
	}
	if text, ok := schemas.Read("none"); ok {
		t.Errorf("Read of an unknown name = %q, want nothing", text)
	}
	for file, want := range map[string]string{
		"root_config.json": "root", "stitch.json": "root", "package.json": "", "data_sources/s/config.json": "data_source",
		"services/s/config.json": "data_source", "data_sources/s/default_rule.json": "default_rule", "data_sources/s/d/c/rules.json": "rules",
		"data_sources/s/d/c/schema.json": "", "services/s/rules/d.c.json": "rules", "auth/providers.json": "providers",
		"auth/custom_user_data.json": "custom_user_data", "values/a.json": "value", "lookups/a.json": "lookup", "environments/qa.json": "environment",
		"functions/config.json": "functions", "functions/f/config.json": "", "http_endpoints/data_api_config.json": "data_api",
		"http_endpoints/config.json": "endpoints", "https_endpoints/config.json": "endpoints", "http_endpoints/hook/config.json": "",
	} {
		if got := schemas.For(file); got != want {
			t.Errorf("For(%q) = %q, want %q", file, got, want)
		}
	}
}

const base = `
-- root_config.json --
{"app_id": "x-abcde", "config_version": 20210101}
-- data_sources/s/config.json --
{"name": "s", "type": "mongodb-atlas"}
`

// TestShapes holds that the schema of a file and config agree on it.
func TestShapes(t *testing.T) {
	t.Parallel()
	compiled := compile(t)
	const (
		rules     = "data_sources/s/hr/c/rules.json"
		api       = "https_endpoints/data_api_config.json"
		providers = "auth/providers.json"
		data      = "auth/custom_user_data.json"
		endpoints = "http_endpoints/config.json"
	)
	role := func(more string) string { return `{"roles": [{"name": "r", "apply_when": {}` + more + `}]}` }
	for _, c := range []struct {
		file, text string
		good       bool
	}{
		{"root_config.json", `{}`, true},
		{"root_config.json", `{"name": "n", "garbage": 1, "allowed_request_origins": ["a"], "security": {"allowed_origins": []}}`, true},
		{"root_config.json", `{"name": 1}`, false},
		{"root_config.json", `{"config_version": "20210101"}`, false},
		{"root_config.json", `{"app_id": "a/b"}`, false},
		{"root_config.json", `{"allowed_request_origins": "a"}`, false},
		{"root_config.json", `{"allowed_request_origins": [1]}`, false},
		{"root_config.json", `[]`, false},
		{"data_sources/s/config.json", `{"name": "s", "type": "mongodb-atlas", "config": {"clusterName": "C", "readPreference": "nearest"}}`, true},
		{"data_sources/s/config.json", `{"name": "s"}`, false},
		{"data_sources/s/config.json", `{"name": "s", "type": "mongodb-atlas", "config": {"clusterName": 1}}`, false},
		{"data_sources/s/config.json", `{"name": "s", "type": "mongodb-atlas", "config": {"readPreference": "any"}}`, false},
		{"data_sources/s/default_rule.json", role(`, "read": true`), true},
		{"data_sources/s/default_rule.json", `{"roles": {}}`, false},
		{rules, `{"database": "hr", "collection": "c", "roles": [], "filters": [], "id": "1"}`, true},
		{rules, role(``), true},
		{rules, role(`, "read": {"x": 1}, "write": false, "insert": true, "delete": {}, "search": true, "document_filters": {"read": {}}`), true},
		{rules, role(`, "fields": {"a.b": {"read": true}, "a": {"write": {}, "fields": {"c": {"read": true}}}, "_id": {}}, "additional_fields": {}`), true},
		{rules, `{"filters": [{"name": "f", "apply_when": true, "query": {"a": 1}, "project": {"a": 1}}]}`, true},
		{rules, role(`, "presets": {"insert": {"_id": "%%user.id", "_kmd.ect": "%%now"}, "update": {}}, "message": "ask ann"`), true},
		{rules, role(`, "presets": {"update": {"_id": 1}}`), false},
		{rules, role(`, "presets": {"insert": {"a.0": 1}}`), false},
		{rules, role(`, "presets": {"insert": {"a..b": 1}}`), false},
		{rules, role(`, "presets": {"delete": {}}`), false},
		{rules, role(`, "message": true`), false},
		{rules, role(`, "message": "` + strings.Repeat("x", 501) + `"`), false},
		{rules, role(`, "read": "true"`), false},
		{rules, role(`, "read": null`), false},
		{rules, role(`, "raed": true`), false},
		{rules, role(`, "document_filters": {"insert": true}`), false},
		{rules, role(`, "fields": []`), false},
		{rules, role(`, "fields": {"a": true}`), false},
		{rules, role(`, "fields": {"a": {"b": {"read": true}}}`), false},
		{rules, role(`, "fields": {"a": {"fields": {"b": {"read": 1}}}}`), false},
		{rules, role(`, "fields": {"": {}}`), false},
		{rules, role(`, "fields": {"a..b": {}}`), false},
		{rules, role(`, "fields": {"a.$x": {}}`), false},
		{rules, role(`, "additional_fields": {"fields": {}}`), false},
		{rules, `{"roles": [{"name": "r"}]}`, false},
		{rules, `{"roles": [{"apply_when": {}}]}`, false},
		{rules, `{"roles": {"name": "r"}}`, false},
		{rules, `{"read": true}`, false},
		{rules, `{"actions": ["find"]}`, false},
		{rules, `{"filters": [{"name": "f", "apply_when": true, "projection": {}, "project": {}}]}`, false},
		{rules, `{"filters": [{"name": "f", "query": {}}]}`, false},
		{rules, `{"filters": [{"name": "f", "apply_when": {}, "query": []}]}`, false},
		{providers, `{"api-key": {"name": "api-key", "type": "api-key", "disabled": true}}`, true},
		{providers, `{"custom-token": {"type": "custom-token", "config": {"audience": "a"}, "secret_config": {"signingKeys": ["k"]}, "metadata_fields": [{"name": "a"}]}}`, true},
		{providers, `{"x": {"type": "ldap"}}`, false},
		{providers, `{"api-key": {"disabled": "true"}}`, false},
		{providers, `{"custom-token": {"type": "custom-token", "config": {"signingAlgorithm": "none"}, "secret_config": {"signingKeys": ["k"]}}}`, false},
		{providers, `{"custom-token": {"type": "custom-token", "config": {"audience": 1}, "secret_config": {"signingKeys": ["k"]}}}`, false},
		{providers, `{"custom-token": {"type": "custom-token", "secret_config": {"signingKeys": ["a", "b", "c", "d"]}}}`, false},
		{providers, `{"custom-token": {"type": "custom-token", "secret_config": {"signingKeys": ["k"]}, "metadata_fields": [{"name": "a", "field_name": "$a"}]}}`, false},
		{providers, `[]`, false},
		{data, `{"enabled": false}`, true},
		{data, `{"enabled": true, "mongo_service_name": "s", "database_name": "d", "collection_name": "c", "user_id_field": "u"}`, true},
		{data, `{"enabled": true, "mongo_service_name": "s", "database_name": "d", "collection_name": "c"}`, false},
		{data, `{"enabled": true, "database_name": "d", "collection_name": "c", "user_id_field": "u"}`, false},
		{data, `{"enabled": 1}`, false},
		{api, `{"disabled": false, "versions": ["v1"], "return_type": "JSON", "can_evaluate": {}, "validation_method": ""}`, true},
		{api, `[{"disabled": false}]`, true},
		{api, `[{"disabled": false}, {}]`, false},
		{api, `{"disabled": false, "x": 1}`, false},
		{api, `{"return_type": "XML"}`, false},
		{api, `{"versions": "v1"}`, false},
		{api, `{"validation_method": "NO_VALIDATION", "verification_method": "NO_VALIDATION"}`, false},
		{api, `{"run_as_user_id": "a", "run_as_user_id_script_source": "b"}`, false},
		{endpoints, `[]`, true},
		{endpoints, `[{"route": "/a/b", "http_method": "GET", "function_name": "f", "return_type": "JSON", "respond_result": true}]`, true},
		{endpoints, `[{"route": "/", "http_method": "any", "function_name": "f", "validation_method": "NO_VALIDATION", "can_evaluate": {}}]`, true},
		{endpoints, `[{"route": "/database", "http_method": "*", "function_name": "f"}]`, true},
		{endpoints, `{"route": "/a", "http_method": "*", "function_name": "f"}`, false},
		{endpoints, `[{"route": "/a", "http_method": "*"}]`, false},
		{endpoints, `[{"route": "a", "http_method": "*", "function_name": "f"}]`, false},
		{endpoints, `[{"route": "/{id}", "http_method": "*", "function_name": "f"}]`, false},
		{endpoints, `[{"route": "/a b", "http_method": "*", "function_name": "f"}]`, false},
		{endpoints, `[{"route": "/data/v1/action/find", "http_method": "*", "function_name": "f"}]`, false},
		{endpoints, `[{"route": "/data", "http_method": "*", "function_name": "f"}]`, false},
		{endpoints, `[{"route": "/a", "http_method": "HEAD", "function_name": "f"}]`, false},
		{endpoints, `[{"route": "/a", "http_method": "*", "function_name": "f", "run_as_system": true}]`, false},
		{endpoints, `[{"route": "/a", "http_method": "*", "function_name": "f", "return_type": "XML"}]`, false},
		{"values/a.json", `{"name": "a", "value": {"x": [1]}}`, true},
		{"values/a.json", `{"name": "a", "from_secret": true, "value": "s"}`, true},
		{"values/a.json", `{"name": "a"}`, false},
		{"values/a.json", `{"name": "_a", "value": 1}`, false},
		{"values/a.json", `{"name": "a", "from_secret": true, "value": 1}`, false},
		{"lookups/a.json", `{"database": "d", "collection": "c", "match": {"m": "%%user.id"}, "select": "name", "cache_seconds": 5}`, true},
		{"lookups/a.json", `{"database": "d", "collection": "c", "match": {}}`, false},
		{"lookups/a.json", `{"database": "d", "collection": "c", "match": [], "select": "name"}`, false},
		{"lookups/a.json", `{"database": "d", "collection": "c", "match": {}, "select": "name", "cache_seconds": -1}`, false},
		{"lookups/a.json", `{"database": "d", "collection": "c", "match": {}, "select": "name", "cache_seconds": 1.5}`, false},
		{"lookups/a.json", `{"database": "d", "collection": "c", "match": {}, "select": "name", "cached": 1}`, false},
		{"environments/qa.json", `{"values": {"a": 1}}`, true},
		{"environments/qa.json", `{"values": []}`, false},
		{"functions/config.json", `[{"name": "f", "private": true, "can_evaluate": {}}]`, true},
		{"functions/config.json", `[{"private": true}]`, false},
		{"functions/config.json", `[{"name": "f", "run_as_user_id": "a", "run_as_user_id_script_source": "b"}]`, false},
		{"functions/config.json", `{}`, false},
	} {
		fsys := fstest.MapFS{}
		for _, f := range txtar.Parse([]byte(base)).Files {
			fsys[f.Name] = &fstest.MapFile{Data: f.Data}
		}
		fsys[c.file] = &fstest.MapFile{Data: []byte(c.text)}
		_, ds := config.Load(fsys, config.Options{})
		if ds.HasErrors() == c.good {
			t.Errorf("config finds %v in %s %s, want it good: %v", ds, c.file, c.text, c.good)
		}
		if f := faults(compiled[schemas.For(c.file)], []byte(c.text)); (f == "") != c.good {
			t.Errorf("the schema finds %q in %s %s, want it good: %v", f, c.file, c.text, c.good)
		}
	}
}

// corpusDir holds real exports, where they are at hand.
const corpusDir = "../../../shared/corpus"

// TestCorpus holds that a schema never objects to a file that config accepts.
func TestCorpus(t *testing.T) {
	t.Parallel()
	apps, err := os.ReadDir(corpusDir)
	if err != nil {
		t.Skipf("NO CORPUS: %s is not there, real exports are not tried", corpusDir)
	}
	compiled := compile(t)
	checked := 0
	for _, a := range apps {
		if a.IsDir() {
			checked += checkApp(t, compiled, filepath.Join(corpusDir, a.Name()))
		}
	}
	if checked < 500 {
		t.Errorf("only %d files were checked", checked)
	}
}

func checkApp(t *testing.T, compiled map[string]*gojsonschema.Schema, dir string) int {
	t.Helper()
	fsys := os.DirFS(dir)
	_, ds := config.Load(fsys, config.Options{})
	checked := 0
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		schema := compiled[schemas.For(name)]
		if err != nil || d.IsDir() || schema == nil || !read(fsys, name) {
			return err
		}
		checked++
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		objects := slices.ContainsFunc(ds, func(d source.Diagnostic) bool {
			return d.Severity == source.Error && d.Span.File != nil && d.Span.File.Name == name
		})
		if f := faults(schema, text); f != "" && !objects {
			t.Errorf("%s/%s: the schema finds %s, config nothing", dir, name, f)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return checked
}

// read tells whether config reads a file: not those of services that are not MongoDB.
func read(fsys fs.FS, name string) bool {
	parts := strings.Split(name, "/")
	if parts[0] != "services" || len(parts) < 3 {
		return true
	}
	text, _ := fs.ReadFile(fsys, path.Join(parts[0], parts[1], "config.json"))
	return strings.Contains(string(text), `"mongodb`)
}
