package rules_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rolegate/rolegate/rules"
)

func TestCollection(t *testing.T) {
	const defaults = "data_sources/mongodb-atlas/default_rule.json"
	anyone := role(`"read": true`)
	withDefault := []string{defaults, `{"roles": [` + anyone + `], "filters": []}`}
	tests := []struct {
		name  string
		rules string
		more  []string
		ns    rules.Namespace
		want  rules.Lookup
	}{
		{"its own rules", rulesFile(anyone, ``), nil, ns, rules.Found},
		{"no rules at all", ``, nil, ns, rules.NoRule},
		{"the default rules", ``, withDefault, ns, rules.Found},
		{"no roles, but default ones", rulesFile(``, ``), withDefault, ns, rules.Found},
		{"no roles and no default", rulesFile(``, ``), nil, ns, rules.NoRule},
		{"no such data source", ``, withDefault, rules.Namespace{Service: "x", Database: "app", Collection: "c"}, rules.NoService},
		{"the admin database", ``, withDefault, rules.Namespace{Service: ns.Service, Database: "admin", Collection: "c"}, rules.NoRule},
		{"... in another case", ``, withDefault, rules.Namespace{Service: ns.Service, Database: "Admin", Collection: "c"}, rules.NoRule},
		{"App Services' own", ``, withDefault, rules.Namespace{Service: ns.Service, Database: "__realm_sync", Collection: "c"}, rules.NoRule},
		{"our own", ``, withDefault, rules.Namespace{Service: ns.Service, Database: "__rolegate", Collection: "c"}, rules.NoRule},
		{"a system collection", ``, withDefault, rules.Namespace{Service: ns.Service, Database: "app", Collection: "system.users"}, rules.NoRule},
		{"a command", ``, withDefault, rules.Namespace{Service: ns.Service, Database: "app", Collection: "$cmd"}, rules.NoRule},
		{"a dotted database", ``, withDefault, rules.Namespace{Service: ns.Service, Database: "a.b", Collection: "c"}, rules.NoRule},
		{"a name without letters", ``, withDefault, rules.Namespace{Service: ns.Service, Database: "app", Collection: ""}, rules.NoRule},
		{"a NUL", ``, withDefault, rules.Namespace{Service: ns.Service, Database: "app", Collection: "c\x00"}, rules.NoRule},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := compile(t, tt.rules, rules.Options{RefusedDatabases: []string{"__rolegate"}}, tt.more...)
			if _, got := p.Collection(tt.ns); got != tt.want {
				t.Errorf("Collection(%q) = %v, want %v", tt.ns, got, tt.want)
			}
		})
	}
}

// A collection whose rules have an error denies everything; it never falls back to the default rules.
func TestBrokenRuleset(t *testing.T) {
	a := app(t, rulesFile(role(`"read": {"a": {"$neq": 1}}`), ``),
		"data_sources/mongodb-atlas/default_rule.json", `{"roles": [`+role(`"read": true`)+`], "filters": []}`)
	p, ds := rules.Compile(a, rules.Options{})
	if !ds.HasErrors() {
		t.Fatal("no error reported")
	}
	if _, got := p.Collection(ns); got != rules.NoRule {
		t.Errorf("a broken collection is %v", got)
	}
	other := ns
	other.Collection = "d"
	if _, got := p.Collection(other); got != rules.Found {
		t.Errorf("another collection is %v", got)
	}
}

func TestDefaultFiltersJoin(t *testing.T) {
	p := compile(t, rulesFile(``, `{"name": "own", "apply_when": true, "query": {"a": 1}}`), rules.Options{},
		"data_sources/mongodb-atlas/default_rule.json",
		`{"roles": [`+role(`"read": true`)+`], "filters": [{"name": "default", "apply_when": true, "query": {"b": 1}}]}`)
	d := bind(t, p).Decider()
	for doc, want := range map[string]bool{`{"a": 1, "b": 1}`: true, `{"a": 1}`: false, `{"b": 1}`: false} {
		if _, visible, _ := d.View(nil, mustDoc(t, doc)); visible != want {
			t.Errorf("%s visible = %v, want %v", doc, visible, want)
		}
	}
}

func TestReads(t *testing.T) {
	tests := []struct{ roles, filters, want string }{
		{role(`"read": true`), ``, ""},
		{role(`"apply_when": {"o": "%%user.id"}, "write": {"%%prevRoot.s.t": 1}, "delete": {"d": 1}, "insert": {"i": 1}`), ``, "d i o s"},
		{role(`"document_filters": {"read": {"r": 1}, "write": {"w": 1}}`), ``, "r w"},
		{role(`"fields": {"a": {"read": {"%%this": 1}}, "b": {"read": {"%%user.id": "ua"}}, "c": {"fields": {"d": {"write": {"x": 1}}}}}`), ``, "a x"},
		{role(`"additional_fields": {"read": {"%%this": 1}}`), ``, "*"},
		{role(`"write": {"%%prevRoot": {"$exists": true}}`), ``, "*"},
		{role(`"read": true`), `{"name": "f", "apply_when": true, "query": {"t.u": 1}}`, "t"},
	}
	for _, tt := range tests {
		r := bind(t, compile(t, rulesFile(tt.roles, tt.filters), rules.Options{})).Reads()
		got := strings.Join(slices.Sorted(maps.Keys(r.Fields)), " ")
		if r.All {
			got = "*"
		}
		if got != tt.want {
			t.Errorf("Reads(%s %s) = %q, want %q", tt.roles, tt.filters, got, tt.want)
		}
	}
}

func TestProjectionsContradict(t *testing.T) {
	p := compile(t, rulesFile(role(`"read": true`),
		`{"name": "f", "apply_when": true, "projection": {"a": 0}}, {"name": "g", "apply_when": true, "projection": {"b": 1}}`), rules.Options{})
	rs, _ := p.Collection(ns)
	if _, err := rs.Bind(ann, rules.CustomData{}, &rules.Request{}); err == nil {
		t.Error("no error")
	}
}

func TestRequestExpansions(t *testing.T) {
	p := compile(t, rulesFile(role(`"apply_when": {"%%request.requestHeaders.x-org": "acme", "%%request.action": "find",
		"%%user.identities.provider_type": "custom-token", "%%values.admins": "%%user.id", "%%request.operation": "find"}, "read": true`), ``), rules.Options{})
	rs, _ := p.Collection(ns)
	u := &rules.User{ID: "ua", Type: rules.NormalUser, Identities: []rules.Identity{{ID: "i", ProviderType: "custom-token"}}}
	req := &rules.Request{Operation: "find", Action: "find", Headers: map[string][]string{"x-org": {"acme"}}}
	b, err := rs.Bind(u, rules.CustomData{}, req)
	if err != nil || !b.Plan().PassThrough() {
		t.Errorf("the role does not apply to %+v (%v)", req, err)
	}
	req.Headers = nil
	if b, _ = rs.Bind(u, rules.CustomData{}, req); !b.Plan().None() {
		t.Error("the role applies without the header")
	}
}

func TestCompileDiagnostics(t *testing.T) {
	for name, tt := range map[string]struct{ roles, filters, code string }{
		"duplicate names": {role(`"read": true`) + `,` + role(`"read": true`), ``, rules.CodeRoleName},
		"projection":      {role(`"read": true`), `{"name": "f", "apply_when": true, "projection": {"a": 0, "b": 1}}`, rules.CodeProjection},
	} {
		t.Run(name, func(t *testing.T) {
			_, ds := rules.Compile(app(t, rulesFile(tt.roles, tt.filters)), rules.Options{})
			var codes []string
			for _, d := range ds {
				codes = append(codes, d.Code)
			}
			if !slices.Contains(codes, tt.code) {
				t.Errorf("diagnostics %v, want %s", codes, tt.code)
			}
		})
	}
}

func TestSecretValues(t *testing.T) {
	a := app(t, rulesFile(role(`"apply_when": {"%%user.id": "%%values.key"}, "read": true`), ``),
		"values/key.json", `{"name": "key", "value": "the-secret", "from_secret": true}`)
	for secrets, want := range map[string]bool{"ua": false, "": true} {
		o := rules.Options{}
		if secrets != "" {
			o.Secrets = map[string]string{"key": secrets}
		}
		p, ds := rules.Compile(a, o)
		if ds.HasErrors() {
			t.Fatal(report(ds))
		}
		if got := bind(t, p).Plan().None(); got != want {
			t.Errorf("with secret %q none = %v, want %v", secrets, got, want)
		}
	}
}
