package filter_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
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
	out, err := bson.MarshalExtJSON(bson.Raw(doc), false, false)
	if err != nil {
		t.Fatalf("output % x: %v", doc, err)
	}
	return string(out)
}
