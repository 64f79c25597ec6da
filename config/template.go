package config

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/rolegate/rolegate/internal/source"
)

// template matches what is replaced inside strings.
const templatePattern = `%\(%%environment\.values\.([A-Za-z0-9_-]+)\)`

// templates replaces %(%%environment.values.name) inside the strings of a file.
type templates struct {
	pattern *regexp.Regexp
	values  map[string]*source.Value
}

func newTemplates(values map[string]*source.Value) templates {
	return templates{regexp.MustCompile(templatePattern), values}
}

// expand returns the tree of the text that results. Values must agree with the text below their spans, therefore the text is
// rewritten and read again rather than the tree changed. Lines stay what they are, since a string has no line breaks.
func (t templates) expand(v *source.Value, ds source.Diagnostics) (*source.Value, source.Diagnostics) {
	if v == nil || !bytes.Contains(v.Span.File.Text, []byte("%(%%")) {
		return v, ds
	}
	e := expansion{templates: t, text: v.Span.File.Text}
	e.walk(v)
	if e.from == 0 {
		return v, append(ds, e.ds...)
	}
	e.out = append(e.out, e.text[e.from:]...)
	v, again := source.Parse(&source.File{Name: v.Span.File.Name, Text: e.out})
	return v, append(again, e.ds...)
}

// expansion is one text on its way to the expanded one: out holds everything before from.
type expansion struct {
	templates
	text []byte
	from int
	out  []byte
	ds   source.Diagnostics
}

func (e *expansion) walk(v *source.Value) {
	for _, x := range v.Items {
		e.walk(x)
	}
	for _, m := range v.Members {
		e.walk(m.Value)
	}
	if v.Kind != source.String || !strings.Contains(v.Str, "%(%%") {
		return
	}
	whole := true
	replaced := e.pattern.ReplaceAllStringFunc(v.Str, func(match string) string {
		name := e.pattern.FindStringSubmatch(match)[1]
		value := e.values[name]
		if value == nil || value.Kind != source.String {
			e.ds.Error(v.Span, CodeTemplate, "define it as a string in the file of the environment",
				"the environment has no string named %s", source.Quote(name))
			whole = false
			return match
		}
		return value.Str
	})
	if whole && strings.Contains(e.pattern.ReplaceAllString(v.Str, ""), "%(%%") {
		e.ds.Error(v.Span, CodeTemplate, "the form is %(%%environment.values.name)", "the string holds a template that is not known")
		whole = false
	}
	if !whole {
		return
	}
	e.out = append(e.out, e.text[e.from:v.Span.Start]...)
	e.out = append(e.out, encode(replaced)...)
	e.from = v.Span.End
}

// encode writes a JSON string. Every string has that form, so that there is no error to return.
func encode(s string) []byte {
	out, _ := json.Marshal(s)
	return out
}
