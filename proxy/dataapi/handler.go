package dataapi

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/mux"

	"github.com/rolegate/rolegate/internal/cors"
	"github.com/rolegate/rolegate/internal/echo"
	"github.com/rolegate/rolegate/internal/webhook"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

type server struct {
	Config
	router    *mux.Router
	endpoints *endpoints
	origins   cors.Origins
	rates     *rates
	slots     chan struct{} // one taken by each running request; nil has no limit
	buffers   sync.Pool     // *[]byte
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{s: s, w: w, r: r, id: newRequestID(), begun: time.Now()}
	h := w.Header()
	h.Set("X-Request-Id", x.id)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	defer x.end()
	// A refused request may still have a body to come, and the server waits for some of it.
	x.readWithin(s.BodyTimeout)
	if err := s.serve(x); err != nil {
		x.refuse(err)
	}
}

// serve is the line every request follows.
func (s *server) serve(x *exchange) error {
	if e, ok := s.endpoints.find(x.r); ok {
		return s.serveEndpoint(x, e)
	}
	if preflight, err := x.fromPage(s.origins, http.MethodPost); preflight || err != nil {
		return err
	}
	t, err := s.route(x.r)
	if err != nil {
		return err
	}
	x.action = t.name
	x.format = negotiate(x.r.Header, s.ReturnType)

	release, err := s.acquire()
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := s.deadline(x)
	defer cancel()

	caller, err := s.identify(ctx, x, ruleRequest(x.r, t))
	if err != nil {
		return err
	}
	b, err := x.readGuarded(s.Guard, s.readBody)
	if err != nil {
		return err
	}
	// can_evaluate may ask for the data source, which only the body says; that a body cannot be read is told to those alone
	// who are let in.
	c, malformed := s.parse(b, t)
	c.x, c.caller = x, caller
	c.caller.Request.Service = c.ns.Service
	x.namespace(c.ns)
	for _, operation := range c.operations(t) {
		asked := c.caller
		asked.Request.Operation = operation
		if err := s.Operations.Admit(ctx, asked, stores(operation)); err != nil {
			return err
		}
	}
	if malformed != nil {
		return malformed
	}
	return t.run(ctx, c)
}

// fromPage refuses pages of other origins, and answers the preflight of a request by these methods.
func (x *exchange) fromPage(origins cors.Origins, methods string) (preflight bool, err error) {
	if !origins.Admit(x.w.Header(), x.r) {
		return false, &failure{reason: "origin", status: http.StatusForbidden, code: codeDomain, text: "origin not allowed"}
	}
	if !cors.IsPreflight(x.r) {
		return false, nil
	}
	cors.Preflight(x.w.Header(), methods)
	x.status = http.StatusNoContent
	x.w.WriteHeader(x.status)
	return true, nil
}

// readGuarded reads the body of a request that shows what the guard demands. A secret in the query comes before it.
func (x *exchange) readGuarded(g webhook.Guard, read func(*exchange) (body, error)) (body, error) {
	if !g.AdmitsQuery(x.r.URL.RawQuery) {
		return body{}, wrongSecret()
	}
	b, err := read(x)
	if err == nil && !g.AdmitsBody(x.r.Header, b.sent) {
		err = wrongSecret()
	}
	return b, err
}

// parse reads what is asked for of which namespace.
func (s *server) parse(b body, t target) (call, error) {
	text, err := s.unzip(b)
	if err != nil {
		return call{}, err
	}
	req, err := parseRequest(text, t.action)
	if err != nil {
		return call{}, err
	}
	ns, err := s.namespace(req)
	return call{ns: ns, request: req}, err
}

// acquire takes a place among the running requests.
func (s *server) acquire() (release func(), err error) {
	if s.slots == nil {
		return func() {}, nil
	}
	select {
	case s.slots <- struct{}{}:
		return func() { <-s.slots }, nil
	default:
		return nil, tooMany("concurrency", "too many concurrent requests")
	}
}

// deadline bounds the whole request, the writing to a slow reader included.
func (s *server) deadline(x *exchange) (context.Context, context.CancelFunc) {
	if s.RequestTimeout <= 0 {
		return context.WithCancel(x.r.Context())
	}
	at := x.begun.Add(s.RequestTimeout)
	// What cannot be bounded, such as a recorder in a test, needs no bound.
	_ = http.NewResponseController(x.w).SetWriteDeadline(at.Add(10 * time.Second)) // time left to say that it ran out
	return context.WithDeadline(x.r.Context(), at)
}

// namespace resolves what the client calls its data source.
func (s *server) namespace(req *request) (rules.Namespace, error) {
	service, ok := s.DataSources[req.dataSource]
	if !ok {
		return rules.Namespace{}, &proxy.Error{
			Kind:    proxy.UnknownService,
			Message: "service not found: '" + echo.Name(req.dataSource) + "'",
		}
	}
	return rules.Namespace{Service: service, Database: req.database, Collection: req.collection}, nil
}

// newRequestID makes an id that tells nothing and repeats never.
func newRequestID() string {
	var id [12]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}
