package rules_test

import (
	"testing"
	"testing/fstest"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/rules"
)

// A can_evaluate that has errors, or that does not hold for sure, lets nobody in.
func TestMayUse(t *testing.T) {
	t.Parallel()
	user := &rules.User{ID: "ua", Type: rules.NormalUser}
	for condition, want := range map[string]bool{
		`{}`: true, `true`: true, `false`: false,
		`{"%%user.id": "ua"}`: true, `{"%%user.id": "ub"}`: false,
		`{"%%request.webhookUrl": "/hook"}`:                       true,
		`{"%%user.data.team": "%%user.data.other"}`:               false,
		`{"%%user.custom_data.banned": {"%ne": true}}`:            false, // custom data is not known
		`{"%not": {"%%user.custom_data.banned": true}}`:           false,
		`{"%%user.typo%%": "normal"}`:                             false,
		`{"%%root.owner": "ua"}`:                                  false,
		`{"%%true": {"%function": {"name": "f"}}}`:                false, // functions are off
		`{"%%user.id": {"%in": ["%%user.id"]}, "$where": "true"}`: false,
	} {
		app, _ := config.Load(fstest.MapFS{
			"root_config.json": {Data: []byte(`{"app_id": "x-abcde", "config_version": 20210101}`)},
			"http_endpoints/config.json": {
				Data: []byte(`[{"route": "/hook", "http_method": "POST", "function_name": "f", "can_evaluate": ` + condition + `}]`),
			},
		}, config.Options{})
		policy, _ := rules.Compile(app, rules.Options{})
		scope := policy.Scope(user, rules.CustomData{Unresolved: true}, &rules.Request{WebhookURL: "/hook"}, rules.Sources{})
		if got := policy.MayUse(app.Endpoints[0].String(), scope); got != want {
			t.Errorf("MayUse(%s) = %v, want %v", condition, got, want)
		}
	}
}
