package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/rolegate/rolegate/integration/embedded"
	"github.com/rolegate/rolegate/internal/policytest"
)

// A page shows a case, its requests and what came back, between two lines.
var shown = regexp.MustCompile("(?s)(<!-- case: ([\\w-]+) -->\n)(.*?)(<!-- end -->\n)")

// transcribe returns a page with every case that it shows as it is now. Each is served for itself, on the documents that it
// begins with.
func transcribe(ctx context.Context, page, dir string) (out string, cases []string, err error) {
	out = shown.ReplaceAllStringFunc(page, func(part string) string {
		m := shown.FindStringSubmatch(part)
		cases = append(cases, m[2])
		text, failed := transcript(ctx, dir, m[2])
		err = errors.Join(err, failed)
		return m[1] + "```sh\n" + text + "```\n" + m[4]
	})
	return out, cases, err
}

// transcript sends the requests of a case to a server, with credentials that it checks.
func transcript(ctx context.Context, dir, name string) (text string, err error) {
	e, err := openExample(dir, name)
	if err != nil {
		return "", err
	}
	calls, err := e.calls()
	if err != nil {
		return "", err
	}
	db, err := embedded.Start()
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	s, err := e.serve(ctx, db.URI, "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- s.Run(running) }()
	defer func() {
		stop()
		err = errors.Join(err, <-done)
	}()
	base := "http://" + s.Addr().String()
	credentials, err := e.credentials(ctx, db.URI, base)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for i, c := range calls {
		status, answer, err := c.send(ctx, base, credentials)
		if err != nil {
			return "", err
		}
		if !c.answers(status) {
			return "", fmt.Errorf("%s: answered %d %s", c.title, status, answer)
		}
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "# %s\n%s\n#> %d %s\n", c.title, c.curl("http://127.0.0.1:8080"), status, e.stable(answer))
	}
	return b.String(), nil
}

var (
	objectID  = regexp.MustCompile(`\b[0-9a-f]{24}\b`)
	timestamp = regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*Z`)
)

// stable replaces what is different each time: ids and times that the example does not know.
func (e *example) stable(answer string) string {
	var known strings.Builder
	for _, coll := range e.c.Documents {
		for _, line := range policytest.Documents(coll.Documents).Lines(nil) {
			known.WriteString(line + "\n")
		}
	}
	for _, s := range e.c.Steps {
		known.WriteString(s.Text + "\n")
	}
	replace := func(with string) func(string) string {
		return func(s string) string {
			if strings.Contains(known.String(), s) {
				return s
			}
			return with
		}
	}
	return timestamp.ReplaceAllStringFunc(objectID.ReplaceAllStringFunc(answer, replace("(generated)")), replace("(now)"))
}
