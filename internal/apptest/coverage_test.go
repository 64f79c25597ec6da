package apptest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/rolegate/rolegate/internal/apptest"
)

// app is what every test below starts from: an owner decides by an expression about the document, everybody else by field.
const app = `
-- app/root_config.json --
{"app_id": "test-abcde", "config_version": 20210101}
-- app/data_sources/mongodb-atlas/config.json --
{"name": "mongodb-atlas", "type": "mongodb-atlas", "config": {"clusterName": "c"}}
-- app/data_sources/mongodb-atlas/a/b/rules.json --
{
  "database": "a", "collection": "b",
  "roles": [
    {"name": "owner", "apply_when": {"owner": "%%user.id"}, "read": true, "write": {"locked": {"$ne": true}}, "insert": true, "delete": {"done": true}},
    {"name": "reader", "apply_when": true, "fields": {"title": {"read": {"public": true}}, "likes": {"write": true}}}
  ],
  "filters": [{"name": "draft", "apply_when": {"%%user.id": {"$ne": "ua"}}, "query": {"draft": {"$ne": true}}}]
}
-- users.json --
{"ann": {"id": "ua"}, "bob": {"id": "ub"}}
-- documents/a.b.json --
[
  {"_id": 1, "owner": "ua", "title": "x", "public": true, "likes": 0},
  {"_id": 2, "owner": "ua", "title": "y", "locked": true, "done": true},
  {"_id": 3, "owner": "ub", "title": "z", "draft": true}
]
`

// run runs a case of an app, which has to pass.
func run(t *testing.T, app, text string) *apptest.Report {
	t.Helper()
	r := test(t, apptest.Options{Dir: dirOf(t, app, text)})
	for _, c := range r.Cases {
		if c.Outcome != apptest.Passed {
			t.Fatalf("%s: %s %+v", c.Outcome, c.Reason, c.Failures)
		}
	}
	return r
}

// test runs the cases of a directory.
func test(t *testing.T, o apptest.Options) *apptest.Report {
	t.Helper()
	r, err := apptest.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// dirOf writes out an app with one case, cases/c.txtar.
func dirOf(t *testing.T, app, text string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(app)).Files {
		write(t, filepath.Join(dir, f.Name), string(f.Data))
	}
	write(t, filepath.Join(dir, "cases/c.txtar"), text)
	return dir
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Each step shows what it is about, and nothing else.
func TestCoverage(t *testing.T) {
	t.Parallel()
	all := []string{
		"draft: applied", "draft: left alone", "draft: a document let pass", "draft: a document hidden",
		"owner: applied", "owner: passed over", "owner: read granted", "owner: write granted", "owner: write refused", "owner: insert granted",
		"owner: delete granted", "owner: delete refused",
		"reader: applied", "reader: title shown", "reader: title hidden", "reader: change of title refused", "reader: likes shown", "reader: likes changed",
	}
	for _, c := range []struct {
		name, step string
		shows      []string
	}{
		{"nothing is found", "ann asks --\nfind a.b {\"_id\": 9}\n-- 1. want --\n", []string{"draft: left alone"}},
		{"own document", "ann asks --\nfindOne a.b {\"_id\": 2}\n-- 1. want --\n{\"_id\": 2, \"owner\": \"ua\", \"title\": \"y\", \"locked\": true, \"done\": true}\n", []string{
			"draft: left alone", "owner: applied", "owner: read granted",
		}},
		{"a title that is shown", "bob asks --\nfind a.b {\"likes\": 0}\n-- 1. want --\n{\"title\": \"x\", \"likes\": 0}\n", []string{
			"draft: applied", "draft: a document let pass", "owner: passed over", "reader: applied", "reader: title shown", "reader: likes shown",
		}},
		{"what a query filter hides", "bob asks --\nfind a.b {\"draft\": true}\n-- 1. want --\n", []string{
			"draft: applied", "draft: a document hidden", "owner: applied", "owner: read granted",
		}},
		{"a write", "ann asks --\nupdateOne a.b {\"_id\": 1} {\"$set\": {\"title\": \"n\"}}\n-- 1. want --\nmatched 1 modified 1\n", []string{
			"draft: left alone", "owner: applied", "owner: read granted", "owner: write granted",
		}},
		{"a refused write", "ann asks --\nupdateOne a.b {\"_id\": 2} {\"$set\": {\"title\": \"n\"}}\n-- 1. want --\nerror 403\n", []string{
			"draft: left alone", "owner: applied", "owner: read granted", "owner: write refused",
		}},
		{"a field written, in bulk", "bob asks --\nbulkWrite a.b [{\"updateOne\": {\"filter\": {\"likes\": 0}, \"update\": {\"$set\": {\"likes\": 1}}}}]\n-- 1. want --\n" +
			"bulk inserted 0 matched 1 modified 1 deleted 0 upserted 0\n", []string{
			"draft: applied", "draft: a document let pass", "owner: passed over", "reader: applied", "reader: title shown", "reader: likes shown", "reader: likes changed",
		}},
		{"an insert", "ann asks --\ninsertOne a.b {\"_id\": 5, \"owner\": \"ua\"}\n-- 1. want --\ninserted 5\n", []string{
			"owner: applied", "owner: write granted", "owner: insert granted",
		}},
		{"a refused insert", "ann asks --\ninsertOne a.b {\"_id\": 5, \"owner\": \"ub\"}\n-- 1. want --\nerror 403\n", nil},
		{"a refused deletion", "ann asks --\ndeleteOne a.b {\"_id\": 1}\n-- 1. want --\nerror 403\n", []string{
			"draft: left alone", "owner: applied", "owner: read granted", "owner: delete refused",
		}},
	} {
		r := run(t, app, "A case.\n-- 1. "+c.step)
		never := map[string]bool{}
		for _, n := range r.Coverage.Never {
			never[n.Role+n.Filter+": "+n.What] = true
		}
		var shows []string
		for _, outcome := range all {
			if !never[outcome] {
				shows = append(shows, outcome)
			}
		}
		if diff := cmp.Diff(c.shows, shows); diff != "" {
			t.Errorf("%s shows (-want +got):\n%s", c.name, diff)
		}
		if r.Coverage.Of != len(all) || r.Coverage.Seen != len(c.shows) {
			t.Errorf("%s: %d of %d, want %d of %d", c.name, r.Coverage.Seen, r.Coverage.Of, len(c.shows), len(all))
		}
	}
}

// What a case changes in the export is not about the rules of the app.
func TestCoverageLeavesOutOtherRules(t *testing.T) {
	t.Parallel()
	r := run(t, app, "A case.\n-- app.json --\n{}\n-- 1. ann asks --\ncountDocuments a.b {}\n-- 1. want --\ncount 2\n")
	if r.Coverage.Seen != 0 {
		t.Errorf("%d outcomes are seen", r.Coverage.Seen)
	}
}
