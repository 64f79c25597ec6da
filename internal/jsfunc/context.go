package jsfunc

import (
	"strings"

	"github.com/dop251/goja"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/ejson"
)

// globals makes what every function finds around it.
func (r *Runtime) globals() {
	global := r.vm.GlobalObject()
	r.date = global.Get("Date")
	r.put(global, "BSON", r.bson())
	e := r.vm.NewObject()
	r.put(e, "parse", r.parseEJSON)
	r.put(e, "stringify", r.stringifyEJSON)
	r.put(global, "EJSON", e)
	silent := func(goja.FunctionCall) goja.Value { return goja.Undefined() }
	console := r.vm.NewObject()
	for _, name := range []string{"log", "info", "warn", "error", "debug"} {
		r.put(console, name, silent) // arguments may be values of documents
	}
	r.put(global, "console", console)
	r.bound(global)
	// Bytes that no interrupt reaches while they are filled. Documents hold BSON.Binary.
	for _, name := range []string{
		"ArrayBuffer", "SharedArrayBuffer", "DataView", "Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array",
		"Int32Array", "Uint32Array", "Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array",
	} {
		if err := global.Delete(name); err != nil {
			raise(err)
		}
	}
}

func (r *Runtime) require(goja.FunctionCall) goja.Value {
	r.throw("modules are not available")
	return nil
}

func (r *Runtime) parseEJSON(call goja.FunctionCall) goja.Value {
	v, err := ejson.ParseValue([]byte(call.Argument(0).String()), ejson.Limits{MaxBytes: maxOperation})
	if err != nil {
		r.throw("this is not Extended JSON")
	}
	return r.toJS(v)
}

// stringifyEJSON writes canonical Extended JSON, or relaxed where the options say so.
func (r *Runtime) stringifyEJSON(call goja.FunctionCall) goja.Value {
	v := r.value(call.Argument(0))
	if bsonval.IsMissing(v) {
		return goja.Undefined()
	}
	write := ejson.AppendCanonicalValue
	for _, arg := range call.Arguments[1:] {
		if o, ok := arg.(*goja.Object); ok && o.Get("relaxed") != nil && o.Get("relaxed").ToBoolean() {
			write = ejson.AppendRelaxedValue
		}
	}
	text, err := write(nil, v)
	if err != nil {
		r.throw("this cannot be written as Extended JSON")
	}
	return r.vm.ToValue(string(text))
}

// maxOperation bounds what a function hands over, in bytes.
const maxOperation = 16 << 20

// value is fromJS for the arguments of what functions call.
func (r *Runtime) value(v goja.Value) bson.RawValue {
	out, err := r.fromJS(v, maxOperation)
	if err != nil {
		r.throw("an argument cannot be used: %s", strings.TrimPrefix(err.Error(), "its result "))
	}
	return out
}

// context makes the object context, once for the functions that run as the user and once for the others.
func (r *Runtime) context(system bool) *goja.Object {
	i := 0
	if system {
		i = 1
	}
	if r.contexts[i] != nil {
		return r.contexts[i]
	}
	c := r.vm.NewObject()
	r.contexts[i] = c
	user := r.documentToJS(bsonval.OrEmpty(r.env.User))
	if r.env.CustomDataUnresolved {
		r.unresolved(user, "custom_data")
	} else {
		r.put(user, "custom_data", r.documentToJS(bsonval.OrEmpty(r.env.CustomData)))
	}
	r.put(c, "user", user)
	r.put(c, "request", r.documentToJS(bsonval.OrEmpty(r.env.Request)))
	r.put(c, "environment", r.documentToJS(bsonval.OrEmpty(r.env.Environment)))
	r.put(c, "runningAsSystem", func(goja.FunctionCall) goja.Value { return r.vm.ToValue(system) })
	values := r.vm.NewObject()
	r.put(values, "get", func(call goja.FunctionCall) goja.Value {
		v, _ := bsonval.Lookup(bsonval.OrEmpty(r.env.Values), call.Argument(0).String())
		return r.toJS(v)
	})
	r.put(c, "values", values)
	functions := r.vm.NewObject()
	r.put(functions, "execute", r.execute)
	r.put(c, "functions", functions)
	services := r.vm.NewObject()
	r.put(services, "get", func(call goja.FunctionCall) goja.Value { return r.service(system, call.Argument(0).String()) })
	r.put(c, "services", services)
	return c
}

// unresolved makes a property that cannot be read.
func (r *Runtime) unresolved(o *goja.Object, name string) {
	get := r.vm.ToValue(func(goja.FunctionCall) goja.Value {
		r.throw("%s is not known", name)
		return nil
	})
	if err := o.DefineAccessorProperty(name, get, nil, goja.FLAG_FALSE, goja.FLAG_TRUE); err != nil {
		raise(err)
	}
}

// execute runs another function, which runs as its own configuration says.
func (r *Runtime) execute(call goja.FunctionCall) goja.Value {
	name := call.Argument(0).String()
	f, err := r.module(name)
	if err != nil {
		r.rethrow(err)
	}
	var args []goja.Value
	if len(call.Arguments) > 1 {
		args = call.Arguments[1:]
	}
	v, err := f(goja.Undefined(), args...)
	if err != nil {
		r.rethrow(err)
	}
	return v
}

// rethrow lets an error go on through JavaScript. What cannot be caught there stays so.
func (r *Runtime) rethrow(err error) {
	if thrown, ok := err.(*goja.Exception); ok { //nolint:errorlint // it is returned as such
		raise(thrown.Value())
	}
	switch err.(type) { //nolint:errorlint // they are returned as such
	case *goja.InterruptedError, *goja.StackOverflowError:
		raise(err)
	}
	r.throw("%s", err.Error())
}
