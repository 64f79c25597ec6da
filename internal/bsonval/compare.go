package bsonval

import (
	"bytes"
	"cmp"
	"encoding/binary"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// The canonical order of types, as in MongoDB. The distances mean nothing, only the order does.
const (
	classMinKey = iota + 1
	classUndefined
	classNull
	classNumber
	classString
	classDocument
	classArray
	classBinary
	classObjectID
	classBoolean
	classDate
	classTimestamp
	classRegex
	classDBPointer
	classCode
	classCodeWithScope
	classMaxKey
)

// Class returns the canonical class of a type: values of different classes are ordered by it alone, and most query
// operators compare only within one class. A missing value has the class of undefined. Unknown types sort last.
func Class(t bson.Type) int {
	switch t {
	case bson.TypeMinKey:
		return classMinKey
	case 0, bson.TypeUndefined:
		return classUndefined
	case bson.TypeNull:
		return classNull
	case bson.TypeDouble, bson.TypeInt32, bson.TypeInt64, bson.TypeDecimal128:
		return classNumber
	case bson.TypeString, bson.TypeSymbol:
		return classString
	case bson.TypeEmbeddedDocument:
		return classDocument
	case bson.TypeArray:
		return classArray
	case bson.TypeBinary:
		return classBinary
	case bson.TypeObjectID:
		return classObjectID
	case bson.TypeBoolean:
		return classBoolean
	case bson.TypeDateTime:
		return classDate
	case bson.TypeTimestamp:
		return classTimestamp
	case bson.TypeRegex:
		return classRegex
	case bson.TypeDBPointer:
		return classDBPointer
	case bson.TypeJavaScript:
		return classCode
	case bson.TypeCodeWithScope:
		return classCodeWithScope
	case bson.TypeMaxKey:
		return classMaxKey
	}
	return classMaxKey + 1
}

// maxCompareDepth bounds the recursion over nested documents, far above what a server stores. Deeper values are told
// apart by their bytes.
const maxCompareDepth = 500

// Compare orders two values as a MongoDB sort does: by class, then by value. Numbers of all types compare exactly, NaN
// is the lowest number and equal to itself, -0 equals 0. Missing equals undefined and is below null.
func Compare(a, b bson.RawValue) int { return compareValues(a, b, 0) }

// CompareDocuments orders two documents element by element: type class, then name, then value.
func CompareDocuments(a, b bson.Raw) int { return compareDocuments(a, b, 0) }

// Equal reports whether Compare finds no difference: numbers are equal across types, the order of fields matters.
func Equal(a, b bson.RawValue) bool {
	// The common cases cost one comparison of bytes. NaN equals itself here too.
	if a.Type == b.Type {
		switch a.Type {
		case bson.TypeString, bson.TypeObjectID, bson.TypeInt32, bson.TypeInt64, bson.TypeDateTime:
			return bytes.Equal(a.Value, b.Value)
		}
	}
	return compareValues(a, b, 0) == 0
}

func compareValues(a, b bson.RawValue, depth int) int {
	class := Class(a.Type)
	if c := cmp.Compare(class, Class(b.Type)); c != 0 {
		return c
	}
	if valueSize(a.Type, a.Value) != len(a.Value) || valueSize(b.Type, b.Value) != len(b.Value) {
		// One of them is corrupt (or missing, which has no bytes): any fixed order will do.
		return bytes.Compare(a.Value, b.Value)
	}
	switch class {
	case classNumber:
		return compareNumbers(a, b)
	case classString, classCode:
		return bytes.Compare(a.Value[4:], b.Value[4:]) // the closing NULs cannot change the order
	case classDocument, classArray:
		return compareDocuments(a.Value, b.Value, depth+1)
	case classBinary:
		// Length first, then the subtype, then the data; the subtype stands before the data already.
		return cmp.Or(cmp.Compare(len(a.Value), len(b.Value)), bytes.Compare(a.Value[4:], b.Value[4:]))
	case classDate:
		return cmp.Compare(int64bits(a.Value), int64bits(b.Value))
	case classTimestamp:
		return cmp.Compare(binary.LittleEndian.Uint64(a.Value), binary.LittleEndian.Uint64(b.Value))
	case classBoolean:
		return cmp.Compare(a.Value[0], b.Value[0])
	case classDBPointer:
		return cmp.Or(cmp.Compare(len(a.Value), len(b.Value)), bytes.Compare(a.Value, b.Value))
	case classCodeWithScope:
		return compareCodeWithScope(a.Value, b.Value, depth)
	}
	// ObjectId and regular expression (two NUL-terminated strings) compare by their bytes; null, undefined, MinKey and
	// MaxKey have none.
	return bytes.Compare(a.Value, b.Value)
}

func compareDocuments(a, b []byte, depth int) int {
	if depth > maxCompareDepth {
		return bytes.Compare(a, b)
	}
	left, right := NewIter(a), NewIter(b)
	for {
		l, r := left.Next(), right.Next()
		switch {
		case !l && !r:
			return 0
		case !l:
			return -1
		case !r:
			return 1
		}
		lv, rv := left.Value(), right.Value()
		if c := cmp.Compare(Class(lv.Type), Class(rv.Type)); c != 0 {
			return c
		}
		if c := bytes.Compare(left.Key(), right.Key()); c != 0 {
			return c
		}
		if c := compareValues(lv, rv, depth); c != 0 {
			return c
		}
	}
}

// compareCodeWithScope is called with values whose size has been checked.
func compareCodeWithScope(a, b []byte, depth int) int {
	aCode, bCode := 4+stringSize(a[4:]), 4+stringSize(b[4:])
	if c := bytes.Compare(a[8:aCode], b[8:bCode]); c != 0 {
		return c
	}
	return compareDocuments(a[aCode:], b[bCode:], depth+1)
}
