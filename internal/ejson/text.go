package ejson

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode/utf8"

	"github.com/rolegate/rolegate/internal/bsonval"
)

const hexDigits = "0123456789abcdef"

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// appendString appends s as a JSON string. Invalid UTF-8 becomes \ufffd, the line separators U+2028 and U+2029
// are escaped because JavaScript once ended lines at them.
func appendString(dst, s []byte) []byte {
	dst = append(dst, '"')
	for {
		n := plainPrefix(s)
		dst = append(dst, s[:n]...)
		if s = s[n:]; len(s) == 0 {
			return append(dst, '"')
		}
		var size int
		dst, size = appendSpecial(dst, s)
		s = s[size:]
	}
}

// plainPrefix returns how many bytes at the start of s are ASCII that needs no escape. Eight bytes are looked at
// in one step: a byte is special if it is below 0x20, a quote, a backslash, or has its high bit set.
func plainPrefix(s []byte) int {
	n := 0
	for len(s)-n >= 8 {
		w := binary.LittleEndian.Uint64(s[n:])
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		if (w|(w-ones*0x20)|(quote-ones)|(slash-ones))&highs != 0 {
			break // some byte is special; a borrow may also report a byte after it, so find it one by one
		}
		n += 8
	}
	for n < len(s) && s[n] >= 0x20 && s[n] < utf8.RuneSelf && s[n] != '"' && s[n] != '\\' {
		n++
	}
	return n
}

// appendSpecial appends the first character of s, one that plainPrefix stops at, and returns its size.
func appendSpecial(dst, s []byte) ([]byte, int) {
	switch c := s[0]; {
	case c == '"' || c == '\\':
		return append(dst, '\\', c), 1
	case c == '\n':
		return append(dst, '\\', 'n'), 1
	case c == '\r':
		return append(dst, '\\', 'r'), 1
	case c == '\t':
		return append(dst, '\\', 't'), 1
	case c == '\b':
		return append(dst, '\\', 'b'), 1
	case c == '\f':
		return append(dst, '\\', 'f'), 1
	case c < 0x20:
		return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15]), 1
	}
	r, size := utf8.DecodeRune(s)
	switch {
	case r == utf8.RuneError && size == 1:
		return append(dst, `\ufffd`...), 1
	case r == '\u2028' || r == '\u2029':
		return append(dst, '\\', 'u', '2', '0', '2', hexDigits[r&15]), size
	}
	return append(dst, s[:size]...), size
}

func appendRegex(dst, b []byte, f form) ([]byte, error) {
	end := bytes.IndexByte(b, 0)
	if end < 0 || bytes.IndexByte(b[end+1:], 0) != len(b)-end-2 {
		return dst, bsonval.ErrCorrupt
	}
	pattern, options := b[:end], b[end+1:len(b)-1]
	if f == plain {
		dst = append(appendString(append(dst, `{"Pattern":`...), pattern), `,"Options":`...)
		return append(appendOptions(dst, options), '}'), nil
	}
	dst = append(appendString(append(dst, `{"$regularExpression":{"pattern":`...), pattern), `,"options":`...)
	return append(appendOptions(dst, options), `}}`...), nil
}

// appendOptions writes the options in order. They are sorted on the way in already, except by careless drivers.
func appendOptions(dst, options []byte) []byte {
	if slices.IsSorted(options) && (len(options) == 0 || options[len(options)-1] < utf8.RuneSelf) {
		return appendString(dst, options)
	}
	runes := []rune(string(options))
	slices.Sort(runes)
	return appendString(dst, []byte(string(runes)))
}
