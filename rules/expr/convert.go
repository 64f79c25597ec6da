package expr

import (
	"encoding/hex"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// converter turns a value into one of another type. It reports false when the value has the wrong type or form.
type converter func(bson.RawValue) (bson.RawValue, bool)

// conversions are the operators that stand where a value may stand.
var conversions = map[string]converter{
	"stringToOid":  stringToOID,
	"oidToString":  oidToString,
	"stringToUuid": stringToUUID,
	"uuidToString": uuidToString,
}

const uuidSubtype = 4

// Forms are a value and all that conversions make of it.
func Forms(v bson.RawValue) []bson.RawValue {
	out := []bson.RawValue{v}
	for _, convert := range conversions {
		if converted, ok := convert(v); ok {
			out = append(out, converted)
		}
	}
	return out
}

// stringToOID reads 24 hexadecimal digits, or takes 12 bytes as they are.
func stringToOID(v bson.RawValue) (bson.RawValue, bool) {
	s, ok := bsonval.String(v)
	if !ok {
		return bson.RawValue{}, false
	}
	id := []byte(s)
	if len(s) != 12 {
		var err error
		if id, err = hex.DecodeString(s); err != nil || len(id) != 12 {
			return bson.RawValue{}, false
		}
	}
	return bson.RawValue{Type: bson.TypeObjectID, Value: id}, true
}

func oidToString(v bson.RawValue) (bson.RawValue, bool) {
	if v.Type != bson.TypeObjectID || len(v.Value) != 12 {
		return bson.RawValue{}, false
	}
	return bsonval.FromString(hex.EncodeToString(v.Value)), true
}

// stringToUUID reads the 36-character form 8-4-4-4-12.
func stringToUUID(v bson.RawValue) (bson.RawValue, bool) {
	s, ok := bsonval.String(v)
	if !ok || len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return bson.RawValue{}, false
	}
	id, err := hex.DecodeString(s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:])
	if err != nil || len(id) != 16 {
		return bson.RawValue{}, false
	}
	return bson.RawValue{Type: bson.TypeBinary, Value: append([]byte{16, 0, 0, 0, uuidSubtype}, id...)}, true
}

func uuidToString(v bson.RawValue) (bson.RawValue, bool) {
	if v.Type != bson.TypeBinary || len(v.Value) != 21 || v.Value[4] != uuidSubtype {
		return bson.RawValue{}, false
	}
	h := hex.EncodeToString(v.Value[5:])
	return bsonval.FromString(h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]), true
}

// regex builds a pattern value.
func regex(pattern, options string) bson.RawValue {
	v := append([]byte(pattern), 0)
	v = append(append(v, options...), 0)
	return bson.RawValue{Type: bson.TypeRegex, Value: v}
}
