package dataapi

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/rolegate/rolegate/internal/peer"
	"github.com/rolegate/rolegate/internal/webhook"
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
	// CreateUser tells whether a good token of an unknown identity makes a user or is refused; nil is as for the Data API.
	CreateUser *bool
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

// RunAs finds who a request runs as without looking at its credentials. It answers as an Authenticator does; a user of type
// system runs under no rules.
type RunAs func(ctx context.Context, requestID string, r rules.Request) (*rules.User, error)

// identify finds who a request runs as, and counts it.
func (s *server) identify(ctx context.Context, x *exchange, r rules.Request) (proxy.Caller, error) {
	c := proxy.Caller{ID: x.id, Request: r, NoCustomData: s.NoCustomData}
	var err error
	switch {
	case s.AsSystem:
		c.User, c.System = &rules.User{Type: rules.SystemUser}, true
		if s.Guard.Method != webhook.None { // which nothing else keeps from being guessed
			err = s.rates.admit(peer.Network(peer.Address(x.r)))
		}
	case s.RunAs != nil:
		c.User, c.System, err = s.runAs(ctx, x, r)
	default:
		c.User, err = s.authenticate(ctx, x, nil)
	}
	return c, err
}

// runAs asks who the operator says it is. Nobody has said who they are: the request counts for where it comes from, before
// anything is done for it.
func (s *server) runAs(ctx context.Context, x *exchange, r rules.Request) (user *rules.User, system bool, err error) {
	if err := s.rates.admit(peer.Network(peer.Address(x.r))); err != nil {
		return nil, false, err
	}
	if user, err = known(s.RunAs(ctx, x.id, r)); err != nil {
		return nil, false, err
	}
	x.user = user.ID
	return user, user.Type == rules.SystemUser, nil
}

// authenticate finds the user of the credentials of a request. It counts for a normal user: a server key stands for a
// whole back end. Of create see Credentials.
func (s *server) authenticate(ctx context.Context, x *exchange, create *bool) (*rules.User, error) {
	c, err := credentials(x.r.Header)
	if err != nil {
		return nil, err
	}
	c.RemoteAddress, c.CreateUser = peer.Address(x.r), create
	user, err := known(s.Authenticate(ctx, c))
	if err != nil {
		return nil, err
	}
	x.user = user.ID
	if user.Type == rules.ServerUser {
		return user, nil
	}
	return user, s.rates.admit(user.ID)
}

func known(user *rules.User, err error) (*rules.User, error) {
	if err == nil && user == nil {
		err = ErrBadCredentials
	}
	return user, err
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
