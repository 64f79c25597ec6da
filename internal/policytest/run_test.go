package policytest_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/policytest"
)

// target answers every step alike.
type target struct {
	lacks  string
	open   error
	answer policytest.Outcome
	stored []bson.Raw
	closed int
}

func (t *target) Lacks(*policytest.Case) string { return t.lacks }

func (t *target) Open(context.Context, *policytest.Case) (policytest.Session, error) {
	return t, t.open
}

func (t *target) Do(context.Context, *policytest.Step) (policytest.Outcome, error) {
	return t.answer, nil
}

func (t *target) Stored(context.Context, policytest.Namespace) ([]bson.Raw, error) {
	return t.stored, nil
}

func (t *target) Close() error { t.closed++; return nil }

const twoSteps = `A case.
Spec: x
-- users.json --
{"ann": {"id": "ua"}}
-- 1. ann deletes --
deleteOne app.c {}
-- 1. want --
deleted 1
-- 1. stored --
-- 2. ann deletes more --
deleteMany app.c {}
-- 2. want --
deleted 2
`

const refused = `A case.
Spec: x
-- want refused --
a.json:1:2 unknown-operator
`

func TestRun(t *testing.T) {
	one := mustRaw(t, bson.D{{Key: "a", Value: int32(1)}})
	tests := []struct {
		name   string
		text   string
		target target
		want   []string // where it fails
		err    bool
	}{
		{"all differences", twoSteps, target{answer: policytest.Deleted(2), stored: []bson.Raw{one}}, []string{"1. ann deletes", "1. ann deletes, stored app.c"}, false},
		{"one difference", twoSteps, target{answer: policytest.Deleted(1)}, []string{"2. ann deletes more"}, false},
		{"refused", refused, target{open: &policytest.RefusedError{Errors: []string{"a.json:1:2 unknown-operator"}}}, nil, false},
		{"refused elsewhere", refused, target{open: &policytest.RefusedError{Errors: []string{"a.json:1:3 unknown-operator"}}}, []string{"want refused"}, false},
		{"refused once more", refused, target{open: &policytest.RefusedError{Errors: []string{"a.json:1:2 unknown-operator", "b"}}}, []string{"want refused"}, false},
		{"not refused", refused, target{}, []string{"want refused"}, false},
		{"refused against expectation", twoSteps, target{open: &policytest.RefusedError{}}, nil, true},
		{"does not open", refused, target{open: errors.New("no database")}, nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := policytest.Run(t.Context(), &tt.target, mustParse(t, "c.txtar", tt.text))
			var got []string
			for _, f := range r.Failures {
				got = append(got, f.Where)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || (err != nil) != tt.err {
				t.Errorf("Run (-want +got):\n%s\nerr = %v", diff, err)
			}
			if opened := tt.target.open == nil; opened && tt.target.closed != 1 {
				t.Errorf("closed %d times", tt.target.closed)
			}
		})
	}
}

func TestRewrite(t *testing.T) {
	c := mustParse(t, "c.txtar", twoSteps)
	r, err := policytest.Run(t.Context(), &target{answer: policytest.Deleted(1), stored: []bson.Raw{mustRaw(t, bson.D{{Key: "a", Value: int64(1)}})}}, c)
	if err != nil {
		t.Fatal(err)
	}
	got := string(r.Rewrite())
	want := strings.Replace(twoSteps, "deleted 2", "deleted 1", 1)
	want = strings.Replace(want, "-- 1. stored --\n", "-- 1. stored --\n{\"a\":{\"$numberLong\":\"1\"}}\n", 1)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Rewrite (-want +got):\n%s", diff)
	}
}

func TestSummary(t *testing.T) {
	run := func(header string, tg target) policytest.Result {
		r, err := policytest.Run(t.Context(), &tg, mustParse(t, "c.txtar", strings.Replace(twoSteps, "Spec: x\n", "Spec: x\n"+header, 1)))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	var s policytest.Summary
	s.Add(run("", target{answer: policytest.Deleted(1)}))
	s.Add(run("Needs: real engine\n", target{lacks: "real engine"}))
	want := `1 cases run, 1 failed
1 skipped, the target lacks
     1 real engine`
	if diff := cmp.Diff(want, s.String()); diff != "" {
		t.Errorf("Summary (-want +got):\n%s", diff)
	}
}
