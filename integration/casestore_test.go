package integration_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/policytest"
	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/internal/update"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// caseStore keeps the documents of one case. It is a fake for tests of decisions: no product code may grow a second
// imitation of MongoDB. Like one server behind several data sources it does not look at the service.
type caseStore struct {
	collections map[string][]bson.Raw // :: database.collection → documents as inserted
}

func newCaseStore() *caseStore { return &caseStore{collections: map[string][]bson.Raw{}} }

func (s *caseStore) seed(ns policytest.Namespace, docs []bson.Raw) error {
	s.collections[ns.String()] = append(s.collections[ns.String()], docs...)
	return nil
}

func (s *caseStore) documents(database, collection string) []bson.Raw {
	return s.collections[database+"."+collection]
}

func (s *caseStore) Ping(context.Context) error { return nil }

// Direct is not asked for: this store has no features.
func (s *caseStore) Direct(context.Context, rules.Namespace, proxy.DirectWrite) (proxy.DirectResult, error) {
	return proxy.DirectResult{}, proxy.ErrRejected
}

func (s *caseStore) Find(_ context.Context, ns rules.Namespace, q proxy.Query) iter.Seq2[bson.Raw, error] {
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

func (s *caseStore) find(ns rules.Namespace, q proxy.Query) ([]bson.Raw, error) {
	filter := q.Filter
	if filter == nil {
		filter = bson.Raw{5, 0, 0, 0, 0}
	}
	f, err := query.Parse(filter, query.Options{Trusted: true})
	if err != nil {
		return nil, fmt.Errorf("case store: %w", err)
	}
	var docs []bson.Raw
	for _, d := range s.collections[ns.String()] {
		if f.Match(d) {
			docs = append(docs, d)
		}
	}
	if q.Sort != nil {
		by, err := query.ParseSort(q.Sort)
		if err != nil {
			return nil, fmt.Errorf("case store: %w", err)
		}
		slices.SortStableFunc(docs, by.Compare)
	}
	docs = docs[min(int(q.Skip), len(docs)):]
	if q.Limit > 0 && int(q.Limit) < len(docs) {
		docs = docs[:q.Limit]
	}
	return docs, nil
}

func (s *caseStore) Count(_ context.Context, ns rules.Namespace, filter bson.Raw) (int64, error) {
	docs, err := s.find(ns, proxy.Query{Filter: filter})
	return int64(len(docs)), err
}

func (s *caseStore) Distinct(_ context.Context, ns rules.Namespace, key string, filter bson.Raw) ([]bson.RawValue, error) {
	path, err := query.ParsePath(key)
	if err != nil {
		return nil, fmt.Errorf("case store: %w", err)
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
func (s *caseStore) Aggregate(context.Context, rules.Namespace, proxy.AggregateQuery) iter.Seq2[bson.Raw, error] {
	return func(yield func(bson.Raw, error) bool) {
		yield(nil, fmt.Errorf("case store: %w", proxy.ErrRejected))
	}
}

func (s *caseStore) Features(context.Context, rules.Namespace) (proxy.Features, error) {
	return proxy.Features{}, nil
}

func (s *caseStore) Write(_ context.Context, ns rules.Namespace, ws []proxy.GuardedWrite) (proxy.WriteResult, error) {
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

func (s *caseStore) Modify(
	_ context.Context, ns rules.Namespace, w proxy.GuardedWrite, returnNew bool,
) (bson.Raw, bool, error) {
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

func (s *caseStore) write(ns string, w proxy.GuardedWrite) (bool, error) {
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
		docs[at] = w.Document
	case proxy.UpdateFields:
		post, err := difference(docs[at], w)
		if err != nil {
			return false, err
		}
		docs[at] = post
	default:
		return false, fmt.Errorf("case store: write of kind %d", w.Kind)
	}
	return true, nil
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

// difference stores exact values at paths, as $set and $unset do.
func difference(doc bson.Raw, w proxy.GuardedWrite) (bson.Raw, error) {
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
		return nil, fmt.Errorf("case store: %s: %w", strings.Join(w.Unset, " "), err)
	}
	return parsed.Apply(nil, doc, update.Input{Positional: -1})
}
