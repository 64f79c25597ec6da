package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/integration/embedded"
)

var update = flag.Bool("update", false, "rewrite the answers in the README")

// The README shows the requests that the quickstart prints, and their answers, between these two lines.
const (
	readme = "../../README.md"
	begin  = "<!-- output: quickstart -->\n```sh\n"
	end    = "```\n<!-- end -->\n"
)

// started is the example as the quickstart serves it.
type started struct {
	base, appID string
	tokens      map[string]string // by who
}

func start(t *testing.T) started {
	t.Helper()
	app, err := exampleDir("")
	if err != nil {
		t.Fatal(err)
	}
	db, err := embedded.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	s, err := serve(ctx, app, db.URI, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	tokens := map[string]string{}
	all, err := people(os.DirFS(app))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if tokens[p.Short], err = token(p, s.AppID(), exampleKey, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	return started{"http://" + s.Addr().String(), s.AppID(), tokens}
}

// The requests, in their order, answer as the README says.
func TestTranscript(t *testing.T) {
	s := start(t)
	var got strings.Builder
	for _, st := range steps {
		status, answer := s.send(t, st)
		fmt.Fprintf(&got, "# %s\n%s\n#> %d %s\n\n", st.title, st.curl("http://127.0.0.1:8080", s.appID), status, answer)
	}
	page, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), begin)
	want, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("the README has no %q or no %q", begin, end)
	}
	if *update {
		if err := os.WriteFile(readme, []byte(before+begin+got.String()+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("the quickstart answers otherwise than the README says; -update rewrites it (-want +got):\n%s", diff)
	}
}

// Who manages nobody is not the manager of whom nobody can write to, and reads no other account.
func TestManagesNobody(t *testing.T) {
	s := start(t)
	for _, st := range []struct {
		step
		status int
		answer string // what it has
	}{
		{step{"Tom hires somebody without an address.", "tom", "insertOne", employees(`"document": {"_id": "1", "email": [], "team": "sales"}`)}, 403, "insert not permitted"},
		{step{"Mara does not manage them either.", "mara", "insertOne", employees(`"document": {"_id": "1", "email": [], "team": "sales"}`)}, 403, "insert not permitted"},
		{step{"Nobody reads accounts.", "mara", "find", body("hr", "accounts", `"filter": {}`)}, 403, "no rule"},
	} {
		if status, answer := s.send(t, st.step); status != st.status || !strings.Contains(answer, st.answer) {
			t.Errorf("%s %d %s, want %d %s", st.title, status, answer, st.status, st.answer)
		}
	}
}

func (s started) send(t *testing.T, st step) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, st.url(s.base, s.appID), strings.NewReader(st.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.tokens[st.who])
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(bytes.TrimSpace(body))
}

// The command itself prints what is needed, ends when it is told to, and leaves nothing behind.
func TestRunEndsCleanly(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	before := runtime.NumGoroutine()
	out := &notifying{printed: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx, out, "", "127.0.0.1:0", false) }()
	select {
	case <-out.printed:
	case err := <-done:
		t.Fatalf("run ended early: %v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("run = %v", err)
	}
	for _, want := range []string{"TOM=ey", "MARA=ey", "curl -s http://127.0.0.1:", "/app/employees-example/", "Bearer $TOM"} {
		if !strings.Contains(out.text.String(), want) {
			t.Errorf("the output has no %q:\n%s", want, &out.text)
		}
	}
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	after := runtime.NumGoroutine()
	for range 200 {
		if after <= before {
			return
		}
		time.Sleep(10 * time.Millisecond) //nolint:forbidigo // nothing tells when a goroutine has ended
		after = runtime.NumGoroutine()
	}
	stacks := make([]byte, 1<<16)
	t.Errorf("%d goroutines before, %d after:\n%s", before, after, stacks[:runtime.Stack(stacks, true)])
}

// notifying is a writer that tells when the last line was printed.
type notifying struct {
	text    strings.Builder
	printed chan struct{}
}

func (n *notifying) Write(p []byte) (int, error) {
	n.text.Write(p)
	if bytes.Contains(p, []byte("Ctrl-C")) {
		close(n.printed)
	}
	return len(p), nil
}

func TestTokensOnly(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), &out, "", "", true); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "=ey"); n != 5 {
		t.Errorf("%d tokens, want one for each of the five users:\n%s", n, &out)
	}
}
