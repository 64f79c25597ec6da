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

// say prints a write in one line.
func say(t *testing.T, w proxy.GuardedWrite) string {
	t.Helper()
	var b strings.Builder
	b.WriteString([]string{"?", "insert", "update", "replace", "delete"}[w.Kind])
	if w.Kind != proxy.InsertDocument {
		fmt.Fprintf(&b, " %v", w.ID)
	}
	if w.Document != nil {
		b.WriteString(" " + text(t, w.Document))
	}
	for _, s := range w.Set {
		fmt.Fprintf(&b, " set %s=%v", s.Path, s.Value)
	}
	for _, u := range w.Unset {
		b.WriteString(" unset " + u)
	}
	if w.Guard.Document != nil {
		b.WriteString(" while " + text(t, w.Guard.Document))
	}
	for _, g := range w.Guard.Fields {
		if g.Value.Type == 0 {
			b.WriteString(" while no " + g.Name)
			continue
		}
		fmt.Fprintf(&b, " while %s=%v", g.Name, g.Value)
	}
	return b.String()
}

func sayAll(t *testing.T, s *store) []string {
	t.Helper()
	var out []string
	for _, ws := range s.writes {
		for _, w := range ws {
			out = append(out, say(t, w))
		}
	}
	return out
}

func update(t *testing.T, p *proxy.Proxy, filter, u string, change ...func(*proxy.Update)) (proxy.UpdateResult, error) {
	t.Helper()
	op := proxy.Update{NS: ns, Filter: doc(t, filter), Update: doc(t, u)}
	for _, f := range change {
		f(&op)
	}
	return p.Update(t.Context(), ann, op)
}

func many(op *proxy.Update)   { op.Many = true }
func upsert(op *proxy.Update) { op.Upsert = true }

func kindOf(err error) proxy.Kind {
	var e *proxy.Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return proxy.Internal
}

func TestUpdateSendsTheDifferenceUnderAGuard(t *testing.T) {
	s := returning(doc(t, `{"_id":"a","owner":"ua","n":1,"gone":1,"list":[1]}`))
	p, _ := newProxy(t, s, owner, ``)
	got, err := update(t, p, `{"_id":"a","locked":{"$ne":true}}`, `{"$inc":{"n":2},"$unset":{"gone":""},"$push":{"list":2}}`)
	if err != nil || got.Matched != 1 || got.Modified != 1 {
		t.Fatalf("update = %+v, %v", got, err)
	}
	want := []string{
		`update "a" set n={"$numberInt":"3"} set list=[{"$numberInt":"1"},{"$numberInt":"2"}] unset gone` +
			` while gone={"$numberInt":"1"} while list=[{"$numberInt":"1"}] while no locked while n={"$numberInt":"1"} while owner="ua"`,
	}
	if diff := cmp.Diff(want, sayAll(t, s)); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}

func TestUpdateThatChangesNothing(t *testing.T) {
	s := returning(doc(t, `{"_id":"a","owner":"ua","n":1}`))
	p, _ := newProxy(t, s, owner, ``)
	got, err := update(t, p, `{}`, `{"$set":{"n":1}}`)
	if err != nil || got.Matched != 1 || got.Modified != 0 || len(s.writes) != 0 {
		t.Errorf("update = %+v, %v, %v", got, err, sayAll(t, s))
	}
}

func TestOneDenialStopsAll(t *testing.T) {
	stored := docs(t, `{"_id":"a","owner":"ua"}`, `{"_id":"b","owner":"ub"}`)
	reader := owner + `, {"name": "reader", "apply_when": {}, "read": true}`
	s := returning(stored...)
	p, _ := newProxy(t, s, reader, ``)
	_, err := update(t, p, `{}`, `{"$set":{"n":1}}`, many)
	var e *proxy.Error
	if !errors.As(err, &e) || e.Kind != proxy.Denied || e.Role != "reader" || e.Permission != "write" {
		t.Errorf("update = %+v", err)
	}
	if _, err := p.Delete(t.Context(), ann, proxy.Delete{NS: ns, Many: true}); kindOf(err) != proxy.Denied {
		t.Errorf("delete = %v", err)
	}
	if _, err := p.Insert(t.Context(), ann, proxy.Insert{NS: ns, Documents: stored}); kindOf(err) != proxy.Denied {
		t.Errorf("insert = %v", err)
	}
	if len(s.writes) != 0 {
		t.Errorf("written: %v", sayAll(t, s))
	}
}

func TestReplace(t *testing.T) {
	s := returning(doc(t, `{"_id":"a","owner":"ua","n":1}`))
	p, _ := newProxy(t, s, owner, ``)
	got, err := p.Replace(t.Context(), ann, proxy.Replace{NS: ns, Filter: doc(t, `{}`), Replacement: doc(t, `{"owner":"ua","m":1}`)})
	if err != nil || got.Modified != 1 {
		t.Fatalf("replace = %+v, %v", got, err)
	}
	want := []string{`replace "a" {"_id":"a","owner":"ua","m":1} while {"_id":"a","owner":"ua","n":1}`}
	if diff := cmp.Diff(want, sayAll(t, s)); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	_, err = p.Replace(t.Context(), ann, proxy.Replace{NS: ns, Filter: doc(t, `{}`), Replacement: doc(t, `{"_id":"b","owner":"ua"}`)})
	if kindOf(err) != proxy.Invalid {
		t.Errorf("another _id: %v", err)
	}
}

func TestDelete(t *testing.T) {
	s := returning(docs(t, `{"_id":"a","owner":"ua"}`, `{"_id":"b","owner":"ub"}`, `{"_id":"c","owner":"ua"}`)...)
	p, _ := newProxy(t, s, owner, ``)
	n, err := p.Delete(t.Context(), ann, proxy.Delete{NS: ns, Many: true})
	if err != nil || n != 2 {
		t.Errorf("deleted %d, %v", n, err)
	}
	want := []string{`delete "a" while owner="ua"`, `delete "c" while owner="ua"`}
	if diff := cmp.Diff(want, sayAll(t, s)); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}

func TestUpsert(t *testing.T) {
	t.Run("inserts what the filter and the update say", func(t *testing.T) {
		s := returning()
		p, _ := newProxy(t, s, owner, ``)
		got, err := update(t, p, `{"_id":"k","a.b":1}`, `{"$set":{"owner":"ua"},"$setOnInsert":{"n":1}}`, upsert)
		if err != nil || got.Upserted.StringValue() != "k" || got.Matched != 0 {
			t.Fatalf("upsert = %+v, %v", got, err)
		}
		want := []string{`insert {"_id":"k","a":{"b":1},"n":1,"owner":"ua"}`}
		if diff := cmp.Diff(want, sayAll(t, s)); diff != "" {
			t.Errorf("writes (-want +got):\n%s", diff)
		}
	})
	t.Run("is judged as an insert", func(t *testing.T) {
		s := returning()
		p, _ := newProxy(t, s, owner, ``)
		_, err := update(t, p, `{}`, `{"$set":{"n":1}}`, upsert)
		if kindOf(err) != proxy.Denied || err.Error() != "insert not permitted" || len(s.writes) != 0 {
			t.Errorf("upsert = %v, %v", err, sayAll(t, s))
		}
	})
	t.Run("updates what was inserted meanwhile", func(t *testing.T) {
		s := returning()
		s.write = func(ws []proxy.GuardedWrite) (proxy.WriteResult, error) {
			if ws[0].Kind == proxy.InsertDocument {
				s.find = func(proxy.Query) ([]bson.Raw, error) { return docs(t, `{"_id":"k","owner":"ua"}`), nil }
				return proxy.WriteResult{}, proxy.ErrDuplicateKey
			}
			return allMatched(1), nil
		}
		p, _ := newProxy(t, s, owner, ``)
		got, err := update(t, p, `{"_id":"k"}`, `{"$set":{"owner":"ua","n":1}}`, upsert)
		if err != nil || got.Modified != 1 {
			t.Errorf("upsert = %+v, %v", got, err)
		}
	})
	t.Run("of a hidden document ends as a duplicate key", func(t *testing.T) {
		s := returning(doc(t, `{"_id":"k","owner":"ub"}`))
		s.write = func([]proxy.GuardedWrite) (proxy.WriteResult, error) {
			return proxy.WriteResult{}, proxy.ErrDuplicateKey
		}
		p, _ := newProxy(t, s, owner, ``)
		if _, err := update(t, p, `{"_id":"k"}`, `{"$set":{"owner":"ua"}}`, upsert); kindOf(err) != proxy.DuplicateKey {
			t.Errorf("upsert = %v", err)
		}
	})
	t.Run("of a replacement", func(t *testing.T) {
		s := returning()
		p, _ := newProxy(t, s, owner, ``)
		_, err := update(t, p, `{"_id":"k"}`, `{"owner":"ua"}`, upsert)
		if diff := cmp.Diff([]string{`insert {"_id":"k","owner":"ua"}`}, sayAll(t, s)); err != nil || diff != "" {
			t.Errorf("upsert: %v\n%s", err, diff)
		}
	})
}

// A document that changes between the decision and the write is read and decided again.
func TestLostRaces(t *testing.T) {
	lose := func(n int) (*store, *int) {
		s := returning(doc(t, `{"_id":"a","owner":"ua","n":1}`))
		tries := 0
		s.write = func(ws []proxy.GuardedWrite) (proxy.WriteResult, error) {
			if tries++; tries <= n {
				return proxy.WriteResult{Matched: make([]bool, len(ws))}, nil
			}
			return allMatched(len(ws)), nil
		}
		return s, &tries
	}
	s, tries := lose(2)
	p, _ := newProxy(t, s, owner, ``)
	if got, err := update(t, p, `{}`, `{"$inc":{"n":1}}`); err != nil || got.Modified != 1 || *tries != 3 {
		t.Errorf("after two lost races: %+v, %v, %d tries", got, err, *tries)
	}
	s, tries = lose(9)
	p, _ = newProxy(t, s, owner, ``)
	if _, err := update(t, p, `{}`, `{"$inc":{"n":1}}`, many); kindOf(err) != proxy.Conflict || *tries != 3 {
		t.Errorf("a document that keeps changing: %v after %d tries", err, *tries)
	}

	s, _ = lose(1)
	p, _ = newProxy(t, s, owner, ``)
	inner := s.write
	s.write = func(ws []proxy.GuardedWrite) (proxy.WriteResult, error) {
		s.find = func(proxy.Query) ([]bson.Raw, error) { return docs(t, `{"_id":"a","owner":"ub","n":1}`), nil }
		return inner(ws)
	}
	if got, err := update(t, p, `{}`, `{"$inc":{"n":1}}`, many); err != nil || got.Matched != 0 || got.Modified != 0 {
		t.Errorf("a document that left the view: %+v, %v", got, err)
	}
}

// Where the server reports only totals, nothing is repeated.
func TestTotalsOnly(t *testing.T) {
	s := returning(docs(t, `{"_id":"a","owner":"ua"}`, `{"_id":"b","owner":"ua"}`)...)
	s.write = func([]proxy.GuardedWrite) (proxy.WriteResult, error) { return proxy.WriteResult{Done: 1}, nil }
	p, _ := newProxy(t, s, owner, ``)
	_, err := update(t, p, `{}`, `{"$set":{"n":1}}`, many)
	var e *proxy.Error
	if !errors.As(err, &e) || e.Kind != proxy.Conflict || e.Done == nil || e.Done.Modified != 1 || len(s.writes) != 1 {
		t.Errorf("update = %+v, %d writes", err, len(s.writes))
	}
}

func TestWriteRefusals(t *testing.T) {
	s := returning(doc(t, `{"_id":"a","owner":"ua","s":"x","h":{"x":1},"list":[1]}`))
	p, _ := newProxy(t, s, owner, ``)
	for _, tt := range []struct{ filter, update string }{
		{`{}`, `{"$where":1}`},
		{`{}`, `{"$set":{"a.$b":1}}`},
		{`{}`, `{"$inc":{"s":1}}`},
		{`{}`, `{"$set":{"_id__baas_transaction":1}}`},
		{`{}`, `{"a.b":1}`},
		{`{}`, `{"a":{"$b":1}}`},
		{`{}`, `{"":1}`},
		{`{}`, `{"_id":[1]}`},
		{`{}`, `{}`},
		{`{}`, `{"$set":{"_id":"b"}}`},
		{`{}`, `{"$set":{"a":1},"b":1}`},
		{`{}`, `{"$set":{"list.1":1}}`},
		{`{}`, `{"$set":{"list.99999999999999999999":1}}`},
		{`{"$where":"1"}`, `{"$set":{"a":1}}`},
		{`{"a":{"$near":[1,2]}}`, `{"$set":{"a":1}}`},
	} {
		if _, err := update(t, p, tt.filter, tt.update); kindOf(err) != proxy.Invalid {
			t.Errorf("update(%s, %s) = %v, want an invalid request", tt.filter, tt.update, err)
		}
	}
	if len(s.writes) != 0 {
		t.Errorf("written: %v", sayAll(t, s))
	}
	for _, d := range []string{`{"a":{"$b":1}}`, `{"a.b":1}`, `{"":1}`, `{"_id":[1]}`, `{"a":[{"b.c":1}]}`, `{"_id__baas_transaction":1}`, `{"t":{"$timestamp":{"t":0,"i":0}}}`} {
		if _, err := p.Insert(t.Context(), ann, proxy.Insert{NS: ns, Documents: docs(t, d)}); kindOf(err) != proxy.Invalid {
			t.Errorf("insert(%s) = %v, want an invalid request", d, err)
		}
	}
}

// An operator that fails on a hidden value must not tell so.
func TestHiddenTypeErrorIsADenial(t *testing.T) {
	titled := `{"name": "r", "apply_when": {}, "fields": {"title": {"write": true}}}`
	s := returning(doc(t, `{"_id":"a","title":"x","secret":"s"}`))
	p, _ := newProxy(t, s, titled, ``)
	if _, err := update(t, p, `{}`, `{"$inc":{"secret":1}}`); kindOf(err) != proxy.Denied {
		t.Errorf("$inc of a hidden string: %v", err)
	}
	if _, err := update(t, p, `{}`, `{"$inc":{"title":1}}`); kindOf(err) != proxy.Invalid {
		t.Errorf("$inc of a visible string: %v", err)
	}
}

// That a document would become too large tells how large its hidden part is.
func TestHiddenSizeIsADenial(t *testing.T) {
	big := strings.Repeat("x", 15<<20)
	part := strings.Repeat("y", 2<<20)
	for roles, want := range map[string]proxy.Kind{
		owner: proxy.Invalid,
		`{"name": "r", "apply_when": {}, "fields": {"title": {"write": true}}}`: proxy.Denied,
	} {
		p, _ := newProxy(t, returning(doc(t, `{"_id":"a","owner":"ua","title":"t","secret":"`+big+`"}`)), roles, ``)
		if _, err := update(t, p, `{}`, `{"$set":{"title":"`+part+`"}}`); kindOf(err) != want {
			t.Errorf("under %s: %v, want kind %v", roles, err, want)
		}
	}
}

// The lock that App Services kept in documents is nobody's to see, to count or to remove.
func TestReplaceKeepsTheLock(t *testing.T) {
	for replacement, want := range map[string][]string{
		`{"owner":"ua","n":1}`: nil,
		`{"owner":"ua","n":2}`: {`replace "a" {"_id":"a","owner":"ua","n":2,"_id__baas_transaction":"x"}` +
			` while {"_id":"a","_id__baas_transaction":"x","owner":"ua","n":1}`},
	} {
		s := returning(doc(t, `{"_id":"a","_id__baas_transaction":"x","owner":"ua","n":1}`))
		p, _ := newProxy(t, s, owner, ``)
		got, err := p.Replace(t.Context(), ann, proxy.Replace{NS: ns, Replacement: doc(t, replacement)})
		if err != nil || got.Modified != int64(len(want)) {
			t.Errorf("replace by %s = %+v, %v", replacement, got, err)
		}
		if diff := cmp.Diff(want, sayAll(t, s)); diff != "" {
			t.Errorf("writes (-want +got):\n%s", diff)
		}
	}
}
