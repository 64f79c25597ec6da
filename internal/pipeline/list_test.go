package pipeline_test

import (
	"os"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/pipeline"
)

// entry is a line of a list in testdata: a name, and a pipeline with it if it is allowed.
type entry struct{ name, example string }

// lines reads a file of testdata without its comments.
func lines(t testing.TB, file string) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "# ") {
			out = append(out, line)
		}
	}
	return out
}

func entries(t testing.TB, file string) (allowed, refused []entry) {
	t.Helper()
	for _, line := range lines(t, file) {
		name, example, ok := strings.Cut(line, " ")
		if ok {
			allowed = append(allowed, entry{name, example})
		} else {
			refused = append(refused, entry{name, ""})
		}
	}
	if len(allowed) == 0 || len(refused) == 0 {
		t.Fatalf("%s has %d allowed and %d refused names", file, len(allowed), len(refused))
	}
	return allowed, refused
}

// examples returns a pipeline for every allowed name, and those of accepted.txt.
func examples(t testing.TB) []string {
	t.Helper()
	out := lines(t, "accepted.txt")
	for _, file := range []string{"stages.txt", "expressions.txt", "accumulators.txt", "window.txt", "query.txt", "variables.txt"} {
		allowed, _ := entries(t, file)
		for _, e := range allowed {
			if !strings.Contains(e.example, e.name) {
				t.Errorf("%s: the example of %s does not have it", file, e.name)
			}
			out = append(out, e.example)
		}
	}
	return out
}

// stages parses a pipeline written as extended JSON.
func stages(t testing.TB, text string) []bson.Raw {
	t.Helper()
	var parsed struct{ P []bson.Raw }
	if err := bson.UnmarshalExtJSON([]byte(`{"p":`+text+`}`), false, &parsed); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return parsed.P
}

func mustParse(t testing.TB, text string) *pipeline.Pipeline {
	t.Helper()
	p, err := pipeline.Parse(stages(t, text), pipeline.Options{})
	if err != nil {
		t.Fatalf("Parse(%s): %v", text, err)
	}
	return p
}
