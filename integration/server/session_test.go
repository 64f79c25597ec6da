package server_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/integration/testdb"
	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/internal/policytest"
	"github.com/rolegate/rolegate/internal/source"
)

const annPassword = `{"username":"Ann@X.org","password":"correct horse"}`

// TestSession follows one user from registration to deletion.
func TestSession(t *testing.T) {
	c, db := newClient(t)
	register := c.app("auth/providers/local-userpass/register")
	c.want("a short password", c.call("POST", register, "", `{"email":"ann@x.org","password":"12345"}`), 400, "BadRequest")
	c.want("no address", c.call("POST", register, "", `{"email":"ann","password":"123456"}`), 400, "BadRequest")
	c.want("no password", c.call("POST", register, "", `{"email":"ann@x.org"}`), 400, "MissingParameter")
	if r := c.call("POST", register, "stale.token.here", `{"email":"ann@x.org","password":"correct horse"}`); r.status != 201 || r.text != "{}" {
		t.Fatalf("register: %d %s", r.status, r.text)
	}
	c.want("register again", c.call("POST", register, "", `{"email":"ANN@x.org","password":"other password"}`), 409, "AccountNameInUse")

	c.want("a wrong password", c.login("local-userpass", `{"username":"ann@x.org","password":"wrong horse"}`), 401, "InvalidPassword")
	c.want("an unknown address", c.login("local-userpass", `{"username":"bob@x.org","password":"correct horse"}`), 401, "InvalidPassword")
	c.want("facebook", c.login("oauth2-facebook", `{"accessToken":"x"}`), 404, "AuthProviderNotFound")
	ann := c.mustLogin("local-userpass", annPassword)
	db.Seed(t, c.database, "notes",
		bson.D{{Key: "_id", Value: 1}, {Key: "owner", Value: ann.UserID}, {Key: "title", Value: "A"}},
		bson.D{{Key: "_id", Value: 2}, {Key: "owner", Value: "bob"}, {Key: "title", Value: "B"}},
	)
	const own = `200 {"documents":[{"title":"A"}]}`
	c.reads(ann.Access, own)
	for _, token := range []string{ann.Refresh, ann.Access + "x", ann.Access[:len(ann.Access)-2], "x"} {
		c.reads(token, "401 ")
	}
	if got := c.credentials("ann@x.org", "correct horse"); got != own {
		t.Errorf("e-mail headers: %s", got)
	}
	if got := c.credentials("ann@x.org", "wrong horse"); !strings.HasPrefix(got, `401 {"error":"invalid session: error finding user for endpoint"`) {
		t.Errorf("wrong e-mail headers: %s", got)
	}

	want := `{"user_id":"` + ann.UserID + `","domain_id":"`
	if r := c.call("GET", "auth/profile", ann.Access, ""); r.status != 200 || !strings.HasPrefix(r.text, want) ||
		!strings.Contains(r.text, `"provider_type":"local-userpass"}],"data":{"email":"ann@x.org"},"type":"normal"}`) {
		t.Errorf("profile: %d %s", r.status, r.text)
	}
	c.want("the profile of a refresh token", c.call("GET", "auth/profile", ann.Refresh, ""), 401, "InvalidSession")
	renewed := c.call("POST", "auth/session", ann.Refresh, "")
	c.want("refresh", renewed, 201, "")
	c.reads(renewed.Access, own)
	c.want("refresh with an access token", c.call("POST", "auth/session", ann.Access, ""), 401, "InvalidSession")

	// Logging out ends one session.
	other := c.mustLogin("local-userpass", annPassword)
	c.want("logout", c.call("DELETE", "auth/session", other.Refresh, ""), 204, "")
	if r := c.call("POST", "auth/session", other.Refresh, ""); r.status != 401 || r.Error != "invalid session: failed to find refresh token" {
		t.Errorf("refresh after logout: %d %s", r.status, r.text)
	}
	c.want("refresh of the other session", c.call("POST", "auth/session", ann.Refresh, ""), 201, "")

	// A deleted user is gone at once, and the address is free.
	c.want("delete", c.call("DELETE", "auth/delete", ann.Access, ""), 204, "")
	c.reads(ann.Access, "401 ")
	if r := c.call("DELETE", "auth/session", ann.Refresh, ""); r.status != 401 || r.Error != "invalid session: failed to find refresh token" {
		t.Errorf("logout of a deleted user: %d %s", r.status, r.text)
	}
	c.want("login of a deleted user", c.login("local-userpass", annPassword), 401, "InvalidPassword")
	c.want("register once more", c.call("POST", register, "", `{"email":"ann@x.org","password":"correct horse"}`), 201, "")
	if again := c.mustLogin("local-userpass", annPassword); again.UserID == ann.UserID {
		t.Error("a new account has the id of a deleted one")
	}
	for _, secret := range []string{"correct horse", ann.Access, ann.Refresh} {
		if strings.Contains(c.log.String(), secret) {
			t.Errorf("the log holds a credential:\n%s", c.log)
		}
	}
	for _, name := range []string{"rolegate_users", "rolegate_sessions"} {
		for _, d := range db.Dump(t, c.store, name) {
			if strings.Contains(d.String(), "correct horse") || strings.Contains(d.String(), ann.Refresh) {
				t.Errorf("a credential is stored: %s", d)
			}
		}
	}
}

// credentials asks with an address and a password in headers.
func (c client) credentials(email, password string) string {
	c.t.Helper()
	body := c.body("notes", `,"projection":{"title":1,"_id":0}`)
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url(c.s, "find"), strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("email", email)
	req.Header.Set("password", password)
	return c.send(req)
}

// TestRevocation holds that what an operator does to a user ends both tokens, so that no client library goes in circles.
func TestRevocation(t *testing.T) {
	db := testdb.Open(t)
	h := newHouse(t, db, usersApp)
	h.options.Settings = &source.File{Name: "settings", Text: []byte(`{"user_cache_ttl": "0s"}`)}
	s, _ := h.start()
	c, yes, no := client{h, s}, true, false
	users := c.users()
	c.want("register", c.call("POST", c.app("auth/providers/local-userpass/register"), "", `{"email":"ann@x.org","password":"correct horse"}`), 201, "")
	change := func(id string, ch auth.UserChange) func() error {
		return func() error { return users.Change(t.Context(), policytest.AppID, id, ch) }
	}
	for _, tt := range []struct {
		name            string
		how             func(id string) func() error
		access, refresh string // codes
	}{
		{"revoked", func(id string) func() error { return change(id, auth.UserChange{Revoke: true}) }, "InvalidSession", "InvalidSession"},
		{"disabled", func(id string) func() error { return change(id, auth.UserChange{Disabled: &yes}) }, "UserDisabled", "UserDisabled"},
		{"enabled", func(id string) func() error { return change(id, auth.UserChange{Disabled: &no}) }, "", ""},
		{"deleted", func(id string) func() error {
			return func() error { return users.Delete(t.Context(), policytest.AppID, id, time.Now()) }
		}, "InvalidSession", "InvalidSession"},
	} {
		var ann reply
		if tt.name == "enabled" {
			list := db.Dump(t, c.store, "rolegate_users")
			if err := tt.how(list[0].Lookup("_id", "user").StringValue())(); err != nil {
				t.Fatal(err)
			}
			ann = c.mustLogin("local-userpass", annPassword)
		} else {
			ann = c.mustLogin("local-userpass", annPassword)
			if err := tt.how(ann.UserID)(); err != nil {
				t.Fatal(err)
			}
		}
		status := map[bool]int{true: 200, false: 401}[tt.access == ""]
		data := c.ask(c.s, "Authorization", "Bearer "+ann.Access, "find", "notes", "")
		if !strings.HasPrefix(data, fmt.Sprint(status)) || !strings.Contains(data, tt.access) {
			t.Errorf("%s: the Data API: %s, want %d %s", tt.name, data, status, tt.access)
		}
		c.want(tt.name+": access", c.call("GET", "auth/profile", ann.Access, ""), status, tt.access)
		if status == 200 {
			status = 201
		}
		c.want(tt.name+": refresh", c.call("POST", "auth/session", ann.Refresh, ""), status, tt.refresh)
	}
}

// TestCacheIsForGoodNews holds that a session that was just opened works, although the process still remembers the user
// as they were before somebody else revoked all tokens.
func TestCacheIsForGoodNews(t *testing.T) {
	c, _ := newClient(t)
	users := c.users()
	c.want("register", c.call("POST", c.app("auth/providers/local-userpass/register"), "", `{"email":"ann@x.org","password":"correct horse"}`), 201, "")
	before := c.mustLogin("local-userpass", annPassword)
	c.want("before", c.call("GET", "auth/profile", before.Access, ""), 200, "") // remembered from here on
	if err := users.Change(t.Context(), policytest.AppID, before.UserID, auth.UserChange{Revoke: true}); err != nil {
		t.Fatal(err)
	}
	c.want("the old session", c.call("POST", "auth/session", before.Refresh, ""), 401, "InvalidSession")
	after := c.mustLogin("local-userpass", annPassword)
	c.want("the new session", c.call("GET", "auth/profile", after.Access, ""), 200, "")
}

// TestOtherLogins goes through the providers without passwords.
func TestOtherLogins(t *testing.T) {
	c, db := newClient(t)
	one, two := c.mustLogin("anon-user", ""), c.mustLogin("anon-user", `{"options":{"device":{"sdkVersion":"1"}}}`)
	if one.UserID == two.UserID {
		t.Error("two anonymous users are one")
	}
	c.want("refresh of an anonymous user", c.call("POST", "auth/session", one.Refresh, ""), 201, "")
	if r := c.call("GET", "auth/profile", one.Access, ""); !strings.Contains(r.text, `"provider_type":"anon-user"}],"data":{},"type":"normal"}`) {
		t.Errorf("profile: %s", r.text)
	}
	c.want("keys of an anonymous user", c.call("POST", "auth/api_keys", one.Refresh, `{"name":"k"}`), 400, "BadRequest")

	// A token of the identity provider: the subject is the id, and its data is kept.
	sam := c.mustLogin("custom-token", `{"token":"`+token("sam", bson.D{{Key: "team", Value: "red"}})+`"}`)
	if sam.UserID != "sam" {
		t.Errorf("the id of a subject is %s", sam.UserID)
	}
	if r := c.call("GET", "auth/profile", sam.Access, ""); !strings.Contains(r.text, `"data":{"team":"red"}`) {
		t.Errorf("profile: %s", r.text)
	}
	c.want("a bad token", c.login("custom-token", `{"token":"`+token("sam", nil)+`x"}`), 401, "AuthError")
	c.want("a subject that is somebody's id", c.login("custom-token", `{"token":"`+token(one.UserID, nil)+`"}`), 401, "AuthError")
	if got := c.ask(c.s, "jwtTokenString", token(strings.ToUpper(one.UserID), nil), "find", "notes", ""); !strings.HasPrefix(got, "401 ") {
		t.Errorf("a subject that is somebody's id in the Data API: %s", got)
	}

	// API keys of a user are the user.
	db.Seed(t, c.database, "notes", bson.D{{Key: "_id", Value: 1}, {Key: "owner", Value: "sam"}, {Key: "title", Value: "A"}})
	key := c.call("POST", "auth/api_keys", sam.Refresh, `{"name":"phone"}`)
	if key.status != 201 || key.Key == "" || len(key.ID) != 24 || key.Name != "phone" {
		t.Fatalf("create a key: %d %s", key.status, key.text)
	}
	c.want("the same name", c.call("POST", "auth/api_keys", sam.Refresh, `{"name":"phone"}`), 409, "APIKeyAlreadyExists")
	c.want("a bad name", c.call("POST", "auth/api_keys", sam.Refresh, `{"name":"my phone"}`), 400, "BadRequest")
	c.want("an access token", c.call("GET", "auth/api_keys", sam.Access, ""), 401, "InvalidSession")
	want := `{"_id":"` + key.ID + `","name":"phone","disabled":false}`
	if r := c.call("GET", "auth/api_keys", sam.Refresh, ""); r.text != "["+want+"]" {
		t.Errorf("list: %s", r.text)
	}
	if r := c.call("GET", "auth/api_keys/"+key.ID, sam.Refresh, ""); r.text != want {
		t.Errorf("one: %s", r.text)
	}
	eve := c.mustLogin("custom-token", `{"token":"`+token("eve", nil)+`"}`)
	c.want("a key of somebody else", c.call("DELETE", "auth/api_keys/"+key.ID, eve.Refresh, ""), 404, "APIKeyNotFound")
	byKey := c.mustLogin("api-key", `{"key":"`+key.Key+`"}`)
	if r := c.call("GET", "auth/profile", byKey.Access, ""); byKey.UserID != "sam" || !strings.Contains(r.text, `"type":"normal"`) {
		t.Errorf("profile by key: %s", r.text)
	}
	find := func() string {
		return c.ask(c.s, "apiKey", key.Key, "find", "notes", `,"projection":{"title":1,"_id":0}`)
	}
	if got := find(); got != `200 {"documents":[{"title":"A"}]}` {
		t.Errorf("find by key: %s", got)
	}
	for _, step := range []struct {
		method, path string
		works        bool
	}{
		{"PUT", "auth/api_keys/" + key.ID + "/disable", false},
		{"PUT", "auth/api_keys/" + key.ID + "/enable", true},
		{"DELETE", "auth/api_keys/" + key.ID, false},
	} {
		c.want(step.path, c.call(step.method, step.path, sam.Refresh, ""), 204, "")
		if got := find(); strings.HasPrefix(got, "200 ") != step.works {
			t.Errorf("after %s %s: %s", step.method, step.path, got)
		}
		if r := c.call("POST", "auth/session", byKey.Refresh, ""); (r.status == 201) != step.works {
			t.Errorf("the session of the key after %s %s: %d %s", step.method, step.path, r.status, r.text)
		}
	}

	// A server key has a session of its own.
	backend := c.mustLogin("api-key", `{"key":"`+c.createKey()+`"}`)
	if r := c.call("GET", "auth/profile", backend.Access, ""); !strings.Contains(r.text, `"data":{"name":"ci"},"type":"server"}`) {
		t.Errorf("profile of a server key: %s", r.text)
	}
	c.want("delete a server key", c.call("DELETE", "auth/delete", backend.Access, ""), 400, "BadRequest")
}

// TestClientPaths holds what is not there, and where the server says it is.
func TestClientPaths(t *testing.T) {
	c, _ := newClient(t)
	r := c.call("GET", c.app("location"), "", "")
	if host := c.s.Addr().String(); r.Hostname != "http://"+host || r.WSHostname != "ws://"+host {
		t.Errorf("location: %s", r.text)
	}
	for _, tt := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"GET", "app/other/location", "", 404, "BadRequest"},
		{"POST", c.app("location"), "", 405, "BadRequest"},
		{"GET", "auth/nothing", "", 404, "BadRequest"},
		{"GET", "auth//profile", "", 404, "BadRequest"},
		{"GET", "auth/profile", "", 401, "InvalidSession"},
		{"POST", c.app("auth/providers/local-userpass/reset/send"), `{"email":"a@x"}`, 400, "BadRequest"},
		{"POST", c.app("auth/providers/anon-user/login?link=true"), `{}`, 400, "BadRequest"},
		{"POST", c.app("auth/providers/local-userpass/login?link=true"), annPassword, 401, "InvalidSession"},
		{"POST", c.app("auth/providers/oauth2-google/login"), `{"authCode":"x"}`, 404, "AuthProviderNotFound"},
		{"POST", c.app("auth/providers/custom-token/login"), `{"token":1}`, 400, "InvalidParameter"},
		{"POST", c.app("auth/providers/custom-token/login"), `{`, 400, "InvalidParameter"},
		{"POST", c.app("auth/providers/custom-function/login"), `{}`, 404, "AuthProviderNotFound"},
		{"POST", c.app("auth/providers/anon-user/login"), `{"x":"` + strings.Repeat("x", 1<<17) + `"}`, 413, "BadRequest"},
	} {
		c.want(tt.method+" "+tt.path, c.call(tt.method, tt.path, "", tt.body), tt.status, tt.code)
	}
}

const customUserData = `
-- auth/custom_user_data.json --
{"enabled": true, "mongo_service_name": "mongodb-atlas", "database_name": "DB", "collection_name": "custom", "user_id_field": "user"}
`

// TestTokenClaims holds the claims that client libraries and applications read.
func TestTokenClaims(t *testing.T) {
	db := testdb.Open(t)
	h := newHouse(t, db, usersApp+customUserData)
	db.Seed(t, h.database, "custom", bson.D{{Key: "_id", Value: 1}, {Key: "user", Value: "sam"}, {Key: "plan", Value: "free"}})
	s, _ := h.start()
	c := client{h, s}
	sam := c.mustLogin("custom-token", `{"token":"`+token("sam", nil)+`"}`)
	for _, tt := range []struct {
		token string
		life  time.Duration
		want  []string
	}{
		{sam.Access, 30 * time.Minute, []string{"sub", "iat", "exp", "iss", "typ", "user_data", "baas_device_id", "baas_domain_id", "stitch_devId", "stitch_domainId"}},
		{sam.Refresh, 60 * 24 * time.Hour, []string{"sub", "iat", "exp", "typ", "baas_id", "baas_identity", "baas_data", "baas_device_id", "baas_domain_id", "stitch_id"}},
	} {
		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(tt.token, ".")[1])
		if err != nil {
			t.Fatal(err)
		}
		var claims map[string]any
		if err := json.Unmarshal(payload, &claims); err != nil {
			t.Fatalf("%s: %v", payload, err)
		}
		for _, name := range tt.want {
			if claims[name] == nil {
				t.Errorf("%s lacks %s", payload, name)
			}
		}
		if data, ok := claims["user_data"].(map[string]any); ok && data["plan"] != "free" {
			t.Errorf("custom user data: %v", data)
		}
		issued, _ := claims["iat"].(float64)
		expires, _ := claims["exp"].(float64)
		if claims["sub"] != "sam" || expires-issued != tt.life.Seconds() {
			t.Errorf("claims: %s", payload)
		}
	}
}

// TestLinking holds that an anonymous user who registers stays the same user, and that nobody takes what is somebody else's.
func TestLinking(t *testing.T) {
	c, _ := newClient(t)
	register := c.app("auth/providers/local-userpass/register")
	link := func(provider, token, body string) reply {
		return c.call("POST", c.app("auth/providers/"+provider+"/login?link=true"), token, body)
	}
	guest := c.mustLogin("anon-user", "")
	c.want("register", c.call("POST", register, "", `{"email":"ann@x.org","password":"correct horse"}`), 201, "")
	c.want("a wrong password", link("local-userpass", guest.Access, `{"username":"ann@x.org","password":"wrong horse"}`), 401, "InvalidPassword")
	linked := link("local-userpass", guest.Access, annPassword)
	if linked.status != 200 || linked.UserID != guest.UserID {
		t.Fatalf("link: %d %s", linked.status, linked.text)
	}
	c.want("link again", link("local-userpass", linked.Access, annPassword), 200, "")
	if again := c.mustLogin("local-userpass", annPassword); again.UserID != guest.UserID {
		t.Errorf("logged in as %s, want %s", again.UserID, guest.UserID)
	}
	if r := c.call("GET", "auth/profile", guest.Access, ""); !strings.Contains(r.text, `"provider_type":"anon-user"`) ||
		!strings.Contains(r.text, `"provider_type":"local-userpass"`) || !strings.Contains(r.text, `"data":{"email":"ann@x.org"}`) {
		t.Errorf("profile: %s", r.text)
	}
	jwt := `{"token":"` + token("auth0|1", nil) + `"}`
	c.want("link a token", link("custom-token", guest.Access, jwt), 200, "")
	if by := c.mustLogin("custom-token", jwt); by.UserID != guest.UserID {
		t.Errorf("logged in as %s, want %s", by.UserID, guest.UserID)
	}

	other := c.mustLogin("anon-user", "")
	c.want("somebody else's address", link("local-userpass", other.Access, annPassword), 409, "AccountNameInUse")
	c.want("somebody else's token", link("custom-token", other.Access, jwt), 409, "AccountNameInUse")
	c.want("somebody else's id", link("custom-token", other.Access, `{"token":"`+token(guest.UserID, nil)+`"}`), 401, "AuthError")
	c.want("register", c.call("POST", register, "", `{"email":"bob@x.org","password":"correct horse"}`), 201, "")
	c.mustLogin("local-userpass", `{"username":"bob@x.org","password":"correct horse"}`)
	c.want("an account in use", link("local-userpass", other.Access, `{"username":"bob@x.org","password":"correct horse"}`), 409, "AccountNameInUse")
}
