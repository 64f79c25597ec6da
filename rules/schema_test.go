package rules_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/bsonschema"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/rules"
)

// withSchema compiles one collection with a role and a schema.
func withSchema(t *testing.T, role, schema string) (*rules.Policy, source.Diagnostics) {
	t.Helper()
	app, ds := config.Load(fstest.MapFS{
		"root_config.json": {Data: []byte(`{"app_id": "demo-abcde", "config_version": 20210101, "name": "demo"}`)},
		"data_sources/mongodb-atlas/config.json": {
			Data: []byte(`{"name": "mongodb-atlas", "type": "mongodb-atlas", "config": {"clusterName": "Cluster0"}}`),
		},
		"data_sources/mongodb-atlas/app/c/rules.json":  {Data: []byte(`{"database": "app", "collection": "c", "roles": [` + role + `]}`)},
		"data_sources/mongodb-atlas/app/c/schema.json": {Data: []byte(schema)},
		"data_sources/mongodb-atlas/app/d/rules.json":  {Data: []byte(`{"database": "app", "collection": "d", "roles": [` + role + `]}`)},
	}, config.Options{})
	policy, more := rules.Compile(app, rules.Options{})
	return policy, append(ds, more...)
}

func TestCheckSchema(t *testing.T) {
	const (
		all   = `{"name": "all", "apply_when": {}, "write": true}`
		title = `{"name": "title", "apply_when": {}, "fields": {"title": {"write": true}, "o": {"fields": {"x": {"read": true}}},
			"list": {"fields": {"n": {"read": true}}}}}`
		moving = `{"name": "before", "apply_when": {"s": 1}, "read": true}, {"name": "after", "apply_when": {}, "fields": {"s": {"read": true}}}`
		schema = `{"required": ["must"], "properties": {"title": {"bsonType": "string"}, "o": {"properties": {"x": {"bsonType": "int"},
			"y": {"bsonType": "int"}}}, "list": {"items": {"properties": {"n": {"bsonType": "int"}}}}, "a/b~": {"bsonType": "int"}, "p.q": {"bsonType": "int"},
			"v": {"validate": {"%%this": {"%gte": "%%prev"}, "owner": "%%user.id"}}}}`
	)
	for _, c := range []struct {
		name, role, pre, post string
		want                  string
		readable              bool
	}{
		{"conforms", all, ``, `{"must": 1, "title": "x"}`, "", false},
		{"wrong type", all, ``, `{"must": 1, "title": 1}`, "/title: is of the wrong type", true},
		{"required", all, ``, `{}`, "/must: is required", true},
		{"required and not readable", title, `{"_id": 1}`, `{"_id": 1}`, "/must: is required", false},
		{"required, not readable and new", title, ``, `{}`, ": does not conform", true},
		{"the readable one of two", title, ``, `{"title": 1}`, "/title: is of the wrong type", true},
		{"nested", title, ``, `{"must": 1, "o": {"x": "y"}}`, "/o/x: is of the wrong type", true},
		{"nested and not readable", title, `{"must": 1}`, `{"must": 1, "o": {"y": "y"}}`, "/o/y: is of the wrong type", false},
		{"nested, not readable and new", title, ``, `{"must": 1, "o": {"y": "y"}}`, "/o/y: is of the wrong type", true},
		{"pointer", all, ``, `{"must": 1, "a/b~": "y"}`, "/a~1b~0: is of the wrong type", true},
		{"a name that no permission is about", all, `{"must": 1}`, `{"must": 1, "p.q": "y"}`, "/p.q: is of the wrong type", false},
		{"position", all, `{"must": 1}`, `{"must": 1, "list": [{"n": 1}, {"n": "y"}]}`, "/list/1/n: is of the wrong type", true},
		{"position among hidden elements", title, `{"must": 1, "list": [{}, {"n": 1}]}`, `{"must": 1, "list": [{}, {"n": "y"}]}`, "/list/*/n: is of the wrong type", true},
		{"position in a new document", title, ``, `{"must": 1, "list": [{}, {"n": "y"}]}`, "/list/1/n: is of the wrong type", true},
		{"readable before only", moving, `{"s": 1, "must": 1, "title": 1}`, `{"s": 2, "must": 1, "title": 1}`, "/title: is of the wrong type", false},
		{"readable after only", moving, `{"s": 2, "must": 1, "title": 1}`, `{"s": 1, "must": 1, "title": 1}`, "/title: is of the wrong type", false},
		{"validate", all, `{"must": 1, "v": 1, "owner": "ua"}`, `{"must": 1, "v": 2, "owner": "ua"}`, "", false},
		{"validate fails", all, `{"must": 1, "v": 2, "owner": "ua"}`, `{"must": 1, "v": 1, "owner": "ua"}`, "/v: does not satisfy its validate expression", true},
		{"validate of a removed field", all, `{"must": 1, "v": 2, "owner": "ua"}`, `{"must": 1, "owner": "ua"}`, "/v: does not satisfy its validate expression", true},
		{"no role", `{"name": "none", "apply_when": {"x": 1}, "write": true}`, `{"must": 1}`, `{"must": 1, "title": 1}`, "/title: is of the wrong type", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			policy, ds := withSchema(t, c.role, schema)
			if len(ds) > 0 {
				t.Fatal(ds)
			}
			set, _ := policy.Collection(rules.Namespace{Service: "mongodb-atlas", Database: "app", Collection: "c"})
			bound, err := set.Bind(&rules.User{ID: "ua", Type: rules.NormalUser}, rules.CustomData{}, &rules.Request{})
			if err != nil {
				t.Fatal(err)
			}
			var pre bson.Raw
			if c.pre != "" {
				pre = mustDoc(t, c.pre)
			}
			failed := bound.Decider().CheckSchema(pre, mustDoc(t, c.post))
			got, readable := "", false
			if failed != nil {
				got, readable = strings.TrimPrefix(failed.Error(), "could not validate document: "), failed.Readable
			}
			if got != c.want || readable != c.readable {
				t.Errorf("%q, readable %v; want %q, readable %v", got, readable, c.want, c.readable)
			}
		})
	}
}

// A schema with errors closes its collection and no other.
func TestSchemaErrorsStayInTheirCollection(t *testing.T) {
	const role = `{"name": "all", "apply_when": {}, "write": true}`
	for _, schema := range []string{
		`{"properties": {"a": {"bsonType": "strin"}}}`,
		`{"properties": {"a": {"validate": {"%%usr": 1}}}}`,
	} {
		policy, ds := withSchema(t, role, schema)
		if !ds.HasErrors() {
			t.Errorf("%s: no error", schema)
		}
		for coll, want := range map[string]rules.Lookup{"c": rules.NoRule, "d": rules.Found} {
			if _, got := policy.Collection(rules.Namespace{Service: "mongodb-atlas", Database: "app", Collection: coll}); got != want {
				t.Errorf("%s: %s is %v, want %v", schema, coll, got, want)
			}
		}
	}
}

// Validate expressions make a collection need what they mention.
func TestValidateNeedsCustomData(t *testing.T) {
	policy, ds := withSchema(t, `{"name": "all", "apply_when": {}, "write": true}`, `{"properties": {"a": {"validate": {"%%user.custom_data.x": 1}}}}`)
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	set, _ := policy.Collection(rules.Namespace{Service: "mongodb-atlas", Database: "app", Collection: "c"})
	if !set.NeedsCustomData() || !set.HasSchema() {
		t.Errorf("needs custom data %v, has a schema %v", set.NeedsCustomData(), set.HasSchema())
	}
}

// Every schema of a real export is understood, or says where it is not.
func TestSchemaCorpus(t *testing.T) {
	if _, err := os.Stat(corpusDir); err != nil {
		t.Skipf("NO CORPUS: %s is not there, real schemas are not tried", corpusDir)
	}
	schemas, refused := 0, 0
	err := filepath.WalkDir(corpusDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "schema.json" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		v, ds := source.Parse(&source.File{Name: path, Text: text})
		if v == nil || v.Kind != source.Object {
			return nil // config says so
		}
		schemas++
		ds = nil
		bsonschema.Compile(v, bsonschema.Options{Validate: func(*source.Value) int { return 0 }}, &ds)
		for _, d := range ds {
			checkPlace(t, path, d)
		}
		if ds.HasErrors() {
			refused++
			t.Logf("%v", ds)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d schemas, %d refused", schemas, refused)
	if schemas > 0 && refused*20 > schemas {
		t.Error("more than one in twenty is refused")
	}
}
