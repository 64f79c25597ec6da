package server_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/integration/testdb"
	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/internal/policytest"
	"github.com/rolegate/rolegate/internal/source"
)

// TestUserCommands runs the program's user commands against the store of a server that is running.
func TestUserCommands(t *testing.T) {
	program := filepath.Join(t.TempDir(), "rolegate")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/rolegate/rolegate/cmd/rolegate").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	db := testdb.Open(t)
	h := newHouse(t, db, usersApp)
	h.options.Settings = &source.File{Name: "settings", Text: []byte(`{"user_cache_ttl": "0s"}`)}
	s, _ := h.start()
	c := client{h, s}
	command := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), program, append([]string{"user"}, args...)...)
		cmd.Env = append(os.Environ(), "ROLEGATE_MONGODB_URI="+db.URI, "ROLEGATE_STORE_DATABASE="+h.store, "ROLEGATE_APP="+h.options.App)
		out, err := cmd.Output()
		return strings.TrimSpace(string(out)), err
	}
	must := func(args ...string) string {
		t.Helper()
		out, err := command(args...)
		if err != nil {
			t.Fatalf("rolegate user %s: %v", strings.Join(args, " "), err)
		}
		return out
	}
	// setPassword uses a line that a command has printed.
	setPassword := func(line, password string) (id string) {
		t.Helper()
		var l struct{ ID, Email, TokenID, Token string }
		if err := json.Unmarshal([]byte(strings.Replace(line, `"_id"`, `"id"`, 1)), &l); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		body := `{"tokenId":"` + l.TokenID + `","token":"` + l.Token + `","password":"` + password + `"}`
		reset := c.app("auth/providers/local-userpass/reset")
		c.want("a wrong token", c.call("POST", reset, "", strings.Replace(body, l.Token, l.Token[1:]+"0", 1)), 400, "UserpassTokenInvalid")
		c.want("the token", c.call("POST", reset, "", body), 204, "")
		c.want("the token again", c.call("POST", reset, "", body), 400, "UserpassTokenInvalid")
		return l.ID
	}

	dan := setPassword(must("create", "Dan@x.org"), "correct horse")
	login := c.mustLogin("local-userpass", `{"username":"dan@x.org","password":"correct horse"}`)
	if login.UserID != dan {
		t.Errorf("logged in as %s, want %s", login.UserID, dan)
	}
	if _, err := command("create", "dan@X.org"); err == nil {
		t.Error("an address twice: no error")
	}

	must("disable", dan)
	c.want("disabled", c.call("POST", "auth/session", login.Refresh, ""), 401, "UserDisabled")
	c.want("login while disabled", c.login("local-userpass", `{"username":"dan@x.org","password":"correct horse"}`), 401, "UserDisabled")
	must("enable", dan)
	c.want("enabled", c.call("POST", "auth/session", login.Refresh, ""), 201, "")
	must("revoke", dan)
	c.want("revoked", c.call("POST", "auth/session", login.Refresh, ""), 401, "InvalidSession")
	line := must("reset-password", dan)
	c.mustLogin("local-userpass", `{"username":"dan@x.org","password":"correct horse"}`)
	setPassword(line, "another horse")
	c.want("the old password", c.login("local-userpass", `{"username":"dan@x.org","password":"correct horse"}`), 401, "InvalidPassword")
	c.mustLogin("local-userpass", `{"username":"dan@x.org","password":"another horse"}`)

	// An operator may confirm an address, too.
	fay := auth.NewPasswordUser(policytest.AppID, "fay@x.org", auth.HashPassword("correct horse"), time.Now())
	fay.Pending = true
	if err := c.users().Create(t.Context(), fay); err != nil {
		t.Fatal(err)
	}
	c.want("before it is confirmed", c.login("local-userpass", credentials("fay@x.org")), 401, "AuthError")
	if list := must("list"); !strings.Contains(list, "pending") {
		t.Errorf("list: %s", list)
	}
	must("confirm", fay.ID)
	c.mustLogin("local-userpass", credentials("fay@x.org"))
	must("delete", fay.ID)

	// Imported users keep their ids, and the address they log in with.
	const imported = `{"_id":"5f0000000000000000000001","data":{"email":"Eve@x.org"},"identities":[{"id":"1","provider_type":"local-userpass"}]}
{"_id":"5f0000000000000000000002","identities":[{"id":"auth0|7","provider_type":"custom-token"}]}
`
	file := filepath.Join(t.TempDir(), "users.jsonl")
	if err := os.WriteFile(file, []byte(imported), 0o600); err != nil {
		t.Fatal(err)
	}
	if eve := setPassword(must("import", file), "eve's horse"); eve != "5f0000000000000000000001" {
		t.Errorf("imported as %s", eve)
	}
	if again := must("import", file); again != "" {
		t.Errorf("imported twice: %s", again)
	}
	c.mustLogin("local-userpass", `{"username":"eve@X.org","password":"eve's horse"}`)
	db.Seed(t, h.database, "notes", bson.D{{Key: "_id", Value: 1}, {Key: "owner", Value: "5f0000000000000000000002"}})
	ask := func() string { return h.ask(s, "jwtTokenString", token("auth0|7", nil), "find", "notes", "") }
	if got := ask(); got != `200 {"documents":[{"_id":1,"owner":"5f0000000000000000000002"}]}` {
		t.Errorf("a token of an imported identity: %s", got)
	}
	must("disable", "5f0000000000000000000002")
	if got := ask(); got != `401 {"error":"user disabled","error_code":"UserDisabled"}` {
		t.Errorf("a token of a disabled user: %s", got)
	}
	must("delete", "5f0000000000000000000002")
	if got := ask(); !strings.HasPrefix(got, "401 ") {
		t.Errorf("a token of a deleted user: %s", got)
	}

	var ids []string
	for _, line := range strings.Split(must("list"), "\n")[1:] {
		ids = append(ids, strings.Fields(line)[0])
	}
	if want := []string{dan, "5f0000000000000000000001"}; !cmp.Equal(want, ids) {
		t.Errorf("list: %v, want %v", ids, want)
	}
	for _, name := range []string{"disable", "enable", "revoke", "delete", "reset-password", "confirm"} {
		if _, err := command(name, "5f0000000000000000000002"); err == nil {
			t.Errorf("%s of a deleted user: no error", name)
		}
	}
	if err := os.WriteFile(file, []byte("{\"_id\":\"fine\"}\n{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := command("import", file); err == nil || strings.Contains(must("list"), "fine") {
		t.Errorf("a file with a mistake: %v, or half of it is imported", err)
	}
}
