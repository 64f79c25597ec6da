package apptest

import (
	"errors"
	"fmt"

	"github.com/rolegate/rolegate/internal/policytest"
)

// Report says how the cases went. The names of its JSON form are stable; docs/testing.md explains them.
type Report struct {
	Database bool         `json:"database"` // cases ran on one
	Summary  Summary      `json:"summary"`
	Cases    []CaseReport `json:"cases"`
	Coverage Coverage     `json:"coverage"`
}

// Summary counts cases.
type Summary struct {
	Passed  int `json:"passed"`
	Failed  int `json:"failed"`
	Broken  int `json:"broken"`
	Skipped int `json:"skipped"`
	Updated int `json:"updated"`
}

// What may become of a case.
const (
	Passed  = "passed"
	Failed  = "failed"  // something else came back
	Broken  = "broken"  // it could not be run to its end
	Skipped = "skipped" // it needs what is not there
	Updated = "updated" // something else came back, and its file says so now
)

// CaseReport is one case.
type CaseReport struct {
	Name     string          `json:"name"`
	File     string          `json:"file"` // in the tested directory
	Text     string          `json:"text"`
	Outcome  string          `json:"outcome"`
	Reason   string          `json:"reason,omitempty"` // why it was skipped or is broken, or why the app was refused
	Failures []FailureReport `json:"failures"`
}

// FailureReport is a section of a case that is not what came back.
type FailureReport struct {
	Step       int      `json:"step,omitempty"`
	Title      string   `json:"title"`
	Line       int      `json:"line"` // of the section, in the file
	Request    string   `json:"request,omitempty"`
	User       string   `json:"user,omitempty"`
	Stored     string   `json:"stored,omitempty"` // the collection, of a section that says what is stored
	Want       []string `json:"want"`
	Got        []string `json:"got"`
	Difference []Line   `json:"difference"`
	Why        []string `json:"why"` // sentences
}

// caseRun is a report with what it was made from.
type caseRun struct {
	CaseReport
	result policytest.Result
}

func (r *Report) add(c caseRun) {
	r.Cases = append(r.Cases, c.CaseReport)
	s := &r.Summary
	*map[string]*int{Passed: &s.Passed, Failed: &s.Failed, Broken: &s.Broken, Skipped: &s.Skipped, Updated: &s.Updated}[c.Outcome]++
}

// What a report may come to besides success.
var (
	ErrFailed = errors.New("cases failed")
	ErrBroken = errors.New("cases could not be run")
)

// Err is ErrBroken if some case could not be run to its end, else ErrFailed if one failed.
func (r *Report) Err() error {
	switch {
	case r.Summary.Broken > 0:
		return ErrBroken
	case r.Summary.Failed > 0:
		return ErrFailed
	}
	return nil
}

// String is the summary in one line.
func (s Summary) String() string {
	text := fmt.Sprintf("%d passed, %d failed", s.Passed, s.Failed)
	for _, more := range []struct {
		n    int
		what string
	}{{s.Broken, "broken"}, {s.Skipped, "skipped"}, {s.Updated, "updated"}} {
		if more.n > 0 {
			text += fmt.Sprintf(", %d %s", more.n, more.what)
		}
	}
	return text
}

// failure is a failure with its reasons.
func (t *target) failure(f policytest.Failure) FailureReport {
	out := FailureReport{
		Title: f.Where, Line: f.Section.Line, Stored: f.Stored, Want: lines(f.Section.Lines), Got: lines(f.Got),
		Difference: difference(f.Section.Lines, f.Got), Why: []string{},
	}
	if f.Step == nil {
		return out
	}
	out.Step, out.Title, out.User, out.Request = f.Step.Number, f.Step.Title, f.Step.User, f.Step.Text
	if a := t.last.asked[f.Step]; a != nil && f.Step.Command != nil {
		out.Why = append(out.Why, (&why{t.last, a, f}).sentences()...)
	}
	return out
}

// lines is a list that is never null.
func lines(list []string) []string { return append([]string{}, list...) }
