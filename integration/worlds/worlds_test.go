package worlds_test

import (
	"os"
	"strconv"
	"testing"
)

const (
	worldsInBatch   = 20
	requestsOfWorld = 30
	maxFailures     = 5
	embeddedBatches = 2
	realBatches     = 20
)

func setting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s must be a number that is not negative", name)
	}
	return n
}

// TestWorlds asks the product everything that random worlds come up with.
func TestWorlds(t *testing.T) {
	r := newRunner(t)
	scale, seed := setting(t, "ROLEGATE_WORLDS_SCALE", 1), setting(t, "ROLEGATE_WORLDS_SEED", 1)
	batches := embeddedBatches
	if r.db.Real {
		batches = realBatches
	}
	failures, most := 0, setting(t, "ROLEGATE_WORLDS_FAILURES", maxFailures)
	for i := range batches * scale {
		g := newGenerator(uint64(seed), uint64(i), r.db.Real)
		var worlds []*World
		for range worldsInBatch {
			worlds = append(worlds, g.world(requestsOfWorld))
		}
		found, err := r.run(t.Context(), worlds...)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			if failures++; failures > most {
				t.Fatalf("too many failures; seed %d%s", seed, r.summary())
			}
			r.report(t, f)
		}
	}
	t.Logf("seed %d%s", seed, r.summary())
}
