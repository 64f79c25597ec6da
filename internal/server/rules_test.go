package server

import (
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

const (
	tokenFile = "-- auth/providers.json --\n" +
		`{"t": {"name": "t", "type": "custom-token", "config": {"signingAlgorithm": "HS256"}, "secret_config": {"signingKeys": ["jwt"]}}}` + "\n"
	secretRules = "-- values/key.json --\n{\"name\": \"key\", \"value\": \"hush\", \"from_secret\": true}\n" +
		"-- data_sources/s/hr/keys/rules.json --\n" +
		"{\"database\": \"hr\", \"collection\": \"keys\", \"roles\": [{\"name\": \"all\", \"apply_when\": {\"key\": \"%%values.key\"}, \"read\": true}]}\n"
	otherService = "-- data_sources/t/config.json --\n{\"name\": \"t\", \"type\": \"mongodb-atlas\", \"config\": {\"clusterName\": \"d\"}}\n"
)

func TestOpenRules(t *testing.T) {
	t.Parallel()
	given := func(string) (string, bool) { return "x", true }
	for _, c := range []struct {
		name, export, settings string
		secrets                func(string) (string, bool)
		code                   string // of the first error; "" when there is none
		usable                 bool   // in quarantine
	}{
		{"good rules", rootFile + serviceFile + goodRules, `{}`, nil, "", true},
		{"no credentials, no app id", "-- root_config.json --\n{\"config_version\": 20210101}\n" + serviceFile + tokenFile + goodRules, `{}`, nil, "", true},
		{"two clusters, of which nobody says where they are", rootFile + serviceFile + otherService + goodRules, `{}`, nil, "", true},
		{"a secret of the rules", rootFile + serviceFile + secretRules, `{}`, given, "", true},
		{"... that is not given", rootFile + serviceFile + secretRules, `{}`, nil, "missing-secret", true},
		{"bad rules", rootFile + serviceFile + goodRules + badRules, `{}`, nil, "unknown-expansion", true},
		{"a bad setting", rootFile + serviceFile + goodRules, `{"x": 1}`, nil, CodeUnknownSetting, false},
		{"an alias of nothing", rootFile + serviceFile + goodRules, `{"data_sources": {"q": {}}}`, nil, CodeUnknownService, false},
	} {
		o := Options{App: export(t, c.export), Settings: file(c.settings), Secrets: c.secrets}
		_, err := OpenRules(o)
		code := ""
		var invalid *ConfigError
		switch {
		case errors.As(err, &invalid):
			code = invalid.Diagnostics[0].Code
			if invalid.Usable != c.usable {
				t.Errorf("%s: quarantine is offered: %v", c.name, invalid.Usable)
			}
		case err != nil:
			code = err.Error()
		}
		if code != c.code {
			t.Errorf("%s: %q, want %q", c.name, code, c.code)
		}
		o.Quarantine = true
		if _, err := OpenRules(o); (err == nil) != c.usable {
			t.Errorf("%s in quarantine: %v", c.name, err)
		}
	}
	if _, err := OpenRules(Options{}); err == nil {
		t.Error("no app is opened")
	}
}

func TestOpenRulesKnowsSettings(t *testing.T) {
	t.Parallel()
	r, err := OpenRules(Options{
		App:      export(t, rootFile+serviceFile+goodRules),
		Settings: file(`{"compat": "app-services", "data_sources": {"s": {"aliases": ["Cluster0"]}}}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"s": "s", "Cluster0": "s"}, r.DataSources); diff != "" {
		t.Errorf("data sources (-want +got):\n%s", diff)
	}
	if !r.Proxy.NoRegex {
		t.Error("compat is not known")
	}
	user := proxy.Caller{User: &rules.User{ID: "u"}}
	ns := rules.Namespace{Service: "s", Database: "hr", Collection: "good"}
	if plan, err := proxy.New(r.Proxy).Plan(user, rules.CustomData{}, "find", proxy.Find{NS: ns}); err != nil || plan.Outcome != proxy.Exact {
		t.Errorf("plan %+v, %v", plan, err)
	}
}

// What an app would not be served with, it is not tested with, whoever may come in.
func TestOpenTested(t *testing.T) {
	t.Parallel()
	const noID = "-- root_config.json --\n{\"config_version\": 20210101}\n"
	const demands = "-- http_endpoints/data_api_config.json --\n{\"disabled\": false, \"versions\": [\"v1\"], \"validation_method\": \"SECRET_AS_QUERY_PARAM\"}\n"
	for _, c := range []struct {
		name, export string
		served       bool
	}{
		{"no app id and no secret of a provider", noID + serviceFile + tokenFile + goodRules, true},
		{"bad rules", rootFile + serviceFile + badRules, false},
		{"what is not built", rootFile + serviceFile + demands + goodRules, false},
	} {
		r, err := OpenTested(Options{}, os.DirFS(export(t, c.export)))
		if (err == nil) != c.served {
			t.Errorf("%s: %v", c.name, err)
		}
		if err == nil && r.AppID() == "" {
			t.Errorf("%s: requests have no app id", c.name)
		}
	}
}
