package auth

import "errors"

// Kind tells which credentials a request brought. The zero kind belongs to nobody.
type Kind uint8

// Kinds of credentials.
const (
	Bearer Kind = iota + 1 // a token from the Authorization header
	EmailPassword
	APIKey
	JWT // a token from a header of its own
)

// Credentials is what one request says about who it comes from.
type Credentials struct {
	Kind   Kind
	Email  string // of EmailPassword
	Secret string // the token, key or password
	// RemoteAddress is the address of the peer without its port, for counting failed attempts.
	RemoteAddress string
	// CreateUser says what becomes of a good token of an unknown identity: true creates a user, false refuses it, and nil
	// is as configured.
	CreateUser *bool
}

// String keeps secrets out of logs and errors.
func (Credentials) String() string { return "[secret]" }

// GoString does so for %#v.
func (Credentials) GoString() string { return "[secret]" }

// What Authenticate may answer. An error matches exactly one of them through errors.Is; its text gives the reason, for
// the log, and never holds a part of the credentials.
var (
	ErrFailed      = errors.New("credentials belong to no user")
	ErrExpired     = errors.New("token expired") // and nothing else is wrong with it
	ErrDisabled    = errors.New("user disabled")
	ErrUnconfirmed = errors.New("the address of the user is not confirmed") // and the password is right
	ErrTooMany     = errors.New("too many attempts")
	ErrUnavailable = errors.New("credentials cannot be checked now")
)

// What else the ways to get and to keep a session may answer.
var (
	ErrNoProvider  = errors.New("the provider is not enabled")
	ErrWrongType   = errors.New("incorrect token type")
	ErrInvalid     = errors.New("not acceptable")
	ErrNotBuilt    = errors.New("not available")
	ErrUsedToken   = errors.New("invalid token data")
	ErrTooManyKeys = errors.New("too many API keys")
)

// Reason is what an ErrInvalid or ErrNotBuilt says to the client.
func Reason(err error) string {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.reason
	}
	return ""
}

// failure is an error with a reason for the log.
type failure struct {
	kind   error
	reason string
	cause  error // nil unless another program failed
}

func (f *failure) Error() string {
	text := f.kind.Error() + ": " + f.reason
	if f.cause != nil {
		text += ": " + f.cause.Error()
	}
	return text
}

func (f *failure) Is(target error) bool { return target == f.kind }

func (f *failure) Unwrap() error { return f.cause }

func failed(reason string) error { return &failure{kind: ErrFailed, reason: reason} }

func unavailable(reason string, cause error) error {
	return &failure{kind: ErrUnavailable, reason: reason, cause: cause}
}
