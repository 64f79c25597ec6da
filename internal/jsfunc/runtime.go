package jsfunc

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/dlclark/regexp2/v2"
	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/rules"
)

// A regular expression that the Go library has no match for runs where no interrupt reaches it. The call has then long
// been given up: whatever such a match returns is not looked at.
func init() { regexp2.DefaultMatchTimeout = MaxTime }

// Env is what functions see of one request.
type Env struct {
	// System says that the caller is the system: every function runs as it.
	System     bool
	User       bson.Raw
	CustomData bson.Raw
	// CustomDataUnresolved makes context.user.custom_data throw: what it would be is not known.
	CustomDataUnresolved bool
	Request              bson.Raw
	Values               bson.Raw
	Environment          bson.Raw

	// MayCall tells whether the user may call a function; nil allows all.
	MayCall func(name string) bool
	// Database runs what functions ask of data sources; nil is none.
	Database Database
}

// Database runs an operation. The result is in the form that functions see.
type Database func(ctx context.Context, op Operation) (bson.RawValue, error)

// Operation is what a function asks of a collection.
type Operation struct {
	System bool // no rules apply
	// Name is find, findOne, count, distinct, aggregate, insertOne, insertMany, updateOne, updateMany, replaceOne,
	// deleteOne or deleteMany.
	Name         string
	NS           rules.Namespace
	Filter       bson.Raw
	Projection   bson.Raw
	Sort         bson.Raw
	Skip, Limit  int64
	Key          string     // of distinct
	Documents    []bson.Raw // of inserts; the stages of aggregate
	Update       bson.Raw   // operators, or a replacement
	ArrayFilters []bson.Raw
	Upsert       bool
}

// Runtime runs functions for one request. It is not safe for concurrent use.
type Runtime struct {
	p   *Program
	env Env
	vm  *goja.Runtime // nil until it is needed

	ctx      context.Context         // of the call that runs; nil otherwise
	classes  map[string]*goja.Object // :: name in BSON → prototype
	date     goja.Value              // the constructor
	contexts [2]*goja.Object         // of functions that run as the user, and as the system
	modules  map[string]goja.Callable
	strict   bool       // no field may be undefined
	inside   int        // guarded methods that run, one inside of the other
	asked    int        // operations of the call that runs
	served   *function  // the function of an endpoint, while it runs
	clock    *stopwatch // of that
}

// Runtime makes a runtime for one request. Nothing is set up before the first call.
func (p *Program) Runtime(env Env) *Runtime {
	return &Runtime{p: p, env: env}
}

var promiseType = reflect.TypeFor[*goja.Promise]()

var errTime = errors.New("it took too long")

// Call calls a function. A promise is waited for. A missing argument is undefined, and so is a missing result.
func (r *Runtime) Call(ctx context.Context, name string, args []bson.RawValue) (result bson.RawValue, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.p.limits.Time)
	defer cancel()
	err = r.limited(ctx, name, func() error {
		result, err = r.run(name, args)
		return err
	})
	if err != nil {
		return bson.RawValue{}, err
	}
	return result, nil
}

// maxAsked is how many operations one call may ask of the database.
const maxAsked = 1000

// limited runs f, which calls a function, until ctx ends.
func (r *Runtime) limited(ctx context.Context, name string, f func() error) (err error) {
	fail := func(err error) error { return &Error{name, why(err), errors.Is(err, errTime)} }
	if r.ctx != nil {
		return fail(errors.New("a call is running"))
	}
	defer func() {
		if x := recover(); x != nil { // of the engine, or of something that a value refused
			err = fail(asError(x))
			if ctx.Err() != nil {
				err = fail(errTime)
			}
		}
		r.ctx, r.asked = nil, 0
		if err != nil {
			r.vm = nil // what the call left half done ends with it
		}
	}()
	r.ctx = ctx
	r.start()
	vm := r.vm
	stop := context.AfterFunc(ctx, func() { vm.Interrupt(errTime) })
	err = f()
	if !stop() || ctx.Err() != nil {
		return fail(errTime)
	}
	if err != nil {
		return fail(err)
	}
	return nil
}

// run is what is under the time limit.
func (r *Runtime) run(name string, args []bson.RawValue) (bson.RawValue, error) {
	f, err := r.module(name)
	if err != nil {
		return bson.RawValue{}, err
	}
	given := make([]goja.Value, len(args))
	for i, a := range args {
		given[i] = r.toJS(a)
	}
	v, err := f(goja.Undefined(), given...)
	if err != nil {
		return bson.RawValue{}, err
	}
	return r.settled(v, r.p.limits.Result)
}

// settled is what a call comes to, in at most limit bytes.
func (r *Runtime) settled(v goja.Value, limit int) (bson.RawValue, error) {
	if o, ok := v.(*goja.Object); ok && o.ExportType() == promiseType {
		p, _ := o.Export().(*goja.Promise)
		switch p.State() {
		case goja.PromiseStateFulfilled:
			v = p.Result()
		case goja.PromiseStateRejected:
			return bson.RawValue{}, errors.New("its promise was rejected")
		default:
			return bson.RawValue{}, errors.New("its promise is never settled")
		}
	}
	var out bson.RawValue
	var bad error
	if thrown := r.vm.Try(func() { out, bad = r.fromJS(v, limit) }); thrown != nil {
		return bson.RawValue{}, thrown
	}
	return out, bad
}

// start sets up the engine.
func (r *Runtime) start() {
	if r.vm != nil {
		return
	}
	r.vm = goja.New()
	r.vm.SetParserOptions(parser.WithDisableSourceMaps)
	r.vm.SetMaxCallStackSize(r.p.limits.Depth)
	r.modules, r.contexts = map[string]goja.Callable{}, [2]*goja.Object{}
	r.globals()
}

// module returns a function, whose source runs once a request.
func (r *Runtime) module(name string) (goja.Callable, error) {
	if f, ok := r.modules[name]; ok {
		return f, nil
	}
	f, ok := r.p.functions[name]
	switch {
	case !ok:
		return nil, errors.New("it is not defined")
	case f.why != "" || f.other && f != r.served:
		return nil, errors.New("it cannot be called")
	case r.env.MayCall != nil && !r.env.MayCall(name):
		return nil, errors.New("can_evaluate does not let the user call it")
	}
	call, err := r.exported(f.code, f.system)
	if err == nil {
		r.modules[name] = call
	}
	return call, err
}

// exported runs a source and returns the function that it exports.
func (r *Runtime) exported(code *goja.Program, system bool) (goja.Callable, error) {
	made, err := r.vm.RunProgram(code)
	if err != nil {
		return nil, err
	}
	build, _ := goja.AssertFunction(made)
	module, exports := r.vm.NewObject(), r.vm.NewObject()
	r.put(module, "exports", exports)
	v, err := build(goja.Undefined(), exports, module, r.vm.ToValue(r.require), r.context(system || r.env.System))
	if err != nil {
		return nil, err
	}
	call, ok := goja.AssertFunction(v)
	if !ok {
		return nil, errors.New("its source does not assign a function to exports")
	}
	return call, nil
}

// raise ends the JavaScript that runs, as the engine has it: with a panic that Call gets back as an error.
func raise(x any) { panic(x) } //nolint:forbidigo // there is no other way out of a function that scripts call

// throw ends the JavaScript that runs with an error.
func (r *Runtime) throw(format string, args ...any) {
	raise(r.vm.NewTypeError(append([]any{format}, args...)...))
}

// put sets a property of an object of ours.
func (r *Runtime) put(o *goja.Object, name string, v any) {
	if err := o.DefineDataProperty(name, r.vm.ToValue(v), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
		raise(err)
	}
}

// why describes a failure without what the function says about it: that may be values.
func why(err error) string {
	if thrown, ok := errors.AsType[*goja.Exception](err); ok {
		for _, frame := range thrown.Stack() {
			if at := frame.Position(); at.Line > 0 {
				return fmt.Sprintf("it threw at %s:%d", at.Filename, at.Line)
			}
		}
		return "it threw"
	}
	if _, ok := errors.AsType[*goja.StackOverflowError](err); ok {
		return "its calls are nested too deep"
	}
	if _, ok := errors.AsType[*goja.InterruptedError](err); ok {
		return errTime.Error()
	}
	return err.Error()
}

func asError(x any) error {
	switch x := x.(type) {
	case *goja.Exception:
		return x
	case *goja.InterruptedError:
		return x
	case *goja.StackOverflowError:
		return x
	case goja.Value:
		return errors.New("it threw")
	}
	return errors.New("the engine failed")
}
