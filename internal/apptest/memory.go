package apptest

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/internal/update"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// Memory keeps the documents of one case, for rules that are tested without a database. It is no imitation of MongoDB: it
// finds and changes documents by what the proxy itself decides with, and has no features, so that aggregations which
// compute something need a database. Like one server behind several data sources it does not look at the service.
type Memory struct {
	mu          sync.Mutex
	collections map[string][]bson.Raw // :: database.collection → documents as inserted
}

var _ proxy.Store = (*Memory)(nil)

// NewMemory returns a store without documents.
func NewMemory() *Memory { return &Memory{collections: map[string][]bson.Raw{}} }

// Seed stores documents as they are.
func (s *Memory) Seed(_ context.Context, ns rules.Namespace, docs []bson.Raw) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.collections[ns.String()] = append(s.collections[ns.String()], docs...)
	return nil
}

// Close forgets nothing: whoever has documents of it may go on reading them.
func (s *Memory) Close(context.Context) error { return nil }

// Ping implements proxy.Store.
func (s *Memory) Ping(context.Context) error { return nil }

// Direct is not asked for: this store has no features.
func (s *Memory) Direct(context.Context, rules.Namespace, proxy.DirectWrite) (proxy.DirectResult, error) {
	return proxy.DirectResult{}, proxy.ErrRejected
}

// Find implements proxy.Store.
func (s *Memory) Find(_ context.Context, ns rules.Namespace, q proxy.Query) iter.Seq2[bson.Raw, error] {
	return func(yield func(bson.Raw, error) bool) {
		docs, err := s.find(ns, q)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, d := range docs {
			if !yield(d, nil) {
				return
			}
		}
	}
}

func (s *Memory) find(ns rules.Namespace, q proxy.Query) ([]bson.Raw, error) {
	filter := q.Filter
	if filter == nil {
		filter = bson.Raw{5, 0, 0, 0, 0}
	}
	f, err := query.Parse(filter, query.Options{Trusted: true})
	if err != nil {
		return nil, fmt.Errorf("memory: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var docs []bson.Raw
	for _, d := range s.collections[ns.String()] {
		if f.Match(d) {
			docs = append(docs, d)
		}
	}
	if q.Sort != nil {
		by, err := query.ParseSort(q.Sort)
		if err != nil {
			return nil, fmt.Errorf("memory: %w", err)
		}
		slices.SortStableFunc(docs, by.Compare)
	}
	docs = docs[min(int(q.Skip), len(docs)):]
	if q.Limit > 0 && int(q.Limit) < len(docs) {
		docs = docs[:q.Limit]
	}
	return docs, nil
}

// Count implements proxy.Store.
func (s *Memory) Count(_ context.Context, ns rules.Namespace, filter bson.Raw) (int64, error) {
	docs, err := s.find(ns, proxy.Query{Filter: filter})
	return int64(len(docs)), err
}

// Distinct implements proxy.Store.
func (s *Memory) Distinct(_ context.Context, ns rules.Namespace, key string, filter bson.Raw) ([]bson.RawValue, error) {
	path, err := query.ParsePath(key)
	if err != nil {
		return nil, fmt.Errorf("memory: %w", err)
	}
	docs, err := s.find(ns, proxy.Query{Filter: filter})
	var values []bson.RawValue
	for _, d := range docs {
		path.Values(d, func(v bson.RawValue) bool {
			if !slices.ContainsFunc(values, func(have bson.RawValue) bool { return bsonval.Equal(have, v) }) {
				values = append(values, v)
			}
			return true
		})
	}
	return values, err
}

// Aggregate runs nothing: pipelines are for servers.
func (s *Memory) Aggregate(context.Context, rules.Namespace, proxy.AggregateQuery) iter.Seq2[bson.Raw, error] {
	return func(yield func(bson.Raw, error) bool) {
		yield(nil, fmt.Errorf("memory: %w", proxy.ErrRejected))
	}
}

// Features implements proxy.Store.
func (s *Memory) Features(context.Context, rules.Namespace) (proxy.Features, error) {
	return proxy.Features{}, nil
}

// Write implements proxy.Store.
func (s *Memory) Write(_ context.Context, ns rules.Namespace, ws []proxy.GuardedWrite) (proxy.WriteResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var res proxy.WriteResult
	for i, w := range ws {
		ok, err := s.write(ns.String(), w)
		res.Matched = append(res.Matched, ok)
		if err != nil {
			return res, &proxy.StatementError{Index: i, Err: err}
		}
		if ok {
			res.Done++
		}
	}
	return res, nil
}

// Modify implements proxy.Store.
func (s *Memory) Modify(
	_ context.Context, ns rules.Namespace, w proxy.GuardedWrite, returnNew bool,
) (bson.Raw, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	find := func() bson.Raw {
		for _, d := range s.collections[ns.String()] {
			if id, _ := bsonval.Lookup(d, "_id"); bsonval.Equal(id, w.ID) {
				return d
			}
		}
		return nil
	}
	image := find()
	matched, err := s.write(ns.String(), w)
	if err != nil || !matched {
		return nil, false, err
	}
	if returnNew && w.Kind != proxy.DeleteDocument {
		image = find()
	}
	return image, true, nil
}

func (s *Memory) write(ns string, w proxy.GuardedWrite) (bool, error) {
	docs := s.collections[ns]
	id := w.ID
	if w.Kind == proxy.InsertDocument {
		id, _ = bsonval.Lookup(w.Document, "_id")
	}
	at := slices.IndexFunc(docs, func(d bson.Raw) bool {
		stored, _ := bsonval.Lookup(d, "_id")
		return bsonval.Equal(stored, id)
	})
	switch {
	case w.Kind == proxy.InsertDocument && at >= 0:
		return false, proxy.ErrDuplicateKey
	case w.Kind == proxy.InsertDocument:
		s.collections[ns] = append(docs, w.Document)
		return true, nil
	case at < 0 || !holds(w.Guard, docs[at]):
		return false, nil
	}
	switch w.Kind {
	case proxy.DeleteDocument:
		s.collections[ns] = slices.Delete(slices.Clone(docs), at, at+1)
	case proxy.ReplaceDocument:
		s.replace(ns, at, w.Document)
	case proxy.UpdateFields:
		post, err := fieldsWritten(docs[at], w)
		if err != nil {
			return false, err
		}
		s.replace(ns, at, post)
	default:
		return false, fmt.Errorf("memory: write of kind %d", w.Kind)
	}
	return true, nil
}

// replace leaves the list alone that a reader may have.
func (s *Memory) replace(ns string, at int, doc bson.Raw) {
	docs := slices.Clone(s.collections[ns])
	docs[at] = doc
	s.collections[ns] = docs
}

func holds(g proxy.Guard, doc bson.Raw) bool {
	if g.Document != nil && !bytes.Equal(g.Document, doc) {
		return false
	}
	for _, f := range g.Fields {
		v, ok := bsonval.Lookup(doc, f.Name)
		if ok == bsonval.IsMissing(f.Value) || ok && !bsonval.Equal(v, f.Value) {
			return false
		}
	}
	return true
}

// fieldsWritten stores exact values at paths, as $set and $unset do.
func fieldsWritten(doc bson.Raw, w proxy.GuardedWrite) (bson.Raw, error) {
	u := bson.D{}
	if len(w.Set) > 0 {
		set := bson.D{}
		for _, f := range w.Set {
			set = append(set, bson.E{Key: f.Path, Value: f.Value})
		}
		u = append(u, bson.E{Key: "$set", Value: set})
	}
	if len(w.Unset) > 0 {
		unset := bson.D{}
		for _, path := range w.Unset {
			unset = append(unset, bson.E{Key: path, Value: ""})
		}
		u = append(u, bson.E{Key: "$unset", Value: unset})
	}
	raw, err := bson.Marshal(u)
	if err != nil {
		return nil, err
	}
	parsed, err := update.Parse(raw, nil, update.Options{})
	if err != nil {
		return nil, fmt.Errorf("memory: %s: %w", strings.Join(w.Unset, " "), err)
	}
	return parsed.Apply(nil, doc, update.Input{Positional: -1})
}
