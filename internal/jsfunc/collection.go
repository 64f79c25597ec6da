package jsfunc

import (
	"github.com/dop251/goja"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/rules"
)

// service makes context.services.get(name).
func (r *Runtime) service(system bool, name string) goja.Value {
	if r.env.Database == nil {
		r.throw("there is no database here")
	}
	s := r.vm.NewObject()
	r.put(s, "db", func(call goja.FunctionCall) goja.Value {
		database := call.Argument(0).String()
		db := r.vm.NewObject()
		r.put(db, "collection", func(call goja.FunctionCall) goja.Value {
			ns := rules.Namespace{Service: name, Database: database, Collection: call.Argument(0).String()}
			return r.collection(Operation{System: system, NS: ns})
		})
		return db
	})
	return s
}

// collection makes an object with the operations on a collection. Every operation returns a promise.
func (r *Runtime) collection(on Operation) goja.Value {
	c := r.vm.NewObject()
	method := func(name string, f func(op *Operation, call goja.FunctionCall)) {
		r.put(c, name, func(call goja.FunctionCall) goja.Value {
			op := on
			op.Name = name
			f(&op, call)
			return r.do(op)
		})
	}
	r.put(c, "find", func(call goja.FunctionCall) goja.Value {
		op := on
		op.Name, op.Filter, op.Projection = "find", r.filter(call, 0, false), r.document(call.Argument(1))
		return r.cursor(&op)
	})
	r.put(c, "aggregate", func(call goja.FunctionCall) goja.Value {
		op := on
		op.Name, op.Documents = "aggregate", r.documents(call.Argument(0))
		return r.cursor(&op)
	})
	method("findOne", func(op *Operation, call goja.FunctionCall) {
		op.Filter, op.Projection = r.filter(call, 0, false), r.document(call.Argument(1))
	})
	for _, name := range []string{"count", "countDocuments"} {
		method(name, func(op *Operation, call goja.FunctionCall) { op.Name, op.Filter = "count", r.filter(call, 0, false) })
	}
	method("distinct", func(op *Operation, call goja.FunctionCall) {
		op.Key, op.Filter = call.Argument(0).String(), r.filter(call, 1, false)
	})
	method("insertOne", func(op *Operation, call goja.FunctionCall) {
		op.Documents = []bson.Raw{r.required(call.Argument(0))}
	})
	method("insertMany", func(op *Operation, call goja.FunctionCall) { op.Documents = r.documents(call.Argument(0)) })
	for _, name := range []string{"updateOne", "updateMany", "replaceOne"} {
		method(name, func(op *Operation, call goja.FunctionCall) {
			op.Filter, op.Update = r.filter(call, 0, true), r.required(call.Argument(1))
			if options, ok := call.Argument(2).(*goja.Object); ok {
				upsert := options.Get("upsert")
				op.Upsert = upsert != nil && upsert.ToBoolean()
				op.ArrayFilters = r.documents(options.Get("arrayFilters"))
			}
		})
	}
	for _, name := range []string{"deleteOne", "deleteMany"} {
		method(name, func(op *Operation, call goja.FunctionCall) { op.Filter = r.filter(call, 0, true) })
	}
	return c
}

// cursor makes what find and aggregate return. Nothing is asked before toArray.
func (r *Runtime) cursor(op *Operation) goja.Value {
	c := r.vm.NewObject()
	set := func(name string, f func(goja.Value)) {
		r.put(c, name, func(call goja.FunctionCall) goja.Value {
			f(call.Argument(0))
			return c
		})
	}
	if op.Name == "find" {
		set("sort", func(v goja.Value) { op.Sort = r.document(v) })
		set("skip", func(v goja.Value) { op.Skip = v.ToInteger() })
		set("limit", func(v goja.Value) { op.Limit = v.ToInteger() })
	}
	r.put(c, "toArray", func(goja.FunctionCall) goja.Value { return r.do(*op) })
	return c
}

// do runs an operation and returns a promise, which is settled.
func (r *Runtime) do(op Operation) goja.Value {
	if r.asked++; r.asked > maxAsked {
		r.throw("it asked the database too often")
	}
	p, resolve, reject := r.vm.NewPromise()
	r.clock.pause()
	v, err := r.env.Database(r.ctx, op)
	r.clock.resume()
	if err == nil {
		err = resolve(r.toJS(v))
	} else {
		err = reject(r.vm.NewTypeError("%s", err.Error()))
	}
	if err != nil {
		raise(err)
	}
	return r.vm.ToValue(p)
}

// filter is an argument that selects documents. undefined in it is an error: left out, it would select more of them.
func (r *Runtime) filter(call goja.FunctionCall, n int, required bool) bson.Raw {
	if len(call.Arguments) <= n && !required {
		return nil
	}
	r.strict = true
	defer func() { r.strict = false }()
	doc := r.document(call.Argument(n))
	if doc == nil {
		r.throw("a filter must be a document")
	}
	return doc
}

// document is an argument that must be a document, if it is given.
func (r *Runtime) document(v goja.Value) bson.Raw {
	out := r.value(v)
	if bsonval.IsMissing(out) || out.Type == bson.TypeNull {
		return nil
	}
	doc, ok := bsonval.Document(out)
	if !ok {
		r.throw("an argument must be a document")
	}
	return doc
}

// required is an argument that must be a document.
func (r *Runtime) required(v goja.Value) bson.Raw {
	doc := r.document(v)
	if doc == nil {
		r.throw("an argument must be a document")
	}
	return doc
}

func (r *Runtime) documents(v goja.Value) []bson.Raw {
	out := r.value(v)
	if bsonval.IsMissing(out) || out.Type == bson.TypeNull {
		return nil
	}
	list, ok := bsonval.Array(out)
	if !ok {
		r.throw("an argument must be an array of documents")
	}
	var docs []bson.Raw
	for it := bsonval.NewIter(list); it.Next(); {
		doc, ok := bsonval.Document(it.Value())
		if !ok {
			r.throw("an argument must be an array of documents")
		}
		docs = append(docs, doc)
	}
	return docs
}
