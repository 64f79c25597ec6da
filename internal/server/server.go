package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/internal/mongostore"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/proxy/dataapi"
)

// Server is a server that listens already. Run serves and closes it.
type Server struct {
	plan  *plan
	store *mongostore.Store
	auth  *auth.Authenticator
	cert  *certificate // nil serves plain HTTP

	public, admin net.Listener // admin is nil without an address
	handler       http.Handler
}

// New reads the configuration and opens the listeners and the database connections. A configuration that must not be
// served is a *ConfigError. A database that cannot be reached is none: readiness tells, and requests are answered 503.
func New(ctx context.Context, o Options) (*Server, error) {
	o.setDefaults()
	p, err := newPlan(o)
	if err != nil {
		return nil, err
	}
	s := &Server{plan: p}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.close(ctx))
	}
	p.report()
	return s, nil
}

// open acquires everything that has to be closed.
func (s *Server) open(ctx context.Context) (err error) {
	o := s.plan.o
	if o.MongoDBURI == "" {
		return errors.New("no --mongodb-uri is given")
	}
	if (o.TLSCert == "") != (o.TLSKey == "") {
		return errors.New("a certificate and its key are given together, or neither")
	}
	if o.TLSCert != "" {
		if s.cert, err = loadCertificate(o.TLSCert, o.TLSKey, o.Logger, time.Now); err != nil {
			return err
		}
	}
	if s.public, err = listen(ctx, o.Listen, s.cert == nil && !o.InsecureHTTP); err != nil {
		return err
	}
	if o.AdminListen != "" {
		if s.admin, err = listen(ctx, o.AdminListen, false); err != nil {
			return err
		}
	}
	s.store, err = mongostore.Open(ctx, mongostore.Config{
		DataSources: s.plan.places.uris, StoreURI: o.MongoDBURI, StoreDatabase: o.StoreDatabase, Logger: o.Logger,
	})
	if err != nil {
		return err
	}
	if s.auth, err = auth.New(ctx, s.plan.authConfig(s.store.Keys())); err != nil {
		return err
	}
	operations := proxy.New(s.plan.proxyConfig(s.store))
	s.handler = dataapi.New(s.plan.doorConfig(operations, authenticator(s.auth)))
	return nil
}

// Addr is the address of the public listener.
func (s *Server) Addr() net.Addr { return s.public.Addr() }

// AdminAddr is the address of the admin listener, nil when there is none.
func (s *Server) AdminAddr() net.Addr {
	if s.admin == nil {
		return nil
	}
	return s.admin.Addr()
}

// AppID is the client app id, as it stands in URLs.
func (s *Server) AppID() string { return s.plan.appID }

// Run serves until ctx ends, lets running requests finish, and closes everything. It is called once.
func (s *Server) Run(ctx context.Context) error {
	log := s.plan.o.Logger
	log.Info("serving", "address", s.Addr().String(), "tls", s.cert != nil, "app_id", s.plan.appID, "revision", s.plan.app.Revision)
	servers := []*http.Server{newHTTPServer(s.handler, log)}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if s.cert == nil {
			return served(servers[0].Serve(s.public))
		}
		servers[0].TLSConfig = s.cert.config()
		return served(servers[0].ServeTLS(s.public, "", ""))
	})
	g.Go(func() error {
		<-ctx.Done()
		log.Info("draining", "at_most", s.plan.o.Drain.String())
		return s.drain(servers)
	})
	err := g.Wait()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err = errors.Join(err, s.close(closing))
	log.Info("stopped")
	return err
}

// drain stops accepting and waits for running requests. Those that take too long are cut off.
func (s *Server) drain(servers []*http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.plan.o.Drain)
	defer cancel()
	var errs []error
	for _, h := range servers {
		err := h.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			s.plan.o.Logger.Warn("requests cut off: they took longer than the time to drain")
			err = h.Close()
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// served tells the end that was asked for from a failure.
func served(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve: %w", err)
}

// Close gives everything back when Run is not called.
func (s *Server) Close(ctx context.Context) error { return s.close(ctx) }

func (s *Server) close(ctx context.Context) error {
	var errs []error
	for _, l := range []net.Listener{s.public, s.admin} {
		if l == nil {
			continue
		}
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.auth != nil {
		s.auth.Close()
	}
	if s.store != nil {
		errs = append(errs, s.store.Close(ctx))
	}
	return errors.Join(errs...)
}

// newHTTPServer has the time limits of a connection. Those of a request are the handler's.
func newHTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
