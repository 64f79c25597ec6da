// Package admin answers the questions of whoever runs the server: is it alive, is it ready, what has it done. It has a
// listener of its own, which is not for clients.
package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Config is what New needs.
type Config struct {
	// Ready tells why the server cannot serve now, in one of the words below, or returns the empty string. Required.
	Ready func(ctx context.Context) string
	// Revision is that of the app export.
	Revision string
	// Metrics answers /metrics. Required.
	Metrics http.Handler
	// Timeout bounds Ready; 0 means 2 s.
	Timeout time.Duration
}

// Why a server is not ready.
const (
	Database = "database" // it does not answer
	Draining = "draining" // the server is about to stop
)

// New returns the handler of the admin listener: /healthz, /readyz and /metrics, by GET and HEAD.
func New(c Config) http.Handler {
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Second
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"alive": true})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), c.Timeout)
		defer cancel()
		// What is wrong in detail is in the log: this listener may be open to more people than the log is.
		if reason := c.Ready(ctx); reason != "" {
			answer(w, http.StatusServiceUnavailable, map[string]any{"ready": false, "reason": reason, "revision": c.Revision})
			return
		}
		answer(w, http.StatusOK, map[string]any{"ready": true, "revision": c.Revision})
	})
	mux.Handle("GET /metrics", c.Metrics)
	return mux
}

func answer(w http.ResponseWriter, status int, body map[string]any) {
	text, err := json.Marshal(body)
	if err != nil {
		status = http.StatusInternalServerError // never: the body holds texts and booleans
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // whoever asked has gone away
}
