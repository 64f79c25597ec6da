package apptest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDifference(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		want, got []string
		out       []string // marks, texts and notes
	}{
		{"nothing", nil, nil, nil},
		{"equal but for a placeholder", []string{`{"_id": "(generated)"}`}, []string{`{"_id":{"$oid":"0123456789abcdef01234567"}}`}, []string{
			` {"_id":{"$oid":"0123456789abcdef01234567"}}`,
		}},
		{"one line missing between others", []string{`{"_id":1}`, `{"_id":2}`, `{"_id":3}`}, []string{`{"_id":1}`, `{"_id":3}`}, []string{
			` {"_id":1}`, `-{"_id":2}`, ` {"_id":3}`,
		}},
		{"a document that changed stands under what was wanted", []string{`{"_id":1,"a":1,"b":2}`, `{"_id":2}`}, []string{`{"_id":2}`, `{"_id":1,"a":5,"c":3}`}, []string{
			`-{"_id":1,"a":1,"b":2}`, `+{"_id":1,"a":5,"c":3}`, "a is 5; it should be 1", "b is missing; it should be 2", "c is 3; it should not be there", ` {"_id":2}`,
		}},
		{"other documents are not compared", []string{`{"_id":1}`}, []string{`{"_id":2}`}, []string{`-{"_id":1}`, `+{"_id":2}`}},
		{"order of fields", []string{`{"a":1,"b":2}`}, []string{`{"b":2,"a":1}`}, []string{`-{"a":1,"b":2}`, `+{"b":2,"a":1}`, "the fields are in another order"}},
		{"types", []string{`{"a":1}`}, []string{`{"a":"1"}`}, []string{`-{"a":1}`, `+{"a":"1"}`, `a is "1"; it should be 1`}},
		{"what is no document", []string{"matched 1 modified 1"}, []string{"error 403 X: no"}, []string{"-matched 1 modified 1", "+error 403 X: no"}},
	} {
		var got []string
		for _, l := range difference(c.want, c.got) {
			mark := l.Mark
			if mark == "" {
				mark = " "
			}
			got = append(append(got, mark+l.Text), l.Notes...)
		}
		if diff := cmp.Diff(c.out, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, strings.TrimSpace(diff))
		}
	}
}
