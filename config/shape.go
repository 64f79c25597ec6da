package config

import (
	"slices"
	"strings"

	"github.com/rolegate/rolegate/internal/source"
)

// kinds is a set of kinds of JSON values.
type kinds uint8

const (
	aBool   = kinds(1 << source.Bool)
	aNumber = kinds(1 << source.Number)
	aString = kinds(1 << source.String)
	anArray = kinds(1 << source.Array)
	aMap    = kinds(1 << source.Object)
	anExpr  = aBool | aMap
	anyKind = kinds(0xff)
)

func (k kinds) has(kind source.Kind) bool { return k&(1<<kind) != 0 }

func (k kinds) String() string {
	if k == anExpr {
		return "true, false or an expression object"
	}
	var names []string
	for _, kind := range []source.Kind{source.Bool, source.Number, source.String, source.Array, source.Object} {
		if k.has(kind) {
			names = append(names, kind.String())
		}
	}
	return strings.Join(names, " or ")
}

// shape lists the keys of an object and their types.
type shape struct {
	what   string // as in "a role"
	keys   []key
	strict bool // an unknown key is an error: ignoring it could widen access
	// elsewhere lists keys that are errors in any case, because they restrict something where they belong.
	elsewhere []string
}

type key struct {
	name     string
	kinds    kinds
	required bool
}

// check reports everything in which v differs from the shape. It returns false when v is no object at all.
func (s shape) check(v *source.Value, ds *source.Diagnostics) bool {
	if v.Kind != source.Object {
		ds.Error(v.Span, CodeWrongType, "", "%s must be an object, not %s", s.what, v.Kind)
		return false
	}
	misspelt := map[string]bool{}
	for i := range v.Members {
		m := &v.Members[i]
		if k := s.find(m.Name); k != nil {
			checkKind(m, k.kinds, ds)
		} else if near := s.unknown(m, ds); near != "" {
			misspelt[near] = true
		}
	}
	for _, k := range s.keys {
		if k.required && v.Get(k.name) == nil && !misspelt[k.name] {
			ds.Error(v.Span, CodeMissingKey, "", "%s needs the key %q", s.what, k.name)
		}
	}
	return true
}

func (s shape) find(name string) *key {
	for i := range s.keys {
		if s.keys[i].name == name {
			return &s.keys[i]
		}
	}
	return nil
}

// unknown reports a key that is not on the list and returns the one it may stand for. A misspelt key is an error
// everywhere: its author believes that it works.
func (s shape) unknown(m *source.Member, ds *source.Diagnostics) string {
	known := make([]string, 0, len(s.keys))
	for _, k := range s.keys {
		known = append(known, k.name)
	}
	near := source.Nearest(m.Name, known)
	switch {
	case slices.Contains(s.elsewhere, m.Name):
		ds.Error(m.NameSpan, CodeUnknownKey, "it belongs into a role or a filter", "%s has no key %s", s.what, source.Quote(m.Name))
	case near != "":
		ds.Error(m.NameSpan, CodeUnknownKey, `did you mean "`+near+`"?`, "%s has no key %s", s.what, source.Quote(m.Name))
	case s.strict:
		ds.Error(m.NameSpan, CodeUnknownKey, "it may be one of "+strings.Join(known, ", "), "%s has no key %s", s.what, source.Quote(m.Name))
	default:
		ds.Warn(m.NameSpan, CodeUnknownKey, "", "%s has no key %s; it is ignored", s.what, source.Quote(m.Name))
	}
	return near
}

func checkKind(m *source.Member, want kinds, ds *source.Diagnostics) {
	v := m.Value
	if want == anyKind || want.has(v.Kind) {
		return
	}
	hint := ""
	if v.Kind == source.String && want.has(source.Bool) && (v.Str == "true" || v.Str == "false") {
		hint = "write " + v.Str + " without quotes"
	}
	ds.Error(v.Span, CodeWrongType, hint, "%s must be %s, not %s", source.Quote(m.Name), want, v.Kind)
}

// The accessors below return the zero value for what is absent or of another type; check has reported the latter.

func text(v *source.Value, name string) string {
	if x := v.Get(name); x != nil && x.Kind == source.String {
		return x.Str
	}
	return ""
}

func flag(v *source.Value, name string) bool {
	x := v.Get(name)
	return x != nil && x.Kind == source.Bool && x.Bool
}

// optionalFlag tells absent from false.
func optionalFlag(v *source.Value, name string) *bool {
	if x := v.Get(name); x != nil && x.Kind == source.Bool {
		return &x.Bool
	}
	return nil
}

func items(v *source.Value, name string) []*source.Value {
	if x := v.Get(name); x != nil && x.Kind == source.Array {
		return x.Items
	}
	return nil
}

func members(v *source.Value, name string) []source.Member {
	if x := v.Get(name); x != nil && x.Kind == source.Object {
		return x.Members
	}
	return nil
}

// texts returns the strings of an array and reports what is no string.
func texts(v *source.Value, name string, ds *source.Diagnostics) []string {
	var out []string
	for _, x := range items(v, name) {
		if x.Kind != source.String {
			ds.Error(x.Span, CodeWrongType, "", "%q must be an array of strings; this is %s", name, x.Kind)
			continue
		}
		out = append(out, x.Str)
	}
	return out
}

// oneOf reports a string that is not on the list. Absent and empty ones pass.
func oneOf(v *source.Value, name string, ds *source.Diagnostics, allowed ...string) {
	s := text(v, name)
	if s == "" {
		return
	}
	if slices.Contains(allowed, s) {
		return
	}
	ds.Error(v.Get(name).Span, CodeInvalidValue, "it may be one of "+strings.Join(allowed, ", "), "%s is not a value of %q", source.Quote(s), name)
}
