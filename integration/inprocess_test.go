package integration_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/apptest"
	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/jsfunc"
	"github.com/rolegate/rolegate/internal/policytest"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/proxy/dataapi"
	"github.com/rolegate/rolegate/rules"
)

// inProcess runs cases against the rules, the proxy and the Data API in this process: milliseconds a case. What a
// whole server does, above all who a user is, is taken from the case as a fact.
type inProcess struct{}

// functionTime is longer than a call has by default: a busy machine must not decide cases.
const functionTime = 500 * time.Millisecond

// needsServer is what a case needs that is about credentials, settings of the Data API, or requests written out.
const needsServer = "a server: the case is about more than decisions"

func (inProcess) Lacks(c *policytest.Case) string {
	if c.Needs == needsComputed {
		return c.Needs
	}
	for _, s := range c.Steps {
		if s.HTTP != nil {
			return needsServer
		}
	}
	if s, err := parseSettings(c.Settings); err == nil && s.forServer {
		return needsServer
	}
	return ""
}

func (inProcess) Open(ctx context.Context, c *policytest.Case) (policytest.Session, error) {
	settings, err := parseSettings(c.Settings)
	if err != nil {
		return nil, err
	}
	secret := func(name string) (string, bool) {
		if name == policytest.TokenSecretName {
			return policytest.TokenSecret, true
		}
		s, ok := c.Secrets[name]
		return s, ok
	}
	app, ds := config.Load(c.Files(), config.Options{Secrets: secret, Serving: true})
	secrets := map[string]string{}
	for value, name := range app.Secrets {
		secrets[value], _ = secret(name)
	}
	functions, problems := jsfunc.Compile(app, jsfunc.Limits{Time: functionTime})
	ds = append(ds, problems...)
	policy, more := rules.Compile(app, rules.Options{
		Functions:          functions.Callable(),
		RefusedDatabases:   []string{"__rolegate"},
		SkipPostImageCheck: settings.skipPostImageCheck,
		NullTypeSchemas:    settings.nullTypeSchemas,
		Secrets:            secrets,
	})
	ds = append(ds, more...)
	ds.Sort()
	if ds.HasErrors() {
		return nil, refused(ds)
	}
	store := apptest.NewMemory()
	err = seed(c, func(ns policytest.Namespace, docs []bson.Raw) error {
		return store.Seed(ctx, rules.Namespace(ns), docs)
	})
	if err != nil {
		return nil, err
	}
	now := c.Clock()
	p := proxy.Config{Now: now, Store: store, Policy: policy, Functions: functions, Log: slog.New(slog.DiscardHandler), NoRegex: settings.appServices}
	if cud := app.CustomUserData; cud != nil && cud.Enabled {
		p.CustomData = &proxy.CustomDataSource{
			NS:          rules.Namespace{Service: cud.Service, Database: cud.Database, Collection: cud.Collection},
			UserIDField: cud.UserIDField,
		}
	}
	sources := map[string]string{}
	for _, s := range app.Services {
		sources[s.Name] = s.Name
	}
	handler := dataapi.New(dataapi.Config{
		AppID: policytest.AppID, Versions: []string{"v1"}, DataSources: sources,
		Operations: proxy.New(p), Authenticate: believe(c), NoExtensions: settings.appServices,
		AsSystem: app.DataAPI != nil && app.DataAPI.RunAsSystem,
	})
	keys := map[string]string{}
	for name := range c.Users {
		keys[name] = keyOf(name)
	}
	return &inProcessSession{
		store: store,
		HTTP: policytest.HTTP{
			Case: c, URL: "http://in.process", Client: &http.Client{Transport: direct{handler}},
			Keys: keys, Now: now,
		},
	}, nil
}

type inProcessSession struct {
	policytest.HTTP
	store *apptest.Memory
}

func (s *inProcessSession) Stored(ctx context.Context, ns policytest.Namespace) ([]bson.Raw, error) {
	return apptest.Stored(ctx, s.store, rules.Namespace(ns))
}

func (s *inProcessSession) Close() error { return nil }

// direct carries requests to a handler without a network.
type direct struct{ handler http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	r.RemoteAddr = "127.0.0.1:50000"
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", "cases")
	}
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	return w.Result(), nil
}

// believe finds the user whose credential it is, without checking it: the token or the key is that of the case.
func believe(c *policytest.Case) dataapi.Authenticator {
	return func(_ context.Context, cred dataapi.Credentials) (*rules.User, error) {
		for _, u := range c.Users {
			provider, typ := "custom-token", rules.NormalUser
			if u.Type == "server" {
				provider, typ = "api-key", rules.ServerUser
			}
			if cred.Secret == keyOf(u.Name) || subject(cred.Secret) == u.ID {
				identity := rules.Identity{ID: u.ID, ProviderType: provider, Data: u.Data}
				return &rules.User{ID: u.ID, Type: typ, Data: u.Data, Identities: []rules.Identity{identity}}, nil
			}
		}
		return nil, dataapi.ErrBadCredentials
	}
}

func keyOf(user string) string { return "key of " + user }

// subject is the user id in a token, whoever signed it.
func subject(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	claims, err := ejson.Parse(payload, ejson.Limits{})
	if err != nil {
		return ""
	}
	id, _ := claims.Lookup("sub").StringValueOK()
	return id
}

// settings are the parts of server.json that the proxy itself knows.
type settings struct {
	appServices, skipPostImageCheck, nullTypeSchemas bool
	forServer                                        bool // there are others
}

func parseSettings(text []byte) (settings, error) {
	var s settings
	if text == nil {
		return s, nil
	}
	doc, err := ejson.Parse(text, ejson.Limits{})
	if err != nil {
		return s, fmt.Errorf("server.json: %w", err)
	}
	elements, err := doc.Elements()
	if err != nil {
		return s, fmt.Errorf("server.json: %w", err)
	}
	for _, e := range elements {
		switch e.Key() {
		case "compat":
			compat, _ := e.Value().StringValueOK()
			s.appServices = compat == "app-services"
		case "update_post_image_check":
			check, ok := e.Value().BooleanOK()
			s.skipPostImageCheck = ok && !check
		case "null_type_schema_validation":
			s.nullTypeSchemas, _ = e.Value().BooleanOK()
		default:
			s.forServer = true
		}
	}
	return s, nil
}

// refused renders diagnostics the way cases write them.
func refused(ds source.Diagnostics) error {
	e := &policytest.RefusedError{}
	for _, d := range ds {
		if d.Severity == source.Error {
			e.Errors = append(e.Errors, fmt.Sprintf("%s %s", d.Span, d.Code))
		}
	}
	return e
}
