package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// places answers for each collection on its own and counts what each was asked.
type places struct {
	*store
	docs  map[string][]bson.Raw
	fails map[string]error
	asked map[string]int
}

func (s *places) Find(_ context.Context, at rules.Namespace, q proxy.Query) iter.Seq2[bson.Raw, error] {
	s.asked[at.Collection]++
	return func(yield func(bson.Raw, error) bool) {
		found, err := answer(s.docs[at.Collection], q)
		for _, d := range found {
			if !yield(d, nil) {
				return
			}
		}
		if err = errors.Join(err, s.fails[at.Collection]); err != nil {
			yield(nil, err)
		}
	}
}

// lookingUp is a proxy with the lookup groups, which several roles need, and documents of three groups.
func lookingUp(t *testing.T, more string, groups []bson.Raw) (*proxy.Proxy, *places, *logs, *time.Time) {
	t.Helper()
	policy := policyOf(t, map[string]string{
		"lookups/groups.json": `{"database": "app", "collection": "groups", "match": {"members": "%%user.id"}, "select": "name"` + more + `}`,
		"data_sources/mongodb-atlas/app/c/rules.json": `{"database": "app", "collection": "c", "roles": [
			{"name": "closed", "apply_when": {"closed": true, "group": {"%in": "%%lookups.groups"}}, "read": true},
			{"name": "member", "apply_when": {"group": {"%in": "%%lookups.groups"}}, "read": true, "write": true}
		], "filters": [{"name": "f", "apply_when": {}, "query": {"group": {"$in": "%%lookups.groups"}}}]}`,
	})
	s := &places{store: returning(), asked: map[string]int{}, fails: map[string]error{}, docs: map[string][]bson.Raw{
		"groups": groups, "c": docs(t, `{"_id": 1, "group": "g1"}`, `{"_id": 2, "group": "g2"}`, `{"_id": 3}`),
	}}
	now := time.Unix(1_700_000_000, 0)
	p, l := newProxy(t, s, ``, ``, func(c *proxy.Config) {
		c.Policy, c.Now = policy, func() time.Time { return now }
	})
	return p, s, l, &now
}

func TestLookupIsAskedOncePerRequest(t *testing.T) {
	t.Parallel()
	p, s, _, _ := lookingUp(t, ``, docs(t, `{"_id": 1, "name": "g1", "members": ["ua"]}`))
	for range 2 {
		got, err := find(t, p, proxy.Find{})
		if err != nil || len(got) != 1 {
			t.Fatalf("found %v, %v", got, err)
		}
	}
	if s.asked["groups"] != 2 {
		t.Errorf("two requests ask %d times", s.asked["groups"])
	}
}

func TestLookupIsKeptForReadsOnly(t *testing.T) {
	t.Parallel()
	p, s, _, now := lookingUp(t, `, "cache_seconds": 10`, docs(t, `{"_id": 1, "name": "g1", "members": ["ua"]}`))
	read := func(want int) {
		t.Helper()
		if got, err := find(t, p, proxy.Find{}); err != nil || len(got) != want {
			t.Errorf("found %v, %v, want %d", got, err, want)
		}
	}
	read(1)
	s.docs["groups"] = nil
	*now = now.Add(9 * time.Second)
	read(1)
	u := proxy.Update{NS: ns, Filter: doc(t, `{}`), Update: doc(t, `{"$set": {"x": 1}}`)}
	if r, err := p.Update(t.Context(), ann, u); err != nil || r.Matched != 0 {
		t.Errorf("a write is decided by what was kept: %+v, %v", r, err)
	}
	*now = now.Add(2 * time.Second)
	read(0)
	if s.asked["groups"] != 3 {
		t.Errorf("the groups are asked for %d times", s.asked["groups"])
	}
}

// What cannot be looked up grants nothing, and the log says so without values.
func TestLookupFails(t *testing.T) {
	t.Parallel()
	var many []bson.Raw
	for i := range 10_001 {
		many = append(many, doc(t, fmt.Sprintf(`{"_id": %d, "name": "g%d", "members": "ua"}`, i, i)))
	}
	for name, c := range map[string]struct {
		groups []bson.Raw
		err    error
	}{
		"too many values":       {groups: many},
		"a database that fails": {groups: docs(t, `{"_id": 1, "name": "g1", "members": "ua"}`), err: proxy.ErrUnavailable},
	} {
		p, s, l, _ := lookingUp(t, ``, c.groups)
		s.fails["groups"] = c.err
		if got, err := find(t, p, proxy.Find{}); err != nil || len(got) != 0 {
			t.Errorf("%s: found %v, %v", name, got, err)
		}
		if _, err := p.Insert(t.Context(), ann, proxy.Insert{NS: ns, Documents: docs(t, `{"group": "g1"}`)}); err == nil {
			t.Errorf("%s: an insert is stored", name)
		}
		if !strings.Contains(l.String(), "lookup=groups") || strings.Contains(l.String(), "g1") {
			t.Errorf("%s: the log says %s", name, l)
		}
	}
}

// What is found now can be planned with later, whatever has become of it.
func TestFoundNow(t *testing.T) {
	t.Parallel()
	p, s, _, _ := lookingUp(t, ``, docs(t, `{"_id": 1, "name": "g1", "members": "ua"}`))
	c := ann
	c.Found = p.FoundNow(t.Context(), c, rules.CustomData{})
	s.docs["groups"] = nil
	plan, err := p.Plan(c, rules.CustomData{}, "find", proxy.Find{NS: ns})
	if err != nil || len(c.Found) != 1 {
		t.Fatalf("%v, %v", c.Found, err)
	}
	if d := plan.Bound.Decider().Decide(doc(t, `{"_id": 1, "group": "g1"}`)); d.Role == "" {
		t.Error("no role applies to a document of a group that was found")
	}
	if found := p.FoundNow(t.Context(), ann, rules.CustomData{}); len(found) != 1 || len(found["groups"].Value) != len(bsonval.Empty()) {
		t.Errorf("found %v of no group", found)
	}
	s.fails["groups"] = proxy.ErrUnavailable
	if found := p.FoundNow(t.Context(), ann, rules.CustomData{}); len(found) != 0 {
		t.Errorf("found %v of what cannot be asked", found)
	}
}

// Two queries that are written alike are not the same: what was kept for one user is not what another one is shown.
func TestLookupsThatLookAlike(t *testing.T) {
	t.Parallel()
	policy := policyOf(t, map[string]string{
		"lookups/groups.json": `{"database": "app", "collection": "groups", "match": {"of": "%%user.data.of"}, "select": "name", "cache_seconds": 10}`,
		"data_sources/mongodb-atlas/app/c/rules.json": `{"database": "app", "collection": "c", "roles": [
			{"name": "member", "apply_when": {"group": {"%in": "%%lookups.groups"}}, "read": true}
		]}`,
	})
	s := &places{store: returning(), asked: map[string]int{}, docs: map[string][]bson.Raw{
		"groups": docs(t, `{"_id": 1, "name": "g1", "of": {"a": 1, "b": 2}}`), "c": docs(t, `{"_id": 1, "group": "g1"}`),
	}}
	p, _ := newProxy(t, s, ``, ``, func(c *proxy.Config) { c.Policy = policy })
	for data, want := range map[string]int{`{"a": 1, "b": 2}`: 1, `{"a\": {\"$numberInt\":\"1\"},\"b": 2}`: 0} {
		user := &rules.User{ID: "ux", Type: rules.NormalUser, Data: doc(t, `{"of": `+data+`}`)}
		found := 0
		err := p.Find(t.Context(), proxy.Caller{User: user}, proxy.Find{NS: ns}, func(bson.Raw) error { found++; return nil })
		if err != nil || found != want {
			t.Errorf("who has %s finds %d documents, %v", data, found, err)
		}
	}
}

// ofGroups serves app.c and app.d to members of groups, with functions. A group that was found is kept for an hour.
func ofGroups(t *testing.T, roleOfC string, functions map[string]string) (*proxy.Proxy, *places) {
	t.Helper()
	files := fstest.MapFS{
		"root_config.json":                       {Data: []byte(`{"app_id": "demo-abcde", "config_version": 20210101}`)},
		"data_sources/mongodb-atlas/config.json": {Data: []byte(`{"name": "mongodb-atlas", "type": "mongodb-atlas"}`)},
		"lookups/groups.json": {
			Data: []byte(`{"database": "app", "collection": "groups", "match": {"members": "%%user.id"}, "select": "name", "cache_seconds": 3600}`),
		},
		"data_sources/mongodb-atlas/app/c/rules.json": {Data: []byte(`{"database": "app", "collection": "c", "roles": [` + roleOfC + `]}`)},
		"data_sources/mongodb-atlas/app/d/rules.json": {
			Data: []byte(`{"database": "app", "collection": "d", "roles": [{"name": "member", "apply_when": {"group": {"%in": "%%lookups.groups"}}, "read": true}]}`),
		},
		"functions/config.json": {Data: []byte(`[]`)},
	}
	for name, source := range functions {
		files["functions/"+name+".js"] = &fstest.MapFile{Data: []byte(source)}
	}
	s := &places{store: returning(), asked: map[string]int{}, docs: map[string][]bson.Raw{
		"groups": docs(t, `{"_id": 1, "name": "g1", "members": ["ua"]}`), "d": docs(t, `{"_id": 1, "group": "g1"}`),
	}}
	p, _ := newOf(t, s, files, proxy.Config{})
	return p, s
}

const countD = `(await context.services.get("mongodb-atlas").db("app").collection("d").find().toArray()).length`

// What a function is told that a rule about a write has called is as fresh as all else that the write is decided by.
func TestLookupIsNotKeptForFunctionsOfWrites(t *testing.T) {
	t.Parallel()
	role := `{"name": "r", "apply_when": {}, "read": true, "write": true, "insert": {"%function": {"name": "member"}}}`
	p, s := ofGroups(t, role, map[string]string{"member": `exports = async () => ` + countD + ` > 0`})
	insert := proxy.Insert{NS: ns, Documents: docs(t, `{"_id": 1}`)}
	if err := p.Find(t.Context(), ann, proxy.Find{NS: rules.Namespace{Service: ns.Service, Database: "app", Collection: "d"}}, nothing); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Insert(t.Context(), ann, insert); err != nil {
		t.Fatal(err)
	}
	s.docs["groups"] = nil
	if _, err := p.Insert(t.Context(), ann, insert); err == nil {
		t.Error("an insert is decided by what was kept")
	}
}

func nothing(bson.Raw) error { return nil }

// What a lookup has found holds for one operation of an endpoint: between two of them it may have written.
func TestEndpointLooksUpAnew(t *testing.T) {
	t.Parallel()
	role := `{"name": "member", "apply_when": {"group": {"%in": "%%lookups.groups"}}, "read": true, "write": true}`
	insert := `await context.services.get("mongodb-atlas").db("app").collection("c").insertOne({group: "g1"})`
	p, s := ofGroups(t, role, map[string]string{"twice": `exports = async () => { ` + insert + `; ` + insert + ` }`})
	if _, err := p.Serve(t.Context(), ann, proxy.Endpoint{Function: "twice"}); err != nil {
		t.Fatal(err)
	}
	if s.asked["groups"] != 2 {
		t.Errorf("two operations ask %d times", s.asked["groups"])
	}
}
