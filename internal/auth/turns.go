package auth

import (
	"context"
	"runtime"
)

// turns bounds how much that takes memory and a processor, such as hashing a password, is done at a time, and how much
// waits for its turn.
type turns struct {
	places, running chan struct{}
}

// waiting is how many may wait for each that runs.
const waiting = 16

func newTurns() *turns {
	n := runtime.GOMAXPROCS(0)
	return &turns{places: make(chan struct{}, n*(1+waiting)), running: make(chan struct{}, n)}
}

// run calls f in its turn, or refuses at once when too many wait.
func (t *turns) run(ctx context.Context, f func()) error {
	select {
	case t.places <- struct{}{}:
		defer func() { <-t.places }()
	default:
		return &failure{kind: ErrTooMany, reason: "too much to do at a time"}
	}
	select {
	case t.running <- struct{}{}:
		defer func() { <-t.running }()
	case <-ctx.Done():
		return unavailable("the turn did not come", ctx.Err())
	}
	f()
	return nil
}
