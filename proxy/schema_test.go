package proxy_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// underSchema gives the collection a schema.
func underSchema(t *testing.T, roles, schema string) func(*proxy.Config) {
	t.Helper()
	app, ds := config.Load(fstest.MapFS{
		"root_config.json": {Data: []byte(`{"app_id": "demo-abcde", "config_version": 20210101, "name": "demo"}`)},
		"data_sources/mongodb-atlas/config.json": {
			Data: []byte(`{"name": "mongodb-atlas", "type": "mongodb-atlas", "config": {"clusterName": "Cluster0"}}`),
		},
		"data_sources/mongodb-atlas/app/c/rules.json":  {Data: []byte(`{"database": "app", "collection": "c", "roles": [` + roles + `]}`)},
		"data_sources/mongodb-atlas/app/c/schema.json": {Data: []byte(schema)},
	}, config.Options{})
	policy, more := rules.Compile(app, rules.Options{})
	if ds = append(ds, more...); len(ds) > 0 {
		t.Fatal(ds)
	}
	return func(c *proxy.Config) { c.Policy = policy }
}

const numbered = `{"properties": {"n": {"maximum": 9}, "title": {"bsonType": "string"}}}`

// What is stored has been checked as a whole, so the guard pins the whole document. A delete leaves nothing to check.
func TestSchemaPinsTheDocument(t *testing.T) {
	s := returning(doc(t, `{"_id":"a","owner":"ua","n":1}`))
	p, _ := newProxy(t, s, owner, ``, underSchema(t, owner, numbered))
	if _, err := update(t, p, `{"_id":"a"}`, `{"$inc":{"n":1}}`); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Delete(t.Context(), ann, proxy.Delete{NS: ns, Filter: doc(t, `{}`)}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`update "a" set n={"$numberInt":"2"} while {"_id":"a","owner":"ua","n":1}`,
		`delete "a" while owner="ua"`,
	}
	if diff := cmp.Diff(want, sayAll(t, s)); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}

// One document that does not conform ends every kind of write before anything is stored.
func TestSchemaStopsAll(t *testing.T) {
	s := returning(docs(t, `{"_id":"a","owner":"ua","n":1}`, `{"_id":"b","owner":"ua","n":9}`)...)
	p, _ := newProxy(t, s, owner, ``, underSchema(t, owner, numbered))
	none := returning()
	empty, _ := newProxy(t, none, owner, ``, underSchema(t, owner, numbered))
	for name, f := range map[string]func() error{
		"insert": func() error {
			_, err := p.Insert(t.Context(), ann, proxy.Insert{NS: ns, Documents: docs(t, `{"owner":"ua"}`, `{"owner":"ua","n":10}`)})
			return err
		},
		"update": func() error {
			_, err := update(t, p, `{}`, `{"$inc":{"n":1}}`, many)
			return err
		},
		"replace": func() error {
			_, err := p.Replace(t.Context(), ann, proxy.Replace{NS: ns, Filter: doc(t, `{}`), Replacement: doc(t, `{"owner":"ua","n":10}`)})
			return err
		},
		"upsert": func() error {
			_, err := update(t, empty, `{"_id":"x"}`, `{"$set":{"owner":"ua","n":10}}`, upsert)
			return err
		},
	} {
		err := f()
		if kindOf(err) != proxy.SchemaFailed || !strings.HasSuffix(err.Error(), "could not validate document: /n: is too large") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(s.writes)+len(none.writes) != 0 {
		t.Errorf("written: %v %v", sayAll(t, s), sayAll(t, none))
	}
}

// That a field which the user may not read is wrong looks like any other denial.
func TestSchemaDoesNotNameHiddenFields(t *testing.T) {
	const role = `{"name": "title", "apply_when": {}, "fields": {"_id": {"read": true}, "title": {"write": true}}}`
	s := returning(doc(t, `{"_id":"a","n":10,"title":"x"}`))
	p, _ := newProxy(t, s, role, ``, underSchema(t, role, numbered))
	_, err := update(t, p, `{}`, `{"$set":{"title":"y"}}`)
	if kindOf(err) != proxy.Denied || err.Error() != "update not permitted" {
		t.Errorf("hidden: %v", err)
	}
	// A denied write learns nothing of the schema.
	if _, err := update(t, p, `{}`, `{"$set":{"n":99}}`); kindOf(err) != proxy.Denied {
		t.Errorf("denied: %v", err)
	}
	// Nothing is stored, so nothing is checked.
	if _, err := update(t, p, `{}`, `{"$set":{"title":"x"}}`); err != nil {
		t.Errorf("unchanged: %v", err)
	}
}

// Where the document was changed in between, the new result is held against the schema.
func TestSchemaIsCheckedAgain(t *testing.T) {
	stored := doc(t, `{"_id":"a","owner":"ua","n":8}`)
	s := &store{find: func(proxy.Query) ([]bson.Raw, error) { return []bson.Raw{stored}, nil }}
	s.write = func([]proxy.GuardedWrite) (proxy.WriteResult, error) {
		stored = doc(t, `{"_id":"a","owner":"ua","n":9}`)
		return proxy.WriteResult{Matched: []bool{false}}, nil
	}
	p, _ := newProxy(t, s, owner, ``, underSchema(t, owner, numbered))
	if _, err := update(t, p, `{"_id":"a"}`, `{"$inc":{"n":1}}`); kindOf(err) != proxy.SchemaFailed || len(s.writes) != 1 {
		t.Errorf("%v after %v", err, sayAll(t, s))
	}
}
