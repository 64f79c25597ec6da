package query

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

var typeAliases = map[string]bson.Type{
	"double": bson.TypeDouble, "string": bson.TypeString, "object": bson.TypeEmbeddedDocument, "array": bson.TypeArray,
	"binData": bson.TypeBinary, "undefined": bson.TypeUndefined, "objectId": bson.TypeObjectID, "bool": bson.TypeBoolean,
	"date": bson.TypeDateTime, "null": bson.TypeNull, "regex": bson.TypeRegex, "dbPointer": bson.TypeDBPointer,
	"javascript": bson.TypeJavaScript, "symbol": bson.TypeSymbol, "javascriptWithScope": bson.TypeCodeWithScope,
	"int": bson.TypeInt32, "timestamp": bson.TypeTimestamp, "long": bson.TypeInt64, "decimal": bson.TypeDecimal128,
	"minKey": bson.TypeMinKey, "maxKey": bson.TypeMaxKey,
}

// typeBit returns the bit of a type in a set of types; a missing value and an unknown type have none.
func typeBit(t bson.Type) int64 {
	switch {
	case t == bson.TypeMinKey:
		return 1 << 32
	case t == bson.TypeMaxKey:
		return 1 << 33
	case t >= bson.TypeDouble && t <= bson.TypeDecimal128:
		return 1 << t
	}
	return 0
}

var numberTypes = typeBit(bson.TypeDouble) | typeBit(bson.TypeInt32) | typeBit(bson.TypeInt64) | typeBit(bson.TypeDecimal128)

// typeSet reads the operand of $type: a name, a number, or an array of them.
func typeSet(v bson.RawValue) (int64, error) {
	arr, ok := bsonval.Array(v)
	if !ok {
		return oneType(v)
	}
	set := int64(0)
	it := bsonval.NewIter(arr)
	for it.Next() {
		bit, err := oneType(it.Value())
		if err != nil {
			return 0, err
		}
		set |= bit
	}
	if set == 0 {
		return 0, refuse("$type", "must name at least one type")
	}
	return set, nil
}

func oneType(v bson.RawValue) (int64, error) {
	if name, ok := bsonval.StringBytes(v); ok {
		if string(name) == "number" {
			return numberTypes, nil
		}
		if t, ok := typeAliases[string(name)]; ok {
			return typeBit(t), nil
		}
		return 0, refuse("$type", "unknown type name")
	}
	if !bsonval.IsNumber(v) {
		return 0, refuse("$type", "must be a type's name or number")
	}
	code, ok := bsonval.Int64(v)
	switch {
	case ok && code == -1:
		return typeBit(bson.TypeMinKey), nil
	case ok && code > 0 && code <= 127 && typeBit(bson.Type(code)) != 0:
		return typeBit(bson.Type(code)), nil
	}
	return 0, refuse("$type", "unknown type number")
}
