package proxy_test

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// store answers from functions and remembers what it was asked.
type store struct {
	find   func(q proxy.Query) ([]bson.Raw, error)
	write  func(ws []proxy.GuardedWrite) (proxy.WriteResult, error)
	modify func(w proxy.GuardedWrite, returnNew bool) (bson.Raw, bool, error)
	asked  []proxy.Query
	writes [][]proxy.GuardedWrite

	counted   []bson.Raw             // the filters of counts and distincts
	pipelines []proxy.AggregateQuery // what was aggregated
	result    []bson.Raw             // of every pipeline
	others    []bson.Raw             // ... but for those that look for another form of a document
	features  proxy.Features
	nulls     bool // distinct finds a null whatever is stored

	direct  func(w proxy.DirectWrite) (proxy.DirectResult, error)
	directs []proxy.DirectWrite
}

func (s *store) Find(_ context.Context, _ rules.Namespace, q proxy.Query) iter.Seq2[bson.Raw, error] {
	s.asked = append(s.asked, q)
	return func(yield func(bson.Raw, error) bool) {
		docs, err := s.find(q)
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

func (s *store) Write(_ context.Context, _ rules.Namespace, ws []proxy.GuardedWrite) (proxy.WriteResult, error) {
	s.writes = append(s.writes, ws)
	return s.write(ws)
}

func (s *store) Modify(
	_ context.Context, _ rules.Namespace, w proxy.GuardedWrite, returnNew bool,
) (bson.Raw, bool, error) {
	s.writes = append(s.writes, []proxy.GuardedWrite{w})
	return s.modify(w, returnNew)
}

func (s *store) Count(_ context.Context, _ rules.Namespace, filter bson.Raw) (int64, error) {
	s.counted = append(s.counted, filter)
	docs, err := s.find(proxy.Query{Filter: filter})
	return int64(len(docs)), err
}

func (s *store) Distinct(_ context.Context, _ rules.Namespace, key string, filter bson.Raw) ([]bson.RawValue, error) {
	s.counted = append(s.counted, filter)
	docs, err := s.find(proxy.Query{Filter: filter})
	if err != nil {
		return nil, err
	}
	path, err := query.ParsePath(key)
	var found []bson.RawValue
	if s.nulls {
		found = append(found, bsonval.Null())
	}
	for _, d := range docs {
		path.Values(d, func(v bson.RawValue) bool {
			if !slices.ContainsFunc(found, func(w bson.RawValue) bool { return bsonval.Equal(v, w) }) {
				found = append(found, v)
			}
			return true
		})
	}
	return found, err
}

func (s *store) Aggregate(_ context.Context, _ rules.Namespace, q proxy.AggregateQuery) iter.Seq2[bson.Raw, error] {
	s.pipelines = append(s.pipelines, q)
	return func(yield func(bson.Raw, error) bool) {
		result := s.result
		if len(s.pipelines) > 1 {
			result = s.others
		}
		for _, d := range result {
			if !yield(d, nil) {
				return
			}
		}
	}
}

func (s *store) Features(context.Context, rules.Namespace) (proxy.Features, error) {
	return s.features, nil
}

func (s *store) Direct(_ context.Context, _ rules.Namespace, w proxy.DirectWrite) (proxy.DirectResult, error) {
	s.directs = append(s.directs, w)
	return s.direct(w)
}

func (s *store) Ping(context.Context) error { return nil }

// returning is a store with these documents that stores whatever it is given.
func returning(docs ...bson.Raw) *store {
	return &store{
		find:  func(q proxy.Query) ([]bson.Raw, error) { return answer(docs, q) },
		write: func(ws []proxy.GuardedWrite) (proxy.WriteResult, error) { return allMatched(len(ws)), nil },
	}
}

// answer finds documents as a database does.
func answer(docs []bson.Raw, q proxy.Query) ([]bson.Raw, error) {
	var found []bson.Raw
	var f *query.Filter
	var err error
	if q.Filter != nil {
		if f, err = query.Parse(q.Filter, query.Options{Trusted: true}); err != nil {
			return nil, err
		}
	}
	for _, d := range docs {
		if f == nil || f.Match(d) {
			found = append(found, d)
		}
	}
	if q.Sort != nil {
		by, err := query.ParseSort(q.Sort)
		if err != nil {
			return nil, err
		}
		slices.SortStableFunc(found, func(a, b bson.Raw) int { return by.Compare(a, b) })
	}
	found = found[min(int(q.Skip), len(found)):]
	if q.Limit > 0 {
		found = found[:min(int(q.Limit), len(found))]
	}
	return found, nil
}

func allMatched(n int) proxy.WriteResult {
	r := proxy.WriteResult{Done: n}
	for range n {
		r.Matched = append(r.Matched, true)
	}
	return r
}

// logs collects log lines.
type logs struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var ns = rules.Namespace{Service: "mongodb-atlas", Database: "app", Collection: "c"}

var ann = proxy.Caller{User: &rules.User{ID: "ua", Type: rules.NormalUser}, ID: "req-1"}

// newProxy serves one collection with these roles and filters.
func newProxy(t testing.TB, s proxy.Store, roles, filters string, change ...func(*proxy.Config)) (*proxy.Proxy, *logs) {
	t.Helper()
	policy := policyOf(t, map[string]string{
		"data_sources/mongodb-atlas/app/c/rules.json": fmt.Sprintf(`{"database": "app", "collection": "c", "roles": [%s], "filters": [%s]}`, roles, filters),
	})
	l := &logs{}
	c := proxy.Config{Store: s, Policy: policy, Log: slog.New(slog.NewTextHandler(l, nil))}
	for _, f := range change {
		f(&c)
	}
	return proxy.New(c), l
}

// policyOf compiles an app of one data source with these files.
func policyOf(t testing.TB, files map[string]string) *rules.Policy {
	t.Helper()
	fsys := fstest.MapFS{
		"root_config.json": {Data: []byte(`{"app_id": "demo-abcde", "config_version": 20210101, "name": "demo"}`)},
		"data_sources/mongodb-atlas/config.json": {
			Data: []byte(`{"name": "mongodb-atlas", "type": "mongodb-atlas", "config": {"clusterName": "Cluster0"}}`),
		},
	}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	app, ds := config.Load(fsys, config.Options{})
	policy, more := rules.Compile(app, rules.Options{})
	if ds = append(ds, more...); ds.HasErrors() {
		var b strings.Builder
		_ = ds.WriteText(&b)
		t.Fatal(b.String())
	}
	return policy
}

func doc(t testing.TB, text string) bson.Raw {
	t.Helper()
	if text == "" {
		return nil
	}
	d, err := ejson.Parse([]byte(text), ejson.Limits{})
	if err != nil {
		t.Fatalf("parse %s: %v", text, err)
	}
	return d
}

func docs(t testing.TB, texts ...string) []bson.Raw {
	t.Helper()
	var out []bson.Raw
	for _, s := range texts {
		out = append(out, doc(t, s))
	}
	return out
}

func text(t testing.TB, d bson.Raw) string {
	t.Helper()
	if d == nil {
		return ""
	}
	out, err := ejson.AppendRelaxed(nil, d)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func find(t testing.TB, p *proxy.Proxy, op proxy.Find) ([]string, error) {
	t.Helper()
	op.NS = ns
	var got []string
	err := p.Find(t.Context(), ann, op, func(d bson.Raw) error {
		got = append(got, text(t, d))
		return nil
	})
	return got, err
}
