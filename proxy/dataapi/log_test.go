package dataapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/proxy/dataapi"
	"github.com/rolegate/rolegate/rules"
)

// lines returns the log lines of one request without their time and request id, which it checks.
func lines(t *testing.T, log *bytes.Buffer, id string) []map[string]any {
	t.Helper()
	var out []map[string]any
	for line := range strings.Lines(log.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		if m["request_id"] != id {
			t.Errorf("request %v, want %s", m["request_id"], id)
		}
		delete(m, "time")
		delete(m, "request_id")
		out = append(out, m)
	}
	return out
}

func TestLog(t *testing.T) {
	refused := func(level, ns, action, user, code, cause string) map[string]any {
		m := map[string]any{"level": level, "msg": "refused", "namespace": ns, "action": action, "user": user, "code": code, "cause": cause}
		if cause == "denied" {
			m["role"], m["permission"], m["path"] = "reader", "write", ""
		}
		return m
	}
	denied := &proxy.Error{Kind: proxy.Denied, Message: "m", Cause: errors.New("field hush"), Role: "reader", Permission: "write"}
	tests := []struct {
		name, action, body string
		err                error
		level              slog.Level
		want               []map[string]any
	}{
		{"success", "find", findBody, nil, slog.LevelDebug, nil},
		{"denied", "find", findBody, denied, slog.LevelInfo, []map[string]any{refused("INFO", "app.c", "find", "key-user", "NoMatchingRuleFound", "denied")}},
		{"denied, debug level", "find", findBody, denied, slog.LevelDebug, []map[string]any{
			refused("INFO", "app.c", "find", "key-user", "NoMatchingRuleFound", "denied"), {"level": "DEBUG", "msg": "cause", "error": "field hush"},
		}},
		{"not configured", "find", strings.Replace(findBody, `"app"`, `"hush"`, 1), denied, slog.LevelInfo, []map[string]any{refused("INFO", "unknown", "find", "key-user", "NoMatchingRuleFound", "denied")}},
		{"internal", "find", findBody, errors.New("hush"), slog.LevelInfo, []map[string]any{refused("ERROR", "app.c", "find", "key-user", "InternalServerError", "internal")}},
		{"malformed", "find", `{"hush":1}`, nil, slog.LevelInfo, []map[string]any{refused("INFO", "unknown", "find", "key-user", "InvalidParameter", "invalid")}},
		{"unknown action", "hush", ``, nil, slog.LevelInfo, []map[string]any{refused("INFO", "unknown", "", "", "BadRequest", "not_found")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			c := config(&fake{err: tt.err})
			c.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: tt.level}))
			c.Configured = func(ns rules.Namespace) bool { return ns.Database == "app" }
			res := post(dataapi.New(c), tt.action, tt.body, nil)
			if diff := cmp.Diff(tt.want, lines(t, &log, res.Header.Get("X-Request-Id"))); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
			if tt.level > slog.LevelDebug && strings.Contains(log.String(), "hush") {
				t.Errorf("logged %s", &log)
			}
		})
	}
}

func TestPanic(t *testing.T) {
	var log bytes.Buffer
	f := &fake{find: func(context.Context, proxy.Find, func(bson.Raw) error) error { panic("hush") }}
	c := config(f)
	c.Logger = slog.New(slog.NewJSONHandler(&log, nil))
	var seen dataapi.Observation
	c.Observe = func(o dataapi.Observation) { seen = o }
	res := post(dataapi.New(c), "find", findBody, nil)
	if got := text(t, res); res.StatusCode != 500 || got != `{"error":"internal server error","error_code":"InternalServerError"}` {
		t.Errorf("%d %s", res.StatusCode, got)
	}
	l := lines(t, &log, res.Header.Get("X-Request-Id"))
	if len(l) != 1 || l[0]["value"] != "string" || !strings.Contains(l[0]["stack"].(string), "TestPanic") {
		t.Errorf("logged %v, want the type of the value and the stack", l)
	}
	if strings.Contains(log.String(), "hush") {
		t.Errorf("logged the value: %s", &log)
	}
	if !seen.Panicked || seen.Aborted || seen.Status != 500 || seen.Code != "InternalServerError" {
		t.Errorf("observed %+v", seen)
	}
}

// A panic after the answer has begun cuts the connection, like any error then.
func TestLatePanic(t *testing.T) {
	kb := kilobyte(t)
	f := &fake{find: func(_ context.Context, _ proxy.Find, emit func(bson.Raw) error) error {
		for range 5000 {
			if err := emit(kb); err != nil {
				return err
			}
		}
		_ = kb[len(kb)]
		return nil
	}}
	var log bytes.Buffer
	c := config(f)
	c.Logger = slog.New(slog.NewJSONHandler(&log, nil))
	done := make(chan dataapi.Observation, 1)
	c.Observe = func(o dataapi.Observation) { done <- o }
	_, _, err := ask(t, serve(t, c))
	if err == nil {
		t.Error("the body looks complete")
	}
	if o := <-done; !o.Panicked || !o.Aborted {
		t.Errorf("observed %+v", o)
	}
	if !strings.Contains(log.String(), "index out of range") {
		t.Errorf("logged %s, want what the runtime says", &log)
	}
}

func TestNobodyIsLetInByDefault(t *testing.T) {
	c := config(&fake{})
	c.Authenticate = nil
	if res := post(dataapi.New(c), "find", findBody, nil); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("%d, want 401", res.StatusCode)
	}
}
