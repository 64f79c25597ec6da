package rules_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/rules"
)

// Every code that compiling may report has a page, and no page is of a code that is gone.
func TestEveryCodeHasPage(t *testing.T) {
	pages, err := filepath.Glob("../docs/diagnostics/*.md")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nReported by `rules") {
			got = append(got, strings.TrimSuffix(filepath.Base(page), ".md"))
		}
	}
	want := rules.Codes()
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/diagnostics (-want +got):\n%s", diff)
	}
}
