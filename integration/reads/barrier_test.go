package reads

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/integration/testdb"
	"github.com/rolegate/rolegate/proxy"
)

// Roles with one and with several parts, and with _id shown and hidden.
var viewed = map[string]string{
	"some documents":  `{"name": "owner", "apply_when": {"owner": "%%user.id"}, "read": true}`,
	"some fields":     `{"name": "all", "apply_when": {}, "fields": {"_id": {"read": true}, "open": {"read": true}, "part": {"fields": {"x": {"read": true}}}}}`,
	"other fields":    `{"name": "all", "apply_when": {}, "fields": {"hidden": {}}, "additional_fields": {"read": true}}`,
	"without _id":     `{"name": "all", "apply_when": {}, "fields": {"open": {"read": true}}}`,
	"two roles":       `{"name": "owner", "apply_when": {"owner": "%%user.id"}, "read": true}, {"name": "all", "apply_when": {}, "fields": {"_id": {"read": true}, "open": {"read": true}}}`,
	"on a condition":  `{"name": "all", "apply_when": {}, "fields": {"_id": {"read": true}, "open": {"read": {"owner": "%%user.id"}}}}`,
	"no _id of some":  `{"name": "owner", "apply_when": {"owner": "%%user.id"}, "read": true}, {"name": "all", "apply_when": {}, "fields": {"open": {"read": true}}}`,
	"whole in some":   `{"name": "all", "apply_when": {}, "write": {"owner": "%%user.id"}, "fields": {"_id": {"read": true}, "open": {"read": true}}}`,
	"a nested array":  `{"name": "all", "apply_when": {}, "fields": {"_id": {"read": true}, "part": {"fields": {"x": {"fields": {"y": {"read": true}}}}}}}`,
	"a negated owner": `{"name": "all", "apply_when": {"owner": {"$ne": "%%user.id"}}, "read": true}`,
}

// clientStages are what optimizers like to move.
var clientStages = []string{
	`{"$match": {"hidden": "client-marker"}}`,
	`{"$match": {"part.z": {"$gt": "client-marker"}}}`,
	`{"$match": {"open": {"$regex": "client-marker"}}}`,
	`{"$match": {"$or": [{"part": "client-marker"}, {"open": {"$regex": "^client-marker"}}]}}`,
	`{"$set": {"client-marker": {"$divide": [1, "$hidden"]}}}`,
	`{"$project": {"client-marker": {"$toInt": "$open"}}}`,
	`{"$sort": {"client-marker": 1}}`,
	`{"$group": {"_id": "$client-marker"}}`,
	`{"$unwind": "$client-marker"}`,
	`{"$replaceWith": {"client-marker": "$hidden"}}`,
	`{"$sortByCount": "$client-marker"}`,
	`{"$unset": "client-marker"}`,
	`{"$facet": {"client-marker": [{"$match": {"client-marker": 1}}]}}`,
	`{"$bucket": {"groupBy": "$client-marker", "boundaries": [0, 5], "default": "x"}}`,
}

// TestBarrier asks the server what it makes of the pipelines: no stage of the client, and no part of one, may have moved in
// front of the barrier. Each is tried alone and in front of others.
func TestBarrier(t *testing.T) {
	behind := [][]string{{}, {`{"$match": {"client-marker": 1}}`, `{"$limit": 3}`, `{"$group": {"_id": "$client-marker"}}`}, {`{"$skip": 1}`, `{"$sort": {"client-marker": 1}}`}}
	testdb.Open(t).NeedReal(t, "computed fields")
	n := 0
	for name, roles := range viewed {
		t.Run(name, func(t *testing.T) {
			b := open(t, roles, bson.D{{Key: "_id", Value: 1}, {Key: "owner", Value: "ua"}, {Key: "open", Value: "7"}})
			for _, index := range []string{"hidden", "open", "owner", "client-marker"} {
				if _, err := b.coll.Indexes().CreateOne(t.Context(), mongoIndex(index)); err != nil {
					t.Fatal(err)
				}
			}
			for _, first := range clientStages {
				for _, more := range behind {
					if b.checkBarrier(t, append([]string{first}, more...)) {
						n++
					}
				}
			}
		})
	}
	if n == 0 {
		t.Error("nothing was checked")
	}
}

// checkBarrier reports false when there is nothing to check: no pipeline was sent.
func (b bench) checkBarrier(t *testing.T, texts []string) bool {
	t.Helper()
	var stages []bson.Raw
	for _, s := range texts {
		stages = append(stages, doc(t, s))
	}
	b.store.sent = nil
	err := b.proxy.Aggregate(t.Context(), ann, proxy.Aggregate{NS: b.ns, Pipeline: stages}, func(bson.Raw) error { return nil })
	if err != nil && !strings.Contains(err.Error(), "rejected") {
		t.Fatalf("%s: %v", texts, err)
	}
	if len(b.store.sent) == 0 {
		return false // answered as a find
	}
	sent := b.store.sent[0]
	if sent.Documents {
		t.Fatalf("%s: the view could not be stated", texts)
	}
	last := slices.IndexFunc(sent.Stages, isBarrier)
	if last < 0 {
		t.Fatalf("%s: no barrier is sent", texts)
	}
	alone, whole := b.before(t, sent.Stages[:last+2]), b.before(t, sent.Stages)
	if diff := cmp.Diff(alone, whole); diff != "" {
		t.Errorf("%s: in front of the barrier (-what makes the view +with the client's stages behind it):\n%s", texts, diff)
	}
	return true
}

// isBarrier recognizes the computed $replaceWith, which the server calls $replaceRoot.
func isBarrier(stage bson.Raw) bool { return strings.Contains(stage.String(), `"$mergeObjects"`) }

// before is what the server makes of the stages in front of the barrier: the query it runs, and the names of the stages. A
// $limit and a $skip may move there: every document is one of the view, and stays one document.
func (b bench) before(t *testing.T, stages []bson.Raw) []string {
	t.Helper()
	var plan struct {
		Stages []bson.Raw `bson:"stages"`
	}
	if err := b.coll.Database().RunCommand(t.Context(), bson.D{
		{Key: "explain", Value: bson.D{{Key: "aggregate", Value: "c"}, {Key: "pipeline", Value: stages}, {Key: "cursor", Value: bson.D{}}}},
		{Key: "verbosity", Value: "queryPlanner"},
	}).Decode(&plan); err != nil {
		t.Fatalf("explain %s: %v", stages, err)
	}
	at := slices.IndexFunc(plan.Stages, isBarrier)
	if at < 0 {
		t.Fatalf("no barrier is left in %s", plan.Stages)
	}
	return outline(t, plan.Stages[:at])
}

// outline is the query and the names of explained stages, those that are joined included.
func outline(t *testing.T, stages []bson.Raw) []string {
	t.Helper()
	var out []string
	for _, s := range stages {
		switch name := s.Index(0).Key(); name {
		case "$cursor":
			query, err := s.LookupErr("$cursor", "queryPlanner", "parsedQuery")
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, query.String())
		case "$unionWith":
			var joined struct {
				Pipeline []bson.Raw `bson:"pipeline"`
			}
			if err := s.Lookup("$unionWith").Unmarshal(&joined); err != nil {
				t.Fatal(err)
			}
			out = append(append(append(out, "("), outline(t, joined.Pipeline)...), ")")
		case "$limit", "$skip":
		default:
			out = append(out, name)
		}
	}
	return out
}
