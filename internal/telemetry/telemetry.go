// Package telemetry counts what the server does, for Prometheus. All names are in this file.
//
// Labels come from fixed sets: no user, no namespace that a client chose, no value and no text.
package telemetry

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const prefix = "rolegate_"

// None is the label of what never got so far as to have one.
const None = "none"

// Metrics are those of one server. They are safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	requests *prometheus.CounterVec   // by dialect, op and outcome
	duration *prometheus.HistogramVec // by dialect and op
	panics   prometheus.Counter
	logins   *prometheus.CounterVec // by kind and outcome
	revision *prometheus.GaugeVec   // by revision

	reads     *prometheus.CounterVec // by op and plan
	documents *prometheus.CounterVec // by op and stage
}

// New makes the metrics in a registry of their own.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "requests_total",
			Help: "Requests answered, by dialect, operation and outcome: ok, aborted, or an error code.",
		}, []string{"dialect", "op", "outcome"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    prefix + "request_duration_seconds",
			Help:    "Time from the head of a request to the end of its answer.",
			Buckets: []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 100, 300},
		}, []string{"dialect", "op"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: prefix + "panics_total",
			Help: "Requests that ended in a panic. Each one is a bug.",
		}),
		logins: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "authentications_total",
			Help: "Credentials checked, by kind and outcome.",
		}, []string{"kind", "outcome"}),
		revision: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: prefix + "config_revision_info",
			Help: "1 for the revision of the app export that is served.",
		}, []string{"revision"}),
	}
	m.reads = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: prefix + "reads_total",
		Help: "Reads of collections, by operation and plan: none (nothing could match), exact, or narrowed (sorted out in the proxy).",
	}, []string{"op", "plan"})
	m.documents = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: prefix + "documents_total",
		Help: "Documents of those reads, by operation and stage: fetched from the database, or returned as the answer.",
	}, []string{"op", "stage"})
	m.registry.MustRegister(m.requests, m.duration, m.panics, m.logins, m.revision, m.reads, m.documents,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Request counts one request.
func (m *Metrics) Request(dialect, op, outcome string, d time.Duration) {
	m.requests.WithLabelValues(dialect, orNone(op), orNone(outcome)).Inc()
	m.duration.WithLabelValues(dialect, orNone(op)).Observe(d.Seconds())
}

// Read counts one read of a collection.
func (m *Metrics) Read(op, plan string, fetched, returned int) {
	m.reads.WithLabelValues(op, plan).Inc()
	m.documents.WithLabelValues(op, "fetched").Add(float64(fetched))
	m.documents.WithLabelValues(op, "returned").Add(float64(returned))
}

// Panic counts a request that ended in a panic.
func (m *Metrics) Panic() { m.panics.Inc() }

// Login counts credentials that were checked.
func (m *Metrics) Login(kind, outcome string) { m.logins.WithLabelValues(kind, outcome).Inc() }

// Revision says which revision of the app export is served.
func (m *Metrics) Revision(revision string) {
	m.revision.Reset()
	m.revision.WithLabelValues(revision).Set(1)
}

func orNone(label string) string {
	if label == "" {
		return None
	}
	return label
}

// Handler answers with all metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}
