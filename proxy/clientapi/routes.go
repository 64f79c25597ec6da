package clientapi

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"github.com/rolegate/rolegate/internal/echo"
)

// Prefix is what all paths begin with.
const Prefix = "/api/client/v2.0/"

// handler answers one request.
type handler func(x *exchange) error

// route is what a path is for.
type route struct {
	path    string // after Prefix
	name    string // for logs and metrics
	methods map[string]handler
}

const passwords = "app/{app}/auth/providers/local-userpass/" //nolint:gosec // a path

func routes() []route {
	return []route{
		{"app/{app}/location", "location", map[string]handler{http.MethodGet: location}},
		{"app/{app}/auth/providers/{provider}/login", "login", map[string]handler{http.MethodPost: login}},
		{passwords + "register", "register", map[string]handler{http.MethodPost: register}},
		{passwords + "reset", "reset", map[string]handler{http.MethodPost: reset}},
		{passwords + "reset/send", "reset_send", map[string]handler{http.MethodPost: sendReset}},
		{passwords + "reset/call", "reset_call", map[string]handler{http.MethodPost: callReset}},
		{passwords + "confirm", "confirm", map[string]handler{http.MethodPost: confirm}},
		{passwords + "confirm/send", "confirm_send", map[string]handler{http.MethodPost: sendConfirmation}},
		{passwords + "confirm/call", "confirm_call", map[string]handler{http.MethodPost: callConfirmation}},
		{"auth/session", "session", map[string]handler{http.MethodPost: refresh, http.MethodDelete: logout}},
		{"auth/profile", "profile", map[string]handler{http.MethodGet: profile}},
		{"auth/delete", "delete", map[string]handler{http.MethodDelete: deleteUser}},
		{"auth/api_keys", "api_keys", map[string]handler{http.MethodGet: listKeys, http.MethodPost: createKey}},
		{"auth/api_keys/{key}", "api_key", map[string]handler{http.MethodGet: findKey, http.MethodDelete: deleteKey}},
		{"auth/api_keys/{key}/enable", "api_key_enable", map[string]handler{http.MethodPut: enableKey}},
		{"auth/api_keys/{key}/disable", "api_key_disable", map[string]handler{http.MethodPut: disableKey}},
	}
}

// newRouter matches paths as they were sent: nothing is decoded, cleaned or redirected.
func newRouter() *mux.Router {
	r := mux.NewRouter().SkipClean(true).UseEncodedPath()
	for _, route := range routes() {
		r.Path(Prefix + route.path).Handler(routeHandler{route})
	}
	return r
}

// routeHandler carries a route through the router, which keeps handlers only.
type routeHandler struct{ route }

func (routeHandler) ServeHTTP(http.ResponseWriter, *http.Request) {}

// route finds the handler, in the order path, app, method.
func (s *server) route(x *exchange) (handler, error) {
	var match mux.RouteMatch
	if !s.router.Match(x.r, &match) || match.Route == nil {
		return nil, notFound("cannot find the path")
	}
	found, ok := match.Handler.(routeHandler)
	if !ok {
		return nil, notFound("cannot find the path")
	}
	x.action, x.vars = found.name, match.Vars
	if app, ok := match.Vars["app"]; ok && app != s.AppID {
		return nil, notFound(fmt.Sprintf("cannot find app using Client App ID '%s'", echo.Name(app)))
	}
	h := found.methods[x.r.Method]
	if h == nil {
		allowed := strings.Join(slices.Sorted(maps.Keys(found.methods)), ", ")
		x.w.Header().Set("Allow", allowed)
		return nil, &failure{status: http.StatusMethodNotAllowed, code: codeBadRequest, text: "only " + allowed + " is allowed", reason: "method"}
	}
	return h, nil
}

func notFound(text string) error {
	return &failure{status: http.StatusNotFound, code: codeBadRequest, text: text, reason: "not_found"}
}
