// Command ferret serves an embedded MongoDB-compatible database on a free loopback port: it prints one line, the URI,
// and stays until it is interrupted.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/rolegate/rolegate/integration/embedded"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "ferret:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := embedded.Start()
	if err != nil {
		return err
	}
	fmt.Println(s.URI)
	<-ctx.Done()
	return s.Close()
}
