package main

import (
	"go/parser"
	"go/token"
	"testing"
)

// TestEveryMutationApplies keeps the lists in step with the code that they change.
func TestEveryMutationApplies(t *testing.T) {
	mutations, err := parseAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutations {
		text, err := m.apply("../..")
		if err == nil {
			_, err = parser.ParseFile(token.NewFileSet(), m.file, text, parser.SkipObjectResolution)
		}
		if err != nil {
			t.Errorf("%s: %s: %v", m.suite.name, m.name, err)
		}
	}
}
