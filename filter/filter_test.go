package filter_test

import (
	"bytes"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// mustDoc reads Extended JSON.
func mustDoc(t testing.TB, text string) bson.Raw {
	t.Helper()
	var doc bson.D
	if err := bson.UnmarshalExtJSON([]byte(text), false, &doc); err != nil {
		t.Fatalf("document %s: %v", text, err)
	}
	raw, err := bson.Marshal(doc)
	if err != nil {
		t.Fatalf("document %s: %v", text, err)
	}
	return raw
}

// text writes relaxed Extended JSON, "" for nothing.
func text(t testing.TB, doc []byte) string {
	t.Helper()
	if len(doc) == 0 {
		return ""
	}
	var decoded bson.D
	if err := bson.Unmarshal(doc, &decoded); err != nil {
		t.Fatalf("output % x: %v", doc, err)
	}
	if !bytes.Equal(doc, mustMarshal(t, decoded)) {
		t.Fatalf("output % x: arrays are not numbered as they should be", doc)
	}
	out, err := bson.MarshalExtJSON(decoded, false, false)
	if err != nil {
		t.Fatalf("output %v: %v", decoded, err)
	}
	return string(out)
}

// one is a document of one field.
func one(key string, v bson.RawValue) bson.Raw {
	doc, start := bsonval.BeginDocument(nil)
	return bsonval.EndDocument(bsonval.AppendElement(doc, key, v), start)
}

// nested wraps leaf in 300 documents or arrays, more than any server stores.
func nested(kind bson.Type, leaf bson.RawValue) bson.Raw {
	for range 300 {
		leaf = bson.RawValue{Type: kind, Value: one("0", leaf)}
	}
	return one("a", leaf)
}

// corrupt is a document with a field of a type that does not exist.
func corrupt() bson.Raw {
	return one("a", bson.RawValue{Type: 0x7e, Value: []byte{1, 0, 0, 0}})
}
