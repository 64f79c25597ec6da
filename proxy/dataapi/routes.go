package dataapi

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/gorilla/mux"

	"github.com/rolegate/rolegate/internal/echo"
)

// target is what a path names.
type target struct {
	name string // of the action
	action
}

const (
	routeAction = "action"
	routeApp    = "app" // everything else below an app
)

// newRouter matches paths as they were sent: nothing is decoded, cleaned or redirected, so an encoded slash or a
// double one is simply another path.
func newRouter() *mux.Router {
	r := mux.NewRouter().SkipClean(true).UseEncodedPath()
	r.Path("/app/{app}/endpoint/data/{version}/action/{action}").Name(routeAction)
	r.PathPrefix("/app/{app}/").Name(routeApp)
	return r
}

// route finds the action, in the order app, version, action, method. Only POST has actions.
func (s *server) route(r *http.Request) (target, error) {
	var match mux.RouteMatch
	if !s.router.Match(r, &match) || match.Route == nil {
		return target{}, notFound("cannot find the path")
	}
	if app := match.Vars["app"]; app != s.AppID {
		return target{}, notFound(fmt.Sprintf("cannot find app using Client App ID '%s'", echo.Name(app)))
	}
	if match.Route.GetName() != routeAction {
		return target{}, notFound("cannot find the path")
	}
	if !slices.Contains(s.Versions, match.Vars["version"]) {
		return target{}, notFound("cannot find the API version")
	}
	name := match.Vars["action"]
	a, ok := actions[name]
	if !ok || s.NoExtensions && extensions[name] {
		return target{}, notFound("cannot find the action")
	}
	if r.Method != http.MethodPost {
		return target{}, &failure{reason: "method", status: http.StatusMethodNotAllowed, code: codeBadRequest, text: "only POST is allowed"}
	}
	return target{name: name, action: a}, nil
}

func notFound(text string) error {
	return &failure{reason: "not_found", status: http.StatusNotFound, code: codeBadRequest, text: text}
}
