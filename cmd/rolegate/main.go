package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // an app names its time zone; an image may have no database of them

	"github.com/alecthomas/kong"

	"github.com/rolegate/rolegate/internal/apptest"
	"github.com/rolegate/rolegate/internal/server"
)

// The exit codes.
const (
	exitOK      = 0
	exitFailure = 1 // usage or runtime
	exitInvalid = 3 // the configuration is not valid
	exitFailed  = 4 // cases failed
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	code := run(ctx, os.Args[1:], streams{out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(code)
}

// streams are where a command writes: the answer to out, the talk to err.
type streams struct{ out, err io.Writer }

// cli is the command line. Each flag can also be given as an environment variable.
type cli struct {
	Serve    serveCmd    `cmd:"" help:"Serve the Data API of an app export."`
	Validate validateCmd `cmd:"" help:"Check an app export and report everything that is wrong with it."`
	Explain  explainCmd  `cmd:"" help:"Tell why a user sees what they see: roles, queries, and a document step by step."`
	Test     testCmd     `cmd:"" help:"Run the cases beside an app, and tell why they fail and what of the rules they show."`
	Init     initCmd     `cmd:"" help:"Write the smallest app: one example role, everything else denied."`
	APIKey   apiKeyCmd   `cmd:"" name:"apikey" help:"Create, list and revoke API keys of back ends."`
	User     userCmd     `cmd:"" help:"Create, import, list, disable and delete users, end their sessions, reset passwords."`
	Version  versionCmd  `cmd:"" help:"Print the version."`
}

// run is the program without its surroundings.
func run(ctx context.Context, args []string, s streams) (code int) {
	var c cli
	exited := false
	parser, err := kong.New(&c,
		kong.Name("rolegate"),
		kong.Description("Enforces the rules of a MongoDB Atlas App Services export in front of MongoDB."),
		kong.DefaultEnvars("ROLEGATE"),
		kong.Writers(s.out, s.err),
		kong.Exit(func(int) { exited = true }), // after --help
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		fmt.Fprintln(s.err, "rolegate:", err)
		return exitFailure
	}
	command, err := parser.Parse(args)
	switch {
	case exited:
		return exitOK
	case err != nil:
		fmt.Fprintln(s.err, "rolegate:", err)
		return exitFailure
	}
	command.BindTo(ctx, (*context.Context)(nil))
	return exitCode(command.Run(s), s)
}

// exitCode reports an error once and says what the process ends with.
func exitCode(err error, s streams) int {
	var invalid *server.ConfigError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errInvalid):
		return exitInvalid
	case errors.Is(err, apptest.ErrFailed):
		return exitFailed
	case errors.As(err, &invalid):
		if err := invalid.Diagnostics.WriteText(s.err); err != nil {
			return exitFailure
		}
		fmt.Fprintln(s.err, "rolegate:", err)
		if invalid.Usable {
			fmt.Fprintln(s.err, "rolegate: --quarantine serves the rest and denies everything on the namespaces above")
		}
		return exitInvalid
	}
	fmt.Fprintln(s.err, "rolegate:", err)
	return exitFailure
}

// errInvalid ends a command that has reported what is wrong with the configuration itself.
var errInvalid = errors.New("the configuration is not valid")
