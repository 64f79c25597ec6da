package server

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/rules"
)

// plan is everything that is known before a connection is opened: what the server will be.
type plan struct {
	compiled
	o        Options
	settings settings
	places   places
	appID    string
}

// newPlan reads the settings and the app. What is wrong is reported all at once, as a *ConfigError; a plan that comes
// without an error may be served.
func newPlan(o Options) (*plan, error) {
	if o.App == "" {
		return nil, errors.New("no app export is given")
	}
	settings, own := readSettings(o.Settings)
	c, err := compile(o.App, config.Options{Secrets: o.Secrets, Serving: true}, rules.Options{
		RefusedDatabases:   []string{o.StoreDatabase},
		SkipPostImageCheck: settings.skipPostImage,
		NullTypeSchemas:    settings.nullSchemas,
	}, functions{off: o.NoFunctions, limit: settings.functionTime, endpoint: settings.endpointTime})
	if err != nil {
		return nil, err
	}
	p := &plan{compiled: c, o: o, settings: settings}
	own = append(own, config.ServeProblems(c.app)...)
	p.appID = appID(c.app, o.AppID, &own)
	p.places = findPlaces(c.app, settings, o.MongoDBURI, &own)
	checkProviders(c, settings.webhook != "", &own)
	c.checkEndpoints(&own)
	if err := checkKeys(o.Secrets, settings.webhook != ""); err != nil {
		return nil, err
	}
	if err := checkOrigins(o.AllowedOrigins, c.app.Root, &own); err != nil {
		return nil, err
	}
	if err := p.settle(own); err != nil {
		return nil, err
	}
	return p, nil
}

// settle adds what is wrong besides the rules, and refuses a plan that nobody may be served by.
func (p *plan) settle(own source.Diagnostics) error {
	p.ds = append(p.ds, own...)
	p.ds.Sort()
	p.usable = p.usable && !own.HasErrors()
	if p.ds.HasErrors() && (!p.o.Quarantine || !p.usable) {
		return &ConfigError{Diagnostics: p.ds, Usable: p.usable}
	}
	return nil
}

func appID(app *config.App, given string, ds *source.Diagnostics) string {
	switch {
	case given != "":
		return given
	case app.Root.AppID == "":
		ds.Error(app.Root.Span, CodeNoAppID, "give --app-id: clients have it in their URLs, /app/<app id>/endpoint/data/v1",
			"the export does not say its client app id")
	}
	return app.Root.AppID
}

// checkKeys refuses keys of our own that could be guessed, and a webhook without one.
func checkKeys(secrets config.SecretSource, webhook bool) error {
	if key, ok := secrets(config.TokenKeySecret); ok && len(key) < auth.MinTokenKey {
		return fmt.Errorf("the secret %s has less than %d bytes", config.TokenKeySecret, auth.MinTokenKey)
	}
	if key, _ := secrets(config.WebhookKeySecret); webhook && len(key) < auth.MinWebhookKey {
		return fmt.Errorf("user_webhook needs the secret %s, of at least %d bytes", config.WebhookKeySecret, auth.MinWebhookKey)
	}
	return nil
}

// checkOrigins looks for origins that no browser ever sends. They match nothing, which is safe and not what was meant.
func checkOrigins(given []string, root config.Root, ds *source.Diagnostics) error {
	for _, s := range given {
		if !isOrigin(s) {
			return fmt.Errorf("%q is no origin, which is scheme://host or scheme://host:port", s)
		}
	}
	for _, s := range root.AllowedOrigins {
		if !isOrigin(s) {
			ds.Warn(root.Span, CodeInvalidSetting, "an origin is scheme://host or scheme://host:port", "%s is no origin and matches none", source.Quote(s))
		}
	}
	return nil
}

func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && u.Hostname() != "" && !strings.Contains(u.Host, "*") && u.User == nil && u.RawQuery == "" &&
		u.Fragment == "" && (u.Path == "" || u.Path == "/")
}

// report tells the log what is wrong with the configuration that is served all the same.
func (p *plan) report() {
	for _, d := range p.ds {
		level := p.o.Logger.Warn
		if d.Severity == source.Error {
			level = p.o.Logger.Error
		}
		level("configuration", "diagnostic", d.String())
	}
	if !p.ds.HasErrors() {
		return
	}
	for _, d := range p.denials() {
		p.o.Logger.Error("quarantine: everything is denied here", "service", d.service, "namespace", d.namespace, "diagnostic", d.problem)
	}
}
