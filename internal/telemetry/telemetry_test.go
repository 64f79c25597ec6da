package telemetry_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rolegate/rolegate/internal/telemetry"
)

func scrape(t *testing.T, m *telemetry.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d", w.Code)
	}
	return w.Body.String()
}

func TestMetrics(t *testing.T) {
	m := telemetry.New()
	m.Request("dataapi", "find", "ok", 30*time.Millisecond)
	m.Request("dataapi", "find", "ok", 30*time.Millisecond)
	m.Request("dataapi", "", "", time.Second)
	m.Read("find", "narrowed", 7, 2)
	m.Panic()
	m.Login("jwt", "failed")
	m.Revision("old")
	m.Revision("new")
	text := scrape(t, m)
	for _, want := range []string{
		`rolegate_requests_total{dialect="dataapi",op="find",outcome="ok"} 2`,
		`rolegate_requests_total{dialect="dataapi",op="none",outcome="none"} 1`,
		`rolegate_request_duration_seconds_bucket{dialect="dataapi",op="find",le="0.025"} 0`,
		`rolegate_request_duration_seconds_bucket{dialect="dataapi",op="find",le="0.05"} 2`,
		`rolegate_reads_total{op="find",plan="narrowed"} 1`,
		`rolegate_documents_total{op="find",stage="fetched"} 7`,
		`rolegate_documents_total{op="find",stage="returned"} 2`,
		`rolegate_panics_total 1`,
		`rolegate_authentications_total{kind="jwt",outcome="failed"} 1`,
		`rolegate_config_revision_info{revision="new"} 1`,
		`go_goroutines`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	if strings.Contains(text, `revision="old"`) {
		t.Error("the old revision is still there")
	}
	for line := range strings.Lines(text) {
		name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(line, "# HELP "), "# TYPE "), " ")
		if !strings.HasPrefix(name, "rolegate_") && !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
			t.Errorf("a metric without prefix: %s", name)
		}
	}
}

// Two servers in one process count apart.
func TestRegistriesAreSeparate(t *testing.T) {
	a, b := telemetry.New(), telemetry.New()
	a.Panic()
	if text := scrape(t, b); !strings.Contains(text, "rolegate_panics_total 0") {
		t.Error("one server counts what another does")
	}
}
