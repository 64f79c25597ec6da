package integration_test

import (
	"path/filepath"
	"testing"

	"github.com/rolegate/rolegate/integration/testdb"
	"github.com/rolegate/rolegate/internal/apptest"
)

// TestExampleCases runs the cases of every example as its users do: without a database, and on one. Together they have to
// show everything that the rules of the example can do.
func TestExampleCases(t *testing.T) {
	dirs, err := filepath.Glob("../examples/*")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	uri := testdb.Open(t).URI
	for _, dir := range dirs {
		for _, where := range []string{"", uri} {
			r, err := apptest.Run(t.Context(), apptest.Options{Dir: dir, MongoDBURI: where})
			if err != nil {
				t.Errorf("%s: %v", dir, err)
				continue
			}
			for _, c := range r.Cases {
				if c.Outcome == apptest.Skipped {
					t.Logf("SKIP %s %s: %s", dir, c.Name, c.Reason)
				} else if c.Outcome != apptest.Passed {
					t.Errorf("%s %s %s: %s %+v; go run ./integration/test examples/%s tells why", dir, c.Name, c.Outcome, c.Reason, c.Failures, filepath.Base(dir))
				}
			}
			if r.Summary.Passed == 0 {
				t.Errorf("%s: nothing was run", dir)
			}
			for _, n := range r.Coverage.Never {
				if r.Summary.Skipped == 0 {
					t.Errorf("%s: no case shows of %s, role %q, query filter %q: %s (%s)", dir, n.Namespace, n.Role, n.Filter, n.What, n.At)
				}
			}
		}
	}
}
