package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/jsfunc"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// newCalling serves app.c, whose one role is the functions' business.
func newCalling(t *testing.T, s proxy.Store, role string, functions map[string]string) (*proxy.Proxy, *logs) {
	t.Helper()
	files := fstest.MapFS{
		"root_config.json":                       {Data: []byte(`{"app_id": "demo-abcde", "config_version": 20210101}`)},
		"data_sources/mongodb-atlas/config.json": {Data: []byte(`{"name": "mongodb-atlas", "type": "mongodb-atlas"}`)},
		"data_sources/mongodb-atlas/app/c/rules.json": {
			Data: fmt.Appendf(nil, `{"database": "app", "collection": "c", "roles": [%s]}`, role),
		},
		"functions/config.json": {Data: []byte(`[{"name": "system", "run_as_system": true}]`)},
	}
	for name, source := range functions {
		files["functions/"+name+".js"] = &fstest.MapFile{Data: []byte(source)}
	}
	return newOf(t, s, files, proxy.Config{})
}

// newOf serves an export.
func newOf(t *testing.T, s proxy.Store, files fstest.MapFS, c proxy.Config) (*proxy.Proxy, *logs) {
	t.Helper()
	app, ds := config.Load(files, config.Options{})
	program, more := jsfunc.Compile(app, jsfunc.Limits{Time: jsfunc.MaxTime})
	policy, rest := rules.Compile(app, rules.Options{Functions: program.Callable()})
	if ds = append(append(ds, more...), rest...); ds.HasErrors() {
		t.Fatal(ds)
	}
	l := &logs{}
	c.Store, c.Policy, c.Functions, c.Log = s, policy, program, slog.New(slog.NewTextHandler(l, nil))
	return proxy.New(c), l
}

const member = `{"name": "member", "apply_when": {"%%true": {"%function": {"name": "system", "arguments": ["%%user.id"]}}}, "read": true, "write": true}`

// asking is a function that asks for the members of another collection.
const asking = `exports = async id => {
	const m = context.services.get("mongodb-atlas").db("app").collection("members");
	try { return await m.findOne({_id: id}) === null } catch (e) { return true } }`

// A function of the request is called once, and the database then gets the query that its result leaves.
func TestFunctionOfTheRequest(t *testing.T) {
	s := returning(docs(t, `{"_id": 1}`, `{"_id": 2}`)...)
	p, _ := newCalling(t, s, member, map[string]string{"system": asking})
	got, err := find(t, p, proxy.Find{Filter: doc(t, `{"_id": {"$gt": 1}}`)})
	if diff := cmp.Diff([]string{`{"_id":2}`}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if len(s.asked) != 2 || text(t, s.asked[0].Filter) != `{"_id":"ua"}` || text(t, s.asked[1].Filter) != `{"_id":{"$gt":1}}` {
		t.Errorf("asked %d times, %v", len(s.asked), s.asked)
	}
}

// Calls with the same arguments are made once a request, whatever documents they come from.
func TestFunctionOfDocuments(t *testing.T) {
	s := returning(docs(t, `{"_id": 1, "team": "a"}`, `{"_id": 2, "team": "b"}`, `{"_id": 3, "team": "a"}`)...)
	role := `{"name": "team", "apply_when": {"%function": {"name": "system", "arguments": ["%%root.team"]}}, "read": true}`
	p, _ := newCalling(t, s, role, map[string]string{"system": `exports = async team => {
		await context.services.get("mongodb-atlas").db("app").collection("teams").count({team}); return team === "a" }`})
	got, err := find(t, p, proxy.Find{})
	if diff := cmp.Diff([]string{`{"_id":1,"team":"a"}`, `{"_id":3,"team":"a"}`}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if len(s.counted) != 2 {
		t.Errorf("%d counts for two teams", len(s.counted))
	}
}

// What the database could not answer makes the function fail, even one that takes it for an answer.
func TestFunctionWithoutDatabase(t *testing.T) {
	for _, failure := range []error{proxy.ErrUnavailable, proxy.ErrTimeout, errors.New("surprise")} {
		stored := docs(t, `{"_id": 1}`)
		s := returning(stored...)
		asked := 0
		s.find = func(q proxy.Query) ([]bson.Raw, error) {
			if asked++; asked == 1 {
				return nil, failure
			}
			return answer(stored, q)
		}
		p, l := newCalling(t, s, member, map[string]string{"system": asking})
		if got, err := find(t, p, proxy.Find{}); len(got) > 0 || err != nil {
			t.Errorf("%v: got %v, %v", failure, got, err)
		}
		if !strings.Contains(l.String(), "a function failed") {
			t.Errorf("%v: the log says %s", failure, l)
		}
		asked = 0
		_, err := p.Insert(t.Context(), ann, proxy.Insert{NS: ns, Documents: docs(t, `{"_id": 9}`)})
		if e, ok := errors.AsType[*proxy.Error](err); !ok || e.Kind != proxy.Denied || len(s.writes) > 0 {
			t.Errorf("%v: insert: %v, %d writes", failure, err, len(s.writes))
		}
	}
}

// Databases that are served to nobody are not there for functions that run as the system, either.
func TestSystemIsServedNoOthers(t *testing.T) {
	for _, database := range []string{"admin", "local", "config"} {
		s := returning(docs(t, `{"_id": 1}`)...)
		p, _ := newCalling(t, s, member, map[string]string{"system": `exports = async () =>
			await context.services.get("mongodb-atlas").db("` + database + `").collection("c").count() > 0`})
		if got, err := find(t, p, proxy.Find{}); len(got) > 0 || err != nil || len(s.counted) > 0 {
			t.Errorf("%s: got %v, %v", database, got, err)
		}
	}
}

// The log tells where a function failed, once, and nothing of what it said.
func TestFunctionLog(t *testing.T) {
	s := returning(docs(t, `{"_id": 1, "v": "hush-1"}`, `{"_id": 2, "v": "hush-2"}`)...)
	role := `{"name": "v", "apply_when": {"%function": {"name": "f", "arguments": ["%%root.v"]}}, "read": true}`
	p, l := newCalling(t, s, role, map[string]string{"f": "exports = v => {\n  throw new Error(v) }"})
	if got, err := find(t, p, proxy.Find{}); len(got) > 0 || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	if strings.Contains(l.String(), "hush") || strings.Count(l.String(), "a function failed") != 1 || !strings.Contains(l.String(), "functions/f.js:2") {
		t.Errorf("the log says %s", l)
	}
}

// A request that has ended calls nothing.
func TestFunctionOfCancelledRequest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := returning(docs(t, `{"_id": 1}`)...)
	p, _ := newCalling(t, s, member, map[string]string{"system": `exports = () => true`})
	err := p.Find(ctx, ann, proxy.Find{NS: ns}, func(d bson.Raw) error {
		t.Errorf("got %s", text(t, d))
		return nil
	})
	if err != nil && ctx.Err() == nil {
		t.Error(err)
	}
}
