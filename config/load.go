package config

import (
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/rolegate/rolegate/internal/source"
)

// Options are what Load needs to know besides the export. The zero value is usable.
type Options struct {
	// Secrets tells which secrets are given. Without it none is.
	Secrets SecretSource
	// Serving makes a secret that is needed and not given an error; otherwise it is a warning.
	Serving bool
	// Evaluating makes it an error in rules only: they are evaluated, and nobody has to prove who they are.
	Evaluating bool
}

// SecretSource returns the value of a secret, or false when there is none of that name.
type SecretSource func(name string) (string, bool)

// Load reads an app export and reports everything that is wrong with it, sorted by file and place. The app is never nil.
//
// When the diagnostics hold errors, the app must not be served, except in quarantine and then only if it is Usable.
// Use the FS of an [os.Root], so that links cannot lead out of the export.
func Load(fsys fs.FS, o Options) (*App, source.Diagnostics) {
	l := &loader{
		tree:    tree{fsys: fsys, read: map[string][]byte{}},
		options: o,
		app: &App{
			Values:            map[string]*source.Value{},
			Secrets:           map[string]string{},
			EnvironmentValues: map[string]*source.Value{},
			Usable:            true,
		},
	}
	l.root()
	l.environments()
	l.readRoot()
	l.values()
	l.functions()
	l.providers()
	l.dataAPI()
	l.services()
	l.lookups()
	l.customUserData()
	l.dataNotFetched()
	l.secrets()
	l.ignoredParts()
	l.app.Revision = l.tree.revision()
	return l.app, l.finish()
}

type loader struct {
	tree
	options   Options
	app       *App
	templates templates
	ds        source.Diagnostics

	secretRefs []secretRef
}

// parse reads one file of the export. The value is nil, without a problem, when there is no such file. A value that
// comes with errors may be looked at for more of them.
func (l *loader) parse(name string) (*source.Value, source.Diagnostics) {
	f, ds := l.file(name)
	if f == nil {
		return nil, ds
	}
	return l.templates.expand(source.Parse(f))
}

// report adds the problems of a part without which the app cannot be understood: an error makes it unusable.
func (l *loader) report(ds source.Diagnostics) {
	l.confined(ds)
	if ds.HasErrors() {
		l.app.Usable = false
	}
}

// confined adds problems whose effect is limited to something that the caller marks as broken.
func (l *loader) confined(ds source.Diagnostics) { l.ds = append(l.ds, ds...) }

// maxProblems bounds the report on one file.
const maxProblems = 100

// finish sorts the problems and cuts the list of a hopeless file short.
func (l *loader) finish() source.Diagnostics {
	l.ds.Sort()
	var out source.Diagnostics
	for rest := l.ds; len(rest) > 0; {
		n := 1
		for n < len(rest) && fileName(rest[n]) == fileName(rest[0]) {
			n++
		}
		out = append(out, shorten(rest[:n])...)
		rest = rest[n:]
	}
	return out
}

// shorten keeps the first problems of one file.
func shorten(ds source.Diagnostics) source.Diagnostics {
	if len(ds) <= maxProblems {
		return ds
	}
	kept, left := ds[:maxProblems:maxProblems], ds[maxProblems:]
	more := source.Diagnostic{
		Severity: source.Warning, Code: CodeTooManyProblems, Span: left[0].Span,
		Message: strconv.Itoa(len(left)) + " more problems from here on", Hint: "mend those above first",
	}
	if left.HasErrors() {
		more.Severity = source.Error
	}
	return append(kept, more)
}

func fileName(d source.Diagnostic) string {
	if d.Span.File == nil {
		return ""
	}
	return d.Span.File.Name
}

// ignoredParts warns once about each part of the export that has no effect here.
func (l *loader) ignoredParts() {
	parts := map[string]string{
		"graphql": "GraphQL is", "hosting": "static hosting is", "log_forwarders": "log forwarders are", "sync": "device sync is",
		"triggers": "triggers are",
	}
	known := []string{
		"auth", "auth_providers", "data_sources", "environments", "functions", "http_endpoints", "https_endpoints", "lookups", "services", "values",
		"root_config.json", "realm_config.json", "config.json", "stitch.json", "secrets.json",
	}
	for name := range parts {
		known = append(known, name)
	}
	slices.Sort(known)
	var ds source.Diagnostics
	for _, e := range l.list(".", &ds) {
		name := e.name()
		if what := parts[name]; what != "" && e.dir {
			ds.Warn(whole(name), CodeIgnored, "", "%s not served: everything in this directory is ignored", what)
		} else if near := source.Nearest(name, known); near != "" && !slices.Contains(known, name) && strings.Contains(near, ".") != e.dir {
			ds.Warn(e.span(), CodeMisnamedFile, `did you mean "`+near+`"?`, "nothing is read from here")
		}
	}
	l.report(ds)
}
