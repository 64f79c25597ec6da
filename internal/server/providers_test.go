package server

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
		{`"local-userpass": {"type": "local-userpass", "config": {"runConfirmationFunction": true}}`, []string{"nobody can register"}, nil},
		{`"local-userpass": {"type": "local-userpass", "disabled": true}`, nil, nil},
		{`"custom-function": {"type": "custom-function"}`, []string{"cannot log in"}, nil},
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
		p := mustPlan(t, rootFile+serviceFile+goodRules+"-- auth/providers.json --\n{"+c.provider+"}\n", Options{})
		var got []source.Diagnostic
		for _, d := range p.ds {
			if d.Code == CodeNotBuilt {
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

// TestTokenKey holds that a signing key that can be guessed is refused.
func TestTokenKey(t *testing.T) {
	t.Parallel()
	for key, good := range map[string]bool{"": false, strings.Repeat("k", 31): false, strings.Repeat("k", 32): true} {
		o := Options{
			App: export(t, rootFile+serviceFile+goodRules), MongoDBURI: "mongodb://default",
			Secrets: func(string) (string, bool) { return key, true },
		}
		o.setDefaults()
		if _, err := newPlan(o); (err == nil) != good {
			t.Errorf("%d bytes: %v", len(key), err)
		}
	}
}
