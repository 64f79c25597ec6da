package server_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rolegate/rolegate/integration/testdb"
	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/internal/policytest"
)

// altered changes one claim of a token and leaves the signature.
func altered(t *testing.T, token, claim, value string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	payload, err := decode(parts[1])
	if err != nil || !strings.Contains(payload, claim) {
		t.Fatalf("%s lacks %s: %v", payload, claim, err)
	}
	return parts[0] + "." + b64(strings.Replace(payload, claim, value, 1)) + "." + parts[2]
}

// resigned signs what a token of ours says with another key.
func resigned(t *testing.T, token, key string) string {
	t.Helper()
	payload, err := decode(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return mac256(headerHS, payload, key)
}

// TestHostileSessions shows tokens of our own that must not be accepted.
func TestHostileSessions(t *testing.T) {
	db := testdb.Open(t)
	c, _ := newFunctionsClient(t, usersApp)
	elsewhere := client{newHouse(t, db, strings.ReplaceAll(usersApp, policytest.AppID, "other-app")), nil}
	s, _ := elsewhere.start()
	elsewhere.s = s
	users := c.users()
	guest := func() reply { return c.mustLogin("anon-user", "") }
	live, out, gone, off, revoked := guest(), guest(), guest(), guest(), guest()
	yes := true
	for _, err := range []error{
		users.Delete(t.Context(), policytest.AppID, gone.UserID, time.Now()),
		users.Change(t.Context(), policytest.AppID, off.UserID, auth.UserChange{Disabled: &yes}),
		users.Change(t.Context(), policytest.AppID, revoked.UserID, auth.UserChange{Revoke: true}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	c.want("log out", c.call("DELETE", "auth/session", out.Refresh, ""), 204, "")
	foreign := elsewhere.mustLogin("anon-user", "")
	for _, tt := range []struct{ name, access, refresh, code string }{
		{"each in the place of the other", live.Refresh, live.Access, "InvalidSession"},
		{"of a user who is deleted", gone.Access, gone.Refresh, "InvalidSession"},
		{"of a user who is disabled", off.Access, off.Refresh, "UserDisabled"},
		{"of a user whose tokens are revoked", revoked.Access, revoked.Refresh, "InvalidSession"},
		{"of another app", foreign.Access, foreign.Refresh, "InvalidSession"},
		{"with another type", altered(t, live.Access, `"typ":"access"`, `"typ":"refresh"`), altered(t, live.Refresh, `"typ":"refresh"`, `"typ":"access"`), "InvalidSession"},
		{"with another user", altered(t, live.Access, live.UserID, out.UserID), altered(t, live.Refresh, live.UserID, out.UserID), "InvalidSession"},
		{"with a later end", altered(t, live.Access, `"exp":`, `"exp":9`), altered(t, live.Refresh, `"exp":`, `"exp":9`), "InvalidSession"},
		{"with a count of revocations", altered(t, live.Access, `"rolegate_revoked":0`, `"rolegate_revoked":1`), altered(t, live.Refresh, `"rolegate_revoked":0`, `"rolegate_revoked":1`), "InvalidSession"},
		{"signed with the key of the provider", resigned(t, live.Access, policytest.TokenSecret), resigned(t, live.Refresh, policytest.TokenSecret), "InvalidSession"},
		{"signed with no key", resigned(t, live.Access, ""), resigned(t, live.Refresh, ""), "InvalidSession"},
		{"half of them", live.Access[:len(live.Access)/2], live.Refresh[:len(live.Refresh)/2], "InvalidSession"},
		{"without a signature", live.Access[:strings.LastIndexByte(live.Access, '.')+1], live.Refresh[:strings.LastIndexByte(live.Refresh, '.')+1], "InvalidSession"},
		{"none", "", "", "InvalidSession"},
		{"of an identity provider", claimed(), claimed(), "InvalidSession"},
	} {
		for door, token := range map[string]string{
			"GET auth/profile": tt.access, "DELETE auth/delete": tt.access,
			"POST auth/session": tt.refresh, "DELETE auth/session": tt.refresh, "GET auth/api_keys": tt.refresh,
		} {
			method, path, _ := strings.Cut(door, " ")
			if got := c.door(method, path, "", "Authorization", "Bearer "+token); got != "401 "+tt.code {
				t.Errorf("%s: tokens %s: %s, want 401 %s", door, tt.name, got, tt.code)
			}
		}
		if tt.name == "of an identity provider" {
			continue // which the Data API takes
		}
		if got := c.find("Authorization", "Bearer "+tt.access); got != "401 "+tt.code {
			t.Errorf("find: tokens %s: %s, want 401 %s", tt.name, got, tt.code)
		}
	}
	if got := c.door("POST", "auth/session", "", "Authorization", "Bearer "+live.Refresh); !strings.HasPrefix(got, "201 ") {
		t.Errorf("a good session after all that: %s", got)
	}
}

// TestHostileCredentials shows everything else that must not be taken for credentials.
func TestHostileCredentials(t *testing.T) {
	c, _ := newFunctionsClient(t, usersApp)
	register := c.app("auth/providers/local-userpass/register")
	c.want("register", c.call("POST", register, "", account("ann@x.org")), 201, "")
	c.mustLogin("local-userpass", credentials("ann@x.org"))
	good, jwt := c.createKey(), claimed()
	id, secret := good[:28], good[29:]
	providers := c.app("auth/providers/")
	const malformed, wrong, refused, guess = "400 InvalidParameter", "401 InvalidSession", "401 AuthError", "401 InvalidPassword"
	find := func(want string, headers ...string) func() (string, string) {
		return func() (string, string) { return c.find(headers...), want }
	}
	login := func(want, provider, body string) func() (string, string) {
		return func() (string, string) { return c.door("POST", providers+provider, body), want }
	}
	attempts := []struct {
		name string
		ask  func() (got, want string)
	}{
		// Headers of the Data API.
		{"nothing", find(malformed)},
		{"an empty key", find(malformed, "apiKey", "")},
		{"another scheme", find(malformed, "Authorization", "Basic YW5uOmNvcnJlY3QgaG9yc2U=")},
		{"a cookie", find(malformed, "Cookie", "apiKey="+good+"; jwtTokenString="+jwt)},
		{"an address alone", find("400 MissingParameter", "email", "ann@x.org")},
		{"a password alone", find("400 MissingParameter", "password", "correct horse")},
		{"an address and a good key", find("400 MissingParameter", "email", "ann@x.org", "apiKey", good)},
		{"a wrong password and a good key", find(wrong, "email", "ann@x.org", "password", "wrong horse", "apiKey", good)},
		{"a wrong key and a good token", find(wrong, "apiKey", good[:60]+"0000000000000000000000000000000000", "jwtTokenString", jwt)},
		{"a wrong Bearer and a good key", find(wrong, "Authorization", "Bearer x", "apiKey", good)},
		{"an empty Bearer and a good key", find(wrong, "Authorization", "Bearer ", "apiKey", good)},
		{"a key as Bearer", find(wrong, "Authorization", "Bearer "+good)},
		{"two Bearers", find(wrong, "Authorization", "Bearer "+jwt, "Authorization", "Bearer "+jwt)},
		{"two tokens in one Bearer", find(wrong, "Authorization", "Bearer "+jwt+" "+jwt)},
		{"two keys", find(wrong, "apiKey", good, "apiKey", good[:len(good)-1]+"x")},
		{"two keys under two names", find(wrong, "apiKey", good, "api-key", good[:len(good)-1]+"x")},
		{"two tokens", find(wrong, "jwtTokenString", jwt, "jwtTokenString", claimed("sub", `"bob"`))},
		{"two addresses", find(wrong, "email", "ann@x.org", "email", "bob@x.org", "password", "correct horse")},
		{"an unknown address", find(wrong, "email", "bob@x.org", "password", "correct horse")},
		{"no address at all", find(wrong, "email", "ann", "password", "correct horse")},
		{"a token as key", find(wrong, "apiKey", jwt)},
		{"a key as token", find(wrong, "jwtTokenString", good)},
		{"credentials in the address", func() (string, string) {
			return c.try(http.MethodPost, c.url(c.s, "find")+"?apiKey="+good+"&jwtTokenString="+jwt, c.body("notes", "")), malformed
		}},
		{"credentials in the body", func() (string, string) {
			return c.try(http.MethodPost, c.url(c.s, "find"), c.body("notes", `,"apiKey":"`+good+`","jwtTokenString":"`+jwt+`"`)), malformed
		}},

		// Keys.
		{"a key without its prefix", find(wrong, "apiKey", strings.TrimPrefix(good, "rgk_"))},
		{"a key without its secret", find(wrong, "apiKey", id)},
		{"a key with an empty secret", find(wrong, "apiKey", id+"_")},
		{"a key with half a secret", find(wrong, "apiKey", id+"_"+secret[:32])},
		{"a key with another secret", find(wrong, "apiKey", id+"_"+strings.Repeat("0", len(secret)))},
		{"a key with its secret in capitals", find(wrong, "apiKey", id+"_"+strings.ToUpper(secret))},
		{"a key with more behind it", find(wrong, "apiKey", good+"0")},
		{"a key of an unknown id", find(wrong, "apiKey", "rgk_5f0000000000000000000001_"+secret)},
		{"a key of an id in capitals", find(wrong, "apiKey", "rgk_"+strings.ToUpper(id[4:])+"_"+secret)},
		{"a key of no id", find(wrong, "apiKey", "rgk__"+secret)},
		{"a key with an operator as id", find(wrong, "apiKey", `rgk_{"$ne":""}_`+secret)},
		{"a long key", find(wrong, "apiKey", "rgk_"+strings.Repeat("0", 20000)+"_"+secret)},

		// Logins.
		{"a wrong key to log in", login(refused, "api-key/login", `{"key":"`+good[:len(good)-1]+`x"}`)},
		{"an operator as key", login(malformed, "api-key/login", `{"key":{"$ne":null}}`)},
		{"keys", login(malformed, "api-key/login", `{"key":["`+good+`"]}`)},
		{"the key twice", login(malformed, "api-key/login", `{"key":"x","key":"`+good+`"}`)},
		{"no key", login("400 MissingParameter", "api-key/login", `{"Key":"`+good+`"}`)},
		{"a wrong password", login(guess, "local-userpass/login", `{"username":"ann@x.org","password":"wrong horse"}`)},
		{"an empty password", login(guess, "local-userpass/login", `{"username":"ann@x.org","password":""}`)},
		{"a password of another case", login(guess, "local-userpass/login", `{"username":"ann@x.org","password":"Correct Horse"}`)},
		{"the password with NUL behind it", login(guess, "local-userpass/login", `{"username":"ann@x.org","password":"correct horse\u0000"}`)},
		{"a password that is too long", login(guess, "local-userpass/login", `{"username":"ann@x.org","password":"`+strings.Repeat("x", 30000)+`"}`)},
		{"the address with NUL behind it", login(guess, "local-userpass/login", `{"username":"ann@x.org\u0000","password":"correct horse"}`)},
		{"an operator as password", login(malformed, "local-userpass/login", `{"username":"ann@x.org","password":{"$gt":""}}`)},
		{"an operator as address", login(malformed, "local-userpass/login", `{"username":{"$gt":""},"password":"correct horse"}`)},
		{"a regular expression as address", login(malformed, "local-userpass/login", `{"username":{"$regex":"a"},"password":"correct horse"}`)},
		{"no password", login("400 MissingParameter", "local-userpass/login", `{"username":"ann@x.org"}`)},
		{"a list", login(malformed, "local-userpass/login", `[{"username":"ann@x.org","password":"correct horse"}]`)},
		{"no JSON", login(malformed, "local-userpass/login", `username=ann@x.org&password=correct+horse`)},
		{"a large body", login("413 BadRequest", "local-userpass/login", `{"x":"`+strings.Repeat("x", 70000)+`"}`)},
		{"a provider that does not exist", login("404 AuthProviderNotFound", "admin/login", `{}`)},
		{"a provider in capitals", login("404 AuthProviderNotFound", "ANON-USER/login", `{}`)},
		{"a provider that is off", login("404 AuthProviderNotFound", "custom-function/login", `{"id":"ann"}`)},
		{"a provider that is not configured", login("404 AuthProviderNotFound", "oauth2-google/login", `{"id_token":"`+jwt+`"}`)},
		{"a provider with NUL", login("404 AuthProviderNotFound", "anon-user%00/login", `{}`)},
		{"a provider by a detour", login("404 BadRequest", "x/../anon-user/login", `{}`)},

		// Tokens of mails.
		{"no such token to reset", login("400 UserpassTokenInvalid", "local-userpass/reset", `{"tokenId":"5f0000000000000000000001","token":"x","password":"another horse"}`)},
		{"a user's own id to reset", login("400 UserpassTokenInvalid", "local-userpass/reset", `{"tokenId":"`+c.mustLogin("local-userpass", credentials("ann@x.org")).UserID+`","token":"","password":"another horse"}`)},
		{"no such token to confirm", login("400 UserpassTokenInvalid", "local-userpass/confirm", `{"tokenId":"5f0000000000000000000001","token":"x"}`)},
		{"an operator as token", login(malformed, "local-userpass/confirm", `{"tokenId":"5f0000000000000000000001","token":{"$exists":false}}`)},
		{"an operator as id of a token", login(malformed, "local-userpass/reset", `{"tokenId":{"$ne":""},"token":"x","password":"another horse"}`)},
	}
	for _, tt := range attempts {
		if got, want := tt.ask(); got != want {
			t.Errorf("%s: %s, want %s", tt.name, got, want)
		}
	}
	if len(attempts) < leastHostile {
		t.Errorf("%d hostile credentials, want at least %d", len(attempts), leastHostile)
	}
	if got := c.find("apiKey", good); !strings.HasPrefix(got, "200 ") {
		t.Errorf("a good key after all that: %s", got)
	}
	c.mustLogin("local-userpass", credentials("ann@x.org"))
}

// TestFlood holds that of many logins at once some are told to come back, all others are answered as they should be, and the
// server lives.
func TestFlood(t *testing.T) {
	c, _ := newFunctionsClient(t, usersApp)
	c.want("register", c.userpass("register", account("ann@x.org")), 201, "")
	const many = 150
	answers := make([]string, many)
	var wait sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for i := range answers {
		wait.Go(func() {
			body := fmt.Sprintf(`{"username":"guest%d@x.org","password":"correct horse"}`, i)
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.s.Addr().String()+"/api/client/v2.0/"+c.app("auth/providers/local-userpass/login"), strings.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("X-Forwarded-For", fmt.Sprintf("198.51.%d.%d", i/250, 1+i%250))
			status, text, _ := strings.Cut(c.send(req), " ")
			answers[i] = status + " " + codeIn(text)
		})
	}
	wait.Wait()
	count := map[string]int{}
	for _, a := range answers {
		count[a]++
	}
	if count["401 InvalidPassword"]+count["429 BadRequest"] != many || count["401 InvalidPassword"] == 0 || count["429 BadRequest"] == 0 {
		t.Errorf("answers to %d logins at once: %v", many, count)
	}
	t.Log(count)
	c.from = "192.0.2.9"
	c.mustLogin("local-userpass", credentials("ann@x.org"))
}
