package bsonval_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// The names and numbers are those of MongoDB's manual, BSON Types.
func TestTypeName(t *testing.T) {
	t.Parallel()
	for number, want := range map[byte]string{
		0: "missing", 1: "double", 2: "string", 3: "object", 4: "array", 5: "binData", 6: "undefined", 7: "objectId",
		8: "bool", 9: "date", 10: "null", 11: "regex", 12: "dbPointer", 13: "javascript", 14: "symbol",
		15: "javascriptWithScope", 16: "int", 17: "timestamp", 18: "long", 19: "decimal", 0xFF: "minKey", 127: "maxKey", 99: "",
	} {
		if got := bsonval.TypeName(bson.Type(number)); got != want {
			t.Errorf("TypeName(%d) = %q, want %q", number, got, want)
		}
	}
}

func TestTypeNamesAreDistinct(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for number := range 256 {
		name := bsonval.TypeName(bson.Type(number))
		if name != "" && names[name] {
			t.Errorf("two types are called %q", name)
		}
		names[name] = true
	}
	if len(names) != 23 { // MongoDB's 21 types, missing, and what does not exist
		t.Errorf("%d names, want 23", len(names))
	}
}
