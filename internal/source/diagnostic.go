package source

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Severity tells whether a problem forbids the use of what it was found in. Its zero value is Error.
type Severity uint8

// The severities.
const (
	Error Severity = iota
	Warning
)

func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Diagnostic is one problem of a configuration: where it is, a stable code, a sentence, and how to mend it.
type Diagnostic struct {
	Severity Severity
	Code     string
	Message  string
	Hint     string
	Span     Span
}

// String is the first line of the text form: file:line:col: error[code]: sentence.
func (d Diagnostic) String() string {
	text := fmt.Sprintf("%s[%s]: %s", d.Severity, d.Code, printable(d.Message))
	if where := d.Span.String(); where != "" {
		text = where + ": " + text
	}
	return text
}

// Diagnostics is a list of problems.
type Diagnostics []Diagnostic

// Error appends an error.
func (ds *Diagnostics) Error(at Span, code, hint, format string, args ...any) {
	*ds = append(*ds, Diagnostic{Error, code, fmt.Sprintf(format, args...), hint, at})
}

// Warn appends a warning.
func (ds *Diagnostics) Warn(at Span, code, hint, format string, args ...any) {
	*ds = append(*ds, Diagnostic{Warning, code, fmt.Sprintf(format, args...), hint, at})
}

// HasErrors tells whether any of the problems is an error.
func (ds Diagnostics) HasErrors() bool {
	return slices.ContainsFunc(ds, func(d Diagnostic) bool { return d.Severity == Error })
}

// Sort orders by file, position, severity, code and sentence, so that two runs print the same.
func (ds Diagnostics) Sort() {
	slices.SortStableFunc(ds, func(a, b Diagnostic) int {
		return cmp.Or(
			cmp.Compare(a.Span.name(), b.Span.name()),
			cmp.Compare(a.Span.Start, b.Span.Start),
			cmp.Compare(a.Severity, b.Severity),
			cmp.Compare(a.Code, b.Code),
			cmp.Compare(a.Message, b.Message),
		)
	})
}

func (s Span) name() string {
	if s.File == nil {
		return ""
	}
	return s.File.Name
}

// String is file:line:col, the bare name of a file without text, or nothing.
func (s Span) String() string {
	line, column := s.Position()
	if line == 0 {
		return printable(s.name())
	}
	return printable(s.name()) + ":" + strconv.Itoa(line) + ":" + strconv.Itoa(column)
}

// printable replaces what could move the cursor of a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// Quote shows a name of the text inside a sentence, cut where it is too long to be read.
func Quote(name string) string {
	const limit = 60
	if r := []rune(name); len(r) > limit {
		name = string(r[:limit]) + "…"
	}
	return strconv.Quote(name)
}
