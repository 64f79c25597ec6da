package oracle_test

import (
	"errors"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/rolegate/rolegate/integration/oracle"
	"github.com/rolegate/rolegate/internal/query"
)

const mark = "the element that the positional operator meant"

// positionalCases is how many documents are updated through a positional path.
const positionalCases = 2000

func TestPositionalMeansTheElementOfTheServer(t *testing.T) {
	e := oracle.Open(t)
	coll, _ := e.Fill(t, "positional", []bson.D{{}})
	g := oracle.NewGenerator(e.Rand)
	compared, found, failures := 0, 0, 0
	for compared < positionalCases*e.Scale && failures < maxFailures {
		doc := bson.D{{Key: "_id", Value: int32(0)}, {Key: "a", Value: g.Array(2)}}
		filter := g.ArrayQuery(doc)
		f, err := query.Parse(mustMarshal(t, filter), query.Options{Trusted: true})
		if err != nil || !f.Match(mustMarshal(t, doc)) {
			continue
		}
		if _, err := coll.ReplaceOne(t.Context(), bson.D{{Key: "_id", Value: 0}}, doc); err != nil {
			t.Fatal(err)
		}
		compared++
		got, ok := f.Positional(mustMarshal(t, doc))
		want, expected := marked(t, coll, filter)
		if expected {
			found++
		}
		if got != want || ok != expected {
			failures++
			t.Errorf("Positional = %d, %v, the server says %d, %v\nfilter %s\ndoc    %s", got, ok, want, expected, oracle.JSON(filter), oracle.JSON(doc))
		}
	}
	if found == 0 {
		t.Error("the server never finds an element: this compares nothing")
	}
	t.Logf("%d documents agree, in %d of them the server finds an element", compared, found)
}

// marked lets the server write through a.$ and looks where it wrote.
func marked(t *testing.T, coll *mongo.Collection, filter bson.D) (index int, ok bool) {
	t.Helper()
	update := bson.D{{Key: "$set", Value: bson.D{{Key: "a.$", Value: mark}}}}
	var after struct{ A bson.A }
	err := coll.FindOneAndUpdate(t.Context(), filter, update, options.FindOneAndUpdate().SetReturnDocument(options.After)).Decode(&after)
	var command mongo.CommandError
	if errors.As(err, &command) && command.Code == 2 {
		return 0, false
	}
	if err != nil {
		t.Fatalf("%s: %v", oracle.JSON(filter), err)
	}
	for i, v := range after.A {
		if v == mark {
			return i, true
		}
	}
	t.Fatalf("%s: nothing was written", oracle.JSON(filter))
	return 0, false
}
