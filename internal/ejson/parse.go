package ejson

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/echo"
)

// Limits bounds what Parse accepts. The zero value stands for the defaults.
type Limits struct {
	MaxBytes int // of BSON made; [1,1,…] grows sixfold. Default DefaultMaxBytes
	MaxDepth int // of nested objects and arrays, wrappers included. Default DefaultMaxDepth
	MaxNames int // in one object. Default DefaultMaxNames
	MaxName  int // bytes of one name. Default DefaultMaxName
}

// Defaults of Limits.
const (
	DefaultMaxBytes = 64 << 20
	DefaultMaxDepth = 100
	DefaultMaxNames = 10_000
	DefaultMaxName  = 1024
)

// Error says why a text was refused. Msg may name a key or an operator of the text, never a value.
type Error struct {
	Offset int // in bytes, at or shortly after the cause
	Msg    string
}

func (e *Error) Error() string { return fmt.Sprintf("%s (at byte %d)", e.Msg, e.Offset) }

// Parse reads one JSON object. The result is a new document that aliases nothing.
func Parse(data []byte, lim Limits) (bson.Raw, error) {
	v, err := ParseValue(data, lim)
	if err != nil {
		return nil, err
	}
	if v.Type != bson.TypeEmbeddedDocument {
		return nil, &Error{Msg: "expected an object"}
	}
	return bson.Raw(v.Value), nil
}

// ParseValue reads one JSON value of any kind. The result aliases nothing.
func ParseValue(data []byte, lim Limits) (bson.RawValue, error) {
	p := parser{
		dec: jsontext.NewDecoder(bytes.NewBuffer(data)),
		lim: lim.withDefaults(),
		out: make([]byte, 0, len(data)+len(data)/4+16),
	}
	t, err := p.value(0)
	if err != nil {
		return bson.RawValue{}, err
	}
	switch _, err := p.dec.ReadToken(); {
	case err == nil:
		return bson.RawValue{}, p.errorf("unexpected data after the value")
	case !errors.Is(err, io.EOF):
		return bson.RawValue{}, p.syntax(err)
	}
	return bson.RawValue{Type: t, Value: p.out}, nil
}

func (l Limits) withDefaults() Limits {
	or := func(n *int, def int) {
		if *n <= 0 {
			*n = def
		}
	}
	or(&l.MaxBytes, DefaultMaxBytes)
	or(&l.MaxDepth, DefaultMaxDepth)
	or(&l.MaxNames, DefaultMaxNames)
	or(&l.MaxName, DefaultMaxName)
	l.MaxBytes = min(l.MaxBytes, math.MaxInt32) // BSON lengths are int32
	return l
}

// parser appends the BSON of each JSON value it reads to out.
type parser struct {
	dec     *jsontext.Decoder
	lim     Limits
	out     []byte
	scratch []byte // the last string a wrapper read
}

// value reads the next value at the given depth, appends its bytes and returns its type.
func (p *parser) value(depth int) (bson.Type, error) {
	switch p.dec.PeekKind() {
	case jsontext.KindBeginObject:
		return p.object(depth + 1)
	case jsontext.KindBeginArray:
		return bson.TypeArray, p.array(depth + 1)
	case jsontext.KindString:
		return bson.TypeString, p.str()
	case jsontext.KindNumber:
		return p.number()
	}
	tok, err := p.dec.ReadToken()
	if err != nil {
		return 0, p.syntax(err)
	}
	switch tok.Kind() {
	case jsontext.KindTrue:
		p.out = append(p.out, 1)
		return bson.TypeBoolean, nil
	case jsontext.KindFalse:
		p.out = append(p.out, 0)
		return bson.TypeBoolean, nil
	case jsontext.KindNull:
		return bson.TypeNull, nil
	default: // a closing bracket where a value belongs
		return 0, p.errorf("malformed JSON")
	}
}

// object reads an object, which is a document or, when its first key says so, a wrapped value.
func (p *parser) object(depth int) (bson.Type, error) {
	if err := p.open(depth); err != nil {
		return 0, err
	}
	start := len(p.out)
	p.out = append(p.out, 0, 0, 0, 0)
	for n := 0; p.dec.PeekKind() != jsontext.KindEndObject; n++ {
		element := len(p.out)
		p.out = append(p.out, 0) // the type, known after the value
		key, err := p.name()
		if err != nil {
			return 0, err
		}
		if len(key) > 0 && key[0] == '$' {
			switch kind := wrapperOf(key); {
			case kind == wrapperRefused:
				return 0, p.errorf("%s is not supported", key)
			case kind != notWrapper && n > 0:
				return 0, p.errorf("%s cannot stand beside other keys", key)
			case kind != notWrapper:
				p.out = p.out[:start]
				return p.wrapped(kind, depth)
			}
		}
		if n >= p.lim.MaxNames {
			return 0, p.errorf("too many keys in one object")
		}
		t, err := p.value(depth)
		if err != nil {
			return 0, err
		}
		p.out[element] = byte(t)
		if err := p.bounded(); err != nil {
			return 0, err
		}
	}
	return bson.TypeEmbeddedDocument, p.close(start)
}

func (p *parser) array(depth int) error {
	if err := p.open(depth); err != nil {
		return err
	}
	start := len(p.out)
	p.out = append(p.out, 0, 0, 0, 0)
	for i := 0; p.dec.PeekKind() != jsontext.KindEndArray; i++ {
		element := len(p.out)
		p.out = append(p.out, 0)
		p.out = strconv.AppendInt(p.out, int64(i), 10)
		p.out = append(p.out, 0)
		t, err := p.value(depth)
		if err != nil {
			return err
		}
		p.out[element] = byte(t)
		if err := p.bounded(); err != nil {
			return err
		}
	}
	return p.close(start)
}

// open reads the opening bracket of a container.
func (p *parser) open(depth int) error {
	if depth > p.lim.MaxDepth {
		return p.errorf("nested too deeply")
	}
	if _, err := p.dec.ReadToken(); err != nil {
		return p.syntax(err)
	}
	return nil
}

// close reads the closing bracket and fills in the length of the container that begins at start.
func (p *parser) close(start int) error {
	if _, err := p.dec.ReadToken(); err != nil {
		return p.syntax(err)
	}
	p.out = append(p.out, 0)
	if err := p.bounded(); err != nil {
		return err
	}
	binary.LittleEndian.PutUint32(p.out[start:], uint32(len(p.out)-start))
	return nil
}

func (p *parser) bounded() error {
	if len(p.out) > p.lim.MaxBytes {
		return p.errorf("too large")
	}
	return nil
}

// name reads an object key and appends it with its NUL. The result is without the NUL and aliases out.
func (p *parser) name() ([]byte, error) {
	start := len(p.out)
	if err := p.unquote(); err != nil {
		return nil, err
	}
	key := p.out[start:len(p.out):len(p.out)]
	if len(key) > p.lim.MaxName {
		return nil, p.errorf("key too long")
	}
	if bytes.IndexByte(key, 0) >= 0 {
		return nil, p.errorf("key contains a NUL")
	}
	p.out = append(p.out, 0)
	return key, nil
}

// str appends a BSON string.
func (p *parser) str() error {
	start := len(p.out)
	p.out = append(p.out, 0, 0, 0, 0)
	if err := p.unquote(); err != nil {
		return err
	}
	p.out = append(p.out, 0)
	binary.LittleEndian.PutUint32(p.out[start:], uint32(len(p.out)-start-4))
	return nil
}

// unquote reads a JSON string, or a key, and appends its bytes.
func (p *parser) unquote() error {
	raw, err := p.dec.ReadValue()
	if err != nil {
		return p.syntax(err)
	}
	if p.out, err = jsontext.AppendUnquote(p.out, raw); err != nil {
		return p.syntax(err)
	}
	return nil
}

// number appends the smallest integer type that holds an integer literal, a double for anything else.
func (p *parser) number() (bson.Type, error) {
	raw, err := p.dec.ReadValue()
	if err != nil {
		return 0, p.syntax(err)
	}
	lit := string(raw)
	if !bytes.ContainsAny(raw, ".eE") {
		if n, err := strconv.ParseInt(lit, 10, 64); err == nil {
			return p.integer(n), nil
		}
	}
	f, err := strconv.ParseFloat(lit, 64)
	if err != nil {
		return 0, p.errorf("number out of range")
	}
	p.out = binary.LittleEndian.AppendUint64(p.out, math.Float64bits(f))
	return bson.TypeDouble, nil
}

func (p *parser) integer(n int64) bson.Type {
	if n >= math.MinInt32 && n <= math.MaxInt32 {
		p.out = binary.LittleEndian.AppendUint32(p.out, uint32(n))
		return bson.TypeInt32
	}
	p.out = binary.LittleEndian.AppendUint64(p.out, uint64(n))
	return bson.TypeInt64
}

func (p *parser) errorf(format string, args ...any) error {
	return &Error{Offset: int(p.dec.InputOffset()), Msg: fmt.Sprintf(format, args...)}
}

// syntax turns an error of the JSON layer into ours: its texts may quote the input.
func (p *parser) syntax(err error) error {
	e := &Error{Offset: int(p.dec.InputOffset()), Msg: "malformed JSON"}
	var syn *jsontext.SyntacticError
	if errors.As(err, &syn) {
		e.Offset = int(syn.ByteOffset)
		if errors.Is(err, jsontext.ErrDuplicateName) {
			e.Msg = fmt.Sprintf("duplicate key %q", echo.Name(syn.JSONPointer.LastToken()))
		}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		e.Msg = "unexpected end of JSON"
	}
	return e
}
