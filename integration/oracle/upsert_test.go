package oracle_test

import (
	"regexp"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/rolegate/rolegate/integration/oracle"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
)

const upserts = 1500

// emptyListInside finds an empty list below another operator. The server simplifies such filters to ones that never
// match, which then pin nothing; we follow that at the top and in $and and $or only.
var emptyListInside = regexp.MustCompile(`\$(elemMatch|not|nor)".*\$(in|nin|all)":\[\]`)

func TestEqualitiesAreWhatAnUpsertTakes(t *testing.T) {
	e := oracle.Open(t)
	coll, _ := e.Fill(t, "upserts", []bson.D{{}})
	g := oracle.NewGenerator(e.Rand)
	g.Odd = false
	g.Documents(20)
	compared, fields, failures := 0, 0, 0
	for compared < upserts*e.Scale && failures < maxFailures {
		filter := g.FlatQuery(2)
		f, err := query.Parse(mustMarshal(t, filter), query.Options{Trusted: true})
		if err != nil || emptyListInside.MatchString(oracle.JSON(filter)) {
			continue
		}
		if _, err := coll.DeleteMany(t.Context(), bson.D{}); err != nil {
			t.Fatal(err)
		}
		update := bson.D{{Key: "$setOnInsert", Value: bson.D{{Key: "new", Value: true}}}}
		_, refused := coll.UpdateOne(t.Context(), filter, update, options.UpdateOne().SetUpsert(true))
		compared++
		got := map[string]bson.RawValue{}
		twice := false
		for _, eq := range f.Equalities() {
			_, seen := got[eq.Path]
			twice = twice || seen
			got[eq.Path] = eq.Value
		}
		fields += len(got)
		if twice || refused != nil {
			// The server refuses a field that is pinned twice, unless it simplifies the filter before.
			if !twice {
				failures++
				t.Errorf("upsert %s: %v", oracle.JSON(filter), refused)
			}
			continue
		}
		stored, err := coll.FindOne(t.Context(), bson.D{}).Raw()
		if err != nil {
			t.Fatal(err)
		}
		if !sameFields(stored, got) {
			failures++
			t.Errorf("Equalities(%s) = %v, the server stores %s", oracle.JSON(filter), got, oracle.JSON(stored))
		}
	}
	if fields == 0 {
		t.Error("no filter pins a field: this compares nothing")
	}
	t.Logf("%d upserts agree, with %d pinned fields", compared, fields)
}

// sameFields compares a stored document, without what every upsert adds, with the pinned fields.
func sameFields(stored bson.Raw, pinned map[string]bson.RawValue) bool {
	n := 0
	it := bsonval.NewIter(stored)
	for it.Next() {
		name := string(it.Key())
		if name == "_id" || name == "new" {
			continue
		}
		if v, ok := pinned[name]; !ok || !bsonval.Identical(v, it.Value()) {
			return false
		}
		n++
	}
	return n == len(pinned)
}
