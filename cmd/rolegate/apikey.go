package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/internal/mongostore"
	"github.com/rolegate/rolegate/internal/server"
)

// apiKeyCmd keeps the keys of an app. A key stands for a whole back end: its user has the type server.
type apiKeyCmd struct {
	Create createKeyCmd `cmd:"" help:"Make a key and print it, this once."`
	List   listKeysCmd  `cmd:"" help:"List the keys, without their secrets."`
	Revoke revokeKeyCmd `cmd:"" help:"Make a key useless, for good."`
}

// keyStoreFlags say where the keys are and of which app.
type keyStoreFlags struct {
	MongoDBURI    string `name:"mongodb-uri" env:"ROLEGATE_MONGODB_URI" help:"Connection string of the database." required:"" placeholder:"URI"`
	App           string `help:"Directory of the app export, for its client app id." placeholder:"DIR"`
	AppID         string `name:"app-id" env:"ROLEGATE_APP_ID" help:"Client app id, instead of that of the export." placeholder:"ID"`
	StoreDatabase string `help:"Database of rolegate's own data." default:"__rolegate"`
}

// use calls f with the store and the app id.
func (k *keyStoreFlags) use(ctx context.Context, s streams, f func(keys auth.KeyStore, app string) error) error {
	app, err := k.app(s)
	if err != nil {
		return err
	}
	store, err := mongostore.Open(ctx, mongostore.Config{StoreURI: k.MongoDBURI, StoreDatabase: k.StoreDatabase})
	if err != nil {
		return err
	}
	return errors.Join(f(store.Keys(), app), store.Close(ctx))
}

// app is the id that keys are kept under.
func (k *keyStoreFlags) app(s streams) (string, error) {
	switch {
	case k.App == "" && k.AppID == "":
		return "", errors.New("of which app? give --app or --app-id")
	case k.App == "":
		return k.AppID, nil
	}
	e, err := server.ReadExported(k.App)
	if err != nil && k.AppID == "" {
		return "", err
	}
	if err == nil && !e.APIKeys {
		fmt.Fprintln(s.err, "rolegate: this app does not enable the provider api-key: its keys open nothing until it does")
	}
	if k.AppID != "" {
		return k.AppID, nil
	}
	return e.AppID, nil
}

type createKeyCmd struct {
	keyStoreFlags
	Name string `arg:"" help:"What the key is for. Rules see it as %%user.data.name."`
}

// Run prints the key alone on stdout, so that scripts can take it from there.
func (c *createKeyCmd) Run(ctx context.Context, s streams) error {
	return c.use(ctx, s, func(keys auth.KeyStore, app string) error {
		key, text := auth.NewKey(auth.Key{App: app, Name: c.Name, Created: time.Now()})
		if err := keys.Insert(ctx, key); err != nil {
			return err
		}
		fmt.Fprintf(s.err, "key %s of %s, shown this once; send it in the apiKey header\n", key.ID, app)
		_, err := fmt.Fprintln(s.out, text)
		return err
	})
}

type listKeysCmd struct {
	keyStoreFlags
}

// Run prints a table, oldest first.
func (c *listKeysCmd) Run(ctx context.Context, s streams) error {
	return c.use(ctx, s, func(keys auth.KeyStore, app string) error {
		list, err := keys.List(ctx, app, "")
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tNAME\tCREATED\tREVOKED")
		for _, k := range list {
			revoked := "-"
			if !k.Revoked.IsZero() {
				revoked = k.Revoked.UTC().Format(time.RFC3339)
			}
			fmt.Fprintf(w, "%s\t%q\t%s\t%s\n", k.ID, k.Name, k.Created.UTC().Format(time.RFC3339), revoked)
		}
		return w.Flush()
	})
}

type revokeKeyCmd struct {
	keyStoreFlags
	ID string `arg:"" help:"Id of the key, as list prints it."`
}

// Run revokes. Servers that have just seen the key notice within seconds.
func (c *revokeKeyCmd) Run(ctx context.Context, s streams) error {
	return c.use(ctx, s, func(keys auth.KeyStore, app string) error {
		if err := keys.Revoke(ctx, app, c.ID, time.Now()); err != nil {
			return err
		}
		_, err := fmt.Fprintln(s.err, "revoked")
		return err
	})
}
