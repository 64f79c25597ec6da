package apptest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rolegate/rolegate/internal/apptest"
)

// What is written for a case holds the next time, too, when there are other ids and times.
func TestUpdate(t *testing.T) {
	t.Parallel()
	for name, now := range map[string]string{"today": "", "another day": "-- now --\n2025-03-05T18:00:00Z\n"} {
		dir := dirOf(t, sharing, "A case.\n"+now+`-- 1. bob inserts --
insertOne a.b {"open": true}
-- 1. want --
-- 1. stored --
-- 2. bob sets the time --
findOneAndUpdate a.b {"open": true} {"$currentDate": {"at": true}}
returnNewDocument true
-- 2. want --
{"_id": "(generated)", "open": true, "team": "green", "at": "(any)"}
`)
		o := apptest.Options{Dir: dir, Update: true}
		if r := test(t, o); r.Summary.Updated != 1 {
			t.Errorf("%s: %+v", name, r.Summary)
		}
		o.Update = false
		if r := test(t, o); r.Summary.Passed != 1 {
			t.Errorf("%s: %+v", name, r.Cases[0].Failures)
		}
		text, err := os.ReadFile(filepath.Join(dir, "cases/c.txtar"))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"inserted (generated)\n", `{"_id":"(generated)","open":true,"team":"red"}`, `"team":"red","at":"(any)"}`} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s: %s is not in\n%s", name, want, text)
			}
		}
	}
}
