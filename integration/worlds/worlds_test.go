package worlds_test

import (
	"testing"

	"github.com/rolegate/rolegate/integration/testdb"
)

// How much is asked with a scale of one.
const (
	worldsInBatch   = 20
	requestsOfWorld = 30
	embeddedBatches = 1
	realBatches     = 5
	shownFailures   = 5
)

// TestWorlds asks the product everything that random worlds come up with.
func TestWorlds(t *testing.T) {
	r := newRunner(t)
	seed, shown := testdb.Setting(t, "ROLEGATE_WORLDS_SEED", 1), testdb.Setting(t, "ROLEGATE_WORLDS_FAILURES", shownFailures)
	batches := embeddedBatches
	if r.db.Real {
		batches = realBatches
	}
	for i := range batches * testdb.Setting(t, "ROLEGATE_WORLDS_SCALE", 1) {
		g := newGenerator(uint64(seed), uint64(i), r.db.Real)
		var worlds []*World
		for range worldsInBatch {
			worlds = append(worlds, g.world(requestsOfWorld))
		}
		failures, err := r.run(t.Context(), worlds...)
		if err != nil {
			t.Fatalf("seed %d, batch %d: %v", seed, i, err)
		}
		for _, f := range failures {
			if shown == 0 {
				t.Fatalf("seed %d, batch %d: %s%s", seed, i, f.text, r.counts)
			}
			shown--
			r.report(t, f)
		}
	}
	t.Logf("seed %d%s", seed, r.counts)
	r.counts.interesting(t)
}
