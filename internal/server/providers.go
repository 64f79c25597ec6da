package server

import (
	"slices"
	"strings"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/internal/source"
)

// authConfig says who may come in.
func (p *plan) authConfig(keys auth.KeyStore, users auth.UserStore) auth.Config {
	c := auth.Config{App: p.appID, Keys: keys, Users: users, UserLife: p.settings.userCacheTTL, Logger: p.o.Logger, Now: p.o.Now}
	if key, ok := p.o.Secrets(config.TokenKeySecret); ok {
		c.TokenKey = []byte(key)
	}
	if p.settings.webhook != "" {
		key, _ := p.o.Secrets(config.WebhookKeySecret) // a missing one has been refused
		c.Webhook = &auth.Webhook{URL: p.settings.webhook, Key: []byte(key)}
	}
	if d := p.app.CustomUserData; d != nil {
		c.CreationFunction = d.OnUserCreation // whether or not there is custom user data
	}
	if d := p.app.DataAPI; d != nil && d.CreateUserOnAuth != nil {
		c.Unknown = auth.UnknownRefused
		if *d.CreateUserOnAuth {
			c.Unknown = auth.UnknownCreated
		}
	}
	for _, provider := range p.app.Providers {
		switch t := provider.CustomToken; {
		case provider.Disabled:
		case provider.Type == "api-key":
			c.APIKeys = true
		case provider.Type == auth.AnonymousProvider:
			c.Anonymous = true
		case provider.Passwords != nil:
			c.Passwords = true
			c.AutoConfirm, c.ConfirmFunction = provider.Passwords.AutoConfirm, provider.Passwords.ConfirmFunction
			c.ResetFunction = provider.Passwords.ResetFunction
		case provider.Function != "":
			c.LoginFunction = provider.Function
		case provider.OpenID != nil && provider.OpenID.ClientID != "":
			c.OpenID = append(c.OpenID, openIDConfig(provider.Type, provider.OpenID))
		case t != nil:
			c.Token = tokenConfig(t, p.o.Secrets)
			c.Token.PrivateHosts = p.settings.privateHosts
		}
	}
	return c
}

// openIDConfig adds what everybody knows about the two.
func openIDConfig(provider string, p *config.OpenID) auth.OpenID {
	out := auth.OpenID{Provider: provider, ClientID: p.ClientID}
	switch provider {
	case "oauth2-google":
		out.KeySetURL, out.Issuers = "https://www.googleapis.com/oauth2/v3/certs", []string{"https://accounts.google.com", "accounts.google.com"}
	case "oauth2-apple":
		out.KeySetURL, out.Issuers = "https://appleid.apple.com/auth/keys", []string{"https://appleid.apple.com"}
	}
	for _, d := range p.Domains {
		out.Domains = append(out.Domains, strings.ToLower(d))
	}
	// What App Services calls the claims of an id token.
	claims := map[string]string{"first_name": "given_name", "last_name": "family_name"}
	for _, m := range p.Metadata {
		path := m.Path
		if claim := claims[m.Name]; claim != "" {
			path = []string{claim}
		}
		out.Metadata = append(out.Metadata, auth.MetadataField{Path: path, Name: m.Name, Required: m.Required})
	}
	return out
}

func tokenConfig(t *config.CustomToken, secrets config.SecretSource) *auth.Token {
	out := &auth.Token{
		Algorithm: t.SigningAlgorithm, KeySetURL: t.JWKURI,
		Audiences: t.Audiences, AnyAudience: t.RequireAnyAudience, Issuer: t.Issuer,
	}
	if t.JWKURI == "" {
		for _, name := range t.SigningKeys {
			key, _ := secrets(name) // a missing one has been refused
			out.Keys = append(out.Keys, key)
		}
	}
	for _, m := range t.Metadata {
		out.Metadata = append(out.Metadata, auth.MetadataField{Path: m.Path, Name: m.Name, Required: m.Required})
	}
	return out
}

// checkProviders refuses more than one provider of tokens: which one a token is for could not be told. It tells whose users
// cannot log in, and who cannot become one.
func checkProviders(c compiled, webhook bool, ds *source.Diagnostics) {
	var first *config.Provider
	for _, p := range c.app.Providers {
		name := source.Quote(p.Name)
		switch {
		case p.Disabled:
		case p.Passwords != nil:
			checkPasswords(c, p, webhook, ds)
		case p.OpenID != nil:
			if p.OpenID.ClientID == "" {
				ds.Warn(p.Span, CodeNotBuilt, "", "users of the provider %s cannot log in: id tokens are for a clientId, and it has none", name)
				continue
			}
			ds.Warn(p.Span, CodeNotBuilt, "", "the provider %s accepts id_token only, no authorization code", name)
		case p.Type == auth.FunctionProvider:
			if p.Function == "" {
				ds.Warn(p.Span, CodeNotBuilt, "", "users of the provider %s cannot log in: it has no authFunctionName", name)
				continue
			}
			checkFunction(c, p.Function, p.Span, ds, "users of the provider "+name+" cannot log in")
		case p.CustomToken == nil:
			if built := []string{auth.AnonymousProvider, "api-key"}; !slices.Contains(built, p.Type) {
				ds.Warn(p.Span, CodeNotBuilt, "", "users of the provider %s cannot log in: rolegate has no %s", name, p.Type)
			}
		case first == nil:
			first = p
		default:
			ds.Error(p.Span, CodeSeveralTokens, "disable one of them", "there is another custom-token provider, %s", source.Quote(first.Name))
		}
	}
	if d := c.app.CustomUserData; d != nil && d.OnUserCreation != "" {
		checkFunction(c, d.OnUserCreation, d.Span, ds, "nobody can become a user")
	}
}

// checkPasswords tells whether somebody can register, and set a new password.
func checkPasswords(c compiled, p *config.Provider, webhook bool, ds *source.Diagnostics) {
	nobody := "nobody can register with the provider " + source.Quote(p.Name)
	switch confirm := p.Passwords.ConfirmFunction; {
	case p.Passwords.AutoConfirm:
	case confirm != "":
		checkFunction(c, confirm, p.Span, ds, nobody)
	case !webhook:
		ds.Warn(p.Span, CodeNotBuilt, "state the setting user_webhook, set autoConfirm, or make accounts with rolegate user create or import",
			"%s: rolegate sends no mails to confirm addresses with", nobody)
	}
	if reset := p.Passwords.ResetFunction; reset != "" {
		checkFunction(c, reset, p.Span, ds, "nobody can reset a password of the provider "+source.Quote(p.Name))
	}
}

// checkFunction tells what does not work because a function cannot be called.
func checkFunction(c compiled, name string, at source.Span, ds *source.Diagnostics, consequence string) {
	why := "functions are off"
	if c.functions != nil {
		known := false
		if why, known = c.functions.Callable()[name]; !known {
			why = "it is not defined"
		}
	}
	if why != "" {
		ds.Warn(at, CodeNoFunction, "", "%s: the function %s cannot be called: %s", consequence, source.Quote(name), why)
	}
}
