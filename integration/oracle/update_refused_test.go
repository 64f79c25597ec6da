package oracle_test

import (
	"fmt"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/integration/oracle"
)

// set is an update with $set.
func set(name string, v any) bson.D {
	return bson.D{{Key: "$set", Value: bson.D{{Key: name, Value: v}}}}
}

// deep is a value of n levels.
func deep(n int) any {
	var v any = int32(1)
	for range n {
		v = bson.D{{Key: "a", Value: v}}
	}
	return v
}

// refused are updates that only we refuse. The comment of the package update lists them, in this order.
func refused(t *testing.T) []struct {
	name   string
	code   int
	update bson.D
} {
	t.Helper()
	many := bson.D{}
	for i := range 10_001 {
		many = append(many, bson.E{Key: fmt.Sprint("f", i), Value: int32(1)})
	}
	one := bson.D{{Key: "x", Value: int32(1)}}
	return []struct {
		name   string
		code   int
		update bson.D
	}{
		{"empty name", 56, set("v", bson.D{{Key: "", Value: 1}})},
		{"name with a dot", 57, set("v", bson.D{{Key: "a.b", Value: 1}})},
		{"name with a dollar", 52, set("v", bson.D{{Key: "$a", Value: 1}})},
		{"name with a dollar in a path", 52, set("v.$a", 1)},
		{"name that occurs twice", 2, set("v", bson.D{{Key: "a", Value: 1}, {Key: "a", Value: 1}})},
		{"long name", 2, set("v", bson.D{{Key: strings.Repeat("a", 1025), Value: 1}})},
		{"long name in a path", 2, set(strings.Repeat("a", 1025), 1)},
		{"index with leading zeros", 28, set("list.01", 1)},
		{"leading zeros of nothing", 28, bson.D{{Key: "$unset", Value: bson.D{{Key: "list.07", Value: 1}}}}},
		{"many segments", 2, set(strings.Repeat("a.", 50)+"a", 1)},
		{"deep value", 15, set("v", deep(100))},
		{"deep value in a list", 15, bson.D{{Key: "$push", Value: bson.D{{Key: "list", Value: deep(99)}}}}},
		{"deep target", 15, bson.D{{Key: "$rename", Value: bson.D{{Key: "deep", Value: "x.y"}}}}},
		{"condition with bits", 2, bson.D{{Key: "$pull", Value: bson.D{{Key: "list", Value: bson.D{{Key: "$bitsAllSet", Value: 1}}}}}}},
		{"operator twice", 9, append(set("x", 1), set("y", 1)...)},
		{"no operator", 9, bson.D{}},
		{"padding of two arrays", 34, bson.D{{Key: "$set", Value: bson.D{{Key: "list.800000", Value: 1}, {Key: "other.800000", Value: 1}}}}},
		{"many paths", 2, bson.D{{Key: "$set", Value: many}}},
		{"deep path through what there is", 15, set("deep."+strings.TrimSuffix(strings.Repeat("a.", 49), "."), deep(52))},
		{"a plain document", 9, one},
	}
}

// TestRefusalsOfOurOwn holds the list of what only we refuse.
func TestRefusalsOfOurOwn(t *testing.T) {
	e := oracle.Open(t)
	list := refused(t)
	docs := make([]bson.D, len(list))
	cases := make([]oracle.UpdateCase, len(list))
	for i, c := range list {
		docs[i] = bson.D{{Key: "list", Value: bson.A{int32(1), int32(2)}}, {Key: "other", Value: bson.A{}}, {Key: "deep", Value: deep(99)}}
		cases[i] = oracle.UpdateCase{Filter: bson.D{}, Update: c.update}
	}
	coll, stored := e.Fill(t, "refused", docs)
	for i, want := range theirs(t, coll, stored, cases) {
		got := ours(t, stored[i], cases[i])
		if got.err == nil || got.code != list[i].code {
			t.Errorf("%s: %.100s, want code %d", list[i].name, show(got), list[i].code)
		}
		if want.err != nil {
			t.Errorf("%s: the server refuses it too: %.200v", list[i].name, show(want))
		}
	}
}
