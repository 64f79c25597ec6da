package oracle_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/integration/oracle"
)

// drawMask draws a tree that leaves nothing to a condition.
func drawMask(g *oracle.Generator, depth int) *filter.Node {
	n := &filter.Node{Fields: map[string]*filter.Node{}}
	for _, name := range []string{"_id", "a", "b", "c", "0", "1", "k"} {
		switch k := g.IntN(8); {
		case k < 2:
			n.Fields[name] = &filter.Node{Whole: filter.Always}
		case k < 3:
			n.Fields[name] = &filter.Node{}
		case k < 5 && depth > 0:
			n.Fields[name] = drawMask(g, depth-1)
		}
	}
	return n
}

// cutThere runs stages over the collection, which holds a document for each _id from 0.
func cutThere(t *testing.T, coll *mongo.Collection, n int, stages []bson.Raw) []bson.Raw {
	t.Helper()
	pipeline := bson.A{bson.D{{Key: "$sort", Value: bson.D{{Key: "_id", Value: 1}}}}}
	for _, s := range stages {
		pipeline = append(pipeline, s)
	}
	cur, err := coll.Aggregate(t.Context(), pipeline)
	if err != nil {
		t.Fatalf("%v: %s", err, oracle.JSON(bson.D{{Key: "p", Value: pipeline}}))
	}
	var out []bson.Raw
	if err := cur.All(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	if len(out) != n {
		t.Fatalf("%d documents of %d are left of %s", len(out), n, oracle.JSON(bson.D{{Key: "p", Value: pipeline}}))
	}
	return out
}

// TestMasksCutAsStages compares cutting in process with the stages that cut in the database.
func TestMasksCutAsStages(t *testing.T) {
	const rounds, masks, perRound = 3, 60, 60
	e := oracle.Open(t)
	compared, cut := 0, 0
	for range rounds * e.Scale {
		g := oracle.NewGenerator(e.Rand)
		coll, docs := e.Fill(t, "masks", g.Documents(perRound))
		for range masks {
			root := drawMask(g, 2)
			if g.IntN(2) == 0 {
				root.Rest = filter.Always
			}
			if _, listed := root.Fields["_id"]; !listed || root.Fields["_id"].Whole != filter.Always {
				if g.IntN(4) > 0 {
					root.Fields["_id"] = &filter.Node{Whole: filter.Always}
				}
			}
			stages, ok := filter.Stages(root)
			if !ok {
				t.Fatal("a mask without conditions has no stages")
			}
			if shown(root) == 0 && root.Rest != filter.Always {
				continue // nothing at all is left, and the stages say so
			}
			got := cutThere(t, coll, len(docs), stages)
			for i, doc := range docs {
				want, visible, err := filter.Cut(nil, doc, filter.Tree(root, nil))
				if err != nil {
					t.Fatal(err)
				}
				if !visible {
					want = bson.Raw{5, 0, 0, 0, 0}
				}
				compared++
				if len(want) < len(doc) {
					cut++
				}
				if string(want) != string(got[i]) {
					t.Fatalf("cut of %s\nhere  %s\nthere %s\nstages %s", oracle.JSON(doc), oracle.JSON(bson.Raw(want)), oracle.JSON(got[i]), oracle.JSON(bson.D{{Key: "p", Value: stages}}))
				}
			}
		}
	}
	t.Logf("%d documents are cut alike, %d of them lose something", compared, cut)
	if cut == 0 {
		t.Error("no mask cuts anything: this compares nothing")
	}
}

// shown counts the fields that a mask shows in whole or in part.
func shown(n *filter.Node) int {
	sum := 0
	for _, child := range n.Fields {
		if child.Whole == filter.Always || len(child.Fields) > 0 {
			sum++
		}
	}
	return sum
}
