package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/config"
)

// TestEveryCodeHasPage holds that docs/diagnostics explains every code of this package, and no code that is gone. Pages
// name the package that reports their code, because each package looks after its own.
func TestEveryCodeHasPage(t *testing.T) {
	t.Parallel()
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
		if !strings.Contains(string(text), "\nReported by `config`") {
			continue
		}
		code := strings.TrimSuffix(filepath.Base(page), ".md")
		got = append(got, code)
		for _, part := range []string{"# " + code + "\n", "\n**What.** ", "\n**Why.** ", "\n**Fix.** "} {
			if !strings.Contains(string(text), part) {
				t.Errorf("%s lacks %q", page, part)
			}
		}
	}
	want := config.Codes()
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/diagnostics (-want +got):\n%s", diff)
	}
}
