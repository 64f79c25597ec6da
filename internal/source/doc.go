// Package source reads JSON text so that every value remembers where it stands, and reports problems by pointing at
// them: file, line, column, an excerpt and a caret.
//
// It is strict. Duplicate names, text after the value, a byte order mark, invalid UTF-8 and deep nesting are errors,
// because two readers that disagree about such a text would disagree about who may read what.
package source

// File is a named text. The name is what diagnostics print: a slash-separated path inside the app export.
type File struct {
	Name string
	Text []byte
}

// Span is a range of bytes of a file. A Span without a file points nowhere; one whose file has no text points at the
// file as a whole.
type Span struct {
	File       *File
	Start, End int
}

// Kind tells what a Value is. Its zero value is Null.
type Kind uint8

// The kinds of JSON values.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

// String names the kind with its article, for use in sentences.
func (k Kind) String() string {
	switch k {
	case Null:
		return "null"
	case Bool:
		return "a boolean"
	case Number:
		return "a number"
	case String:
		return "a string"
	case Array:
		return "an array"
	case Object:
		return "an object"
	}
	return "an unknown kind of value"
}

// Value is one JSON value. Values alias the text of their file and must not be changed.
type Value struct {
	Kind    Kind
	Bool    bool
	Str     string // a string decoded, or the literal text of a number
	Items   []*Value
	Members []Member
	Span    Span
}

// Member is one name and value of an object, in the order of the text.
type Member struct {
	Name     string
	NameSpan Span // includes the quotes
	Value    *Value
}

// Get returns the value of the first member of that name, nil when v is no object or has none.
func (v *Value) Get(name string) *Value {
	if m := v.Member(name); m != nil {
		return m.Value
	}
	return nil
}

// Member returns the first member of that name, nil when v is no object or has none.
func (v *Value) Member(name string) *Member {
	if v == nil {
		return nil
	}
	for i := range v.Members {
		if v.Members[i].Name == name {
			return &v.Members[i]
		}
	}
	return nil
}
