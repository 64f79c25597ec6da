package proxy

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/rules"
)

var errNoFunctions = errors.New("functions are off")

// CallAsSystem calls a function of the app as the system, which no request is: for what the server itself asks the app,
// such as whether somebody may log in. A function whose answer rests on what could not be read has failed, whatever it
// returns. The error says where, and holds no values.
func (p *Proxy) CallAsSystem(ctx context.Context, name string, args ...bson.RawValue) (bson.RawValue, error) {
	if p.Functions == nil {
		return bson.RawValue{}, errNoFunctions
	}
	caller := p.begun(Caller{User: &rules.User{Type: rules.SystemUser}, System: true})
	c := &calls{ctx: ctx, session: &session{p: p, c: caller, scanned: new(int)}, request: newCallsOfRequest(0)}
	env := c.env(p.Policy.Scope(caller.User, rules.CustomData{}, &caller.Request, rules.Sources{}))
	env.System, env.MayCall = true, nil
	v, err := p.Functions.Runtime(env).Call(ctx, name, args)
	if err == nil && c.failed {
		err = errCausedError
	}
	if err != nil {
		return bson.RawValue{}, err
	}
	return v, nil
}
