package proxy_test

import (
	"errors"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/proxy"
)

// A function that lets a failure of the database pass fails like that. One that does not learns what a client would.
func TestEndpointWithoutDatabase(t *testing.T) {
	for _, c := range []struct {
		failure error
		kind    proxy.Kind
		text    string
	}{
		{proxy.ErrUnavailable, proxy.Unavailable, "the database cannot be reached"},
		{proxy.ErrTimeout, proxy.TimedOut, "execution time limit exceeded"},
		{errors.New("hush-1"), proxy.Internal, "internal error"},
	} {
		s := returning()
		s.find = func(proxy.Query) ([]bson.Raw, error) { return nil, c.failure }
		find := `await context.services.get("mongodb-atlas").db("app").collection("c").find().toArray()`
		p, l := newCalling(t, s, everyone, map[string]string{
			"passes":  `exports = async () => { ` + find + ` }`,
			"catches": `exports = async () => { try { ` + find + ` } catch (e) { return e.message } }`,
		})
		_, err := p.Serve(t.Context(), ann, proxy.Endpoint{Function: "passes"})
		if e, ok := errors.AsType[*proxy.Error](err); !ok || e.Kind != c.kind || strings.Contains(e.Message, "hush") {
			t.Errorf("%v: got %v, want kind %d", c.failure, err, c.kind)
		}
		res, err := p.Serve(t.Context(), ann, proxy.Endpoint{Function: "catches"})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := bsonval.String(res.Result); got != c.text {
			t.Errorf("%v: the function learns %q, want %q", c.failure, got, c.text)
		}
		if strings.Contains(l.String(), "hush") {
			t.Errorf("the log says %s", l)
		}
	}
}

// What a function of a rule has returned holds for one operation: between two of them the endpoint may have written.
func TestEndpointAsksRulesAnew(t *testing.T) {
	s := returning(docs(t, `{"_id": 1}`)...)
	p, _ := newCalling(t, s, member, map[string]string{
		"system": `exports = async () => await context.services.get("mongodb-atlas").db("app").collection("members").count() > 0`,
		"twice":  `exports = async () => { const c = context.services.get("mongodb-atlas").db("app").collection("c"); await c.find().toArray(); await c.find().toArray() }`,
	})
	if _, err := p.Serve(t.Context(), ann, proxy.Endpoint{Function: "twice"}); err != nil {
		t.Fatal(err)
	}
	if len(s.counted) != 2 {
		t.Errorf("the function of the rule ran %d times for two operations", len(s.counted))
	}
}

// A rule that fails in what an endpoint asks for denies what it is about, and nothing else.
func TestEndpointRuleFails(t *testing.T) {
	s := returning(docs(t, `{"_id": 1, "v": 1}`, `{"_id": 2, "v": 2}`)...)
	role := `{"name": "v", "apply_when": {"%function": {"name": "odd", "arguments": ["%%root.v"]}}, "read": true}`
	p, _ := newCalling(t, s, role, map[string]string{
		"odd": `exports = v => { if (v === 2) throw new Error("even"); return true }`,
		"all": `exports = async () => (await context.services.get("mongodb-atlas").db("app").collection("c").find().toArray()).length`,
	})
	res, err := p.Serve(t.Context(), ann, proxy.Endpoint{Function: "all"})
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := bsonval.Int64(res.Result); n != 1 {
		t.Errorf("the function sees %d documents, want 1", n)
	}
}
