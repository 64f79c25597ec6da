// Package oracle compares what this project computes in process with what MongoDB computes: queries, sorts, the
// values of distinct, updates, and which documents conform to a schema, over random documents that lean towards
// trouble.
//
// It needs a real MongoDB at ROLEGATE_TEST_MONGODB_URI and skips without one. ROLEGATE_ORACLE_SCALE multiplies the
// number of comparisons (1 by default), ROLEGATE_ORACLE_SEED repeats a run; every failure prints its seed.
package oracle

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Engine is a database of its own on a real MongoDB, for the length of a test, and the random numbers of that test.
type Engine struct {
	DB   *mongo.Database
	Rand *rand.Rand
	Seed uint64
	// Scale is how many times the usual number of comparisons are wanted.
	Scale int
}

// Open connects to the engine or skips the test.
func Open(t testing.TB) *Engine {
	t.Helper()
	uri := os.Getenv("ROLEGATE_TEST_MONGODB_URI")
	if uri == "" {
		t.Skipf("SKIP %s: comparing with MongoDB needs one at ROLEGATE_TEST_MONGODB_URI", t.Name())
	}
	client, err := mongo.Connect(options.Client().ApplyURI(uri).SetServerSelectionTimeout(10 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	e := &Engine{
		DB:    client.Database("oracle_" + bson.NewObjectID().Hex()),
		Seed:  uint64(setting(t, "ROLEGATE_ORACLE_SEED", 3)),
		Scale: setting(t, "ROLEGATE_ORACLE_SCALE", 1),
	}
	e.Rand = rand.New(rand.NewPCG(e.Seed, 0)) //nolint:gosec // tests are repeatable
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("repeat with ROLEGATE_ORACLE_SEED=%d", e.Seed)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := e.DB.Drop(ctx); err != nil {
			t.Errorf("drop: %v", err)
		}
		if err := client.Disconnect(ctx); err != nil {
			t.Errorf("disconnect: %v", err)
		}
	})
	return e
}

func setting(t testing.TB, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s must be a number that is not negative", name)
	}
	return n
}

// Fill replaces the content of the collection called name by docs. Those that do not start with an _id get 0, 1, 2
// and so on as int32.
func (e *Engine) Fill(t testing.TB, name string, docs []bson.D) (*mongo.Collection, []bson.Raw) {
	t.Helper()
	coll := e.DB.Collection(name)
	if err := coll.Drop(t.Context()); err != nil {
		t.Fatal(err)
	}
	stored := make([]any, len(docs))
	raws := make([]bson.Raw, len(docs))
	for i, d := range docs {
		if len(d) == 0 || d[0].Key != "_id" {
			d = append(bson.D{{Key: "_id", Value: int32(i)}}, d...)
		}
		raw, err := bson.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		raws[i], stored[i] = raw, raw
	}
	if _, err := coll.InsertMany(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
	return coll, raws
}

// JSON prints a document for a failure message.
func JSON(doc any) string {
	b, err := bson.MarshalExtJSON(doc, true, false)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
