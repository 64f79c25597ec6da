package auth

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
)

// TestTurns holds how much is done at a time, how much waits, and that the rest is refused at once.
func TestTurns(t *testing.T) {
	t.Parallel()
	turns, n := newTurns(), runtime.GOMAXPROCS(0)
	running, release := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	results := make(chan error, n*(1+waiting))
	for range n * (1 + waiting) {
		all.Go(func() {
			results <- turns.run(context.Background(), func() {
				running <- struct{}{}
				<-release
			})
		})
	}
	for range n {
		<-running
	}
	for len(turns.places) < cap(turns.places) {
		runtime.Gosched() // until all others wait
	}
	select {
	case <-running:
		t.Error("more run at a time than there are processors")
	default:
	}
	if err := turns.run(context.Background(), func() { t.Error("one too many runs") }); !errors.Is(err, ErrTooMany) {
		t.Errorf("one too many: %v, want ErrTooMany", err)
	}
	go func() {
		for range n * waiting {
			<-running
		}
	}()
	close(release)
	all.Wait()
	close(results)
	for err := range results {
		if err != nil {
			t.Errorf("one that waited: %v", err)
		}
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	ran := false
	if err := turns.run(gone, func() { ran = true }); err != nil && (ran || !errors.Is(err, ErrUnavailable)) {
		t.Errorf("of somebody who has gone: %v, ran %v", err, ran)
	}
}
