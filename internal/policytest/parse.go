package policytest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/txtar"
)

// Error is a mistake in a case file.
type Error struct {
	File string
	Line int
	Msg  string
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg) }

// Parse reads a case. The name is that of the file, for errors and for [Case.Name]; every mistake that is
// found is reported.
func Parse(name string, data []byte) (*Case, error) {
	return parse(&Case{Users: map[string]*User{}}, name, data)
}

// parse reads a case into one that has what its files do not say.
func parse(c *Case, name string, data []byte) (*Case, error) {
	c.Name = strings.TrimSuffix(name, ".txtar")
	c.export, c.archive = map[string][]byte{}, txtar.Parse(data)
	p := &parser{file: name, c: c}
	p.header(string(p.c.archive.Comment))
	p.files()
	p.check()
	return p.c, errors.Join(p.errs...)
}

type parser struct {
	file  string
	c     *Case
	steps map[int]*Step
	errs  []error
}

func (p *parser) errorf(line int, format string, args ...any) {
	p.errs = append(p.errs, &Error{File: p.file, Line: max(1, line), Msg: fmt.Sprintf(format, args...)})
}

// header reads the comment: text first, then the lines that place the case.
func (p *parser) header(text string) {
	var words []string
	placed := false
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		key, value, ok := strings.Cut(line, ": ")
		value = strings.TrimSpace(value)
		switch {
		case line == "":
			continue
		case ok && key == "Spec":
			p.c.Spec = split(value)
		case ok && key == "Decision":
			p.c.Decisions = split(value)
		case ok && key == "Needs":
			p.c.Needs = value
		case placed:
			p.errorf(i+1, "text after the lines that place the case: %q", line)
		default:
			words = append(words, line)
			continue
		}
		placed = true
	}
	p.c.Text = strings.Join(words, " ")
}

func split(list string) []string {
	var out []string
	for s := range strings.SplitSeq(list, ",") {
		out = append(out, strings.TrimSpace(s))
	}
	return out
}

// files sorts the archive's files into the parts of the case. Steps are read in a second pass, because they
// name users.
func (p *parser) files() {
	type part struct {
		file txtar.File
		line int // of the marker
		at   int
	}
	var steps []part
	seen := map[string]bool{}
	line := 1 + bytes.Count(p.c.archive.Comment, []byte("\n"))
	for i, f := range p.c.archive.Files {
		if seen[f.Name] {
			p.errorf(line, "%q occurs twice", f.Name)
		}
		seen[f.Name] = true
		switch {
		case stepName.MatchString(f.Name):
			steps = append(steps, part{f, line, i})
		case f.Name == "want refused":
			p.c.Refused = section(f.Data, line+1, i)
		case f.Name == "users.json":
			p.users(f.Data, line)
		case f.Name == "secrets.json":
			p.secrets(f.Data, line)
		case f.Name == "server.json":
			p.c.Settings = f.Data
		case f.Name == "now":
			p.now(string(f.Data), line)
		case strings.HasPrefix(f.Name, "documents/"):
			p.documents(f.Name, f.Data, line)
		case !strings.HasSuffix(f.Name, ".json") && !strings.HasSuffix(f.Name, ".js"):
			p.errorf(line, "%q is neither a file of an app export nor a step", f.Name)
		case !fs.ValidPath(f.Name):
			p.errorf(line, "%q is not a path inside the app export", f.Name)
		default:
			p.c.export[f.Name] = f.Data
		}
		line += 1 + bytes.Count(f.Data, []byte("\n"))
	}
	p.steps = map[int]*Step{}
	for _, s := range steps {
		p.step(s.file, s.line, s.at)
	}
}

var stepName = regexp.MustCompile(`^[0-9]+\. `)

// step reads "1. ann finds everything", "1. want" or "1. stored [namespace]".
func (p *parser) step(f txtar.File, line, at int) {
	number, title, _ := strings.Cut(f.Name, ". ")
	n, err := strconv.Atoi(number)
	if err != nil {
		p.errorf(line, "step number %q", number)
		return
	}
	first, rest, _ := strings.Cut(title, " ")
	s := p.steps[n]
	if first != "want" && first != "stored" {
		if s != nil || n != len(p.c.Steps)+1 {
			p.errorf(line, "step %d stands where step %d should", n, len(p.c.Steps)+1)
			return
		}
		s = &Step{Number: n, Title: title, Line: line, Text: strings.TrimRight(string(f.Data), "\n")}
		p.request(s, first, string(f.Data))
		p.steps[n] = s
		p.c.Steps = append(p.c.Steps, s)
		return
	}
	if s == nil {
		p.errorf(line, "%q comes before step %d", f.Name, n)
		return
	}
	sec := section(f.Data, line+1, at)
	if first == "want" {
		s.Want = sec
		return
	}
	ns, err := p.storedNamespace(s, rest)
	if err != nil {
		p.errorf(line, "%v", err)
		return
	}
	s.Stored = append(s.Stored, Stored{Namespace: ns, Want: sec})
}

func (p *parser) storedNamespace(s *Step, name string) (Namespace, error) {
	if name != "" {
		return parseNamespace(name)
	}
	if s.Command == nil {
		return Namespace{}, errors.New("stored needs a namespace here: the request is written out")
	}
	return s.Command.Namespace, nil
}

// request reads the body of a step.
func (p *parser) request(s *Step, user, text string) {
	firstLine, _, _ := strings.Cut(text, "\n")
	method, target, _ := strings.Cut(firstLine, " ")
	if slices.Contains(methods, method) && strings.HasPrefix(target, "/") {
		p.exchange(s, text)
		return
	}
	s.User = user
	if p.c.Users[user] == nil {
		p.errorf(s.Line, "no user %q in users.json", user)
	}
	p.command(s, text)
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

func (p *parser) exchange(s *Step, text string) {
	head, body, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(strings.TrimRight(head, "\n"), "\n")
	method, target, _ := strings.Cut(lines[0], " ")
	s.HTTP = &Exchange{Method: method, Target: target, Body: strings.TrimSuffix(body, "\n")}
	for i, l := range lines[1:] {
		name, value, ok := strings.Cut(l, ":")
		if !ok {
			p.errorf(s.Line+2+i, "%q is not a header", l)
			continue
		}
		s.HTTP.Headers = append(s.HTTP.Headers, Header{Name: name, Value: strings.TrimSpace(value)})
	}
}

// section keeps the lines of a file; trailing empty ones do not count.
func section(data []byte, line, at int) *Section {
	text := strings.TrimRight(string(data), "\n")
	s := &Section{Line: line, file: at}
	if text != "" {
		s.Lines = strings.Split(text, "\n")
	}
	return s
}

// check looks for what a complete case must have.
func (p *parser) check() {
	c := p.c
	if c.Text == "" {
		p.errorf(1, "the case does not say what it shows")
	}
	if len(c.Spec) == 0 && !c.beside {
		p.errorf(1, "no Spec: line says which statement the case shows")
	}
	if c.Refused != nil && len(c.Steps) > 0 {
		p.errorf(c.Refused.Line, "an app that is refused has no steps")
	}
	if c.Refused == nil && len(c.Steps) == 0 {
		p.errorf(1, "no step")
	}
	for _, s := range c.Steps {
		if s.Want == nil {
			p.errorf(s.Line, "step %d has no want", s.Number)
		}
	}
}
