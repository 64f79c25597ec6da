package oracle_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/integration/oracle"
	"github.com/rolegate/rolegate/internal/query"
)

const (
	patternRounds    = 2
	patternsPerRound = 1500
	textsPerRound    = 300
)

func TestPatternsMatchAsTheServerDoes(t *testing.T) {
	e := oracle.Open(t)
	c := &tally{onlyWeRefuse: map[string]int{}}
	for range patternRounds * e.Scale {
		g := oracle.NewGenerator(e.Rand)
		docs := make([]bson.D, textsPerRound)
		for i := range docs {
			docs[i] = bson.D{{Key: "a", Value: g.Text()}}
		}
		coll, raws := e.Fill(t, "texts", docs)
		for range patternsPerRound {
			re := bson.Regex{Pattern: g.Pattern(), Options: g.RegexOptions()}
			c.compareQuery(t, coll, raws, bson.D{{Key: "a", Value: re}}, query.Options{})
			if c.failures >= maxFailures {
				t.FailNow()
			}
		}
	}
	if c.matches == 0 {
		t.Error("nothing ever matches: this compares nothing")
	}
	t.Logf("%d pairs agree, %d of them matches; both refuse %d patterns, only we refuse:\n%s", c.pairs, c.matches, c.bothRefuse, counts(c.onlyWeRefuse))
}

// TestCasesFoldAsOnTheServer matches every character of the first planes against every other case of it.
func TestCasesFoldAsOnTheServer(t *testing.T) {
	e := oracle.Open(t)
	c := &tally{onlyWeRefuse: map[string]int{}}
	docs := oracle.CasedTexts()
	coll, raws := e.Fill(t, "cases", docs)
	for _, pattern := range []string{"^[a-z]$", "^[^a-z]$", "^k$", "^[k]$", "^s$", "^[[:upper:]]$", "^[[:^lower:]]$", `^\w$`, `^[\w]$`, `^[^\W]$`, `^\W$`, "^ß$", "^σ$", "^[à-ö]$", "^é$", "^ǆ$", "^[Α-Ω]$", "^θ$", "^µ$", "^å$", "^ω$", `^\x{4b}$`, `^\x{e9}$`, "^[^é]$", "^i$", "^İ$", "^ı$"} {
		c.compareQuery(t, coll, raws, bson.D{{Key: "a", Value: bson.Regex{Pattern: pattern, Options: "i"}}}, query.Options{})
	}
	if len(c.onlyWeRefuse) > 0 || c.matches == 0 {
		t.Errorf("only we refuse %v; %d matches", c.onlyWeRefuse, c.matches)
	}
	for _, doc := range docs {
		text, _ := doc[0].Value.(string)
		c.compareQuery(t, coll, raws, bson.D{{Key: "a", Value: bson.Regex{Pattern: "^" + text + "$", Options: "i"}}}, query.Options{})
		if c.failures >= maxFailures {
			t.FailNow()
		}
	}
	t.Logf("%d pairs agree, %d of them matches", c.pairs, c.matches)
}
