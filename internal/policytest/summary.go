package policytest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Summary counts results. Nothing that was not run goes unmentioned.
type Summary struct {
	Run, Failed int
	Lacking     map[string]int // by what the target lacks
}

// Add counts one result.
func (s *Summary) Add(r Result) {
	if r.Lacks != "" {
		if s.Lacking == nil {
			s.Lacking = map[string]int{}
		}
		s.Lacking[r.Lacks]++
		return
	}
	s.Run++
	if len(r.Failures) > 0 {
		s.Failed++
	}
}

func (s *Summary) String() string {
	var b strings.Builder
	skipped := 0
	for _, n := range s.Lacking {
		skipped += n
	}
	fmt.Fprintf(&b, "%d cases run, %d failed\n%d skipped, the target lacks", s.Run, s.Failed, skipped)
	for _, reason := range slices.Sorted(maps.Keys(s.Lacking)) {
		fmt.Fprintf(&b, "\n%6d %s", s.Lacking[reason], reason)
	}
	return b.String()
}
