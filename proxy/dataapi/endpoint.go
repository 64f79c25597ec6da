package dataapi

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"github.com/rolegate/rolegate/internal/cors"
	"github.com/rolegate/rolegate/internal/jsfunc"
	"github.com/rolegate/rolegate/internal/peer"
	"github.com/rolegate/rolegate/internal/webhook"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// Endpoint is a custom HTTPS endpoint: a function of the app behind a route of its own.
type Endpoint struct {
	Name     string   // as rules know it
	Route    string   // starts with a slash
	Methods  []string // those it answers
	Function string

	Guard        webhook.Guard
	ReturnType   Format
	Silent       bool  // the client gets 204, whatever the function makes of it
	NoCustomData bool  // custom user data is not fetched
	CreateUser   *bool // whether a good token of an unknown identity makes a user; nil is as for the Data API

	// As whom it runs: the first that is set decides, and the request needs no credentials then. With none it is the user
	// whose credentials the request has.
	AsSystem bool
	UserID   string
	Script   bool // the function has a script that says it
}

// Functions calls the functions of endpoints. *proxy.Proxy implements it.
type Functions interface {
	Serve(ctx context.Context, c proxy.Caller, e proxy.Endpoint) (*jsfunc.Response, error)
	UserOf(ctx context.Context, c proxy.Caller, e proxy.Endpoint) (user string, system bool, err error)
}

// open tells whether a request needs no credentials.
func (e *Endpoint) open() bool { return e.AsSystem || e.UserID != "" || e.Script }

// endpoints finds the endpoint of a request.
type endpoints struct {
	app     string
	router  *mux.Router
	routes  map[string]map[string]*Endpoint // :: route → method → the one that answers
	origins cors.Origins                    // whose pages may call where credentials are needed
	open    cors.Origins                    // and where none are
}

// newEndpoints matches paths as newRouter does. A method of its own comes before one of many.
func newEndpoints(c Config) *endpoints {
	es := &endpoints{
		app: c.AppID, router: mux.NewRouter().SkipClean(true).UseEncodedPath(), routes: map[string]map[string]*Endpoint{},
		origins: cors.New(c.AllowedOrigins), open: cors.None(),
	}
	if len(c.AllowedOrigins) > 0 {
		es.open = es.origins
	}
	list := slices.Clone(c.Endpoints)
	slices.SortStableFunc(list, func(a, b Endpoint) int { return len(a.Methods) - len(b.Methods) })
	for _, e := range list {
		methods := es.routes[e.Route]
		if methods == nil {
			methods = map[string]*Endpoint{}
			es.routes[e.Route] = methods
			es.router.Path("/app/{app}/endpoint" + e.Route).Name(e.Route)
		}
		for _, m := range e.Methods {
			if methods[m] == nil {
				methods[m] = &e
			}
		}
	}
	return es
}

// hit is what a path leads to. The endpoint is nil where the route has none for the method.
type hit struct {
	*Endpoint
	methods []string // that the route answers
	origins cors.Origins
}

// find returns the endpoint of a request, or false where the path is none of an endpoint. A preflight finds the one that
// the request after it will.
func (es *endpoints) find(r *http.Request) (hit, bool) {
	var match mux.RouteMatch
	if strings.HasPrefix(r.URL.EscapedPath(), "/app/"+es.app+"/endpoint/data/") {
		return hit{}, false // the Data API need not wait for all routes to be tried
	}
	if !es.router.Match(r, &match) || match.Vars["app"] != es.app {
		return hit{}, false
	}
	route := es.routes[match.Route.GetName()]
	h := hit{methods: slices.Sorted(maps.Keys(route)), origins: es.open}
	method := r.Method
	if cors.IsPreflight(r) {
		method = r.Header.Get("Access-Control-Request-Method")
	}
	if h.Endpoint = route[method]; h.Endpoint != nil && !h.open() {
		h.origins = es.origins
	}
	return h, true
}

// serveEndpoint is the line that a request to an endpoint follows.
func (s *server) serveEndpoint(x *exchange, e hit) error {
	methods := strings.Join(e.methods, ", ")
	if preflight, err := x.fromPage(e.origins, methods); preflight || err != nil {
		return err
	}
	x.allow = methods
	if e.Endpoint == nil {
		return &failure{reason: "method", status: http.StatusMethodNotAllowed, code: codeBadRequest, text: "only " + x.allow + " is allowed"}
	}
	x.action = "endpoint " + e.Route
	x.format = negotiate(x.r.Header, e.ReturnType)

	release, err := s.acquire()
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := s.deadline(x)
	defer cancel()

	caller := proxy.Caller{User: &rules.User{Type: rules.SystemUser}, ID: x.id, NoCustomData: e.NoCustomData}
	caller.Request = ruleRequest(x.r, target{})
	caller.Request.WebhookURL = e.Route
	if !e.open() {
		if caller.User, err = s.authenticate(ctx, x, e.CreateUser); err != nil {
			return err
		}
	} else if err := s.rates.admit(peer.Network(peer.Address(x.r))); err != nil {
		return err // nobody has said who they are: it counts for where it comes from
	}
	sent, err := x.readGuarded(e.Guard, s.readSent)
	if err != nil {
		return err
	}
	body, err := s.unzip(sent)
	if err != nil {
		return err
	}
	call := proxy.Endpoint{Name: e.Name, Function: e.Function, Request: functionRequest(x.r, caller.Request.RawQueryString, body)}
	if e.open() {
		if err := s.standIn(ctx, &caller, e.Endpoint, call); err != nil {
			return err
		}
		x.user = caller.User.ID
	}
	res, err := s.Functions.Serve(ctx, caller, call)
	if err != nil {
		return err
	}
	return x.respond(e.Endpoint, res)
}

// standIn makes the caller the one as whom an endpoint runs, whoever asks.
func (s *server) standIn(ctx context.Context, c *proxy.Caller, e *Endpoint, call proxy.Endpoint) (err error) {
	id := e.UserID
	c.System = e.AsSystem
	if !e.AsSystem && id == "" {
		if id, c.System, err = s.Functions.UserOf(ctx, *c, call); err != nil {
			return err
		}
	}
	if c.System {
		return nil
	}
	c.User, err = known(s.FindUser(ctx, id))
	return err
}

// functionRequest is what the function is called with. query is without secrets.
func functionRequest(r *http.Request, query string, body []byte) jsfunc.Request {
	req := jsfunc.Request{Query: map[string]string{}, Headers: map[string][]string{}, Body: body}
	values, _ := url.ParseQuery(query) // what is malformed is left out
	for name, v := range values {
		req.Query[name] = v[0]
	}
	for name, v := range r.Header {
		if !slices.Contains(credentialHeaders, strings.ToLower(name)) {
			req.Headers[name] = v
		}
	}
	if len(body) == 0 {
		req.Body = nil
	}
	return req
}
