package server

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"
)

// sweepEvery is how often what has expired is removed. Nothing depends on it: what has expired is refused before.
const sweepEvery = time.Hour

// sweep calls f now and then until ctx ends. Several servers that start together do not sweep together.
func sweep(ctx context.Context, f func(context.Context) error, log *slog.Logger) {
	wait := rand.N(sweepEvery) //nolint:gosec // only spreads the load
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = sweepEvery
		limited, cancel := context.WithTimeout(ctx, time.Minute)
		if err := f(limited); err != nil && ctx.Err() == nil {
			log.Warn("expired users and sessions cannot be removed", "error", err)
		}
		cancel()
	}
}
