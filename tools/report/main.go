// Command report turns the event stream of `go test -json` on its standard input into a page for people: one line a
// package, the output of what failed, each skipped test with its reason, and the counts.
//
// It exits with 1 when something failed or when no test ran at all.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// event is what test2json writes, see `go doc test2json`.
type event struct {
	Action     string
	Package    string
	ImportPath string // of build events
	Test       string
	Output     string
	Elapsed    float64
}

type report struct {
	out                             io.Writer
	output                          map[string][]string // by package and test
	skipped                         []string
	passed, failed, skips, packages int
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	r := &report{out: out, output: map[string][]string{}}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintln(out, lines.Text()) // the go command itself speaking
			continue
		}
		r.add(e)
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return r.close()
}

func (r *report) add(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		r.output[key] = append(r.output[key], e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.endPackage(e, r.output[key])
		} else {
			r.endTest(e, r.output[key])
		}
		delete(r.output, key)
	}
}

func (r *report) endTest(e event, output []string) {
	switch e.Action {
	case "pass":
		r.passed++
	case "skip":
		r.skips++
		r.skipped = append(r.skipped, e.Test+": "+reason(output))
	case "fail":
		r.failed++
		fmt.Fprintf(r.out, "--- FAIL: %s %s\n", e.Package, e.Test)
		for _, line := range output {
			fmt.Fprint(r.out, "    "+line)
		}
	}
}

// reason is the last thing that a skipped test said.
func reason(output []string) string {
	for _, line := range slices.Backward(output) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "---") && !strings.HasPrefix(line, "===") {
			_, said, found := strings.Cut(line, ".go:")
			if !found {
				return line
			}
			_, said, _ = strings.Cut(said, ": ")
			return said
		}
	}
	return "no reason given"
}

func (r *report) endPackage(e event, output []string) {
	switch e.Action {
	case "skip": // no test files
		return
	case "fail":
		r.failed++
		// What stands outside of tests: a panic, a race, an os.Exit.
		for _, line := range output {
			fmt.Fprint(r.out, line)
		}
	}
	r.packages++
	fmt.Fprintf(r.out, "%-4s %s (%.1fs)\n", e.Action, e.Package, e.Elapsed)
}

func (r *report) close() error {
	slices.Sort(r.skipped)
	for _, s := range r.skipped {
		fmt.Fprintln(r.out, "skipped", s)
	}
	fmt.Fprintf(r.out, "%d tests passed, %d failed, %d skipped in %d packages\n", r.passed, r.failed, r.skips, r.packages)
	switch {
	case r.failed > 0:
		return errors.New("there are failures")
	case r.passed == 0:
		return errors.New("no test ran")
	}
	return nil
}
