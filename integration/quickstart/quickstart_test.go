package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/internal/policytest"
)

var update = flag.Bool("update", false, "rewrite the cases that pages show")

// TestPages holds that the README of every example, and that of the project, shows its cases as they are: the requests in
// their order, and what a server answers.
func TestPages(t *testing.T) {
	readmes, err := filepath.Glob("../../examples/*/README.md")
	if err != nil || len(readmes) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	pages := map[string]string{"../../README.md": "../../examples/employees"}
	for _, name := range readmes {
		pages[name] = filepath.Dir(name)
	}
	for name, dir := range pages {
		page, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got, cases, err := transcribe(t.Context(), string(page), dir)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !slices.Contains(cases, walkThrough) {
			t.Errorf("%s does not show the case %s", name, walkThrough)
		}
		if diff := cmp.Diff(string(page), got); diff != "" && !*update {
			t.Errorf("%s does not show what its cases come to; -update rewrites it (-want +got):\n%s", name, diff)
		}
		if *update {
			if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Every folder under examples can be started.
func TestEveryExampleHasTokens(t *testing.T) {
	dirs, err := filepath.Glob("../../examples/*")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, dir := range dirs {
		var out strings.Builder
		if err := run(t.Context(), &out, filepath.Base(dir), "", true); err != nil {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

func TestFindExample(t *testing.T) {
	if dir, err := findExample("employees"); err != nil || filepath.Base(dir) != "employees" {
		t.Errorf("findExample = %q, %v", dir, err)
	}
	if _, err := findExample("employes"); err == nil || !strings.Contains(err.Error(), "there are: ") || !strings.Contains(err.Error(), "employees") {
		t.Errorf("of an unknown example: %v", err)
	}
}

// What a shell makes of a line must be what is sent.
func TestCurl(t *testing.T) {
	c := call{
		method: "PUT", path: "/a?x=1&y", headers: []policytest.Header{{Name: "apiKey", Value: "{key ci}"}, {Name: "X-A", Value: "it's $1"}},
		body: `{"who": "{token tom}", "it": "isn't $set"}`,
	}
	script := "CI='k 1'; TOM=t.o.k\ncurl() { printf '%s\\n' \"$@\"; }\n" + c.curl("http://h")
	got, err := exec.CommandContext(t.Context(), "sh", "-c", script).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := "-s\nhttp://h/a?x=1&y\n-X\nPUT\n-H\napiKey: k 1\n-H\nX-A: it's $1\n-d\n" + `{"who": "t.o.k", "it": "isn't $set"}` + "\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("the shell sends (-want +got):\n%s", diff)
	}
}

// The command itself prints what is needed, ends when it is told to, and leaves nothing behind.
func TestRunEndsCleanly(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	before := runtime.NumGoroutine()
	out := &notifying{printed: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx, out, "employees", "127.0.0.1:0", false) }()
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
	if err := run(t.Context(), &out, "employees", "", true); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "=ey"); n != 5 {
		t.Errorf("%d tokens, want one for each of the five users:\n%s", n, &out)
	}
}
