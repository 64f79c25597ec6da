// Package embedded runs a MongoDB-compatible server inside this process, so that tests and the quickstart need
// nothing installed.
//
// The server is FerretDB v1 on SQLite. It is no yardstick: it has no $expr, no collations, no nested arrays and no
// Decimal128, and it updates a few documents a second. What needs MongoDB's semantics runs on a real server.
package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/FerretDB/FerretDB/ferretdb"
)

// Server is a running embedded server. Its data lives in a temporary directory and dies with it.
type Server struct {
	URI string

	dir    string
	cancel context.CancelFunc
	done   chan error
}

// Start runs a server on a free loopback port. The caller closes it.
func Start() (*Server, error) {
	dir, err := os.MkdirTemp("", "rolegate-ferret-")
	if err != nil {
		return nil, fmt.Errorf("embedded server: %w", err)
	}
	// A directory and never "mode=memory", where updates hang for ever.
	f, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		Handler:   "sqlite",
		SQLiteURL: "file:" + filepath.ToSlash(dir) + "/",
		Logger:    slog.New(slog.DiscardHandler), // it logs every connection and every refused command
	})
	if err != nil {
		return nil, fmt.Errorf("embedded server: %w", removing(dir, err))
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{dir: dir, cancel: cancel, done: make(chan error, 1)}
	go func() { s.done <- f.Run(ctx) }()
	s.URI = f.MongoDBURI() // waits until the listener is there
	return s, nil
}

// Close stops the server and removes its data. It takes some seconds when a client is still connected.
func (s *Server) Close() error {
	s.cancel()
	err := <-s.done
	return removing(s.dir, err)
}

func removing(dir string, err error) error {
	if rmErr := os.RemoveAll(dir); err == nil {
		return rmErr
	}
	return err
}
