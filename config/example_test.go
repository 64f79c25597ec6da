package config_test

import (
	"fmt"
	"os"
	"testing/fstest"

	"github.com/rolegate/rolegate/config"
)

// A part of an app that is wrong is denied; the diagnostics say where and why.
func ExampleLoad() {
	app, diagnostics := config.Load(fstest.MapFS{
		"root_config.json":                       {Data: []byte(`{"app_id": "hr-abcde", "config_version": 20210101}`)},
		"data_sources/mongodb-atlas/config.json": {Data: []byte(`{"name": "mongodb-atlas", "type": "mongodb-atlas"}`)},
		"data_sources/mongodb-atlas/hr/people/rules.json": {Data: []byte(`{
  "roles": [
    {"name": "self", "aply_when": {"_id": "%%user.id"}, "read": true}
  ]
}`)},
	}, config.Options{})
	_ = diagnostics.WriteText(os.Stdout)
	fmt.Println("may be served in quarantine:", app.Usable)
	for _, rs := range app.Services[0].Rulesets {
		fmt.Printf("%s.%s denied: %v\n", rs.Database, rs.Collection, rs.Broken)
	}
	// Output:
	// data_sources/mongodb-atlas/hr/people/rules.json:3:22: error[unknown-key]: a role has no key "aply_when"
	//   3 |     {"name": "self", "aply_when": {"_id": "%%user.id"}, "read": true}
	//     |                      ^^^^^^^^^^^
	//     hint: did you mean "apply_when"?
	// may be served in quarantine: true
	// hr.people denied: true
}

// That requests need no credentials is no mistake, and must not go unnoticed.
func ExampleServeProblems() {
	app, diagnostics := config.Load(fstest.MapFS{
		"root_config.json":                    {Data: []byte(`{"app_id": "hr-abcde", "config_version": 20210101}`)},
		"http_endpoints/data_api_config.json": {Data: []byte(`{"run_as_user_id": "6462810334b2e8e9f16d4f94"}`)},
	}, config.Options{})
	fmt.Println(len(diagnostics))
	for _, d := range config.ServeProblems(app) {
		fmt.Println(d)
	}
	// Output:
	// 0
	// http_endpoints/data_api_config.json:1:2: warning[runs-as-user]: every request of the Data API runs as this user: it needs no credentials
}

func ExampleSecretVariable() {
	fmt.Println(config.SecretVariable("jwt.signing-key"))
	// Output: ROLEGATE_SECRET_JWT_SIGNING_KEY
}
