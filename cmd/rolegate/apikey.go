package main

import (
	"context"
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

// keyFlags say where the keys are and of which app.
type keyFlags struct{ storeFlags }

// use calls f with the store and the app id.
func (k *keyFlags) use(ctx context.Context, s streams, f func(keys auth.KeyStore, app string) error) error {
	warn := func(e server.Exported) string {
		if e.APIKeys {
			return ""
		}
		return "this app does not enable the provider api-key: its keys open nothing until it does"
	}
	return k.open(ctx, s, warn, func(store *mongostore.Store, app string) error { return f(store.Keys(), app) })
}

type createKeyCmd struct {
	keyFlags
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
	keyFlags
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
	keyFlags
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
