// Command mutations asks whether the random worlds and the journal would notice mistakes: it puts deliberate bugs into the
// product, one at a time and without touching the files, and runs the test against each. A bug that goes unnoticed is a gap
// of the test.
//
// It takes minutes and needs a real MongoDB at ROLEGATE_TEST_MONGODB_URI, without which many bugs cannot show.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

var (
	//go:embed mutations.txt
	ofWorlds string
	//go:embed journal.txt
	ofJournal string
)

// suite is a folder of tests with the bugs that they should notice.
type suite struct {
	name, tests, list string
	environment       []string
}

var suites = []suite{
	{"worlds", "^TestWorlds$", ofWorlds, []string{"ROLEGATE_WORLDS_FAILURES=0", "ROLEGATE_WORLDS_SCALE=12"}},
	{"journal", "^Test(Journal|Verdicts|Decisions)$", ofJournal, []string{"ROLEGATE_JOURNAL_FAILURES=0", "ROLEGATE_JOURNAL_SCALE=6"}},
}

// mutation is one deliberate bug: the text that stands in its place in a file, once.
type mutation struct {
	suite                suite
	name, file, old, new string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	only := flag.String("run", "", "run the mutations whose names, such as \"journal: a guard pins nothing\", match this regular expression")
	flag.Parse()
	if err := run(ctx, *only); err != nil {
		fmt.Fprintln(os.Stderr, "mutations:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string) error {
	if os.Getenv("ROLEGATE_TEST_MONGODB_URI") == "" {
		return errors.New("ROLEGATE_TEST_MONGODB_URI must name a MongoDB server")
	}
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	mutations, err := parseAll()
	if err != nil {
		return err
	}
	tried, unnoticed := 0, []string{}
	for _, m := range mutations {
		if !pattern.MatchString(m.suite.name + ": " + m.name) {
			continue
		}
		tried++
		begun := time.Now()
		noticed, err := m.try(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if !noticed {
			unnoticed = append(unnoticed, m.name)
		}
		fmt.Fprintf(os.Stdout, "%-8s %4.0fs  %s\n", map[bool]string{true: "noticed", false: "MISSED"}[noticed], time.Since(begun).Seconds(), m.suite.name+": "+m.name)
	}
	fmt.Fprintf(os.Stdout, "%d of %d deliberate bugs are noticed\n", tried-len(unnoticed), tried)
	if len(unnoticed) > 0 || tried == 0 {
		return fmt.Errorf("not noticed: %q", unnoticed)
	}
	return nil
}

func parseAll() ([]mutation, error) {
	var out []mutation
	for _, s := range suites {
		list, err := s.parse()
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

// parse reads blocks of "== name", "-- file", the old text, "->" and the new text.
func (s suite) parse() ([]mutation, error) {
	var out []mutation
	for block := range strings.SplitSeq(s.list, "\n== ") {
		if strings.HasPrefix(block, "#") || strings.TrimSpace(block) == "" {
			continue
		}
		head, body, _ := strings.Cut(block, "\n-- ")
		file, change, _ := strings.Cut(body, "\n")
		old, replacement, ok := strings.Cut(change, "\n->\n")
		if !ok {
			return nil, fmt.Errorf("mutation %q has no old and new text", head)
		}
		out = append(out, mutation{suite: s, name: strings.TrimSpace(head), file: file, old: old, new: strings.TrimSuffix(replacement, "\n")})
	}
	return out, nil
}

// apply returns the file, which lies under root, with the bug.
func (m mutation) apply(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, m.file)) //nolint:gosec // the path is our own
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		return "", fmt.Errorf("the text to change stands %d times in %s", n, m.file)
	}
	return strings.Replace(string(text), m.old, m.new, 1), nil
}

// try runs the test against the product with the bug, which an overlay puts in the place of the file.
func (m mutation) try(ctx context.Context) (noticed bool, err error) {
	text, err := m.apply(".")
	if err != nil {
		return false, err
	}
	dir, err := os.MkdirTemp("", "mutation-")
	if err != nil {
		return false, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	changed, overlay := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
		return false, err
	}
	path, err := filepath.Abs(m.file)
	if err != nil {
		return false, err
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	if err != nil {
		return false, err
	}
	if err := os.WriteFile(overlay, replace, 0o600); err != nil {
		return false, err
	}
	//nolint:gosec // the arguments are paths of our own
	cmd := exec.CommandContext(ctx, "go", "test", "-overlay", overlay, "-count=1", "-failfast", "-run", m.suite.tests, "./integration/"+m.suite.name)
	cmd.Env = append(os.Environ(), m.suite.environment...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	err = cmd.Run()
	switch {
	case err == nil:
		return false, nil
	case strings.Contains(output.String(), "[build failed]"), !strings.Contains(output.String(), "--- FAIL: Test"):
		return false, fmt.Errorf("the %s did not run: %s", m.suite.name, output.String())
	}
	return true, nil
}
