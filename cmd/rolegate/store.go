package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/rolegate/rolegate/internal/mongostore"
	"github.com/rolegate/rolegate/internal/server"
)

// storeFlags say where rolegate's own data is and of which app.
type storeFlags struct {
	MongoDBURI    string `name:"mongodb-uri" env:"ROLEGATE_MONGODB_URI" help:"Connection string of the database." required:"" placeholder:"URI"`
	App           string `help:"Directory of the app export, for its client app id." placeholder:"DIR"`
	AppID         string `name:"app-id" env:"ROLEGATE_APP_ID" help:"Client app id, instead of that of the export." placeholder:"ID"`
	StoreDatabase string `help:"Database of rolegate's own data." default:"__rolegate"`
}

// open calls f with the store and the app id. What warn says about the app goes to stderr.
func (c *storeFlags) open(ctx context.Context, s streams, warn func(server.Exported) string, f func(store *mongostore.Store, app string) error) error {
	app, err := c.app(s, warn)
	if err != nil {
		return err
	}
	store, err := mongostore.Open(ctx, mongostore.Config{StoreURI: c.MongoDBURI, StoreDatabase: c.StoreDatabase})
	if err != nil {
		return err
	}
	return errors.Join(f(store, app), store.Close(ctx))
}

// app is the id that everything is kept under.
func (c *storeFlags) app(s streams, warn func(server.Exported) string) (string, error) {
	switch {
	case c.App == "" && c.AppID == "":
		return "", errors.New("of which app? give --app or --app-id")
	case c.App == "":
		return c.AppID, nil
	}
	e, err := server.ReadExported(c.App)
	if err != nil && c.AppID == "" {
		return "", err
	}
	if text := warn(e); err == nil && text != "" {
		fmt.Fprintln(s.err, "rolegate:", text)
	}
	if c.AppID != "" {
		return c.AppID, nil
	}
	return e.AppID, nil
}
