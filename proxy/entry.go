package proxy

import (
	"context"
	"errors"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
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

var errNobody = errors.New("it returned neither a user id nor {runAsSystem: true}")

// RunAs asks the script of the Data API who a request runs as: the user with an id, or the system. The script runs as the
// system, and is called with the query and the headers of the request. An error is nobody.
func (p *Proxy) RunAs(ctx context.Context, requestID string, r rules.Request) (user string, system bool, err error) {
	c := Caller{User: &rules.User{Type: rules.SystemUser}, System: true, ID: requestID, Request: r}
	s := &session{p: p, c: p.begun(c), op: r.Operation, scanned: new(int)}
	if p.Functions == nil {
		return "", false, errNobody
	}
	calls := s.calls(ctx)
	scope := p.Policy.Scope(c.User, rules.CustomData{}, &s.c.Request, rules.Sources{Functions: calls})
	v, err := calls.bounded(scope, func(rt *jsfunc.Runtime) (bson.RawValue, error) {
		return rt.CallScript(ctx, []bson.RawValue{scriptArgument(r)})
	})
	if err == nil {
		user, system, err = runsAs(v)
	}
	if err != nil {
		return "", false, calls.fail("run_as_user_id_script_source", err)
	}
	return user, system, nil
}

// runsAs reads what the script returned.
func runsAs(v bson.RawValue) (user string, system bool, err error) {
	if id, ok := bsonval.String(v); ok && id != "" {
		return id, false, nil
	}
	if doc, ok := bsonval.Document(v); ok {
		flag, _ := bsonval.Lookup(doc, "runAsSystem")
		if system, _ := bsonval.Bool(flag); system {
			return "", true, nil
		}
	}
	return "", false, errNobody
}

// scriptArgument is the request in the form that endpoints of App Services had: the first value of each parameter of the
// query, and the headers under their usual names. What is a credential has been taken out.
func scriptArgument(r rules.Request) bson.RawValue {
	doc, start := bsonval.BeginDocument(nil)
	doc, query := bsonval.BeginElement(doc, bson.TypeEmbeddedDocument, "query")
	values, _ := url.ParseQuery(r.RawQueryString) // without what cannot be read
	for name, v := range values {
		if !strings.Contains(name, "\x00") { // which no field can be called
			doc = bsonval.AppendElement(doc, name, bsonval.FromString(v[0]))
		}
	}
	doc = bsonval.EndDocument(doc, query)
	doc, headers := bsonval.BeginElement(doc, bson.TypeEmbeddedDocument, "headers")
	for name, values := range r.Headers {
		var list int
		doc, list = bsonval.BeginElement(doc, bson.TypeArray, textproto.CanonicalMIMEHeaderKey(name))
		for i, v := range values {
			doc = bsonval.AppendElement(doc, strconv.Itoa(i), bsonval.FromString(v))
		}
		doc = bsonval.EndDocument(doc, list)
	}
	return bsonval.FromDocument(bsonval.EndDocument(bsonval.EndDocument(doc, headers), start))
}
