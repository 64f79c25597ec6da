package config

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/rolegate/rolegate/internal/source"
)

func functionShape() shape {
	return shape{"a function", []key{
		{name: "id", kinds: aString},
		{name: "_id", kinds: aString},
		{name: "name", kinds: aString, required: true},
		{name: "private", kinds: aBool},
		{name: "can_evaluate", kinds: anExpr},
		{name: "disable_arg_logs", kinds: aBool},
		{name: "run_as_system", kinds: aBool},
		{name: "run_as_user_id", kinds: aString},
		{name: "run_as_user_id_script_source", kinds: aString},
		{name: "run_as_authed_user", kinds: aBool},
	}, false, nil}
}

// functions collects the functions of both layouts: functions/config.json with one entry each, and before that a directory
// for each with its own config.json. A function without configuration has the defaults.
func (l *loader) functions() {
	c := functions{loader: l, byName: map[string]*Function{}}
	var ds source.Diagnostics
	c.find("functions", 0, &ds)
	l.report(ds)
	l.confined(c.ds)
	for _, f := range c.byName {
		l.app.Functions = append(l.app.Functions, f)
	}
	slices.SortFunc(l.app.Functions, func(a, b *Function) int { return cmp.Compare(a.Name, b.Name) })
}

type functions struct {
	*loader
	byName map[string]*Function
	ds     source.Diagnostics // confined to the functions they are about
}

// maxFunctionDepth bounds how deep source files are looked for.
const maxFunctionDepth = 10

func (c *functions) find(dir string, depth int, ds *source.Diagnostics) {
	for _, e := range c.list(dir, ds) {
		switch {
		case e.dir && e.name() != "node_modules" && depth < maxFunctionDepth:
			c.find(e.path, depth+1, ds)
		case e.dir:
		case e.name() == "config.json" && depth == 0:
			c.all(e.path, ds)
		case e.name() == "config.json" && depth == 1:
			c.single(e.path)
		case e.name() == "source.js" && depth == 1:
			c.source(path.Base(dir), e.path)
		case path.Ext(e.name()) == ".js":
			c.source(strings.TrimSuffix(strings.TrimPrefix(e.path, "functions/"), ".js"), e.path)
		}
	}
}

func (c *functions) source(name, file string) {
	f := c.byName[name]
	if f == nil {
		f = &Function{Name: name, Span: unread(file)}
		c.byName[name] = f
	}
	text, problems := c.file(file)
	for _, d := range problems { // an error where a rule calls the function
		c.ds.Warn(d.Span, d.Code, d.Hint, "%s", d.Message)
	}
	f.Source, f.Broken = text, f.Broken || problems.HasErrors()
}

// all reads the file that lists every function. Without it nobody knows which are private, so its errors are not confined.
func (c *functions) all(name string, ds *source.Diagnostics) {
	v, problems := c.parse(name)
	*ds = append(*ds, problems...)
	if v == nil {
		return
	}
	if v.Kind != source.Array {
		ds.Error(v.Span, CodeWrongType, "", "the functions must be an array, not %s", v.Kind)
		return
	}
	for _, x := range v.Items {
		c.one(x, "", nil)
	}
}

// single reads the file of one function, which is called like its directory unless it says otherwise.
func (c *functions) single(name string) {
	v, problems := c.parse(name)
	dir := path.Base(path.Dir(name))
	if v == nil {
		c.ds = append(c.ds, problems...)
		c.byName[dir] = &Function{Name: dir, Broken: true, Span: unread(name)}
		return
	}
	c.one(v, dir, problems)
}

func (c *functions) one(v *source.Value, dir string, problems source.Diagnostics) {
	functionShape().check(v, &problems)
	f := &Function{
		Name:              text(v, "name"),
		Private:           flag(v, "private"),
		CanEvaluate:       expression(v, "can_evaluate"),
		DisableArgLogs:    flag(v, "disable_arg_logs"),
		RunAsSystem:       flag(v, "run_as_system"),
		RunAsUserID:       text(v, "run_as_user_id"),
		RunAsUserIDScript: text(v, "run_as_user_id_script_source"),
		Span:              v.Span,
	}
	if f.Name == "" {
		f.Name = dir
	}
	if f.Name == "" {
		c.ds = append(c.ds, problems...) // nothing can call it
		return
	}
	if f.RunAsUserID != "" && f.RunAsUserIDScript != "" {
		problems.Error(v.Get("run_as_user_id_script_source").Span, CodeConflictingKeys, "keep one of them",
			"a function runs either as run_as_user_id or as what a script says")
	}
	old := c.byName[f.Name]
	switch {
	case old == nil:
	case len(old.Span.File.Text) == 0: // known by its source so far
		f.Source, f.Broken = old.Source, old.Broken
	default:
		problems.Error(v.Span, CodeDuplicate, "", "the function %s is defined twice, first at %s", source.Quote(f.Name), old.Span)
	}
	f.Broken = f.Broken || problems.HasErrors()
	c.ds = append(c.ds, problems...)
	c.byName[f.Name] = f
}

// expression returns the value of a key that holds an expression. One of the wrong type has been reported and is left
// out; what it belongs to is broken.
func expression(v *source.Value, name string) *source.Value {
	if x := v.Get(name); x != nil && anExpr.has(x.Kind) {
		return x
	}
	return nil
}
