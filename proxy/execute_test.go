package proxy_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/proxy"
)

// meanwhile is a model in which somebody else stores documents after a call.
func meanwhile(t *testing.T, call int, texts ...string) *model {
	t.Helper()
	m := owned(t)
	m.after = func(n int) {
		if n == call {
			for _, d := range texts {
				m.put(t, d)
			}
		}
	}
	return m
}

// What a bulk write has lost is decided anew, operation by operation, and the rest is not sent again.
func TestBulkLostRaces(t *testing.T) {
	increase := func(filter string, change ...func(*proxy.Update)) proxy.Update {
		return updateOne(t, filter, `{"$inc":{"n":10}}`, change...)
	}
	reader := owner + `, {"name": "reader", "apply_when": {}, "read": true}`
	hidden := `{"_id":"a","owner":"uc"}`
	for name, tt := range map[string]struct {
		m         *model
		roles     string
		unordered bool
		ops       []proxy.BulkOperation
		want      string // answered
		kind      proxy.Kind
		done      string // of the error
		calls     int
	}{
		"one of many": {
			meanwhile(t, 2, `{"_id":"a","owner":"ua","n":0}`), owner, false,
			[]proxy.BulkOperation{increase(`{"n":{"$lt":3}}`, many), deleteOne(t, `{"n":3}`)},
			`m2/2 d1`, 0, ``, 5,
		},
		"all of many": {
			meanwhile(t, 1, `{"_id":"a","owner":"ua","n":0}`, `{"_id":"b","owner":"ua","n":0}`), owner, false,
			[]proxy.BulkOperation{increase(`{"n":{"$lt":3}}`, many)},
			`m2/2`, 0, ``, 5,
		},
		"a document that left the view": {
			meanwhile(t, 2, hidden), owner, false,
			[]proxy.BulkOperation{increase(`{"_id":"a"}`), increase(`{"_id":"b"}`)},
			`m1/1`, 0, ``, 4,
		},
		"another document is the first": {
			meanwhile(t, 1, hidden), owner, false, []proxy.BulkOperation{increase(`{"n":{"$lt":3}}`)}, `m1/1`, 0, ``, 4,
		},
		"another document is the first, and another operation has deleted it": {
			meanwhile(t, 2, hidden), owner, false,
			[]proxy.BulkOperation{increase(`{"n":{"$lt":3}}`), deleteOne(t, `{"n":{"$gt":1}}`)},
			`d1`, 0, ``, 4, // deleted by then
		},
		"another document is the first, and another operation has changed it": {
			meanwhile(t, 2, hidden), owner, false,
			[]proxy.BulkOperation{increase(`{"owner":"ua"}`), updateOne(t, `{"_id":"b"}`, `{"$set":{"x":1}}`)},
			``, proxy.Conflict, `m1/1`, 4,
		},
		"nobody's any more, before anything was stored": {
			meanwhile(t, 1, `{"_id":"a","owner":"ub"}`), reader, false,
			[]proxy.BulkOperation{increase(`{"_id":"a"}`)},
			``, proxy.Denied, ``, 3,
		},
		"nobody's any more, when others were stored": {
			meanwhile(t, 2, `{"_id":"a","owner":"ub"}`), reader, true,
			[]proxy.BulkOperation{increase(`{"_id":"a"}`), increase(`{"_id":"b"}`)},
			``, proxy.Conflict, `m1/1`, 4,
		},
		"an upsert that somebody else was faster with": {
			meanwhile(t, 1, `{"_id":"u","owner":"ua","n":1}`), owner, false,
			[]proxy.BulkOperation{updateOne(t, `{"_id":"u"}`, `{"$set":{"owner":"ua"},"$inc":{"n":10}}`, upsert), insertOne(t, `{"_id":"i","owner":"ua"}`)},
			`m1/1 i1:"i"`, 0, ``, 4,
		},
		"an upsert whose document has gone": {
			meanwhile(t, 1, hidden), owner, false,
			[]proxy.BulkOperation{updateOne(t, `{"n":1}`, `{"$set":{"owner":"ua"},"$inc":{"m":1},"$setOnInsert":{"_id":"u"}}`, upsert)},
			`u0:"u"`, 0, ``, 5,
		},
	} {
		p, _ := newProxy(t, tt.m, tt.roles, ``)
		got, err := bulk(t, p, tt.unordered, tt.ops...)
		if got != tt.want || err == nil != (tt.kind == 0) || err != nil && kindOf(err) != tt.kind || doneOf(err) != tt.done || tt.m.calls != tt.calls {
			t.Errorf("%s: %s, %v (done %s) after %d calls, want %s, kind %d (done %s) after %d", name, got, err, doneOf(err), tt.m.calls, tt.want, tt.kind, tt.done, tt.calls)
		}
	}
}

// Two upserts of one bulk write do not see each other: what the first one has inserted is not changed by the second.
func TestBulkUpsertsOfOneKey(t *testing.T) {
	for _, unordered := range []bool{false, true} {
		m := newModel()
		m.fail = &fault{call: 3, err: proxy.ErrDuplicateKey, applied: 1, told: true, at: true} // a unique index on k
		p, _ := newProxy(t, m, owner, ``)
		_, err := bulk(t, p, unordered,
			updateOne(t, `{"k":1}`, `{"$set":{"owner":"ua"},"$setOnInsert":{"_id":"x"}}`, upsert),
			updateOne(t, `{"k":1}`, `{"$set":{"owner":"ua","n":1},"$setOnInsert":{"_id":"y"}}`, upsert),
			insertOne(t, `{"_id":"z","owner":"ua"}`),
		)
		want := `u0:"x"`
		if unordered {
			want = `i2:"z" u0:"x"`
		}
		if kindOf(err) != proxy.DuplicateKey || doneOf(err) != want {
			t.Errorf("unordered %v: %v, done %s, want %s", unordered, err, doneOf(err), want)
		}
	}
}

// Where the server reports only totals, nothing is repeated, and the answer has what they tell.
func TestBulkTotalsOnly(t *testing.T) {
	s := returning(docs(t, `{"_id":"a","owner":"ua"}`, `{"_id":"b","owner":"ua"}`, `{"_id":"c","owner":"ua"}`, `{"_id":"d","owner":"ua"}`)...)
	s.write = func([]proxy.GuardedWrite) (proxy.WriteResult, error) {
		return proxy.WriteResult{Done: 4, Inserted: 2, Deleted: 1}, nil
	}
	p, _ := newProxy(t, s, owner, ``)
	_, err := bulk(t, p, false,
		insertOne(t, `{"_id":"x","owner":"ua"}`),
		updateOne(t, `{"_id":{"$lt":"c"}}`, `{"$set":{"n":1}}`, many),
		proxy.Delete{Filter: doc(t, `{"_id":{"$gte":"c"}}`), Many: true},
		insertOne(t, `{"_id":"y","owner":"ua"}`),
	)
	if want := `m1/1 d1 i0:"x" i3:"y"`; kindOf(err) != proxy.Conflict || doneOf(err) != want || len(s.writes) != 1 {
		t.Errorf("BulkWrite = %v, done %s, %d writes, want %s", err, doneOf(err), len(s.writes), want)
	}
}

// An upsert whose targets all go away meanwhile inserts after all.
func TestUpsertWithoutTargetsInTheEnd(t *testing.T) {
	for _, op := range []proxy.Update{
		updateOne(t, `{"n":{"$lt":3}}`, `{"$set":{"owner":"ua","n":4}}`, upsert),
		updateOne(t, `{"n":{"$lt":3}}`, `{"$set":{"owner":"ua","n":4}}`, upsert, many),
	} {
		m := meanwhile(t, 1, `{"_id":"a","owner":"uc"}`, `{"_id":"b","owner":"uc"}`)
		op.NS = ns
		p, _ := newProxy(t, m, owner, ``)
		got, err := p.Update(t.Context(), ann, op)
		if err != nil || got.Matched != 0 || got.Upserted.Type != bson.TypeObjectID || m.stored != (effect{inserted: 1}) {
			t.Errorf("many %v: %+v, %v, stored %v", op.Many, got, err, m.stored)
		}
	}
	// One that is there only when it is not asked for does not go on for ever.
	m := owned(t)
	m.after = func(n int) { m.put(t, `{"_id":"a","owner":"`+[]string{"ua", "uc", "uc"}[n%3]+`","n":1}`) }
	p, _ := newProxy(t, m, owner, ``)
	op := updateOne(t, `{"_id":"a"}`, `{"$inc":{"n":1},"$setOnInsert":{"owner":"ua"}}`, upsert)
	op.NS = ns
	if got, err := p.Update(t.Context(), ann, op); kindOf(err) != proxy.Conflict || m.stored != (effect{}) || m.calls != 9 {
		t.Errorf("a document that comes and goes: %+v, %v after %d calls, stored %v", got, err, m.calls, m.stored)
	}
}

// A long read may meet a document that moves twice. It is changed once.
func TestTargetsAreDecidedOnce(t *testing.T) {
	s := returning()
	s.find = func(proxy.Query) ([]bson.Raw, error) {
		return docs(t, `{"_id":"a","owner":"ua","n":1}`, `{"_id":"b","owner":"ua","n":1}`, `{"_id":"a","owner":"ua","n":2}`), nil
	}
	p, _ := newProxy(t, s, owner, ``)
	if got, err := update(t, p, `{}`, `{"$inc":{"n":1}}`, many); err != nil || got.Matched != 2 || got.Modified != 2 {
		t.Errorf("update = %+v, %v", got, err)
	}
	if diff := cmp.Diff(2, len(sayAll(t, s))); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}

// However many write at once: no increment is lost or counted twice, what an answer says was done was done, and nothing
// is done to a document that is not the user's at that moment.
func TestConcurrentWriters(t *testing.T) {
	m := owned(t)
	m.meets = func(stored bson.Raw) {
		if owner, _ := stored.Lookup("owner").StringValueOK(); owner != "ua" {
			t.Errorf("somebody else's document is changed: %s", stored)
		}
	}
	p, _ := newProxy(t, m, owner, ``)
	increment := updateOne(t, `{}`, `{"$inc":{"by":1}}`)
	increment.NS = ns
	all := increment
	all.Many = true
	writers := []func() (effect, error){
		func() (effect, error) { return ofUpdate(p.Update(t.Context(), ann, increment)) },
		func() (effect, error) { return ofUpdate(p.Update(t.Context(), ann, all)) },
		func() (effect, error) {
			found, err := p.FindOneAndUpdate(t.Context(), ann, proxy.FindOneAndUpdate{Update: increment})
			if found == nil {
				return effect{}, err
			}
			return effect{modified: 1}, err
		},
		func() (effect, error) {
			return ofBulk(p.BulkWrite(t.Context(), ann, proxy.BulkWrite{NS: ns, Operations: []proxy.BulkOperation{
				updateOne(t, `{"_id":{"$lte":"b"}}`, `{"$inc":{"by":1}}`, many), updateOne(t, `{"_id":{"$gt":"b"}}`, `{"$inc":{"by":1}}`),
			}}))
		},
	}
	var wg sync.WaitGroup
	var counted, conflicts atomic.Int64
	for _, write := range slices.Concat(writers, writers) {
		wg.Go(func() {
			for range 50 {
				e, err := write()
				if err != nil {
					e = ofError(err)
					conflicts.Add(1)
				}
				if err != nil && kindOf(err) != proxy.Conflict {
					t.Errorf("a write ends with %v", err)
				}
				counted.Add(int64(e.modified))
			}
		})
	}
	wg.Go(func() { // documents change hands
		for i := range 200 {
			m.hand(t, "ab"[i%2:i%2+1], []string{"ub", "ua"}[i/2%2])
		}
	})
	wg.Wait()
	var sum int64
	for _, d := range m.collections[ns] {
		by, _ := d.Lookup("by").AsInt64OK()
		sum += by
	}
	if sum != counted.Load() || sum != int64(m.stored.modified) || sum == 0 {
		t.Errorf("stored are %d increments, %d are counted, %d were made", sum, counted.Load(), m.stored.modified)
	}
	t.Log(sum, "increments,", conflicts.Load(), "conflicts")
}
