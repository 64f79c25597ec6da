package mongostore

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// ScratchPrefix begins the name of every database that a Scratch makes.
const ScratchPrefix = "rolegate_test_"

// Scratch is a proxy.Store for tests of rules, whose databases are made for the occasion: whatever database a request
// names, it gets one with a random name that begins with ScratchPrefix. Nothing else on the server is read, written or
// dropped. Close drops them.
//
// It does not embed Store: an operation that is added there must not reach databases of others by being forgotten here.
type Scratch struct {
	store  *Store
	source *source
	prefix string

	mu sync.Mutex
	// made are the databases that may exist, by the names that requests use.
	made map[string]string
}

var _ proxy.Store = (*Scratch)(nil)

// OpenScratch opens the one server that is behind all data sources. The caller closes the store.
func OpenScratch(ctx context.Context, uri string, services []string) (*Scratch, error) {
	prefix := ScratchPrefix + strings.ToLower(rand.Text()[:12]) + "_"
	cfg := Config{DataSources: map[string]string{}, StoreURI: uri, StoreDatabase: prefix + "probe"}
	for _, s := range services {
		cfg.DataSources[s] = uri
	}
	store, err := Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := store.Ping(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("the database does not answer: %w", err), store.Close(ctx))
	}
	return &Scratch{store: store, source: store.own, prefix: prefix, made: map[string]string{}}, nil
}

// at is where the documents of a namespace are. A database is looked at before it is used for the first time: one that
// exists belongs to somebody else.
func (s *Scratch) at(ctx context.Context, ns rules.Namespace) (rules.Namespace, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, known := s.made[ns.Database]
	if !known {
		// A hash, because names have limits and some servers take upper and lower case for the same.
		hash := sha256.Sum256([]byte(ns.Database))
		name = s.prefix + strings.ToLower(base32.HexEncoding.EncodeToString(hash[:10]))
		there, err := s.source.client.Database(name).ListCollectionNames(ctx, bson.D{})
		if err != nil {
			return ns, readError(err)
		}
		if len(there) > 0 {
			return ns, fmt.Errorf("there is a database %s already", name)
		}
		s.made[ns.Database] = name
	}
	ns.Database = name
	return ns, nil
}

// Seed stores documents as they are.
func (s *Scratch) Seed(ctx context.Context, ns rules.Namespace, docs []bson.Raw) error {
	at, err := s.at(ctx, ns)
	if err != nil || len(docs) == 0 {
		return err
	}
	if _, err := s.source.client.Database(at.Database).Collection(at.Collection).InsertMany(ctx, docs); err != nil {
		return fmt.Errorf("seed %s: %w", ns, err)
	}
	return nil
}

// Databases are the names on the server of what was made.
func (s *Scratch) Databases() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Values(s.made))
}

// Close drops every database that was made, also when ctx has ended, and gives the connections back.
func (s *Scratch) Close(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, name := range slices.Sorted(maps.Values(s.made)) {
		if err := s.source.client.Database(name).Drop(ctx); err != nil {
			errs = append(errs, fmt.Errorf("drop %s: %w", name, err))
		}
	}
	return errors.Join(append(errs, s.store.Close(ctx))...)
}

// each yields what a read of the store yields at another place.
func (s *Scratch) each(ctx context.Context, ns rules.Namespace, read func(at rules.Namespace) iter.Seq2[bson.Raw, error]) iter.Seq2[bson.Raw, error] {
	return func(yield func(bson.Raw, error) bool) {
		at, err := s.at(ctx, ns)
		if err != nil {
			yield(nil, err)
			return
		}
		read(at)(yield)
	}
}

// Find implements proxy.Store.
func (s *Scratch) Find(ctx context.Context, ns rules.Namespace, q proxy.Query) iter.Seq2[bson.Raw, error] {
	return s.each(ctx, ns, func(at rules.Namespace) iter.Seq2[bson.Raw, error] { return s.store.Find(ctx, at, q) })
}

// Aggregate implements proxy.Store. Stages that name a collection mean one of the same database.
func (s *Scratch) Aggregate(ctx context.Context, ns rules.Namespace, q proxy.AggregateQuery) iter.Seq2[bson.Raw, error] {
	return s.each(ctx, ns, func(at rules.Namespace) iter.Seq2[bson.Raw, error] { return s.store.Aggregate(ctx, at, q) })
}

// Count implements proxy.Store.
func (s *Scratch) Count(ctx context.Context, ns rules.Namespace, filter bson.Raw) (int64, error) {
	at, err := s.at(ctx, ns)
	if err != nil {
		return 0, err
	}
	return s.store.Count(ctx, at, filter)
}

// Distinct implements proxy.Store.
func (s *Scratch) Distinct(ctx context.Context, ns rules.Namespace, key string, filter bson.Raw) ([]bson.RawValue, error) {
	at, err := s.at(ctx, ns)
	if err != nil {
		return nil, err
	}
	return s.store.Distinct(ctx, at, key, filter)
}

// Features implements proxy.Store.
func (s *Scratch) Features(ctx context.Context, ns rules.Namespace) (proxy.Features, error) {
	return s.store.Features(ctx, ns)
}

// Write implements proxy.Store.
func (s *Scratch) Write(ctx context.Context, ns rules.Namespace, ws []proxy.GuardedWrite) (proxy.WriteResult, error) {
	at, err := s.at(ctx, ns)
	if err != nil {
		return proxy.WriteResult{}, err
	}
	return s.store.Write(ctx, at, ws)
}

// Direct implements proxy.Store.
func (s *Scratch) Direct(ctx context.Context, ns rules.Namespace, w proxy.DirectWrite) (proxy.DirectResult, error) {
	at, err := s.at(ctx, ns)
	if err != nil {
		return proxy.DirectResult{}, err
	}
	return s.store.Direct(ctx, at, w)
}

// Modify implements proxy.Store.
func (s *Scratch) Modify(ctx context.Context, ns rules.Namespace, w proxy.GuardedWrite, returnNew bool) (bson.Raw, bool, error) {
	at, err := s.at(ctx, ns)
	if err != nil {
		return nil, false, err
	}
	return s.store.Modify(ctx, at, w, returnNew)
}

// Ping implements proxy.Store.
func (s *Scratch) Ping(ctx context.Context) error { return s.store.Ping(ctx) }
