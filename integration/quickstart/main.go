// Command quickstart serves the employees example on an embedded database, and prints its users, a token for each and
// requests to try. Nothing is kept when it ends.
//
// With -tokens it only prints users and tokens, for a server that somebody else started with the same key, such as
// the one of docker-compose.yml.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/rolegate/rolegate/integration/embedded"
	"github.com/rolegate/rolegate/internal/server"
)

const (
	appID = "employees-example"
	// keyName and exampleKey are the secret of the example's custom-token provider, for trying only.
	keyName    = "employees_jwt_key"
	exampleKey = "example-key-for-trying-only-do-not-keep"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address to serve on; a free port of this machine if it is taken")
	app := flag.String("app", "", "directory of the employees example; found by itself from inside the repository")
	tokens := flag.Bool("tokens", false, "print users and tokens and end")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, *app, *listen, *tokens); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, app, listen string, tokensOnly bool) error {
	app, err := exampleDir(app)
	if err != nil {
		return err
	}
	if tokensOnly {
		return printUsers(out, app, time.Now())
	}
	db, err := embedded.Start()
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	s, err := serve(ctx, app, db.URI, listen)
	if err != nil {
		return err
	}
	base := "http://" + s.Addr().String()
	_, _ = fmt.Fprintf(out, "The employees example is served on %s, from an embedded database.\n"+
		"These are its users. Paste the lines into another shell; the tokens are good for a day.\n\n", base)
	if err := printUsers(out, app, time.Now()); err != nil {
		return errors.Join(err, s.Close(ctx))
	}
	_, _ = fmt.Fprint(out, "\nThen try:\n\n")
	printSteps(out, base, s.AppID())
	_, _ = fmt.Fprintln(out, "Ctrl-C ends it.")
	return s.Run(ctx)
}

// serve seeds the database and wires a server as the command rolegate does.
func serve(ctx context.Context, app, uri, listen string) (*server.Server, error) {
	if err := seed(ctx, os.DirFS(app), uri); err != nil {
		return nil, err
	}
	o := server.Options{
		App:        app,
		MongoDBURI: uri,
		Listen:     listen,
		Secrets:    func(name string) (string, bool) { return exampleKey, name == keyName },
		Logger:     slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	s, err := server.New(ctx, o)
	if errors.Is(err, syscall.EADDRINUSE) {
		o.Listen = "127.0.0.1:0"
		s, err = server.New(ctx, o)
	}
	return s, err
}

func printUsers(out io.Writer, app string, now time.Time) error {
	all, err := people(os.DirFS(app))
	if err != nil {
		return err
	}
	for _, p := range all {
		t, err := token(p, appID, exampleKey, now)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(out, "%s=%s\n", strings.ToUpper(p.Short), t)
	}
	return nil
}

// exampleDir looks for the example in the working directory and above it.
func exampleDir(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		app := filepath.Join(dir, "examples", "employees")
		if _, err := os.Stat(filepath.Join(app, "root_config.json")); err == nil {
			return app, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no examples/employees here: run it from inside the repository, or give -app")
		}
		dir = parent
	}
}
