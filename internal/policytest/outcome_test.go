package policytest_test

import (
	"net/http"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/policytest"
)

func mustRaw(t *testing.T, doc any) bson.Raw {
	t.Helper()
	raw, err := bson.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestOutcomeMatches(t *testing.T) {
	id := bson.NewObjectID()
	doc := mustRaw(t, bson.D{{Key: "_id", Value: id}, {Key: "n", Value: int32(1)}, {Key: "d", Value: bson.NewDateTimeFromTime(id.Timestamp())}})
	big := mustRaw(t, bson.D{{Key: "n", Value: int64(1)}})
	value := bson.RawValue{Type: bson.TypeObjectID, Value: id[:]}
	header := http.Header{"Content-Type": {"application/json"}}
	docs := policytest.Documents
	tests := []struct {
		name string
		got  policytest.Outcome
		want string
		ok   bool
	}{
		{"no documents", docs(nil), "", true},
		{"documents", docs([]bson.Raw{doc}), `{"_id": "(generated)", "n": 1, "d": "(now)"}`, true},
		{"anything", docs([]bson.Raw{doc}), `{"_id": "(any)", "n": "(any)", "d": "(any)"}`, true},
		{"other order of fields", docs([]bson.Raw{doc}), `{"n": 1, "_id": "(generated)", "d": "(now)"}`, false},
		{"a field less", docs([]bson.Raw{doc}), `{"_id": "(generated)", "n": 1}`, false},
		{"other value", docs([]bson.Raw{doc}), `{"_id": "(generated)", "n": 2, "d": "(now)"}`, false},
		{"other type of number", docs([]bson.Raw{big}), `{"n": 1}`, false},
		{"the type of a number", docs([]bson.Raw{big}), `{"n": {"$numberLong": "1"}}`, true},
		{"a document less", docs([]bson.Raw{big, big}), `{"n": {"$numberLong": "1"}}`, false},
		{"counted", docs([]bson.Raw{big, big}), "documents 2", true},
		{"counted wrongly", docs([]bson.Raw{big, big}), "documents 3", false},
		{"null", policytest.Document(nil), "null", true},
		{"null is not nothing", policytest.Document(nil), "", false},
		{"update", policytest.Updated(1, 0, bson.RawValue{}), "matched 1 modified 0", true},
		{"upsert", policytest.Updated(0, 0, value), "matched 0 modified 0 upserted (generated)", true},
		{"upsert that should not", policytest.Updated(0, 0, value), "matched 0 modified 0", false},
		{"insert", policytest.Inserted(value, value), "inserted (generated) (generated)", true},
		{"error", policytest.Failed(403, "NoMatchingRuleFound", "insert not permitted"), "error 403 NoMatchingRuleFound: insert not permitted", true},
		{"error without text", policytest.Failed(403, "NoMatchingRuleFound", "x"), "error 403 NoMatchingRuleFound", true},
		{"error without code", policytest.Failed(403, "NoMatchingRuleFound", "x"), "error 403", true},
		{"half a status", policytest.Failed(403, "NoMatchingRuleFound", "x"), "error 40", false},
		{"half a code", policytest.Failed(403, "NoMatchingRuleFound", "x"), "error 403 NoMatching", false},
		{"half a text", policytest.Failed(403, "NoMatchingRuleFound", "insert not permitted"), "error 403 NoMatchingRuleFound: insert", false},
		{"error for an answer", policytest.Failed(500, "InternalServerError", "x"), "matched 1 modified 1", false},
		{"response", policytest.Response(200, header, `{"insertedId":"`+id.Hex()+`"}`), "status 200\nContent-Type: application/json\nAllow: (absent)\n\n{\"insertedId\":\"(generated)\"}", true},
		{"response header", policytest.Response(200, header, ""), "status 200\nContent-Type: text/plain", false},
		{"body not wanted", policytest.Response(200, header, "x"), "status 200", false},
		{"any body", policytest.Response(200, header, "x"), "status 200\n\n(any)", true},
		{"any body, none", policytest.Response(204, header, ""), "status 204\n\n(any)", true},
		{"other status", policytest.Response(204, header, ""), "status 200", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var want []string
			if tt.want != "" {
				want = strings.Split(tt.want, "\n")
			}
			if ok := tt.got.Matches(want); ok != tt.ok {
				t.Errorf("%q matches %q = %t", tt.got.Lines(want), want, ok)
			}
			if !tt.got.Matches(tt.got.Lines(want)) {
				t.Errorf("%q does not match itself", tt.got.Lines(want))
			}
		})
	}
}

func TestStoredMatches(t *testing.T) {
	a, b := mustRaw(t, bson.D{{Key: "a", Value: int32(1)}}), mustRaw(t, bson.D{{Key: "a", Value: 1.5}})
	tests := []struct {
		name string
		want []string
		got  []bson.Raw
		ok   bool
	}{
		{"any order", []string{`{"a": 1.5}`, `{"a": 1}`}, []bson.Raw{a, b}, true},
		{"nothing", nil, nil, true},
		{"each once", []string{`{"a": 1}`, `{"a": 1}`}, []bson.Raw{a, b}, false},
		{"one too many", []string{`{"a": 1}`}, []bson.Raw{a, b}, false},
		{"counted", []string{"documents 2"}, []bson.Raw{a, b}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if ok := policytest.StoredMatches(tt.want, tt.got); ok != tt.ok {
				t.Errorf("StoredMatches(%q, %v) = %t", tt.want, tt.got, ok)
			}
		})
	}
}
