package rolegate_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/jsfunc"
	"github.com/rolegate/rolegate/rules"
)

// TestEveryCodeHasPage holds that docs/diagnostics explains every code of a diagnostic, and no code that is gone. A page
// names the package that reports its code; those of the server are held by a test beside them.
func TestEveryCodeHasPage(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("docs/diagnostics/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, reporter := range []struct {
		by   string // how its pages begin to name it; rules stands for what it compiles with, too
		want []string
	}{
		{"\nReported by `config`", config.Codes()},
		{"\nReported by `rules", rules.Codes()},
		{"\nReported by `internal/jsfunc", jsfunc.Codes()},
	} {
		var got []string
		for _, page := range pages {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(text), reporter.by) {
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
		slices.Sort(reporter.want)
		if diff := cmp.Diff(reporter.want, got); diff != "" {
			t.Errorf("pages%s (-want +got):\n%s", reporter.by, diff)
		}
	}
}
