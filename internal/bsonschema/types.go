package bsonschema

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// Members that the encoder adds beside the tag of a value, when the schema asks for them.
const (
	memberDigest = "="      // equal for equal values: enum, const
	memberUnique = "unique" // of an array: whether its elements differ: uniqueItems
	memberNames  = "names"  // of an object: its names as values: propertyNames
)

var (
	numberTags = []string{"int", "long", "double", "decimal"}
	stringTags = []string{"string"}
	objectTags = []string{"object"}
	arrayTags  = []string{"array"}
)

// nullTag is the tag of null.
const nullTag = "null"

// anyType is the bsonType that excludes nothing.
const anyType = "mixed"

// bsonTypes maps each name of bsonType to tags. The aliases are spellings of real exports.
var bsonTypes = map[string][]string{
	"double": {"double"}, "string": stringTags, "object": objectTags, "array": arrayTags, "objectId": {"objectId"},
	"date": {"date"}, "bool": {"bool"}, "null": {"null"}, "regex": {"regex"}, "int": {"int"}, "timestamp": {"timestamp"},
	"long": {"long"}, "decimal": {"decimal"}, "uuid": {"uuid"}, "binData": {"binData", "uuid"}, "number": numberTags,
	"minKey": {"minKey"}, "maxKey": {"maxKey"}, "javascript": {"javascript"}, "javascriptWithScope": {"javascriptWithScope"},
	"symbol": {"symbol"}, "dbPointer": {"dbPointer"}, "undefined": {"undefined"}, anyType: nil,
}

// aliases are names that App Services took for another.
var aliases = map[string]string{"float": "double", "boolean": "bool"}

// jsonTypes maps each name of type to tags.
var jsonTypes = map[string][]string{
	"object": objectTags, "array": arrayTags, "number": numberTags, "boolean": {"bool"}, "string": stringTags, "null": {"null"},
}

// tagOf is the tag of a value; "" is a type that does not exist.
func tagOf(v bson.RawValue) string {
	if subtype, _, ok := bsonval.Binary(v); ok && (subtype == bson.TypeBinaryUUID || subtype == bson.TypeBinaryUUIDOld) {
		return "uuid"
	}
	return bsonval.TypeName(v.Type)
}
