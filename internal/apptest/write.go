package apptest

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/rolegate/rolegate/internal/echo"
)

// The forms of a report.
const (
	Text  = "text"
	JSON  = "json"
	JUnit = "junit"
)

// Write writes the report in one of its forms.
func (r *Report) Write(w io.Writer, format string) error {
	switch format {
	case Text:
		_, err := io.WriteString(w, echo.Printable(r.text()))
		return err
	case JSON:
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(r)
	case JUnit:
		return r.junit(w)
	}
	return fmt.Errorf("a report is %s, %s or %s, not %q", Text, JSON, JUnit, format)
}

// page is text for people.
type page struct{ strings.Builder }

// line writes one line, indented by so many columns; a text of several lines is indented as a whole.
func (p *page) line(indent int, format string, args ...any) {
	for l := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		p.WriteString(strings.TrimRight(strings.Repeat(" ", indent)+l, " ") + "\n")
	}
}

func (r *Report) text() string {
	p := &page{}
	for i := range r.Cases {
		p.testCase(&r.Cases[i])
	}
	where := "without a database"
	if r.Database {
		where = "on a database"
	}
	p.line(0, "\n%s %s: %s", count(len(r.Cases), "case"), where, r.Summary)
	if r.Coverage.Of > 0 {
		p.coverage(&r.Coverage)
	}
	return p.String()
}

// count is a number of things.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (p *page) testCase(c *CaseReport) {
	words := map[string]string{Passed: "ok  ", Failed: "FAIL", Broken: "FAIL", Skipped: "skip", Updated: "new "}
	p.line(0, "%s  %s", words[c.Outcome], c.Name)
	if c.Outcome == Passed {
		return
	}
	p.line(6, "%s", c.Text)
	if c.Reason != "" {
		p.line(6, "%s", c.Reason)
	}
	for i := range c.Failures {
		p.failure(c, &c.Failures[i])
	}
}

func (p *page) failure(c *CaseReport, f *FailureReport) {
	title := f.Title
	if f.Step > 0 {
		title = fmt.Sprintf("%d. %s", f.Step, f.Title)
	}
	p.line(6, "\n%s (%s, line %d)", title, c.File, f.Line)
	if f.Request != "" {
		p.line(10, "%s", f.Request)
	}
	what := "came back"
	if f.Stored != "" {
		what = "is stored in " + f.Stored
	}
	p.line(8, "- is wanted, + %s:", what)
	for _, l := range f.Difference {
		p.line(10, "%-1s %s", l.Mark, l.Text)
		for _, n := range l.Notes {
			p.line(14, "%s", n)
		}
	}
	if len(f.Got) == 0 {
		p.line(10, "+ (nothing)")
	}
	if len(f.Why) > 0 {
		p.line(8, "Why:")
	}
	for _, s := range f.Why {
		p.line(10, "%s", s)
	}
}

func (p *page) coverage(c *Coverage) {
	p.line(0, "\nThe cases show %d of the %d things that the rules can do.", c.Seen, c.Of)
	for i := range c.Namespaces {
		n := &c.Namespaces[i]
		p.line(0, "\n%s", n.Namespace)
		if n.Requests == 0 {
			p.line(2, "no case asks for it")
			continue
		}
		for _, f := range n.Filters {
			p.line(2, "query filter %s: applied to %s, hid %s", f.Name, count(f.Applied, "request"), count(f.Hidden, "document"))
		}
		for _, r := range n.Roles {
			p.line(2, "role %s: applied to %s, not to %d", r.Name, count(r.Applied, "document"), r.NotApplied)
		}
	}
	if len(c.Never) == 0 {
		return
	}
	p.line(0, "\nNo case shows:")
	var subject string
	var what []string
	flush := func() {
		if len(what) > 0 {
			p.line(2, "%s: %s", subject, strings.Join(what, ", "))
		}
		what = nil
	}
	for _, n := range c.Never {
		next := n.Namespace
		switch {
		case n.Role != "":
			next += ", role " + n.Role
		case n.Filter != "":
			next += ", query filter " + n.Filter
		}
		if next != subject {
			flush()
		}
		subject, what = next, append(what, n.What)
	}
	flush()
}

// The elements of JUnit's XML, as far as programs agree about them. There are no times: they would differ on every run.
type (
	junitSuites struct {
		XMLName  xml.Name   `xml:"testsuites"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Errors   int        `xml:"errors,attr"`
		Skipped  int        `xml:"skipped,attr"`
		Suite    junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		File    string        `xml:"file,attr"`
		Failure *junitProblem `xml:"failure"`
		Error   *junitProblem `xml:"error"`
		Skipped *junitProblem `xml:"skipped"`
	}
	junitProblem struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

func (r *Report) junit(w io.Writer) error {
	s := r.Summary
	suite := junitSuite{Name: "rolegate", Tests: len(r.Cases), Failures: s.Failed, Errors: s.Broken, Skipped: s.Skipped}
	for i := range r.Cases {
		c := &r.Cases[i]
		out := junitCase{Class: "rolegate", Name: c.Name, File: c.File}
		p := &page{}
		p.testCase(c)
		problem := &junitProblem{Message: echo.Printable(c.Text), Text: echo.Printable(p.String())}
		switch c.Outcome {
		case Failed:
			out.Failure = problem
		case Broken:
			out.Error = problem
		case Skipped:
			out.Skipped = &junitProblem{Message: c.Reason}
		}
		suite.Cases = append(suite.Cases, out)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	err := enc.Encode(junitSuites{Tests: suite.Tests, Failures: suite.Failures, Errors: suite.Errors, Skipped: suite.Skipped, Suite: suite})
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, "\n")
	return err
}
