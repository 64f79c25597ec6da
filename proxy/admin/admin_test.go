package admin_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/rolegate/rolegate/proxy/admin"
)

func TestAdmin(t *testing.T) {
	reason := ""
	h := admin.New(admin.Config{
		Ready:    func(context.Context) string { return reason },
		Revision: "abc",
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "metrics")
		}),
	})
	for _, c := range []struct {
		method, path, reason string
		status               int
		body                 string
	}{
		{"GET", "/healthz", "", 200, `{"alive":true}` + "\n"},
		{"GET", "/healthz", admin.Database, 200, `{"alive":true}` + "\n"},
		{"GET", "/readyz", "", 200, `{"ready":true,"revision":"abc"}` + "\n"},
		{"GET", "/readyz", admin.Database, 503, `{"ready":false,"reason":"database","revision":"abc"}` + "\n"},
		{"GET", "/readyz", admin.Draining, 503, `{"ready":false,"reason":"draining","revision":"abc"}` + "\n"},
		{"GET", "/metrics", "", 200, "metrics"},
		{"POST", "/healthz", "", 405, "Method Not Allowed\n"},
		{"POST", "/metrics", "", 405, "Method Not Allowed\n"},
		{"GET", "/", "", 404, "404 page not found\n"},
		{"GET", "/debug/pprof/", "", 404, "404 page not found\n"},
	} {
		reason = c.reason
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), c.method, c.path, nil))
		if w.Code != c.status || w.Body.String() != c.body {
			t.Errorf("%s %s = %d %q, want %d %q", c.method, c.path, w.Code, w.Body.String(), c.status, c.body)
		}
	}
}

func TestReadyIsBounded(t *testing.T) {
	h := admin.New(admin.Config{
		Ready: func(ctx context.Context) string {
			<-ctx.Done()
			return admin.Database
		},
		Metrics: http.NotFoundHandler(),
		Timeout: time.Millisecond,
	})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d", w.Code)
	}
}
