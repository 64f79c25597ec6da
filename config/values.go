package config

import (
	"path"
	"slices"

	"github.com/rolegate/rolegate/internal/source"
)

// environments reads the values of the environment that the root file selects, and checks the files of the others.
// Environment files have no templates: these are filled from them.
func (l *loader) environments() {
	tag := l.app.Root.Environment
	if tag == "" {
		tag = "no-environment"
	}
	known := append(environmentTags(), "no-environment")
	var ds source.Diagnostics
	for _, e := range l.list("environments", &ds) {
		name, ok := e.stem()
		if !ok {
			continue
		}
		if name != tag && !slices.Contains(known, name) {
			ds.Warn(e.span(), CodeIgnored, "", "no environment has this name")
			continue
		}
		f, problems := l.file(e.path)
		ds = append(ds, problems...)
		if f == nil {
			continue
		}
		v, problems := source.Parse(f)
		ds = append(ds, problems...)
		shape := shape{"an environment file", []key{{name: "values", kinds: aMap}}, false, nil}
		if v == nil || !shape.check(v, &ds) || name != tag {
			continue
		}
		for _, m := range members(v, "values") {
			l.app.EnvironmentValues[m.Name] = m.Value
		}
	}
	l.templates = newTemplates(l.app.EnvironmentValues)
	l.report(ds)
}

// values reads the plain values and the names of secrets.
func (l *loader) values() {
	var ds source.Diagnostics
	first := map[string]source.Span{}
	for _, e := range l.list("values", &ds) {
		stem, ok := e.stem()
		if !ok {
			continue
		}
		v, problems := l.parse(e.path)
		ds = append(ds, problems...)
		shape := shape{"a value", []key{
			{name: "id", kinds: aString},
			{name: "_id", kinds: aString},
			{name: "name", kinds: aString},
			{name: "private", kinds: aBool},
			{name: "from_secret", kinds: aBool},
			{name: "value", kinds: anyKind, required: true},
		}, false, nil}
		if v == nil || !shape.check(v, &ds) {
			continue
		}
		name := l.valueName(v, stem, &ds)
		if at, again := first[name]; again {
			ds.Error(v.Span, CodeDuplicate, "", "the value %s is defined twice, first in %s", source.Quote(name), at)
			continue
		}
		first[name] = v.Span
		l.value(name, v, &ds)
	}
	l.report(ds)
}

// valueName takes the name inside a file over that of the file.
func (l *loader) valueName(v *source.Value, stem string, ds *source.Diagnostics) string {
	n := v.Get("name")
	if n == nil || n.Kind != source.String {
		return stem
	}
	switch {
	case n.Str == "" || n.Str[0] == '-' || n.Str[0] == '_' || !plainName(n.Str, 64):
		ds.Error(n.Span, CodeInvalidValue, "", "the name of a value has up to 64 letters, digits, - and _, and starts with a letter or digit")
	case n.Str != stem:
		ds.Warn(n.Span, CodeNameMismatch, "", "the file is called %s; the name inside it counts", source.Quote(path.Base(v.Span.File.Name)))
	}
	return n.Str
}

func (l *loader) value(name string, v *source.Value, ds *source.Diagnostics) {
	content := v.Get("value")
	switch {
	case content == nil:
	case !flag(v, "from_secret"):
		l.app.Values[name] = content
	case content.Kind != source.String || content.Str == "":
		ds.Error(content.Span, CodeWrongType, "", "with from_secret the value is the name of a secret, a string")
	default:
		l.app.Secrets[name] = content.Str
		l.secretRefs = append(l.secretRefs, secretRef{content.Str, content.Span, "the value " + source.Quote(name), false})
	}
}
