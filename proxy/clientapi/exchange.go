package clientapi

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/cors"
	"github.com/rolegate/rolegate/internal/echo"
	"github.com/rolegate/rolegate/internal/ejson"
)

// exchange is one request with its answer.
type exchange struct {
	s     *server
	w     http.ResponseWriter
	r     *http.Request
	id    string
	begun time.Time

	action string
	vars   map[string]string
	user   string // id, once it is known
	code   string // of the refusal
	sent   bool   // an answer was
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var id [12]byte
	_, _ = rand.Read(id[:]) // never fails
	x := &exchange{s: s, w: w, r: r, id: hex.EncodeToString(id[:]), begun: time.Now()}
	h := w.Header()
	h.Set("X-Request-Id", x.id)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	defer x.end()
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	x.r = r.WithContext(ctx)
	c := http.NewResponseController(w) // a recorder in a test has nothing to bound
	_ = c.SetReadDeadline(x.begun.Add(timeout))
	_ = c.SetWriteDeadline(x.begun.Add(timeout + 10*time.Second))
	if err := s.serve(x); err != nil {
		x.refuse(err)
	}
}

func (s *server) serve(x *exchange) error {
	if !s.origins.Admit(x.w.Header(), x.r) {
		return &failure{status: http.StatusForbidden, code: codeDomain, text: "origin not allowed", reason: "origin"}
	}
	if cors.IsPreflight(x.r) {
		cors.Preflight(x.w.Header(), "GET, POST, PUT, DELETE")
		x.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	h, err := s.route(x)
	if err != nil {
		return err
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		return &failure{status: http.StatusTooManyRequests, code: codeBadRequest, text: "too many concurrent requests", reason: "concurrency"}
	}
	return h(x)
}

// body reads the request. A request without a body is as one with {}.
func (x *exchange) body() (bson.Raw, error) {
	text, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, maxBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, &failure{status: http.StatusRequestEntityTooLarge, code: codeBadRequest, text: "request body too large", reason: "body_size"}
		}
		return nil, &failure{status: http.StatusBadRequest, code: codeBadRequest, text: "cannot read the body", reason: "body", cause: err}
	}
	if len(text) == 0 {
		return bsonval.Empty(), nil
	}
	kind, _, err := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	// Without a type it comes from a program; a page that leaves it out would get around the preflight.
	if noType := x.r.Header.Get("Content-Type") == "" && x.r.Header.Get("Origin") == ""; !noType && (err != nil || kind != "application/json") {
		return nil, &failure{status: http.StatusUnsupportedMediaType, code: codeBadRequest, text: "the content type must be application/json", reason: "media_type"}
	}
	doc, err := ejson.Parse(text, ejson.Limits{MaxBytes: 2 * maxBody, MaxDepth: 20, MaxNames: 200})
	if err != nil {
		return nil, &failure{status: http.StatusBadRequest, code: codeParameter, text: err.Error(), reason: "invalid"}
	}
	return doc, nil
}

// texts reads required strings of the body. Other keys are those of client libraries, which send many.
func (x *exchange) texts(names ...string) ([]string, error) {
	doc, err := x.body()
	if err != nil {
		return nil, err
	}
	return texts(doc, names...)
}

func texts(doc bson.Raw, names ...string) ([]string, error) {
	values := make([]string, len(names))
	for i, name := range names {
		v, ok := bsonval.Lookup(doc, name)
		if !ok {
			return nil, &failure{status: http.StatusBadRequest, code: codeMissing, text: name + " is required", reason: "missing"}
		}
		if values[i], ok = bsonval.String(v); !ok {
			return nil, &failure{status: http.StatusBadRequest, code: codeParameter, text: name + " must be a string", reason: "invalid"}
		}
	}
	return values, nil
}

// bearer is the token of the Authorization header, which is sent once. Without one it is empty and belongs to nobody.
func (x *exchange) bearer() string {
	values := x.r.Header.Values("Authorization")
	if len(values) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// answer sends a value.
func (x *exchange) answer(status int, value any) error {
	t, data, err := bson.MarshalValue(value)
	if err != nil {
		return err
	}
	body, err := ejson.AppendRelaxedValue(nil, bson.RawValue{Type: t, Value: data})
	if err != nil {
		return err
	}
	x.send(status, body)
	return nil
}

// done answers without a body, and so without a type.
func (x *exchange) done(err error) error {
	if err == nil {
		x.sent = true
		x.w.WriteHeader(http.StatusNoContent)
	}
	return err
}

func (x *exchange) send(status int, body []byte) {
	h := x.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.sent = true
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body) // the client went away; nobody is left to tell
}

// refuse answers with an error, and writes the one line about it.
func (x *exchange) refuse(err error) {
	f := failureOf(err)
	x.code = f.code
	level := slog.LevelInfo
	if f.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	ctx := x.r.Context()
	x.s.Logger.LogAttrs(ctx, level, "refused", slog.String("request_id", x.id), slog.String("action", x.action),
		slog.String("user", echo.Name(x.user)), slog.String("code", f.code), slog.String("cause", f.reason))
	if f.cause != nil {
		x.s.Logger.LogAttrs(ctx, slog.LevelDebug, "cause", slog.String("request_id", x.id), slog.String("error", f.cause.Error()))
	}
	if f.status == http.StatusTooManyRequests {
		x.w.Header().Set("Retry-After", "1")
	}
	_ = x.answer(f.status, errorBody(f.code, f.text)) // strings can be written
}

func errorBody(code, text string) bson.D {
	return bson.D{{Key: "error", Value: text}, {Key: "error_code", Value: code}}
}

// end is deferred around the whole request. A panic is a bug of ours: the client learns nothing but that.
func (x *exchange) end() {
	p := recover()
	if p != nil {
		x.s.Logger.LogAttrs(x.r.Context(), slog.LevelError, "panic", slog.String("request_id", x.id),
			slog.String("value", fmt.Sprintf("%T", p)), slog.String("stack", string(debug.Stack())))
		x.code = codeInternal
		if !x.sent {
			_ = x.answer(http.StatusInternalServerError, errorBody(codeInternal, textInternal)) // strings can be written
		}
	}
	x.s.Observe(Observation{Action: x.action, Code: x.code, Panicked: p != nil, Duration: time.Since(x.begun)})
}
