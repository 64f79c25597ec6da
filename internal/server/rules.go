package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/proxy/dataapi"
	"github.com/rolegate/rolegate/rules"
)

// Rules is an app that can be asked what its rules decide, without a database and without credentials.
type Rules struct {
	Proxy       proxy.Config      // without a store
	DataSources map[string]string // :: what clients send → data source
	App         *config.App
	Diagnostics source.Diagnostics

	plan *plan
}

// OpenRules reads the app and the settings as New does. What only connections and credentials need may be missing; what the
// rules need may not. A configuration with an error is a *ConfigError, unless Quarantine can live with it.
func OpenRules(o Options) (*Rules, error) {
	if o.App == "" {
		return nil, errors.New("no app export is given")
	}
	root, err := os.OpenRoot(o.App)
	if err != nil {
		return nil, fmt.Errorf("app export: %w", err)
	}
	r, err := openRules(o, root.FS(), nil)
	return r, errors.Join(err, root.Close())
}

// OpenTested is OpenRules for an app whose rules are tested as they would be served: what New refuses, it refuses, too. The
// app is the export that is given, not the one of the options.
func OpenTested(o Options, export fs.FS) (*Rules, error) {
	r, err := openRules(o, export, config.ServeProblems)
	if err == nil && r.plan.appID == "" {
		r.plan.appID = "app" // nobody else is to find it
	}
	return r, err
}

func openRules(o Options, export fs.FS, more func(*config.App) source.Diagnostics) (*Rules, error) {
	o.setDefaults()
	settings, own := readSettings(o.Settings)
	c := compileFiles(export, config.Options{Secrets: o.Secrets, Evaluating: true}, rules.Options{
		RefusedDatabases:   []string{o.StoreDatabase},
		SkipPostImageCheck: settings.skipPostImage,
		NullTypeSchemas:    settings.nullSchemas,
	}, functions{off: o.NoFunctions, limit: settings.functionTime})
	if more != nil {
		own = append(own, more(c.app)...)
	}
	p := &plan{compiled: c, o: o, settings: settings, appID: cmp.Or(o.AppID, c.app.Root.AppID)}
	p.places.names = findNames(c.app, settings, &own)
	if err := p.settle(own); err != nil {
		return nil, err
	}
	// It is asked about requests of the Data API.
	asked := p.proxyConfig(nil)
	asked.NoCustomData = asked.NoCustomData || c.app.CustomUserData != nil && c.app.CustomUserData.Enabled && !fetchesCustomData(c.app)
	return &Rules{Proxy: asked, DataSources: p.places.names, App: c.app, Diagnostics: p.ds, plan: p}, nil
}

// AppID is the client app id, as it stands in URLs.
func (r *Rules) AppID() string { return r.plan.appID }

// Handler is the Data API over a store. It knows nobody: authenticate says whose credentials are whose, and find who has an
// id that the app names.
func (r *Rules) Handler(
	store proxy.Store, log *slog.Logger, authenticate dataapi.Authenticator, find func(ctx context.Context, id string) (*rules.User, error),
) http.Handler {
	operations := r.plan.proxyConfig(store)
	operations.Log = log
	carrier := proxy.New(operations)
	door := r.plan.doorConfig(carrier, authenticate)
	door.Logger = log
	door.RunAs, door.FindUser = r.plan.runAs(find, carrier), find
	door.UserRate = -1 // whoever tests rules asks as fast as they like
	return forwarded(r.plan.settings.trustedProxies, dataapi.New(door))
}
