package store

import (
	"bytes"
	"context"
	"errors"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rolegate/rolegate/integration/testdb"
	"github.com/rolegate/rolegate/internal/mongostore"
	"github.com/rolegate/rolegate/proxy"
)

// relay stands between the store and the server. It can hold replies back, or cut the line after a request.
type relay struct {
	uri      string
	upstream func() (net.Conn, error)

	mu      sync.Mutex
	hold    bool         // replies stay away
	cutOn   string       // close the connection instead of answering a request with this text
	seen    bytes.Buffer // all requests
	open    []net.Conn
	pending sync.WaitGroup
}

func startRelay(t *testing.T, target string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{
		uri:      "mongodb://" + l.Addr().String() + "/?directConnection=true",
		upstream: func() (net.Conn, error) { return (&testdb.Server{URI: target}).Dial(context.Background()) },
	}
	r.pending.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.serve(c)
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		r.mu.Lock()
		for _, c := range r.open {
			_ = c.Close()
		}
		r.mu.Unlock()
		r.pending.Wait()
	})
	return r
}

func (r *relay) serve(client net.Conn) {
	server, err := r.upstream()
	if err != nil {
		_ = client.Close()
		return
	}
	r.mu.Lock()
	r.open = append(r.open, client, server)
	r.mu.Unlock()
	var cut atomic.Bool
	r.pending.Go(func() { r.requests(client, server, &cut) })
	r.pending.Go(func() { r.replies(client, server, &cut) })
}

func (r *relay) requests(client, server net.Conn, cut *atomic.Bool) {
	defer func() { _ = server.Close() }()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if n > 0 {
			r.mu.Lock()
			r.seen.Write(buf[:n])
			if r.cutOn != "" && bytes.Contains(buf[:n], []byte(r.cutOn)) {
				cut.Store(true)
			}
			r.mu.Unlock()
			if _, err := server.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (r *relay) replies(client, server net.Conn, cut *atomic.Bool) {
	defer func() { _ = client.Close() }()
	buf := make([]byte, 64<<10)
	for {
		n, err := server.Read(buf)
		if err != nil || cut.Load() { // the server has done what it begins to answer
			return
		}
		if r.holding() {
			continue
		}
		if _, err := client.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (r *relay) holding() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.hold
}

func (r *relay) set(hold bool, cutOn string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hold, r.cutOn = hold, cutOn
}

func (r *relay) sent(text string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Count(r.seen.Bytes(), []byte(text))
}

func findAll(ctx context.Context, b bench) (int, error) {
	n := 0
	for _, err := range b.store.Find(ctx, b.ns, proxy.Query{}) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// anonymous has no _id: sent twice, it would be stored twice.
func anonymous(t *testing.T) []proxy.GuardedWrite {
	t.Helper()
	return []proxy.GuardedWrite{{Kind: proxy.InsertDocument, Document: doc(t, `{"marker": "once"}`)}}
}

// slowBench has a store on a database that has stopped answering, though it still takes requests.
func slowBench(t *testing.T) (bench, *relay) {
	t.Helper()
	b := open(t, `{"_id": "a"}`)
	r := startRelay(t, b.URI)
	b.store = openStore(t, r.uri)
	if n, err := findAll(t.Context(), b); n != 1 || err != nil {
		t.Fatalf("through the relay: %d, %v", n, err)
	}
	r.set(true, "")
	return b, r
}

func TestSlowWrite(t *testing.T) {
	b, r := slowBench(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if res, err := b.store.Write(ctx, b.ns, anonymous(t)); !errors.Is(err, proxy.ErrUnclear) || res.Done != 0 {
		t.Errorf("Write = %+v, %v, want ErrUnclear", res, err)
	}
	if n := r.sent("marker"); n != 1 {
		t.Errorf("the write was sent %d times, want once", n)
	}
	if r.sent("maxTimeMS") == 0 {
		t.Error("the write carries no maxTimeMS")
	}
	<-ctx.Done()
	_, err := b.store.Write(ctx, b.ns, anonymous(t))
	if !errors.Is(err, proxy.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Write after the deadline = %v, want ErrUnavailable because of the deadline", err)
	}
	if n := r.sent("marker"); n != 1 {
		t.Error("a write after the deadline was sent")
	}
}

func TestConnectionCutDuringAWrite(t *testing.T) {
	b := open(t)
	r := startRelay(t, b.URI)
	b.store = openStore(t, r.uri)
	if _, err := findAll(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	r.set(false, "marker")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if res, err := b.store.Write(ctx, b.ns, anonymous(t)); !errors.Is(err, proxy.ErrUnclear) {
		t.Errorf("Write = %+v, %v, want ErrUnclear", res, err)
	}
	if n := r.sent("marker"); n != 1 {
		t.Errorf("the write was sent %d times, want once", n)
	}
	if got := b.stored(t); len(got) != 1 {
		t.Errorf("%d documents are stored, want the one that was sent", len(got))
	}
	r.set(false, "")
	if n, err := findAll(t.Context(), b); n != 1 || err != nil {
		t.Errorf("Find afterwards = %d, %v, want 1", n, err)
	}
}

func TestDatabaseDown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	uri := "mongodb://" + l.Addr().String() + "/?serverSelectionTimeoutMS=200"
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	b := bench{store: openStore(t, uri)}
	b.ns.Service, b.ns.Database, b.ns.Collection = "mongodb-atlas", "db", "c"
	if _, err := findAll(t.Context(), b); !errors.Is(err, proxy.ErrUnavailable) {
		t.Errorf("Find = %v, want ErrUnavailable", err)
	}
	if res, err := b.store.Write(t.Context(), b.ns, anonymous(t)); !errors.Is(err, proxy.ErrUnavailable) || res.Done != 0 {
		t.Errorf("Write = %+v, %v, want ErrUnavailable", res, err)
	}
	if err := b.store.Ping(t.Context()); !errors.Is(err, proxy.ErrUnavailable) {
		t.Errorf("Ping = %v, want ErrUnavailable", err)
	}
}

func TestNoGoroutineIsLeft(t *testing.T) {
	b := open(t, `{"_id": "a"}`, `{"_id": "b"}`, `{"_id": "c"}`)
	before := runtime.NumGoroutine()
	store, err := mongostore.Open(t.Context(), mongostore.Config{DataSources: map[string]string{"mongodb-atlas": b.URI}})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range store.Find(t.Context(), b.ns, proxy.Query{BatchSize: 2}) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range store.Find(canceled, b.ns, proxy.Query{}) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Find for nobody = %v, want %v", err, context.Canceled)
		}
	}
	if _, err := store.Write(t.Context(), b.ns, anonymous(t)); err != nil {
		t.Error(err)
	}
	if err := store.Close(t.Context()); err != nil {
		t.Error(err)
	}
	var after int
	for range 200 { // the driver's monitors and the server's side of the connections end a little later
		if after = runtime.NumGoroutine(); after <= before {
			return
		}
		time.Sleep(10 * time.Millisecond) //nolint:forbidigo // nothing tells when a goroutine has ended
	}
	stacks := make([]byte, 1<<16)
	t.Errorf("%d goroutines before, %d after:\n%s", before, after, stacks[:runtime.Stack(stacks, true)])
}
