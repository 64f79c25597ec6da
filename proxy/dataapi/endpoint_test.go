package dataapi_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/internal/jsfunc"
	"github.com/rolegate/rolegate/internal/webhook"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/proxy/dataapi"
	"github.com/rolegate/rolegate/rules"
)

// functions answers with one response, and remembers whom it was called for.
type functions struct {
	response jsfunc.Response
	user     string
	system   bool
	err      error

	served []proxy.Caller
	asked  int // scripts
}

func (f *functions) Serve(_ context.Context, c proxy.Caller, _ proxy.Endpoint) (*jsfunc.Response, error) {
	f.served = append(f.served, c)
	return &f.response, f.err
}

func (f *functions) UserOf(context.Context, proxy.Caller, proxy.Endpoint) (user string, system bool, err error) {
	f.asked++
	return f.user, f.system, f.err
}

func endpointHandler(f *functions, c dataapi.Config, e dataapi.Endpoint) http.Handler {
	e.Route, e.Name = "/hook", "POST /hook"
	if e.Methods == nil {
		e.Methods = []string{http.MethodPost}
	}
	c.AppID, c.Authenticate, c.Operations, c.Functions = "demo-abcde", authenticate, &fake{}, f
	c.Endpoints = []dataapi.Endpoint{e}
	c.FindUser = func(_ context.Context, id string) (*rules.User, error) {
		if id != "ann" {
			return nil, dataapi.ErrBadCredentials
		}
		return &rules.User{ID: id, Type: rules.NormalUser}, nil
	}
	return dataapi.New(c)
}

func call(h http.Handler, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/app/demo-abcde/endpoint/hook", strings.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// Nothing of an app runs for somebody who is not let in.
func TestEndpointRefusesBeforeItCalls(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config   dataapi.Config
		endpoint dataapi.Endpoint
		body     string
		headers  []string
		want     int
	}{
		"no credentials":        {want: 400},
		"wrong credentials":     {headers: []string{"apiKey", "wrong"}, want: 401},
		"a body that is large":  {config: dataapi.Config{MaxBody: 3}, body: "1234", headers: []string{"apiKey", "good-key"}, want: 413},
		"no gzip":               {body: "x", headers: []string{"apiKey", "good-key", "Content-Encoding", "gzip"}, want: 400},
		"no secret":             {endpoint: dataapi.Endpoint{AsSystem: true, Guard: webhook.Guard{Method: webhook.InQuery, Secret: "s"}}, want: 401},
		"no secret on our side": {endpoint: dataapi.Endpoint{AsSystem: true, Guard: webhook.Guard{Method: webhook.InQuery}}, want: 401},
		"no signature":          {endpoint: dataapi.Endpoint{AsSystem: true, Guard: webhook.Guard{Method: webhook.Signature}}, want: 401},
		"another page":          {config: dataapi.Config{AllowedOrigins: []string{"https://a.example"}}, headers: []string{"apiKey", "good-key", "Origin", "https://b.example"}, want: 403},
		"any page, as a user":   {endpoint: dataapi.Endpoint{UserID: "ann"}, headers: []string{"Origin", "https://b.example"}, want: 403},
		"nobody's id":           {endpoint: dataapi.Endpoint{UserID: "bob"}, want: 401},
		"no secret, a script":   {endpoint: dataapi.Endpoint{Script: true, Guard: webhook.Guard{Method: webhook.InQuery, Secret: "s"}}, want: 401},
	} {
		f := &functions{}
		w := call(endpointHandler(f, c.config, c.endpoint), c.body, c.headers...)
		if w.Code != c.want || len(f.served)+f.asked > 0 {
			t.Errorf("%s: %d %s, %d calls; want %d and none", name, w.Code, w.Body, len(f.served)+f.asked, c.want)
		}
	}
}

// As whom an endpoint runs: the system before a user, a user before a script.
func TestEndpointCaller(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		endpoint  dataapi.Endpoint
		functions functions
		user      string
		system    bool
	}{
		"credentials":         {user: "key-user"},
		"the system":          {endpoint: dataapi.Endpoint{AsSystem: true, UserID: "ann", Script: true}, system: true},
		"a user":              {endpoint: dataapi.Endpoint{UserID: "ann", Script: true}, functions: functions{user: "bob"}, user: "ann"},
		"a script's user":     {endpoint: dataapi.Endpoint{Script: true}, functions: functions{user: "ann"}, user: "ann"},
		"a script's system":   {endpoint: dataapi.Endpoint{Script: true}, functions: functions{system: true}, system: true},
		"listed, from a page": {endpoint: dataapi.Endpoint{AsSystem: true}, system: true},
	} {
		config := dataapi.Config{AllowedOrigins: []string{"https://a.example"}}
		w := call(endpointHandler(&c.functions, config, c.endpoint), "", "apiKey", "good-key", "Origin", "https://a.example")
		if w.Code != 200 || len(c.functions.served) != 1 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
			continue
		}
		if got := c.functions.served[0]; got.User.ID != c.user || got.System != c.system {
			t.Errorf("%s: it runs as %q, the system: %v", name, got.User.ID, got.System)
		}
	}
}

// Requests of one user are counted together, whether they come to an endpoint or to the Data API.
func TestEndpointRate(t *testing.T) {
	t.Parallel()
	h := endpointHandler(&functions{}, dataapi.Config{UserRate: 0.001, UserBurst: 1}, dataapi.Endpoint{})
	if w := call(h, "", "jwtTokenString", "good-jwt"); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if w := call(h, "", "jwtTokenString", "good-jwt"); w.Code != 429 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := call(h, "", "apiKey", "good-key"); w.Code != 200 {
		t.Errorf("a server key: %d %s", w.Code, w.Body)
	}
}

// What a function failed on stays here, and so does what is too large to send.
func TestEndpointFailures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		functions functions
		want      string
	}{
		"the function": {functions{err: &proxy.Error{Kind: proxy.FunctionFailed, Message: "hush", Cause: io.EOF}}, `400 {"error":"the function failed","error_code":"FunctionExecutionError"}`},
		"its time":     {functions{err: &proxy.Error{Kind: proxy.TimedOut, Message: "hush"}}, `504 {"error":"execution time limit exceeded","error_code":"ExecutionTimeLimitExceeded"}`},
		"can_evaluate": {functions{err: &proxy.Error{Kind: proxy.NotCallable, Message: "hush"}}, `401 {"error":"endpoint cannot be evaluated","error_code":"NotCallable"}`},
		"a surprise":   {functions{err: io.ErrUnexpectedEOF}, `500 {"error":"internal server error","error_code":"InternalServerError"}`},
		"its size":     {functions{response: jsfunc.Response{Body: []byte("12345"), Literal: true}}, `400 {"error":"the answer exceeds 0 MB","error_code":"ReadSizeLimitExceeded"}`},
	} {
		w := call(endpointHandler(&c.functions, dataapi.Config{MaxResponse: 4}, dataapi.Endpoint{}), "", "apiKey", "good-key")
		if diff := cmp.Diff(c.want, fmt.Sprintf("%d %s", w.Code, w.Body)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
