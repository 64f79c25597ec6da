package server_test

import (
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/integration/testdb"
	"github.com/rolegate/rolegate/internal/source"
)

const hostileFunctions = `
-- data_sources/mongodb-atlas/DB/shelf/rules.json --
{"database": "DB", "collection": "shelf", "roles": [
  {"name": "by function", "apply_when": {"%%true": {"%function": {"name": "judge", "arguments": ["%%user.id"]}}}, "read": true},
  {"name": "rest", "apply_when": {}, "read": true}
]}
-- functions/judge.js --
exports = async (id) => {
  switch (id) {
  case "loops": while (true) {}
  case "throws": throw new Error("hush");
  case "allocates": { const all = []; while (true) all[all.length] = [all.length, {}]; }
  case "doubles": { let s = "x"; while (true) s += s; }
  case "recurses": { const f = () => 1 + f(); return f(); }
  case "executes": return context.functions.execute("judge", id);
  case "asks": {
    const shelf = context.services.get("mongodb-atlas").db("DB").collection("shelf");
    return (await shelf.find({}).toArray().catch(() => [])).length === 0;
  }
  }
  return id === "ann";
};
`

// TestHostileFunctions holds that a function that does not end as it should grants nothing to who makes it do so, and keeps
// nobody else from what is theirs, who asks at the same time.
func TestHostileFunctions(t *testing.T) {
	db := testdb.Open(t)
	h := newHouse(t, db, app+hostileFunctions)
	h.options.Settings = &source.File{Name: "settings", Text: []byte(`{"user_rate": 0}`)}
	db.Seed(t, h.database, "shelf", bson.D{{Key: "_id", Value: 1}})
	s, _ := h.start()
	find := func(user, want string) {
		if got := h.ask(s, "jwtTokenString", token(user, nil), "find", "shelf", ""); got != want {
			t.Errorf("%s: %s, want %s", user, got, want)
		}
	}
	const all, none = `200 {"documents":[{"_id":1}]}`, `200 {"documents":[]}`
	var hostile sync.WaitGroup
	for _, user := range []string{"loops", "throws", "allocates", "doubles", "recurses", "executes", "asks"} {
		hostile.Go(func() {
			for range 3 {
				find(user, none)
			}
		})
	}
	for range 3 {
		if got := h.ask(s, "jwtTokenString", token("bob", nil), "find", "notes", ""); got != none {
			t.Errorf("a collection without functions meanwhile: %s", got)
		}
	}
	hostile.Wait()
	find("ann", all)
	find("bob", all)
	if log := h.log.String(); strings.Contains(log, "hush") {
		t.Errorf("the log repeats what a function says:\n%s", log)
	}
}
