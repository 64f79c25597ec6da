package policytest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/internal/policytest"
)

// A line that matches stays as it is written, wherever it comes back. Placeholders stay where they match still, and what this
// run has made becomes one.
func TestRewriteWritesPlaceholders(t *testing.T) {
	t.Parallel()
	const made, known = `{"$oid":"0123456789abcdef01234567"}`, `{"$oid":"65e000000000000000000001"}`
	at := time.Date(2026, 11, 28, 10, 0, 0, 250e6, time.UTC)
	date := func(after time.Duration) string {
		return `{"$date":"` + at.Add(after).Format("2006-01-02T15:04:05.999Z") + `"}`
	}
	for _, c := range []struct {
		name           string
		want, got, out []string
	}{
		{"a line that matches", []string{`{"_id": "(generated)", "n": 1}`, `{"_id": 2}`}, []string{`{"_id":3}`, `{"_id":` + made + `,"n":1}`}, []string{`{"_id":3}`, `{"_id": "(generated)", "n": 1}`}},
		{"a generated id that was wanted", []string{`{"_id": "(generated)", "n": 1}`}, []string{`{"_id":` + made + `,"n":2}`}, []string{`{"_id":"(generated)","n":2}`}},
		{"one that was not", nil, []string{`{"_id":` + made + `,"n":[{"of":` + made + `}]}`}, []string{`{"_id":"(generated)","n":[{"of":"(generated)"}]}`}},
		{"one that the case says", nil, []string{`{"_id":` + known + `}`}, []string{`{"_id":` + known + `}`}},
		{"a time that was wanted", []string{`{"_id": 1, "at": {"by": "(now)"}}`}, []string{`{"_id":1,"at":{"by":{"$date":"2001-01-01T00:00:00Z"}},"n":1}`}, []string{`{"_id":1,"at":{"by":"(now)"},"n":1}`}},
		{"one of this run", nil, []string{`{"_id":1,"at":` + date(time.Second) + `}`}, []string{`{"_id":1,"at":"(now)"}`}},
		{"other times", nil, []string{`{"_id":1,"at":` + date(-time.Second) + `,"of":` + date(time.Minute) + `}`}, []string{`{"_id":1,"at":` + date(-time.Second) + `,"of":` + date(time.Minute) + `}`}},
		{"one of this run that the case says", nil, []string{`{"_id":1,"at":` + date(2*time.Second) + `}`}, []string{`{"_id":1,"at":` + date(2*time.Second) + `}`}},
		{"a placeholder that does not match", []string{`{"_id": 1, "at": "(now)", "x": "(any)"}`}, []string{`{"_id":1,"at":5,"x":6,"n":1}`}, []string{`{"_id":1,"at":5,"x":"(any)","n":1}`}},
		{"without an _id", []string{`{"n": 1, "at": "(any)"}`}, []string{`{"n":2,"at":5}`}, []string{`{"n":2,"at":"(any)"}`}},
		{"of another document", []string{`{"_id": 2, "n": "(any)"}`}, []string{`{"_id":1,"n":5}`}, []string{`{"_id":1,"n":5}`}},
		{"an insert", []string{"error 403"}, []string{"inserted " + made + ` "a" ` + known}, []string{`inserted (generated) "a" ` + known}},
		{"a bulk write", nil, []string{"bulk inserted 1 matched 0 modified 0 deleted 0 upserted 0 0:" + made}, []string{"bulk inserted 1 matched 0 modified 0 deleted 0 upserted 0 0:(generated)"}},
	} {
		lines := func(list []string) string { return strings.Join(append(list, ""), "\n") }
		text := func(want []string) string {
			return "A case.\nSpec: x\n-- users.json --\n{\"ann\": {\"id\": \"ua\", \"data\": {\"of\": " + known + ", \"at\": " + date(2*time.Second) + "}}}\n" +
				"-- 1. ann asks --\nfind a.b {}\n-- 1. want --\n" + lines(want)
		}
		k := mustParse(t, "c.txtar", text(c.want))
		r := policytest.Result{Case: k, From: at, To: at.Add(3 * time.Second), Failures: []policytest.Failure{{Section: k.Steps[0].Want, Got: c.got}}}
		if diff := cmp.Diff(text(c.out), string(r.Rewrite())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		// What is written has to match what came back.
		for i, l := range c.out {
			if !policytest.LineMatches(l, c.got[i]) {
				t.Errorf("%s: %s does not match %s", c.name, l, c.got[i])
			}
		}
	}
}
