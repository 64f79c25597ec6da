package clientapi

import (
	"errors"
	"net/http"

	"github.com/rolegate/rolegate/internal/auth"
)

// Codes of errors. The vocabulary is fixed: client libraries know these names.
const (
	codeAuth           = "AuthError"
	codeBadRequest     = "BadRequest"
	codeDomain         = "DomainNotAllowed"
	codeInternal       = "InternalServerError"
	codeInvalidSession = "InvalidSession"
	codeKeyExists      = "APIKeyAlreadyExists"
	codeMissing        = "MissingParameter"
	codeNameInUse      = "AccountNameInUse"
	codeNoKey          = "APIKeyNotFound"
	codeNoProvider     = "AuthProviderNotFound"
	codeParameter      = "InvalidParameter"
	codePassword       = "InvalidPassword"
	codeUserDisabled   = "UserDisabled"
	codeUsedToken      = "UserpassTokenInvalid"
)

const textInternal = "internal server error"

// failure is a refusal, ready to be answered and logged.
type failure struct {
	status int
	code   string
	text   string // for the client
	reason string // for the log: one stable word
	cause  error  // for the debug log
}

func (f *failure) Error() string { return f.reason + ": " + f.text }

// outcomes are what clients are told. A library whose request fails with InvalidSession refreshes and tries again, one
// whose refresh fails with it logs out.
var outcomes = []struct {
	err error
	failure
}{
	{auth.ErrFailed, failure{status: http.StatusUnauthorized, code: codeInvalidSession, text: "invalid session", reason: "bad_credentials"}},
	{auth.ErrExpired, failure{status: http.StatusUnauthorized, code: codeInvalidSession, text: "invalid session: access token expired", reason: "token_expired"}},
	{auth.ErrWrongType, failure{status: http.StatusUnauthorized, code: codeInvalidSession, text: "invalid refresh token: incorrect token type", reason: "token_type"}},
	{auth.ErrNoSession, failure{status: http.StatusUnauthorized, code: codeInvalidSession, text: "invalid session: failed to find refresh token", reason: "no_session"}},
	{auth.ErrDisabled, failure{status: http.StatusUnauthorized, code: codeUserDisabled, text: "user disabled", reason: "user_disabled"}},
	{auth.ErrUnconfirmed, failure{status: http.StatusUnauthorized, code: codeAuth, text: "confirmation required", reason: "unconfirmed"}},
	{auth.ErrTooMany, failure{status: http.StatusTooManyRequests, code: codeBadRequest, text: "too many attempts", reason: "login_rate"}},
	{auth.ErrUnavailable, failure{status: http.StatusServiceUnavailable, code: codeInternal, text: "the service is unavailable", reason: "auth_unavailable"}},
	{auth.ErrNoProvider, failure{status: http.StatusNotFound, code: codeNoProvider, text: "authentication provider not found", reason: "no_provider"}},
	{auth.ErrUserExists, failure{status: http.StatusConflict, code: codeNameInUse, text: "name already in use", reason: "name_in_use"}},
	{auth.ErrUsedToken, failure{status: http.StatusBadRequest, code: codeUsedToken, text: "invalid token data", reason: "used_token"}},
	{auth.ErrKeyExists, failure{status: http.StatusConflict, code: codeKeyExists, text: "API key name already in use", reason: "key_exists"}},
	{auth.ErrNoKey, failure{status: http.StatusNotFound, code: codeNoKey, text: "API key not found", reason: "no_key"}},
	{auth.ErrTooManyKeys, failure{status: http.StatusBadRequest, code: codeBadRequest, text: "too many API keys", reason: "too_many_keys"}},
	{auth.ErrInvalid, failure{status: http.StatusBadRequest, code: codeBadRequest, reason: "invalid"}},
	{auth.ErrNotBuilt, failure{status: http.StatusBadRequest, code: codeBadRequest, reason: "not_built"}},
}

// failureOf turns any error into what the client is told. What nobody foresaw is an internal error.
func failureOf(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	for _, o := range outcomes {
		if !errors.Is(err, o.err) {
			continue
		}
		f := o.failure
		f.cause = err
		if f.text == "" {
			f.text = auth.Reason(err)
		}
		return &f
	}
	return &failure{status: http.StatusInternalServerError, code: codeInternal, text: textInternal, reason: "internal", cause: err}
}

// loginFailure keeps credentials that are refused apart from a session that is over: a library must not refresh and
// try again.
func loginFailure(provider string, err error) error {
	if err == nil || !errors.Is(err, auth.ErrFailed) && !errors.Is(err, auth.ErrExpired) {
		return err
	}
	if provider == auth.PasswordProvider {
		return &failure{status: http.StatusUnauthorized, code: codePassword, text: "invalid username/password", reason: "bad_credentials", cause: err}
	}
	return &failure{status: http.StatusUnauthorized, code: codeAuth, text: "authentication failed", reason: "bad_credentials", cause: err}
}
