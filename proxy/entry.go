package proxy

import (
	"context"
	"net/textproto"
	"net/url"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/jsfunc"
	"github.com/rolegate/rolegate/rules"
)

// Admit refuses a request that can_evaluate of the Data API does not let in. Custom user data is read afresh for one that
// stores something.
func (p *Proxy) Admit(ctx context.Context, c Caller, fresh bool) error {
	entry := p.Policy.Entry()
	if entry.IsOpen() {
		return nil
	}
	s := &session{p: p, c: p.begun(c), op: c.Request.Operation, fresh: fresh, scanned: new(int)}
	if err := s.findCustomData(ctx, entry.NeedsCustomData(), fresh); err != nil {
		return err
	}
	if !entry.Admits(c.User, s.custom, &s.c.Request, s.sources(ctx, entry.CallsFunctions(), entry.LooksUp())) {
		return &Error{Kind: NotCallable, Message: "endpoint cannot be evaluated"}
	}
	return nil
}

// RunAs asks the script of the Data API who a request runs as: the user with an id, or the system. The script runs as the
// system, and is called with the query and the headers of the request. An error is nobody.
func (p *Proxy) RunAs(ctx context.Context, requestID string, r rules.Request) (user string, system bool, err error) {
	c := Caller{User: &rules.User{Type: rules.SystemUser}, System: true, ID: requestID, Request: r}
	s := &session{p: p, c: p.begun(c), op: r.Operation, scanned: new(int)}
	if p.Functions == nil {
		return "", false, errNoFunctions
	}
	calls := s.calls(ctx)
	scope := p.Policy.Scope(c.User, rules.CustomData{}, &s.c.Request, rules.Sources{Functions: calls})
	_, err = calls.bounded(scope, func(rt *jsfunc.Runtime) (_ bson.RawValue, err error) {
		user, system, err = rt.CallScript(ctx, scriptRequest(r))
		return bson.RawValue{}, err
	})
	if err != nil {
		return "", false, calls.fail("run_as_user_id_script_source", err)
	}
	return user, system, nil
}

// scriptRequest is the request in the form that endpoints have it: the first value of each parameter of the query, and the
// headers under their usual names. What is a credential has been taken out.
func scriptRequest(r rules.Request) jsfunc.Request {
	req := jsfunc.Request{Query: map[string]string{}, Headers: map[string][]string{}}
	values, _ := url.ParseQuery(r.RawQueryString) // without what cannot be read
	for name, v := range values {
		req.Query[name] = v[0]
	}
	for name, v := range r.Headers {
		req.Headers[textproto.CanonicalMIMEHeaderKey(name)] = v
	}
	return req
}
