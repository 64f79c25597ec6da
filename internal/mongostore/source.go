package mongostore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// source is one deployment: its pool of connections, and what its connection string and its server want.
type source struct {
	client        *mongo.Client
	hosts         string // for the log; never the connection string, which holds a password
	plainReads    *readpref.ReadPref
	readConcern   bson.D // nil unless the connection string has one
	writeConcern  bson.D
	probeDatabase string
	noBulkWrite   bool
	log           *slog.Logger

	known atomic.Pointer[capabilities] // nil until the server answered

	oneWriter sync.Mutex // for servers whose updates are not atomic
}

func newSource(uri string, cfg Config) (*source, error) {
	opts := options.Client().
		SetAppName("rolegate").
		SetServerSelectionTimeout(cfg.SelectionTimeout).
		ApplyURI(uri).
		SetRetryWrites(false) // a write whose outcome is unclear is never sent again
	if err := opts.Validate(); err != nil {
		return nil, invalidURI(err)
	}
	wc, err := writeConcern(opts.WriteConcern)
	if err != nil {
		return nil, err
	}
	client, err := mongo.Connect(opts)
	if err != nil {
		return nil, invalidURI(err)
	}
	s := &source{
		client:        client,
		hosts:         strings.Join(opts.Hosts, ","),
		plainReads:    readpref.Primary(),
		writeConcern:  wc,
		probeDatabase: cfg.StoreDatabase,
		noBulkWrite:   cfg.NoBulkWrite,
		log:           cfg.Logger,
	}
	if opts.ReadPreference != nil {
		s.plainReads = opts.ReadPreference
	}
	if opts.ReadConcern != nil && opts.ReadConcern.Level != "" {
		s.readConcern = bson.D{{Key: "level", Value: opts.ReadConcern.Level}}
	}
	return s, nil
}

// invalidURI keeps the reason and drops what follows it: the driver quotes parts of the string, password included.
func invalidURI(err error) error {
	reason, _, _ := strings.Cut(err.Error(), ":")
	return fmt.Errorf("connection string not valid (%s)", reason)
}

// writeConcern is majority and journaled unless the connection string says otherwise.
func writeConcern(uri *writeconcern.WriteConcern) (bson.D, error) {
	if uri == nil {
		uri = &writeconcern.WriteConcern{}
	}
	switch w := uri.W.(type) {
	case nil:
		journal := uri.Journal == nil || *uri.Journal
		return bson.D{{Key: "w", Value: "majority"}, {Key: "j", Value: journal}}, nil
	case int:
		if w == 0 {
			return nil, errors.New("the connection string asks for unacknowledged writes (w=0), which cannot be guarded")
		}
	}
	wc := bson.D{{Key: "w", Value: uri.W}}
	if uri.Journal != nil {
		wc = append(wc, bson.E{Key: "j", Value: *uri.Journal})
	}
	return wc, nil
}

func (s *source) ping(ctx context.Context) error {
	if _, err := s.capabilities(ctx); err != nil {
		return err
	}
	if err := s.client.Ping(ctx, readpref.Primary()); err != nil {
		return readError(err)
	}
	return nil
}
