package rules_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/rules"
)

var ns = rules.Namespace{Service: "mongodb-atlas", Database: "app", Collection: "c"}

// app is an export with one collection.
func app(t testing.TB, rulesJSON string, more ...string) *config.App {
	t.Helper()
	fsys := fstest.MapFS{
		"root_config.json": {Data: []byte(`{"app_id": "demo-abcde", "config_version": 20210101, "name": "demo"}`)},
		"data_sources/mongodb-atlas/config.json": {
			Data: []byte(`{"name": "mongodb-atlas", "type": "mongodb-atlas", "config": {"clusterName": "Cluster0"}}`),
		},
		"values/admins.json": {Data: []byte(`{"name": "admins", "value": ["ua"], "from_secret": false}`)},
	}
	if rulesJSON != "" {
		fsys["data_sources/mongodb-atlas/app/c/rules.json"] = &fstest.MapFile{Data: []byte(rulesJSON)}
	}
	for i := 0; i < len(more); i += 2 {
		fsys[more[i]] = &fstest.MapFile{Data: []byte(more[i+1])}
	}
	a, ds := config.Load(fsys, config.Options{})
	if ds.HasErrors() {
		t.Fatal(report(ds))
	}
	return a
}

func report(ds source.Diagnostics) string {
	var b strings.Builder
	_ = ds.WriteText(&b)
	return b.String()
}

func rulesFile(roles, filters string) string {
	return fmt.Sprintf(`{"database": "app", "collection": "c", "roles": [%s], "filters": [%s]}`, roles, filters)
}

func compile(t testing.TB, rulesJSON string, o rules.Options, more ...string) *rules.Policy {
	t.Helper()
	p, ds := rules.Compile(app(t, rulesJSON, more...), o)
	if ds.HasErrors() {
		t.Fatal(report(ds))
	}
	return p
}

var ann = &rules.User{ID: "ua", Type: rules.NormalUser}

func bind(t testing.TB, p *rules.Policy) *rules.Bound {
	t.Helper()
	rs, found := p.Collection(ns)
	if found != rules.Found {
		t.Fatalf("Collection(%v) = %v", ns, found)
	}
	b, err := rs.Bind(ann, rules.CustomData{}, &rules.Request{Operation: "find"})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// role completes the keys of one role.
func role(keys string) string {
	if !strings.Contains(keys, `"apply_when"`) {
		keys = `"apply_when": {}, ` + keys
	}
	return `{"name": "r", ` + keys + `}`
}

func mustDoc(t testing.TB, text string) bson.Raw {
	t.Helper()
	doc, err := ejson.Parse([]byte(text), ejson.Limits{})
	if err != nil {
		t.Fatalf("parse %s: %v", text, err)
	}
	return doc
}

func text(t testing.TB, doc bson.Raw) string {
	t.Helper()
	out, err := ejson.AppendRelaxed(nil, doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestView(t *testing.T) {
	tests := []struct{ name, roles, filters, doc, want string }{ // an empty want is not visible
		{"nothing granted", role(`"x": 1`[:0] + `"fields": {}`), ``, `{"a": 1}`, ``},
		{"read all", role(`"read": true`), ``, `{"a": 1}`, `{"a":1}`},
		{"write implies read", role(`"write": true`), ``, `{"a": 1}`, `{"a":1}`},
		{"read false ends it", role(`"read": false, "additional_fields": {"read": true}`), ``, `{"a": 1}`, ``},
		{"read false but write true", role(`"read": false, "write": true`), ``, `{"a": 1}`, `{"a":1}`},
		{"fields", role(`"fields": {"a": {"read": true}}`), ``, `{"a": 1, "b": 2}`, `{"a":1}`},
		{"write of a field implies read", role(`"fields": {"a": {"write": true}}`), ``, `{"a": 1, "b": 2}`, `{"a":1}`},
		{"additional fields", role(`"fields": {"b": {}}, "additional_fields": {"read": true}`), ``, `{"a": 1, "b": 2}`, `{"a":1}`},
		{"nested", role(`"fields": {"a": {"fields": {"b": {"read": true}}}}`), ``, `{"a": {"b": 1, "c": 2}}`, `{"a":{"b":1}}`},
		{"read above decides below", role(`"fields": {"a": {"read": false, "fields": {"b": {"read": true}}}}`), ``, `{"a": {"b": 1}}`, ``},
		{"... but the other kind is still open", role(`"fields": {"a": {"read": false, "fields": {"b": {"write": true}}}}`), ``, `{"a": {"b": 1}}`, `{"a":{"b":1}}`},
		{"a condition on the field", role(`"fields": {"a": {"read": {"%%this": 1}}}`), ``, `{"a": 1}`, `{"a":1}`},
		{"a condition on the field that fails", role(`"fields": {"a": {"read": {"%%this": 1}}, "b": {"read": true}}`), ``, `{"a": 2, "b": 1}`, `{"b":1}`},
		{
			"a condition inside an array", role(`"fields": {"a": {"fields": {"b": {"read": {"%%this": {"$gt": 1}}}}}}`), ``,
			`{"a": [{"b": 1}, {"b": 2}, 5, {"b": 3, "c": 1}]}`, `{"a":[{"b":2},{"b":3}]}`,
		},
		{
			"a condition that raises withholds the document", role(`"fields": {"a": {"read": {"%%this": {"%oidToString": "%%root.b"}}}, "c": {"read": true}}`), ``,
			`{"a": 2, "b": 1, "c": 1}`, `error`,
		},
		{
			"a role that raises withholds the document",
			role(`"apply_when": {"a": {"%oidToString": "%%root.b"}}, "read": true`) + `,` + role(`"read": true`), ``, `{"a": 2, "b": 1}`, `error`,
		},
		{
			"a role of which nothing is known is passed over",
			role(`"apply_when": {"a": "%%user.custom_data.x"}, "read": true`) + `,` + role(`"read": true`), ``, `{"a": 2}`, `{"a":2}`,
		},
		{"a read that raises", role(`"read": {"a": {"%oidToString": "%%root.b"}}`), ``, `{"a": 2, "b": 1}`, `error`},
		{"the first role counts", role(`"apply_when": {"a": 1}, "fields": {"a": {"read": true}}`) + `,` + role(`"read": true`), ``, `{"a": 1, "b": 2}`, `{"a":1}`},
		{"the next one where the first does not apply", role(`"apply_when": {"a": 2}`) + `,` + role(`"read": true`), ``, `{"a": 1, "b": 2}`, `{"a":1,"b":2}`},
		{"document filter", role(`"document_filters": {"read": {"a": 2}}, "read": true`), ``, `{"a": 1}`, ``},
		{"document filter for writing grants reading", role(`"document_filters": {"read": false, "write": {"a": 1}}, "read": true`), ``, `{"a": 1}`, `{"a":1}`},
		{"a document filter that raises", role(`"document_filters": {"read": {"a": {"%oidToString": "%%root.b"}}}, "read": true`), ``, `{"a": 1, "b": 1}`, `error`},
		{"an empty document filter", role(`"document_filters": {}, "read": true`), ``, `{"a": 1}`, `{"a":1}`},
		{"query filter", role(`"read": true`), `{"name": "f", "apply_when": true, "query": {"a": 2}}`, `{"a": 1}`, ``},
		{"query filter that does not apply", role(`"read": true`), `{"name": "f", "apply_when": {"%%user.type": "server"}, "query": {"a": 2}}`, `{"a": 1}`, `{"a":1}`},
		{"query filter without a value", role(`"read": true`), `{"name": "f", "apply_when": true, "query": {"a": "%%user.custom_data.x"}}`, `{"a": 1}`, ``},
		{"query filter of which nothing is known", role(`"read": true`), `{"name": "f", "apply_when": {"%%user.id": "%%user.custom_data.x"}, "query": {}}`, `{"a": 1}`, ``},
		{"projection", role(`"read": true`), `{"name": "f", "apply_when": true, "projection": {"b": 0}}`, `{"a": 1, "b": 2}`, `{"a":1}`},
		{"projection of what the role hides", role(`"fields": {"b": {"read": true}}`), `{"name": "f", "apply_when": true, "projection": {"b": 0}}`, `{"a": 1, "b": 2}`, ``},
		{"the role sees what the projection hides", role(`"apply_when": {"b": 2}, "read": true`), `{"name": "f", "apply_when": true, "projection": {"b": 0}}`, `{"a": 1, "b": 2}`, `{"a":1}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := bind(t, compile(t, rulesFile(tt.roles, tt.filters), rules.Options{})).Decider()
			out, visible, err := d.View(nil, mustDoc(t, tt.doc))
			got := ""
			switch {
			case err != nil:
				got = "error"
			case visible:
				got = text(t, out)
			}
			if got != tt.want {
				t.Errorf("View = %q, want %q", got, tt.want)
			}
		})
	}
}

type change struct {
	name, roles, filters, pre, post, named, want string // named: + is computed; want: "" is allowed, else the missing permission
}

func TestCheckUpdate(t *testing.T) {
	self := `"apply_when": {"owner": "%%user.id"}, "write": true`
	titled := `"read": true, "write": false, "fields": {"title": {"write": true}}`
	tests := []change{
		{"everything", role(`"write": true`), ``, `{"a": 1}`, `{"a": 2}`, `a`, ``},
		{"read is not write", role(`"read": true`), ``, `{"a": 1}`, `{"a": 2}`, `a`, `write`},
		{"handing a document over", role(self), ``, `{"owner": "ua"}`, `{"owner": "ub"}`, `owner`, `apply_when`},
		{"the literal false leaves it to the fields", role(titled), ``, `{"title": 1}`, `{"title": 2}`, `title`, ``},
		{"... and only to them", role(titled), ``, `{"title": 1}`, `{"title": 2, "b": 1}`, `title b`, `write`},
		{"a false expression denies", role(`"read": true, "write": {"x": 1}, "fields": {"a": {"write": true}}`), ``, `{"a": 1}`, `{"a": 2}`, `a`, `write`},
		{"an unchanged readable field", role(titled), ``, `{"title": 1, "b": 1}`, `{"title": 1, "b": 1}`, `b`, ``},
		{"an unchanged hidden field", role(`"fields": {"a": {"write": true}}`), ``, `{"a": 1, "b": 1}`, `{"a": 1, "b": 1}`, `b`, `write`},
		{"write sees the post-image", role(`"write": {"%%root.s": {"$ne": "final"}}`), ``, `{"s": "x"}`, `{"s": "final"}`, `s`, `write`},
		{"write sees the pre-image", role(`"read": true, "write": {"%%prevRoot.s": "x"}`), ``, `{"s": "x"}`, `{"s": "final"}`, `s`, ``},
		{"a field sees itself", role(`"fields": {"n": {"write": {"%%this": {"$lt": 5}}}}`), ``, `{"n": 1}`, `{"n": 4}`, `n`, ``},
		{"... in both images", role(`"fields": {"n": {"read": true, "write": {"%%prev": {"$lt": 5}}}}`), ``, `{"n": 7}`, `{"n": 4}`, `n`, `write`},
		{
			"a value that is only readable afterwards", role(`"fields": {"n": {"write": {"%%this": {"$gt": 5}}}}`), ``,
			`{"n": 1}`, `{"n": 6}`, `n`, ``,
		},
		{
			"... may be set but not computed", role(`"fields": {"n": {"write": {"%%this": {"$gt": 5}}}}`), ``,
			`{"n": 1}`, `{"n": 6}`, `n+`, `read`,
		},
		{"a removed field needs write", role(`"read": true, "additional_fields": {"write": true}, "fields": {"s": {"read": true, "write": false}}`), ``, `{"s": 1}`, `{}`, `s`, `write`},
		{"a nested field", role(`"fields": {"a": {"fields": {"b": {"write": true}}}}`), ``, `{"a": {"b": 1, "c": 1}}`, `{"a": {"b": 2, "c": 1}}`, `a.b`, ``},
		{"the parent of a nested field", role(`"fields": {"a": {"fields": {"b": {"write": true}}}}`), ``, `{"a": {"b": 1}}`, `{"a": {"b": 2}}`, `a`, `write`},
		{"an unlisted nested field", role(`"fields": {"a": {"fields": {"b": {"write": true}}}}`), ``, `{"a": {"b": 1}}`, `{"a": {"b": 1, "c": 1}}`, `a.c`, `write`},
		{"a new parent", role(`"fields": {"a": {"fields": {"b": {"write": true}}}}`), ``, `{}`, `{"a": {"b": 2}}`, `a.b`, ``},
		{"a hidden parent that is no document", role(`"fields": {"a": {"fields": {"b": {"write": true}}}}`), ``, `{"a": 5}`, `{"a": {"b": 2}}`, `a.b`, `write`},
		{
			"a readable array of nested fields", role(`"fields": {"a": {"read": true, "fields": {"b": {"write": true}}}}`), ``,
			`{"a": [{"b": 1, "c": 1}]}`, `{"a": [{"b": 2, "c": 1}]}`, `a.0.b`, ``,
		},
		{
			"... in which something else changes", role(`"fields": {"a": {"read": true, "fields": {"b": {"write": true}}}}`), ``,
			`{"a": [{"b": 1, "c": 1}]}`, `{"a": [{"b": 1, "c": 2}]}`, `a.0.c`, `write`,
		},
		{
			"... in which an element is added", role(`"fields": {"a": {"read": true, "fields": {"b": {"write": true}}}}`), ``,
			`{"a": [{"b": 1}]}`, `{"a": [{"b": 1}, {"b": 2}]}`, `a`, ``,
		},
		{
			"... in which a scalar is added", role(`"fields": {"a": {"read": true, "fields": {"b": {"write": true}}}}`), ``,
			`{"a": [{"b": 1}]}`, `{"a": [{"b": 1}, 2]}`, `a`, `write`,
		},
		{
			"... in which an array is added", role(`"fields": {"a": {"read": true, "fields": {"b": {"write": true}}}}`), ``,
			`{"a": [{"b": 1}]}`, `{"a": [{"b": 1}, [2]]}`, `a`, `write`,
		},
		{
			"... that becomes a document", role(`"fields": {"a": {"read": true, "fields": {"b": {"write": true}}}}`), ``,
			`{"a": [{"b": 1}]}`, `{"a": {"b": 1}}`, `a`, ``,
		},
		{
			"... that becomes a scalar", role(`"fields": {"a": {"read": true, "fields": {"b": {"write": true}}}}`), ``,
			`{"a": [{"b": 1}]}`, `{"a": 1}`, `a`, `write`,
		},
		{
			"an element of a partly readable array", role(`"fields": {"a": {"fields": {"b": {"read": true}, "c": {"write": true}}}}`), ``,
			`{"a": [{"b": 1}]}`, `{"a": [5]}`, `a.0`, `write`,
		},
		{
			"a partly writable array", role(`"fields": {"a": {"fields": {"b": {"write": true}}}}`), ``,
			`{"a": [{"b": 1}]}`, `{"a": [{"b": 2}]}`, `a.0.b`, ``,
		},
		{
			"a position in a partly writable array that is no document", role(`"fields": {"a": {"fields": {"b": {"write": true}}}}`), ``,
			`{"a": [1]}`, `{"a": [{"b": 2}]}`, `a.0.b`, `write`,
		},
		{"an empty parent", role(`"fields": {"a": {"fields": {"b": {"write": true}}}}`), ``, `{"a": {}}`, `{}`, `a.b`, `write`},
		{
			"a replacement of what is readable", role(`"read": true, "additional_fields": {"write": true}, "fields": {"s": {"read": true, "write": false}}`), ``,
			`{"s": 1, "a": 1}`, `{"s": 1, "a": 2}`, `.`, ``,
		},
		{"a replacement of what is partly hidden", role(`"fields": {"a": {"write": true}}`), ``, `{"a": 1}`, `{"a": 2}`, `.`, `write`},
		{"a replacement of what is writable", role(`"fields": {"a": {"write": true}}, "additional_fields": {"write": true}`), ``, `{"a": 1, "b": 1}`, `{"a": 2}`, `.`, ``},
		{"the gate", role(`"document_filters": {"write": {"a": 1}}, "write": true`), ``, `{"a": 1}`, `{"a": 2}`, `a`, `document_filters`},
		{"a gate for reading only", role(`"document_filters": {"read": {"a": 1}}, "write": true`), ``, `{"a": 1}`, `{"a": 1, "b": 1}`, `b`, ``},
		{
			"another role on the post-image", role(`"apply_when": {"s": "a"}, "write": true`) + `,` + role(`"apply_when": {"s": "b"}, "write": true`), ``,
			`{"s": "a"}`, `{"s": "b"}`, `s`, ``,
		},
		{
			"... which does not allow the change", role(`"apply_when": {"s": "a"}, "write": true`) + `,` + role(`"apply_when": {"s": "b"}, "read": true`), ``,
			`{"s": "a"}`, `{"s": "b"}`, `s`, `write`,
		},
		{"moving out of the query filter", role(`"write": true`), `{"name": "f", "apply_when": true, "query": {"t": 1}}`, `{"t": 1}`, `{"t": 2}`, `t`, `filter`},
		{"a field hidden by a projection", role(`"write": true`), `{"name": "f", "apply_when": true, "projection": {"s": 0}}`, `{"s": 1}`, `{"s": 2}`, `s`, `filter`},
		{"a replacement under a projection", role(`"write": true`), `{"name": "f", "apply_when": true, "projection": {"s": 0}}`, `{"a": 1}`, `{"a": 2}`, `.`, `filter`},
		{"a condition that raises", role(`"write": {"a": {"%oidToString": "%%prevRoot.b"}}, "read": true`), ``, `{"a": 1, "b": 1}`, `{"a": 2, "b": 1}`, `a`, `error`},
		{"a role that raises", role(`"apply_when": {"a": {"%oidToString": "%%root.b"}}, "write": true`), ``, `{"a": 1, "b": 1}`, `{"a": 2, "b": 1}`, `a`, `error`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { checkUpdate(t, tt, rules.Options{}) })
	}
	t.Run("without the post-image check", func(t *testing.T) {
		checkUpdate(t, change{"", role(self), ``, `{"owner": "ua"}`, `{"owner": "ub"}`, `owner`, ``}, rules.Options{SkipPostImageCheck: true})
	})
}

func checkUpdate(t *testing.T, c change, o rules.Options) {
	t.Helper()
	d := bind(t, compile(t, rulesFile(c.roles, c.filters), o)).Decider()
	named := strings.Fields(c.named)
	if c.named == "." {
		named = []string{""}
	}
	var computed []string
	for i, path := range named {
		if p, ok := strings.CutSuffix(path, "+"); ok {
			named[i] = p
			computed = append(computed, p)
		}
	}
	got := d.CheckUpdate(rules.Change{Pre: mustDoc(t, c.pre), Post: mustDoc(t, c.post), Named: named, Computed: computed})
	if missing(got) != c.want {
		t.Errorf("CheckUpdate = %+v, want %q", got, c.want)
	}
}

func missing(d rules.WriteDecision) string {
	switch {
	case d.Allowed:
		return ""
	case d.Err != nil:
		return "error"
	default:
		return d.Permission
	}
}

// Values as a whole are a document, and documents are compared in the order of their fields.
func TestValuesAreSorted(t *testing.T) {
	var more []string
	for _, name := range []string{"d", "b", "e", "c", "a"} {
		more = append(more, "values/"+name+".json", `{"name": "`+name+`", "value": 1, "from_secret": false}`)
	}
	for range 10 {
		d := bind(t, compile(t, rulesFile(role(`"apply_when": {"v": "%%values"}, "read": true`), ``), rules.Options{}, more...)).Decider()
		if _, visible, err := d.View(nil, mustDoc(t, `{"v": {"a": 1, "admins": ["ua"], "b": 1, "c": 1, "d": 1, "e": 1}}`)); !visible || err != nil {
			t.Fatalf("visible %v, %v", visible, err)
		}
	}
}
