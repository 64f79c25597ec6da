package server

import (
	"errors"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// Rules is an app that can be asked what its rules decide, without a database and without credentials.
type Rules struct {
	Proxy       proxy.Config      // without a store
	DataSources map[string]string // :: what clients send → data source
}

// OpenRules reads the app and the settings as New does. What only connections and credentials need may be missing; what the
// rules need may not. A configuration with an error is a *ConfigError, unless Quarantine can live with it.
func OpenRules(o Options) (*Rules, error) {
	o.setDefaults()
	if o.App == "" {
		return nil, errors.New("no app export is given")
	}
	settings, own := readSettings(o.Settings)
	c, err := compile(o.App, config.Options{Secrets: o.Secrets, Evaluating: true}, rules.Options{
		RefusedDatabases: []string{o.StoreDatabase},
		NullTypeSchemas:  settings.nullSchemas,
	}, functions{off: o.NoFunctions, limit: settings.functionTime})
	if err != nil {
		return nil, err
	}
	p := &plan{compiled: c, o: o, settings: settings}
	names := findNames(c.app, settings, &own)
	if err := p.settle(own); err != nil {
		return nil, err
	}
	// It is asked about requests of the Data API.
	asked := p.proxyConfig(nil)
	asked.NoCustomData = asked.NoCustomData || c.app.CustomUserData != nil && c.app.CustomUserData.Enabled && !fetchesCustomData(c.app)
	return &Rules{Proxy: asked, DataSources: names}, nil
}
