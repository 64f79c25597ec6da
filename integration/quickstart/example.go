package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/apptest"
	"github.com/rolegate/rolegate/internal/policytest"
	"github.com/rolegate/rolegate/internal/server"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/rules"
)

const (
	// exampleKey is every secret of an example that its secrets.json does not give, for trying only.
	exampleKey = "example-key-for-trying-only-do-not-keep"
	// walkThrough is the case whose requests are worth trying first.
	walkThrough = "walk-through"
)

// example is a folder under examples/ with an app and one of its cases.
type example struct {
	dir   string
	c     *policytest.Case
	now   func() time.Time // of the case, which the server and its tokens go by
	rules *server.Rules
}

// openExample reads an example and a case of it.
func openExample(dir, name string) (*example, error) {
	beside, err := policytest.ReadBeside(os.DirFS(dir))
	if err != nil {
		return nil, err
	}
	text, err := fs.ReadFile(os.DirFS(dir), "cases/"+name+".txtar")
	if err != nil {
		return nil, err
	}
	e := &example{dir: dir}
	if e.c, err = beside.Parse(name+".txtar", text); err != nil {
		return nil, err
	}
	if e.c.ChangesApp() {
		return nil, fmt.Errorf("cases/%s.txtar is about another app than %s has", name, dir)
	}
	e.now = e.c.Clock()
	e.rules, err = server.OpenRules(server.Options{App: e.app(), Secrets: e.secret, Settings: e.settings()})
	return e, err
}

func (e *example) app() string { return filepath.Join(e.dir, "app") }

func (e *example) secret(name string) (string, bool) {
	if s, ok := e.c.Secrets[name]; ok {
		return s, true
	}
	return exampleKey, name != config.TokenKeySecret // the server makes its own
}

func (e *example) settings() *source.File {
	if e.c.Settings == nil {
		return nil
	}
	return &source.File{Name: "server.json", Text: e.c.Settings}
}

// serve seeds the database and wires a server as the command rolegate does.
func (e *example) serve(ctx context.Context, uri, listen string) (*server.Server, error) {
	if err := e.seed(ctx, uri); err != nil {
		return nil, err
	}
	o := server.Options{
		App: e.app(), MongoDBURI: uri, Listen: listen, Secrets: e.secret, Settings: e.settings(), Now: e.now,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	s, err := server.New(ctx, o)
	if errors.Is(err, syscall.EADDRINUSE) {
		o.Listen = "127.0.0.1:0"
		s, err = server.New(ctx, o)
	}
	return s, err
}

func (e *example) seed(ctx context.Context, uri string) error {
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		return err
	}
	defer func() { _ = client.Disconnect(context.WithoutCancel(ctx)) }()
	return apptest.Seed(ctx, seeder{client}, e.c, e.rules.Proxy.CustomData)
}

type seeder struct{ client *mongo.Client }

func (s seeder) Seed(ctx context.Context, ns rules.Namespace, docs []bson.Raw) error {
	if len(docs) == 0 {
		return nil
	}
	_, err := s.client.Database(ns.Database).Collection(ns.Collection).InsertMany(ctx, docs)
	return err
}

// names are those of the users, sorted.
func (e *example) names() []string { return slices.Sorted(maps.Keys(e.c.Users)) }

// token is what the identity provider of the example would give a user, good for an afternoon of trying.
func (e *example) token(u *policytest.User) string {
	return policytest.Signed{App: e.rules.AppID(), Key: exampleKey, Life: 24 * time.Hour}.Token(u, e.now())
}

// findExample looks for examples/NAME in the working directory and above it. A name with a separator is a directory.
func findExample(name string) (string, error) {
	if strings.ContainsAny(name, `/\`) {
		return name, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		examples := filepath.Join(dir, "examples")
		if _, err := os.Stat(filepath.Join(examples, name, "app")); err == nil {
			return filepath.Join(examples, name), nil
		}
		if found, _ := filepath.Glob(filepath.Join(examples, "*", "app")); len(found) > 0 {
			return "", fmt.Errorf("there is no example %q; there are: %s", name, strings.Join(exampleNames(found), ", "))
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no examples here: run it from inside the repository, or give -example ./DIR")
		}
		dir = parent
	}
}

func exampleNames(apps []string) []string {
	names := make([]string, len(apps))
	for i, app := range apps {
		names[i] = filepath.Base(filepath.Dir(app))
	}
	return names
}
