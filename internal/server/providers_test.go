package server

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/internal/source"
)

// TestProviders holds what is said about providers that cannot do all that the export asks for, and what they become.
func TestProviders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		provider string // one member of auth/providers.json
		warnings []string
		openID   []auth.OpenID
	}{
		{`"anon-user": {"type": "anon-user"}`, nil, nil},
		{`"local-userpass": {"type": "local-userpass", "config": {"autoConfirm": true}}`, nil, nil},
		{`"local-userpass": {"type": "local-userpass", "config": {"autoConfirm": false}}`, []string{"nobody can register"}, nil},
		{`"local-userpass": {"type": "local-userpass", "config": {"runConfirmationFunction": true, "confirmationFunctionName": "good"}}`, nil, nil},
		{
			`"local-userpass": {"type": "local-userpass", "config": {"runConfirmationFunction": true, "confirmationFunctionName": "none",
			  "runResetFunction": true, "resetFunctionName": "bad"}}`,
			[]string{"nobody can register", "nobody can reset a password"},
			nil,
		},
		{`"local-userpass": {"type": "local-userpass", "disabled": true}`, nil, nil},
		{`"custom-function": {"type": "custom-function"}`, []string{"cannot log in"}, nil},
		{`"custom-function": {"type": "custom-function", "config": {"authFunctionName": "good"}}`, nil, nil},
		{`"custom-function": {"type": "custom-function", "config": {"authFunctionName": "bad"}}`, []string{"cannot log in"}, nil},
		{`"oauth2-facebook": {"type": "oauth2-facebook"}`, []string{"cannot log in"}, nil},
		{`"oauth2-google": {"type": "oauth2-google", "config": {"openId": true}}`, []string{"cannot log in"}, nil},
		{
			`"oauth2-google": {"type": "oauth2-google", "config": {"clientId": "c"}, "domain_restrictions": ["X.org"],
			  "metadata_fields": [{"name": "first_name", "required": true}, {"name": "email"}]}`,
			[]string{"no authorization code"},
			[]auth.OpenID{{
				Provider: "oauth2-google", ClientID: "c", KeySetURL: "https://www.googleapis.com/oauth2/v3/certs",
				Issuers: []string{"https://accounts.google.com", "accounts.google.com"}, Domains: []string{"x.org"},
				Metadata: []auth.MetadataField{
					{Path: []string{"given_name"}, Name: "first_name", Required: true}, {Path: []string{"email"}, Name: "email"},
				},
			}},
		},
		{
			`"oauth2-apple": {"type": "oauth2-apple", "config": {"clientId": "c"}}`,
			[]string{"no authorization code"},
			[]auth.OpenID{{
				Provider: "oauth2-apple", ClientID: "c", KeySetURL: "https://appleid.apple.com/auth/keys", Issuers: []string{"https://appleid.apple.com"},
			}},
		},
	} {
		p := mustPlan(t, rootFile+serviceFile+goodRules+"-- functions/good.js --\nexports = () => 1\n-- functions/bad.js --\nexports = (\n"+
			"-- auth/providers.json --\n{"+c.provider+"}\n", Options{})
		var got []source.Diagnostic
		for _, d := range p.ds {
			if d.Code == CodeNotBuilt || d.Code == CodeNoFunction {
				got = append(got, d)
			}
		}
		if len(got) != len(c.warnings) {
			t.Errorf("%s: %v, want %q", c.provider, got, c.warnings)
			continue
		}
		for i, want := range c.warnings {
			if !strings.Contains(got[i].String(), want) {
				t.Errorf("%s: %s, want %q", c.provider, got[i], want)
			}
		}
		if diff := cmp.Diff(c.openID, p.authConfig(nil, nil).OpenID); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.provider, diff)
		}
	}
}

// TestOwnKeys holds that keys that can be guessed are refused.
func TestOwnKeys(t *testing.T) {
	t.Parallel()
	const webhook = `{"user_webhook": "https://x.example/"}`
	long := strings.Repeat("k", 32)
	for _, c := range []struct {
		settings string
		keys     map[string]string
		good     bool
	}{
		{`{}`, map[string]string{config.TokenKeySecret: long[1:]}, false},
		{`{}`, map[string]string{config.TokenKeySecret: long}, true},
		{`{}`, map[string]string{config.WebhookKeySecret: "unused"}, true},
		{webhook, nil, false},
		{webhook, map[string]string{config.WebhookKeySecret: long[1:]}, false},
		{webhook, map[string]string{config.WebhookKeySecret: long}, true},
	} {
		o := Options{
			App: export(t, rootFile+serviceFile+goodRules), MongoDBURI: "mongodb://default", Settings: file(c.settings),
			Secrets: func(name string) (string, bool) { return c.keys[name], c.keys[name] != "" },
		}
		o.setDefaults()
		if _, err := newPlan(o); (err == nil) != c.good {
			t.Errorf("%s with keys %v: %v", c.settings, c.keys, err)
		}
	}
}

// TestUserFunctions holds what becomes of what an export says about functions for users.
func TestUserFunctions(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, rootFile+serviceFile+goodRules+`-- auth/providers.json --
{"local-userpass": {"type": "local-userpass", "config": {"autoConfirm": false, "runConfirmationFunction": true,
   "confirmationFunctionName": "confirm", "runResetFunction": true, "resetFunctionName": "reset"}},
 "custom-function": {"type": "custom-function", "config": {"authFunctionName": "who"}}}
-- auth/custom_user_data.json --
{"enabled": false, "on_user_creation_function_name": "welcome"}
`, Options{NoFunctions: true})
	who := p.authConfig(nil, nil)
	if who.AutoConfirm || who.ConfirmFunction != "confirm" || who.ResetFunction != "reset" || who.LoginFunction != "who" || who.CreationFunction != "welcome" {
		t.Errorf("functions: %+v", who)
	}
	var got []string
	for _, d := range p.ds {
		if d.Code == CodeNoFunction {
			got = append(got, d.Message)
		}
	}
	if len(got) != 4 {
		t.Errorf("with functions off: %q", got)
	}
	off := mustPlan(t, rootFile+serviceFile+goodRules+`-- auth/providers.json --
{"local-userpass": {"type": "local-userpass", "config": {"confirmationFunctionName": "confirm", "runConfirmationFunction": false,
   "runResetFunction": false, "resetFunctionName": "reset"}},
 "custom-function": {"type": "custom-function", "disabled": true, "config": {"authFunctionName": "who"}}}
`, Options{})
	if who := off.authConfig(nil, nil); who.ConfirmFunction != "" || who.ResetFunction != "" || who.LoginFunction != "" {
		t.Errorf("functions that are not to run: %+v", who)
	}
}
