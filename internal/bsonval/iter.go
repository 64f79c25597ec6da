package bsonval

import (
	"bytes"
	"encoding/binary"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// ErrCorrupt is reported for bytes that are not the BSON they claim to be. It never says where or what: the bytes may
// be secret.
var ErrCorrupt = errors.New("corrupt BSON")

// minDocument is the size of an empty document: a length and the closing NUL.
const minDocument = 5

// Iter walks the elements of a document or array. It is a value, allocates nothing and checks every length before it
// follows it. The zero Iter is exhausted.
type Iter struct {
	doc    []byte
	start  int // of the current element: its type byte
	value  int // of the current element's value
	next   int
	end    int // of the elements: the closing NUL
	failed bool
}

// NewIter starts before the first element of doc, which includes its length prefix and closing NUL and nothing more.
func NewIter(doc []byte) Iter {
	if !documentFits(doc) {
		return Iter{failed: true}
	}
	return Iter{doc: doc, next: 4, end: len(doc) - 1}
}

// Next moves to the next element. It returns false at the end and at the first corrupt byte; Err tells which.
func (it *Iter) Next() bool {
	if it.next >= it.end {
		return false
	}
	start := it.next
	name := bytes.IndexByte(it.doc[start+1:it.end], 0)
	if name < 0 {
		return it.fail()
	}
	value := start + name + 2
	size := valueSize(bson.Type(it.doc[start]), it.doc[value:it.end])
	if size < 0 {
		return it.fail()
	}
	it.start, it.value, it.next = start, value, value+size
	return true
}

// Key returns the current element's name, without its NUL.
func (it *Iter) Key() []byte {
	if it.value == 0 {
		return nil
	}
	return it.doc[it.start+1 : it.value-1]
}

// Value returns the current element's value.
func (it *Iter) Value() bson.RawValue {
	if it.value == 0 {
		return bson.RawValue{}
	}
	return bson.RawValue{Type: bson.Type(it.doc[it.start]), Value: it.doc[it.value:it.next:it.next]}
}

// Element returns the current element as it stands in the document: type, name, NUL, value.
func (it *Iter) Element() []byte {
	if it.value == 0 {
		return nil
	}
	return it.doc[it.start:it.next:it.next]
}

// Err is ErrCorrupt when the walk ended early, else nil.
func (it *Iter) Err() error {
	if it.failed {
		return ErrCorrupt
	}
	return nil
}

func (it *Iter) fail() bool {
	it.failed = true
	it.next = it.end
	it.start, it.value = 0, 0
	return false
}

// Lookup returns the first top-level element called key. A corrupt document yields what stands before the corruption.
func Lookup(doc bson.Raw, key string) (bson.RawValue, bool) {
	it := NewIter(doc)
	for it.Next() {
		if string(it.Key()) == key {
			return it.Value(), true
		}
	}
	return bson.RawValue{}, false
}

func documentFits(doc []byte) bool {
	return len(doc) >= minDocument && length(doc) == len(doc) && doc[len(doc)-1] == 0
}

// valueSize returns how many bytes of b the value of type t takes, or -1 when b cannot hold such a value.
func valueSize(t bson.Type, b []byte) int {
	switch t {
	case bson.TypeInt32:
		return fixed(b, 4)
	case bson.TypeDouble, bson.TypeInt64, bson.TypeDateTime, bson.TypeTimestamp:
		return fixed(b, 8)
	case bson.TypeObjectID:
		return fixed(b, 12)
	case bson.TypeDecimal128:
		return fixed(b, 16)
	case bson.TypeBoolean:
		return fixed(b, 1)
	case bson.TypeNull, bson.TypeUndefined, bson.TypeMinKey, bson.TypeMaxKey:
		return 0
	case bson.TypeString, bson.TypeSymbol, bson.TypeJavaScript:
		return stringSize(b)
	case bson.TypeEmbeddedDocument, bson.TypeArray:
		return documentSize(b)
	case bson.TypeBinary:
		n := length(b)
		if n < 0 || n > len(b)-5 {
			return -1
		}
		return n + 5
	case bson.TypeRegex:
		pattern := bytes.IndexByte(b, 0)
		if pattern < 0 {
			return -1
		}
		options := bytes.IndexByte(b[pattern+1:], 0)
		if options < 0 {
			return -1
		}
		return pattern + options + 2
	case bson.TypeDBPointer:
		n := stringSize(b)
		if n < 0 || len(b)-n < 12 {
			return -1
		}
		return n + 12
	case bson.TypeCodeWithScope:
		return codeWithScopeSize(b)
	}
	return -1
}

func codeWithScopeSize(b []byte) int {
	n := length(b)
	if n < 4 || n > len(b) {
		return -1
	}
	code := stringSize(b[4:n])
	if code < 0 || !documentFits(b[4+code:n]) {
		return -1
	}
	return n
}

func documentSize(b []byte) int {
	n := length(b)
	if n < minDocument || n > len(b) || b[n-1] != 0 {
		return -1
	}
	return n
}

func stringSize(b []byte) int {
	n := length(b)
	if n < 1 || n > len(b)-4 || b[n+3] != 0 {
		return -1
	}
	return n + 4
}

// length reads a length prefix; anything that is not a sane length is -1.
func length(b []byte) int {
	if len(b) < 4 {
		return -1
	}
	return int(int32(binary.LittleEndian.Uint32(b)))
}

func fixed(b []byte, n int) int {
	if len(b) < n {
		return -1
	}
	return n
}
