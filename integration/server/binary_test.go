package server_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/integration/testdb"
	"github.com/rolegate/rolegate/internal/policytest"
)

// TestBinary runs the program itself: it makes a key, serves with it, revokes it, and drains at SIGTERM.
func TestBinary(t *testing.T) {
	program := filepath.Join(t.TempDir(), "rolegate")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/rolegate/rolegate/cmd/rolegate").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	db := testdb.Open(t)
	h := newHouse(t, db, app)
	db.Seed(t, h.database, "notes", bson.D{{Key: "_id", Value: 1}})
	command := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Env = append(os.Environ(),
			"ROLEGATE_MONGODB_URI="+db.URI, "ROLEGATE_STORE_DATABASE="+h.store, "ROLEGATE_APP="+h.options.App,
			"ROLEGATE_SECRET_"+strings.ToUpper(policytest.TokenSecretName)+"="+policytest.TokenSecret,
		)
		return cmd
	}
	output := func(args ...string) string {
		t.Helper()
		out, err := command(args...).Output()
		if err != nil {
			t.Fatalf("rolegate %s: %v", strings.Join(args, " "), err)
		}
		return strings.TrimSpace(string(out))
	}

	key := output("apikey", "create", "ci job")
	list := output("apikey", "list")
	lines := strings.Split(list, "\n")
	if len(lines) != 2 || !strings.Contains(lines[1], `"ci job"`) || !strings.HasSuffix(lines[1], "-") || strings.Contains(list, key) {
		t.Fatalf("list:\n%s", list)
	}
	id := strings.Fields(lines[1])[0]
	if other := output("apikey", "list", "--app-id", "another-app"); strings.Contains(other, id) {
		t.Errorf("another app has the key too:\n%s", other)
	}

	serve := command("serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
	stderr, err := serve.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	log := bufio.NewScanner(stderr)
	address := ""
	for address == "" && log.Scan() {
		var line struct {
			Msg, Address string
		}
		if err := json.Unmarshal(log.Bytes(), &line); err != nil {
			t.Fatalf("log line %q: %v", log.Text(), err)
		}
		if line.Msg == "serving" {
			address = line.Address
		}
	}
	if address == "" {
		t.Fatalf("never served: %v", serve.Wait())
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		"http://"+address+"/app/"+policytest.AppID+"/endpoint/data/v1/action/find", strings.NewReader(h.body("notes", "")))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("apiKey", key)
	if got := h.send(req); got != `200 {"documents":[{"_id":1}]}` {
		t.Errorf("find: %s", got)
	}

	if err := serve.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var rest bytes.Buffer
	for log.Scan() {
		rest.WriteString(log.Text() + "\n")
	}
	if err := serve.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	if !strings.Contains(rest.String(), `"msg":"draining"`) || !strings.Contains(rest.String(), `"msg":"stopped"`) {
		t.Errorf("log after SIGTERM:\n%s", &rest)
	}

	output("apikey", "revoke", id)
	if list := output("apikey", "list"); strings.HasSuffix(list, "-") {
		t.Errorf("not revoked:\n%s", list)
	}
	if err := command("apikey", "revoke", "none").Run(); err == nil {
		t.Error("revoking a key that does not exist: no error")
	}
}
