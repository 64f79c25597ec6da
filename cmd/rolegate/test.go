package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/rolegate/rolegate/internal/apptest"
	"github.com/rolegate/rolegate/internal/server"
)

type testCmd struct {
	Dir        string `arg:"" help:"Directory with cases/, users.json, documents/ and the app export in app/."`
	App        string `env:"-" help:"Directory of the app export, instead of app/." placeholder:"DIR"`
	MongoDBURI string `name:"mongodb-uri" env:"ROLEGATE_TEST_MONGODB_URI" help:"Server to run on, in databases that are made for it and dropped. Without it no database is used." placeholder:"URI"`
	Only       string `name:"run" env:"-" help:"Run the cases only whose names match." placeholder:"REGEX"`
	Format     string `help:"text for people, json for programs, junit for build servers." enum:"text,json,junit" default:"text"`
	Update     bool   `env:"-" help:"Rewrite the sections of cases that are not what came back."`
}

// Run reports on stdout.
func (c *testCmd) Run(ctx context.Context, s streams) error {
	o := apptest.Options{Dir: c.Dir, App: c.App, MongoDBURI: c.MongoDBURI, Update: c.Update}
	if c.Only != "" {
		var err error
		if o.Only, err = regexp.Compile(c.Only); err != nil {
			return fmt.Errorf("--run: %w", err)
		}
	}
	r, err := apptest.Run(ctx, o)
	if invalid, ok := errors.AsType[*server.ConfigError](err); ok {
		return &server.ConfigError{Diagnostics: invalid.Diagnostics} // how to serve it nevertheless is of no use here
	}
	if err != nil {
		return err
	}
	if err := r.Write(s.out, c.Format); err != nil {
		return err
	}
	return r.Err()
}
