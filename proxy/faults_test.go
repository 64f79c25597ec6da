package proxy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// action is one write action on the documents a (n 1), b (n 2) and c (n 3) of Ann's, and z (n 1) of somebody else.
type action struct {
	run   func(ctx context.Context, p *proxy.Proxy) (effect, error)
	want  effect
	calls int // of the store, when nothing fails and nobody else writes
	// others is what somebody else stores between the decision and the write.
	others []string
}

func owned(t testing.TB) *model {
	t.Helper()
	return newModel(docs(t, `{"_id":"a","owner":"ua","n":1}`, `{"_id":"b","owner":"ua","n":2}`,
		`{"_id":"c","owner":"ua","n":3}`, `{"_id":"z","owner":"ub","n":1}`)...)
}

// unsaid is the effect of an answer that does not count.
var unsaid = effect{-1, -1, -1}

func ofUpdate(r proxy.UpdateResult, err error) (effect, error) {
	e := effect{modified: int(r.Modified)}
	if !bsonval.IsMissing(r.Upserted) {
		e.inserted = 1
	}
	return e, err
}

func ofBulk(r proxy.BulkResult, err error) (effect, error) {
	return effect{len(r.Inserted) + len(r.Upserted), int(r.Modified), int(r.Deleted)}, err
}

// ofError is what an error says was done before it.
func ofError(err error) effect {
	var e *proxy.Error
	if !errors.As(err, &e) || e.Done == nil {
		return effect{}
	}
	if e.Done.Bulk != nil {
		claimed, _ := ofBulk(*e.Done.Bulk, nil)
		return claimed
	}
	return effect{len(e.Done.Inserted), int(e.Done.Modified), int(e.Done.Deleted)}
}

func writeActions(t *testing.T) map[string]action {
	t.Helper()
	inserting := func(texts ...string) func(context.Context, *proxy.Proxy) (effect, error) {
		return func(ctx context.Context, p *proxy.Proxy) (effect, error) {
			ids, err := p.Insert(ctx, ann, proxy.Insert{NS: ns, Documents: docs(t, texts...)})
			return effect{inserted: len(ids)}, err
		}
	}
	updating := func(op proxy.Update) func(context.Context, *proxy.Proxy) (effect, error) {
		return func(ctx context.Context, p *proxy.Proxy) (effect, error) { return ofUpdate(p.Update(ctx, ann, op)) }
	}
	replacing := func(op proxy.Replace) func(context.Context, *proxy.Proxy) (effect, error) {
		return func(ctx context.Context, p *proxy.Proxy) (effect, error) { return ofUpdate(p.Replace(ctx, ann, op)) }
	}
	deleting := func(op proxy.Delete) func(context.Context, *proxy.Proxy) (effect, error) {
		return func(ctx context.Context, p *proxy.Proxy) (effect, error) {
			n, err := p.Delete(ctx, ann, op)
			return effect{deleted: int(n)}, err
		}
	}
	returning := func(run func(context.Context, *proxy.Proxy) (bson.Raw, error)) func(context.Context, *proxy.Proxy) (effect, error) {
		return func(ctx context.Context, p *proxy.Proxy) (effect, error) {
			_, err := run(ctx, p)
			return unsaid, err
		}
	}
	update := proxy.Update{NS: ns, Filter: doc(t, `{"n":{"$lt":3}}`), Update: doc(t, `{"$inc":{"n":10}}`)}
	updateMany, upsert := update, proxy.Update{NS: ns, Filter: doc(t, `{"_id":"u"}`), Update: doc(t, `{"$set":{"owner":"ua","n":5}}`), Upsert: true}
	updateMany.Many = true
	upsertMany := upsert
	upsertMany.Many = true
	replace := proxy.Replace{NS: ns, Filter: doc(t, `{"n":1}`), Replacement: doc(t, `{"owner":"ua","n":7}`)}
	upsertReplace := proxy.Replace{NS: ns, Filter: upsert.Filter, Replacement: replace.Replacement, Upsert: true}
	remove := proxy.Delete{NS: ns, Filter: doc(t, `{"n":{"$in":[1,2]}}`)}
	removeMany := remove
	removeMany.Many = true
	bulk := func(unordered bool) func(context.Context, *proxy.Proxy) (effect, error) {
		op := proxy.BulkWrite{NS: ns, Unordered: unordered, Operations: []proxy.BulkOperation{
			proxy.InsertOne{Document: doc(t, `{"_id":"i","owner":"ua"}`)}, updateMany, upsert, proxy.Delete{Filter: doc(t, `{"n":3}`)},
		}}
		return func(ctx context.Context, p *proxy.Proxy) (effect, error) { return ofBulk(p.BulkWrite(ctx, ann, op)) }
	}
	actions := map[string]action{
		"insertOne":               {inserting(`{"_id":"i","owner":"ua"}`), effect{1, 0, 0}, 1, nil},
		"insertMany":              {inserting(`{"_id":"i","owner":"ua"}`, `{"_id":"j","owner":"ua"}`), effect{2, 0, 0}, 1, nil},
		"updateOne":               {updating(update), effect{0, 1, 0}, 2, nil},
		"updateMany":              {updating(updateMany), effect{0, 2, 0}, 2, nil},
		"upsert":                  {updating(upsert), effect{1, 0, 0}, 2, nil},
		"upsert of many":          {updating(upsertMany), effect{1, 0, 0}, 2, nil},
		"replaceOne":              {replacing(replace), effect{0, 1, 0}, 2, nil},
		"upsert of a replacement": {replacing(upsertReplace), effect{1, 0, 0}, 2, nil},
		"deleteOne":               {deleting(remove), effect{0, 0, 1}, 2, nil},
		"deleteMany":              {deleting(removeMany), effect{0, 0, 2}, 2, nil},
		"findOneAndUpdate": {returning(func(ctx context.Context, p *proxy.Proxy) (bson.Raw, error) {
			return p.FindOneAndUpdate(ctx, ann, proxy.FindOneAndUpdate{Update: update})
		}), effect{0, 1, 0}, 2, nil},
		"findOneAndUpdate that inserts": {returning(func(ctx context.Context, p *proxy.Proxy) (bson.Raw, error) {
			return p.FindOneAndUpdate(ctx, ann, proxy.FindOneAndUpdate{Update: upsert, Choice: proxy.Choice{ReturnNew: true}})
		}), effect{1, 0, 0}, 2, nil},
		"findOneAndReplace": {returning(func(ctx context.Context, p *proxy.Proxy) (bson.Raw, error) {
			return p.FindOneAndReplace(ctx, ann, proxy.FindOneAndReplace{Replace: replace})
		}), effect{0, 1, 0}, 2, nil},
		"findOneAndDelete": {returning(func(ctx context.Context, p *proxy.Proxy) (bson.Raw, error) {
			return p.FindOneAndDelete(ctx, ann, proxy.FindOneAndDelete{Delete: remove})
		}), effect{0, 0, 1}, 2, nil},
		"bulkWrite":           {bulk(false), effect{2, 2, 1}, 4, nil}, // three selections
		"unordered bulkWrite": {bulk(true), effect{2, 2, 1}, 4, nil},
	}
	// The same while somebody else changes what was read, or inserts what was missing.
	for name, a := range maps.Clone(actions) {
		switch {
		case a.calls == 1:
		case a.want.inserted == 1:
			a.want = effect{0, 1, 0}
			a.others = []string{`{"_id":"u","owner":"ua"}`}
			actions["overtaken: "+name] = a
		default:
			a.others = []string{`{"_id":"a","owner":"ua","n":1.0}`, `{"_id":"b","owner":"ua","n":2.0}`}
			actions["raced: "+name] = a
		}
	}
	return actions
}

// start runs an action, with one call that fails or none, and under a role that depends on custom user data or not.
func (a action) start(t *testing.T, f *fault, customData bool) (m *model, answered effect, err error) {
	t.Helper()
	m = owned(t)
	m.fail = f
	role, last := owner, a.calls-1
	var use []func(*proxy.Config)
	if customData {
		users := rules.Namespace{Service: ns.Service, Database: ns.Database, Collection: "users"}
		m.collections[users] = docs(t, `{"_id":"x","user":"ua","good":true}`)
		role = `{"name": "owner", "apply_when": {"owner": "%%user.id", "%%user.custom_data.good": true}, "write": true}`
		last++
		use = append(use, func(c *proxy.Config) { c.CustomData = &proxy.CustomDataSource{NS: users, UserIDField: "user"} })
	}
	m.after = func(call int) {
		if call == last {
			for _, d := range a.others {
				m.put(t, d)
			}
		}
	}
	p, _ := newProxy(t, m, role, ``, use...)
	answered, err = a.run(t.Context(), p)
	return m, answered, err
}

// Selecting is a round trip, and storing is another, whatever an action is about.
func TestRoundTrips(t *testing.T) {
	for name, a := range writeActions(t) {
		m, answered, err := a.start(t, nil, false)
		if err != nil || m.stored != a.want || answered != a.want && answered != unsaid {
			t.Errorf("%s: stored %v, answered %v, %v, want %v", name, m.stored, answered, err, a.want)
		}
		if a.others == nil && m.calls != a.calls {
			t.Errorf("%s asked the store %d times, want %d", name, m.calls, a.calls)
		}
	}
	for _, n := range []int{1, 10, 1000} {
		var mine []bson.Raw
		for i := range n {
			mine = append(mine, doc(t, fmt.Sprintf(`{"_id":%d,"owner":"ua","n":%d}`, i, i)))
		}
		for name, run := range map[string]func(p *proxy.Proxy) error{
			"updateMany": func(p *proxy.Proxy) error { _, err := update(t, p, `{}`, `{"$inc":{"n":1}}`, many); return err },
			"deleteMany": func(p *proxy.Proxy) error {
				_, err := p.Delete(t.Context(), ann, proxy.Delete{NS: ns, Many: true})
				return err
			},
			"bulkWrite": func(p *proxy.Proxy) error {
				_, err := p.BulkWrite(t.Context(), ann, proxy.BulkWrite{NS: ns, Operations: []proxy.BulkOperation{
					proxy.Delete{Filter: doc(t, `{}`), Many: true},
				}})
				return err
			},
		} {
			m := newModel(mine...)
			p, _ := newProxy(t, m, owner, ``)
			if err := run(p); err != nil || m.calls != 2 || m.stored.modified+m.stored.deleted != n {
				t.Errorf("%s of %d documents: %v, %d calls, stored %v", name, n, err, m.calls, m.stored)
			}
		}
	}
}

var faultKinds = map[error]proxy.Kind{
	proxy.ErrUnavailable: proxy.Unavailable, proxy.ErrTimeout: proxy.TimedOut, proxy.ErrUnclear: proxy.Unclear,
	fmt.Errorf("%w: %w", proxy.ErrUnclear, context.DeadlineExceeded): proxy.Unclear,
	proxy.ErrDuplicateKey: proxy.DuplicateKey, proxy.ErrDocumentTooLarge: proxy.TooLarge, proxy.ErrRejected: proxy.Rejected,
	errors.New("other"): proxy.Internal,
}

// Every call to the store fails once, in every way and at every statement, for every write action. What an answer says
// was stored is stored, nothing else is unless the answer says that it is not known, and nothing is sent again.
func TestFaults(t *testing.T) {
	runs := 0
	for name, a := range writeActions(t) {
		faultless, _, err := a.start(t, nil, true)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for call := 1; call <= faultless.calls; call++ {
			for err, kind := range faultKinds {
				unclear := errors.Is(err, proxy.ErrUnclear)
				for _, f := range []fault{
					{applied: 0},
					{applied: 1},
					{applied: 9},
					{applied: 0, told: true, at: true},
					{applied: 1, told: true, at: true},
					{applied: 2, told: true, at: true},
					{applied: 1, told: true},
				} {
					if f.applied > 0 && !f.told && !unclear {
						continue // a store does not say that nothing was stored when it was
					}
					f.call, f.err = call, err
					runs++
					m, answered, err := a.start(t, &f, true)
					a.check(t, fmt.Sprintf("%s, call %d fails by %+v", name, call, f), faultless, m, kind, answered, err)
				}
			}
		}
	}
	if runs < 1000 {
		t.Errorf("only %d runs", runs)
	}
	t.Log(runs, "runs")
}

func (a action) check(t *testing.T, where string, faultless, m *model, kind proxy.Kind, answered effect, err error) {
	t.Helper()
	if err == nil {
		// The fault came too late to matter: behind the last document that was asked for.
		if m.stored != a.want || answered != a.want && answered != unsaid {
			t.Errorf("%s: answered %v, stored %v", where, answered, m.stored)
		}
		return
	}
	if kindOf(err) != kind {
		t.Errorf("%s: %v, want kind %v", where, err, kind)
	}
	claimed := ofError(err)
	if kind != proxy.Unclear && claimed != m.stored || claimed.inserted > m.stored.inserted ||
		claimed.modified > m.stored.modified || claimed.deleted > m.stored.deleted {
		t.Errorf("%s: the error says %v was stored, and %v was", where, claimed, m.stored)
	}
	goesOn := slices.Contains([]proxy.Kind{proxy.DuplicateKey, proxy.TooLarge, proxy.Rejected}, kind)
	if m.calls != m.fail.call && !goesOn {
		t.Errorf("%s: %d calls after it", where, m.calls-m.fail.call)
	}
	for _, d := range m.collections[ns] {
		same := func(e bson.Raw) bool { return bytes.Equal(d, e) }
		known := slices.Concat(owned(t).collections[ns], docs(t, a.others...), faultless.collections[ns])
		if !slices.ContainsFunc(known, same) {
			t.Errorf("%s: stored is %s, which nobody wanted", where, text(t, d))
		}
	}
}
