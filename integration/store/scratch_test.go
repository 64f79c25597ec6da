package store_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/integration/testdb"
	"github.com/rolegate/rolegate/internal/apptest"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/mongostore"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// A scratch store never touches a database that it has not made, whatever is asked of it, and leaves none behind.
func TestScratch(t *testing.T) {
	ctx := t.Context()
	s := testdb.Open(t)
	database := s.Database(t)
	s.Seed(t, database, "c", bson.D{{Key: "_id", Value: "theirs"}})
	scratch, err := mongostore.OpenScratch(ctx, s.URI, []string{"s"})
	if err != nil {
		t.Fatal(err)
	}
	ns := rules.Namespace{Service: "s", Database: database, Collection: "c"}
	ours, err := bson.Marshal(bson.D{{Key: "_id", Value: "ours"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := scratch.Seed(ctx, ns, []bson.Raw{ours}); err != nil {
		t.Fatal(err)
	}
	if got := mustStored(t, scratch, ns); len(got) != 1 || !slices.Equal(got[0], ours) {
		t.Errorf("stored = %v", got)
	}
	if n, err := scratch.Count(ctx, ns, nil); n != 1 || err != nil {
		t.Errorf("Count = %d, %v", n, err)
	}
	if values, err := scratch.Distinct(ctx, ns, "_id", nil); len(values) != 1 || err != nil {
		t.Errorf("Distinct = %v, %v", values, err)
	}
	theirs, err := bson.Marshal(bson.D{{Key: "_id", Value: "theirs"}})
	if err != nil {
		t.Fatal(err)
	}
	id := bsonval.FromString("theirs")
	gone := proxy.GuardedWrite{Kind: proxy.DeleteDocument, ID: id}
	if res, err := scratch.Write(ctx, ns, []proxy.GuardedWrite{gone}); res.Done != 0 || err != nil {
		t.Errorf("Write = %+v, %v", res, err)
	}
	if _, matched, err := scratch.Modify(ctx, ns, gone, false); matched || err != nil {
		t.Errorf("Modify = %v, %v", matched, err)
	}
	if res, err := scratch.Direct(ctx, ns, proxy.DirectWrite{Filter: theirs, Many: true}); res.Matched != 0 || err != nil {
		t.Errorf("Direct = %+v, %v", res, err)
	}
	for doc, err := range scratch.Aggregate(ctx, ns, proxy.AggregateQuery{}) {
		if err != nil || !slices.Equal(doc, ours) {
			t.Errorf("Aggregate yields %v, %v", doc, err)
		}
	}
	made := scratch.Databases()
	if there := existing(t, s, made); len(made) != 1 || len(there) != 1 || !strings.HasPrefix(made[0], mongostore.ScratchPrefix) {
		t.Errorf("databases while it runs: %v of %v", there, made)
	}
	if err := scratch.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if left := existing(t, s, made); len(left) > 0 {
		t.Errorf("databases left behind: %v", left)
	}
	if diff := cmp.Diff([]bson.Raw{theirs}, s.Dump(t, database, "c")); diff != "" {
		t.Errorf("the database of others (-want +got):\n%s", diff)
	}
}

func mustStored(t *testing.T, s proxy.Store, ns rules.Namespace) []bson.Raw {
	t.Helper()
	docs, err := apptest.Stored(t.Context(), s, ns)
	if err != nil {
		t.Fatal(err)
	}
	return docs
}

// existing are those databases that are on the server.
func existing(t *testing.T, s *testdb.Server, databases []string) []string {
	t.Helper()
	names, err := s.Client(t).ListDatabaseNames(t.Context(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(names, func(name string) bool { return !slices.Contains(databases, name) })
}
