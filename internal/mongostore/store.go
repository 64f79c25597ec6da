// Package mongostore runs planned operations on MongoDB.
//
// It is the only importer of the driver's mongo package. It decides nothing about permissions: it sends what it is
// given, pins guarded writes to the document the decision saw, never repeats a write, and says what was stored.
//
// What a server can do is asked once per deployment (capabilities). On a server without $expr, which is the embedded
// one of the tests, guards are only an approximation, and the log says so.
package mongostore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// DefaultStoreDatabase is the database of rolegate's own data.
const DefaultStoreDatabase = "__rolegate"

// Config says where the data is.
type Config struct {
	// DataSources maps each service of the app to a connection string. Services with equal strings share one pool
	// of connections.
	DataSources map[string]string
	// StoreURI is the deployment with rolegate's own data; empty when Keys is not used.
	StoreURI string
	// StoreDatabase holds rolegate's own data and is closed to Find and Write; empty means DefaultStoreDatabase.
	StoreDatabase string
	// SelectionTimeout is how long an operation waits for a reachable server, unless the connection string has
	// serverSelectionTimeoutMS; 0 means 5 s.
	SelectionTimeout time.Duration
	// NoBulkWrite leaves the bulkWrite command of MongoDB 8.0 alone, as if every server were older.
	NoBulkWrite bool
	// Logger gets one line per deployment with what it can do; nil discards it.
	Logger *slog.Logger
}

// Store is a proxy.Store on MongoDB. It is safe for concurrent use.
type Store struct {
	services      map[string]*source
	own           *source // nil without StoreURI
	sources       []*source
	storeDatabase string
}

var _ proxy.Store = (*Store)(nil)

// Open prepares the connections and asks each deployment what it can do. A deployment that cannot be reached is not
// an error: it is asked again when it is needed, and Ping tells. The caller closes the store.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.StoreDatabase == "" {
		cfg.StoreDatabase = DefaultStoreDatabase
	}
	if cfg.SelectionTimeout == 0 {
		cfg.SelectionTimeout = 5 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Store{services: map[string]*source{}, storeDatabase: cfg.StoreDatabase}
	byURI := map[string]*source{}
	open := func(uri string) (*source, error) {
		if src, ok := byURI[uri]; ok {
			return src, nil
		}
		src, err := newSource(uri, cfg)
		if err != nil {
			return nil, errors.Join(err, s.Close(ctx))
		}
		byURI[uri] = src
		s.sources = append(s.sources, src)
		return src, nil
	}
	for _, service := range slices.Sorted(maps.Keys(cfg.DataSources)) {
		src, err := open(cfg.DataSources[service])
		if err != nil {
			return nil, fmt.Errorf("data source %s: %w", service, err)
		}
		s.services[service] = src
	}
	if cfg.StoreURI != "" {
		src, err := open(cfg.StoreURI)
		if err != nil {
			return nil, fmt.Errorf("store database: %w", err)
		}
		s.own = src
	}
	for _, src := range s.sources {
		if _, err := src.capabilities(ctx); err != nil {
			cfg.Logger.Warn("database not reachable yet", "hosts", src.hosts, "error", err)
		}
	}
	return s, nil
}

// Ping tells whether every deployment can be reached and is understood.
func (s *Store) Ping(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, src := range s.sources {
		g.Go(func() error { return src.ping(ctx) })
	}
	return g.Wait()
}

// Close gives all connections back and leaves no goroutine behind. Operations still running are cut off when ctx ends.
func (s *Store) Close(ctx context.Context) error {
	var errs []error
	for _, src := range s.sources {
		if err := src.client.Disconnect(ctx); err != nil {
			errs = append(errs, fmt.Errorf("disconnect %s: %w", src.hosts, err))
		}
	}
	return errors.Join(errs...)
}

// source returns the deployment behind a namespace, and refuses our own database whatever the caller checked.
func (s *Store) source(ns rules.Namespace) (*source, error) {
	if ns.Database == s.storeDatabase {
		return nil, fmt.Errorf("%w: reserved database", proxy.ErrRejected)
	}
	src, ok := s.services[ns.Service]
	if !ok {
		return nil, fmt.Errorf("no deployment for data source %q", ns.Service)
	}
	return src, nil
}
