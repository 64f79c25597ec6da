package clientapi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/proxy/clientapi"
	"github.com/rolegate/rolegate/rules"
)

// accounts answers every login with the same error, and panics when asked to refresh.
type accounts struct {
	clientapi.Accounts
	err error
	got auth.Login
}

func (a *accounts) Login(_ context.Context, l auth.Login) (auth.Tokens, error) {
	a.got = l
	return auth.Tokens{Access: "a", Refresh: "r", User: "u"}, a.err
}

func (a *accounts) Holder(context.Context, string) (*rules.User, error) { return nil, a.err }

func (a *accounts) Refresh(context.Context, string) (string, error) { panic("a bug") }

const base = clientapi.Prefix + "app/my-app/auth/providers/"

func send(c clientapi.Config, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	c.AppID = "my-app"
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	clientapi.New(c).ServeHTTP(w, r)
	return w
}

func mustDoc(t *testing.T, doc bson.D) bson.Raw {
	t.Helper()
	raw, err := bson.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestLogin(t *testing.T) {
	t.Parallel()
	const plain = "application/json"
	for _, tt := range []struct {
		name, provider, body string
		headers              []string
		status               int
		want                 auth.Login
	}{
		{"password", "local-userpass", `{"username":"a","password":"p"}`, []string{"Content-Type", plain}, 200, auth.Login{Provider: "local-userpass", Email: "a", Secret: "p"}},
		{"with a charset", "api-key", `{"key":"k"}`, []string{"Content-Type", plain + ";charset=utf-8"}, 200, auth.Login{Provider: "api-key", Secret: "k"}},
		{"no type", "custom-token", `{"token":"t","options":{"device":{}}}`, nil, 200, auth.Login{Provider: "custom-token", Secret: "t"}},
		{"no body", "anon-user", ``, nil, 200, auth.Login{Provider: "anon-user"}},
		{"no type from a page", "custom-token", `{"token":"t"}`, []string{"Origin", "https://page"}, 415, auth.Login{}},
		{"a form", "custom-token", `{"token":"t"}`, []string{"Content-Type", "text/plain"}, 415, auth.Login{}},
		{"no key", "custom-token", `{"key":"t"}`, []string{"Content-Type", plain}, 400, auth.Login{}},
		{"a name twice", "custom-token", `{"token":"t","token":"u"}`, []string{"Content-Type", plain}, 400, auth.Login{}},
		{
			"a function", "custom-function", `{"pin":7,"options":{"device":{}}}`,
			[]string{"Content-Type", plain},
			200,
			auth.Login{Provider: "custom-function", Payload: mustDoc(t, bson.D{{Key: "pin", Value: 7}})},
		},
		{"an unknown provider", "custom-functions", `{}`, []string{"Content-Type", plain}, 404, auth.Login{}},
		{"a coded path", "custom%2Dtoken", `{"token":"t"}`, []string{"Content-Type", plain}, 404, auth.Login{}},
		{"a body too large", "anon-user", strings.Repeat(" ", 1<<17), []string{"Content-Type", plain}, 413, auth.Login{}},
	} {
		a := &accounts{}
		w := send(clientapi.Config{Accounts: a}, "POST", base+tt.provider+"/login", tt.body, tt.headers...)
		if tt.want.Provider != "" {
			tt.want.RemoteAddress = "192.0.2.1"
		}
		if diff := cmp.Diff(tt.want, a.got); diff != "" || w.Code != tt.status {
			t.Errorf("%s: %d %s\n%s", tt.name, w.Code, w.Body, diff)
		}
	}
}

// TestErrors holds what client libraries act on.
func TestErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err            error
		login, profile string
	}{
		{auth.ErrFailed, `401 {"error":"authentication failed","error_code":"AuthError"}`, `401 {"error":"invalid session","error_code":"InvalidSession"}`},
		{auth.ErrExpired, `401 {"error":"authentication failed","error_code":"AuthError"}`, `401 {"error":"invalid session: access token expired","error_code":"InvalidSession"}`},
		{auth.ErrDisabled, `401 {"error":"user disabled","error_code":"UserDisabled"}`, `401 {"error":"user disabled","error_code":"UserDisabled"}`},
		{auth.ErrUnconfirmed, `401 {"error":"confirmation required","error_code":"AuthError"}`, `401 {"error":"confirmation required","error_code":"AuthError"}`},
		{auth.ErrTooMany, `429 {"error":"too many attempts","error_code":"BadRequest"}`, `429 {"error":"too many attempts","error_code":"BadRequest"}`},
		{auth.ErrUnavailable, `503 {"error":"the service is unavailable","error_code":"InternalServerError"}`, `503 {"error":"the service is unavailable","error_code":"InternalServerError"}`},
		{errors.New("hush"), `500 {"error":"internal server error","error_code":"InternalServerError"}`, `500 {"error":"internal server error","error_code":"InternalServerError"}`},
	} {
		c := clientapi.Config{Accounts: &accounts{err: fmt.Errorf("%w: hush", tt.err)}}
		for path, want := range map[string]string{"POST " + base + "api-key/login": tt.login, "GET " + clientapi.Prefix + "auth/profile": tt.profile} {
			method, target, _ := strings.Cut(path, " ")
			w := send(c, method, target, `{"key":"k"}`, "Content-Type", "application/json")
			if got := fmt.Sprintf("%d %s", w.Code, w.Body); got != want || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("%v, %s: %s (%s), want %s", tt.err, path, got, w.Header().Get("Content-Type"), want)
			}
		}
	}
}

func TestPanic(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	var seen clientapi.Observation
	c := clientapi.Config{
		Accounts: &accounts{}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Observe: func(o clientapi.Observation) { seen = o },
	}
	w := send(c, "POST", clientapi.Prefix+"auth/session", "")
	if w.Code != 500 || strings.Contains(w.Body.String(), "bug") || strings.Contains(log.String(), "a bug") {
		t.Errorf("%d %s, log %s", w.Code, w.Body, &log)
	}
	if !seen.Panicked || seen.Action != "session" || seen.Code != "InternalServerError" {
		t.Errorf("observed %+v", seen)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	c := clientapi.Config{Accounts: &accounts{}, AllowedOrigins: []string{"https://page"}, PublicURL: "https://api.example.com"}
	location := clientapi.Prefix + "app/my-app/location"
	preflight := send(c, "OPTIONS", location, "", "Origin", "https://page", "Access-Control-Request-Method", "GET")
	if h := preflight.Header(); preflight.Code != 204 || h.Get("Access-Control-Allow-Methods") != "GET, POST, PUT, DELETE" ||
		h.Get("Access-Control-Allow-Headers") != "Authorization, Content-Type, Accept" || h.Get("Access-Control-Allow-Origin") != "https://page" {
		t.Errorf("preflight: %d %v", preflight.Code, h)
	}
	if w := send(c, "GET", location, "", "Origin", "https://other"); w.Code != 403 || w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("another page: %d %s", w.Code, w.Body)
	}
	want := `{"deployment_model":"LOCAL","location":"US-VA","hostname":"https://api.example.com","ws_hostname":"wss://api.example.com"}`
	if w := send(c, "GET", location, "", "Origin", "https://page"); w.Code != http.StatusOK || w.Body.String() != want {
		t.Errorf("location: %d %s", w.Code, w.Body)
	}
}
