package server_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/integration/testdb"
)

// newUsersApp is an export with a function that knows users, and one that is called for each new one.
var newUsersApp = strings.Replace(usersApp, `"api-key": {`, `"custom-function": {"type": "custom-function", "config": {"authFunctionName": "who"}},
  "api-key": {`, 1) + `
-- functions/who.js --
exports = async (payload) => {
  switch (payload.as) {
  case "id": return payload.id;
  case "object": return {id: payload.id, name: payload.name};
  case "async": return await Promise.resolve({id: payload.id, extra: 1});
  case "oid": return {id: BSON.ObjectId("5f0000000000000000000001")};
  case "number": return 7;
  case "array": return ["ann"];
  case "nothing": return;
  case "long": return "x".repeat(256);
  case "options": return payload.options === undefined ? "ann" : "";
  case "throws": throw new Error("hush " + payload.id);
  case "loops": while (true) {}
  case "who": return context.user.id + context.user.type;
  }
  return {id: ""};
};
-- functions/welcome.js --
exports = async (user) => {
  const people = context.services.get("mongodb-atlas").db("DB").collection("people");
  await people.insertOne({user: user.id, type: user.type, name: user.data.name, email: user.data.email, custom: user.custom_data,
    providers: user.identities.map(i => i.provider_type)});
  if (user.data.name === "refused" || user.data.team === "refused") throw new Error("hush");
  if (user.data.name === "loops") while (true) {}
};
-- auth/custom_user_data.json --
{"enabled": true, "mongo_service_name": "mongodb-atlas", "database_name": "DB", "collection_name": "people", "user_id_field": "user",
  "on_user_creation_function_name": "welcome"}
-- http_endpoints/data_api_config.json --
{"disabled": false, "create_user_on_auth": true}
`

// people returns what the function for new users was told.
func (c client) people(db *testdb.Server) []bson.Raw { return db.Dump(c.t, c.database, "people") }

// TestCustomFunction holds who somebody is by what a function returns, and that nothing else it does lets anybody in.
func TestCustomFunction(t *testing.T) {
	c, db := newFunctionsClient(t, newUsersApp)
	requests := 0
	login := func(body string) reply {
		t.Helper()
		requests++
		c.from = fmt.Sprintf("192.0.2.%d", requests)
		return c.login("custom-function", body)
	}
	ann := login(`{"as":"id","id":"ann"}`)
	if ann.status != 200 || ann.UserID == "ann" || len(ann.UserID) != 24 {
		t.Fatalf("log in: %d %s", ann.status, ann.text)
	}
	for name, body := range map[string]string{
		"object":   `{"as":"object","id":"ann","name":"Ann"}`,
		"no name":  `{"as":"object","id":"ann","name":null}`,
		"more":     `{"as":"async","id":"ann"}`,
		"options":  `{"as":"options","options":{"device":{"sdkVersion":"1"}}}`,
		"EJSON id": `{"as":"id","id":"ann","n":{"$numberInt":"1"}}`,
	} {
		if r := login(body); r.status != 200 || r.UserID != ann.UserID {
			t.Errorf("%s: %d %s, want the user %s", name, r.status, r.text, ann.UserID)
		}
	}
	if r := c.call("GET", "auth/profile", ann.Access, ""); !strings.Contains(r.text, `"identities":[{"id":"ann","provider_type":"custom-function"}],"data":{"name":"Ann"},"type":"normal"}`) {
		t.Errorf("profile: %s", r.text)
	}
	if r := login(`{"as":"id","id":"bob"}`); r.status != 200 || r.UserID == ann.UserID {
		t.Errorf("somebody else: %d %s", r.status, r.text)
	}
	if r := login(`{"as":"who"}`); r.status != 200 {
		t.Errorf("the function does not run as the system: %s", r.text)
	}
	const refusal = `401 {"error":"authentication failed","error_code":"AuthError"}`
	for _, body := range []string{
		``, `{}`, `{"as":"id"}`, `{"as":"id","id":""}`, `{"as":"id","id":7}`, `{"as":"id","id":["ann"]}`, `{"as":"object","id":null}`,
		`{"as":"object","id":"ann","name":7}`, `{"as":"id","id":{"id":{"id":"ann"}}}`, `{"as":"oid"}`, `{"as":"number"}`, `{"as":"array"}`,
		`{"as":"nothing"}`, `{"as":"long"}`, `{"as":"throws","id":"ann"}`, `{"as":"loops"}`, `{"options":{"as":"id","id":"ann"}}`,
	} {
		if r := login(body); fmt.Sprintf("%d %s", r.status, r.text) != refusal {
			t.Errorf("%s: %d %s", body, r.status, r.text)
		}
	}
	if log := c.log.String(); strings.Contains(log, "hush") || !strings.Contains(log, "its promise was rejected") {
		t.Errorf("the log:\n%s", log)
	}

	// What a function knows can be linked, and is then the same user.
	guest := c.mustLogin("anon-user", "")
	link := c.call("POST", c.app("auth/providers/custom-function/login?link=true"), guest.Access, `{"as":"id","id":"cat"}`)
	if again := login(`{"as":"id","id":"cat"}`); link.status != 200 || link.UserID != guest.UserID || again.UserID != guest.UserID {
		t.Errorf("link: %d %s, then %s", link.status, link.text, again.text)
	}
	c.want("somebody else's", c.call("POST", c.app("auth/providers/custom-function/login?link=true"), guest.Access, `{"as":"id","id":"ann"}`), 409, "AccountNameInUse")

	// It is no way to become somebody whom another provider knows.
	c.want("a token", c.login("custom-token", `{"token":"`+token("ann", nil)+`"}`), 200, "")
	if r := login(`{"as":"id","id":"ann"}`); r.UserID != ann.UserID {
		t.Errorf("after a token of the same subject: %s", r.text)
	}

	// Guesses from one address are counted in advance.
	c.from = "192.0.3.1"
	tooMany := 0
	for range 12 {
		if r := c.login("custom-function", `{"as":"throws"}`); r.status == 429 {
			tooMany++
		}
	}
	if r := c.login("custom-function", `{"as":"id","id":"ann"}`); tooMany != 2 || r.status != 429 {
		t.Errorf("%d of 12 guesses were refused, and then: %d %s", tooMany, r.status, r.text)
	}
	if n := len(c.people(db)); n != 5 { // ann twice, bob, the one named after the system, the guest
		t.Errorf("%d users were made: %v", n, c.people(db))
	}
}

// TestNewUsers holds when the function for new users is called, and that there is no user if it fails.
func TestNewUsers(t *testing.T) {
	c, db := newFunctionsClient(t, newUsersApp)
	known := 0
	expect := func(what string, more int, want string) {
		t.Helper()
		all := c.people(db)
		if len(all) != known+more {
			t.Errorf("%s: called %d times, want %d", what, len(all)-known, more)
		}
		known = len(all)
		found := want == ""
		for _, p := range all {
			text := strings.ReplaceAll(p.String(), " ", "")
			found = found || strings.Contains(text, want)
		}
		if !found {
			t.Errorf("%s: told %v, want %s", what, all, want)
		}
	}
	guest := c.mustLogin("anon-user", "")
	expect("anonymous", 1, `"user":"`+guest.UserID+`","type":"normal","custom":{},"providers":["anon-user"]`)
	c.want("refresh", c.call("POST", "auth/session", guest.Refresh, ""), 201, "")
	c.want("link", c.call("POST", c.app("auth/providers/custom-token/login?link=true"), guest.Access, `{"token":"`+token("sub", nil)+`"}`), 200, "")
	expect("refresh and link", 0, "")

	// An account becomes a user with its first login, or never, if it is linked.
	c.want("register", c.userpass("register", account("ann@x.org")), 201, "")
	c.want("register", c.userpass("register", account("bob@x.org")), 201, "")
	expect("register", 0, "")
	ann := c.mustLogin("local-userpass", credentials("ann@x.org"))
	expect("the first login", 1, `"user":"`+ann.UserID+`","type":"normal","email":"ann@x.org","custom":{},"providers":["local-userpass"]`)
	c.mustLogin("local-userpass", credentials("ann@x.org"))
	c.want("link", c.call("POST", c.app("auth/providers/local-userpass/login?link=true"), guest.Access, credentials("bob@x.org")), 200, "")
	expect("the second login and link", 0, "")
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(ann.Access, ".")[1])
	if err != nil || !strings.Contains(string(payload), `"user_data":{"_id":`) || !strings.Contains(string(payload), `"email":"ann@x.org"`) {
		t.Errorf("the first token lacks the custom data that the function made: %s, %v", payload, err)
	}

	sam := c.mustLogin("custom-token", `{"token":"`+token("sam", nil)+`"}`)
	expect("a token", 1, `"user":"`+sam.UserID+`"`)
	for range 2 {
		c.ask(c.s, "jwtTokenString", token("eve", nil), "find", "notes", "")
	}
	expect("a token in the Data API, twice", 1, `"user":"eve"`)

	// Whoever comes several times at once is made once.
	var wait sync.WaitGroup
	ids := make([]string, 8)
	for i := range ids {
		wait.Go(func() { ids[i] = c.login("custom-function", `{"as":"id","id":"many"}`).UserID })
	}
	wait.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Errorf("logged in as %q", ids)
			break
		}
	}
	expect("at once", 1, "")

	// Nobody is made whom the function refuses, each time.
	for range 2 {
		c.want("refused", c.login("custom-function", `{"as":"object","id":"ref","name":"refused"}`), 401, "AuthError")
	}
	c.want("loops", c.login("custom-function", `{"as":"object","id":"loop","name":"loops"}`), 401, "AuthError")
	if got := c.ask(c.s, "jwtTokenString", token("ref", bson.D{{Key: "team", Value: "refused"}}), "find", "notes", ""); !strings.HasPrefix(got, "401 ") {
		t.Errorf("refused in the Data API: %s", got)
	}
	expect("refusals", 4, "")
	for _, u := range db.Dump(t, c.store, "rolegate_users") {
		if strings.Contains(u.String(), "refused") || strings.Contains(u.String(), `"loop`) {
			t.Errorf("a user who was refused is there: %s", u)
		}
	}
	for _, l := range db.Dump(t, c.store, "rolegate_logins") {
		if strings.Contains(l.String(), `"ref"`) || strings.Contains(l.String(), `"loop"`) {
			t.Errorf("a login of nobody is taken: %s", l)
		}
	}
}

// TestNewUsersWithoutFunction holds that nobody becomes a user where the function for new users cannot be called.
func TestNewUsersWithoutFunction(t *testing.T) {
	app := strings.Replace(newUsersApp, "-- functions/welcome.js --", "-- elsewhere/welcome.js --", 1)
	c, _ := newFunctionsClient(t, app)
	c.want("anonymous", c.login("anon-user", ""), 401, "AuthError")
	c.want("a token", c.login("custom-token", `{"token":"`+token("sam", nil)+`"}`), 401, "AuthError")
	c.want("register", c.userpass("register", account("ann@x.org")), 201, "")
	c.want("the first login", c.userpass("login", credentials("ann@x.org")), 401, "InvalidPassword")
	if log := c.log.String(); !strings.Contains(log, "nobody can become a user") {
		t.Errorf("the log does not say so at the start:\n%s", log)
	}
}
