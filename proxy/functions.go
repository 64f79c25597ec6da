package proxy

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/jsfunc"
	"github.com/rolegate/rolegate/rules/expr"
)

// Bounds of what the functions of one request may do together.
const (
	maxCallDepth  = 5                // of rule, function, rule, …
	maxCallTime   = 10 * time.Second // of all calls
	maxMemo       = 8 << 20          // bytes of calls and results that are remembered
	maxCallResult = 16 << 20         // bytes of documents that one operation hands to a function
)

// calls runs the functions of the app while the rules are bound to one operation, and evaluated. A call fails when a
// call fails that it caused: what a function makes of an answer that rules could not give is not to be relied on.
type calls struct {
	ctx     context.Context
	session *session
	depth   int
	parent  *calls // whose function asked for the operation; nil for that of a request
	request *callsOfRequest
	runtime *jsfunc.Runtime
	failed  bool   // something failed that the running call caused
	cause   *Error // the last thing that failed in the database; of an endpoint
}

// callsOfRequest is what the calls of a request share, however deep they are.
type callsOfRequest struct {
	memo   map[string]*memoised
	size   int // of memo, in bytes
	spent  time.Duration
	logged bool
}

func newCallsOfRequest(spent time.Duration) *callsOfRequest {
	return &callsOfRequest{memo: map[string]*memoised{}, spent: spent}
}

// memoised is a result, or a call that is under way.
type memoised struct {
	value bson.RawValue
	err   error
	done  bool
}

var (
	errCallsItself = errors.New("it calls itself through a rule")
	errCallsDeep   = errors.New("functions and rules are nested too deep")
	errCallsSpent  = errors.New("the functions of the request took too long")
	errCausedError = errors.New("a rule could not be evaluated in what it asked for")
)

// functions is what rules call functions with, nil where they call none.
func (s *session) functions(ctx context.Context, called bool) expr.Functions {
	if !called || s.p.Functions == nil {
		return nil
	}
	return s.calls(ctx)
}

func (s *session) calls(ctx context.Context) *calls {
	c := &calls{ctx: ctx, session: s, parent: s.c.within, request: newCallsOfRequest(0)}
	if c.parent != nil {
		c.depth, c.request = c.parent.depth+1, c.parent.request
	}
	return c
}

// Call implements expr.Functions. A request evaluates its rules one after the other, so nothing is locked.
func (c *calls) Call(s *expr.Scope, name string, args []bson.RawValue) (bson.RawValue, error) {
	key := callKey(name, args)
	m, known := c.request.memo[key]
	switch {
	case !known:
		m = &memoised{}
		if c.request.size += len(key); c.request.size < maxMemo {
			c.request.memo[key] = m
		}
		m.value, m.err = c.run(s, name, args)
		m.done = true
		c.request.size += len(m.value.Value)
	case !m.done:
		return bson.RawValue{}, c.fail(name, errCallsItself)
	}
	if m.err != nil {
		return bson.RawValue{}, c.fail(name, m.err)
	}
	return m.value, nil
}

// callKey tells calls apart by the function and the bytes of its arguments.
func callKey(name string, args []bson.RawValue) string {
	key, start := bsonval.BeginDocument(append([]byte(name), 0))
	for i, a := range args {
		if bsonval.IsMissing(a) {
			a = bson.RawValue{Type: bson.TypeUndefined}
		}
		key = bsonval.AppendElement(key, strconv.Itoa(i), a)
	}
	return string(bsonval.EndDocument(key, start))
}

// run runs a function that has not been run with these arguments.
func (c *calls) run(s *expr.Scope, name string, args []bson.RawValue) (bson.RawValue, error) {
	return c.bounded(s, func(r *jsfunc.Runtime) (bson.RawValue, error) { return r.Call(c.ctx, name, args) })
}

// bounded makes a call within the bounds of the request.
func (c *calls) bounded(s *expr.Scope, call func(*jsfunc.Runtime) (bson.RawValue, error)) (bson.RawValue, error) {
	switch {
	case c.depth >= maxCallDepth:
		return bson.RawValue{}, errCallsDeep
	case c.request.spent > maxCallTime:
		return bson.RawValue{}, errCallsSpent
	}
	if c.runtime == nil {
		c.runtime = c.session.p.Functions.Runtime(c.env(s))
	}
	begun := time.Now()
	c.failed = false
	v, err := call(c.runtime)
	if c.depth == 0 {
		c.request.spent += time.Since(begun)
	}
	if err == nil && c.failed {
		err = errCausedError
	}
	return v, err
}

// env is what functions see. Their can_evaluate is bound a level below: it may call functions itself.
func (c *calls) env(s *expr.Scope) jsfunc.Env {
	below := &calls{ctx: c.ctx, session: c.session, depth: c.depth + 1, parent: c, request: c.request}
	scope := *s
	scope.Functions = below
	if scope.Lookups == nil { // none in the rule that calls; there may be some in the can_evaluate
		scope.Lookups = &lookups{c.ctx, c.session}
	}
	e := jsfunc.Env{
		System: c.session.c.System,
		User:   s.User, CustomData: s.CustomData, CustomDataUnresolved: s.CustomDataUnresolved, Request: s.Request, Values: s.Values, Environment: s.Environment,
		MayCall: func(name string) bool { return c.session.p.Policy.MayCall(name, &scope) },
	}
	if c.session.p.Store != nil {
		e.Database = c.database
	}
	return e
}

// fail notes a failure, for the log and for the call that caused this one.
func (c *calls) fail(name string, err error) error {
	c.causes()
	if !c.request.logged {
		c.request.logged = true
		c.session.p.Log.Warn("a function failed: what needs its result is denied",
			append(c.session.attrs(), "function", name, "error", err.Error())...)
	}
	return err
}

// causes makes the call fail that this happens in.
func (c *calls) causes() {
	if c.parent != nil {
		c.parent.failed = true
	}
}

// decides tells whether a rule that decides about a write has called the function that asks. What it is told must be as fresh.
func (c *calls) decides() bool { return c != nil && c.depth != atEndpoint && c.session.fresh }

// database runs what a function asks for: as the user under the rules, or as the system.
func (c *calls) database(ctx context.Context, op jsfunc.Operation) (bson.RawValue, error) {
	caller := c.session.c
	caller.within, caller.System = c, op.System || caller.System
	if c.depth == atEndpoint { // what rules have seen may change with every operation
		c.request, caller.looked = newCallsOfRequest(c.request.spent), nil
	}
	caller.Request.Action, caller.Request.Service = op.Name, op.NS.Service
	v, err := c.session.p.inside(ctx, caller, op)
	if err == nil {
		return v, nil
	}
	known, ok := errors.AsType[*Error](err)
	if !ok {
		known = &Error{Kind: Internal, Message: "internal error", Cause: err}
	}
	if !slices.Contains(catchable, known.Kind) {
		c.failed, c.cause = true, known
	}
	return v, errors.New(known.Message) // its cause may hold values
}

// catchable are the failures that a function may live with: they are answers. Any other one makes it fail.
var catchable = []Kind{Invalid, Missing, NoRule, Denied, UnknownService, Unsupported, DuplicateKey, SchemaFailed}

var errUnknownOperation = errors.New("no such operation")

// inside carries out an operation of a function and returns its result as functions see it.
func (p *Proxy) inside(ctx context.Context, c Caller, op jsfunc.Operation) (bson.RawValue, error) {
	find := Find{NS: op.NS, Filter: op.Filter, Projection: op.Projection, Sort: op.Sort, Skip: max(op.Skip, 0), Limit: max(op.Limit, 0)}
	many := op.Name == "updateMany" || op.Name == "deleteMany"
	switch op.Name {
	case "find":
		return gather(func(emit func(bson.Raw) error) error { return p.Find(ctx, c, find, emit) })
	case "aggregate":
		return gather(func(emit func(bson.Raw) error) error {
			return p.Aggregate(ctx, c, Aggregate{NS: op.NS, Pipeline: op.Documents}, emit)
		})
	case "findOne":
		doc, err := p.FindOne(ctx, c, find)
		if doc == nil {
			return bsonval.Null(), err
		}
		return bsonval.FromDocument(doc), err
	case "count":
		n, err := p.Count(ctx, c, Count{NS: op.NS, Filter: op.Filter})
		return bsonval.FromInt64(n), err
	case "distinct":
		values, err := p.Distinct(ctx, c, Distinct{NS: op.NS, Key: op.Key, Filter: op.Filter})
		return arrayOf(values), err
	case "insertOne", "insertMany":
		ids, err := p.Insert(ctx, c, Insert{NS: op.NS, Documents: op.Documents})
		switch {
		case err != nil:
			return bson.RawValue{}, err
		case op.Name == "insertOne" && len(ids) == 1:
			return result("insertedId", ids[0]), nil
		}
		return result("insertedIds", arrayOf(ids)), nil
	case "updateOne", "updateMany":
		r, err := p.Update(ctx, c, Update{
			NS: op.NS, Filter: op.Filter, Update: op.Update, ArrayFilters: op.ArrayFilters, Many: many, Upsert: op.Upsert,
		})
		return updated(r), err
	case "replaceOne":
		r, err := p.Replace(ctx, c, Replace{NS: op.NS, Filter: op.Filter, Replacement: op.Update, Upsert: op.Upsert})
		return updated(r), err
	case "deleteOne", "deleteMany":
		n, err := p.Delete(ctx, c, Delete{NS: op.NS, Filter: op.Filter, Many: many})
		return result("deletedCount", bsonval.FromInt64(n)), err
	}
	return bson.RawValue{}, errUnknownOperation
}

// gather collects documents.
func gather(read func(emit func(bson.Raw) error) error) (bson.RawValue, error) {
	var docs []bson.RawValue
	size := 0
	err := read(func(doc bson.Raw) error {
		if size += len(doc); size > maxCallResult {
			return &Error{Kind: TooLarge, Message: "too much for a function: state a limit"}
		}
		docs = append(docs, bsonval.FromDocument(append(bson.Raw(nil), doc...)))
		return nil
	})
	return arrayOf(docs), err
}

func arrayOf(values []bson.RawValue) bson.RawValue {
	doc, start := bsonval.BeginDocument(nil)
	for i, v := range values {
		doc = bsonval.AppendElement(doc, strconv.Itoa(i), v)
	}
	return bsonval.FromArray(bsonval.EndDocument(doc, start))
}

func result(name string, v bson.RawValue) bson.RawValue {
	doc, start := bsonval.BeginDocument(nil)
	return bsonval.FromDocument(bsonval.EndDocument(bsonval.AppendElement(doc, name, v), start))
}

func updated(r UpdateResult) bson.RawValue {
	doc, start := bsonval.BeginDocument(nil)
	doc = bsonval.AppendElement(doc, "matchedCount", bsonval.FromInt64(r.Matched))
	doc = bsonval.AppendElement(doc, "modifiedCount", bsonval.FromInt64(r.Modified))
	if !bsonval.IsMissing(r.Upserted) {
		doc = bsonval.AppendElement(doc, "upsertedId", r.Upserted)
	}
	return bsonval.FromDocument(bsonval.EndDocument(doc, start))
}
