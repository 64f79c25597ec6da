package journal_test

import (
	"os"
	"strconv"
	"testing"
)

const (
	requestsOfUser = 12
	maxFailures    = 5
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

// TestJournal lets everybody write at once and judges every change afterwards.
func TestJournal(t *testing.T) {
	b := open(t)
	b.NeedReal(t, "exact guards")
	scale, seed := setting(t, "ROLEGATE_JOURNAL_SCALE", 1), uint64(setting(t, "ROLEGATE_JOURNAL_SEED", 1))
	c, failures := counts{}, 0
	for i := range worlds {
		for n := range scale {
			w := &worlds[i]
			r := b.play(t, w, seed+uint64(n), requestsOfUser)
			c["worlds"]++
			for _, fault := range r.judge(b.Dump(t, b.ns.Database, b.ns.Collection), c) {
				if failures++; failures > maxFailures {
					t.Fatalf("too many failures; seed %d%s", seed, c)
				}
				t.Error(fault)
			}
		}
	}
	t.Logf("seed %d%s", seed, c)
}
