package proxy

import (
	"context"
	"errors"

	"github.com/rolegate/rolegate/internal/jsfunc"
	"github.com/rolegate/rolegate/rules"
	"github.com/rolegate/rolegate/rules/expr"
)

// Endpoint asks for the function of a custom HTTPS endpoint.
type Endpoint struct {
	Name     string // as rules know the endpoint
	Function string
	Request  jsfunc.Request
}

// atEndpoint is the depth of the calls of an endpoint: those of rules, in what its function asks for, begin at zero.
const atEndpoint = -1

// Serve calls the function of an endpoint for a user whom its can_evaluate lets. What the function asks of collections goes
// by the rules, unless it runs as the system. A rule that fails in that denies what it is about, as in any other request.
func (p *Proxy) Serve(ctx context.Context, c Caller, e Endpoint) (*jsfunc.Response, error) {
	calls, scope, err := p.endpoint(ctx, c)
	if err != nil {
		return nil, err
	}
	if !p.Policy.MayUse(e.Name, scope) || !p.Policy.MayCall(e.Function, scope) {
		return nil, &Error{Kind: NotCallable, Message: "endpoint cannot be evaluated"}
	}
	res, err := calls.runtime.Serve(ctx, e.Function, e.Request)
	if err != nil {
		return nil, calls.failure(ctx, e.Function, err)
	}
	return res, nil
}

// UserOf asks the function of an endpoint as whom it runs: as the user with an id, or as the system. Meanwhile it is the
// system that asks.
func (p *Proxy) UserOf(ctx context.Context, c Caller, e Endpoint) (user string, system bool, err error) {
	c.User, c.System = &rules.User{Type: rules.SystemUser}, true
	calls, _, err := p.endpoint(ctx, c)
	if err != nil {
		return "", false, err
	}
	if user, system, err = calls.runtime.UserOf(ctx, e.Function, e.Request); err != nil {
		return "", false, calls.failure(ctx, e.Function, err)
	}
	return user, system, nil
}

// endpoint prepares the calls of a request that is about no collection.
func (p *Proxy) endpoint(ctx context.Context, c Caller) (*calls, *expr.Scope, error) {
	if p.Functions == nil {
		return nil, nil, &Error{Kind: Internal, Message: "internal error", Cause: errNoFunctions}
	}
	s := &session{p: p, c: p.begun(c), op: "endpoint", fresh: true, scanned: new(int)}
	if err := s.findCustomData(ctx, true, true); err != nil {
		return nil, nil, err
	}
	out := &calls{ctx: ctx, session: s, depth: atEndpoint, request: newCallsOfRequest(0)}
	rulesSee := &calls{ctx: ctx, session: s, parent: out, request: out.request}
	scope := p.Policy.Scope(c.User, s.custom, &s.c.Request, rules.Sources{Functions: rulesSee, Lookups: &lookups{ctx, s}})
	env := out.env(scope)
	// An endpoint that does not fetch custom user data shows its function an empty document. Rules still do not know it.
	env.CustomDataUnresolved = env.CustomDataUnresolved && !c.NoCustomData
	out.runtime = p.Functions.Runtime(env)
	return out, scope, nil
}

// failure is what an endpoint answers when its function fails: that the database is to blame, or time, or the function.
func (c *calls) failure(ctx context.Context, name string, err error) error {
	c.session.p.Log.Warn("the function of an endpoint failed", append(c.session.attrs(), "function", name, "error", err.Error())...)
	failed, known := errors.AsType[*jsfunc.Error](err)
	switch {
	case ctx.Err() != nil:
		return c.session.storeError(ctx.Err())
	case c.cause != nil:
		return &Error{Kind: c.cause.Kind, Message: c.cause.Message, Cause: c.cause.Cause}
	case known && failed.TimedOut:
		return &Error{Kind: TimedOut, Message: "execution time limit exceeded", Cause: err}
	}
	return &Error{Kind: FunctionFailed, Message: "the function failed", Cause: err}
}
