package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/internal/jsfunc"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/rules"
	"github.com/rolegate/rolegate/rules/expr"
)

// compiled is an app export that has been read and compiled.
type compiled struct {
	app       *config.App
	policy    *rules.Policy
	functions *jsfunc.Program // nil when functions are off
	ds        source.Diagnostics
	usable    bool // all errors are confined to namespaces
}

// functions says whether and how functions are called. The zero value calls them.
type functions struct {
	off      bool
	limit    time.Duration // of a call; 0 is the default
	endpoint time.Duration // of the function of an endpoint; 0 is the default
}

// compile reads and compiles the app in a directory.
func compile(dir string, load config.Options, o rules.Options, f functions) (compiled, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return compiled{}, fmt.Errorf("app export: %w", err)
	}
	c := compileFiles(root.FS(), load, o, f)
	if err := root.Close(); err != nil {
		return compiled{}, fmt.Errorf("app export: %w", err)
	}
	return c, nil
}

// compileFiles reads and compiles an app.
func compileFiles(export fs.FS, load config.Options, o rules.Options, f functions) compiled {
	app, ds := config.Load(export, load)
	o.Secrets = map[string]string{}
	for value, secret := range app.Secrets {
		if load.Secrets == nil {
			break
		}
		if text, ok := load.Secrets(secret); ok {
			o.Secrets[value] = text
		}
	}
	c := compiled{app: app, usable: app.Usable}
	if !f.off {
		var problems source.Diagnostics
		c.functions, problems = jsfunc.Compile(app, jsfunc.Limits{Time: f.limit, Endpoint: f.endpoint})
		ds = append(ds, problems...)
		c.usable = c.usable && !problems.HasErrors()
		o.Functions = c.functions.Callable()
	} else if v := app.DataAPI.Script(); v != nil && load.Serving {
		ds.Error(v.Span, expr.CodeFunction, "", "this function says who requests run as, and functions are not available")
		c.usable = false
	}
	policy, more := rules.Compile(app, o)
	c.policy = policy
	files := ruleFiles(app)
	for _, d := range more {
		if d.Severity == source.Error && (d.Span.File == nil || !files[d.Span.File.Name]) {
			c.usable = false
		}
	}
	c.ds = append(ds, more...)
	c.ds.Sort()
	return c
}

// ruleFiles are the files whose errors concern one namespace, or one endpoint, only.
func ruleFiles(app *config.App) map[string]bool {
	files := map[string]bool{}
	for _, s := range app.Services {
		for _, rs := range rulesets(s) {
			if rs.Span.File != nil {
				files[rs.Span.File.Name] = true
			}
		}
	}
	for _, e := range app.Endpoints {
		files[e.Span.File.Name] = true
	}
	return files
}

func rulesets(s *config.Service) []*config.Ruleset {
	if s.DefaultRule == nil {
		return s.Rulesets
	}
	return append([]*config.Ruleset{s.DefaultRule}, s.Rulesets...)
}

// denied describes a namespace that is denied because its rules have errors.
type denied struct {
	service, namespace string
	problem            string // the first one
}

// denials lists what quarantine denies.
func (c compiled) denials() []denied {
	first := map[string]string{}
	for _, d := range c.ds {
		if d.Severity == source.Error && d.Span.File != nil && first[d.Span.File.Name] == "" {
			first[d.Span.File.Name] = d.String()
		}
	}
	var out []denied
	for _, s := range c.app.Services {
		for _, rs := range rulesets(s) {
			problem := ""
			if rs.Span.File != nil {
				problem = first[rs.Span.File.Name]
			}
			if !rs.Broken && problem == "" {
				continue
			}
			namespace := rs.Database + "." + rs.Collection
			if rs == s.DefaultRule {
				namespace = "(default rule)"
			}
			out = append(out, denied{service: s.Name, namespace: namespace, problem: problem})
		}
	}
	return out
}

// Report is what is wrong with an app, and how much of it there is.
type Report struct {
	Diagnostics source.Diagnostics
	Usable      bool // all errors are confined to namespaces
	Name        string
	Revision    string
	DataSources int
	Namespaces  int
	Roles       int
}

// Validate reads and compiles an app as New does, but serves nothing, so that it is content without secrets.
func Validate(dir string, secrets config.SecretSource, storeDatabase string) (*Report, error) {
	if storeDatabase == "" {
		storeDatabase = defaultDatabase
	}
	c, err := compile(dir, config.Options{Secrets: secrets}, rules.Options{RefusedDatabases: []string{storeDatabase}}, functions{})
	if err != nil {
		return nil, err
	}
	// What stops serve whatever its settings are is a problem of the export.
	own := config.ServeProblems(c.app)
	checkProviders(c, false, &own)
	c.checkEndpoints(&own)
	c.ds = append(c.ds, own...)
	c.ds.Sort()
	r := &Report{Diagnostics: c.ds, Usable: c.usable && !own.HasErrors(), Name: c.app.Root.Name, Revision: c.app.Revision, DataSources: len(c.app.Services)}
	for _, s := range c.app.Services {
		r.Namespaces += len(s.Rulesets)
		for _, rs := range rulesets(s) {
			r.Roles += len(rs.Roles)
		}
	}
	return r, nil
}

// Summary is one line for people.
func (r *Report) Summary() string {
	return fmt.Sprintf("%s, %s, %s: %s", plural(r.DataSources, "data source"), plural(r.Namespaces, "namespace"),
		plural(r.Roles, "role"), count(r.Diagnostics))
}

// Exported is what an export says about who may log in.
type Exported struct {
	AppID     string
	APIKeys   bool // the provider is enabled
	Passwords bool // so is local-userpass
}

// ReadExported reads it. An export without a client app id is an error.
func ReadExported(dir string) (Exported, error) {
	c, err := compile(dir, config.Options{}, rules.Options{}, functions{})
	if err != nil {
		return Exported{}, err
	}
	if c.app.Root.AppID == "" {
		return Exported{}, errors.New("the export does not say its client app id: give --app-id")
	}
	e := Exported{AppID: c.app.Root.AppID}
	for _, p := range c.app.Providers {
		e.APIKeys = e.APIKeys || p.Type == "api-key" && !p.Disabled
		e.Passwords = e.Passwords || p.Type == auth.PasswordProvider && !p.Disabled
	}
	return e, nil
}
