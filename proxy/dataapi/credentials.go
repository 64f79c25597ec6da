package dataapi

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// Kind tells which credentials a request brought. The zero kind brought none.
type Kind uint8

// Kinds of credentials, in the order in which they are looked for.
const (
	None Kind = iota
	Bearer
	EmailPassword
	APIKey
	JWT
)

// Credentials is the one kind of credentials that decides about a request.
type Credentials struct {
	Kind   Kind
	Email  string // EmailPassword
	Secret string // the token, password or key
	// RemoteAddress is the peer, for counting failed attempts.
	RemoteAddress string
}

// String keeps secrets out of logs and errors.
func (Credentials) String() string { return "[secret]" }

// GoString does so for %#v.
func (Credentials) GoString() string { return "[secret]" }

// Authenticator finds the user that credentials belong to. The errors below have answers of their own; any other
// one is an internal error. A nil user is refused.
type Authenticator func(ctx context.Context, c Credentials) (*rules.User, error)

// What an Authenticator may answer.
var (
	ErrBadCredentials  = errors.New("credentials belong to no user")
	ErrTokenExpired    = errors.New("access token expired") // of a token that was good
	ErrUserDisabled    = errors.New("user disabled")
	ErrUnconfirmed     = errors.New("address not confirmed") // and the password is right
	ErrTooManyAttempts = errors.New("too many failed attempts")
	ErrAuthUnavailable = errors.New("credentials cannot be checked now")
)

// authenticate finds the user of a request.
func (s *server) authenticate(ctx context.Context, x *exchange) (*rules.User, error) {
	if s.AsSystem {
		return &rules.User{Type: rules.SystemUser}, nil
	}
	c, err := credentials(x.r.Header)
	if err != nil {
		return nil, err
	}
	c.RemoteAddress = remoteAddress(x.r)
	user, err := s.Authenticate(ctx, c)
	if err != nil {
		return nil, err
	}
	if user == nil {
		return nil, ErrBadCredentials
	}
	return user, nil
}

// credentials picks what decides: a Bearer token alone, whatever else is there; then the first kind present. A
// header sent twice decides nothing, since nobody can say which one a component in front of us has checked.
func credentials(h http.Header) (Credentials, error) {
	token, isBearer, err := bearer(h)
	if err != nil {
		return Credentials{}, err
	}
	if isBearer {
		return Credentials{Kind: Bearer, Secret: token}, nil
	}
	email, err := single(h, "Email")
	if err != nil {
		return Credentials{}, err
	}
	password, err := single(h, "Password")
	if err != nil {
		return Credentials{}, err
	}
	switch {
	case email != "" && password != "":
		return Credentials{Kind: EmailPassword, Email: email, Secret: password}, nil
	case email != "" || password != "":
		return Credentials{}, missing("must specify some form of authentication (either email+password, api-key, or jwt) in the request header or body")
	}
	key, err := single(h, "Apikey", "Api-Key")
	if err != nil {
		return Credentials{}, err
	}
	if key != "" {
		return Credentials{Kind: APIKey, Secret: key}, nil
	}
	jwt, err := single(h, "Jwttokenstring")
	if err != nil {
		return Credentials{}, err
	}
	if jwt != "" {
		return Credentials{Kind: JWT, Secret: jwt}, nil
	}
	f := kinds[proxy.Invalid].failure("no authentication methods were specified")
	f.reason = "no_credentials"
	return Credentials{}, f
}

// bearer returns the token of an Authorization header with that scheme. Another scheme is as if it were not there.
func bearer(h http.Header) (token string, ok bool, err error) {
	values := h.Values("Authorization")
	if len(values) > 1 {
		return "", false, ErrBadCredentials
	}
	if len(values) == 0 {
		return "", false, nil
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", false, nil
	}
	return strings.TrimSpace(token), true, nil
}

// single returns the one value that a header has under any of its names.
func single(h http.Header, names ...string) (string, error) {
	value := ""
	for _, name := range names {
		for _, v := range h.Values(name) {
			if value != "" && v != value {
				return "", ErrBadCredentials
			}
			value = v
		}
	}
	return value, nil
}
