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
	Later       map[string]int // by what the case waits for
	Lacking     map[string]int // by what the target lacks
}

// Add counts one result.
func (s *Summary) Add(r Result) {
	count := func(m *map[string]int, reason string) {
		if *m == nil {
			*m = map[string]int{}
		}
		(*m)[reason]++
	}
	switch {
	case r.Case.Later != "":
		count(&s.Later, r.Case.Later)
	case r.Lacks != "":
		count(&s.Lacking, r.Lacks)
	default:
		s.Run++
		if len(r.Failures) > 0 {
			s.Failed++
		}
	}
}

func (s *Summary) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d cases run, %d failed", s.Run, s.Failed)
	list := func(what string, m map[string]int) {
		total := 0
		for _, n := range m {
			total += n
		}
		fmt.Fprintf(&b, "\n%d %s", total, what)
		for _, reason := range slices.Sorted(maps.Keys(m)) {
			fmt.Fprintf(&b, "\n%6d %s", m[reason], reason)
		}
	}
	list("wait for later work", s.Later)
	list("skipped, the target lacks", s.Lacking)
	return b.String()
}
