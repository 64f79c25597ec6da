package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Code moves. What a deliberate bug changes has to stand there still, and once.
func TestEveryTextStandsOnce(t *testing.T) {
	for _, s := range suites {
		list, err := s.parse()
		if err != nil || len(list) == 0 {
			t.Fatalf("%s: %d mutations, %v", s.name, len(list), err)
		}
		for _, m := range list {
			text, err := os.ReadFile(filepath.Join("../..", m.file))
			if n := strings.Count(string(text), m.old); err != nil || n != 1 {
				t.Errorf("%s: %s: the text to change stands %d times in %s (%v)", s.name, m.name, n, m.file, err)
			}
		}
	}
}
