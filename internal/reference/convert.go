package reference

import (
	"encoding/hex"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

func isConversion(v bson.RawValue) bool {
	list := elements(document(v))
	if len(list) != 1 {
		return false
	}
	name, _ := operator(list[0].name)
	return conversions[name] != nil
}

// conversions change the form of an id. The zero value says that it cannot be done.
var conversions = map[string]func(v bson.RawValue) bson.RawValue{
	"stringToOid": func(v bson.RawValue) bson.RawValue {
		text, _ := bsonval.String(v)
		raw := []byte(text)
		if len(text) != 12 {
			decoded, err := hex.DecodeString(text)
			if err != nil || len(decoded) != 12 {
				return bson.RawValue{}
			}
			raw = decoded
		}
		return bsonval.FromObjectID(bson.ObjectID(raw))
	},
	"oidToString": func(v bson.RawValue) bson.RawValue {
		id, ok := bsonval.ObjectID(v)
		if !ok {
			return bson.RawValue{}
		}
		return bsonval.FromString(id.Hex())
	},
	"stringToUuid": func(v bson.RawValue) bson.RawValue {
		text, _ := bsonval.String(v)
		digits := strings.ReplaceAll(text, "-", "")
		raw, err := hex.DecodeString(digits)
		if err != nil || len(raw) != 16 || text != dashed(digits) {
			return bson.RawValue{}
		}
		_, data, err := bson.MarshalValue(bson.Binary{Subtype: bson.TypeBinaryUUID, Data: raw})
		if err != nil {
			return bson.RawValue{}
		}
		return bson.RawValue{Type: bson.TypeBinary, Value: data}
	},
	"uuidToString": func(v bson.RawValue) bson.RawValue {
		subtype, data, ok := bsonval.Binary(v)
		if !ok || subtype != bson.TypeBinaryUUID || len(data) != 16 {
			return bson.RawValue{}
		}
		return bsonval.FromString(dashed(hex.EncodeToString(data)))
	},
}

func dashed(digits string) string {
	return strings.Join([]string{digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]}, "-")
}

// converted converts an operand. What the document does not have stays missing; a stored value of another kind is a
// failure; what is known of the user and does not convert is as good as missing.
func converted(name string, o operand) operand {
	if o.origin == fromDocument && bsonval.IsMissing(o.value) || o.failed {
		return o
	}
	o.value = conversions[name](o.value)
	if bsonval.IsMissing(o.value) {
		o.failed = o.origin == fromDocument
		if o.origin == fromRule {
			o.origin = fromFacts
		}
	}
	return o
}
