package server

import (
	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/proxy/dataapi"
)

// notServed says why an endpoint is not served, "" if it is.
func (c compiled) notServed(e *config.Endpoint) string {
	switch {
	case e.Broken:
		return "its configuration has errors"
	case e.Disabled:
		return "it is disabled"
	case c.functions == nil:
		return "functions are off"
	}
	if why := c.functions.Servable(e.Function); why != "" {
		return "its function " + source.Quote(e.Function) + " cannot be called: " + why
	}
	return ""
}

// checkEndpoints tells which endpoints are not served although they should be, and which ask for no credentials.
func (c compiled) checkEndpoints(ds *source.Diagnostics) {
	functions := c.functionsByName()
	for _, e := range c.app.Endpoints {
		if e.Broken || e.Disabled { // said already, or meant
			continue
		}
		if why := c.notServed(e); why != "" {
			ds.Warn(e.FunctionSpan, config.CodeIgnored, "", "the endpoint %s is not served: %s", e, why)
			continue
		}
		who := "it needs no credentials"
		if e.ValidationMethod != "" {
			who = "it needs its secret, no credentials"
		}
		switch f := functions[e.Function]; {
		case f.RunAsSystem:
			ds.Warn(e.FunctionSpan, config.CodeRunsAsSystem, "", "the endpoint %s runs as the system: %s, and no rule, filter or schema applies to what its function does", e, who)
		case f.RunAsUserID != "":
			ds.Warn(e.FunctionSpan, config.CodeRunsAsSystem, "", "the endpoint %s runs as the user %s: %s", e, source.Quote(f.RunAsUserID), who)
		case f.RunAsUserIDScript != "":
			ds.Warn(e.FunctionSpan, config.CodeRunsAsSystem, "", "the endpoint %s runs as whoever a script names: %s", e, who)
		}
	}
}

func (c compiled) functionsByName() map[string]*config.Function {
	out := map[string]*config.Function{}
	for _, f := range c.app.Functions {
		out[f.Name] = f
	}
	return out
}

// endpoints are those that are served.
func (p *plan) endpoints() []dataapi.Endpoint {
	functions := p.functionsByName()
	var out []dataapi.Endpoint
	for _, e := range p.app.Endpoints {
		if p.notServed(e) != "" {
			continue
		}
		f := functions[e.Function]
		d := dataapi.Endpoint{
			Name: e.String(), Route: e.Route, Methods: []string{e.Method}, Function: e.Function,
			Guard: p.guard(e.ValidationMethod, e.SecretName), Silent: !e.RespondResult,
			NoCustomData: !e.FetchCustomUserData, CreateUser: e.CreateUserOnAuth,
			AsSystem: f.RunAsSystem, UserID: f.RunAsUserID, Script: f.RunAsUserIDScript != "",
		}
		if e.Method == config.AnyMethod {
			d.Methods = config.EndpointMethods()
		}
		if e.ReturnType == "EJSON" {
			d.ReturnType = dataapi.EJSON
		}
		out = append(out, d)
	}
	return out
}

// endpointsFetchCustomData tells whether one of them does.
func endpointsFetchCustomData(app *config.App) bool {
	for _, e := range app.Endpoints {
		if !e.Disabled && e.FetchCustomUserData {
			return true
		}
	}
	return false
}
