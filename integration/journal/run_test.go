package journal_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/integration/testdb"
	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/mongostore"
	"github.com/rolegate/rolegate/internal/policytest"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// bench is the product's store on a database of its own.
type bench struct {
	*testdb.Server
	store      *mongostore.Store
	ns, custom rules.Namespace
	users      []*user
}

func open(t *testing.T) *bench {
	t.Helper()
	s := testdb.Open(t)
	database := s.Database(t)
	b := &bench{
		Server: s,
		ns:     rules.Namespace{Service: policytest.DefaultService, Database: database, Collection: "c"},
		custom: rules.Namespace{Service: policytest.DefaultService, Database: database, Collection: "custom"},
		users:  makeUsers(),
	}
	store, err := mongostore.Open(t.Context(), mongostore.Config{DataSources: map[string]string{policytest.DefaultService: s.URI}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(context.Background()); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	b.store = store
	var custom []any
	for _, u := range b.users {
		custom = append(custom, u.custom)
	}
	s.Seed(t, database, "custom", custom...)
	return b
}

// empty takes away all documents. The collection stays: to make one takes longer than all that is asked of a world.
func (b *bench) empty(t *testing.T) {
	t.Helper()
	if _, err := b.store.Direct(t.Context(), b.ns, proxy.DirectWrite{Many: true}); err != nil {
		t.Fatal(err)
	}
}

// run is a world with its history.
type run struct {
	*world
	history  history
	requests []*request
}

// play lets everybody write at once.
func (b *bench) play(t *testing.T, w *world, seed uint64, each int) *run {
	t.Helper()
	b.empty(t)
	r := &run{world: w}
	rec := &recorder{Store: b.store, history: &r.history, atOnce: w.atOnce, totals: seed%3 == 0}
	p, err := w.proxy(rec, b.ns, b.custom)
	if err != nil {
		t.Fatal(err)
	}
	outside := &request{text: "the documents at the beginning"}
	ctx := context.WithValue(t.Context(), requestKey{}, outside)
	for _, doc := range w.seeds(rand.New(rand.NewPCG(seed, 0))) {
		if _, err := rec.Write(ctx, b.ns, []proxy.GuardedWrite{{Kind: proxy.InsertDocument, Document: doc}}); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	start := make(chan struct{})
	for i, u := range b.users {
		random := rand.New(rand.NewPCG(seed, uint64(i+1)))
		var mine []*request
		for range each {
			mine = append(mine, w.request(random, u))
		}
		r.requests = append(r.requests, mine...)
		all.Go(func() {
			<-start
			for _, req := range mine {
				req.send(t.Context(), p, b.ns)
			}
		})
	}
	for i := range 2 {
		random := rand.New(rand.NewPCG(seed, uint64(100+i)))
		var theirs []*request
		for range each {
			theirs = append(theirs, &request{text: w.draw(random, w.beside, "")})
		}
		all.Go(func() {
			<-start
			for _, req := range theirs {
				if err := req.sendBeside(t.Context(), rec, b.ns, w); err != nil {
					r.history.fault("%s: %v", req.text, err)
				}
			}
		})
	}
	close(start)
	all.Wait()
	return r
}

// sendBeside sets fields of a document in the database, whatever is stored. Where there is none it is made.
func (r *request) sendBeside(ctx context.Context, rec *recorder, ns rules.Namespace, w *world) error {
	ctx = context.WithValue(ctx, requestKey{}, r)
	id, fields, _ := strings.Cut(r.text, " | ")
	key, err := ejson.ParseValue([]byte(id), ejson.Limits{})
	if err != nil {
		return err
	}
	set, err := ejson.Parse([]byte(fields), ejson.Limits{})
	if err != nil {
		return err
	}
	write := proxy.GuardedWrite{Kind: proxy.UpdateFields, ID: key}
	elements, err := set.Elements()
	if err != nil {
		return err
	}
	for _, e := range elements {
		write.Set = append(write.Set, proxy.FieldValue{Path: e.Key(), Value: e.Value()})
	}
	res, err := rec.Write(ctx, ns, []proxy.GuardedWrite{write})
	if err != nil || res.Done == 1 {
		return err
	}
	doc := with(set, "_id", key, raw(bson.D{{Key: "_id", Value: 0}}))
	_, err = rec.Write(ctx, ns, []proxy.GuardedWrite{{Kind: proxy.InsertDocument, Document: doc}})
	if err != nil && !errors.Is(err, proxy.ErrDuplicateKey) {
		return err
	}
	return nil
}

// counts are what a test has seen.
type counts map[string]int

func (c counts) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(c)) {
		fmt.Fprintf(&b, "\n%8d %s", c[name], name)
	}
	return b.String()
}

// need fails where something has not been seen at all: then the test shows nothing of it.
func (c counts) need(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if c[name] == 0 {
			t.Errorf("no %s", name)
		}
	}
}
