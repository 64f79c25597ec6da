package server

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/internal/webhook"
	"github.com/rolegate/rolegate/proxy/dataapi"
	"github.com/rolegate/rolegate/rules"
)

const (
	rootFile    = "-- root_config.json --\n{\"app_id\": \"x\", \"config_version\": 20210101}\n"
	serviceFile = "-- data_sources/s/config.json --\n{\"name\": \"s\", \"type\": \"mongodb-atlas\", \"config\": {\"clusterName\": \"c\"}}\n"
	goodRules   = "-- data_sources/s/hr/good/rules.json --\n" +
		"{\"database\": \"hr\", \"collection\": \"good\", \"roles\": [{\"name\": \"all\", \"apply_when\": {}, \"read\": true}]}\n"
	badRules = "-- data_sources/s/hr/bad/rules.json --\n" +
		"{\"database\": \"hr\", \"collection\": \"bad\", \"roles\": [{\"name\": \"all\", \"apply_when\": {\"a\": \"%%usr\"}, \"read\": true}]}\n"
)

// export writes an app export and returns its directory.
func export(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(text)).Files {
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func mustPlan(t *testing.T, text string, o Options) *plan {
	t.Helper()
	o.App, o.MongoDBURI = export(t, text), "mongodb://default"
	o.setDefaults()
	p, err := newPlan(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestRefusals says which errors quarantine can live with.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, export string
		settings     string
		usable       bool
		code         string
	}{
		{"an expression", rootFile + serviceFile + goodRules + badRules, `{}`, true, "unknown-expansion"},
		{"the default rule", rootFile + serviceFile + goodRules +
			"-- data_sources/s/default_rule.json --\n{\"roles\": [{\"name\": \"x\", \"apply_when\": {\"%%usr\": 1}}]}\n", `{}`, true, "unknown-expansion"},
		{"malformed rules", rootFile + serviceFile + goodRules + "-- data_sources/s/hr/bad/rules.json --\n{\n", `{}`, true, "malformed-json"},
		{"malformed values", rootFile + serviceFile + goodRules + "-- values/v.json --\n{\n", `{}`, false, "malformed-json"},
		{"a value that is none", rootFile + serviceFile + goodRules +
			"-- values/v.json --\n{\"name\": \"v\", \"value\": {\"$oid\": \"x\"}, \"from_secret\": false}\n", `{}`, false, "invalid-value"},
		{"a setting", rootFile + serviceFile + goodRules, `{"x": 1}`, false, CodeUnknownSetting},
		{"a setting and an expression", rootFile + serviceFile + badRules, `{"x": 1}`, false, "unknown-expansion"},
		{"can_evaluate", rootFile + serviceFile + goodRules +
			"-- https_endpoints/data_api_config.json --\n{\"disabled\": false, \"can_evaluate\": {\"owner\": \"%%user.id\"}}\n", `{}`, false, "no-document-here"},
		{"a script", rootFile + serviceFile + goodRules +
			"-- https_endpoints/data_api_config.json --\n{\"disabled\": false, \"run_as_user_id_script_source\": \"exports = () => {\"}\n", `{}`, false, "invalid-function"},
		{"a secret of the Data API", rootFile + serviceFile + goodRules +
			"-- https_endpoints/data_api_config.json --\n{\"disabled\": false, \"validation_method\": \"VERIFY_PAYLOAD\", \"secret_name\": \"s\"}\n", `{}`, false, "missing-secret"},
		{
			"several token providers", rootFile + "-- auth/providers.json --\n" +
				`{"a": {"name": "a", "type": "custom-token", "config": {"useJWKURI": true, "jwkURI": "https://x/", "signingAlgorithm": "RS256"}},` +
				` "b": {"name": "b", "type": "custom-token", "config": {"useJWKURI": true, "jwkURI": "https://x/", "signingAlgorithm": "RS256"}}}` + "\n",
			`{}`, false, CodeSeveralTokens,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := Options{App: export(t, c.export), MongoDBURI: "mongodb://default", Settings: file(c.settings)}
			o.setDefaults()
			_, err := newPlan(o)
			var invalid *ConfigError
			if !errors.As(err, &invalid) {
				t.Fatalf("newPlan: %v, want a ConfigError", err)
			}
			found := false
			for _, d := range invalid.Diagnostics {
				found = found || d.Code == c.code
			}
			if !found || invalid.Usable != c.usable {
				t.Errorf("usable %v with %v, want usable %v with %s", invalid.Usable, invalid.Diagnostics, c.usable, c.code)
			}
			o.Quarantine = true
			if _, err := newPlan(o); (err == nil) != c.usable {
				t.Errorf("in quarantine: %v", err)
			}
		})
	}
}

// TestScriptNeedsFunctions holds that nothing is served where it cannot be told who requests run as.
func TestScriptNeedsFunctions(t *testing.T) {
	t.Parallel()
	const script = "-- https_endpoints/data_api_config.json --\n{\"disabled\": false, \"run_as_user_id_script_source\": \"exports = () => 'u'\"}\n"
	dir := export(t, rootFile+serviceFile+goodRules+script)
	for _, quarantine := range []bool{false, true} {
		o := Options{App: dir, MongoDBURI: "mongodb://default", NoFunctions: true, Quarantine: quarantine}
		o.setDefaults()
		_, err := newPlan(o)
		invalid, ok := errors.AsType[*ConfigError](err)
		if !ok || invalid.Usable || !slices.ContainsFunc(invalid.Diagnostics, func(d source.Diagnostic) bool { return d.Code == "function-unsupported" }) {
			t.Errorf("in quarantine %v: %v", quarantine, err)
		}
	}
}

// TestQuarantineDenies holds that the namespaces that quarantine names are those that the policy denies.
func TestQuarantineDenies(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, rootFile+serviceFile+goodRules+badRules, Options{Quarantine: true})
	denials := p.denials()
	if len(denials) != 1 || denials[0].namespace != "hr.bad" || denials[0].service != "s" || denials[0].problem == "" {
		t.Errorf("denials: %+v", denials)
	}
	for name, want := range map[string]rules.Lookup{"good": rules.Found, "bad": rules.NoRule} {
		if _, got := p.policy.Collection(rules.Namespace{Service: "s", Database: "hr", Collection: name}); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestStoreDatabaseIsClosed(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, rootFile+serviceFile+"-- data_sources/s/default_rule.json --\n{\"roles\": [{\"name\": \"x\", \"apply_when\": {}, \"write\": true}]}\n",
		Options{StoreDatabase: "ours"})
	for name, want := range map[string]rules.Lookup{"ours": rules.NoRule, "Ours": rules.NoRule, "theirs": rules.Found} {
		if _, got := p.policy.Collection(rules.Namespace{Service: "s", Database: name, Collection: "c"}); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	service := func(name, cluster string) string {
		return "-- data_sources/" + name + "/config.json --\n{\"name\": \"" + name + "\", \"type\": \"mongodb-atlas\", \"config\": {\"clusterName\": \"" + cluster + "\"}}\n"
	}
	const lake = "-- data_sources/lake/config.json --\n{\"name\": \"lake\", \"type\": \"datalake\"}\n"
	for _, c := range []struct {
		name, export, settings string
		uris, names            map[string]string // nil is refused
	}{
		{"one", service("a", "c1"), `{}`, map[string]string{"a": "mongodb://default"}, map[string]string{"a": "a"}},
		{
			"two of one cluster", service("a", "c1") + service("b", "c1"), `{}`,
			map[string]string{"a": "mongodb://default", "b": "mongodb://default"},
			map[string]string{"a": "a", "b": "b"},
		},
		{"two of two clusters", service("a", "c1") + service("b", "c2"), `{}`, nil, nil},
		{"of unknown clusters", service("a", "") + service("b", ""), `{}`, nil, nil},
		{"half mapped", service("a", "c1") + service("b", "c2"), `{"data_sources": {"a": {"uri": "mongodb://a"}}}`, nil, nil},
		{
			"mapped", service("a", "c1") + service("b", "c2"),
			`{"data_sources": {"a": {"uri": "mongodb://a", "aliases": ["Cluster0"]}, "b": {"uri": "mongodb://b"}}}`,
			map[string]string{"a": "mongodb://a", "b": "mongodb://b"},
			map[string]string{"a": "a", "b": "b", "Cluster0": "a"},
		},
		{
			"a data lake has no place", service("a", "c1") + lake, `{}`,
			map[string]string{"a": "mongodb://default"},
			map[string]string{"a": "a", "lake": "lake"},
		},
		{
			"an alias twice", service("a", "c1") + service("b", "c1"),
			`{"data_sources": {"a": {"aliases": ["x"]}, "b": {"aliases": ["x"]}}}`, nil, nil,
		},
		{"an alias that is a name", service("a", "c1") + service("b", "c1"), `{"data_sources": {"a": {"aliases": ["b"]}}}`, nil, nil},
		{"an unknown data source", service("a", "c1"), `{"data_sources": {"z": {}}}`, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := Options{App: export(t, rootFile+c.export), MongoDBURI: "mongodb://default", Settings: file(c.settings)}
			o.setDefaults()
			p, err := newPlan(o)
			if c.uris == nil {
				if err == nil {
					t.Error("not refused")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.uris, p.places.uris) + cmp.Diff(c.names, p.places.names); diff != "" {
				t.Errorf("places (-want +got):\n%s", diff)
			}
		})
	}
}

// TestWiring holds that what the export and the settings say arrives where it counts.
func TestWiring(t *testing.T) {
	t.Parallel()
	const app = rootFile + serviceFile + goodRules + `-- http_endpoints/data_api_config.json --
{"disabled": false, "versions": ["v1", "beta"], "return_type": "EJSON", "create_user_on_auth": false,
 "validation_method": "VERIFY_PAYLOAD", "secret_name": "sign"}
-- auth/custom_user_data.json --
{"enabled": true, "mongo_service_name": "s", "database_name": "d", "collection_name": "c", "user_id_field": "u"}
-- auth/providers.json --
{"custom-token": {"name": "custom-token", "type": "custom-token",
  "config": {"audience": ["a", "b"], "requireAnyAudience": true, "issuer": "i", "signingAlgorithm": "HS512"},
  "secret_config": {"signingKeys": ["k1", "k2"]},
  "metadata_fields": [{"required": true, "name": "a.b", "field_name": "n"}]},
 "anon-user": {"name": "anon-user", "type": "anon-user", "disabled": false},
 "local-userpass": {"name": "local-userpass", "type": "local-userpass", "config": {"autoConfirm": true}},
 "api-key": {"name": "api-key", "type": "api-key", "disabled": true}}
`
	p := mustPlan(t, app, Options{
		AppID:          "given",
		AllowedOrigins: []string{"https://x"},
		Secrets:        func(name string) (string, bool) { return "the secret with the name " + name, true },
		Settings:       file(`{"compat": "app-services", "user_rate": 0, "insert_status": 201, "jwks_private_hosts": ["h"], "user_cache_ttl": "7s", "limits": {"scanned_documents": 7, "body_bytes": 9}}`),
	})
	door := p.doorConfig(nil, nil)
	if door.AppID != "given" || !cmp.Equal(door.Versions, []string{"v1", "beta"}) || door.ReturnType != dataapi.EJSON ||
		door.UserRate != -1 || !door.NoExtensions || door.InsertStatus != 201 || door.MaxBody != 9 || !cmp.Equal(door.AllowedOrigins, []string{"https://x"}) {
		t.Errorf("the Data API: %+v", door)
	}
	if want := (webhook.Guard{Method: webhook.Signature, Secret: "the secret with the name sign"}); door.Guard != want || door.AsSystem {
		t.Errorf("the guard of the Data API: %d with %q", door.Guard.Method, door.Guard.Secret)
	}
	proxied := p.proxyConfig(nil)
	if !proxied.NoRegex || proxied.Limits.Scan != 7 || proxied.CustomDataTTL != 5*time.Second || proxied.CustomData == nil ||
		proxied.CustomData.UserIDField != "u" || proxied.CustomData.NS != (rules.Namespace{Service: "s", Database: "d", Collection: "c"}) {
		t.Errorf("the proxy: %+v", proxied)
	}
	want := auth.Token{
		Algorithm: "HS512", Keys: []string{"the secret with the name k1", "the secret with the name k2"}, Audiences: []string{"a", "b"}, AnyAudience: true, Issuer: "i",
		Metadata: []auth.MetadataField{{Path: []string{"a", "b"}, Name: "n", Required: true}}, PrivateHosts: []string{"h"},
	}
	who := p.authConfig(nil, nil)
	if who.App != "given" || who.APIKeys || who.Token == nil || !cmp.Equal(want, *who.Token) {
		t.Errorf("who comes in: %+v %+v", who, who.Token)
	}
	if !who.Passwords || !who.AutoConfirm || !who.Anonymous || who.Unknown != auth.UnknownRefused || who.UserLife != 7*time.Second ||
		string(who.TokenKey) != "the secret with the name rolegate_token_key" {
		t.Errorf("users: %+v", who)
	}
}

func TestDataAPISwitches(t *testing.T) {
	t.Parallel()
	const cud = "-- auth/custom_user_data.json --\n" +
		`{"enabled": true, "mongo_service_name": "s", "database_name": "d", "collection_name": "c", "user_id_field": "u"}` + "\n"
	for _, c := range []struct {
		name, config string
		versions     int
		fetched      bool
	}{
		{"no file is on", "", 1, true},
		{"disabled", "-- http_endpoints/data_api_config.json --\n{\"disabled\": true, \"run_as_system\": true}\n", 0, true},
		{"custom user data off", "-- http_endpoints/data_api_config.json --\n{\"disabled\": false, \"fetch_custom_user_data\": false}\n", 1, false},
	} {
		p := mustPlan(t, rootFile+serviceFile+goodRules+cud+c.config, Options{})
		if got := len(p.doorConfig(nil, nil).Versions); got != c.versions {
			t.Errorf("%s: %d versions, want %d", c.name, got, c.versions)
		}
		if got := p.proxyConfig(nil).CustomData != nil; got != c.fetched {
			t.Errorf("%s: custom user data fetched: %v, want %v", c.name, got, c.fetched)
		}
	}
}
