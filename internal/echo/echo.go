// Package echo cuts text that came from a client to what an answer, a log or a terminal may repeat.
package echo

import (
	"strings"
	"unicode"
)

// Most is how many bytes of a single name are repeated.
const Most = 64

// Name returns the first Most bytes of a name, those that are not printable ASCII replaced.
func Name(s string) string { return Text(s, Most) }

// Text is Name with a limit of its own.
func Text(s string, most int) string {
	out := []byte(s[:min(len(s), most)])
	for i, c := range out {
		if c < ' ' || c > '~' {
			out[i] = '?'
		}
	}
	return string(out)
}

// Printable replaces what could move the cursor of a terminal. Lines stay lines.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}
