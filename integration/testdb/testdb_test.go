package testdb_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/integration/testdb"
)

func TestEmbeddedServerIsNotTakenForMongoDB(t *testing.T) {
	t.Setenv("ROLEGATE_TEST_MONGODB_URI", "")
	t.Setenv("ROLEGATE_TEST_CONTAINERS", "")
	if s := testdb.Open(t); s.Real {
		t.Errorf("Open(%s).Real = true for the embedded server", s.URI)
	}
}

func TestSeedAndDump(t *testing.T) {
	s := testdb.Open(t)
	db := s.Database(t)
	s.Seed(t, db, "c", bson.D{{Key: "_id", Value: "b"}}, bson.D{{Key: "_id", Value: "a"}, {Key: "n", Value: int32(1)}})
	got := s.Dump(t, db, "c")
	if len(got) != 2 || got[0].Lookup("_id").StringValue() != "a" || got[1].Lookup("_id").StringValue() != "b" {
		t.Errorf("Dump = %v, want the documents a and b", got)
	}
	if other := s.Database(t); other == db {
		t.Errorf("two databases are both called %s", db)
	}
}
