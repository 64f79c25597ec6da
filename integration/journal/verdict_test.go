package journal_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/integration/testdb"
	"github.com/rolegate/rolegate/internal/reference"
	"github.com/rolegate/rolegate/proxy"
)

const (
	verdictWorlds    = 8
	requestsOfTheOne = 40
)

// TestVerdicts lets the users ask one after the other. Then there is one right answer, whether it grants or refuses, and one
// right state: those of the model.
func TestVerdicts(t *testing.T) {
	b := open(t)
	scale, seed := testdb.Setting(t, "ROLEGATE_JOURNAL_SCALE", 1), uint64(testdb.Setting(t, "ROLEGATE_JOURNAL_SEED", 1))
	c, failures, shown := counts{}, 0, testdb.Setting(t, "ROLEGATE_JOURNAL_FAILURES", shownFailures)
	for i := range len(worlds) + verdictWorlds*scale {
		random := rand.New(rand.NewPCG(seed, uint64(1000+i)))
		w := worldOf(i, random, b.users)
		for _, fault := range b.askInTurn(t, w, random, c) {
			if failures++; failures > shown {
				t.Fatalf("too many failures; seed %d%s", seed, c)
			}
			t.Error(fault)
		}
	}
	t.Logf("seed %d%s", seed, c)
	c.need(t, "verdicts: changed", "verdicts: denied", "verdicts: inserted", "verdicts: matched", "verdicts: nothing matched")
}

// askInTurn lets users ask what they like and compares with the model. A failure ends it.
func (b *bench) askInTurn(t *testing.T, w *world, random *rand.Rand, c counts) []string {
	t.Helper()
	b.empty(t)
	p, err := w.proxy(b.store, b.ns, b.custom)
	if err != nil {
		t.Fatal(err)
	}
	model, stored := w.model(), w.seeds(random)
	for _, doc := range stored {
		b.Seed(t, b.ns.Database, b.ns.Collection, doc)
	}
	requests := requestsOfTheOne
	if !b.Real {
		requests /= 4 // it is slower
	}
	for range requests {
		u := b.users[random.IntN(len(b.users))]
		req := w.request(random, u)
		if req.bulk {
			continue
		}
		want := model.Write(u.facts, stored, req.parts[0].Write)
		req.send(t.Context(), p, b.ns)
		after := b.Dump(t, b.ns.Database, b.ns.Collection)
		c["requests"]++
		c["verdicts: "+verdict(want)]++
		if why := b.differs(want, req, after); why != "" {
			return []string{fmt.Sprintf("%s\nthe model: %s (%s%v)\n%v\nfacts: %s\nbefore:\n%s\nafter:\n%s\nworld: %s\nrules: %s", why, verdict(want), want.Denied, want.Failed,
				req, text(u.facts(want.Operation).User), lines(stored), lines(after), w.name, compact(w.rules))}
		}
		stored = after
	}
	return nil
}

func verdict(d reference.Done) string {
	switch {
	case d.Denied != "":
		return "denied"
	case d.Failed != nil:
		return "failed"
	case d.Modified > 0:
		return "changed"
	case len(d.Inserted) > 0:
		return "inserted"
	case d.Matched > 0:
		return "matched"
	}
	return "nothing matched"
}

// differs says how an answer, and what is stored then, differ from those of the model.
func (b *bench) differs(want reference.Done, got *request, stored []bson.Raw) string {
	switch {
	case want.Denied != "":
		if got.err == nil || got.kind() != proxy.Denied || !strings.HasPrefix(got.err.Error(), want.Operation) {
			return "it should be denied"
		}
	case want.Failed != nil:
		if got.err == nil || got.kind() != proxy.Invalid && got.kind() != proxy.DuplicateKey {
			return "it should fail"
		}
	case got.err != nil:
		return "it should not fail"
	case !got.returns && (want.Matched != got.matched || want.Modified != got.modified || len(want.Inserted) != len(got.inserted)):
		return fmt.Sprintf("other counts: matched %d, modified %d, inserted %d", want.Matched, want.Modified, len(want.Inserted))
	}
	if !slices.EqualFunc(b.sorted(want.Stored), b.sorted(stored), func(a, b bson.Raw) bool { return bytes.Equal(a, b) }) {
		return "something else should be stored:\n" + lines(want.Stored)
	}
	return ""
}

// sorted puts documents in the order of their bytes. What an _id is that was made up does not matter, nor does the order of
// fields where the database cannot replace a document under a guard.
func (b *bench) sorted(docs []bson.Raw) []bson.Raw {
	var list []bson.Raw
	for _, doc := range docs {
		if doc.Lookup("_id").Type == bson.TypeObjectID {
			doc = without(doc, "_id")
		}
		if !b.Real {
			doc = byName(doc)
		}
		list = append(list, doc)
	}
	slices.SortFunc(list, func(a, b bson.Raw) int { return bytes.Compare(a, b) })
	return list
}

func byName(doc bson.Raw) bson.Raw {
	var d bson.D
	if err := bson.Unmarshal(doc, &d); err != nil {
		panic(err)
	}
	slices.SortFunc(d, func(a, b bson.E) int { return strings.Compare(a.Key, b.Key) })
	return raw(d)
}

func lines(docs []bson.Raw) string {
	var list []string
	for _, doc := range docs {
		list = append(list, "  "+text(doc))
	}
	return strings.Join(list, "\n")
}
