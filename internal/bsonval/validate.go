package bsonval

import (
	"errors"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// ErrTooDeep is reported by Validate for a document nested deeper than allowed.
var ErrTooDeep = errors.New("document nested too deeply")

// Validate walks a whole document: every length, every string's UTF-8, every boolean, at most maxDepth levels of nesting
// (a document without nested ones has depth 1).
func Validate(doc []byte, maxDepth int) error {
	if maxDepth < 1 {
		return ErrTooDeep
	}
	it := NewIter(doc)
	for it.Next() {
		if !utf8.Valid(it.Key()) {
			return ErrCorrupt
		}
		if err := validateValue(it.Value(), maxDepth); err != nil {
			return err
		}
	}
	return it.Err()
}

// validateValue is called with a value whose outer size is known to be right.
func validateValue(v bson.RawValue, maxDepth int) error {
	ok := true
	switch v.Type {
	case bson.TypeEmbeddedDocument, bson.TypeArray:
		return Validate(v.Value, maxDepth-1)
	case bson.TypeString, bson.TypeSymbol, bson.TypeJavaScript:
		ok = utf8.Valid(v.Value[4 : len(v.Value)-1])
	case bson.TypeRegex:
		ok = utf8.Valid(v.Value)
	case bson.TypeDBPointer:
		ok = utf8.Valid(v.Value[4 : len(v.Value)-13])
	case bson.TypeBoolean:
		ok = v.Value[0] <= 1
	case bson.TypeBinary:
		// The obsolete subtype 2 repeats its length inside.
		if v.Value[4] == 2 {
			ok = length(v.Value[5:]) == len(v.Value)-9
		}
	case bson.TypeCodeWithScope:
		code := 4 + stringSize(v.Value[4:])
		if !utf8.Valid(v.Value[8 : code-1]) {
			return ErrCorrupt
		}
		return Validate(v.Value[code:], maxDepth-1)
	}
	if !ok {
		return ErrCorrupt
	}
	return nil
}
