package ejson

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// form is one of the ways to write a value.
type form uint8

const (
	canonical form = iota
	relaxed
	plain // lossy: types that JSON lacks become strings and objects that do not read back
)

// maxWriteDepth is above what MongoDB stores (200 levels); it bounds the recursion, not the data.
const maxWriteDepth = 256

var (
	errDepth   = errors.New("document nested too deeply")
	errMissing = errors.New("value has no type")
)

// AppendCanonical appends doc as canonical Extended JSON. After an error the result is dst as it was.
func AppendCanonical(dst []byte, doc bson.Raw) ([]byte, error) {
	return finish(dst, doc, canonical)
}

// AppendCanonicalValue appends v as canonical Extended JSON. After an error the result is dst as it was.
func AppendCanonicalValue(dst []byte, v bson.RawValue) ([]byte, error) {
	return finishValue(dst, v, canonical)
}

// AppendRelaxed appends doc as relaxed Extended JSON. After an error the result is dst as it was.
func AppendRelaxed(dst []byte, doc bson.Raw) ([]byte, error) {
	return finish(dst, doc, relaxed)
}

// AppendRelaxedValue appends v as relaxed Extended JSON. After an error the result is dst as it was.
func AppendRelaxedValue(dst []byte, v bson.RawValue) ([]byte, error) {
	return finishValue(dst, v, relaxed)
}

// AppendJSON appends doc as the Data API's plain JSON, from which the BSON types cannot be told any more: an
// ObjectId is its hexadecimal string, a date an ISO string. After an error the result is dst as it was.
func AppendJSON(dst []byte, doc bson.Raw) ([]byte, error) {
	return finish(dst, doc, plain)
}

// AppendJSONValue appends v as AppendJSON would. After an error the result is dst as it was.
func AppendJSONValue(dst []byte, v bson.RawValue) ([]byte, error) {
	return finishValue(dst, v, plain)
}

func finish(dst []byte, doc bson.Raw, f form) ([]byte, error) {
	out, err := appendDocument(dst, doc, f, 0)
	if err != nil {
		return dst, err
	}
	return out, nil
}

func finishValue(dst []byte, v bson.RawValue, f form) ([]byte, error) {
	out, err := appendValue(dst, v, f, 0)
	if err != nil {
		return dst, err
	}
	return out, nil
}

func appendDocument(dst []byte, doc []byte, f form, depth int) ([]byte, error) {
	if depth > maxWriteDepth {
		return dst, errDepth
	}
	dst = append(dst, '{')
	it := bsonval.NewIter(doc)
	for first := true; it.Next(); first = false {
		if !first {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, it.Key()), ':')
		var err error
		if dst, err = appendValue(dst, it.Value(), f, depth); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), it.Err()
}

func appendArray(dst []byte, array []byte, f form, depth int) ([]byte, error) {
	if depth > maxWriteDepth {
		return dst, errDepth
	}
	dst = append(dst, '[')
	it := bsonval.NewIter(array)
	for first := true; it.Next(); first = false {
		if !first {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendValue(dst, it.Value(), f, depth); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), it.Err()
}

// appendValue trusts nothing about v: its bytes may be too short or too long for its type.
func appendValue(dst []byte, v bson.RawValue, f form, depth int) ([]byte, error) {
	b := v.Value
	switch v.Type {
	case bson.TypeEmbeddedDocument:
		return appendDocument(dst, b, f, depth+1)
	case bson.TypeArray:
		return appendArray(dst, b, f, depth+1)
	case bson.TypeString:
		if s, ok := text(b); ok {
			return appendString(dst, s), nil
		}
	case bson.TypeObjectID:
		if len(b) == 12 {
			return appendObjectID(dst, b, f), nil
		}
	case bson.TypeInt32:
		if len(b) == 4 {
			return appendInt(dst, int64(int32(binary.LittleEndian.Uint32(b))), "$numberInt", f), nil
		}
	case bson.TypeInt64:
		if len(b) == 8 {
			return appendInt(dst, int64(binary.LittleEndian.Uint64(b)), "$numberLong", f), nil
		}
	case bson.TypeDouble:
		if len(b) == 8 {
			return appendDouble(dst, math.Float64frombits(binary.LittleEndian.Uint64(b)), f), nil
		}
	case bson.TypeDateTime:
		if len(b) == 8 {
			return appendDate(dst, int64(binary.LittleEndian.Uint64(b)), f), nil
		}
	case bson.TypeBoolean:
		if len(b) == 1 && b[0] <= 1 {
			return strconv.AppendBool(dst, b[0] == 1), nil
		}
	case bson.TypeNull:
		if len(b) == 0 {
			return append(dst, "null"...), nil
		}
	default:
		return appendRare(dst, v, f, depth)
	}
	return dst, bsonval.ErrCorrupt
}

// appendRare writes the types that few documents hold.
func appendRare(dst []byte, v bson.RawValue, f form, depth int) ([]byte, error) {
	b := v.Value
	switch v.Type {
	case bson.TypeDecimal128:
		if len(b) == 16 {
			return appendDecimalValue(dst, b, f), nil
		}
	case bson.TypeBinary:
		return appendBinary(dst, b, f)
	case bson.TypeTimestamp:
		if len(b) == 8 {
			return appendTimestamp(dst, b, f), nil
		}
	case bson.TypeRegex:
		return appendRegex(dst, b, f)
	case bson.TypeMinKey:
		return appendMark(dst, `{"$minKey":1}`, `{}`, f), nil
	case bson.TypeMaxKey:
		return appendMark(dst, `{"$maxKey":1}`, `{}`, f), nil
	case bson.TypeUndefined:
		return appendMark(dst, `{"$undefined":true}`, `null`, f), nil
	case bson.TypeSymbol:
		return appendWrappedString(dst, "$symbol", b, f)
	case bson.TypeJavaScript:
		return appendWrappedString(dst, "$code", b, f)
	case bson.TypeCodeWithScope:
		return appendCodeWithScope(dst, b, f, depth)
	case bson.TypeDBPointer:
		return appendDBPointer(dst, b, f)
	case 0:
		return dst, errMissing
	default: // not a type of BSON
	}
	return dst, bsonval.ErrCorrupt
}

// text returns the characters of a BSON string, without length and NUL.
func text(b []byte) ([]byte, bool) {
	if len(b) < 5 || int64(binary.LittleEndian.Uint32(b)) != int64(len(b)-4) || b[len(b)-1] != 0 {
		return nil, false
	}
	return b[4 : len(b)-1], true
}

func appendObjectID(dst, id []byte, f form) []byte {
	if f == plain {
		return append(appendHex(append(dst, '"'), id), '"')
	}
	return append(appendHex(append(dst, `{"$oid":"`...), id), `"}`...)
}

func appendHex(dst, b []byte) []byte {
	for _, c := range b {
		dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}

// appendMark writes a value that has a type and nothing else.
func appendMark(dst []byte, extended, lossy string, f form) []byte {
	if f == plain {
		return append(dst, lossy...)
	}
	return append(dst, extended...)
}

// open begins a wrapper whose value is a JSON string, up to the quote that opens it.
func open(dst []byte, key string) []byte {
	dst = append(append(dst, `{"`...), key...)
	return append(dst, `":"`...)
}

func appendInt(dst []byte, n int64, key string, f form) []byte {
	if f != canonical {
		return strconv.AppendInt(dst, n, 10)
	}
	return append(strconv.AppendInt(open(dst, key), n, 10), `"}`...)
}

func appendWrappedString(dst []byte, key string, b []byte, f form) ([]byte, error) {
	s, ok := text(b)
	if !ok {
		return dst, bsonval.ErrCorrupt
	}
	if f == plain {
		return appendString(dst, s), nil
	}
	dst = append(append(append(dst, `{"`...), key...), `":`...)
	return append(appendString(dst, s), '}'), nil
}

func appendBinary(dst, b []byte, f form) ([]byte, error) {
	if len(b) < 5 || int64(binary.LittleEndian.Uint32(b)) != int64(len(b)-5) {
		return dst, bsonval.ErrCorrupt
	}
	subtype, data := b[4], b[5:]
	// The old subtype repeats the length inside. Four bytes or fewer cannot hold one, and are data.
	if subtype == bson.TypeBinaryBinaryOld && len(data) > 4 {
		if int64(binary.LittleEndian.Uint32(data)) != int64(len(data)-4) {
			return dst, bsonval.ErrCorrupt
		}
		data = data[4:]
	}
	if f == plain {
		dst = strconv.AppendUint(append(dst, `{"Subtype":`...), uint64(subtype), 10)
		dst = base64.StdEncoding.AppendEncode(append(dst, `,"Data":"`...), data)
		return append(dst, `"}`...), nil
	}
	dst = base64.StdEncoding.AppendEncode(append(dst, `{"$binary":{"base64":"`...), data)
	dst = append(dst, `","subType":"`...)
	return append(dst, hexDigits[subtype>>4], hexDigits[subtype&15], '"', '}', '}'), nil
}

func appendTimestamp(dst, b []byte, f form) []byte {
	ordinal, seconds := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	if f == plain {
		dst = strconv.AppendUint(append(dst, `{"T":`...), uint64(seconds), 10)
		return append(strconv.AppendUint(append(dst, `,"I":`...), uint64(ordinal), 10), '}')
	}
	dst = strconv.AppendUint(append(dst, `{"$timestamp":{"t":`...), uint64(seconds), 10)
	return append(strconv.AppendUint(append(dst, `,"i":`...), uint64(ordinal), 10), `}}`...)
}

func appendCodeWithScope(dst, b []byte, f form, depth int) ([]byte, error) {
	// int32 total, string (int32 length, bytes, NUL), document
	if len(b) < 14 || int64(binary.LittleEndian.Uint32(b)) != int64(len(b)) {
		return dst, bsonval.ErrCorrupt
	}
	size := int64(binary.LittleEndian.Uint32(b[4:])) + 4
	if size > int64(len(b)-4) {
		return dst, bsonval.ErrCorrupt
	}
	code, ok := text(b[4 : 4+size])
	if !ok {
		return dst, bsonval.ErrCorrupt
	}
	if f == plain {
		dst = append(appendString(append(dst, `{"Code":`...), code), `,"Scope":`...)
	} else {
		dst = append(appendString(append(dst, `{"$code":`...), code), `,"$scope":`...)
	}
	dst, err := appendDocument(dst, b[4+size:], f, depth+1)
	return append(dst, '}'), err
}

// appendDBPointer differs from the driver in one point: the driver writes the namespace without escaping it, so
// that a stored value with a quote in it adds keys of its choice to the answer.
func appendDBPointer(dst, b []byte, f form) ([]byte, error) {
	if len(b) < 17 {
		return dst, bsonval.ErrCorrupt
	}
	ns, ok := text(b[:len(b)-12])
	if !ok {
		return dst, bsonval.ErrCorrupt
	}
	id := b[len(b)-12:]
	if f == plain {
		dst = append(appendString(append(dst, `{"DB":`...), ns), `,"Pointer":`...)
		return append(appendObjectID(dst, id, f), '}'), nil
	}
	dst = append(appendString(append(dst, `{"$dbPointer":{"$ref":`...), ns), `,"$id":`...)
	return append(appendObjectID(dst, id, f), `}}`...), nil
}
