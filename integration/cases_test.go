package integration_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/policytest"
)

var updateCases = flag.Bool("update", false, "rewrite the want sections of cases with what comes back")

const corpus = "cases"

// mustCases reads the case corpus.
func mustCases(t *testing.T) []*policytest.Case {
	t.Helper()
	var cases []*policytest.Case
	err := filepath.WalkDir(corpus, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".txtar") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(corpus, path)
		if err != nil {
			return err
		}
		c, err := policytest.Parse(filepath.ToSlash(name), data)
		if err != nil {
			t.Error(err)
			return nil
		}
		cases = append(cases, c)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
	return cases
}

// runCases runs the corpus on a target, one subtest a case, and says in the end what was run and what was not.
func runCases(t *testing.T, target policytest.Target, parallel bool) {
	t.Helper()
	var mu sync.Mutex
	var sum policytest.Summary
	t.Run("cases", func(t *testing.T) {
		for _, c := range mustCases(t) {
			t.Run(c.Name, func(t *testing.T) {
				if parallel {
					t.Parallel()
				}
				r, err := policytest.Run(t.Context(), target, c)
				if err != nil {
					t.Error(err)
				}
				for _, f := range r.Failures {
					t.Errorf("%s/%s.txtar %s", corpus, c.Name, f)
				}
				mu.Lock()
				sum.Add(r)
				mu.Unlock()
				if *updateCases && len(r.Failures) > 0 {
					rewrite(t, c, r)
				}
			})
		}
	})
	t.Log("\n" + sum.String())
	if sum.Run == 0 {
		t.Error("nothing was run")
	}
}

func rewrite(t *testing.T, c *policytest.Case, r policytest.Result) {
	t.Helper()
	path := filepath.Join(corpus, filepath.FromSlash(c.Name)+".txtar")
	if err := os.WriteFile(path, r.Rewrite(), 0o644); err != nil {
		t.Error(err)
	}
}

// TestEveryRowHasACase keeps the corpus complete: the conformance rows of the specification are numbered.
func TestEveryRowHasACase(t *testing.T) {
	have := map[string]bool{}
	for _, c := range mustCases(t) {
		for _, s := range c.Spec {
			have[s] = true
		}
	}
	sections := []struct {
		name        string
		first, last int
	}{
		{"rules 18.1", 1, 20},
		{"rules 18.2", 21, 45},
		{"rules 18.3", 46, 58},
		{"rules 18.4", 59, 87},
		{"rules 18.5", 88, 108},
		{"http-api 11", 1, 38},
	}
	for _, s := range sections {
		for row := s.first; row <= s.last; row++ {
			if name := fmt.Sprintf("%s/%d", s.name, row); !have[name] {
				t.Errorf("no case shows %s", name)
			}
		}
	}
}

// TestNeeds holds the list of what cases need. A need that is spelled differently would be counted apart.
func TestNeeds(t *testing.T) {
	for _, c := range mustCases(t) {
		if !slices.Contains([]string{"", needsRealEngine, needsComputed, needsNotComputed}, c.Needs) {
			t.Errorf("%s needs %q", c.Name, c.Needs)
		}
	}
}

// needsRealEngine marks cases whose documents or requests the embedded server cannot take.
const needsRealEngine = "real engine"

// needsComputed marks cases with pipelines that a database has to run.
const needsComputed = "computed fields"

// needsNotComputed marks cases about what a database cannot run.
const needsNotComputed = "no computed fields"

// TestCasesInProcess runs the corpus against the proxy and the door, without a network and without a database.
func TestCasesInProcess(t *testing.T) {
	t.Parallel()
	runCases(t, inProcess{}, true)
}

var _ policytest.Target = inProcess{}

// seed lists everything that a case stores before its first step.
func seed(c *policytest.Case, store func(policytest.Namespace, []bson.Raw) error) error {
	for _, coll := range c.Documents {
		if err := store(coll.Namespace, coll.Documents); err != nil {
			return fmt.Errorf("seed %s: %w", coll.Namespace, err)
		}
	}
	custom := policytest.Namespace{
		Service:    policytest.DefaultService,
		Database:   policytest.CustomDataDatabase,
		Collection: policytest.CustomDataCollection,
	}
	if err := store(custom, c.CustomData()); err != nil {
		return fmt.Errorf("seed %s: %w", custom, err)
	}
	return nil
}
