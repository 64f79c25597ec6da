package source

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Position is the line and column where the span starts. Both count from 1, columns in characters. They are 0 when the
// span points at no text.
func (s Span) Position() (line, column int) {
	if s.File == nil || s.File.Text == nil {
		return 0, 0
	}
	start := min(max(s.Start, 0), len(s.File.Text))
	before := s.File.Text[:start]
	line = bytes.Count(before, []byte("\n")) + 1
	before = before[bytes.LastIndexByte(before, '\n')+1:]
	return line, utf8.RuneCount(before) + 1
}

// Bounds of an excerpt, in characters. A minified file is one line of a megabyte.
const (
	excerptBefore = 80
	excerptAfter  = 60
)

// excerpt is the line in which the span starts and a second line with carets below the span. Both are empty when there
// is no text to show.
func (s Span) excerpt() (text, carets string) {
	if s.File == nil || len(s.File.Text) == 0 {
		return "", ""
	}
	whole := s.File.Text
	start := min(max(s.Start, 0), len(whole))
	from := bytes.LastIndexByte(whole[:start], '\n') + 1
	to := len(whole)
	if i := bytes.IndexByte(whole[start:], '\n'); i >= 0 {
		to = start + i
	}
	end := min(max(s.End, start), to)
	if start < to && (whole[start] == '{' || whole[start] == '[') {
		end = start + 1 // the start of a container says enough
	}
	// A character has at most four bytes, so this much of a long line is enough to show what fits.
	from = max(from, start-utf8.UTFMax*(excerptBefore+1))
	end = min(end, start+utf8.UTFMax*excerptAfter)
	to = min(to, end+utf8.UTFMax*(excerptAfter+1))
	before, marked, after := runes(whole[from:start]), runes(whole[start:end]), runes(bytes.TrimRight(whole[end:to], "\r \t"))
	if len(before) > excerptBefore {
		before = append([]rune{'…'}, before[len(before)-excerptBefore:]...)
	}
	if len(marked)+len(after) > excerptAfter {
		after = append(append([]rune{}, marked...), after...)[:excerptAfter]
		marked, after = after[:min(len(marked), excerptAfter)], append(after[min(len(marked), excerptAfter):], '…')
	}
	indent := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r // as wide below as above
		}
		return ' '
	}, string(before))
	return string(before) + string(marked) + string(after), indent + strings.Repeat("^", max(1, len(marked)))
}

// runes decodes text for display: tabs stay, everything else that does not print is replaced.
func runes(text []byte) []rune {
	out := make([]rune, 0, len(text))
	for _, r := range string(text) {
		if r != '\t' {
			r = []rune(printable(string(r)))[0]
		}
		out = append(out, r)
	}
	return out
}
