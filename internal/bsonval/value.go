package bsonval

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// IsMissing reports whether v stands for a field that is not there.
func IsMissing(v bson.RawValue) bool { return v.Type == 0 }

// IsSegment reports whether the name of a field can stand for it in a dotted path: it is not empty, has no dot, no NUL
// and no leading $. "a.b" stored as a name must not be taken for b inside a.
func IsSegment[T string | []byte](name T) bool {
	if len(name) == 0 || name[0] == '$' {
		return false
	}
	for i := range len(name) {
		if name[i] == '.' || name[i] == 0 {
			return false
		}
	}
	return true
}

// IsNumber reports whether v is an int32, int64, double or decimal128.
func IsNumber(v bson.RawValue) bool { return Class(v.Type) == classNumber }

// IsNaN reports whether v is a double or decimal128 that is not a number.
func IsNaN(v bson.RawValue) bool {
	switch v.Type {
	case bson.TypeDouble:
		return len(v.Value) == 8 && math.IsNaN(doubleBits(v.Value))
	case bson.TypeDecimal128:
		return len(v.Value) == 16 && readDecimal(v.Value).kind == decimalNaN
	}
	return false
}

// Identical reports whether two values have the same type and the same bytes.
func Identical(a, b bson.RawValue) bool {
	return a.Type == b.Type && bytes.Equal(a.Value, b.Value)
}

// String returns a copy of a string value.
func String(v bson.RawValue) (string, bool) {
	b, ok := StringBytes(v)
	return string(b), ok
}

// StringBytes returns the text of a string value, aliasing it.
func StringBytes(v bson.RawValue) ([]byte, bool) {
	if v.Type != bson.TypeString {
		return nil, false
	}
	return text(v.Value)
}

// text returns the bytes of a length-prefixed string that fills b.
func text(b []byte) ([]byte, bool) {
	if n := stringSize(b); n < 0 || n != len(b) {
		return nil, false
	}
	return b[4 : len(b)-1], true
}

// Document returns the bytes of an embedded document, aliasing the value.
func Document(v bson.RawValue) (bson.Raw, bool) {
	if v.Type != bson.TypeEmbeddedDocument || !documentFits(v.Value) {
		return nil, false
	}
	return v.Value, true
}

// Array returns the bytes of an array, which are those of a document with the keys "0", "1" and so on, aliasing the value.
func Array(v bson.RawValue) (bson.Raw, bool) {
	if v.Type != bson.TypeArray || !documentFits(v.Value) {
		return nil, false
	}
	return v.Value, true
}

// IsEmpty reports whether v is a document or array without elements.
func IsEmpty(v bson.RawValue) bool {
	return (v.Type == bson.TypeEmbeddedDocument || v.Type == bson.TypeArray) && len(v.Value) == minDocument
}

// Bool returns the value of a boolean.
func Bool(v bson.RawValue) (value, ok bool) {
	if v.Type != bson.TypeBoolean || len(v.Value) != 1 {
		return false, false
	}
	return v.Value[0] != 0, true
}

// ObjectID returns the value of an ObjectId.
func ObjectID(v bson.RawValue) (bson.ObjectID, bool) {
	if v.Type != bson.TypeObjectID || len(v.Value) != 12 {
		return bson.ObjectID{}, false
	}
	return bson.ObjectID(v.Value), true
}

// DateTime returns the milliseconds since the epoch of a date.
func DateTime(v bson.RawValue) (int64, bool) {
	if v.Type != bson.TypeDateTime || len(v.Value) != 8 {
		return 0, false
	}
	return int64bits(v.Value), true
}

// Binary returns subtype and bytes of a binary value, aliasing it.
func Binary(v bson.RawValue) (subtype byte, data []byte, ok bool) {
	if v.Type != bson.TypeBinary || valueSize(v.Type, v.Value) != len(v.Value) {
		return 0, nil, false
	}
	return v.Value[4], v.Value[5:], true
}

// Regex returns pattern and options of a regular expression, aliasing it.
func Regex(v bson.RawValue) (pattern, options []byte, ok bool) {
	if v.Type != bson.TypeRegex || valueSize(v.Type, v.Value) != len(v.Value) {
		return nil, nil, false
	}
	n := bytes.IndexByte(v.Value, 0)
	return v.Value[:n], v.Value[n+1 : len(v.Value)-1], true
}

// Int64 returns the value of a number that is exactly a 64-bit integer, whatever its type.
func Int64(v bson.RawValue) (value int64, exact bool) {
	switch v.Type {
	case bson.TypeInt32:
		if len(v.Value) == 4 {
			return int64(int32bits(v.Value)), true
		}
	case bson.TypeInt64:
		if len(v.Value) == 8 {
			return int64bits(v.Value), true
		}
	case bson.TypeDouble:
		if len(v.Value) == 8 {
			return wholeDouble(doubleBits(v.Value))
		}
	case bson.TypeDecimal128:
		if len(v.Value) == 16 {
			return readDecimal(v.Value).int64()
		}
	}
	return 0, false
}

// Double returns the double nearest to a number of any type; ok is false for values that are not numbers.
func Double(v bson.RawValue) (value float64, ok bool) {
	switch v.Type {
	case bson.TypeDouble:
		if len(v.Value) == 8 {
			return doubleBits(v.Value), true
		}
	case bson.TypeInt32, bson.TypeInt64:
		n, ok := Int64(v)
		return float64(n), ok
	case bson.TypeDecimal128:
		if len(v.Value) == 16 {
			return decimalToDouble(v.Value), true
		}
	}
	return 0, false
}

func decimalToDouble(b []byte) float64 {
	d := readDecimal(b)
	switch {
	case d.kind == decimalNaN:
		return math.NaN()
	case d.kind == decimalInf && d.negative:
		return math.Inf(-1)
	case d.kind == decimalInf:
		return math.Inf(1)
	}
	s := bson.NewDecimal128(binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b)).String()
	f, _ := strconv.ParseFloat(s, 64) // out of range yields an infinity, which is the nearest double
	return f
}

// wholeDouble converts a double without loss.
func wholeDouble(f float64) (int64, bool) {
	if f >= -1<<63 && f < 1<<63 && f == math.Trunc(f) {
		return int64(f), true
	}
	return 0, false
}

func int32bits(b []byte) int32    { return int32(binary.LittleEndian.Uint32(b)) }
func int64bits(b []byte) int64    { return int64(binary.LittleEndian.Uint64(b)) }
func doubleBits(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }
