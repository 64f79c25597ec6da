package store

import (
	"math"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"pgregory.net/rapid"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/proxy"
)

// values are few and alike, so that two of them are often nearly the same.
func values(depth int) *rapid.Generator[any] {
	scalars := rapid.SampledFrom([]any{
		nil, "", "a", "$a", "A", true, false, int32(0), int32(1), int64(1), 1.0, math.Copysign(0, -1), bson.DateTime(0),
		bson.Timestamp{T: 1},
		bson.Symbol("a"),
		bson.MinKey{},
		bson.MaxKey{},
		bson.Undefined{},
		bson.Regex{Pattern: "a"},
		bson.Binary{Data: []byte("a")},
		bson.NilObjectID,
	})
	if depth == 0 {
		return scalars
	}
	inner := values(depth - 1)
	return rapid.OneOf(
		scalars,
		rapid.Map(rapid.SliceOfN(inner, 0, 2), func(v []any) any { return bson.A(v) }),
		rapid.Map(fields(inner), func(d bson.D) any { return d }),
	)
}

func fields(inner *rapid.Generator[any]) *rapid.Generator[bson.D] {
	return rapid.Custom(func(t *rapid.T) bson.D {
		d := bson.D{}
		for _, name := range rapid.SampledFrom([][]string{{}, {"a"}, {"b"}, {"a", "b"}, {"b", "a"}, {"$eq"}}).Draw(t, "names") {
			d = append(d, bson.E{Key: name, Value: inner.Draw(t, name)})
		}
		return d
	})
}

// A guard holds if and only if the stored values equal the seen ones and, at top level, have the same types.
func TestGuardHoldsOnlyForWhatWasSeen(t *testing.T) {
	b := open(t)
	b.NeedReal(t, "$expr")
	held := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SampledFrom([][]string{{"a"}, {"a", "b"}, {"b", "a"}})
		document := func(label string) bson.Raw {
			d := bson.D{{Key: "_id", Value: int32(1)}}
			for _, name := range names.Draw(t, label) {
				d = append(d, bson.E{Key: name, Value: values(2).Draw(t, label+name)})
			}
			raw, err := bson.Marshal(d)
			if err != nil {
				t.Fatal(err)
			}
			return raw
		}
		stored := document("stored")
		seen := stored
		if rapid.Bool().Draw(t, "other") {
			seen = document("seen")
		}
		write := func(ws ...proxy.GuardedWrite) int {
			res, err := b.store.Write(t.Context(), b.ns, ws)
			if err != nil {
				t.Fatal(err)
			}
			return res.Done
		}
		id := bsonval.FromInt32(1)
		write(proxy.GuardedWrite{Kind: proxy.DeleteDocument, ID: id})
		write(proxy.GuardedWrite{Kind: proxy.InsertDocument, Document: stored})

		a, _ := bsonval.Lookup(stored, "a")
		seenA, _ := bsonval.Lookup(seen, "a")
		want := a.Type == seenA.Type && bsonval.Equal(a, seenA)
		held[want]++
		got := write(proxy.GuardedWrite{
			Kind: proxy.UpdateFields, ID: id, Unset: []string{"none"},
			Guard: proxy.Guard{Fields: []proxy.GuardField{{Name: "a", Value: seenA}}},
		}) == 1
		if got != want {
			t.Errorf("stored %s, a seen as %s: the guard holds = %v, want %v", stored, seenA, got, want)
		}
		want = sameDocument(stored, seen)
		held[want]++
		got = write(proxy.GuardedWrite{Kind: proxy.ReplaceDocument, ID: id, Document: stored, Guard: proxy.Guard{Document: seen}}) == 1
		if got != want {
			t.Errorf("stored %s, seen %s: the guard holds = %v, want %v", stored, seen, got, want)
		}
	})
	if held[true] == 0 || held[false] == 0 {
		t.Errorf("guards held %d times and were lost %d times: the test shows nothing", held[true], held[false])
	}
}

func sameDocument(a, b bson.Raw) bool {
	if bsonval.CompareDocuments(a, b) != 0 {
		return false
	}
	x, y := bsonval.NewIter(a), bsonval.NewIter(b)
	for x.Next() && y.Next() {
		if x.Value().Type != y.Value().Type {
			return false
		}
	}
	return true
}
