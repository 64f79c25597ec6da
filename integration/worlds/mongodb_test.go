package worlds_test

import (
	"bytes"
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/rolegate/rolegate/integration/testdb"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/reference"
)

const modelRounds = 15

// TestTheModelAnswersAsMongoDB holds what the model does with a list of documents to what MongoDB does with a collection:
// projections, distinct, and the order of whole documents.
func TestTheModelAnswersAsMongoDB(t *testing.T) {
	db := testdb.Open(t)
	db.NeedReal(t, "MongoDB's own semantics")
	coll := db.Client(t).Database(db.Database(t)).Collection("c")
	for i := range modelRounds {
		g := newGenerator(uint64(testdb.Setting(t, "ROLEGATE_WORLDS_SEED", 1)), uint64(i), true)
		g.makeDocuments()
		if _, err := coll.DeleteMany(t.Context(), bson.D{}); err != nil {
			t.Fatal(err)
		}
		if err := store(t.Context(), coll, g.docs, nil); err != nil {
			t.Fatal(err)
		}
		view := reference.View{Documents: raws(g.docs)}
		compareOrder(t, coll, view)
		for range 30 {
			compareProjection(t, coll, view, g.projection(g.chance(50)))
			compareDistinct(t, coll, view, g.path())
		}
	}
}

func compareOrder(t *testing.T, coll *mongo.Collection, view reference.View) {
	t.Helper()
	// Without the _id, which alone would decide.
	var bare []bson.Raw
	for _, d := range view.Documents {
		bare = append(bare, raw(decoded(d)[1:]))
	}
	got, err := reference.View{Documents: bare}.Select(raw(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	cursor, err := coll.Aggregate(t.Context(), bson.A{
		bson.D{{Key: "$unset", Value: "_id"}},
		bson.D{{Key: "$replaceWith", Value: bson.D{{Key: "d", Value: "$$ROOT"}}}},
		bson.D{{Key: "$sort", Value: bson.D{{Key: "d", Value: 1}}}},
		bson.D{{Key: "$replaceWith", Value: "$d"}},
	})
	want := all(t, cursor, err)
	equal := func(a, b bson.Raw) bool { return bsonval.CompareDocuments(a, b) == 0 }
	if !slices.EqualFunc(got, want, equal) {
		t.Errorf("the order is\n%s\nand that of MongoDB\n%s", linesOf(got), linesOf(want))
	}
}

func compareProjection(t *testing.T, coll *mongo.Collection, view reference.View, projection bson.D) {
	t.Helper()
	got, err := reference.Project(view.Documents, raw(projection))
	if err != nil {
		t.Fatal(err)
	}
	cursor, err := coll.Find(t.Context(), bson.D{}, options.Find().SetProjection(projection))
	want := all(t, cursor, err)
	if !slices.EqualFunc(sorted(got), sorted(want), bytes.Equal) {
		t.Errorf("%s makes\n%s\nand in MongoDB\n%s", text(projection), linesOf(got), linesOf(want))
	}
}

func compareDistinct(t *testing.T, coll *mongo.Collection, view reference.View, key string) {
	t.Helper()
	got := reference.Distinct(view.Documents, key)
	var reply struct{ Values []bson.RawValue }
	if err := coll.Database().RunCommand(t.Context(), bson.D{{Key: "distinct", Value: coll.Name()}, {Key: "key", Value: key}}).Decode(&reply); err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(reply.Values, bsonval.Compare)
	if !slices.EqualFunc(got, reply.Values, bsonval.Equal) {
		t.Errorf("distinct %s is %s and in MongoDB %s", key, text(got), text(reply.Values))
	}
}

func all(t *testing.T, cursor *mongo.Cursor, err error) []bson.Raw {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var docs []bson.Raw
	if err := cursor.All(t.Context(), &docs); err != nil {
		t.Fatal(err)
	}
	return docs
}
