package apptest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/rolegate/rolegate/internal/policytest"
	"github.com/rolegate/rolegate/internal/server"
	"github.com/rolegate/rolegate/internal/source"
)

// Options says what is tested and where.
type Options struct {
	// Dir has cases/, and users.json, documents/, secrets.json and server.json for all of them.
	Dir string
	// App is the directory of the app export; empty means app/ in Dir.
	App string
	// Only chooses cases by their names; nil is all of them.
	Only *regexp.Regexp
	// MongoDBURI is a server on which databases may be made; empty means that no database is used.
	MongoDBURI string
	// Update rewrites the sections of cases that are not what came back.
	Update bool
}

// Run runs the cases. Cases that fail are in the report; an error says that they could not be run. An app that must not be
// served is a *server.ConfigError.
func Run(ctx context.Context, o Options) (r *Report, err error) {
	dir := os.DirFS(o.Dir)
	if _, err := fs.Stat(dir, "cases"); err != nil {
		return nil, fmt.Errorf("%s has no directory cases with files NAME.txtar: %w", o.Dir, err)
	}
	if o.App == "" {
		o.App = filepath.Join(o.Dir, "app")
	}
	root, err := os.OpenRoot(o.App)
	if err != nil {
		return nil, fmt.Errorf("app export: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	cases, beside, err := read(dir, o.Only)
	if err != nil {
		return nil, err
	}
	t := &target{app: root.FS(), uri: o.MongoDBURI, token: rand.Text()}
	// The app as it is comes first: what is wrong with it is not the fault of a case.
	app, err := t.open(beside.Settings(), beside.Secrets(), time.Now, t.app)
	if err != nil {
		return nil, err
	}
	if err := t.connect(ctx, app); err != nil {
		return nil, err
	}
	t.coverage = newCoverage(app.App)
	r = &Report{Database: o.MongoDBURI != ""}
	for _, c := range cases {
		one := t.run(ctx, c)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if o.Update && one.Outcome == Failed && len(one.result.Failures) > 0 {
			if err := rewrite(o.Dir, one.result); err != nil {
				return nil, err
			}
			one.Outcome = Updated
		}
		r.add(one)
	}
	r.Coverage = t.coverage.report()
	return r, nil
}

// read reads the cases that are asked for.
func read(dir fs.FS, only *regexp.Regexp) ([]*policytest.Case, *policytest.Beside, error) {
	beside, err := policytest.ReadBeside(dir)
	if err != nil {
		return nil, nil, err
	}
	cases, err := beside.Cases(dir)
	if err != nil {
		return nil, nil, err
	}
	if only != nil {
		cases = slices.DeleteFunc(cases, func(c *policytest.Case) bool { return !only.MatchString(c.Name) })
	}
	if len(cases) == 0 {
		return nil, nil, fmt.Errorf("no case has a name that matches %q", only)
	}
	for _, c := range cases {
		if !slices.Contains([]string{"", needsComputed, needsNotComputed}, c.Needs) {
			return nil, nil, fmt.Errorf("cases/%s.txtar: a case may need %q or %q, not %q", c.Name, needsComputed, needsNotComputed, c.Needs)
		}
	}
	return cases, beside, nil
}

// run runs one case and says how it went.
func (t *target) run(ctx context.Context, c *policytest.Case) caseRun {
	out := caseRun{CaseReport: CaseReport{Name: c.Name, File: "cases/" + c.Name + ".txtar", Text: c.Text, Failures: []FailureReport{}}}
	result, err := policytest.Run(ctx, t, c)
	out.result = result
	for _, f := range result.Failures {
		out.Failures = append(out.Failures, t.failure(f))
	}
	if t.last != nil {
		err = errors.Join(err, t.last.store.Close(context.Background()))
		t.last = nil
	}
	var refused *policytest.RefusedError
	switch {
	case result.Lacks != "":
		out.Outcome, out.Reason = Skipped, "there is no database with "+result.Lacks
	case errors.As(err, &refused):
		out.Outcome, out.Reason = Failed, refused.Error()
	case err != nil:
		out.Outcome, out.Reason = Broken, err.Error()
	case len(result.Failures) > 0:
		out.Outcome = Failed
	default:
		out.Outcome = Passed
	}
	return out
}

// rewrite puts what came back into the file of a case, which is exchanged as a whole.
func rewrite(dir string, r policytest.Result) (err error) {
	name := filepath.Join(dir, "cases", filepath.FromSlash(r.Case.Name)+".txtar")
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".update-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(r.Rewrite())
	err = errors.Join(err, f.Chmod(info.Mode().Perm()), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// configError is what is wrong with an app, as a case writes it.
func configError(err error) error {
	var invalid *server.ConfigError
	if !errors.As(err, &invalid) {
		return err
	}
	e := &policytest.RefusedError{}
	for _, d := range invalid.Diagnostics {
		if d.Severity == source.Error {
			e.Errors = append(e.Errors, fmt.Sprintf("%s %s", d.Span, d.Code))
		}
	}
	return e
}
