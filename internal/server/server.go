package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/internal/mongostore"
	"github.com/rolegate/rolegate/internal/telemetry"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/proxy/admin"
	"github.com/rolegate/rolegate/proxy/clientapi"
	"github.com/rolegate/rolegate/proxy/dataapi"
)

// Server is a server that listens already. Run serves and closes it.
type Server struct {
	plan  *plan
	store *mongostore.Store
	auth  *auth.Authenticator
	cert  *certificate // nil serves plain HTTP

	public, admin net.Listener // admin is nil without an address
	door          http.Handler
	adminDoor     http.Handler

	draining atomic.Bool
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
		return nil, errors.Join(err, s.Close(ctx))
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
	metrics := telemetry.New()
	metrics.Revision(s.plan.app.Revision)
	operations := s.plan.proxyConfig(s.store)
	operations.ObserveRead = reads(metrics)
	carrier := proxy.New(operations)
	who := s.plan.authConfig(s.store.Keys(), s.store.Users())
	who.CustomData, who.Call = carrier.CustomDataOf, carrier.CallAsSystem
	if s.auth, err = auth.New(ctx, who); err != nil {
		return err
	}
	data := s.plan.doorConfig(carrier, counted(authenticator(s.auth), metrics))
	data.RunAs, data.FindUser = s.plan.runAs(namedBy(s.auth), carrier), namedBy(s.auth)
	data.Observe = observer(metrics)
	client := s.plan.clientConfig(s.auth)
	client.Observe = clientObserver(metrics)
	all := listed(s.plan.settings.access, o.Logger, metrics, doors(dataapi.New(data), clientapi.New(client)))
	s.door = forwarded(s.plan.settings.trustedProxies, all)
	s.adminDoor = admin.New(admin.Config{Ready: s.notReady, Revision: s.plan.app.Revision, Metrics: metrics.Handler()})
	return nil
}

// notReady says why the server cannot serve, or nothing.
func (s *Server) notReady(ctx context.Context) string {
	if s.draining.Load() {
		return admin.Draining
	}
	if err := s.store.Ping(ctx); err != nil {
		s.plan.o.Logger.Warn("not ready: the database does not answer", "error", err)
		return admin.Database
	}
	return ""
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
	public := newHTTPServer(s.door, log)
	if s.cert != nil {
		public.TLSConfig = s.cert.config()
	}
	// The admin listener outlives the public one: until the end it says that the server is draining.
	g, ended := errgroup.WithContext(ctx)
	adminEnd, endAdmin := context.WithCancel(context.WithoutCancel(ctx))
	g.Go(func() error {
		if s.cert != nil {
			return served(public.ServeTLS(s.public, "", ""))
		}
		return served(public.Serve(s.public))
	})
	if s.admin != nil {
		h := newHTTPServer(s.adminDoor, log)
		h.WriteTimeout = 30 * time.Second
		g.Go(func() error { return served(h.Serve(s.admin)) })
		g.Go(func() error {
			<-adminEnd.Done()
			_, err := shutdown(h, time.Second)
			return err
		})
	}
	g.Go(func() error {
		<-ended.Done()
		s.draining.Store(true)
		log.Info("draining")
		defer endAdmin()
		inTime, err := shutdown(public, s.plan.o.Drain)
		if !inTime {
			log.Warn("requests cut off: they took longer than the time to drain")
		}
		return err
	})
	g.Go(func() error {
		s.auth.Deliver(adminEnd) // requests that are drained may still have something to send
		return nil
	})
	g.Go(func() error {
		sweep(ended, s.auth.Sweep, log)
		return nil
	})
	s.logServing()
	err := g.Wait()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err = errors.Join(err, s.Close(closing))
	log.Info("stopped")
	return err
}

func (s *Server) logServing() {
	attrs := []any{
		"address", s.Addr().String(), "tls", s.cert != nil, "app", s.plan.appID,
		"revision", s.plan.app.Revision,
	}
	if s.admin != nil {
		attrs = append(attrs, "admin", s.AdminAddr().String())
	}
	s.plan.o.Logger.Info("serving", attrs...)
}

// shutdown stops accepting and waits for running requests. Those that take too long are cut off.
func shutdown(h *http.Server, atMost time.Duration) (inTime bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), atMost)
	defer cancel()
	if err = h.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) {
		return false, h.Close()
	}
	return true, err
}

// served tells the end that was asked for from a failure.
func served(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve: %w", err)
}

// Close gives everything back. It is for a server that is not run: Run does it itself.
func (s *Server) Close(ctx context.Context) error {
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
