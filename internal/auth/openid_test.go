package auth_test

import (
	"errors"
	"testing"

	"github.com/rolegate/rolegate/internal/auth"
)

// TestOpenID holds whom an id token lets in.
func TestOpenID(t *testing.T) {
	i, s := newIssuer(t), newSigner(t, "RS256", 2048)
	i.offers(s.jwk("k1", ""))
	provider := func(domains ...string) auth.Config {
		return auth.Config{Users: newUsers(), OpenID: []auth.OpenID{{
			Provider: "oauth2-google", KeySetURL: i.URL + "/keys", Issuers: []string{"https://issuer", "issuer"}, ClientID: "client", Domains: domains,
			Metadata: []auth.MetadataField{{Path: []string{"given_name"}, Name: "first_name"}},
		}}}
	}
	for _, c := range []struct {
		name    string
		domains []string
		changes []string
		err     error
	}{
		{"good", nil, nil, nil},
		{"the other issuer", nil, []string{"iss", `"issuer"`}, nil},
		{"another issuer", nil, []string{"iss", `"https://other"`}, auth.ErrFailed},
		{"no issuer", nil, []string{"iss", `""`}, auth.ErrFailed},
		{"for the app, not the client", nil, []string{"aud", `"` + appID + `"`}, auth.ErrFailed},
		{"over", nil, []string{"exp", "1000000000"}, auth.ErrExpired},
		{"a domain", []string{"x.org"}, []string{"email", `"Ann@X.org"`, "email_verified", "true"}, nil},
		{"as Apple writes it", []string{"x.org"}, []string{"email", `"ann@x.org"`, "email_verified", `"true"`}, nil},
		{"another domain", []string{"x.org"}, []string{"email", `"ann@y.org"`, "email_verified", "true"}, auth.ErrFailed},
		{"a longer domain", []string{"x.org"}, []string{"email", `"ann@evilx.org"`, "email_verified", "true"}, auth.ErrFailed},
		{"no address", []string{"x.org"}, []string{"email_verified", "true"}, auth.ErrFailed},
		{"not verified", []string{"x.org"}, []string{"email", `"ann@x.org"`, "email_verified", "false"}, auth.ErrFailed},
	} {
		a := mustNew(t, provider(c.domains...))
		changes := append([]string{"given_name", `"Ann"`}, c.changes...)
		all := map[string]string{"iss": `"https://issuer"`, "aud": `"client"`}
		for j := 0; j < len(changes); j += 2 {
			all[changes[j]] = changes[j+1]
		}
		var list []string
		for name, value := range all {
			list = append(list, name, value)
		}
		l := auth.Login{Provider: "oauth2-google", Secret: s.sign(t, "k1", claims(list...))}
		first, err := a.Login(t.Context(), l)
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
			continue
		}
		if err != nil {
			continue
		}
		again, err := a.Login(t.Context(), l)
		user, holderErr := a.Holder(t.Context(), again.Access)
		if err != nil || holderErr != nil || again.User != first.User || first.User == "ann" || user.Data.Lookup("first_name").StringValue() != "Ann" {
			t.Errorf("%s: %q then %q, %+v, %v %v", c.name, first.User, again.User, user, err, holderErr)
		}
		l.Provider = "custom-token"
		if _, err := a.Login(t.Context(), l); !errors.Is(err, auth.ErrNoProvider) {
			t.Errorf("%s: as custom-token: %v", c.name, err)
		}
	}
}
