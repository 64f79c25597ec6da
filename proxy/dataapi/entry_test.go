package dataapi_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/internal/webhook"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/proxy/dataapi"
	"github.com/rolegate/rolegate/rules"
)

const (
	badSecret   = `{"error":"incoming webhook authentication failed","error_code":"IncomingWebhookAuthFailed"}`
	notCallable = `{"error":"endpoint cannot be evaluated","error_code":"NotCallable"}`
	nobody      = `{"error":"invalid session: error finding user for endpoint","error_code":"InvalidSession"}`
	secret      = "hush"
)

// sign is the value of the header for a body.
func sign(body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// TestOrderOfRefusals asks for credentials, the secret, can_evaluate and a good body, in this order.
func TestOrderOfRefusals(t *testing.T) {
	const malformed = `{"dataSource":`
	refused := &proxy.Error{Kind: proxy.NotCallable, Message: "endpoint cannot be evaluated"}
	for _, tt := range []struct {
		name   string
		method webhook.Method
		key    string
		secret string // of the query
		signed string
		body   string
		refuse error
		status int
		answer string
	}{
		{"everything is wrong", webhook.InQuery, "bad", "wrong", "", malformed, refused, 401, nobody},
		{"all but the key is wrong", webhook.InQuery, "good-key", "wrong", "", malformed, refused, 401, badSecret},
		{"not let in, malformed", webhook.InQuery, "good-key", secret, "", malformed, refused, 401, notCallable},
		{"not let in", webhook.InQuery, "good-key", secret, "", findBody, refused, 401, notCallable},
		{"malformed", webhook.InQuery, "good-key", secret, "", malformed, nil, 400, ``},
		{"good", webhook.InQuery, "good-key", secret, "", findBody, nil, 200, `{"documents":[]}`},
		{"a wrong signature", webhook.Signature, "good-key", secret, sign(findBody + " "), findBody, refused, 401, badSecret},
		{"no signature, malformed", webhook.Signature, "good-key", secret, "", malformed, refused, 401, badSecret},
		{"signed, not let in", webhook.Signature, "good-key", "", sign(malformed), malformed, refused, 401, notCallable},
		{"signed", webhook.Signature, "good-key", "", sign(findBody), findBody, nil, 200, `{"documents":[]}`},
	} {
		f := &fake{refuse: tt.refuse}
		c := config(f)
		c.Guard = webhook.Guard{Method: tt.method, Secret: secret}
		res := post(dataapi.New(c), "find", tt.body, func(r *http.Request) {
			header("Apikey", tt.key, "Endpoint-Signature", tt.signed)(r)
			r.URL.RawQuery = "secret=" + tt.secret
		})
		if got := text(t, res); res.StatusCode != tt.status || tt.answer != "" && got != tt.answer {
			t.Errorf("%s: %d %s, want %d %s", tt.name, res.StatusCode, got, tt.status, tt.answer)
		}
		if _, asked := f.op.(proxy.Find); asked != (tt.status == 200) {
			t.Errorf("%s: carried out: %v", tt.name, f.op)
		}
	}
}

// What is signed is what is sent, not what it is unpacked to.
func TestSignatureOfGzip(t *testing.T) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(findBody)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	c := config(&fake{})
	c.Guard = webhook.Guard{Method: webhook.Signature, Secret: secret}
	for signed, want := range map[string]int{b.String(): 200, findBody: 401} {
		res := post(dataapi.New(c), "find", b.String(), header("Content-Encoding", "gzip", "Endpoint-Signature", sign(signed)))
		if res.StatusCode != want {
			t.Errorf("%q: %d, want %d", signed, res.StatusCode, want)
		}
	}
}

// TestAdmission tells can_evaluate what rules are told, and which requests store something.
func TestAdmission(t *testing.T) {
	for action, want := range map[string]struct {
		keys  string
		fresh bool
	}{
		"find": {``, false}, "aggregate": {`,"pipeline":[]`, false}, "deleteOne": {`,"filter":{}`, true},
		"findOneAndDelete": {`,"filter":{}`, true}, "bulkWrite": {`,"operations":[{"deleteOne":{"filter":{}}}]`, true},
	} {
		f := &fake{refuse: &proxy.Error{Kind: proxy.NotCallable}}
		post(dataapi.New(config(f)), action, strings.Replace(`{`+names+want.keys+`}`, "mongodb-atlas", "Cluster0", 1), nil)
		if r := f.caller.Request; f.fresh != want.fresh || r.Action != action || r.Service != "mongodb-atlas" || f.caller.User.ID != "key-user" {
			t.Errorf("%s: fresh %v, %+v", action, f.fresh, f.caller)
		}
	}
	f := &fake{refuse: &proxy.Error{Kind: proxy.Unavailable}}
	if res := post(dataapi.New(config(f)), "find", findBody, nil); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("custom data cannot be read: %d", res.StatusCode)
	}
}

// TestRunAs runs every request as whom the operator names, whatever credentials it has.
func TestRunAs(t *testing.T) {
	normal, server, system := &rules.User{ID: "u", Type: rules.NormalUser}, &rules.User{ID: "k", Type: rules.ServerUser}, &rules.User{Type: rules.SystemUser}
	for _, tt := range []struct {
		name   string
		user   *rules.User
		err    error
		status int
		answer string
		system bool
	}{
		{"a user", normal, nil, 200, `{"documents":[]}`, false},
		{"a server user", server, nil, 200, `{"documents":[]}`, false},
		{"the system", system, nil, 200, `{"documents":[]}`, true},
		{"nobody", nil, nil, 401, nobody, false},
		{"nobody there", nil, dataapi.ErrBadCredentials, 401, nobody, false},
		{"a disabled one", normal, dataapi.ErrUserDisabled, 401, `{"error":"user disabled","error_code":"UserDisabled"}`, false},
		{"who knows", nil, dataapi.ErrAuthUnavailable, 503, `{"error":"the service is unavailable","error_code":"InternalServerError"}`, false},
		{"a bug", nil, errors.New("surprise"), 500, `{"error":"internal server error","error_code":"InternalServerError"}`, false},
	} {
		for _, token := range []string{"", "Bearer good-token", "Bearer bad-token"} {
			f := &fake{}
			c := config(f)
			var asked rules.Request
			c.RunAs = func(_ context.Context, _ string, r rules.Request) (*rules.User, error) {
				asked = r
				return tt.user, tt.err
			}
			res := post(dataapi.New(c), "find", findBody, func(r *http.Request) {
				header("Apikey", "", "Authorization", token, "X-Tag", "t")(r)
				r.URL.RawQuery = "a=1&secret=x"
			})
			if got := text(t, res); res.StatusCode != tt.status || got != tt.answer {
				t.Errorf("%s, %q: %d %s, want %d %s", tt.name, token, res.StatusCode, got, tt.status, tt.answer)
			}
			if tt.status == 200 && (f.caller.User != tt.user || f.caller.System != tt.system) {
				t.Errorf("%s, %q: asks as %+v", tt.name, token, f.caller)
			}
			want := map[string][]string{"x-tag": {"t"}, "content-type": {"application/json"}}
			if diff := cmp.Diff(want, asked.Headers); diff != "" || asked.RawQueryString != "a=1" {
				t.Errorf("%s: asked with %+v\n%s", tt.name, asked, diff)
			}
		}
	}
}

// No page may call that is not listed: nobody asks a browser for credentials.
func TestRunAsFromPages(t *testing.T) {
	c := config(&fake{})
	c.RunAs = func(context.Context, string, rules.Request) (*rules.User, error) {
		return &rules.User{ID: "u", Type: rules.NormalUser}, nil
	}
	if res := post(dataapi.New(c), "find", findBody, header("Origin", "https://app.example")); res.StatusCode != http.StatusForbidden {
		t.Errorf("%d, want 403", res.StatusCode)
	}
	c.AllowedOrigins = []string{"https://app.example"}
	if res := post(dataapi.New(c), "find", findBody, header("Origin", "https://app.example")); res.StatusCode != http.StatusOK {
		t.Errorf("%d, want 200", res.StatusCode)
	}
}

// Credentials are nobody's to become the system with, whatever an Authenticator says.
func TestCredentialsOfTheSystem(t *testing.T) {
	f := &fake{}
	c := config(f)
	c.Authenticate = func(context.Context, dataapi.Credentials) (*rules.User, error) {
		return &rules.User{Type: rules.SystemUser}, nil
	}
	if post(dataapi.New(c), "find", findBody, nil); f.caller.System {
		t.Error("a key is that of the system")
	}
}

// TestRatesOfRunAs counts for addresses: one client must not use up what is everybody's.
func TestRatesOfRunAs(t *testing.T) {
	c := config(&fake{})
	c.UserRate, c.UserBurst = 1e-9, 2
	c.RunAs = func(context.Context, string, rules.Request) (*rules.User, error) {
		return &rules.User{ID: "u", Type: rules.NormalUser}, nil
	}
	status := func(h http.Handler, address string) int {
		return post(h, "find", findBody, func(r *http.Request) { r.RemoteAddr = address }).StatusCode
	}
	h := dataapi.New(c)
	for i, tt := range []struct {
		address string
		want    int
	}{{"192.0.2.1:1", 200}, {"192.0.2.1:2", 200}, {"192.0.2.1:3", 429}, {"192.0.2.2:1", 200}, {"[2001:db8::1]:1", 200}, {"[2001:db8::2]:1", 200}, {"[2001:db8::3]:1", 429}} {
		if got := status(h, tt.address); got != tt.want {
			t.Errorf("request %d: %d, want %d", i, got, tt.want)
		}
	}
	c.RunAs, c.AsSystem = nil, true
	h = dataapi.New(c)
	for range 5 {
		if got := status(h, "192.0.2.1:1"); got != 200 {
			t.Errorf("the system: %d, want 200", got)
		}
	}
	c.Guard = webhook.Guard{Method: webhook.InQuery, Secret: secret}
	h = dataapi.New(c)
	for i, want := range []int{401, 401, 429} {
		if got := status(h, "192.0.2.1:1"); got != want {
			t.Errorf("guess %d of the secret of the system: %d, want %d", i, got, want)
		}
	}
}
