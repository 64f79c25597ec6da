package proxy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// An upsert that loses the race for its key reads custom user data again. The guard pins what the rules read now.
func TestGuardFollowsANewBinding(t *testing.T) {
	roles := `{"name": "a", "apply_when": {"%%user.custom_data.kind": "a", "x": 1}, "write": true},` +
		`{"name": "b", "apply_when": {"%%user.custom_data.kind": "b", "y": 1}, "write": true}`
	users := rules.Namespace{Service: "mongodb-atlas", Database: "app", Collection: "users"}
	kind, stored := "a", docs(t)
	s := returning()
	s.find = func(q proxy.Query) ([]bson.Raw, error) {
		if strings.Contains(text(t, q.Filter), `"user"`) {
			return docs(t, `{"_id":"u","user":"ua","kind":"`+kind+`"}`), nil
		}
		return stored, nil
	}
	s.write = func(ws []proxy.GuardedWrite) (proxy.WriteResult, error) {
		if ws[0].Kind == proxy.InsertDocument {
			kind, stored = "b", docs(t, `{"_id":"k","y":1}`)
			return proxy.WriteResult{}, proxy.ErrDuplicateKey
		}
		return allMatched(len(ws)), nil
	}
	p, _ := newProxy(t, s, roles, ``, func(c *proxy.Config) {
		c.CustomData = &proxy.CustomDataSource{NS: users, UserIDField: "user"}
	})
	got, err := update(t, p, `{"_id":"k"}`, `{"$set":{"n":1},"$setOnInsert":{"x":1}}`, upsert)
	if err != nil || got.Modified != 1 {
		t.Fatalf("upsert = %+v, %v", got, err)
	}
	want := `update "k" set n={"$numberInt":"1"} while no n while y={"$numberInt":"1"}`
	if diff := cmp.Diff(want, sayAll(t, s)[1]); diff != "" {
		t.Errorf("write (-want +got):\n%s", diff)
	}
}

// A document that is denied when it is decided again is a conflict once others were stored, and a denial before.
func TestDeniedAfterALostRace(t *testing.T) {
	for _, tt := range []struct {
		matched []bool
		want    proxy.Kind
	}{
		{[]bool{true, false}, proxy.Conflict},
		{[]bool{false, false}, proxy.Denied},
	} {
		s := returning(docs(t, `{"_id":"a","owner":"ua"}`, `{"_id":"b","owner":"ua"}`)...)
		s.write = func([]proxy.GuardedWrite) (proxy.WriteResult, error) {
			s.find = func(proxy.Query) ([]bson.Raw, error) { return docs(t, `{"_id":"b","owner":"ub"}`), nil }
			return proxy.WriteResult{Matched: tt.matched}, nil
		}
		p, _ := newProxy(t, s, owner+`, {"name": "reader", "apply_when": {}, "read": true}`, ``)
		_, err := update(t, p, `{}`, `{"$set":{"n":1}}`, many)
		var e *proxy.Error
		if !errors.As(err, &e) || e.Kind != tt.want || e.Role != "reader" || (e.Done != nil) != tt.matched[0] {
			t.Errorf("update after %v = %+v, want kind %v", tt.matched, err, tt.want)
		}
	}
}

// A failing rule leaves its line also where a document is read again.
func TestWithheldOnTheSecondLook(t *testing.T) {
	s := returning(doc(t, `{"_id":"a","owner":"ua","oid":"5f0000000000000000000000"}`))
	s.write = func([]proxy.GuardedWrite) (proxy.WriteResult, error) {
		s.find = func(proxy.Query) ([]bson.Raw, error) { return docs(t, `{"_id":"a","owner":"ua","oid":"none"}`), nil }
		return proxy.WriteResult{Matched: []bool{false}}, nil
	}
	role := `{"name": "r", "apply_when": {"%%root.owner": "ua", "%%user.id": {"%ne": {"%stringToOid": "%%root.oid"}}}, "write": true}`
	p, l := newProxy(t, s, role, ``)
	if got, err := update(t, p, `{}`, `{"$set":{"n":1}}`, many); err != nil || got.Matched != 0 {
		t.Errorf("update = %+v, %v", got, err)
	}
	if n := strings.Count(l.String(), "documents withheld"); n != 1 {
		t.Errorf("%d lines say that documents were withheld:\n%s", n, l)
	}
}

// What many small documents would become is held until all of it is decided.
func TestLargeChangesOfManyDocuments(t *testing.T) {
	s := returning(docs(t, `{"_id":"a","owner":"ua"}`, `{"_id":"b","owner":"ua"}`, `{"_id":"c","owner":"ua"}`)...)
	p, _ := newProxy(t, s, owner, ``, func(c *proxy.Config) { c.Limits.Memory = 10_000 })
	_, err := update(t, p, `{}`, `{"$set":{"x":"`+strings.Repeat("x", 4000)+`"}}`, many)
	if kindOf(err) != proxy.Invalid || len(s.writes) != 0 {
		t.Errorf("update = %v, %d writes", err, len(s.writes))
	}
	if got, err := update(t, p, `{}`, `{"$set":{"x":"`+strings.Repeat("x", 1000)+`"}}`, many); err != nil || got.Modified != 3 {
		t.Errorf("a smaller update = %+v, %v", got, err)
	}
}
