package proxy_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/proxy"
)

func bulk(t *testing.T, p *proxy.Proxy, unordered bool, ops ...proxy.BulkOperation) (string, error) {
	t.Helper()
	res, err := p.BulkWrite(t.Context(), ann, proxy.BulkWrite{NS: ns, Operations: ops, Unordered: unordered})
	return sayBulk(res), err
}

// sayBulk prints a result in one line, "" for none.
func sayBulk(r proxy.BulkResult) string {
	var b strings.Builder
	if r.Matched > 0 {
		fmt.Fprintf(&b, "m%d/%d ", r.Matched, r.Modified)
	}
	if r.Deleted > 0 {
		fmt.Fprintf(&b, "d%d ", r.Deleted)
	}
	for _, id := range r.Inserted {
		fmt.Fprintf(&b, "i%d:%v ", id.Operation, id.ID)
	}
	for _, id := range r.Upserted {
		fmt.Fprintf(&b, "u%d:%v ", id.Operation, id.ID)
	}
	return strings.TrimSpace(b.String())
}

// doneOf is what an error says was done before it.
func doneOf(err error) string {
	var e *proxy.Error
	if !errors.As(err, &e) || e.Done == nil {
		return ""
	}
	return sayBulk(*e.Done.Bulk)
}

func insertOne(t *testing.T, d string) proxy.InsertOne {
	t.Helper()
	return proxy.InsertOne{Document: doc(t, d)}
}

func updateOne(t *testing.T, filter, u string, change ...func(*proxy.Update)) proxy.Update {
	t.Helper()
	op := proxy.Update{Filter: doc(t, filter), Update: doc(t, u)}
	for _, f := range change {
		f(&op)
	}
	return op
}

func deleteOne(t *testing.T, filter string) proxy.Delete {
	t.Helper()
	return proxy.Delete{Filter: doc(t, filter)}
}

func TestBulkIsOneWrite(t *testing.T) {
	s := returning(docs(t, `{"_id":"a","owner":"ua","n":1}`, `{"_id":"b","owner":"ua","n":2}`, `{"_id":"c","owner":"ua","n":3}`, `{"_id":"d","owner":"ub","n":1}`)...)
	p, _ := newProxy(t, s, owner, ``)
	got, err := bulk(t, p, false,
		insertOne(t, `{"_id":"x","owner":"ua"}`),
		updateOne(t, `{"n":1}`, `{"$inc":{"n":10}}`, many),
		updateOne(t, `{"_id":"y"}`, `{"$set":{"owner":"ua"}}`, upsert),
		proxy.Replace{Filter: doc(t, `{"n":2}`), Replacement: doc(t, `{"owner":"ua"}`)},
		updateOne(t, `{"_id":"none"}`, `{"$set":{"n":1}}`),
		proxy.Delete{Filter: doc(t, `{"n":{"$gt":2}}`), Many: true},
	)
	if want := `m2/2 d1 i0:"x" u2:"y"`; err != nil || got != want {
		t.Errorf("BulkWrite = %s, %v, want %s", got, err, want)
	}
	want := []string{
		`insert {"_id":"x","owner":"ua"}`,
		`update "a" set n={"$numberInt":"11"} while n={"$numberInt":"1"} while owner="ua"`,
		`insert {"_id":"y","owner":"ua"}`,
		`replace "b" {"_id":"b","owner":"ua"} while {"_id":"b","owner":"ua","n":2}`,
		`delete "c" while n={"$numberInt":"3"} while owner="ua"`,
	}
	if diff := cmp.Diff(want, sayAll(t, s)); diff != "" || len(s.writes) != 1 {
		t.Errorf("%d writes (-want +got):\n%s", len(s.writes), diff)
	}
}

// Everything is decided before anything is written: one denial, one document that does not conform, one malformed
// operation, and nothing is.
func TestBulkIsAllOrNothing(t *testing.T) {
	roles := `{"name": "owner", "apply_when": {"owner": "%%user.id"}, "write": true, "delete": {"keep": {"%exists": false}}},
		{"name": "reader", "apply_when": {}, "read": true}`
	good := []proxy.BulkOperation{insertOne(t, `{"_id":"x","owner":"ua"}`), updateOne(t, `{"_id":"a"}`, `{"$inc":{"n":1}}`)}
	for name, tt := range map[string]struct {
		op   proxy.BulkOperation
		kind proxy.Kind
		text string
	}{
		"update":                        {updateOne(t, `{"_id":"z"}`, `{"$inc":{"n":1}}`), proxy.Denied, "update not permitted"},
		"update of many":                {updateOne(t, `{"_id":{"$gte":"b"}}`, `{"$inc":{"n":1}}`, many), proxy.Denied, "update not permitted"},
		"replacement":                   {proxy.Replace{Filter: doc(t, `{"_id":"z"}`), Replacement: doc(t, `{"owner":"ua"}`)}, proxy.Denied, "update not permitted"},
		"delete":                        {deleteOne(t, `{"_id":"b"}`), proxy.Denied, "delete not permitted"},
		"insert":                        {insertOne(t, `{"_id":"a","owner":"ub"}`), proxy.Denied, "insert not permitted"},
		"upsert":                        {updateOne(t, `{"_id":"y"}`, `{"$set":{"owner":"ub"}}`, upsert), proxy.Denied, "insert not permitted"},
		"schema":                        {updateOne(t, `{"_id":"b"}`, `{"$set":{"n":100}}`), proxy.SchemaFailed, ""},
		"schema of an insert":           {insertOne(t, `{"owner":"ua","n":100}`), proxy.SchemaFailed, ""},
		"operator":                      {updateOne(t, `{"_id":"b"}`, `{"$foo":{"n":1}}`), proxy.Invalid, ""},
		"data":                          {updateOne(t, `{"_id":"b"}`, `{"$inc":{"owner":1}}`), proxy.Invalid, ""},
		"filter":                        {deleteOne(t, `{"$where":"1"}`), proxy.Invalid, ""},
		"document":                      {insertOne(t, `{"a.b":1}`), proxy.Invalid, ""},
		"replacement by a bad document": {proxy.Replace{Filter: doc(t, `{}`), Replacement: doc(t, `{"a":{"$b":1}}`)}, proxy.Invalid, ""},
	} {
		for _, unordered := range []bool{false, true} {
			for _, ops := range [][]proxy.BulkOperation{{tt.op, good[0], good[1]}, {good[0], good[1], tt.op}} {
				m := newModel(docs(t, `{"_id":"a","owner":"ua","n":1}`, `{"_id":"b","owner":"ua","n":1,"keep":1}`, `{"_id":"z","owner":"ub","n":1}`)...)
				p, _ := newProxy(t, m, roles, ``, underSchema(t, roles, numbered))
				_, err := bulk(t, p, unordered, ops...)
				if kindOf(err) != tt.kind || tt.text != "" && err.Error() != tt.text || m.stored != (effect{}) || doneOf(err) != "" {
					t.Errorf("%s: %v, stored %v, want kind %v", name, err, m.stored, tt.kind)
				}
			}
		}
	}
}

// Each operation is decided on what was stored before the bulk, so no document can belong to two of them.
func TestBulkOfOneDocumentTwice(t *testing.T) {
	update := func(filter string) proxy.BulkOperation { return updateOne(t, filter, `{"$inc":{"n":1}}`) }
	for name, ops := range map[string][]proxy.BulkOperation{
		"update twice":         {update(`{"_id":"a"}`), update(`{"n":1}`)},
		"update and delete":    {update(`{}`), deleteOne(t, `{"_id":"a"}`)},
		"no change and delete": {updateOne(t, `{"_id":"a"}`, `{"$set":{"n":1}}`), deleteOne(t, `{"_id":"a"}`)},
		"many and one":         {updateOne(t, `{}`, `{"$inc":{"n":1}}`, many), update(`{"_id":"b"}`)},
		"delete and insert":    {deleteOne(t, `{"_id":"a"}`), insertOne(t, `{"_id":"a","owner":"ua"}`)},
		"insert twice":         {insertOne(t, `{"_id":"x","owner":"ua"}`), insertOne(t, `{"_id":"x","owner":"ua"}`)},
		"upsert twice":         {updateOne(t, `{"_id":"x"}`, `{"$set":{"owner":"ua"}}`, upsert), updateOne(t, `{"_id":"x"}`, `{"$set":{"owner":"ua"}}`, upsert)},
		"insert and upsert":    {insertOne(t, `{"_id":"x","owner":"ua"}`), updateOne(t, `{"_id":"x"}`, `{"$set":{"owner":"ua"}}`, upsert)},
	} {
		m := newModel(docs(t, `{"_id":"a","owner":"ua","n":1}`, `{"_id":"b","owner":"ua","n":2}`)...)
		p, _ := newProxy(t, m, owner, ``)
		if _, err := bulk(t, p, false, ops...); kindOf(err) != proxy.Invalid || m.stored != (effect{}) {
			t.Errorf("%s: %v, stored %v, want an invalid request", name, err, m.stored)
		}
	}
	// Whether the _id of an insert is the hidden one of a document is not for the user to find out this way.
	hiding := `{"name": "r", "apply_when": {}, "insert": true, "fields": {"n": {"write": true}, "_id": {"read": false, "write": {"%%prevRoot": {"%exists": false}}}}}`
	for id, want := range map[string]string{`"a"`: `m1/1`, `"z"`: `m1/1`, `"new"`: ``} {
		for _, many := range []bool{false, true} {
			m := newModel(docs(t, `{"_id":"a","n":1}`, `{"_id":"z","n":5}`)...)
			p, _ := newProxy(t, m, hiding, ``)
			update := updateOne(t, `{"n":{"$lt":4}}`, `{"$inc":{"n":1}}`, func(op *proxy.Update) { op.Many = many })
			_, err := bulk(t, p, false, update, insertOne(t, `{"_id":`+id+`,"n":9}`))
			if taken := want != ``; taken && kindOf(err) != proxy.DuplicateKey || !taken && err != nil || doneOf(err) != want {
				t.Errorf("insert of %s after an update: %v, done %s", id, err, doneOf(err))
			}
			m = newModel(docs(t, `{"_id":"a","n":1}`, `{"_id":"z","n":5}`)...)
			p, _ = newProxy(t, m, hiding, ``)
			if _, err := bulk(t, p, false, insertOne(t, `{"_id":`+id+`,"n":9}`), update); want != `` && kindOf(err) != proxy.DuplicateKey {
				t.Errorf("insert of %s before an update: %v", id, err)
			}
		}
	}
	// Numbers are told apart by their type, as stored documents are.
	m := newModel(doc(t, `{"_id":1,"owner":"ua"}`))
	p, _ := newProxy(t, m, owner, ``)
	if got, err := bulk(t, p, false, deleteOne(t, `{"_id":1}`), insertOne(t, `{"_id":1.0,"owner":"ua"}`)); err != nil || got != `d1 i1:{"$numberDouble":"1.0"}` {
		t.Errorf("delete and insert of an equal number = %s, %v", got, err)
	}
}

// The rules may tell operations apart. An upsert that inserts is an insert.
func TestBulkOperationsAreBoundByKind(t *testing.T) {
	roles := `{"name": "u", "apply_when": {"%%request.operation": "update"}, "fields": {"n": {"write": true}}},
		{"name": "d", "apply_when": {"%%request.operation": "delete", "old": true}, "write": true},
		{"name": "i", "apply_when": {"%%request.operation": "insert", "kind": "new"}, "write": true}`
	m := newModel(docs(t, `{"_id":"a","n":1}`, `{"_id":"b","n":2,"old":true}`, `{"_id":"c","n":3}`)...)
	p, _ := newProxy(t, m, roles, ``)
	got, err := bulk(t, p, false,
		updateOne(t, `{"n":1}`, `{"$inc":{"n":10}}`),
		proxy.Delete{Filter: doc(t, `{}`), Many: true},
		insertOne(t, `{"_id":"x","kind":"new"}`),
		updateOne(t, `{"k":1}`, `{"$set":{"kind":"new"}}`, upsert),
	)
	if err != nil || !strings.HasPrefix(got, `m1/1 d1 i2:"x" u3:`) || m.stored != (effect{2, 1, 1}) {
		t.Errorf("BulkWrite = %s, %v, stored %v", got, err, m.stored)
	}
	if _, err := bulk(t, p, false, insertOne(t, `{"_id":"y","kind":"old"}`)); kindOf(err) != proxy.Denied {
		t.Errorf("an insert that only updates permit: %v", err)
	}
}

func TestBulkStopsOrGoesOn(t *testing.T) {
	ops := []proxy.BulkOperation{
		insertOne(t, `{"_id":"x","owner":"ua"}`),
		insertOne(t, `{"_id":"z","owner":"ua"}`), // taken by somebody else
		updateOne(t, `{"n":{"$gt":0}}`, `{"$inc":{"n":1}}`, many),
		updateOne(t, `{"_id":"zz"}`, `{"$set":{"owner":"ua"}}`, upsert), // so is this
		insertOne(t, `{"_id":"y","owner":"ua"}`),
	}
	for _, tt := range []struct {
		unordered bool
		ops       []proxy.BulkOperation
		done      string
		stored    effect
	}{
		{false, ops, `i0:"x"`, effect{1, 0, 0}},
		{true, ops, `m2/2 i0:"x" i4:"y"`, effect{2, 2, 0}},
		{false, ops[2:], `m2/2`, effect{0, 2, 0}},
		{true, ops[3:], `i1:"y"`, effect{1, 0, 0}},
		{false, ops[3:], ``, effect{}},
	} {
		m := newModel(docs(t, `{"_id":"a","owner":"ua","n":1}`, `{"_id":"b","owner":"ua","n":2}`, `{"_id":"z","owner":"ub"}`, `{"_id":"zz","owner":"ub"}`)...)
		p, _ := newProxy(t, m, owner, ``)
		_, err := bulk(t, p, tt.unordered, tt.ops...)
		if kindOf(err) != proxy.DuplicateKey || doneOf(err) != tt.done || m.stored != tt.stored {
			t.Errorf("unordered %v, %d operations: %v, done %s, stored %v, want %s, %v", tt.unordered, len(tt.ops), err, doneOf(err), m.stored, tt.done, tt.stored)
		}
	}
}

func TestBulkLimits(t *testing.T) {
	var mine []bson.Raw
	var ops []proxy.BulkOperation
	for i := range 10 {
		mine = append(mine, doc(t, fmt.Sprintf(`{"_id":%d,"owner":"ua","n":%d,"x":"%s"}`, i, i, strings.Repeat("x", 100))))
		ops = append(ops, updateOne(t, fmt.Sprintf(`{"n":%d}`, i), `{"$set":{"y":1}}`))
	}
	inserts := []proxy.BulkOperation{insertOne(t, `{"owner":"ua","x":"`+strings.Repeat("x", 5000)+`"}`), insertOne(t, `{"owner":"ua","x":"`+strings.Repeat("x", 5000)+`"}`)}
	unstated := `{"name": "r", "apply_when": {"owner": "%%user.id", "x": {"$regex": "x"}}, "write": true}`
	for name, tt := range map[string]struct {
		ops          []proxy.BulkOperation
		roles        string
		limit        func(*proxy.Limits, int64)
		enough, less int64
		kind         proxy.Kind
	}{
		"operations": {ops, owner, func(l *proxy.Limits, n int64) { l.Inserts = int(n) }, 10, 9, proxy.Invalid},
		"targets":    {ops, owner, func(l *proxy.Limits, n int64) { l.Targets = int(n) }, 10, 9, proxy.Invalid},
		"memory":     {ops, owner, func(l *proxy.Limits, n int64) { l.Memory = n }, 5000, 2000, proxy.Invalid},
		"inserts":    {inserts, owner, func(l *proxy.Limits, n int64) { l.Memory = n }, 20_000, 6000, proxy.Invalid},
		"scan":       {ops, unstated, func(l *proxy.Limits, n int64) { l.Scan = int(n) }, 10, 9, proxy.ScanLimit},
	} {
		for _, n := range []int64{tt.enough, tt.less} {
			m := newModel(mine...)
			p, _ := newProxy(t, m, tt.roles, ``, func(c *proxy.Config) { tt.limit(&c.Limits, n) })
			_, err := bulk(t, p, false, tt.ops...)
			if n == tt.enough && err != nil || n == tt.less && (kindOf(err) != tt.kind || m.stored != (effect{})) {
				t.Errorf("%s with a limit of %d: %v, stored %v", name, n, err, m.stored)
			}
		}
	}
	p, _ := newProxy(t, newModel(), owner, ``)
	if _, err := bulk(t, p, false); kindOf(err) != proxy.Invalid {
		t.Errorf("no operation: %v", err)
	}
}
