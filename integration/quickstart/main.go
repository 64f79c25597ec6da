// Command quickstart serves an example on an embedded database, and prints its users, a token or key for each, and requests
// to try. Nothing is kept when it ends. All it shows comes from the files of the example: docs/testing.md explains them.
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
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/rolegate/rolegate/integration/embedded"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address to serve on; a free port of this machine if it is taken")
	name := flag.String("example", "employees", "a folder of examples/, or a directory that is laid out like one")
	tokens := flag.Bool("tokens", false, "print users and tokens and end")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, *name, *listen, *tokens); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, name, listen string, tokensOnly bool) (err error) {
	dir, err := findExample(name)
	if err != nil {
		return err
	}
	e, err := openExample(dir, walkThrough)
	if err != nil {
		return err
	}
	calls, err := e.calls()
	if err != nil {
		return err
	}
	if tokensOnly {
		e.printTokens(out)
		return nil
	}
	db, err := embedded.Start()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	s, err := e.serve(ctx, db.URI, listen)
	if err != nil {
		return err
	}
	base := "http://" + s.Addr().String()
	running, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- s.Run(running) }()
	// Some credentials come from the server.
	credentials, err := e.credentials(ctx, db.URI, base)
	if err != nil {
		stop()
		return errors.Join(err, <-done)
	}
	_, _ = fmt.Fprintf(out, "The example %s is served on %s, from an embedded database.\n"+
		"These are its users. Paste the lines into another shell; tokens are good for a day.\n\n", filepath.Base(dir), base)
	for _, name := range e.names() {
		_, _ = fmt.Fprintf(out, "%s=%s\n", strings.ToUpper(name), credentials[name])
	}
	_, _ = fmt.Fprint(out, "\nThen try:\n\n")
	for _, c := range calls {
		_, _ = fmt.Fprintf(out, "# %s\n%s\n\n", c.title, c.curl(base))
	}
	_, _ = fmt.Fprintln(out, "Ctrl-C ends it.")
	return <-done
}

// printTokens prints what can be made without a server.
func (e *example) printTokens(out io.Writer) {
	for _, name := range e.names() {
		if u := e.c.Users[name]; u.Provider == "custom-token" {
			_, _ = fmt.Fprintf(out, "%s=%s\n", strings.ToUpper(name), e.token(u))
		}
	}
}
