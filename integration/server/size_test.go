package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rolegate/rolegate/integration/testdb"
)

// TestTooLarge sends documents around the limit of the database. Whatever would exceed it is refused before anything is
// written, also where an update would make it so.
func TestTooLarge(t *testing.T) {
	const limit = 16 << 20
	h := newHouse(t, testdb.Open(t), app)
	s, _ := h.start()
	ask := func(action, more string) string {
		return h.ask(s, "jwtTokenString", token("ua", nil), action, "notes", more)
	}
	text := func(n int) string { return strings.Repeat("x", n) }
	large := fmt.Sprintf(`"_id":"a","owner":"ua","text":%q`, text(limit-200))
	if got := ask("insertOne", `,"document":{`+large+`}`); !strings.HasPrefix(got, "200 ") {
		t.Fatalf("a document below the limit: %.200s", got)
	}
	more := text(200)
	for name, got := range map[string]string{
		"insert":      ask("insertOne", fmt.Sprintf(`,"document":{"owner":"ua","text":%q}`, text(limit))),
		"one of many": ask("insertMany", fmt.Sprintf(`,"documents":[{"_id":"b","owner":"ua"},{"owner":"ua","text":%q}]`, text(limit))),
		"set":         ask("updateOne", fmt.Sprintf(`,"filter":{"_id":"a"},"update":{"$set":{"more":%q}}`, more)),
		"push":        ask("updateOne", fmt.Sprintf(`,"filter":{"_id":"a"},"update":{"$push":{"more":%q}}`, more)),
		"set many":    ask("updateMany", fmt.Sprintf(`,"filter":{},"update":{"$set":{"more":%q}}`, more)),
		"replace":     ask("replaceOne", fmt.Sprintf(`,"filter":{"_id":"a"},"replacement":{"owner":"ua","text":%q}`, text(limit))),
		"upsert":      ask("updateOne", fmt.Sprintf(`,"filter":{"_id":"c"},"update":{"$set":{"owner":"ua","text":%q}},"upsert":true`, text(limit))),
	} {
		if !strings.HasPrefix(got, "400 ") || !strings.Contains(got, "too large") {
			t.Errorf("%s: %.200s", name, got)
		}
	}
	if got := ask("find", `,"filter":{},"projection":{"_id":1,"more":1}`); got != `200 {"documents":[{"_id":"a"}]}` {
		t.Errorf("stored: %.200s", got)
	}
}
