package auth

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rolegate/rolegate/internal/source"
)

// OpenID is a provider that vouches for its users with id tokens, such as oauth2-google. Users are known by its subject,
// and have ids of our own.
type OpenID struct {
	Provider  string // its type
	KeySetURL string
	Issuers   []string // one of them has made the token
	ClientID  string   // the token is for
	// Domains are those whose addresses may log in, in lower case; none is any.
	Domains  []string
	Metadata []MetadataField
	// PrivateHosts are hosts that may have addresses of private networks, see Token.
	PrivateHosts []string
}

// openIDs prepares the verifiers of the providers.
func openIDs(ctx context.Context, c Config) (map[string]*verifier, error) {
	out := map[string]*verifier{}
	for _, p := range c.OpenID {
		if p.ClientID == "" || len(p.Issuers) == 0 || p.KeySetURL == "" {
			return nil, fmt.Errorf("%s: no client id, no issuer, or no address of its keys", p.Provider)
		}
		c.Token = &Token{
			Algorithm: "RS256", KeySetURL: p.KeySetURL, PrivateHosts: p.PrivateHosts, Audiences: []string{p.ClientID}, Metadata: p.Metadata,
		}
		v, err := newVerifier(ctx, c)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Provider, err)
		}
		v.also = p.check
		out[p.Provider] = v
	}
	return out, nil
}

// check looks at what is not the same for all tokens.
func (p OpenID) check(claims *source.Value) error {
	text := func(name string) string {
		if v := claims.Get(name); v != nil && v.Kind == source.String {
			return v.Str
		}
		return ""
	}
	if !slices.Contains(p.Issuers, text("iss")) {
		return failed("the token is from somebody else")
	}
	if len(p.Domains) == 0 {
		return nil
	}
	// Apple writes a string.
	verified := claims.Get("email_verified")
	if verified == nil || !verified.Bool && verified.Str != "true" {
		return failed("the address in the token is not verified")
	}
	address := strings.ToLower(text("email"))
	if !slices.Contains(p.Domains, address[strings.LastIndexByte(address, '@')+1:]) {
		return failed("the domain of the address may not log in")
	}
	return nil
}
