// Package server_test starts whole servers in front of a database and asks them over HTTP.
package server_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/tools/txtar"

	"github.com/rolegate/rolegate/integration/testdb"
	"github.com/rolegate/rolegate/internal/audit"
	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/internal/mongostore"
	"github.com/rolegate/rolegate/internal/policytest"
	"github.com/rolegate/rolegate/internal/server"
	"github.com/rolegate/rolegate/internal/source"
)

// app is an export with one usable collection and one whose rules have a mistake. DB stands for the database.
const app = `
-- root_config.json --
{"app_id": "` + policytest.AppID + `", "config_version": 20210101}
-- auth/providers.json --
{
  "custom-token": {"name": "custom-token", "type": "custom-token", "config": {"signingAlgorithm": "HS256"},
    "secret_config": {"signingKeys": ["` + policytest.TokenSecretName + `"]},
    "metadata_fields": [{"name": "team", "field_name": "team"}]},
  "api-key": {"name": "api-key", "type": "api-key", "disabled": false}
}
-- data_sources/mongodb-atlas/config.json --
{"name": "mongodb-atlas", "type": "mongodb-atlas", "config": {"clusterName": "Cluster0"}}
-- data_sources/mongodb-atlas/DB/notes/rules.json --
{"database": "DB", "collection": "notes", "roles": [
  {"name": "backend", "apply_when": {"%%user.type": "server"}, "insert": true, "write": true},
  {"name": "owner", "apply_when": {"owner": "%%user.id"}, "write": true},
  {"name": "team", "apply_when": {"team": "%%user.data.team"}, "fields": {"title": {"read": true}}}
]}
`

const badRules = `
-- data_sources/mongodb-atlas/DB/bad/rules.json --
{"database": "DB", "collection": "bad", "roles": [{"name": "x", "apply_when": {"owner": "%%usr.id"}, "read": true}]}
`

// house is a database and an app for the length of a test.
type house struct {
	t        *testing.T
	db       *testdb.Server
	database string
	store    string
	log      *lines
	options  server.Options
	from     string // the address that clients have, where the settings trust this machine as a proxy
	requests int    // that userpass has sent
}

func newHouse(t *testing.T, db *testdb.Server, export string) *house {
	t.Helper()
	h := &house{t: t, db: db, database: db.Database(t), store: db.Database(t), log: &lines{}}
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(strings.ReplaceAll(export, "DB", h.database))).Files {
		name := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h.options = server.Options{
		App: dir, MongoDBURI: db.URI, StoreDatabase: h.store, Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0",
		Secrets: func(name string) (string, bool) {
			return policytest.TokenSecret, name == policytest.TokenSecretName
		},
		Logger: audit.New(h.log, slog.LevelInfo),
	}
	return h
}

// start serves until stop is called, or the test ends. stop returns what Run did.
func (h *house) start() (s *server.Server, stop func() error) {
	h.t.Helper()
	s, err := server.New(h.t.Context(), h.options)
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	h.t.Cleanup(func() {
		if err := stop(); err != nil {
			h.t.Errorf("Run: %v", err)
		}
	})
	return s, stop
}

func (h *house) url(s *server.Server, action string) string {
	return fmt.Sprintf("http://%s/app/%s/endpoint/data/v1/action/%s", s.Addr(), s.AppID(), action)
}

func (h *house) body(collection, more string) string {
	return fmt.Sprintf(`{"dataSource":"mongodb-atlas","database":%q,"collection":%q%s}`, h.database, collection, more)
}

// ask sends one action and returns its answer as "status body".
func (h *house) ask(s *server.Server, header, credential, action, collection, more string) string {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.url(s, action), strings.NewReader(h.body(collection, more)))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(header, credential)
	return h.send(req)
}

func (h *house) get(url string) string {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.send(req)
}

func (h *house) send(req *http.Request) string {
	h.t.Helper()
	return h.sendBy(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}, req)
}

func (h *house) sendBy(client *http.Client, req *http.Request) string {
	h.t.Helper()
	res, err := client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }() // the body has been read
	text, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return fmt.Sprintf("%d %s", res.StatusCode, bytes.TrimSpace(text))
}

func token(id string, data any) string {
	u := &policytest.User{Name: id, ID: id, Type: "normal"}
	if data != nil {
		u.Data, _ = bson.Marshal(data)
	}
	return policytest.Token(u, time.Now())
}

// lines is a log that may be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestEndToEnd goes once through the whole house: a token and a key, a read and a write, the admin listener.
func TestEndToEnd(t *testing.T) {
	db := testdb.Open(t)
	h := newHouse(t, db, app)
	db.Seed(t, h.database, "notes",
		bson.D{{Key: "_id", Value: 1}, {Key: "owner", Value: "ann"}, {Key: "team", Value: "red"}, {Key: "title", Value: "A"}, {Key: "text", Value: "t"}},
		bson.D{{Key: "_id", Value: 2}, {Key: "owner", Value: "bob"}, {Key: "team", Value: "red"}, {Key: "title", Value: "B"}, {Key: "text", Value: "t"}},
		bson.D{{Key: "_id", Value: 3}, {Key: "owner", Value: "cat"}, {Key: "team", Value: "blue"}, {Key: "title", Value: "C"}},
	)
	key := h.createKey()
	s, _ := h.start()
	ann := token("ann", bson.D{{Key: "team", Value: "red"}})

	for _, c := range []struct{ header, credential, action, collection, more, want string }{
		{
			"jwtTokenString", ann, "find", "notes", ``,
			`200 {"documents":[{"_id":1,"owner":"ann","team":"red","title":"A","text":"t"},{"title":"B"}]}`,
		},
		{"jwtTokenString", ann, "find", "notes", `,"filter":{"text":"t"}`, `200 {"documents":[{"_id":1,"owner":"ann","team":"red","title":"A","text":"t"}]}`},
		{"Authorization", "Bearer " + ann, "updateOne", "notes", `,"filter":{"_id":1},"update":{"$set":{"title":"A2"}}`, `200 {"matchedCount":1,"modifiedCount":1}`},
		{"jwtTokenString", ann, "updateOne", "notes", `,"filter":{"title":"B"},"update":{"$set":{"title":"x"}}`, `403 {"error":"update not permitted","error_code":"NoMatchingRuleFound"`},
		{"jwtTokenString", ann, "updateOne", "notes", `,"filter":{"_id":3},"update":{"$set":{"title":"x"}}`, `200 {"matchedCount":0,"modifiedCount":0}`},
		{"apiKey", key, "find", "notes", `,"filter":{"_id":1}`, `200 {"documents":[{"_id":1,"owner":"ann","team":"red","title":"A2","text":"t"}]}`},
		{"apiKey", key, "insertOne", "notes", `,"document":{"_id":4,"owner":"ann"}`, `200 {"insertedId":4}`},
		{"jwtTokenString", ann, "find", "elsewhere", ``, `403 {"error":"no rule exists for namespace '` + h.database + `.elsewhere'","error_code":"NoMatchingRuleFound"`},
		{"jwtTokenString", ann + "x", "find", "notes", ``, `401 `},
		{"apiKey", key + "0", "find", "notes", ``, `401 `},
	} {
		if got := h.ask(s, c.header, c.credential, c.action, c.collection, c.more); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s %s%s:\n got %s\nwant %s", c.action, c.collection, c.more, got, c.want)
		}
	}
	stored := db.Dump(t, h.database, "notes")
	if len(stored) != 4 || stored[0].Lookup("title").StringValue() != "A2" || stored[1].Lookup("title").StringValue() != "B" {
		t.Errorf("stored: %v", stored)
	}
	if strings.Contains(h.log.String(), ann) || strings.Contains(h.log.String(), key) || strings.Contains(h.log.String(), "[withheld]") {
		t.Errorf("the log holds a credential, or a line lost a part:\n%s", h.log)
	}

	admin := "http://" + s.AdminAddr().String()
	for path, want := range map[string]string{
		"/healthz": `200 {"alive":true}`,
		"/readyz":  `200 {"ready":true,"revision":"`,
	} {
		if got := h.get(admin + path); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s", path, got)
		}
	}
	metrics := h.get(admin + "/metrics")
	for _, want := range []string{
		`rolegate_requests_total{dialect="dataapi",op="updateOne",outcome="ok"} 2`,
		`rolegate_requests_total{dialect="dataapi",op="updateOne",outcome="NoMatchingRuleFound"} 1`,
		`rolegate_authentications_total{kind="api_key",outcome="ok"} 2`,
		`rolegate_authentications_total{kind="api_key",outcome="failed"} 1`,
		`rolegate_config_revision_info{revision="`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	if got := h.get("http://" + s.Addr().String() + "/metrics"); !strings.HasPrefix(got, "404") {
		t.Errorf("the public listener has metrics: %s", got)
	}
}

// createKey makes an API key as the command does.
func (h *house) createKey() string {
	h.t.Helper()
	store, err := mongostore.Open(h.t.Context(), mongostore.Config{StoreURI: h.db.URI, StoreDatabase: h.store})
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() {
		if err := store.Close(context.Background()); err != nil {
			h.t.Error(err)
		}
	}()
	key, text := auth.NewKey(auth.Key{App: policytest.AppID, Name: "ci", Created: time.Now()})
	if err := store.Keys().Insert(h.t.Context(), key); err != nil {
		h.t.Fatal(err)
	}
	return text
}

// TestQuarantine serves what can be served, and says loudly what is denied.
func TestQuarantine(t *testing.T) {
	db := testdb.Open(t)
	h := newHouse(t, db, app+badRules)
	for _, name := range []string{"notes", "bad"} {
		db.Seed(t, h.database, name, bson.D{{Key: "_id", Value: 1}, {Key: "owner", Value: "ann"}})
	}
	if _, err := server.New(t.Context(), h.options); err == nil {
		t.Fatal("served without quarantine")
	}
	h.options.Quarantine = true
	s, _ := h.start()
	for collection, want := range map[string]string{"notes": `200 {"documents":[{"_id":1,"owner":"ann"}]}`, "bad": "403 "} {
		if got := h.ask(s, "jwtTokenString", token("ann", nil), "find", collection, ""); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s", collection, got)
		}
	}
	want := `"level":"ERROR","msg":"quarantine: everything is denied here","service":"mongodb-atlas","namespace":"` + h.database + `.bad"`
	if !strings.Contains(h.log.String(), want) {
		t.Errorf("the log lacks %s:\n%s", want, h.log)
	}
}

// begin sends the head of a find and waits until the server has begun with it and asks for the body.
func (h *house) begin(s *server.Server, body string) (net.Conn, *bufio.Reader) {
	h.t.Helper()
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		h.t.Fatal(err)
	}
	_, err = fmt.Fprintf(conn, "POST /app/%s/endpoint/data/v1/action/find HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+
		"jwtTokenString: %s\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", s.AppID(), token("ann", nil), len(body))
	if err != nil {
		h.t.Fatal(err)
	}
	answer := bufio.NewReader(conn)
	if line, err := answer.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100 ") {
		h.t.Fatalf("%q %v", line, err)
	}
	if _, err := answer.ReadString('\n'); err != nil {
		h.t.Fatal(err)
	}
	return conn, answer
}

// TestDrain holds that a request that has begun is answered, that no new one is taken, and that readiness says so.
func TestDrain(t *testing.T) {
	db := testdb.Open(t)
	h := newHouse(t, db, app)
	db.Seed(t, h.database, "notes", bson.D{{Key: "_id", Value: 1}, {Key: "owner", Value: "ann"}})
	s, stop := h.start()
	body := h.body("notes", "")
	conn, answer := h.begin(s, body)
	defer func() { _ = conn.Close() }() // the server has closed it
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	for got := ""; !strings.HasPrefix(got, `503 {"ready":false,"reason":"draining"`); {
		got = h.get("http://" + s.AdminAddr().String() + "/readyz")
		if !strings.HasPrefix(got, "200") && !strings.Contains(got, "draining") {
			t.Fatalf("readyz: %s", got)
		}
	}
	// The listener is closed right after readiness changes; connections in its queue are refused with it.
	for refused := false; !refused; {
		c, err := net.Dial("tcp", s.Addr().String())
		if refused = err != nil; !refused {
			_ = c.Close() // only whether it is accepted matters
		}
	}
	if _, err := io.WriteString(conn, body); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(answer, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || string(bytes.TrimSpace(text)) != `{"documents":[{"_id":1,"owner":"ann"}]}` {
		t.Errorf("the running request: %d %s %v", res.StatusCode, text, err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Run: %v", err)
	}
	if !strings.HasSuffix(strings.TrimSpace(h.log.String()), `"msg":"stopped"}`) {
		t.Errorf("log:\n%s", h.log)
	}
}

// TestDatabaseDown holds that a server starts, says that it is not ready, and answers 503 without a database.
func TestDatabaseDown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	db := testdb.Open(t)
	h := newHouse(t, db, app)
	h.options.MongoDBURI = "mongodb://" + nobody + "/?serverSelectionTimeoutMS=200"
	s, _ := h.start()
	if got := h.get("http://" + s.AdminAddr().String() + "/readyz"); !strings.HasPrefix(got, `503 {"ready":false,"reason":"database"`) {
		t.Errorf("readyz: %s", got)
	}
	if got := h.get("http://" + s.AdminAddr().String() + "/healthz"); got != `200 {"alive":true}` {
		t.Errorf("healthz: %s", got)
	}
	got := h.ask(s, "jwtTokenString", token("ann", nil), "find", "notes", "")
	if !strings.HasPrefix(got, "503 ") || strings.Contains(got, nobody) {
		t.Errorf("find: %s", got)
	}
}

// TestDataSourceElsewhere holds that a data source with a uri of its own is looked for there and nowhere else, under its
// alias too. The users are where --mongodb-uri says.
func TestDataSourceElsewhere(t *testing.T) {
	db := testdb.Open(t)
	for uri, want := range map[string]string{
		db.URI: `200 {"documents":[{"_id":1,"owner":"ann"}]}`,
		"mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200": "503 ",
	} {
		h := newHouse(t, db, app)
		db.Seed(t, h.database, "notes", bson.D{{Key: "_id", Value: 1}, {Key: "owner", Value: "ann"}})
		h.options.Settings = &source.File{
			Name: "settings",
			Text: fmt.Appendf(nil, `{"data_sources": {"mongodb-atlas": {"uri": %q, "aliases": ["Cluster0"]}}}`, uri),
		}
		s, _ := h.start()
		body := strings.Replace(h.body("notes", ""), "mongodb-atlas", "Cluster0", 1)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url(s, "find"), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("jwtTokenString", token("ann", nil))
		if got := h.send(req); !strings.HasPrefix(got, want) {
			t.Errorf("find: %s, want %s", got, want)
		}
	}
}
