package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/internal/audit"
)

// line logs with f and returns the only line.
func line(t *testing.T, f func(*slog.Logger)) map[string]any {
	t.Helper()
	var b bytes.Buffer
	f(audit.New(&b, slog.LevelInfo))
	if n := strings.Count(b.String(), "\n"); n != 1 {
		t.Fatalf("%d lines: %q", n, b.String())
	}
	var m map[string]any
	if err := json.Unmarshal(b.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	if _, err := time.Parse(time.RFC3339, m["time"].(string)); err != nil {
		t.Error(err)
	}
	delete(m, "time")
	return m
}

func TestLine(t *testing.T) {
	got := line(t, func(l *slog.Logger) {
		l.With("revision", "abc").Warn("write refused",
			"request_id", "r1", "user", "ann\n", "namespace", "app.c", "role", "owner", "permission", "write", "path", "a.b",
			"error", errors.New("not a boolean"), "documents", 3, "duration", time.Second, "tls", true, "cause", nil)
	})
	want := map[string]any{
		"level": "WARN", "msg": "write refused", "revision": "abc", "request_id": "r1", "user": "ann\n", "namespace": "app.c",
		"role": "owner", "permission": "write", "path": "a.b", "error": "not a boolean", "documents": 3.0, "duration": 1e9,
		"tls": true, "cause": nil,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
}

type secretive struct{ Password string }

func (s secretive) LogValue() slog.Value { return slog.StringValue("resolved") }

func TestNothingElseIsWritten(t *testing.T) {
	const value = "salary 100"
	got := line(t, func(l *slog.Logger) {
		l.With("filter", value).WithGroup("request").Info(strings.Repeat("m", 1000),
			"document", []byte(value),
			"authorization", value,
			"role", map[string]string{"a": value},
			"user", slog.GroupValue(slog.String("role", value), slog.String("x", value)),
			slog.Group("path", "role", value),
			"cause", secretive{value},
			"error", strings.Repeat("é", 2000),
		)
	})
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), value) {
		t.Errorf("the line holds a value: %s", text)
	}
	for _, key := range []string{"filter", "document", "authorization", "role", "user", "path"} {
		if got[key] != audit.Withheld {
			t.Errorf("%s = %v", key, got[key])
		}
	}
	if got["cause"] != "resolved" {
		t.Errorf("cause = %v", got["cause"])
	}
	for key, limit := range map[string]int{"msg": 256, "error": 1024} {
		if s, _ := got[key].(string); len(s) > limit+len("…") || !utf8.ValidString(s) || !strings.HasSuffix(s, "…") {
			t.Errorf("%s has %d bytes", key, len(s))
		}
	}
}

func TestLevel(t *testing.T) {
	var b bytes.Buffer
	audit.New(&b, slog.LevelWarn).Info("x")
	if b.Len() != 0 {
		t.Errorf("written below the level: %s", &b)
	}
}
