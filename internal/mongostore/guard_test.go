package mongostore

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/proxy"
)

// mongoDB8 and embedded are what the two kinds of servers answer to the probe.
var (
	mongoDB8 = capabilities{expr: true, collation: true, bulkWrite: true, maxDocument: 16 << 20, maxStatements: 100_000}
	mongoDB7 = capabilities{expr: true, collation: true, maxDocument: 16 << 20, maxStatements: 100_000}
	embedded = capabilities{maxDocument: 16 << 20, maxStatements: 100_000}
)

func mustDoc(t *testing.T, ejson string) bson.Raw {
	t.Helper()
	var doc bson.Raw
	if err := bson.UnmarshalExtJSON([]byte(ejson), true, &doc); err != nil {
		t.Fatalf("%s: %v", ejson, err)
	}
	return doc
}

// mustValue is the value of the field v.
func mustValue(t *testing.T, ejson string) bson.RawValue {
	t.Helper()
	v, ok := bsonval.Lookup(mustDoc(t, `{"v": `+ejson+`}`), "v")
	if !ok {
		t.Fatalf("no value in %s", ejson)
	}
	return v
}

func ejson(t *testing.T, v any) string {
	t.Helper()
	out, err := bson.MarshalExtJSON(v, false, false)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestGuardFilter(t *testing.T) {
	id := bsonval.FromString("a")
	const pinnedID = `"_id":{"$eq":"a","$type":"string"}`
	tests := map[string]struct {
		guard                proxy.Guard
		exact, approximation string
	}{
		"only the document": {
			exact:         `{` + pinnedID + `}`,
			approximation: `{` + pinnedID + `}`,
		},
		"a string is no array that holds it": {
			guard: proxy.Guard{Fields: []proxy.GuardField{{Name: "owner", Value: bsonval.FromString("ua")}}},
			exact: `{` + pinnedID + `,"$expr":{"$and":[{"$eq":["$owner",{"$literal":"ua"}]},` +
				`{"$eq":[{"$type":"$owner"},"string"]}]}}`,
			approximation: `{` + pinnedID + `,"owner":{"$eq":"ua","$type":"string","$not":{"$type":"array"}}}`,
		},
		"absence": {
			guard:         proxy.Guard{Fields: []proxy.GuardField{{Name: "owner"}}},
			exact:         `{` + pinnedID + `,"$expr":{"$and":[{"$eq":[{"$type":"$owner"},"missing"]}]}}`,
			approximation: `{` + pinnedID + `,"owner":{"$exists":false}}`,
		},
		"null is not absence": {
			guard: proxy.Guard{Fields: []proxy.GuardField{{Name: "owner", Value: mustValue(t, `null`)}}},
			exact: `{` + pinnedID + `,"$expr":{"$and":[{"$eq":["$owner",{"$literal":null}]},` +
				`{"$eq":[{"$type":"$owner"},"null"]}]}}`,
			approximation: `{` + pinnedID + `,"owner":{"$eq":null,"$type":"null","$not":{"$type":"array"}}}`,
		},
		"a stored path or operator is a literal": {
			guard: proxy.Guard{Fields: []proxy.GuardField{
				{Name: "a", Value: bsonval.FromString("$b")},
				{Name: "c", Value: mustValue(t, `{"$gt": [1, 2]}`)},
			}},
			exact: `{` + pinnedID + `,"$expr":{"$and":[{"$eq":["$a",{"$literal":"$b"}]},{"$eq":[{"$type":"$a"},"string"]},` +
				`{"$eq":["$c",{"$literal":{"$gt":[1,2]}}]},{"$eq":[{"$type":"$c"},"object"]}]}}`,
			approximation: `{` + pinnedID + `,"a":{"$eq":"$b","$type":"string","$not":{"$type":"array"}},` +
				`"c":{"$eq":{"$gt":[1,2]},"$type":"object","$not":{"$type":"array"}}}`,
		},
		"an array, whole": {
			guard: proxy.Guard{Fields: []proxy.GuardField{{Name: "tags", Value: mustValue(t, `[1, 2]`)}}},
			exact: `{` + pinnedID + `,"$expr":{"$and":[{"$eq":["$tags",{"$literal":[1,2]}]},` +
				`{"$eq":[{"$type":"$tags"},"array"]}]}}`,
			approximation: `{` + pinnedID + `,"tags":{"$eq":[1,2],"$size":2}}`,
		},
		"the whole document, numbers and strings with their types": {
			guard: proxy.Guard{Document: mustDoc(t, `{"_id": "a", "n": 1, "s": "x", "b": true}`)},
			exact: `{` + pinnedID + `,"$expr":{"$and":[{"$eq":["$$ROOT",{"$literal":{"_id":"a","n":1,"s":"x","b":true}}]},` +
				`{"$eq":[{"$type":"$_id"},"string"]},{"$eq":[{"$type":"$n"},"int"]},{"$eq":[{"$type":"$s"},"string"]}]}}`,
			approximation: `{` + pinnedID + `,"n":{"$eq":1,"$type":"int","$not":{"$type":"array"}},` +
				`"s":{"$eq":"x","$type":"string","$not":{"$type":"array"}},` +
				`"b":{"$eq":true,"$type":"bool","$not":{"$type":"array"}}}`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for caps, want := range map[capabilities]string{mongoDB7: tt.exact, embedded: tt.approximation} {
				got, err := guardFilter(proxy.GuardedWrite{ID: id, Guard: tt.guard}, caps)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, ejson(t, got)); diff != "" {
					t.Errorf("guardFilter with expr=%v (-want +got):\n%s", caps.expr, diff)
				}
			}
		})
	}
}

func TestGuardFilterRefuses(t *testing.T) {
	value := bsonval.FromInt32(1)
	tests := map[string]proxy.GuardedWrite{
		"no _id":         {},
		"dotted name":    {ID: value, Guard: proxy.Guard{Fields: []proxy.GuardField{{Name: "a.b", Value: value}}}},
		"operator name":  {ID: value, Guard: proxy.Guard{Fields: []proxy.GuardField{{Name: "$a", Value: value}}}},
		"variable name":  {ID: value, Guard: proxy.Guard{Fields: []proxy.GuardField{{Name: "$ROOT", Value: value}}}},
		"empty name":     {ID: value, Guard: proxy.Guard{Fields: []proxy.GuardField{{Value: value}}}},
		"name with NUL":  {ID: value, Guard: proxy.Guard{Fields: []proxy.GuardField{{Name: "a\x00b", Value: value}}}},
		"absence of a.b": {ID: value, Guard: proxy.Guard{Fields: []proxy.GuardField{{Name: "a.b"}}}},
	}
	for name, w := range tests {
		for _, caps := range []capabilities{mongoDB7, embedded} {
			if got, err := guardFilter(w, caps); !errors.Is(err, proxy.ErrRejected) {
				t.Errorf("%s: guardFilter with expr=%v = %v, %v, want ErrRejected", name, caps.expr, got, err)
			}
		}
	}
}
