package journal_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/integration/testdb"
	"github.com/rolegate/rolegate/internal/policytest"
	"github.com/rolegate/rolegate/internal/reference"
	"github.com/rolegate/rolegate/rules"
)

const (
	decisionWorlds = 30
	changesOfWorld = 200
)

// TestDecisions shows changes of all kinds to the rules of the product and to the model, without a database.
func TestDecisions(t *testing.T) {
	scale, seed := testdb.Setting(t, "ROLEGATE_JOURNAL_SCALE", 1), uint64(testdb.Setting(t, "ROLEGATE_JOURNAL_SEED", 1))
	users := makeUsers()
	c, failures, shown := counts{}, 0, testdb.Setting(t, "ROLEGATE_JOURNAL_FAILURES", shownFailures)
	for i := range decisionWorlds * scale {
		random := rand.New(rand.NewPCG(seed, uint64(5000+i)))
		w := randomWorld(random, users)
		ns := rules.Namespace{Service: policytest.DefaultService, Database: "app", Collection: "c"}
		policy, err := w.policy(ns)
		if err != nil {
			t.Fatal(err)
		}
		set, _ := policy.Collection(ns)
		model := w.model()
		for range changesOfWorld {
			d := decision{user: users[random.IntN(len(users))], model: model, set: set}
			d.make(random)
			if why := d.differs(t, c); why != "" {
				if failures++; failures > shown {
					t.Fatalf("too many failures; seed %d%s", seed, c)
				}
				t.Errorf("%s\n%v\nfacts: %s\nrules: %s", why, d, text(d.user.facts("").User), w.rules)
			}
		}
	}
	t.Logf("seed %d%s", seed, c)
	c.need(t, "insert: true", "insert: false", "update: true", "update: false", "delete: true", "delete: false")
}

// decision is a change that may be allowed.
type decision struct {
	user   *user
	model  *reference.Rules
	set    *rules.Ruleset
	change reference.Change
	named  []string
}

func (d decision) String() string {
	return fmt.Sprintf("before: %s\nafter: %s\nnamed: %q", text(d.change.Before), text(d.change.After), d.named)
}

// make draws the images: an insert, a delete, or an update of some fields, of which some are named that stay as they are.
func (d *decision) make(r *rand.Rand) {
	before := randomDocument(r)
	switch r.IntN(6) {
	case 0:
		d.change = reference.Change{After: raw(before), OwnID: r.IntN(2) == 0}
		return
	case 1:
		d.change = reference.Change{Before: raw(before)}
		return
	}
	after := slices.Clone(before)
	for range 1 + r.IntN(3) {
		i := 1 + r.IntN(len(fieldKinds))
		name := fieldKinds[i-1].name
		d.named = append(d.named, name)
		at := slices.IndexFunc(after, func(e bson.E) bool { return e.Key == name })
		v := fieldKinds[i-1].draw(r)
		switch {
		case at < 0:
			after = append(after, bson.E{Key: name, Value: v})
		case r.IntN(4) == 0:
			after = slices.Delete(after, at, at+1)
		case r.IntN(8) > 0:
			after[at].Value = altered(r, after[at].Value, v)
		}
	}
	d.change = reference.Change{Before: raw(before), After: raw(after)}
}

// fieldKinds are the fields that random rules are about, with what is stored there, and sometimes something else.
var fieldKinds = []struct {
	name string
	draw func(*rand.Rand) any
}{
	{"owner", oneOf("a", "b", "c", bson.A{"a", "b"}, nil)},
	{"team", oneOf("a", "b", "c")},
	{"status", oneOf("draft", "review", "final", int32(1))},
	{"n", oneOf(int32(0), int32(1), int32(2), int32(5), int64(2), 2.0, "x", nil)},
	{"m", oneOf(int32(0), int32(2), 5.0, nil)},
	{"open", oneOf(true, false, nil)},
	{"title", oneOf("A", "B", "C")},
	{"tags", oneOf(bson.A{}, bson.A{"x"}, bson.A{"u1"}, bson.A{"x", "y"}, "x")},
	{"meta", func(r *rand.Rand) any { return randomMeta(r) }},
	{"items", func(r *rand.Rand) any { return randomItems(r) }},
}

func oneOf(choices ...any) func(*rand.Rand) any {
	return func(r *rand.Rand) any { return choices[r.IntN(len(choices))] }
}

func randomDocument(r *rand.Rand) bson.D {
	d := bson.D{{Key: "_id", Value: fmt.Sprintf("d%d", r.IntN(4))}}
	for _, f := range fieldKinds {
		if r.IntN(4) > 0 {
			d = append(d, bson.E{Key: f.name, Value: f.draw(r)})
		}
	}
	return d
}

func randomMeta(r *rand.Rand) any {
	if r.IntN(10) == 0 {
		return []any{int32(1), nil, bson.A{}, bson.A{bson.D{{Key: "a", Value: int32(1)}}}}[r.IntN(4)]
	}
	return randomParts(r, "a", "b", "c")
}

// randomParts is a document with some of the names, in any order.
func randomParts(r *rand.Rand, names ...string) bson.D {
	d := bson.D{}
	for _, i := range r.Perm(len(names))[:r.IntN(len(names)+1)] {
		d = append(d, bson.E{Key: names[i], Value: []any{int32(1), int32(2), 2.0, "x", bson.D{}}[r.IntN(5)]})
	}
	return d
}

func randomItems(r *rand.Rand) any {
	list := bson.A{}
	for range r.IntN(4) {
		if r.IntN(12) == 0 {
			list = append(list, []any{int32(1), bson.A{int32(1)}, nil}[r.IntN(3)])
			continue
		}
		list = append(list, randomParts(r, "sku", "qty", "cost"))
	}
	return list
}

// altered is v with one thing changed inside it, where it has an inside, or else another value.
func altered(r *rand.Rand, v, other any) any {
	switch v := v.(type) {
	case bson.D:
		if len(v) == 0 || r.IntN(4) == 0 {
			return other
		}
		d := slices.Clone(v)
		switch i := r.IntN(len(d)); r.IntN(4) {
		case 0:
			return slices.Delete(d, i, i+1)
		case 1:
			return append(d, bson.E{Key: "new", Value: int32(1)})
		case 2:
			d[0], d[i] = d[i], d[0]
		default:
			d[i].Value = []any{int32(1), int32(2), "y"}[r.IntN(3)]
		}
		return d
	case bson.A:
		if len(v) == 0 || r.IntN(4) == 0 {
			return other
		}
		list := slices.Clone(v)
		switch i := r.IntN(len(list)); r.IntN(4) {
		case 0:
			return slices.Delete(list, i, i+1)
		case 1:
			return append(list, list[i])
		case 2:
			list[0], list[i] = list[i], list[0]
		default:
			list[i] = altered(r, list[i], "z")
		}
		return list
	}
	return other
}

// differs asks both.
func (d decision) differs(t *testing.T, c counts) string {
	t.Helper()
	operation := "update"
	switch {
	case d.change.Before == nil:
		operation = "insert"
	case d.change.After == nil:
		operation = "delete"
	}
	facts := d.user.facts(operation)
	want := d.model.Judge(facts, d.change)
	if operation == "update" && want.Allowed {
		var named []reference.Named
		for _, path := range d.named {
			named = append(named, reference.Named{Path: path})
		}
		want = d.model.JudgeNamed(facts, d.change, named)
	}
	bound, err := d.set.Bind(d.user.rules(), rules.CustomData{Document: d.user.custom}, &rules.Request{Operation: operation})
	if err != nil {
		t.Fatal(err)
	}
	decider, visible := bound.Decider(), true
	if d.change.Before != nil {
		_, visible, err = decider.View(nil, d.change.Before)
		visible = visible && err == nil
	}
	var got rules.WriteDecision
	switch operation {
	case "insert":
		got = decider.CheckInsert(d.change.After, d.change.OwnID)
	case "delete":
		got = decider.CheckDelete(d.change.Before)
	default:
		got = decider.CheckUpdate(rules.Change{Pre: d.change.Before, Post: d.change.After, Named: d.named})
	}
	allowed := visible && got.Allowed
	c[fmt.Sprintf("%s: %v", operation, allowed)]++
	if allowed != want.Allowed {
		return fmt.Sprintf("%s: the product says %v (visible %v, %+v), the model %+v", operation, allowed, visible, got, want)
	}
	return ""
}
