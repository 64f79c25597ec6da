package config

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rolegate/rolegate/internal/source"
)

// maxMessage bounds the message of a role, in bytes.
const maxMessage = 500

// readPresets reads the values that a role sets on writes.
func readPresets(role *source.Value, ds *source.Diagnostics) Presets {
	v := object(role, "presets")
	if v == nil {
		return Presets{}
	}
	(shape{"presets", []key{{name: "insert", kinds: aMap}, {name: "update", kinds: aMap}}, true, nil}).check(v, ds)
	return Presets{Insert: readPreset(v, "insert", ds), Update: readPreset(v, "update", ds)}
}

func readPreset(v *source.Value, kind string, ds *source.Diagnostics) []Preset {
	var out []Preset
	for _, m := range members(v, kind) {
		path := strings.Split(m.Name, ".")
		switch {
		case slices.ContainsFunc(path, func(s string) bool { return s == "" || s[0] == '$' || s[0] >= '0' && s[0] <= '9' }):
			ds.Error(m.NameSpan, CodeInvalidField, "", "%s is not the path of a field: a preset sets no element of an array", source.Quote(m.Name))
			continue
		case kind == "update" && path[0] == "_id":
			ds.Error(m.NameSpan, CodeInvalidField, "", "the _id of a document cannot be changed")
			continue
		}
		for _, p := range out {
			if within(path, p.Path) || within(p.Path, path) {
				ds.Error(m.NameSpan, CodeConflictingField, "", "%s is set by %s already", source.Quote(m.Name), source.Quote(strings.Join(p.Path, ".")))
			}
		}
		out = append(out, Preset{Path: path, Value: m.Value, Span: m.NameSpan})
	}
	return out
}

// within tells whether path is outer or lies inside it.
func within(path, outer []string) bool {
	return len(path) >= len(outer) && slices.Equal(path[:len(outer)], outer)
}

// readMessage reads what users are told when a role denies a write. It goes into answers as it is.
func readMessage(role *source.Value, ds *source.Diagnostics) string {
	s := text(role, "message")
	switch {
	case len(s) > maxMessage:
		ds.Error(role.Get("message").Span, CodeInvalidValue, "", "a message has at most %d bytes", maxMessage)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		ds.Error(role.Get("message").Span, CodeInvalidValue, "", "a message is one line of text, without control characters")
	default:
		return s
	}
	return ""
}
