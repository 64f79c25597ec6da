package policytest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Target is a place where cases run.
type Target interface {
	// Lacks names what the case needs and the target does not have; "" when the case can run.
	Lacks(c *Case) string
	// Open loads the app and its documents. An app that does not load is a *RefusedError.
	Open(ctx context.Context, c *Case) (Session, error)
}

// Session is a case that has been opened.
type Session interface {
	Do(ctx context.Context, s *Step) (Outcome, error)
	// Stored returns the documents of a collection as they are stored.
	Stored(ctx context.Context, ns Namespace) ([]bson.Raw, error)
	Close() error
}

// RefusedError says that the app of a case does not load. Errors are "file:line:col code", in the order in
// which they are reported; warnings are left out.
type RefusedError struct{ Errors []string }

func (e *RefusedError) Error() string {
	return "the app is refused:\n\t" + strings.Join(e.Errors, "\n\t")
}

// Result tells how a case went.
type Result struct {
	Case     *Case
	From, To time.Time // when it ran, by its clock
	Lacks    string    // what the target lacks; the case did not run
	Failures []Failure
}

// Failure is one section whose lines are not what came back.
type Failure struct {
	Where   string // such as "2. bob finds everything"
	Step    *Step  // nil for "want refused"
	Stored  string // the collection, of a section that says what is stored
	Section *Section
	Got     []string
}

// Run runs a case to its end, also past a failure, so that all differences show at once. The error is about
// the target, or the case file, not about the outcome.
func Run(ctx context.Context, t Target, c *Case) (r Result, err error) {
	clock := c.Clock()
	r.Case, r.From = c, clock()
	defer func() { r.To = clock() }()
	if r.Lacks = t.Lacks(c); r.Lacks != "" {
		return r, nil
	}
	s, err := t.Open(ctx, c)
	var refused *RefusedError
	if errors.As(err, &refused) && c.Refused != nil {
		if !slices.Equal(refused.Errors, c.Refused.Lines) {
			r.Failures = append(r.Failures, Failure{Where: "want refused", Section: c.Refused, Got: refused.Errors})
		}
		return r, nil
	}
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if c.Refused != nil {
		r.Failures = append(r.Failures, Failure{Where: "want refused", Section: c.Refused})
	}
	for _, step := range c.Steps {
		fs, err := runStep(ctx, s, step)
		if err != nil {
			return r, fmt.Errorf("%d. %s: %w", step.Number, step.Title, err)
		}
		r.Failures = append(r.Failures, fs...)
	}
	return r, nil
}

func runStep(ctx context.Context, s Session, step *Step) ([]Failure, error) {
	var failures []Failure
	where := fmt.Sprintf("%d. %s", step.Number, step.Title)
	o, err := s.Do(ctx, step)
	if err != nil {
		return nil, err
	}
	if !o.Matches(step.Want.Lines) {
		failures = append(failures, Failure{Where: where, Step: step, Section: step.Want, Got: o.Lines(step.Want.Lines)})
	}
	for _, want := range step.Stored {
		docs, err := s.Stored(ctx, want.Namespace)
		if err != nil {
			return nil, err
		}
		if !StoredMatches(want.Want.Lines, docs) {
			failures = append(failures, Failure{
				Where: where + ", stored " + want.String(), Step: step, Stored: want.String(),
				Section: want.Want, Got: Documents(docs).Lines(nil),
			})
		}
	}
	return failures, nil
}

// String shows the difference, with the line in the case file.
func (f Failure) String() string {
	return fmt.Sprintf("line %d: %s\n--- want\n%s\n--- got\n%s",
		f.Section.Line, f.Where, strings.Join(f.Section.Lines, "\n"), strings.Join(f.Got, "\n"))
}
