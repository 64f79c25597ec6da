package config

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/rolegate/rolegate/internal/source"
)

// Endpoint is a custom HTTPS endpoint: a function of the app behind a route. Whose rights it has is said by the function.
type Endpoint struct {
	Route               string // starts with a slash
	Method              string // of HTTP; * is any
	Function            string
	Disabled            bool
	RespondResult       bool
	ReturnType          string        // JSON or EJSON
	ValidationMethod    string        // SECRET_AS_QUERY_PARAM, VERIFY_PAYLOAD, or empty
	SecretName          string        // of ValidationMethod
	CreateUserOnAuth    *bool         // nil when absent
	FetchCustomUserData bool          // absent means that it is fetched
	CanEvaluate         *source.Value // nil when absent
	Broken              bool          // it has errors: it must not be served
	Span                source.Span
	FunctionSpan        source.Span // the name of the function
}

// String is what people call an endpoint.
func (e *Endpoint) String() string { return e.Method + " " + e.Route }

// AnyMethod is the method of an endpoint that answers every one of EndpointMethods.
const AnyMethod = "*"

// EndpointMethods are those that an endpoint may answer.
func EndpointMethods() []string {
	return []string{http.MethodDelete, http.MethodGet, http.MethodPatch, http.MethodPost, http.MethodPut}
}

func endpointShape() shape {
	return shape{"an endpoint", []key{
		{name: "id", kinds: aString},
		{name: "_id", kinds: aString},
		{name: "route", kinds: aString, required: true},
		{name: "http_method", kinds: aString, required: true},
		{name: "function_name", kinds: aString, required: true},
		{name: "function_id", kinds: aString},
		{name: "disabled", kinds: aBool},
		{name: "respond_result", kinds: aBool},
		{name: "return_type", kinds: aString},
		{name: "validation_method", kinds: aString},
		{name: "secret_name", kinds: aString},
		{name: "secret_id", kinds: aString},
		{name: "create_user_on_auth", kinds: aBool},
		{name: "fetch_custom_user_data", kinds: aBool},
		{name: "can_evaluate", kinds: anExpr},
		{name: "log_function_arguments", kinds: aBool},
	}, true, nil}
}

// endpoints reads the file that lists the endpoints. Its errors concern nothing else: what has one is not served.
func (l *loader) endpoints(name string) {
	v, ds := l.parse(name)
	switch {
	case v == nil:
	case v.Kind != source.Array:
		ds.Error(v.Span, CodeWrongType, "", "the endpoints must be an array, not %s", v.Kind)
	case len(v.Items) > 0 && len(l.app.Endpoints) > 0:
		// Only one of the two directories has ever been read, and nobody can tell which: what is in the other one has
		// not been seen at work. Nothing else of the app depends on it.
		ds.Warn(v.Span, CodeDuplicate, "keep one of the two files", "endpoints are listed twice, first at %s: none of them is served", l.app.Endpoints[0].Span)
		for _, e := range l.app.Endpoints {
			e.Broken = true
		}
	default:
		for _, x := range v.Items {
			l.endpoint(x, &ds)
		}
	}
	l.confined(ds)
}

func (l *loader) endpoint(v *source.Value, all *source.Diagnostics) {
	var ds source.Diagnostics
	defer func() { *all = append(*all, ds...) }()
	if !endpointShape().check(v, &ds) {
		return
	}
	e := &Endpoint{
		Route:               text(v, "route"),
		Method:              strings.ToUpper(text(v, "http_method")),
		Function:            text(v, "function_name"),
		Disabled:            flag(v, "disabled"),
		RespondResult:       flag(v, "respond_result"),
		ReturnType:          text(v, "return_type"),
		ValidationMethod:    text(v, "validation_method"),
		SecretName:          text(v, "secret_name"),
		CreateUserOnAuth:    optionalFlag(v, "create_user_on_auth"),
		FetchCustomUserData: v.Get("fetch_custom_user_data") == nil || flag(v, "fetch_custom_user_data"),
		CanEvaluate:         expression(v, "can_evaluate"),
		Span:                v.Span,
	}
	if f := v.Get("function_name"); f != nil {
		e.FunctionSpan = f.Span
	}
	if e.Method == "ANY" { // as the user interface calls it
		e.Method = AnyMethod
	}
	if m := v.Get("http_method"); m != nil && m.Kind == source.String && e.Method != AnyMethod && !slices.Contains(EndpointMethods(), e.Method) {
		ds.Error(m.Span, CodeInvalidValue, "it may be one of *, "+strings.Join(EndpointMethods(), ", "), "%s is not a value of %q", source.Quote(m.Str), "http_method")
	}
	if r := v.Get("route"); r != nil && r.Kind == source.String {
		checkRoute(r, &ds)
	}
	oneOf(v, "return_type", &ds, "JSON", "EJSON")
	oneOf(v, "validation_method", &ds, "NO_VALIDATION", "SECRET_AS_QUERY_PARAM", "VERIFY_PAYLOAD")
	switch {
	case e.ValidationMethod == "NO_VALIDATION":
		e.ValidationMethod = ""
	case e.ValidationMethod != "" && e.SecretName == "":
		ds.Error(v.Span, CodeMissingKey, "", "%s needs the key %q", e.ValidationMethod, "secret_name")
	case e.ValidationMethod != "":
		l.secretRefs = append(l.secretRefs, secretRef{e.SecretName, v.Get("secret_name").Span, "the endpoint " + e.String(), false})
	}
	for _, other := range l.app.Endpoints {
		if other.Route == e.Route && other.Method == e.Method {
			ds.Error(v.Span, CodeDuplicate, "", "there is another endpoint %s, at %s", e, other.Span)
			other.Broken = true
		}
	}
	e.Broken = ds.HasErrors()
	l.app.Endpoints = append(l.app.Endpoints, e)
}

// checkRoute wants what stands in a URL as it is. Paths below /data are those of the Data API.
func checkRoute(v *source.Value, ds *source.Diagnostics) {
	route := v.Str
	switch {
	case !strings.HasPrefix(route, "/") || strings.ContainsAny(route, "{}?#%\\") || (&url.URL{Path: route}).EscapedPath() != route:
		ds.Error(v.Span, CodeInvalidValue, "such as /my/route", "%s is no route: it starts with a slash and has only characters that stand in a URL as they are", source.Quote(route))
	case route == "/data" || strings.HasPrefix(route, "/data/"):
		ds.Error(v.Span, CodeInvalidValue, "rename it", "the route %s is one of the Data API", source.Quote(route))
	}
}
