package config

import (
	"cmp"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/rolegate/rolegate/internal/source"
)

// providers reads auth/providers.json and, from before that, one file for each provider.
func (l *loader) providers() {
	var ds source.Diagnostics
	byName := map[string]*Provider{}
	add := func(p *Provider) {
		if other := byName[p.Name]; other != nil {
			ds.Error(p.Span, CodeDuplicate, "", "the provider %s is defined twice, first at %s", source.Quote(p.Name), other.Span)
			return
		}
		byName[p.Name] = p
		l.app.Providers = append(l.app.Providers, p)
	}
	v, problems := l.parse("auth/providers.json")
	ds = append(ds, problems...)
	if v != nil && v.Kind != source.Object {
		ds.Error(v.Span, CodeWrongType, "", "the providers must be an object, not %s", v.Kind)
	} else if v != nil {
		for _, m := range v.Members {
			add(l.provider(m.Name, m.Value, &ds))
		}
	}
	for _, e := range l.list("auth_providers", &ds) {
		stem, ok := e.stem()
		if !ok {
			continue
		}
		v, problems := l.parse(e.path)
		ds = append(ds, problems...)
		if v != nil {
			add(l.provider(stem, v, &ds))
		}
	}
	slices.SortFunc(l.app.Providers, func(a, b *Provider) int { return cmp.Compare(a.Name, b.Name) })
	l.report(ds)
}

// providerTypes are the types of App Services.
func providerTypes() []string {
	return []string{
		"anon-user", "local-userpass", "api-key", "custom-token", "custom-function", "oauth2-google", "oauth2-facebook", "oauth2-apple",
	}
}

func (l *loader) provider(name string, v *source.Value, ds *source.Diagnostics) *Provider {
	shape := shape{"a provider", []key{
		{name: "id", kinds: aString},
		{name: "_id", kinds: aString},
		{name: "name", kinds: aString},
		{name: "type", kinds: aString},
		{name: "disabled", kinds: aBool},
		{name: "config", kinds: aMap},
		{name: "secret_config", kinds: aMap},
		{name: "metadata_fields", kinds: anArray},
		{name: "redirect_uris", kinds: anArray},
		{name: "domain_restrictions", kinds: anArray},
	}, false, nil}
	p := &Provider{Name: name, Type: name, Span: v.Span}
	if !shape.check(v, ds) {
		return p
	}
	if n := text(v, "name"); n != "" {
		p.Name = n
	}
	if t := text(v, "type"); t != "" {
		p.Type = t
	}
	p.Disabled = flag(v, "disabled")
	if !slices.Contains(providerTypes(), p.Type) {
		at := v.Span
		if t := v.Get("type"); t != nil {
			at = t.Span
		}
		ds.Error(at, CodeInvalidValue, "it may be one of "+strings.Join(providerTypes(), ", "), "%s is not a type of provider", source.Quote(p.Type))
	}
	if c := v.Get("config"); c != nil && c.Kind == source.Object {
		providerConfig(p.Type).check(c, ds)
	}
	switch p.Type {
	case "local-userpass":
		p.Passwords = passwords(v.Get("config"), p.Disabled, ds)
	case "custom-function":
		p.Function = text(v.Get("config"), "authFunctionName")
	}
	if p.Type == "custom-token" {
		p.CustomToken = l.customToken(p, v, ds)
	}
	if p.Type == "oauth2-google" || p.Type == "oauth2-apple" {
		p.OpenID = &OpenID{ClientID: text(v.Get("config"), "clientId"), Domains: texts(v, "domain_restrictions", ds), Metadata: metadata(v, ds)}
	}
	if s := v.Get("secret_config"); s != nil && text(s, "clientSecret") != "" {
		l.secretRefs = append(l.secretRefs, secretRef{text(s, "clientSecret"), s.Get("clientSecret").Span, "the provider " + source.Quote(p.Name), !p.Disabled})
	}
	return p
}

func providerConfig(kind string) shape {
	s := shape{what: "the config of the provider " + kind}
	switch kind {
	case "local-userpass":
		s.keys = []key{
			{name: "autoConfirm", kinds: aBool},
			{name: "emailConfirmationUrl", kinds: aString},
			{name: "confirmEmailSubject", kinds: aString},
			{name: "runConfirmationFunction", kinds: aBool},
			{name: "confirmationFunctionName", kinds: aString},
			{name: "resetPasswordUrl", kinds: aString},
			{name: "resetPasswordSubject", kinds: aString},
			{name: "runResetFunction", kinds: aBool},
			{name: "resetFunctionName", kinds: aString},
			{name: "mailConfig", kinds: aMap},
		}
	case "custom-token":
		s.keys = []key{
			{name: "audience", kinds: aString | anArray},
			{name: "requireAnyAudience", kinds: aBool},
			{name: "signingAlgorithm", kinds: aString},
			{name: "useJWKURI", kinds: aBool},
			{name: "jwkURI", kinds: aString},
			{name: "issuer", kinds: aString},
		}
	case "custom-function":
		s.keys = []key{
			{name: "authFunctionName", kinds: aString},
			{name: "authFunctionId", kinds: aString},
		}
	default:
		s.keys = []key{
			{name: "clientId", kinds: aString},
			{name: "openId", kinds: aBool},
		}
	}
	return s
}

// passwords reads the config of local-userpass.
func passwords(c *source.Value, disabled bool, ds *source.Diagnostics) *Passwords {
	p := &Passwords{AutoConfirm: flag(c, "autoConfirm")}
	named := func(run, name string) string {
		if !flag(c, run) {
			return ""
		}
		if text(c, name) == "" && !disabled {
			ds.Error(c.Get(run).Span, CodeMissingKey, "", "%s needs the key %q", run, name)
		}
		return text(c, name)
	}
	p.ConfirmFunction = named("runConfirmationFunction", "confirmationFunctionName")
	p.ResetFunction = named("runResetFunction", "resetFunctionName")
	if p.AutoConfirm && p.ConfirmFunction != "" && !disabled {
		ds.Error(c.Get("runConfirmationFunction").Span, CodeConflictingKeys, "keep one of them",
			"addresses are confirmed either automatically or by a function")
	}
	return p
}

// algorithms are those a token may be signed with.
func algorithms() []string {
	return []string{"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "EdDSA"}
}

func (l *loader) customToken(p *Provider, v *source.Value, ds *source.Diagnostics) *CustomToken {
	c := v.Get("config")
	at := v.Span
	if c != nil {
		at = c.Span
	}
	t := &CustomToken{
		Audiences:          audiences(c, ds),
		RequireAnyAudience: flag(c, "requireAnyAudience"),
		Issuer:             text(c, "issuer"),
		SigningAlgorithm:   text(c, "signingAlgorithm"),
		Metadata:           metadata(v, ds),
	}
	if t.SigningAlgorithm == "" {
		t.SigningAlgorithm = "HS256"
	}
	oneOf(c, "signingAlgorithm", ds, algorithms()...)
	for _, k := range signingKeys(v, ds) {
		t.SigningKeys = append(t.SigningKeys, k.Str)
		l.secretRefs = append(l.secretRefs, secretRef{k.Str, k.Span, "the provider " + source.Quote(p.Name), !p.Disabled})
	}
	if flag(c, "useJWKURI") {
		t.JWKURI = jwkURI(c, t.SigningAlgorithm, ds)
	} else if len(t.SigningKeys) == 0 && !p.Disabled {
		ds.Error(at, CodeMissingKey, "name a secret in secret_config.signingKeys, or set useJWKURI and jwkURI",
			"the provider %s has nothing to verify tokens with", source.Quote(p.Name))
	}
	return t
}

// audiences accepts a string, a list of them separated by commas, and an array.
func audiences(c *source.Value, ds *source.Diagnostics) []string {
	list := texts(c, "audience", ds)
	if one := text(c, "audience"); one != "" {
		list = strings.Split(one, ",")
	}
	var out []string
	for _, a := range list {
		if a = strings.TrimSpace(a); a != "" {
			out = append(out, a)
		}
	}
	return out
}

func signingKeys(v *source.Value, ds *source.Diagnostics) []*source.Value {
	s := v.Get("secret_config")
	if s == nil || s.Kind != source.Object {
		return nil
	}
	shape{"the secret_config of custom-token", []key{
		{name: "signingKeys", kinds: aString | anArray},
		{name: "signingKey", kinds: aString},
	}, false, nil}.check(s, ds)
	list := items(s, "signingKeys")
	for _, name := range []string{"signingKeys", "signingKey"} {
		if text(s, name) != "" {
			list = append(list, s.Get(name))
		}
	}
	var out []*source.Value
	for _, k := range list {
		if k.Kind != source.String || k.Str == "" {
			ds.Error(k.Span, CodeWrongType, "", "a signing key is given by the name of its secret, a string")
			continue
		}
		out = append(out, k)
	}
	if len(out) > 3 {
		ds.Error(out[3].Span, CodeInvalidValue, "", "a provider has at most three signing keys")
	}
	return out
}

func jwkURI(c *source.Value, algorithm string, ds *source.Diagnostics) string {
	if strings.HasPrefix(algorithm, "HS") {
		ds.Error(c.Get("useJWKURI").Span, CodeConflictingKeys, "set signingAlgorithm to RS256, ES256 or the like",
			"keys from a URI are public; %s needs a secret key", algorithm)
	}
	raw := text(c, "jwkURI")
	if raw == "" {
		ds.Error(c.Get("useJWKURI").Span, CodeMissingKey, "", "useJWKURI needs the key %q", "jwkURI")
		return ""
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		ds.Error(c.Get("jwkURI").Span, CodeInvalidValue, "", "jwkURI must be an https address")
	}
	return raw
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// metadata reads which claims become user data. Dots in a path separate levels, \. is a dot of a name.
func metadata(v *source.Value, ds *source.Diagnostics) []MetadataField {
	var out []MetadataField
	first := map[string]source.Span{}
	for _, x := range items(v, "metadata_fields") {
		shape := shape{"a metadata field", []key{
			{name: "required", kinds: aBool},
			{name: "name", kinds: aString, required: true},
			{name: "field_name", kinds: aString},
		}, false, nil}
		if !shape.check(x, ds) || x.Get("name") == nil {
			continue
		}
		f := MetadataField{Required: flag(x, "required"), Path: claimPath(text(x, "name")), Name: text(x, "field_name"), Span: x.Span}
		if slices.Contains(f.Path, "") {
			ds.Error(x.Get("name").Span, CodeInvalidValue, "", "a path of claims has no empty parts")
			continue
		}
		if f.Name == "" {
			f.Name = f.Path[len(f.Path)-1]
		}
		if len(f.Name) > 63 || strings.HasPrefix(f.Name, "$") {
			ds.Error(x.Span, CodeInvalidValue, "", "the name of a metadata field has less than 64 characters and no leading $")
		}
		if at, again := first[f.Name]; again {
			ds.Error(x.Span, CodeDuplicate, "give one of them another field_name", "two claims become the field %s, first at %s", source.Quote(f.Name), at)
		}
		first[f.Name] = x.Span
		out = append(out, f)
	}
	return out
}

func claimPath(s string) []string {
	var out []string
	var part strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == '.':
			part.WriteByte('.')
			i++
		case s[i] == '.':
			out = append(out, part.String())
			part.Reset()
		default:
			part.WriteByte(s[i])
		}
	}
	return append(out, part.String())
}
