package bsonval

import (
	"encoding/binary"
	"math"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// AppendElement appends one element with a copy of v. A missing value appends nothing. The key must not contain a NUL.
func AppendElement(dst []byte, key string, v bson.RawValue) []byte {
	if IsMissing(v) {
		return dst
	}
	dst = append(dst, byte(v.Type))
	dst = append(dst, key...)
	dst = append(dst, 0)
	return append(dst, v.Value...)
}

// AppendElementBytes is AppendElement for a key that is already bytes.
func AppendElementBytes(dst, key []byte, v bson.RawValue) []byte {
	if IsMissing(v) {
		return dst
	}
	dst = append(dst, byte(v.Type))
	dst = append(dst, key...)
	dst = append(dst, 0)
	return append(dst, v.Value...)
}

// Empty returns the empty document. Nobody may write to it.
func Empty() bson.Raw { return empty }

var empty = bson.Raw{minDocument, 0, 0, 0, 0}

// BeginDocument appends room for the length of a document or array; start goes to EndDocument.
func BeginDocument(dst []byte) (out []byte, start int) {
	return append(dst, 0, 0, 0, 0), len(dst)
}

// BeginElement appends the head of an embedded document or array and room for its length; start goes to EndDocument.
func BeginElement(dst []byte, t bson.Type, key string) (out []byte, start int) {
	dst = append(dst, byte(t))
	dst = append(dst, key...)
	dst = append(dst, 0)
	return BeginDocument(dst)
}

// EndDocument closes the document or array that was begun at start.
func EndDocument(dst []byte, start int) []byte {
	dst = append(dst, 0)
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(dst)-start))
	return dst
}

// AppendString appends the value bytes of a string.
func AppendString(dst []byte, s string) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(s)+1))
	dst = append(dst, s...)
	return append(dst, 0)
}

// FromString makes a string value.
func FromString(s string) bson.RawValue {
	return bson.RawValue{Type: bson.TypeString, Value: AppendString(make([]byte, 0, len(s)+5), s)}
}

// FromInt32 makes an int32 value.
func FromInt32(n int32) bson.RawValue {
	return bson.RawValue{Type: bson.TypeInt32, Value: binary.LittleEndian.AppendUint32(nil, uint32(n))}
}

// FromInt64 makes an int64 value.
func FromInt64(n int64) bson.RawValue {
	return bson.RawValue{Type: bson.TypeInt64, Value: binary.LittleEndian.AppendUint64(nil, uint64(n))}
}

// FromInt is an int32, or an int64 where it does not fit.
func FromInt(n int64) bson.RawValue {
	if n == int64(int32(n)) {
		return FromInt32(int32(n))
	}
	return FromInt64(n)
}

// FromDouble makes a double value.
func FromDouble(f float64) bson.RawValue {
	return bson.RawValue{Type: bson.TypeDouble, Value: binary.LittleEndian.AppendUint64(nil, math.Float64bits(f))}
}

// FromBool makes a boolean value.
func FromBool(b bool) bson.RawValue {
	if b {
		return bson.RawValue{Type: bson.TypeBoolean, Value: []byte{1}}
	}
	return bson.RawValue{Type: bson.TypeBoolean, Value: []byte{0}}
}

// FromDateTime makes a date from milliseconds since the epoch.
func FromDateTime(ms int64) bson.RawValue {
	return bson.RawValue{Type: bson.TypeDateTime, Value: binary.LittleEndian.AppendUint64(nil, uint64(ms))}
}

// FromObjectID makes an ObjectId value.
func FromObjectID(id bson.ObjectID) bson.RawValue {
	return bson.RawValue{Type: bson.TypeObjectID, Value: id[:]}
}

// Null makes a null value.
func Null() bson.RawValue { return bson.RawValue{Type: bson.TypeNull} }

// OrEmpty is the document, or the empty one in the place of nil.
func OrEmpty(doc bson.Raw) bson.Raw {
	if doc == nil {
		return Empty()
	}
	return doc
}

// FromDocument makes an embedded document that aliases doc.
func FromDocument(doc bson.Raw) bson.RawValue {
	return bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: doc}
}

// FromArray makes an array that aliases the bytes of arr.
func FromArray(arr bson.Raw) bson.RawValue {
	return bson.RawValue{Type: bson.TypeArray, Value: arr}
}
