package apptest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/mongostore"
	"github.com/rolegate/rolegate/internal/policytest"
	"github.com/rolegate/rolegate/internal/server"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/proxy/dataapi"
	"github.com/rolegate/rolegate/rules"
)

// What a case may need, or must not have.
const (
	needsComputed    = "computed fields"
	needsNotComputed = "no computed fields"
)

// target runs the cases beside one app.
type target struct {
	app      fs.FS
	uri      string // of a server with databases; "" is none
	computed bool   // it can compute fields
	token    string // what credentials begin with, known to nobody else
	coverage *coverage

	last *session // of the case that runs, until it has been told how it went
}

var _ policytest.Target = (*target)(nil)

// store is where the documents of a case are.
type store interface {
	proxy.Store
	Seeder
	Close(ctx context.Context) error
}

// Stored reads a collection as it is stored.
func Stored(ctx context.Context, s proxy.Store, ns rules.Namespace) ([]bson.Raw, error) {
	docs := []bson.Raw{}
	for doc, err := range s.Find(ctx, ns, proxy.Query{ForDecision: true}) {
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", ns, err)
		}
		docs = append(docs, slices.Clone(doc))
	}
	return docs, nil
}

// open compiles an app with the settings, the secrets and the clock of a case.
func (t *target) open(settings []byte, secrets map[string]string, now func() time.Time, app fs.FS) (*server.Rules, error) {
	o := server.Options{Now: now, Secrets: func(name string) (string, bool) {
		s, ok := secrets[name]
		return s, ok
	}}
	if settings != nil {
		o.Settings = &source.File{Name: "server.json", Text: settings}
	}
	return server.OpenTested(o, app)
}

func services(r *server.Rules) []string {
	return slices.Compact(slices.Sorted(maps.Values(r.DataSources)))
}

// connect looks at the database, if there is one.
func (t *target) connect(ctx context.Context, app *server.Rules) error {
	if t.uri == "" {
		return nil
	}
	s, err := mongostore.OpenScratch(ctx, t.uri, services(app))
	if err != nil {
		return err
	}
	for _, service := range services(app) {
		features, err := s.Features(ctx, rules.Namespace{Service: service})
		if err != nil {
			return errors.Join(err, s.Close(ctx))
		}
		t.computed = features.Computed
	}
	return s.Close(ctx)
}

// Lacks implements policytest.Target.
func (t *target) Lacks(c *policytest.Case) string {
	if c.Needs == needsComputed && !t.computed || c.Needs == needsNotComputed && t.computed {
		return c.Needs
	}
	return ""
}

// Open implements policytest.Target.
func (t *target) Open(ctx context.Context, c *policytest.Case) (policytest.Session, error) {
	app, err := c.Over(t.app)
	if err != nil {
		return nil, err
	}
	now := c.Clock()
	r, err := t.open(c.Settings, c.Secrets, now, app)
	if err != nil {
		return nil, configError(err)
	}
	s := &session{target: t, c: c, users: map[string]*rules.User{}, asked: map[*policytest.Step]*asked{}, reached: map[string]bool{}}
	r.Proxy.Log, s.rules, s.Now = slog.New(&s.log), r, now
	if s.store, err = t.openStore(ctx, r); err != nil {
		return nil, err
	}
	r.Proxy.Store = s.store
	s.proxy = proxy.New(r.Proxy)
	if err = Seed(ctx, s.store, c, r.Proxy.CustomData); err == nil {
		err = s.serve(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.store.Close(ctx))
	}
	t.last = s
	return s, nil
}

func (t *target) openStore(ctx context.Context, r *server.Rules) (store, error) {
	if t.uri == "" {
		return NewMemory(), nil
	}
	return mongostore.OpenScratch(ctx, t.uri, services(r))
}

// session is a case that runs: a server of its own over documents of its own.
type session struct {
	policytest.HTTP
	target *target
	c      *policytest.Case
	rules  *server.Rules
	proxy  *proxy.Proxy // asks as the server does, for those who ask why
	store  store
	users  map[string]*rules.User // :: credential → user
	log    recorder
	server *http.Server
	served chan error

	asked   map[*policytest.Step]*asked
	reached map[string]bool // :: what is known of a user and their request → coverage knows which roles they come to
}

// asked is a step that has run, with what there was to decide on.
type asked struct {
	step          *policytest.Step
	ns            rules.Namespace
	before, after []bson.Raw // the collection
	custom        rules.CustomData
	found         map[string]bson.RawValue // by lookups, before
	log           []line
}

// serve starts the server, on this machine only.
func (s *session) serve(ctx context.Context) error {
	s.Case, s.AppID = s.c, s.rules.AppID()
	s.Keys = map[string]string{}
	for name, u := range s.c.Users {
		credential := s.target.token + "." + name
		s.Keys[name] = credential
		s.users[credential] = userOf(u)
	}
	s.Token = func(u *policytest.User) string { return s.Keys[u.Name] }
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.URL, s.Client = "http://"+l.Addr().String(), &http.Client{Transport: &http.Transport{DisableCompression: true}}
	s.server = &http.Server{
		Handler:           s.rules.Handler(s.store, slog.New(&s.log), s.believe, s.find),
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo),
	}
	s.served = make(chan error, 1)
	go func() { s.served <- s.server.Serve(l) }()
	return nil
}

// userOf is who a user of a case is for the rules.
func userOf(u *policytest.User) *rules.User {
	out := &rules.User{ID: u.ID, Type: rules.NormalUser, Data: u.Data}
	if u.Type == "server" {
		out.Type = rules.ServerUser
	}
	out.Identities = []rules.Identity{{ID: u.ID, ProviderType: u.Provider, Data: u.Data}}
	return out
}

// find knows the users of the case by their ids.
func (s *session) find(_ context.Context, id string) (*rules.User, error) {
	for _, u := range s.users {
		if u.ID == id {
			return u, nil
		}
	}
	return nil, dataapi.ErrBadCredentials
}

// believe knows the users of the case, and nobody else.
func (s *session) believe(_ context.Context, c dataapi.Credentials) (*rules.User, error) {
	if u := s.users[c.Secret]; u != nil {
		return u, nil
	}
	return nil, dataapi.ErrBadCredentials
}

// Do implements policytest.Session.
func (s *session) Do(ctx context.Context, step *policytest.Step) (policytest.Outcome, error) {
	a := &asked{step: step}
	var err error
	if step.Command != nil {
		if a.ns, err = s.namespace(step.Command); err != nil {
			return policytest.Outcome{}, err
		}
		if a.before, err = Stored(ctx, s.store, a.ns); err != nil {
			return policytest.Outcome{}, err
		}
		if a.custom, err = s.proxy.CustomDataNow(ctx, s.c.Users[step.User].ID); err != nil {
			return policytest.Outcome{}, err
		}
		if rs := requests(step.Command); len(rs) > 0 {
			a.found = s.proxy.FoundNow(ctx, s.caller(a, rs[0]), a.custom)
		}
	}
	s.log.take()
	outcome, err := s.HTTP.Do(ctx, step)
	a.log = s.log.take()
	if err != nil {
		return outcome, err
	}
	s.asked[step] = a
	if step.Command == nil {
		return outcome, nil
	}
	if a.after, err = Stored(ctx, s.store, a.ns); err != nil {
		return outcome, err
	}
	if !s.c.ChangesApp() {
		s.target.coverage.observe(s, a)
	}
	return outcome, nil
}

// namespace is what the server makes of a namespace. A data source that it does not know stays what it is.
func (s *session) namespace(c *policytest.Command) (rules.Namespace, error) {
	ns := rules.Namespace(c.Namespace)
	if service, known := s.rules.DataSources[ns.Service]; known {
		ns.Service = service
	}
	if !slices.Contains(services(s.rules), ns.Service) {
		return ns, fmt.Errorf("the app has no data source %q: write DATASOURCE/%s", ns.Service, ns)
	}
	return ns, nil
}

// Stored implements policytest.Session.
func (s *session) Stored(ctx context.Context, ns policytest.Namespace) ([]bson.Raw, error) {
	return Stored(ctx, s.store, rules.Namespace(ns))
}

// Close implements policytest.Session. The store stays open for those who ask why.
func (s *session) Close() error {
	s.Client.CloseIdleConnections()
	err := s.server.Close()
	if served := <-s.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
