package server_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/integration/testdb"
	"github.com/rolegate/rolegate/internal/policytest"
	"github.com/rolegate/rolegate/internal/source"
)

// functionsApp is an export whose functions decide about users. What they are given they put into the collection mails,
// which only the system can.
var functionsApp = strings.Replace(usersApp, `"config": {"autoConfirm": true}`, `"config": {"autoConfirm": false,
    "runConfirmationFunction": true, "confirmationFunctionName": "confirm", "runResetFunction": true, "resetFunctionName": "reset"}`, 1) + `
-- functions/decide.js --
exports = (name) => {
  switch (name.split("@")[0]) {
  case "now": return {status: "success"};
  case "later": case "nobody": return {status: "pending"};
  case "never": return {status: "fail"};
  case "capitals": return {status: "SUCCESS"};
  case "truthy": return {status: true};
  case "string": return "success";
  case "array": return [{status: "success"}];
  case "nothing": return;
  case "throws": throw {status: "success"};
  case "rejects": return Promise.reject({status: "success"});
  case "loops": while (true) {}
  case "recurses": return context.functions.execute("decide", name);
  case "allocates": { const all = []; while (true) all[all.length] = [all.length, {}]; }
  case "hidden": return context.services.get("mongodb-atlas").db("admin").collection("x").count().catch(() => ({status: "success"}));
  }
};
-- functions/confirm.js --
exports = async (about) => {
  const mails = context.services.get("mongodb-atlas").db("DB").collection("mails");
  await mails.insertOne({kind: "confirm", about, user: context.user.type, system: context.runningAsSystem()});
  return context.functions.execute("decide", about.username);
};
-- functions/reset.js --
exports = async (about, ...rest) => {
  const mails = context.services.get("mongodb-atlas").db("DB").collection("mails");
  await mails.insertOne({kind: "reset", about, rest});
  return rest[0] ? {status: rest[0]} : context.functions.execute("decide", about.username);
};
`

// trusting makes tests come from many addresses, so that they are not held up by limits that are not theirs.
const trusting = `{"trusted_proxies": ["127.0.0.1"], "user_cache_ttl": "0s", "limits": {"function_time": "1s"}}`

func newFunctionsClient(t *testing.T, app string) (client, *testdb.Server) {
	t.Helper()
	db := testdb.Open(t)
	h := newHouse(t, db, app)
	h.options.Settings = &source.File{Name: "settings", Text: []byte(trusting)}
	s, _ := h.start()
	return client{h, s}, db
}

// userpass asks what the paths of local-userpass are for, each time from another address.
func (c client) userpass(path, body string) reply {
	c.t.Helper()
	c.requests++
	c.from = fmt.Sprintf("192.0.%d.%d", 2+c.requests/250, 1+c.requests%250)
	return c.call(http.MethodPost, c.app("auth/providers/local-userpass/"+path), "", body)
}

func account(email string) string { return `{"email":"` + email + `","password":"correct horse"}` }

func credentials(email string) string {
	return `{"username":"` + email + `","password":"correct horse"}`
}

// mail returns what a function was told last.
func (c client) mail(db *testdb.Server) (about bson.Raw, whole bson.Raw) {
	c.t.Helper()
	all := db.Dump(c.t, c.database, "mails")
	if len(all) == 0 {
		c.t.Fatal("no function was called")
	}
	last := all[0]
	for _, m := range all {
		if m.Lookup("_id").ObjectID().Hex() > last.Lookup("_id").ObjectID().Hex() {
			last = m
		}
	}
	return last.Lookup("about").Document(), last
}

func ticket(about bson.Raw, more string) string {
	return fmt.Sprintf(`{"token":%q,"tokenId":%q%s}`, about.Lookup("token").StringValue(), about.Lookup("tokenId").StringValue(), more)
}

// TestConfirmationFunction holds who is confirmed by what a function says, and that nothing else it does confirms anybody.
func TestConfirmationFunction(t *testing.T) {
	c, db := newFunctionsClient(t, functionsApp)
	for _, tt := range []struct {
		name   string
		status int // of the registration
		login  string
	}{
		{"now", 201, "200 "},
		{"later", 201, "401 AuthError"},
		{"never", 400, "401 InvalidPassword"},
		{"capitals", 400, "401 InvalidPassword"},
		{"truthy", 400, "401 InvalidPassword"},
		{"string", 400, "401 InvalidPassword"},
		{"array", 400, "401 InvalidPassword"},
		{"nothing", 400, "401 InvalidPassword"},
		{"throws", 400, "401 InvalidPassword"},
		{"rejects", 400, "401 InvalidPassword"},
		{"loops", 400, "401 InvalidPassword"},
		{"recurses", 400, "401 InvalidPassword"},
		{"allocates", 400, "401 InvalidPassword"},
		{"hidden", 201, "200 "}, // a refused question is an answer that a function may live with
	} {
		email := tt.name + "@x.org"
		r := c.userpass("register", account(email))
		if r.status != tt.status || r.status == 400 && r.text != `{"error":"failed to confirm user \"`+email+`\"","error_code":"BadRequest"}` {
			t.Errorf("register %s: %d %s, want %d", tt.name, r.status, r.text, tt.status)
		}
		login := c.userpass("login", credentials(email))
		if got := fmt.Sprintf("%d %s", login.status, login.Code); got != tt.login {
			t.Errorf("log in as %s: %s, want %s", tt.name, got, tt.login)
		}
	}

	// The function is the system's, and is told as much as it needs.
	c.want("register", c.userpass("register", account("Later2@x.org")), 400, "BadRequest") // later2 is no answer
	about, whole := c.mail(db)
	if about.Lookup("username").StringValue() != "later2@x.org" || len(about.Lookup("token").StringValue()) != 64 ||
		!whole.Lookup("system").Boolean() || whole.Lookup("user").StringValue() != "system" {
		t.Errorf("the function was told %s", whole)
	}
	c.want("confirm what was not stored", c.userpass("confirm", ticket(about, "")), 400, "UserpassTokenInvalid")

	// Once more, with the token. An address that is registered is taken, confirmed or not.
	c.want("register again", c.userpass("register", account("LATER@x.org")), 409, "AccountNameInUse")
	c.want("a wrong password", c.userpass("login", `{"username":"later@x.org","password":"wrong horse"}`), 401, "InvalidPassword")
	if got := c.credentials("later@x.org", "correct horse"); got != `401 {"error":"confirmation required","error_code":"AuthError"}` {
		t.Errorf("the Data API before confirmation: %s", got)
	}
	c.want("call again", c.userpass("confirm/call", `{"email":"later@x.org"}`), 204, "")
	about, _ = c.mail(db)
	for name, body := range map[string]string{
		"another user": strings.Replace(ticket(about, ""), about.Lookup("tokenId").StringValue(), "5f0000000000000000000001", 1),
		"no token":     `{"tokenId":"` + about.Lookup("tokenId").StringValue() + `","token":""}`,
		"half a token": strings.Replace(ticket(about, ""), about.Lookup("token").StringValue(), about.Lookup("token").StringValue()[:32], 1),
	} {
		c.want("confirm with "+name, c.userpass("confirm", body), 400, "UserpassTokenInvalid")
	}
	c.want("a token that confirms sets no password", c.userpass("reset", ticket(about, `,"password":"another horse"`)), 400, "UserpassTokenInvalid")
	c.want("confirm", c.userpass("confirm", ticket(about, "")), 204, "")
	c.want("confirm again", c.userpass("confirm", ticket(about, "")), 400, "UserpassTokenInvalid")
	c.want("log in", c.userpass("login", credentials("later@x.org")), 200, "")

	// Nobody learns by asking whether there is an account, or one that is not confirmed.
	for _, email := range []string{"later@x.org", "nobody@x.org"} {
		c.want("call for "+email, c.userpass("confirm/call", `{"email":"`+email+`"}`), 204, "")
		about, _ := c.mail(db)
		c.want("confirm "+email, c.userpass("confirm", ticket(about, "")), 400, "UserpassTokenInvalid")
	}
	c.want("no account comes of it", c.userpass("login", credentials("nobody@x.org")), 401, "InvalidPassword")
	c.want("send", c.userpass("confirm/send", `{"email":"later@x.org"}`), 400, "BadRequest")
	if strings.Contains(c.log.String(), "correct horse") || strings.Contains(c.log.String(), about.Lookup("token").StringValue()) {
		t.Errorf("the log holds a credential:\n%s", c.log)
	}
}

// TestResetFunction holds who gets a new password by what a function says.
func TestResetFunction(t *testing.T) {
	c, db := newFunctionsClient(t, functionsApp)
	c.want("register", c.userpass("register", account("now@x.org")), 201, "")
	ann := c.mustLogin("local-userpass", credentials("now@x.org"))
	call := func(email, password, args string) reply {
		return c.userpass("reset/call", fmt.Sprintf(`{"email":%q,"password":%q,"arguments":%s}`, email, password, args))
	}
	old := func(password string, works bool) {
		t.Helper()
		code := map[bool]string{true: "", false: "InvalidPassword"}[works]
		status := map[bool]int{true: 200, false: 401}[works]
		c.want("the password "+password, c.userpass("login", `{"username":"now@x.org","password":"`+password+`"}`), status, code)
	}
	refusal := `{"error":"failed to reset password for user \"now@x.org\"","error_code":"BadRequest"}`
	if r := call("now@x.org", "another horse", `["fail"]`); r.status != 400 || r.text != refusal {
		t.Errorf("fail: %d %s", r.status, r.text)
	}
	c.want("arguments that are none", call("now@x.org", "another horse", `{"0":"success"}`), 400, "InvalidParameter")
	c.want("a short password", call("now@x.org", "short", `["success"]`), 400, "BadRequest")
	old("another horse", false)
	old("correct horse", true)

	// pending: the token sets the password, whichever is sent with it.
	c.want("pending", call("now@x.org", "another horse", `["pending",{"n":{"$numberInt":"7"}}]`), 204, "")
	about, whole := c.mail(db)
	rest := whole.Lookup("rest").Array()
	if about.Lookup("username").StringValue() != "now@x.org" || about.Lookup("password").StringValue() != "another horse" ||
		about.Lookup("currentPasswordValid").Boolean() || rest.Index(1).Document().Lookup("n").Int32() != 7 {
		t.Errorf("the function was told %s", whole)
	}
	old("correct horse", true)
	c.want("refresh", c.call("POST", "auth/session", ann.Refresh, ""), 201, "")
	c.want("a token that resets confirms nothing", c.userpass("confirm", ticket(about, "")), 400, "UserpassTokenInvalid")
	c.want("reset", c.userpass("reset", ticket(about, `,"password":"third horse"`)), 204, "")
	c.want("reset again", c.userpass("reset", ticket(about, `,"password":"fourth horse"`)), 400, "UserpassTokenInvalid")
	old("correct horse", false)
	old("third horse", true)
	c.want("refresh of an old session", c.call("POST", "auth/session", ann.Refresh, ""), 401, "InvalidSession")
	c.want("a third time in a minute", call("now@x.org", "correct horse", `["fail"]`), 400, "BadRequest")
	c.want("a fourth time", call("now@x.org", "correct horse", `["success"]`), 429, "BadRequest")

	// An address that nobody has is answered as one that somebody has.
	for _, answer := range []string{"success", "pending", "fail"} {
		want := map[string]int{"success": 204, "pending": 204, "fail": 400}[answer]
		if r := call("nobody@x.org", "another horse", `["`+answer+`"]`); r.status != want {
			t.Errorf("nobody, %s: %d %s", answer, r.status, r.text)
		}
	}
	c.want("no account comes of it", c.userpass("login", `{"username":"nobody@x.org","password":"another horse"}`), 401, "InvalidPassword")
	if r := c.userpass("reset/send", `{"email":"now@x.org"}`); r.status != 400 || r.Error != "please use reset password via function" {
		t.Errorf("send: %d %s", r.status, r.text)
	}

	// success, at once.
	c.want("register", c.userpass("register", account("now@y.org")), 201, "")
	c.want("success", call("now@y.org", "another horse", `["success"]`), 204, "")
	c.want("the new password", c.userpass("login", `{"username":"now@y.org","password":"another horse"}`), 200, "")
	c.want("right already", call("now@y.org", "another horse", `["fail"]`), 400, "BadRequest")
	if about, _ := c.mail(db); !about.Lookup("currentPasswordValid").Boolean() {
		t.Errorf("the function was told %s", about)
	}
}

// hook is a webhook of an operator.
type hook struct {
	*httptest.Server
	got    chan map[string]string
	answer chan int
}

const hookKey = "0123456789abcdef0123456789abcdef"

func newHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{got: make(chan map[string]string), answer: make(chan int, 1)}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, []byte(hookKey))
		mac.Write(body)
		var m map[string]string
		if err != nil || r.Header.Get("Endpoint-Signature") != "sha256="+hex.EncodeToString(mac.Sum(nil)) || json.Unmarshal(body, &m) != nil {
			m = map[string]string{"bad": string(body)}
		}
		select {
		case status := <-h.answer:
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		default:
		}
		select {
		case h.got <- m:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(h.Close)
	return h
}

// TestWebhook holds what is told to a program that sends mails, and that nobody learns from asking for one.
func TestWebhook(t *testing.T) {
	hook := newHook(t)
	db := testdb.Open(t)
	h := newHouse(t, db, strings.Replace(usersApp, `"autoConfirm": true`, `"autoConfirm": false`, 1))
	h.options.Settings = &source.File{Name: "settings", Text: []byte(strings.Replace(trusting, "{", `{"user_webhook": "`+hook.URL+`/mail?x=hush", `, 1))}
	h.options.Secrets = func(name string) (string, bool) {
		given := map[string]string{policytest.TokenSecretName: policytest.TokenSecret, config.WebhookKeySecret: hookKey}
		return given[name], given[name] != ""
	}
	s, stop := h.start()
	c := client{h, s}
	expect := func(kind, email string) (body string) {
		t.Helper()
		m := <-hook.got
		if m["type"] != kind || m["email"] != email || len(m["token"]) != 64 || len(m) != 4 {
			t.Fatalf("told %v, want %s for %s", m, kind, email)
		}
		return fmt.Sprintf(`{"token":%q,"tokenId":%q`, m["token"], m["tokenId"])
	}

	c.want("register", c.userpass("register", account("Ann@x.org")), 201, "")
	first := expect("confirm", "ann@x.org")
	c.want("log in", c.userpass("login", credentials("ann@x.org")), 401, "AuthError")
	c.want("link", c.call("POST", c.app("auth/providers/local-userpass/login?link=true"), c.mustLogin("anon-user", "").Access, credentials("ann@x.org")), 401, "AuthError")
	c.want("send again", c.userpass("confirm/send", `{"email":"ANN@x.org"}`), 204, "")
	second := expect("confirm", "ann@x.org")
	c.want("the first token", c.userpass("confirm", first+"}"), 400, "UserpassTokenInvalid")
	c.want("the second token", c.userpass("confirm", second+"}"), 204, "")
	ann := c.mustLogin("local-userpass", credentials("ann@x.org"))

	// Who has no use for a mail gets none, and the answer is the same. The next message shows that these were none.
	c.want("confirm a confirmed address", c.userpass("confirm/send", `{"email":"ann@x.org"}`), 204, "")
	c.want("confirm nobody", c.userpass("confirm/send", `{"email":"nobody@x.org"}`), 204, "")
	c.want("reset nobody", c.userpass("reset/send", `{"email":"nobody@x.org"}`), 204, "")
	c.want("no address", c.userpass("reset/send", `{"email":"nobody"}`), 400, "BadRequest")
	c.want("reset", c.userpass("reset/send", `{"email":"ann@x.org"}`), 204, "")
	reset := expect("reset", "ann@x.org")
	for _, email := range []string{"ann@x.org", "nobody@x.org"} {
		r := reply{}
		for range 3 {
			r = c.userpass("reset/send", `{"email":"`+email+`"}`)
			if email == "ann@x.org" && r.status == 204 {
				reset = expect("reset", "ann@x.org")
			}
		}
		c.want("a mail too many to "+email, r, 429, "BadRequest")
	}
	c.want("call", c.userpass("reset/call", account("ann@x.org")), 400, "BadRequest")
	c.want("set the password", c.userpass("reset", reset+`,"password":"another horse"}`), 204, "")
	c.want("refresh", c.call("POST", "auth/session", ann.Refresh, ""), 401, "InvalidSession")
	c.want("the new password", c.userpass("login", `{"username":"ann@x.org","password":"another horse"}`), 200, "")

	// A webhook that redirects or fails is not followed, and costs the one mail. The last message is sent before the server ends.
	for n, status := range []int{http.StatusTemporaryRedirect, http.StatusInternalServerError, http.StatusOK} {
		hook.answer <- status
		email := fmt.Sprintf("bob%d@x.org", n)
		c.want("register", c.userpass("register", account(email)), 201, "")
		if status == http.StatusOK {
			ended := make(chan error, 1)
			go func() { ended <- stop() }()
			expect("confirm", email)
			if err := <-ended; err != nil {
				t.Error(err)
			}
			break
		}
		expect("confirm", email)
	}
	log := h.log.String()
	if strings.Count(log, "a mail is not sent") != 2 || !strings.Contains(log, "answers 307") || !strings.Contains(log, "answers 500") || strings.Contains(log, "hush") {
		t.Errorf("log:\n%s", log)
	}
}
