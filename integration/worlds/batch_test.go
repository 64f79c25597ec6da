package worlds_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/rolegate/rolegate/internal/policytest"
	"github.com/rolegate/rolegate/internal/server"
	"github.com/rolegate/rolegate/internal/source"
)

// customCollection holds the custom user data of a batch, in its first database.
const customCollection = "custom"

// collection is the name of the collection of a world in a batch.
func collection(i int) string { return fmt.Sprintf("w%d", i) }

// batch is some worlds behind one server. Each is a collection in two databases under the same rules; the second one
// holds the twins.
type batch struct {
	client    *mongo.Client
	uri       string
	databases [2]string
	store     string // a database for the server's own data
	worlds    []*World

	app   *policytest.Case
	url   string // of the public listener
	admin string // of the other one
	http  *http.Client
	stop  func() error
}

// settings lift what would slow the test down.
const settings = `{"user_rate": 0}`

// open stores the documents and starts the server.
func (b *batch) open(ctx context.Context) (err error) {
	if b.app, err = b.export(); err != nil {
		return err
	}
	if err := b.fill(ctx); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "rolegate-worlds-")
	if err != nil {
		return err
	}
	b.stop = func() error { return os.RemoveAll(dir) }
	if err := os.CopyFS(dir, b.app.Files()); err != nil {
		return errors.Join(err, b.close(ctx))
	}
	srv, err := server.New(ctx, server.Options{
		App: dir, MongoDBURI: b.uri, StoreDatabase: b.store, Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0",
		Secrets:  func(string) (string, bool) { return policytest.TokenSecret, true },
		Settings: &source.File{Name: "server.json", Text: []byte(settings)},
	})
	if err != nil {
		return errors.Join(explained(err), b.close(ctx))
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- srv.Run(running) }()
	b.url, b.admin = "http://"+srv.Addr().String(), "http://"+srv.AdminAddr().String()
	b.http = &http.Client{Transport: &http.Transport{}}
	b.stop = func() error {
		b.http.CloseIdleConnections()
		stop()
		return errors.Join(<-done, os.RemoveAll(dir))
	}
	return nil
}

// explained adds what the server says about an app that it does not load.
func explained(err error) error {
	if e, ok := errors.AsType[*server.ConfigError](err); ok {
		for _, d := range e.Diagnostics {
			if d.Severity == source.Error {
				err = errors.Join(err, fmt.Errorf("%s %s: %s", d.Span, d.Code, d.Message))
			}
		}
	}
	return err
}

// close stops the server and takes away what is stored.
func (b *batch) close(ctx context.Context) error { return errors.Join(b.stop(), b.empty(ctx)) }

// fill stores the documents of all worlds and makes the indexes.
func (b *batch) fill(ctx context.Context) error {
	first, second := b.client.Database(b.databases[0]), b.client.Database(b.databases[1])
	for i, w := range b.worlds {
		if err := store(ctx, first.Collection(collection(i)), w.Docs, w.Indexes); err != nil {
			return err
		}
		if err := store(ctx, second.Collection(collection(i)), w.Twin, w.TwinIndexes); err != nil {
			return err
		}
	}
	var custom []bson.D
	for _, u := range b.users() {
		if u.Custom != nil {
			custom = append(custom, u.stored())
		}
	}
	return store(ctx, first.Collection(customCollection), custom, nil)
}

// empty takes away what fill has stored. The collections stay: making one takes longer than all the requests of a world.
func (b *batch) empty(ctx context.Context) error {
	var err error
	for _, database := range b.databases {
		for i, w := range b.worlds {
			c := b.client.Database(database).Collection(collection(i))
			_, failed := c.DeleteMany(ctx, bson.D{})
			err = errors.Join(err, failed)
			if len(w.Indexes)+len(w.TwinIndexes) > 0 && !isMissing(c.Indexes().DropAll(ctx), &failed) {
				err = errors.Join(err, failed)
			}
		}
	}
	_, failed := b.client.Database(b.databases[0]).Collection(customCollection).DeleteMany(ctx, bson.D{})
	return errors.Join(err, failed)
}

func store(ctx context.Context, c *mongo.Collection, docs, indexes []bson.D) error {
	if len(docs) == 0 {
		return nil
	}
	if _, err := c.InsertMany(ctx, raws(docs)); err != nil {
		return fmt.Errorf("store the documents of a world: %w", err)
	}
	for _, keys := range indexes {
		// Arrays in two fields of one document make an index on both impossible.
		if _, err := c.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: keys}); err != nil && !mongo.IsDuplicateKeyError(err) && !refusedIndex(err) {
			return fmt.Errorf("index a world: %w", err)
		}
	}
	return nil
}

// isMissing tells whether the error is that there is no such collection, and keeps the error.
func isMissing(err error, kept *error) bool {
	*kept = err
	refused, ok := errors.AsType[mongo.CommandError](err)
	return ok && refused.Code == 26
}

func refusedIndex(err error) bool {
	_, ok := errors.AsType[mongo.CommandError](err)
	return ok
}

// users lists the users of all worlds, each once.
func (b *batch) users() []User {
	var list []User
	for _, w := range b.worlds {
		if !slices.ContainsFunc(list, func(u User) bool { return u.ID == w.User.ID }) {
			list = append(list, w.User)
		}
	}
	return list
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// ask sends a request to one of the two databases of a world.
func (b *batch) ask(ctx context.Context, world, database int, r Request) (answer, error) {
	command := policytest.Command{
		Action:    r.Action,
		Namespace: policytest.Namespace{Service: policytest.DefaultService, Database: b.databases[database], Collection: collection(world)},
		Args:      r.args(),
	}
	url := fmt.Sprintf("%s/app/%s/endpoint/data/v1/action/%s", b.url, policytest.AppID, r.Action)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(command.Body()))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/ejson")
	req.Header.Set("Accept", "application/ejson")
	req.Header.Set("jwtTokenString", b.token(b.worlds[world].User.ID))
	res, err := b.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }() // the body has been read
	body, err := io.ReadAll(res.Body)
	header := res.Header.Clone()
	header.Del("Date")
	header.Del("X-Request-Id")
	return answer{res.StatusCode, header, body}, err
}

// token signs in a user of the batch.
func (b *batch) token(id string) string {
	for _, u := range b.app.Users {
		if u.ID == id {
			return policytest.Token(u, time.Now())
		}
	}
	return ""
}

// same tells whether nobody could tell two answers apart.
func (a answer) same(b answer) bool {
	if a.status != b.status || !bytes.Equal(a.body, b.body) || len(a.header) != len(b.header) {
		return false
	}
	for name, values := range a.header {
		if !slices.Equal(values, b.header[name]) {
			return false
		}
	}
	return true
}
