package server_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/integration/testdb"
	"github.com/rolegate/rolegate/internal/source"
)

// meter stands between the server and the database and counts the commands that pass: round trips, whoever makes them.
type meter struct {
	uri string

	mu       sync.Mutex
	commands map[string]int // :: database and command, such as "app.find"
	open     []net.Conn
	running  sync.WaitGroup
}

func newMeter(t *testing.T, db *testdb.Server) *meter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &meter{uri: "mongodb://" + l.Addr().String() + "/?directConnection=true", commands: map[string]int{}}
	m.running.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			m.carry(db, client)
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		m.mu.Lock()
		for _, c := range m.open {
			_ = c.Close()
		}
		m.mu.Unlock()
		m.running.Wait()
	})
	return m
}

func (m *meter) carry(db *testdb.Server, client net.Conn) {
	server, err := db.Dial(context.Background())
	if err != nil {
		_ = client.Close() // which fails the request that needs it
		return
	}
	m.mu.Lock()
	m.open = append(m.open, client, server)
	m.mu.Unlock()
	m.running.Go(func() { // replies
		_, _ = io.Copy(client, server)
		_ = client.Close()
	})
	m.running.Go(func() {
		defer func() { _ = server.Close() }()
		for {
			message, err := readMessage(client)
			if err != nil {
				return
			}
			m.count(message)
			if _, err := server.Write(message); err != nil {
				return
			}
		}
	})
}

// readMessage reads one message of the wire protocol, which begins with its length.
func readMessage(r io.Reader) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(length[:])
	if n < 16 || n > 64<<20 {
		return nil, errors.New("no message")
	}
	message := append(length[:], make([]byte, n-4)...)
	_, err := io.ReadFull(r, message[4:])
	return message, err
}

// count counts the command of an OP_MSG: a header, flags, and the kind of a section that is the command itself. What
// drivers send to know that a server is there is not counted.
func (m *meter) count(message []byte) {
	const opMsg, header = 2013, 16 + 4 + 1
	if binary.LittleEndian.Uint32(message[12:]) != opMsg || len(message) < header {
		return
	}
	command := bson.Raw(message[header:])
	first, err := command.IndexErr(0)
	if err != nil || slices.Contains([]string{"hello", "isMaster", "ping", "endSessions"}, first.Key()) {
		return
	}
	m.mu.Lock()
	m.commands[command.Lookup("$db").StringValue()+"."+first.Key()]++
	m.mu.Unlock()
}

// since returns what was counted since the last call.
func (m *meter) since() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	defer clear(m.commands)
	return maps.Clone(m.commands)
}

// newLoaded serves users and notes through a meter, with a clock that stands: what is remembered for five seconds is
// remembered for all of the test, however slow the machine is.
func newLoaded(t *testing.T) (client, *meter) {
	t.Helper()
	db := testdb.Open(t)
	h := newHouse(t, db, usersApp)
	m := newMeter(t, db)
	at := time.Now()
	h.options.MongoDBURI, h.options.Now = m.uri, func() time.Time { return at }
	h.options.Settings = &source.File{Name: "settings", Text: []byte(`{"user_rate": 0}`)}
	var notes []any
	for u := range loadUsers {
		notes = append(notes, bson.D{{Key: "_id", Value: u}, {Key: "owner", Value: userName(u)}, {Key: "title", Value: "T"}})
	}
	db.Seed(t, h.database, "notes", notes...)
	s, _ := h.start()
	return client{h, s}, m
}

const (
	loadUsers    = 12
	loadWorkers  = 16
	loadRequests = 480
)

func userName(i int) string { return fmt.Sprintf("user-%d", i) }

// inParallel calls f with each number below n, several at a time.
func inParallel(n int, f func(i int)) {
	next := make(chan int)
	var workers sync.WaitGroup
	for range loadWorkers {
		workers.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	workers.Wait()
}

// TestLoadOfFinds holds that whose a request is costs no round trip once that is known: many at a time, with every kind of
// credentials but passwords, each find is one command to the database, and nobody gets what is another's.
func TestLoadOfFinds(t *testing.T) {
	c, m := newLoaded(t)
	type credential struct{ header, value, want string }
	var all []credential
	for u := range loadUsers {
		jwt, want := token(userName(u), nil), fmt.Sprintf(`200 {"documents":[{"_id":%d,"owner":"user-%d","title":"T"}]}`, u, u)
		session := c.mustLogin("custom-token", `{"token":"`+jwt+`"}`)
		key := c.call("POST", "auth/api_keys", session.Refresh, `{"name":"k"}`)
		all = append(all, credential{"jwtTokenString", jwt, want}, credential{"Authorization", "Bearer " + jwt, want},
			credential{"Authorization", "Bearer " + session.Access, want}, credential{"apiKey", key.Key, want})
	}
	unknown := token("nobody-stores-me", nil)
	all = append(all, credential{"jwtTokenString", unknown, `200 {"documents":[]}`})
	find := func(i int) {
		x := all[i%len(all)]
		if got := c.ask(c.s, x.header, x.value, "find", "notes", ""); got != x.want {
			t.Errorf("request %d, %s: %s, want %s", i, x.header, got, x.want)
		}
	}
	inParallel(len(all), find)
	cold := m.since()
	inParallel(loadRequests, find)
	want := map[string]int{c.database + ".find": loadRequests}
	if got := m.since(); !maps.Equal(got, want) {
		t.Errorf("warm finds made the commands %v, want %v; cold ones %v", got, want, cold)
	}
	// What would be counted is: the meter sees the store, too.
	c.mustLogin("custom-token", `{"token":"`+token("somebody new", nil)+`"}`)
	if got := m.since(); got[c.store+".insert"] == 0 {
		t.Errorf("a login made the commands %v", got)
	}
}

// TestLoadOfLogins holds that logins, many at a time, cost the store the same each, that a flood of wrong ones from the same
// address gets the answer for that and costs the store nothing, and that it holds up none of the good ones.
func TestLoadOfLogins(t *testing.T) {
	c, m := newLoaded(t)
	for u := range loadUsers {
		c.mustLogin("custom-token", `{"token":"`+token(userName(u), nil)+`"}`)
	}
	m.since()
	var mu sync.Mutex
	answers := map[string]int{}
	inParallel(2*loadRequests, func(i int) {
		jwt := token(userName(i%loadUsers), nil)
		if i%2 == 1 {
			r := c.login("custom-token", `{"token":"`+jwt+`x"}`)
			mu.Lock()
			answers[fmt.Sprint(r.status, " ", r.Code, " ", r.Error)]++
			mu.Unlock()
			return
		}
		if r := c.login("custom-token", `{"token":"`+jwt+`"}`); r.status != http.StatusOK || r.UserID != userName(i%loadUsers) {
			t.Errorf("login %d: %d %s", i, r.status, r.text)
		}
	})
	const allowed = 10 // a minute; the clock stands
	want := map[string]int{"401 AuthError authentication failed": allowed, "429 BadRequest too many attempts": loadRequests - allowed}
	if !maps.Equal(answers, want) {
		t.Errorf("wrong logins were answered %v, want %v", answers, want)
	}
	got := m.since()
	if got[c.store+".insert"] != loadRequests || len(got) > 2 {
		t.Errorf("%d logins made the commands %v", loadRequests, got)
	}
	for name, n := range got {
		if n%loadRequests != 0 || n > 2*loadRequests {
			t.Errorf("%d logins made %d of %s, want the same number each", loadRequests, n, name)
		}
	}
}

// TestFloodOfCredentials holds what wrong keys of the Data API get, and that a good one from the same address is served.
func TestFloodOfCredentials(t *testing.T) {
	c, m := newLoaded(t)
	jwt := token(userName(0), nil)
	good := func() string { return c.ask(c.s, "jwtTokenString", jwt, "find", "notes", "") }
	if got := good(); !strings.HasPrefix(got, `200 {"documents":[{"_id":0`) {
		t.Fatal(got)
	}
	m.since()
	var mu sync.Mutex
	answers := map[string]int{}
	inParallel(loadRequests, func(i int) {
		header := []string{"apiKey", "jwtTokenString", "api-key"}[i%3]
		got := c.ask(c.s, header, "nonsense", "find", "notes", "")
		mu.Lock()
		answers[got]++
		mu.Unlock()
	})
	want := map[string]int{
		`401 {"error":"invalid session: error finding user for endpoint","error_code":"InvalidSession"}`: 10,
		`429 {"error":"too many failed attempts","error_code":"BadRequest"}`:                             loadRequests - 10,
	}
	if !maps.Equal(answers, want) {
		t.Errorf("wrong keys were answered %v, want %v", answers, want)
	}
	if got := m.since(); len(got) > 0 {
		t.Errorf("wrong keys made the commands %v", got)
	}
	if got := good(); !strings.HasPrefix(got, `200 {"documents":[{"_id":0`) {
		t.Errorf("a good token after the flood: %s", got)
	}
}
