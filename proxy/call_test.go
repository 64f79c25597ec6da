package proxy_test

import (
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/proxy"
)

// What the server asks of a function it asks as the system: no user is there, and no rule applies, in functions that this one
// executes either.
func TestCallAsSystem(t *testing.T) {
	s := returning(docs(t, `{"_id": "x"}`)...)
	p, _ := newCalling(t, s, member, map[string]string{
		"system": `exports = () => true`,
		"who":    `exports = (a, b) => context.user.type + context.user.id + context.runningAsSystem() + context.functions.execute("below") + a + b`,
		"below":  `exports = () => context.runningAsSystem() && context.user.type === "system"`,
		"reads":  `exports = async id => (await context.services.get("mongodb-atlas").db("app").collection("unruled").findOne({_id: id}))._id`,
	})
	got, err := p.CallAsSystem(t.Context(), "who", bsonval.FromString("a"), bsonval.FromString("b"))
	if text, _ := bsonval.String(got); err != nil || text != "systemtruetrueab" {
		t.Errorf("who: %q, %v", text, err)
	}
	got, err = p.CallAsSystem(t.Context(), "reads", bsonval.FromString("x"))
	if text, _ := bsonval.String(got); err != nil || text != "x" || len(s.asked) != 1 {
		t.Errorf("reads: %q, %v, asked %d times", text, err, len(s.asked))
	}
	if _, err := p.CallAsSystem(t.Context(), "none"); err == nil {
		t.Error("a function that does not exist was called")
	}
}

// A function whose answer rests on what could not be read has failed, and says nothing of values.
func TestCallAsSystemFails(t *testing.T) {
	s := returning(docs(t, `{"_id": 1}`)...)
	s.find = func(proxy.Query) ([]bson.Raw, error) { return nil, proxy.ErrUnavailable }
	p, _ := newCalling(t, s, member, map[string]string{
		"system": asking, "throws": `exports = v => { throw new Error(v) }`, "caught": `exports = async () => {
			const m = context.services.get("mongodb-atlas").db("app").collection("members");
			try { return await m.findOne({}) } catch (e) { return "success" } }`,
	})
	for _, name := range []string{"system", "throws", "caught"} {
		got, err := p.CallAsSystem(t.Context(), name, bsonval.FromString("hush"))
		if err == nil || !bsonval.IsMissing(got) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	p.Functions = nil
	if _, err := p.CallAsSystem(t.Context(), "throws"); err == nil {
		t.Error("functions that are off were called")
	}
}
