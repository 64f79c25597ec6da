package apptest

import (
	"context"
	"log/slog"
	"sync"
)

// line is a line of the decision log.
type line struct {
	message string
	attrs   map[string]string
}

// recorder keeps the lines that the server writes about a step. The zero value is ready.
type recorder struct {
	mu    sync.Mutex
	lines []line
}

var _ slog.Handler = (*recorder)(nil)

// take returns the lines since it was last called.
func (r *recorder) take() []line {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.lines
	r.lines = nil
	return out
}

// Enabled implements slog.Handler. Debug lines quote the database.
func (r *recorder) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

// Handle implements slog.Handler.
func (r *recorder) Handle(_ context.Context, rec slog.Record) error {
	l := line{rec.Message, map[string]string{}}
	rec.Attrs(func(a slog.Attr) bool {
		l.attrs[a.Key] = a.Value.String()
		return true
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, l)
	return nil
}

// WithAttrs implements slog.Handler. What all lines have in common says nothing about one.
func (r *recorder) WithAttrs([]slog.Attr) slog.Handler { return r }

// WithGroup implements slog.Handler. Lines are flat.
func (r *recorder) WithGroup(string) slog.Handler { return r }
