package dataapi

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/echo"
	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/rules"
)

// exchange is one request and its answer.
type exchange struct {
	s     *server
	w     http.ResponseWriter
	r     *http.Request
	id    string
	begun time.Time

	format Format
	action string // a known one, else empty
	allow  string // the methods that the path answers
	user   string
	ns     string // only if configured

	status  int    // sent; 0 while nothing is
	code    string // of the refusal
	aborted bool
}

// namespace notes what the log may call the namespace: names of a client's own making stay out of it.
func (x *exchange) namespace(ns rules.Namespace) {
	if x.s.Configured(ns) {
		x.ns = ns.String()
	}
}

// readWithin bounds what reads the client may still keep waiting for; zero or less lifts the bound.
func (x *exchange) readWithin(d time.Duration) {
	at := time.Time{}
	if d > 0 {
		at = time.Now().Add(d)
	}
	_ = http.NewResponseController(x.w).SetReadDeadline(at) // a recorder in a test has nothing to bound
}

// answer sends a complete document.
func (x *exchange) answer(status int, doc bson.Raw) error {
	body, err := x.append(nil, bsonval.FromDocument(doc))
	if err != nil {
		return err
	}
	x.send(status, x.contentType(), body)
	return nil
}

// append writes a value in the format of the answer.
func (x *exchange) append(dst []byte, v bson.RawValue) ([]byte, error) {
	if x.format == EJSON {
		return ejson.AppendCanonicalValue(dst, v)
	}
	return ejson.AppendJSONValue(dst, v)
}

func (x *exchange) contentType() string {
	if x.format == EJSON {
		return "application/ejson"
	}
	return "application/json"
}

// send writes a complete answer. Small clients cannot read chunks: its length is always stated.
func (x *exchange) send(status int, contentType string, body []byte) {
	h := x.w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.status = status
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body) // the client went away; nobody is left to tell
}

// refuse answers with an error, or cuts the connection if an answer has begun: what was sent must not look complete.
func (x *exchange) refuse(err error) {
	f := failureOf(err)
	// Whatever fails once the client has gone away, fails because of it.
	if errors.Is(err, errClientGone) || f.status >= http.StatusInternalServerError && x.r.Context().Err() != nil {
		x.aborted = true
		x.log(slog.LevelDebug, &failure{reason: "client_gone"})
		panic(http.ErrAbortHandler)
	}
	if f.code == codeReadSize && stores(actions[x.action].operation) {
		f.code = codeMongoDB // the size of a document that was to be stored
	}
	x.code = f.code
	level := slog.LevelInfo
	if f.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	x.log(level, f)
	if x.status != 0 {
		x.aborted = true
		panic(http.ErrAbortHandler)
	}
	switch f.status {
	case http.StatusMethodNotAllowed:
		x.w.Header().Set("Allow", cmp.Or(x.allow, http.MethodPost))
	case http.StatusTooManyRequests:
		x.w.Header().Set("Retry-After", "1")
	}
	x.send(f.status, "application/json", x.errorBody(f))
}

// errorBody is {error, error_code} and what a write had stored before it failed.
func (x *exchange) errorBody(f *failure) []byte {
	doc, start := bsonval.BeginDocument(nil)
	doc = bsonval.AppendElement(doc, "error", bsonval.FromString(f.text))
	doc = bsonval.AppendElement(doc, "error_code", bsonval.FromString(f.code))
	if f.done != nil {
		doc = appendDone(doc, actions[x.action].operation, f.done)
	}
	doc = bsonval.EndDocument(doc, start)
	body, err := x.append(nil, bsonval.FromDocument(doc))
	if err != nil { // an id that cannot be written; the rest still can
		return x.errorBody(&failure{text: f.text, code: f.code})
	}
	return body
}

// log writes the one line of a refusal. What caused it may quote data, and is for the debug level only.
func (x *exchange) log(level slog.Level, f *failure) {
	ctx := x.r.Context()
	ns := x.ns
	if ns == "" {
		ns = "unknown"
	}
	attrs := []slog.Attr{
		slog.String("request_id", x.id),
		slog.String("namespace", ns),
		slog.String("action", x.action),
		slog.String("user", echo.Name(x.user)),
		slog.String("code", f.code),
		slog.String("cause", f.reason),
	}
	if f.permission != "" {
		attrs = append(attrs, slog.String("role", f.role), slog.String("permission", f.permission), slog.String("path", echo.Name(f.path)))
	}
	x.s.Logger.LogAttrs(ctx, level, "refused", attrs...)
	if f.cause != nil {
		x.s.Logger.LogAttrs(ctx, slog.LevelDebug, "cause", slog.String("request_id", x.id), slog.String("error", f.cause.Error()))
	}
}

// end is deferred around the whole request. A panic is a bug of ours: the client learns nothing but that.
func (x *exchange) end() {
	p := recover()
	panicked := p != nil && p != http.ErrAbortHandler //nolint:errorlint // net/http compares it so, too
	if panicked {
		x.panicked(p)
	}
	x.s.Observe(Observation{
		Action: x.action, Status: x.status, Code: x.code, Aborted: x.aborted,
		Panicked: panicked, Duration: time.Since(x.begun),
	})
	if x.aborted {
		panic(http.ErrAbortHandler)
	}
}

func (x *exchange) panicked(p any) {
	what := fmt.Sprintf("%T", p) // the value itself may hold data
	if err, ok := p.(runtime.Error); ok {
		what = err.Error()
	}
	x.s.Logger.LogAttrs(x.r.Context(), slog.LevelError, "panic", slog.String("request_id", x.id),
		slog.String("value", what), slog.String("stack", string(debug.Stack())))
	x.code = codeInternal
	if x.status != 0 {
		x.aborted = true
		return
	}
	f := &failure{status: http.StatusInternalServerError, code: codeInternal, text: textInternal}
	x.send(f.status, "application/json", x.errorBody(f))
}
