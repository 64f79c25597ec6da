package proxy_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// effect is how many documents were written.
type effect struct{ inserted, modified, deleted int }

// model is a store that carries out what it is asked, so that what is stored in the end can be compared with what an
// answer says. One of its calls may fail. Each statement is atomic, and between two of them others may write.
type model struct {
	mu          sync.Mutex
	collections map[rules.Namespace][]bson.Raw
	calls       int
	stored      effect // what took effect of what was to be written
	features    proxy.Features

	after func(call int)        // runs after each call: what others do meanwhile
	meets func(stored bson.Raw) // is told of each document that a statement changes
	fail  *fault
}

// fault is how one call fails.
type fault struct {
	call    int   // the first one is 1
	err     error // what is reported
	applied int   // statements that take effect before, or documents that are found
	told    bool  // whether the result tells of them
	at      bool  // the error names the statement
}

var _ proxy.Store = (*model)(nil)

func newModel(docs ...bson.Raw) *model {
	return &model{collections: map[rules.Namespace][]bson.Raw{ns: docs}}
}

// begin counts a call and returns the fault that it is to have.
func (m *model) begin() (f *fault, end func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	call := m.calls
	if m.fail != nil && m.fail.call == call {
		f = m.fail
	}
	return f, func() {
		if m.after != nil {
			m.after(call)
		}
	}
}

func (m *model) Find(_ context.Context, ns rules.Namespace, q proxy.Query) iter.Seq2[bson.Raw, error] {
	return func(yield func(bson.Raw, error) bool) {
		f, end := m.begin()
		defer end()
		m.mu.Lock()
		docs := m.collections[ns] // never changed in place
		m.mu.Unlock()
		docs, err := answer(docs, q)
		if f != nil {
			docs, err = docs[:min(f.applied, len(docs))], f.err
		}
		for _, d := range docs {
			if !yield(d, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

func (m *model) Write(_ context.Context, ns rules.Namespace, ws []proxy.GuardedWrite) (res proxy.WriteResult, err error) {
	f, end := m.begin()
	defer end()
	applied := len(ws)
	if f != nil && f.applied < applied {
		applied = f.applied
	} else if f != nil && !errors.Is(f.err, proxy.ErrUnclear) {
		applied-- // one has to fail
	}
	for i, w := range ws[:applied] {
		held, err := m.change(ns, w)
		res.Matched = append(res.Matched, held)
		if err != nil {
			return res, &proxy.StatementError{Index: i, Err: err}
		}
		if held {
			res.Done++
		}
	}
	if f == nil {
		return res, nil
	}
	if !f.told {
		return proxy.WriteResult{}, f.err
	}
	if f.at {
		res.Matched = append(res.Matched, false)
		return res, &proxy.StatementError{Index: applied, Err: f.err}
	}
	return res, f.err
}

func (m *model) Modify(
	_ context.Context, ns rules.Namespace, w proxy.GuardedWrite, returnNew bool,
) (image bson.Raw, matched bool, err error) {
	f, end := m.begin()
	defer end()
	if f != nil && (f.applied == 0 || !errors.Is(f.err, proxy.ErrUnclear)) {
		return nil, false, f.err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	image = m.byID(ns, w.ID)
	if matched, err = m.apply(ns, w); err != nil || !matched {
		return nil, false, err
	}
	if f != nil {
		return nil, false, f.err
	}
	if returnNew && w.Kind != proxy.DeleteDocument {
		image = m.byID(ns, w.ID)
	}
	return image, true, nil
}

// change carries out one statement.
func (m *model) change(ns rules.Namespace, w proxy.GuardedWrite) (held bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.apply(ns, w)
}

func (m *model) at(ns rules.Namespace, id bson.RawValue) int {
	return slices.IndexFunc(m.collections[ns], func(d bson.Raw) bool {
		stored, _ := bsonval.Lookup(d, "_id")
		return bsonval.Equal(stored, id)
	})
}

func (m *model) byID(ns rules.Namespace, id bson.RawValue) bson.Raw {
	if at := m.at(ns, id); at >= 0 {
		return m.collections[ns][at]
	}
	return nil
}

// put stores a document as somebody else does.
func (m *model) put(t testing.TB, text string) {
	t.Helper()
	d := doc(t, text)
	id, _ := bsonval.Lookup(d, "_id")
	m.mu.Lock()
	defer m.mu.Unlock()
	m.collections[ns] = slices.Clone(m.collections[ns])
	if at := m.at(ns, id); at >= 0 {
		m.collections[ns][at] = d
	} else {
		m.collections[ns] = append(m.collections[ns], d)
	}
}

// hand gives a document to another owner.
func (m *model) hand(t testing.TB, id, to string) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.collections[ns] = slices.Clone(m.collections[ns])
	at := m.at(ns, bsonval.FromString(id))
	m.collections[ns][at] = changed(m.collections[ns][at], proxy.GuardedWrite{
		Set: []proxy.FieldValue{{Path: "owner", Value: bsonval.FromString(to)}},
	})
}

func (m *model) apply(ns rules.Namespace, w proxy.GuardedWrite) (held bool, err error) {
	docs := slices.Clone(m.collections[ns])
	if w.Kind == proxy.InsertDocument {
		if id, _ := bsonval.Lookup(w.Document, "_id"); m.at(ns, id) >= 0 {
			return false, proxy.ErrDuplicateKey
		}
		m.collections[ns] = append(docs, w.Document)
		m.stored.inserted++
		return true, nil
	}
	at := m.at(ns, w.ID)
	if at < 0 || !holds(w.Guard, docs[at]) {
		return false, nil
	}
	if m.meets != nil {
		m.meets(docs[at])
	}
	switch w.Kind {
	case proxy.DeleteDocument:
		docs = slices.Delete(docs, at, at+1)
		m.stored.deleted++
	case proxy.ReplaceDocument:
		docs[at] = w.Document
		m.stored.modified++
	case proxy.UpdateFields:
		docs[at] = changed(docs[at], w)
		m.stored.modified++
	}
	m.collections[ns] = docs
	return true, nil
}

func holds(g proxy.Guard, d bson.Raw) bool {
	if g.Document != nil && !bytes.Equal(g.Document, d) {
		return false
	}
	for _, f := range g.Fields {
		if v, _ := bsonval.Lookup(d, f.Name); !bsonval.Identical(v, f.Value) {
			return false
		}
	}
	return true
}

// changed is a document after a difference of whole fields.
func changed(d bson.Raw, w proxy.GuardedWrite) bson.Raw {
	out, start := bsonval.BeginDocument(nil)
	isSet := func(name string) int {
		return slices.IndexFunc(w.Set, func(f proxy.FieldValue) bool { return f.Path == name })
	}
	for it := bsonval.NewIter(d); it.Next(); {
		name := string(it.Key())
		switch i := isSet(name); {
		case slices.Contains(w.Unset, name):
		case i >= 0:
			out = bsonval.AppendElement(out, name, w.Set[i].Value)
		default:
			out = append(out, it.Element()...)
		}
	}
	for _, f := range w.Set {
		if _, had := bsonval.Lookup(d, f.Path); !had {
			out = bsonval.AppendElement(out, f.Path, f.Value)
		}
	}
	return bsonval.EndDocument(out, start)
}

func (m *model) Count(context.Context, rules.Namespace, bson.Raw) (int64, error) { return 0, nil }

func (m *model) Distinct(context.Context, rules.Namespace, string, bson.Raw) ([]bson.RawValue, error) {
	return nil, nil
}

func (m *model) Aggregate(context.Context, rules.Namespace, proxy.AggregateQuery) iter.Seq2[bson.Raw, error] {
	return func(func(bson.Raw, error) bool) {}
}

func (m *model) Features(context.Context, rules.Namespace) (proxy.Features, error) {
	return m.features, nil
}

func (m *model) Ping(context.Context) error { return nil }
