package proxy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/proxy"
)

// findAndUpdate returns the document as text, "" for nil.
func findAndUpdate(t *testing.T, p *proxy.Proxy, filter, u string, change ...func(*proxy.FindOneAndUpdate)) (string, error) {
	t.Helper()
	op := proxy.FindOneAndUpdate{Update: proxy.Update{NS: ns, Filter: doc(t, filter), Update: doc(t, u)}}
	for _, f := range change {
		f(&op)
	}
	got, err := p.FindOneAndUpdate(t.Context(), ann, op)
	return text(t, got), err
}

func returnNew(op *proxy.FindOneAndUpdate)       { op.ReturnNew = true }
func upsertAndReturn(op *proxy.FindOneAndUpdate) { op.Update.Upsert = true }

// What is sent is what the plain write would send, and what is returned is the image that the store returned.
func TestModifySendsTheCheckedChange(t *testing.T) {
	stored := `{"_id":"a","owner":"ua","n":1}`
	for name, tt := range map[string]struct {
		run   func(p *proxy.Proxy) (bson.Raw, error)
		write string
		isNew bool
	}{
		"update": {func(p *proxy.Proxy) (bson.Raw, error) {
			return p.FindOneAndUpdate(t.Context(), ann, proxy.FindOneAndUpdate{
				Update: proxy.Update{NS: ns, Filter: doc(t, `{"m":null}`), Update: doc(t, `{"$inc":{"n":2}}`), Many: true},
				Choice: proxy.Choice{ReturnNew: true},
			})
		}, `update "a" set n={"$numberInt":"3"} while no m while n={"$numberInt":"1"} while owner="ua"`, true},
		"update by a document": {func(p *proxy.Proxy) (bson.Raw, error) {
			return p.FindOneAndUpdate(t.Context(), ann, proxy.FindOneAndUpdate{Update: proxy.Update{NS: ns, Update: doc(t, `{"owner":"ua"}`)}})
		}, `replace "a" {"_id":"a","owner":"ua"} while ` + stored, false},
		"replacement": {func(p *proxy.Proxy) (bson.Raw, error) {
			return p.FindOneAndReplace(t.Context(), ann, proxy.FindOneAndReplace{Replace: proxy.Replace{NS: ns, Replacement: doc(t, `{"owner":"ua"}`)}})
		}, `replace "a" {"_id":"a","owner":"ua"} while ` + stored, false},
		"delete": {func(p *proxy.Proxy) (bson.Raw, error) {
			return p.FindOneAndDelete(t.Context(), ann, proxy.FindOneAndDelete{
				Delete: proxy.Delete{NS: ns, Many: true}, Choice: proxy.Choice{ReturnNew: true},
			})
		}, `delete "a" while owner="ua"`, false},
	} {
		s := returning(doc(t, stored), doc(t, `{"_id":"b","owner":"ua"}`))
		var asked bool
		s.modify = func(_ proxy.GuardedWrite, returnNew bool) (bson.Raw, bool, error) {
			asked = returnNew
			return doc(t, `{"_id":"a","owner":"ua","late":1}`), true, nil
		}
		p, _ := newProxy(t, s, owner, ``)
		got, err := tt.run(p)
		if want := `{"_id":"a","owner":"ua","late":1}`; err != nil || text(t, got) != want || asked != tt.isNew {
			t.Errorf("%s = %s, %v, new %v, want %s, new %v", name, text(t, got), err, asked, want, tt.isNew)
		}
		if diff := cmp.Diff([]string{tt.write}, sayAll(t, s)); diff != "" {
			t.Errorf("%s: writes (-want +got):\n%s", name, diff)
		}
	}
}

// The returned document is decided on as it is then: by the role that applies to it, and not at all if none does.
func TestModifyCutsTheImage(t *testing.T) {
	roles := owner + `,
		{"name": "reader", "apply_when": {"owner": "ub"}, "fields": {"title": {"read": true}, "owner": {"read": true}}},
		{"name": "broken", "apply_when": {"owner": "uc", "%%user.id": {"%ne": {"%stringToOid": "%%root.oid"}}}, "read": true}`
	for _, tt := range []struct{ image, projection, want string }{
		{`{"_id":"a","owner":"ua","title":"A","secret":1}`, ``, `{"_id":"a","owner":"ua","title":"A","secret":1}`},
		{`{"_id":"a","owner":"ua","title":"A","secret":1}`, `{"title":1,"_id":0}`, `{"title":"A"}`},
		{`{"_id":"a","owner":"ua","_id__baas_transaction":"x"}`, ``, `{"_id":"a","owner":"ua"}`},
		{`{"_id":"a","owner":"ub","title":"A","secret":1}`, ``, `{"owner":"ub","title":"A"}`},
		{`{"_id":"a","owner":"ub","title":"A","secret":1}`, `{"secret":1}`, `{}`},
		{`{"_id":"a","owner":"ud","title":"A"}`, ``, ``},
		{`{"_id":"a","owner":"uc","oid":"none"}`, ``, ``},
	} {
		s := returning(doc(t, `{"_id":"a","owner":"ua"}`))
		s.modify = func(proxy.GuardedWrite, bool) (bson.Raw, bool, error) { return doc(t, tt.image), true, nil }
		p, l := newProxy(t, s, roles, ``)
		got, err := findAndUpdate(t, p, `{}`, `{"$set":{"n":1}}`, func(op *proxy.FindOneAndUpdate) { op.Projection = doc(t, tt.projection) })
		if err != nil || got != tt.want || len(s.writes) != 1 {
			t.Errorf("image %s, projection %s: %s, %v, %d writes, want %s", tt.image, tt.projection, got, err, len(s.writes), tt.want)
		}
		if withheld := strings.Contains(l.String(), "documents withheld"); withheld != strings.Contains(tt.image, "uc") {
			t.Errorf("image %s: the log says that it was withheld = %v", tt.image, withheld)
		}
	}
}

func TestModifyThatChangesNothing(t *testing.T) {
	m := newModel(doc(t, `{"_id":"a","owner":"ua","n":1,"_id__baas_transaction":"x"}`))
	p, _ := newProxy(t, m, owner, ``)
	got, err := findAndUpdate(t, p, `{}`, `{"$set":{"n":1}}`, func(op *proxy.FindOneAndUpdate) { op.Projection = doc(t, `{"owner":0}`) })
	if err != nil || got != `{"_id":"a","n":1}` || m.calls != 1 {
		t.Errorf("FindOneAndUpdate = %s, %v after %d calls", got, err, m.calls)
	}
	if got, err := findAndUpdate(t, p, `{"n":2}`, `{"$set":{"n":1}}`); err != nil || got != `` || m.calls != 2 {
		t.Errorf("FindOneAndUpdate of nothing = %s, %v after %d calls", got, err, m.calls)
	}
}

// The sort chooses, among the documents of the view. If the first one is denied, no other is looked for.
func TestModifyTakesTheFirst(t *testing.T) {
	roles := owner + `, {"name": "reader", "apply_when": {"owner": {"%in": ["ub"]}}, "read": true}`
	for _, tt := range []struct {
		sort, filter, want string
		kind               proxy.Kind
	}{
		{`{"n":1}`, `{}`, `{"_id":"b","owner":"ua","n":1}`, 0},
		{`{"n":-1}`, `{"owner":"ua"}`, `{"_id":"a","owner":"ua","n":3}`, 0},
		{``, `{}`, `{"_id":"a","owner":"ua","n":3}`, 0},
		{`{"n":-1}`, `{}`, ``, proxy.Denied},
		{`{"n":"up"}`, `{}`, ``, proxy.Invalid},
	} {
		m := newModel(docs(t, `{"_id":"c","owner":"ub","n":4}`, `{"_id":"b","owner":"ua","n":1}`, `{"_id":"a","owner":"ua","n":3}`, `{"_id":"0","owner":"uc","n":0}`)...)
		p, _ := newProxy(t, m, roles, ``)
		got, err := findAndUpdate(t, p, tt.filter, `{"$set":{"x":1}}`, func(op *proxy.FindOneAndUpdate) { op.Sort = doc(t, tt.sort) })
		if got != tt.want || err == nil != (tt.want != "") || err != nil && kindOf(err) != tt.kind {
			t.Errorf("sort %s: %s, %v, want %s", tt.sort, got, err, tt.want)
		}
		if err != nil && m.stored != (effect{}) {
			t.Errorf("sort %s: refused, and stored %v", tt.sort, m.stored)
		}
	}
}

func TestModifyRefusals(t *testing.T) {
	m := newModel(doc(t, `{"_id":"a","owner":"ua","n":1}`))
	p, _ := newProxy(t, m, owner, ``)
	choice := proxy.Choice{Projection: doc(t, `{"a":1,"b":0}`)}
	for name, run := range map[string]func() error{
		"projection": func() error {
			_, err := p.FindOneAndDelete(t.Context(), ann, proxy.FindOneAndDelete{Delete: proxy.Delete{NS: ns}, Choice: choice})
			return err
		},
		"operator": func() error { _, err := findAndUpdate(t, p, `{}`, `{"$foo":{"n":1}}`); return err },
		"filter":   func() error { _, err := findAndUpdate(t, p, `{"$where":"1"}`, `{"$set":{"n":1}}`); return err },
		"replacement": func() error {
			_, err := p.FindOneAndReplace(t.Context(), ann, proxy.FindOneAndReplace{Replace: proxy.Replace{NS: ns, Replacement: doc(t, `{"a.b":1}`)}})
			return err
		},
	} {
		if err := run(); kindOf(err) != proxy.Invalid || m.calls != 0 {
			t.Errorf("%s: %v after %d calls, want an invalid request", name, err, m.calls)
		}
	}
}

func TestModifyLostRaces(t *testing.T) {
	// n is what somebody else makes of the document each time it has been read.
	racing := func(times int, theirs func(n int) string) (*model, *proxy.Proxy) {
		m := newModel(doc(t, `{"_id":"a","owner":"ua","n":0}`))
		m.after = func(call int) {
			if call%2 == 1 && call/2 < times {
				m.put(t, theirs(call/2+1))
			}
		}
		p, _ := newProxy(t, m, owner, ``)
		return m, p
	}
	mine := func(n int) string { return `{"_id":"a","owner":"ua","n":` + string(rune('0'+n)) + `}` }
	m, p := racing(2, mine)
	if got, err := findAndUpdate(t, p, `{}`, `{"$inc":{"n":10}}`, returnNew); err != nil || got != `{"_id":"a","owner":"ua","n":12}` || m.calls != 6 {
		t.Errorf("after two lost races: %s, %v after %d calls", got, err, m.calls)
	}
	m, p = racing(9, mine)
	if got, err := findAndUpdate(t, p, `{}`, `{"$inc":{"n":10}}`); kindOf(err) != proxy.Conflict || got != `` || m.calls != 6 {
		t.Errorf("a document that keeps changing: %s, %v after %d calls", got, err, m.calls)
	}
	theirs := func(int) string { return `{"_id":"a","owner":"ub","n":0}` }
	m, p = racing(1, theirs)
	if got, err := findAndUpdate(t, p, `{}`, `{"$inc":{"n":10}}`); err != nil || got != `` || m.stored != (effect{}) {
		t.Errorf("a document that left the view: %s, %v, stored %v", got, err, m.stored)
	}
	m, p = racing(1, theirs)
	upsert := func(op *proxy.FindOneAndUpdate) { op.Update.Upsert = true; op.ReturnNew = true }
	if got, err := findAndUpdate(t, p, `{"n":0}`, `{"$set":{"owner":"ua","x":1},"$setOnInsert":{"_id":"new"}}`, upsert); err != nil || got != `{"_id":"new","n":0,"owner":"ua","x":1}` {
		t.Errorf("an upsert on a document that left the view: %s, %v, stored %v", got, err, m.stored)
	}
}

func TestModifyUpsert(t *testing.T) {
	roles := `{"name": "r", "apply_when": {"owner": "%%user.id"}, "insert": true, "fields": {
		"_id": {"write": true}, "owner": {"write": true}, "secret": {"read": false, "write": {"%%request.operation": "insert"}}}}`
	for _, isNew := range []bool{false, true} {
		m := newModel()
		p, _ := newProxy(t, m, roles, ``)
		got, err := findAndUpdate(t, p, `{"_id":"k"}`, `{"$set":{"owner":"ua","secret":1}}`, upsertAndReturn,
			func(op *proxy.FindOneAndUpdate) { op.ReturnNew = isNew })
		want := ""
		if isNew {
			want = `{"_id":"k","owner":"ua"}` // cut as for an update
		}
		if err != nil || got != want || m.stored != (effect{inserted: 1}) {
			t.Errorf("upsert = %s, %v, stored %v, want %q", got, err, m.stored, want)
		}
	}
	m := newModel()
	p, _ := newProxy(t, m, owner, ``)
	if got, err := findAndUpdate(t, p, `{"_id":"k"}`, `{"$set":{"owner":"ub"}}`, upsertAndReturn); kindOf(err) != proxy.Denied || err.Error() != "insert not permitted" || m.stored != (effect{}) {
		t.Errorf("an upsert for somebody else = %s, %v", got, err)
	}
	m = newModel(doc(t, `{"_id":"k","owner":"ub"}`))
	p, _ = newProxy(t, m, owner, ``)
	if got, err := findAndUpdate(t, p, `{"_id":"k"}`, `{"$set":{"owner":"ua"}}`, upsertAndReturn); kindOf(err) != proxy.DuplicateKey || m.calls != 3 {
		t.Errorf("an upsert on a hidden document = %s, %v after %d calls", got, err, m.calls)
	}
	m = newModel()
	m.after = func(call int) {
		if call == 1 {
			m.put(t, `{"_id":"k","owner":"ua","n":1}`)
		}
	}
	p, _ = newProxy(t, m, owner, ``)
	if got, err := findAndUpdate(t, p, `{"_id":"k"}`, `{"$set":{"owner":"ua","n":2}}`, upsertAndReturn); err != nil || got != `{"_id":"k","owner":"ua","n":1}` || m.stored != (effect{modified: 1}) {
		t.Errorf("an upsert that somebody else was faster with = %s, %v, stored %v", got, err, m.stored)
	}
}
