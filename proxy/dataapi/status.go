package dataapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/proxy"
)

// Codes of errors. The vocabulary is fixed: client libraries know these names.
const (
	codeAuth           = "AuthError"
	codeBadRequest     = "BadRequest"
	codeDomain         = "DomainNotAllowed"
	codeFunction       = "FunctionExecutionError"
	codeInternal       = "InternalServerError"
	codeInvalidSession = "InvalidSession"
	codeMissing        = "MissingParameter"
	codeMongoDB        = "MongoDBError"
	codeNoRule         = "NoMatchingRuleFound"
	codeNotCallable    = "NotCallable"
	codeParameter      = "InvalidParameter"
	codeReadSize       = "ReadSizeLimitExceeded"
	codeSchema         = "SchemaValidationFailedWrite"
	codeService        = "ServiceNotFound"
	codeTimeLimit      = "ExecutionTimeLimitExceeded"
	codeUserDisabled   = "UserDisabled"
	codeWebhook        = "IncomingWebhookAuthFailed"
)

const textInternal = "internal server error"

// failure is a refusal, ready to be answered and logged.
type failure struct {
	status int
	code   string
	text   string // for the client
	reason string // for the log: one stable word
	cause  error  // for the debug log
	done   *proxy.Done

	role, permission, path string // what denied a write, for the log
}

func (f *failure) Error() string { return f.reason + ": " + f.text }

// outcome is one row of the table: what a kind of failure is to a client.
type outcome struct {
	reason string
	status int
	code   string
	text   string
	own    bool // the proxy's message replaces the text
}

// kinds maps each kind of failure of the proxy.
var kinds = [...]outcome{
	proxy.Internal:       {"internal", http.StatusInternalServerError, codeInternal, textInternal, false},
	proxy.Invalid:        {"invalid", http.StatusBadRequest, codeParameter, "invalid request", true},
	proxy.Missing:        {"missing", http.StatusBadRequest, codeMissing, "a required field is missing", true},
	proxy.NoRule:         {"no_rule", http.StatusForbidden, codeNoRule, "no rule exists for the namespace", true},
	proxy.Denied:         {"denied", http.StatusForbidden, codeNoRule, "not permitted", true},
	proxy.UnknownService: {"unknown_service", http.StatusBadRequest, codeService, "service not found", true},
	proxy.Unsupported:    {"unsupported", http.StatusBadRequest, codeParameter, "not supported", true},
	proxy.DuplicateKey:   {"duplicate_key", http.StatusBadRequest, codeMongoDB, "duplicate key", false},
	proxy.TooLarge:       {"too_large", http.StatusBadRequest, codeReadSize, "size limit exceeded", true},
	proxy.ScanLimit:      {"scan_limit", http.StatusBadRequest, codeReadSize, "too many documents to examine", true},
	proxy.SchemaFailed:   {"schema", http.StatusBadRequest, codeSchema, "the document does not conform to the schema", true},
	proxy.Rejected:       {"rejected", http.StatusBadRequest, codeMongoDB, "the database refused the request", false},
	proxy.Conflict:       {"conflict", http.StatusConflict, codeMongoDB, "the document was changed by someone else", false},
	proxy.Unavailable:    {"unavailable", http.StatusServiceUnavailable, codeInternal, "the service is unavailable", false},
	proxy.Unclear:        {"unclear", http.StatusServiceUnavailable, codeInternal, "the outcome of the write is not known", false},
	proxy.TimedOut:       {"timed_out", http.StatusGatewayTimeout, codeTimeLimit, "execution time limit exceeded", false},
	proxy.NotCallable:    {"can_evaluate", http.StatusUnauthorized, codeNotCallable, "endpoint cannot be evaluated", false},
	proxy.FunctionFailed: {"function_failed", http.StatusBadRequest, codeFunction, "the function failed", false},
}

// authFailures maps what an Authenticator may return. All wrong credentials share one answer.
var authFailures = []struct {
	err error
	out outcome
}{
	{ErrBadCredentials, outcome{"bad_credentials", http.StatusUnauthorized, codeInvalidSession, "invalid session: error finding user for endpoint", false}},
	{ErrTokenExpired, outcome{"token_expired", http.StatusUnauthorized, codeInvalidSession, "invalid session: access token expired", false}},
	{ErrUserDisabled, outcome{"user_disabled", http.StatusUnauthorized, codeUserDisabled, "user disabled", false}},
	{ErrUnconfirmed, outcome{"unconfirmed", http.StatusUnauthorized, codeAuth, "confirmation required", false}},
	{ErrTooManyAttempts, outcome{"login_rate", http.StatusTooManyRequests, codeBadRequest, "too many failed attempts", false}},
	{ErrAuthUnavailable, outcome{"auth_unavailable", http.StatusServiceUnavailable, codeInternal, "the service is unavailable", false}},
}

// failureOf turns any error into what the client is told. What nobody foresaw is an internal error.
func failureOf(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	if e, ok := errors.AsType[*proxy.Error](err); ok {
		kind := e.Kind
		if kind == proxy.Internal && errors.Is(err, context.DeadlineExceeded) {
			kind = proxy.TimedOut
		}
		if int(kind) >= len(kinds) {
			kind = proxy.Internal
		}
		f := kinds[kind].failure(e.Message)
		f.cause, f.done = e.Cause, e.Done
		f.role, f.permission, f.path = e.Role, e.Permission, e.Path
		return f
	}
	if e, ok := errors.AsType[*ejson.Error](err); ok {
		return kinds[proxy.Invalid].failure(e.Error())
	}
	for _, a := range authFailures {
		if errors.Is(err, a.err) {
			f := a.out.failure("")
			f.cause = err
			return f
		}
	}
	kind := proxy.Internal
	if errors.Is(err, context.DeadlineExceeded) {
		kind = proxy.TimedOut
	}
	f := kinds[kind].failure("")
	f.cause = err
	return f
}

func (o outcome) failure(message string) *failure {
	f := &failure{status: o.status, code: o.code, text: o.text, reason: o.reason}
	if o.own && message != "" {
		f.text = message
	}
	return f
}

// invalid refuses a malformed request.
func invalid(text string) error { return kinds[proxy.Invalid].failure(text) }

// missing refuses a request that lacks a field.
func missing(text string) error { return kinds[proxy.Missing].failure(text) }

// wrongSecret refuses a request without the secret of the endpoint, or with another one.
func wrongSecret() error {
	return &failure{reason: "secret", status: http.StatusUnauthorized, code: codeWebhook, text: "incoming webhook authentication failed"}
}

func tooMany(reason, text string) error {
	return &failure{reason: reason, status: http.StatusTooManyRequests, code: codeBadRequest, text: text}
}
