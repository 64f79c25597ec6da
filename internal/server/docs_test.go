package server

import (
	"os"
	"strings"
	"testing"

	"github.com/rolegate/rolegate/internal/source"
)

func TestEveryCodeHasAPage(t *testing.T) {
	t.Parallel()
	for _, code := range Codes() {
		text, err := os.ReadFile("../../docs/diagnostics/" + code + ".md")
		if err != nil || !strings.HasPrefix(string(text), "# "+code+"\n") {
			t.Errorf("docs/diagnostics/%s.md: %v", code, err)
		}
	}
}

// TestSettingsAreDocumented holds that the keys that the reader knows are those of docs/settings.md.
func TestSettingsAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "| `"); ok {
			name, _, _ = strings.Cut(name, "`")
			documented[strings.TrimPrefix(name, "limits.")] = true
		}
	}
	// The hint of a key that is close to nothing lists all that are known.
	known := map[string]bool{}
	for _, settings := range []string{`{"qqqqqqqqqqqqqqqq": 1}`, `{"limits": {"qqqqqqqqqqqqqqqq": 1}}`} {
		_, ds := readSettings(file(settings))
		for _, name := range strings.Split(strings.TrimPrefix(hintOf(t, ds), "it may be one of "), ", ") {
			known[name] = true
		}
	}
	delete(known, "limits") // its keys are listed
	for name := range known {
		if !documented[name] {
			t.Errorf("docs/settings.md lacks %s", name)
		}
	}
	for name := range documented {
		if !known[name] {
			t.Errorf("docs/settings.md has %s, which does not exist", name)
		}
	}
}

func hintOf(t *testing.T, ds source.Diagnostics) string {
	t.Helper()
	if len(ds) != 1 {
		t.Fatalf("diagnostics: %v", ds)
	}
	return ds[0].Hint
}
