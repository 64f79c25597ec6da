// Package testdb gives a test a MongoDB-compatible server and a database of its own.
//
// The server is the one at ROLEGATE_TEST_MONGODB_URI; else, with ROLEGATE_TEST_CONTAINERS=1, MongoDB in a container;
// else an embedded one, which needs nothing but is not MongoDB: a test of MongoDB's semantics calls NeedReal.
package testdb

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/modules/mongodb"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/rolegate/rolegate/integration/embedded"
)

// image is what a container runs.
const image = "mongo:8"

// Server is a database server for the length of a test.
type Server struct {
	URI string
	// Real says that the server runs MongoDB's own semantics ($expr, collations, every BSON type).
	Real bool
}

// Open returns a server that is stopped at the end of the test, unless it was given from outside.
func Open(t testing.TB) *Server {
	t.Helper()
	s := &Server{URI: start(t)}
	s.Real = hasExpr(t, s.Client(t))
	return s
}

// hasExpr asks for $expr inside a pipeline: the embedded server refuses it there even without documents.
func hasExpr(t testing.TB, c *mongo.Client) bool {
	t.Helper()
	match := bson.D{{Key: "$match", Value: bson.D{{Key: "$expr", Value: bson.D{{Key: "$eq", Value: bson.A{1, 1}}}}}}}
	cur, err := c.Database("admin").Collection("rolegate_probe").Aggregate(t.Context(), bson.A{match})
	var refused mongo.ServerError
	switch {
	case errors.As(err, &refused):
		return false
	case err != nil:
		t.Fatal(err)
	}
	if err := cur.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return true
}

func start(t testing.TB) string {
	t.Helper()
	if uri := os.Getenv("ROLEGATE_TEST_MONGODB_URI"); uri != "" {
		return uri
	}
	if os.Getenv("ROLEGATE_TEST_CONTAINERS") == "1" {
		return startContainer(t)
	}
	e, err := embedded.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("stop the embedded server: %v", err)
		}
	})
	return e.URI
}

func startContainer(t testing.TB) string {
	t.Helper()
	c, err := mongodb.Run(t.Context(), image, mongodb.WithReplicaSet("rs0"))
	testcontainers.CleanupContainer(t, c)
	if err != nil {
		t.Fatal(err)
	}
	uri, err := c.ConnectionString(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return uri
}

// NeedReal skips a test that the embedded server cannot run, and says what it lacks.
func (s *Server) NeedReal(t testing.TB, lack string) {
	t.Helper()
	if !s.Real {
		t.Skipf("SKIP %s: the embedded server has no %s; set ROLEGATE_TEST_MONGODB_URI to a real MongoDB", t.Name(), lack)
	}
}

// Client returns a plain driver client, for seeding and for looking behind the proxy's back.
func (s *Server) Client(t testing.TB) *mongo.Client {
	t.Helper()
	c, err := mongo.Connect(options.Client().ApplyURI(s.URI).SetServerSelectionTimeout(10 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Disconnect(context.Background()); err != nil {
			t.Errorf("disconnect: %v", err)
		}
	})
	return c
}

// Dial connects to the server, below any driver.
func (s *Server) Dial(ctx context.Context) (net.Conn, error) {
	host, network := options.Client().ApplyURI(s.URI).Hosts[0], "tcp"
	if path, err := url.PathUnescape(host); err == nil && strings.HasPrefix(path, "/") {
		host, network = path, "unix"
	}
	return new(net.Dialer).DialContext(ctx, network, host)
}

// Database returns the name of a database that does not exist yet and is dropped at the end of the test.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := "t_" + strings.ToLower(rand.Text()[:12])
	c := s.Client(t)
	t.Cleanup(func() {
		if err := c.Database(name).Drop(context.Background()); err != nil {
			t.Errorf("drop %s: %v", name, err)
		}
	})
	return name
}

// Seed stores documents as they are; each is anything that marshals to a BSON document.
func (s *Server) Seed(t testing.TB, database, collection string, docs ...any) {
	t.Helper()
	if len(docs) == 0 {
		return
	}
	if _, err := s.Client(t).Database(database).Collection(collection).InsertMany(t.Context(), docs); err != nil {
		t.Fatalf("seed %s.%s: %v", database, collection, err)
	}
}

// Dump returns all documents of a collection in the order of _id.
func (s *Server) Dump(t testing.TB, database, collection string) []bson.Raw {
	t.Helper()
	cur, err := s.Client(t).Database(database).Collection(collection).
		Find(t.Context(), bson.D{}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}))
	if err != nil {
		t.Fatalf("dump %s.%s: %v", database, collection, err)
	}
	docs := []bson.Raw{}
	if err := cur.All(t.Context(), &docs); err != nil {
		t.Fatalf("dump %s.%s: %v", database, collection, err)
	}
	return docs
}

// Setting is a number of the environment by which a test is made larger or made to repeat itself.
func Setting(t testing.TB, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s must be a number that is not negative", name)
	}
	return n
}
