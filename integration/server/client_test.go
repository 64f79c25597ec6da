package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rolegate/rolegate/integration/testdb"
	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/internal/mongostore"
	"github.com/rolegate/rolegate/internal/server"
)

// usersApp is an export with all providers that are there.
var usersApp = strings.Replace(app, `"api-key": {`, `"anon-user": {"name": "anon-user", "type": "anon-user", "disabled": false},
  "local-userpass": {"name": "local-userpass", "type": "local-userpass", "config": {"autoConfirm": true}},
  "api-key": {`, 1)

// client talks to the client API.
type client struct {
	*house
	s *server.Server
}

// reply is an answer of the client API.
type reply struct {
	status                     int
	text                       string
	Access                     string `json:"access_token"`
	Refresh                    string `json:"refresh_token"`
	UserID                     string `json:"user_id"`
	DeviceID                   string `json:"device_id"`
	Error, Key, Name, Hostname string
	ID                         string `json:"_id"`
	Code                       string `json:"error_code"`
	WSHostname                 string `json:"ws_hostname"`
}

func (c client) call(method, path, token, body string) reply {
	c.t.Helper()
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, "http://"+c.s.Addr().String()+"/api/client/v2.0/"+path, content)
	if err != nil {
		c.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if c.from != "" {
		req.Header.Set("X-Forwarded-For", c.from)
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}).Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }() // the body has been read
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	// What client libraries insist on.
	want := []string{"application/json"}
	if len(text) == 0 {
		want = nil
	}
	if got := res.Header.Values("Content-Type"); strings.Join(got, ",") != strings.Join(want, ",") {
		c.t.Errorf("%s %s: content type %q, want %q", method, path, got, want)
	}
	out := reply{status: res.StatusCode, text: string(text)}
	if bytes.HasPrefix(text, []byte("{")) {
		if err := json.Unmarshal(text, &out); err != nil {
			c.t.Fatalf("%s %s: %s: %v", method, path, text, err)
		}
	}
	return out
}

func (c client) app(path string) string { return "app/" + c.s.AppID() + "/" + path }

func (c client) login(provider, body string) reply {
	c.t.Helper()
	return c.call(http.MethodPost, c.app("auth/providers/"+provider+"/login"), "", body)
}

// mustLogin logs in and holds the shape of the answer.
func (c client) mustLogin(provider, body string) reply {
	c.t.Helper()
	r := c.login(provider, body)
	if r.status != http.StatusOK || r.UserID == "" || r.DeviceID != "000000000000000000000000" ||
		strings.Count(r.Access, ".") != 2 || strings.Count(r.Refresh, ".") != 2 {
		c.t.Fatalf("login with %s: %d %s", provider, r.status, r.text)
	}
	return r
}

// want compares a reply with "status" or "status code".
func (c client) want(what string, r reply, status int, code string) {
	c.t.Helper()
	if r.status != status || r.Code != code {
		c.t.Errorf("%s: %d %s, want %d %s", what, r.status, r.text, status, code)
	}
}

// reads tells whether a token reads the notes of its user.
func (c client) reads(token, want string) {
	c.t.Helper()
	if got := c.ask(c.s, "Authorization", "Bearer "+token, "find", "notes", `,"projection":{"title":1,"_id":0}`); !strings.HasPrefix(got, want) {
		c.t.Errorf("find: %s, want %s", got, want)
	}
}

func newClient(t *testing.T) (client, *testdb.Server) {
	t.Helper()
	db := testdb.Open(t)
	h := newHouse(t, db, usersApp)
	s, _ := h.start()
	return client{h, s}, db
}

// users opens the store as the commands do, beside the server.
func (c client) users() auth.UserStore {
	c.t.Helper()
	store, err := mongostore.Open(c.t.Context(), mongostore.Config{StoreURI: c.db.URI, StoreDatabase: c.store})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = store.Close(context.Background()) })
	return store.Users()
}
