// Command test is rolegate test with a database of its own: it runs the cases beside an app on an embedded server. See
// docs/testing.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"

	"github.com/rolegate/rolegate/integration/embedded"
	"github.com/rolegate/rolegate/internal/apptest"
	"github.com/rolegate/rolegate/internal/server"
)

// The exit codes are those of rolegate test.
const (
	exitFailure = 1
	exitInvalid = 3
	exitFailed  = 4
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, out, talk io.Writer) int {
	err := test(ctx, args, out, talk)
	invalid, isInvalid := errors.AsType[*server.ConfigError](err)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, apptest.ErrFailed):
		return exitFailed
	case isInvalid:
		if err := invalid.Diagnostics.WriteText(talk); err != nil {
			return exitFailure
		}
		fmt.Fprintln(talk, "test:", err)
		return exitInvalid
	}
	fmt.Fprintln(talk, "test:", err)
	return exitFailure
}

func test(ctx context.Context, args []string, out, talk io.Writer) (err error) {
	flags := flag.NewFlagSet("test", flag.ContinueOnError)
	flags.SetOutput(talk)
	app := flags.String("app", "", "directory of the app export, instead of app/ in DIR")
	uri := flags.String("mongodb-uri", "", "server to run on, instead of an embedded one")
	only := flags.String("run", "", "run the cases only whose names match")
	format := flags.String("format", apptest.Text, "text, json or junit")
	update := flags.Bool("update", false, "rewrite the sections of cases that are not what came back")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("usage: test [flags] DIR")
	}
	o := apptest.Options{Dir: flags.Arg(0), App: *app, MongoDBURI: *uri, Update: *update}
	if *only != "" {
		if o.Only, err = regexp.Compile(*only); err != nil {
			return fmt.Errorf("-run: %w", err)
		}
	}
	if o.MongoDBURI == "" {
		db, err := embedded.Start()
		if err != nil {
			return err
		}
		o.MongoDBURI = db.URI
		defer func() {
			if closeErr := db.Close(); closeErr != nil {
				fmt.Fprintln(talk, "test: stop the embedded database:", closeErr)
			}
		}()
	}
	r, err := apptest.Run(ctx, o)
	if err != nil {
		return err
	}
	if err := r.Write(out, *format); err != nil {
		return err
	}
	return r.Err()
}
