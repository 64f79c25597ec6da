package oracle_test

import (
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/integration/oracle"
)

// TestLargeDocuments compares updates after which a document is as large as may be, or one byte larger.
func TestLargeDocuments(t *testing.T) {
	const limit = 16 << 20
	e := oracle.Open(t)
	for _, over := range []int{0, 1} {
		text := func(n int) string { return strings.Repeat("x", n) }
		doc := bson.D{{Key: "a", Value: text(limit - 1000)}, {Key: "b", Value: bson.A{}}}
		_, stored := e.Fill(t, "large", []bson.D{doc})
		left := limit + over - len(stored[0])
		for _, update := range []bson.D{
			set("c", text(left-len("_c__n___"))), // type, name, NUL, length, NUL
			{{Key: "$push", Value: bson.D{{Key: "b", Value: text(left - len("_0__n___"))}}}},
		} {
			coll, stored := e.Fill(t, "large", []bson.D{doc})
			u := oracle.UpdateCase{Filter: bson.D{}, Update: update}
			want, got := theirs(t, coll, stored, []oracle.UpdateCase{u})[0], ours(t, stored[0], u)
			if got.err == nil && len(got.doc) != limit {
				t.Fatalf("the document has %d bytes", len(got.doc))
			}
			if verdict, agree := judge(got, want, stored[0]); !agree || (got.err != nil) != (over > 0) {
				t.Errorf("%d bytes over the limit: %s: %.100v, the server %.100v", over, verdict, got.err, want.err)
			}
		}
	}
}
