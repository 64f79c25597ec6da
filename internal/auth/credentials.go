package auth

import "errors"

// Kind tells which credentials a request brought. The zero kind belongs to nobody.
type Kind uint8

// Kinds of credentials.
const (
	Bearer        Kind = iota + 1 // a token from the Authorization header
	EmailPassword                 // not built yet: fails like an unknown user
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
	ErrTooMany     = errors.New("too many failed attempts")
	ErrUnavailable = errors.New("credentials cannot be checked now")
)

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
