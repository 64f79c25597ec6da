package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how deeply objects and arrays may be nested.
const MaxDepth = 100

// maxDuplicates bounds the report on one file; a text of nothing but duplicates needs no longer list.
const maxDuplicates = 50

// Codes of the diagnostics of this package.
const (
	CodeMalformed     = "malformed-json"
	CodeDuplicateName = "duplicate-name"
	CodeTooDeep       = "json-too-deep"
	CodeInvalidUTF8   = "invalid-utf8"
	CodeByteOrderMark = "byte-order-mark"
	CodeTrailingData  = "trailing-data"
	CodeNULInName     = "nul-in-name"
)

// Codes lists every code that Parse may report.
func Codes() []string {
	return []string{
		CodeMalformed, CodeDuplicateName, CodeTooDeep, CodeInvalidUTF8, CodeByteOrderMark, CodeTrailingData, CodeNULInName,
	}
}

// Parse reads the one JSON value of a file. The value is nil when the text is no JSON; it is complete when only its
// meaning is in doubt (duplicate names, NUL in a name), so that the caller can go on and report more. A value that
// comes with errors must not be acted upon.
func Parse(f *File) (*Value, Diagnostics) {
	p := parser{file: f}
	if bytes.HasPrefix(f.Text, []byte("\ufeff")) {
		p.ds.Error(p.span(0, 3), CodeByteOrderMark, "save the file as UTF-8 without a byte order mark",
			"the file starts with a byte order mark")
		return nil, p.ds
	}
	// Names are compared here and not by the decoder, which knows the position of the second one only.
	p.dec = jsontext.NewDecoder(bytes.NewBuffer(f.Text), jsontext.AllowDuplicateNames(true))
	v, err := p.value(0)
	if err == nil {
		err = p.end()
	}
	if err != nil {
		p.fail(err)
		return nil, p.ds
	}
	return v, p.ds
}

type parser struct {
	file *File
	dec  *jsontext.Decoder
	ds   Diagnostics
	dups int
}

// errReported is returned once a diagnostic has been written and reading cannot go on.
var errReported = errors.New("reported")

func (p *parser) span(start, end int) Span { return Span{p.file, start, end} }

// token reads the next token and tells where it stands. The decoder reports ends only; between the end of one token and the
// start of the next there is nothing but white space, commas and colons.
func (p *parser) token() (jsontext.Token, Span, error) {
	start := int(p.dec.InputOffset())
	t, err := p.dec.ReadToken()
	if err != nil {
		return t, Span{}, err
	}
	for start < len(p.file.Text) && strings.IndexByte(" \t\r\n,:", p.file.Text[start]) >= 0 {
		start++
	}
	return t, p.span(start, int(p.dec.InputOffset())), nil
}

func (p *parser) value(depth int) (*Value, error) {
	t, at, err := p.token()
	if err != nil {
		return nil, err
	}
	v := &Value{Span: at}
	switch t.Kind() {
	case 't', 'f':
		v.Kind, v.Bool = Bool, t.Bool()
	case '0':
		v.Kind, v.Str = Number, string(p.file.Text[at.Start:at.End])
	case '"':
		v.Kind, v.Str = String, t.String()
	case '[', '{':
		if depth == MaxDepth {
			p.ds.Error(at, CodeTooDeep, "", "more than %d objects and arrays inside each other", MaxDepth)
			return nil, errReported
		}
		if t.Kind() == '[' {
			v.Kind, err = Array, p.items(v, depth)
		} else {
			v.Kind, err = Object, p.members(v, depth)
		}
	}
	return v, err
}

func (p *parser) items(v *Value, depth int) error {
	for p.dec.PeekKind() != ']' {
		item, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		v.Items = append(v.Items, item)
	}
	return p.closing(v)
}

func (p *parser) members(v *Value, depth int) error {
	seen := map[string]Span{}
	for p.dec.PeekKind() != '}' {
		t, at, err := p.token()
		if err != nil {
			return err
		}
		m := Member{Name: t.String(), NameSpan: at}
		p.checkName(&m, seen)
		if m.Value, err = p.value(depth + 1); err != nil {
			return err
		}
		v.Members = append(v.Members, m)
	}
	return p.closing(v)
}

func (p *parser) closing(v *Value) error {
	_, at, err := p.token()
	v.Span.End = at.End
	return err
}

func (p *parser) checkName(m *Member, seen map[string]Span) {
	if strings.IndexByte(m.Name, 0) >= 0 {
		p.ds.Error(m.NameSpan, CodeNULInName, "", "a name contains a NUL character")
	}
	first, duplicate := seen[m.Name]
	if !duplicate {
		seen[m.Name] = m.NameSpan
		return
	}
	if p.dups++; p.dups <= maxDuplicates {
		line, column := first.Position()
		p.ds.Error(m.NameSpan, CodeDuplicateName, "keep one of the two", "the name %s appears twice in one object, first at %d:%d",
			Quote(m.Name), line, column)
	}
}

// end makes sure that nothing follows the value.
func (p *parser) end() error {
	start := int(p.dec.InputOffset())
	for start < len(p.file.Text) && strings.IndexByte(" \t\r\n", p.file.Text[start]) >= 0 {
		start++
	}
	if start < len(p.file.Text) {
		p.ds.Error(p.span(start, start+1), CodeTrailingData, "", "there is more text after the end of the JSON value")
		return errReported
	}
	return nil
}

// fail reports why reading stopped.
func (p *parser) fail(err error) {
	if errors.Is(err, errReported) {
		return
	}
	at := int(p.dec.InputOffset())
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		at = int(syntax.ByteOffset)
	}
	text := p.file.Text
	if at >= len(text) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		p.failAtEnd()
		return
	}
	r, size := utf8.DecodeRune(text[at:])
	if r == utf8.RuneError && size <= 1 {
		p.ds.Error(p.span(at, at+1), CodeInvalidUTF8, "save the file as UTF-8", "the text is not valid UTF-8")
		return
	}
	p.ds.Error(p.span(at, at+size), CodeMalformed, malformedHint(text, at), "not valid JSON: %s", reason(syntax, r))
}

// failAtEnd points at the last character, because there is nothing to see behind it.
func (p *parser) failAtEnd() {
	end := len(bytes.TrimRight(p.file.Text, " \t\r\n"))
	if end == 0 {
		p.ds.Error(p.span(0, 0), CodeMalformed, "write {} for an empty object", "the file is empty")
		return
	}
	_, size := utf8.DecodeLastRune(p.file.Text[:end])
	p.ds.Error(p.span(end-size, end), CodeMalformed, "a closing bracket or quote is missing", "not valid JSON: the file ends too early")
}

func reason(syntax *jsontext.SyntacticError, r rune) string {
	if syntax == nil || syntax.Err == nil {
		return fmt.Sprintf("unexpected %q", r)
	}
	return strings.TrimPrefix(syntax.Err.Error(), "jsontext: ")
}

// malformedHint names the usual causes.
func malformedHint(text []byte, at int) string {
	before, after := bytes.TrimRight(text[:at], " \t\r\n"), bytes.TrimLeft(text[at+1:], " \t\r\n")
	switch c := text[at]; {
	case c == ',' && len(after) > 0 && strings.IndexByte("]}", after[0]) >= 0:
		return "remove the comma: nothing follows it"
	case c == '/' || c == '#':
		return "JSON has no comments"
	case c == '\'':
		return "strings and names stand in double quotes"
	case c == '"' && len(before) > 0 && strings.IndexByte("[{,:", before[len(before)-1]) < 0:
		return "a comma may be missing before it"
	}
	return ""
}
