package journal_test

import (
	"math/rand/v2"
	"testing"

	"github.com/rolegate/rolegate/integration/testdb"
)

const (
	randomWorlds   = 6
	requestsOfUser = 10
	shownFailures  = 5
)

// worldOf is one of those that are written down, and after them a random one.
func worldOf(i int, random *rand.Rand, users []*user) *world {
	if i < len(worlds) {
		return &worlds[i]
	}
	return randomWorld(random, users)
}

// TestJournal lets everybody write at once and judges every change afterwards.
func TestJournal(t *testing.T) {
	b := open(t)
	b.NeedReal(t, "exact guards")
	scale, seed := testdb.Setting(t, "ROLEGATE_JOURNAL_SCALE", 1), uint64(testdb.Setting(t, "ROLEGATE_JOURNAL_SEED", 1))
	c, failures, shown := counts{}, 0, testdb.Setting(t, "ROLEGATE_JOURNAL_FAILURES", shownFailures)
	for n := range scale * (len(worlds) + randomWorlds) {
		random := rand.New(rand.NewPCG(seed, uint64(n)))
		w := worldOf(n%(len(worlds)+randomWorlds), random, b.users)
		r := b.play(t, w, random.Uint64(), requestsOfUser)
		c["worlds"]++
		for _, fault := range r.judge(b.Dump(t, b.ns.Database, b.ns.Collection), c) {
			if failures++; failures > shown {
				t.Fatalf("too many failures; seed %d%s", seed, c)
			}
			t.Error(fault)
		}
	}
	t.Logf("seed %d%s", seed, c)
	c.need(t, "guarded writes", "guards that did not hold, or found nothing", "direct writes", "direct writes of many at once", "changes beside the proxy",
		"changes: insert", "changes: update", "changes: update of many", "changes: replacement", "changes: delete", "changes: of a bulk write", "changes: returned",
		"answers: denied", "answers: conflict", "answers: duplicate key", "answers: matched and left as it was")
}
