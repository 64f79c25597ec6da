package source

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// String is the value as JSON on one line, for people to read: numbers as they are written, a space behind each comma and
// colon.
func (v *Value) String() string {
	var b strings.Builder
	v.write(&b)
	return b.String()
}

func (v *Value) write(b *strings.Builder) {
	switch v.Kind {
	case Null:
		b.WriteString("null")
	case Bool:
		if v.Bool {
			b.WriteString("true")
		} else {
			b.WriteString("false")
		}
	case Number:
		b.WriteString(v.Str)
	case String:
		b.Write(quoted(v.Str))
	case Array:
		b.WriteByte('[')
		for i, x := range v.Items {
			if i > 0 {
				b.WriteString(", ")
			}
			x.write(b)
		}
		b.WriteByte(']')
	case Object:
		b.WriteByte('{')
		for i, m := range v.Members {
			if i > 0 {
				b.WriteString(", ")
			}
			b.Write(quoted(m.Name))
			b.WriteString(": ")
			m.Value.write(b)
		}
		b.WriteByte('}')
	}
}

// quoted writes a JSON string. That fails for invalid UTF-8 only, which has been refused.
func quoted(s string) []byte {
	out, _ := jsontext.AppendQuote(nil, s)
	return out
}
