package integration_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/rolegate/rolegate/integration/testdb"
	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/internal/mongostore"
	"github.com/rolegate/rolegate/internal/policytest"
	"github.com/rolegate/rolegate/internal/server"
	"github.com/rolegate/rolegate/internal/source"
)

// TestCasesThroughHTTP runs the corpus against whole servers, one a case, in front of a database: the embedded one, or
// the one that testdb is told of.
func TestCasesThroughHTTP(t *testing.T) {
	db := testdb.Open(t)
	s := &served{db: db, client: db.Client(t)}
	s.claim(t, mustCases(t))
	runCases(t, s, false)
}

// served starts a server for each case. Cases name their databases, so they take turns, and what one leaves behind is
// dropped before the next.
type served struct {
	db     *testdb.Server
	client *mongo.Client
}

// marker is a database that says that the databases of the cases are ours to drop.
const marker = "rolegate_cases"

// claim makes sure that no database of the cases belongs to somebody else, and drops all of them in the end.
func (s *served) claim(t *testing.T, cases []*policytest.Case) {
	t.Helper()
	ours := map[string]bool{}
	for _, c := range cases {
		for _, name := range databases(c) {
			ours[name] = true
		}
	}
	there, err := s.client.ListDatabaseNames(t.Context(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range there {
		if ours[name] && !slices.Contains(there, marker) {
			t.Fatalf("the server has a database %q, which the cases would drop: give an empty server", name)
		}
	}
	if _, err := s.client.Database(marker).Collection("marker").InsertOne(t.Context(), bson.D{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := s.drop(context.Background(), slices.Collect(maps.Keys(ours)))
		if err := errors.Join(err, s.drop(context.Background(), []string{marker})); err != nil {
			t.Error(err)
		}
	})
}

// databases lists the databases in which a case may leave something.
func databases(c *policytest.Case) []string {
	names := map[string]bool{"app": true, policytest.CustomDataDatabase: true}
	for _, coll := range c.Documents {
		names[coll.Database] = true
	}
	for _, step := range c.Steps {
		if step.Command != nil {
			names[step.Command.Database] = true
		}
	}
	for name := range names {
		if slices.Contains([]string{"admin", "local", "config"}, name) || strings.HasPrefix(name, "__") {
			delete(names, name)
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func (s *served) drop(ctx context.Context, names []string) error {
	for _, name := range names {
		if err := s.client.Database(name).Drop(ctx); err != nil {
			return fmt.Errorf("drop %s: %w", name, err)
		}
	}
	return nil
}

func (s *served) Lacks(c *policytest.Case) string {
	switch c.Needs {
	case needsRealEngine, needsComputed:
		if !s.db.Real {
			return c.Needs
		}
	case needsNotComputed:
		if s.db.Real {
			return c.Needs
		}
	}
	return ""
}

func (s *served) Open(ctx context.Context, c *policytest.Case) (policytest.Session, error) {
	if err := s.prepare(ctx, c); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "rolegate-case-")
	if err != nil {
		return nil, err
	}
	session := &servedSession{served: s, dir: dir}
	if err := session.start(ctx, c); err != nil {
		return nil, errors.Join(err, session.Close())
	}
	return session, nil
}

// prepare stores what the case starts from.
func (s *served) prepare(ctx context.Context, c *policytest.Case) error {
	if err := s.drop(ctx, databases(c)); err != nil {
		return err
	}
	return seed(c, func(ns policytest.Namespace, docs []bson.Raw) error {
		if len(docs) == 0 {
			return nil
		}
		_, err := s.client.Database(ns.Database).Collection(ns.Collection).InsertMany(ctx, docs)
		return err
	})
}

// servedSession is one running server.
type servedSession struct {
	*served
	policytest.HTTP
	dir  string
	stop context.CancelFunc
	done chan error
}

func (s *servedSession) start(ctx context.Context, c *policytest.Case) error {
	if err := os.CopyFS(s.dir, c.Files()); err != nil {
		return err
	}
	keys, err := s.keys(ctx, c)
	if err != nil {
		return err
	}
	now := c.Clock()
	o := server.Options{
		App: s.dir, MongoDBURI: s.db.URI, Listen: "127.0.0.1:0", Now: now,
		Secrets: func(name string) (string, bool) {
			switch name {
			case policytest.TokenSecretName:
				return policytest.TokenSecret, true
			case policytest.SessionKeyName:
				return policytest.SessionKey, true
			}
			secret, ok := c.Secrets[name]
			return secret, ok
		},
	}
	o.Settings = &source.File{Name: "server.json", Text: c.Settings}
	if c.Settings == nil {
		o.Settings.Text = []byte(`{"limits": {"function_time": "` + functionTime.String() + `"}}`)
	}
	srv, err := server.New(ctx, o)
	if e, ok := errors.AsType[*server.ConfigError](err); ok {
		return refused(e.Diagnostics)
	}
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop, s.done = stop, make(chan error, 1)
	go func() { s.done <- srv.Run(running) }()
	s.HTTP = policytest.HTTP{
		Case: c, URL: "http://" + srv.Addr().String(), Client: &http.Client{Transport: &http.Transport{}},
		Keys: keys, Now: now,
	}
	return nil
}

// ownCollections is where mongostore keeps what it knows of users.
var ownCollections = []string{"rolegate_api_keys", "rolegate_users", "rolegate_logins", "rolegate_sessions"}

// keys makes the API keys of the case's server users, with the ids that the case gives them.
func (s *servedSession) keys(ctx context.Context, c *policytest.Case) (texts map[string]string, err error) {
	store, err := mongostore.Open(ctx, mongostore.Config{StoreURI: s.db.URI})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close(ctx)) }()
	for _, name := range ownCollections {
		stored := s.client.Database(mongostore.DefaultStoreDatabase).Collection(name)
		if _, err := stored.DeleteMany(ctx, bson.D{{Key: "app", Value: policytest.AppID}}); err != nil {
			return nil, err
		}
	}
	texts = map[string]string{}
	for name, u := range c.Users {
		if u.Type != "server" {
			continue
		}
		key, text := auth.NewKey(auth.Key{ID: u.ID, App: policytest.AppID, Name: name, Created: time.Now()})
		if err := store.Keys().Insert(ctx, key); err != nil {
			return nil, err
		}
		texts[name] = text
	}
	return texts, nil
}

func (s *servedSession) Stored(ctx context.Context, ns policytest.Namespace) ([]bson.Raw, error) {
	cur, err := s.client.Database(ns.Database).Collection(ns.Collection).Find(ctx, bson.D{})
	if err != nil {
		return nil, err
	}
	var docs []bson.Raw
	err = cur.All(ctx, &docs)
	return docs, err
}

func (s *servedSession) Close() error {
	var err error
	if s.stop != nil {
		s.Client.CloseIdleConnections()
		s.stop()
		err = <-s.done
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}
