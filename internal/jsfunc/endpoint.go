package jsfunc

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/dop251/goja"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/source"
)

// Request is what the function of an endpoint is called with.
type Request struct {
	Query   map[string]string   // the first value of each parameter
	Headers map[string][]string // without credentials
	Body    []byte              // nil is undefined
}

// Response is what the function made of it.
type Response struct {
	Result  bson.RawValue // what it returned; missing when that was undefined
	Changed bool          // it called a method of its response

	Status  int         // 0 unless it set one
	Header  http.Header // that it set
	Body    []byte      // nil unless it set one
	Literal bool        // Body was a string
}

// Bounds of the headers that a function sets.
const (
	maxHeaders     = 100
	maxHeaderBytes = 32 << 10
)

// Servable tells why a function cannot be that of an endpoint, "" if it can.
func (p *Program) Servable(name string) string {
	f, ok := p.functions[name]
	if !ok {
		return "the export does not have the function"
	}
	return f.why
}

// scriptFile is the source that says as whom a function runs.
func scriptFile(f *config.Function) *source.File {
	return &source.File{Name: f.Source.Name + " (run_as_user_id_script_source)", Text: []byte(f.RunAsUserIDScript)}
}

// Serve calls the function of an endpoint with the request and an object to build the response with. Its time is counted
// without what it waits for the database; ctx bounds both.
func (r *Runtime) Serve(ctx context.Context, name string, req Request) (*Response, error) {
	res := &Response{Header: http.Header{}}
	r.served = r.p.functions[name]
	err := r.timed(ctx, name, func() error {
		f, err := r.module(name)
		if err != nil {
			return err
		}
		v, err := f(goja.Undefined(), r.request(req), r.response(res))
		if err != nil {
			return err
		}
		res.Result, err = r.settled(v, maxOperation)
		return err
	})
	r.served = nil
	if err != nil {
		return nil, err
	}
	return res, nil
}

// timed is limited, for the function of an endpoint.
func (r *Runtime) timed(ctx context.Context, name string, f func() error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.clock = newStopwatch(r.p.limits.Endpoint, cancel)
	defer func() {
		r.clock.pause()
		r.clock = nil
	}()
	return r.limited(ctx, name, f)
}

func (r *Runtime) request(req Request) goja.Value {
	o, query, headers := r.vm.NewObject(), r.vm.NewObject(), r.vm.NewObject()
	for _, name := range slices.Sorted(maps.Keys(req.Query)) {
		r.put(query, name, req.Query[name])
	}
	for _, name := range slices.Sorted(maps.Keys(req.Headers)) {
		values := make([]any, len(req.Headers[name]))
		for i, v := range req.Headers[name] {
			values[i] = v
		}
		r.put(headers, name, r.vm.NewArray(values...))
	}
	r.put(o, "query", query)
	r.put(o, "headers", headers)
	if req.Body != nil {
		r.put(o, "body", r.box(binary(0, req.Body)))
	} else {
		r.put(o, "body", goja.Undefined())
	}
	return o
}

// response makes the object with which a function says what to answer.
func (r *Runtime) response(res *Response) goja.Value {
	o := r.vm.NewObject()
	method := func(name string, f func(call goja.FunctionCall)) {
		r.put(o, name, func(call goja.FunctionCall) goja.Value {
			f(call)
			res.Changed = true
			return goja.Undefined()
		})
	}
	method("setStatusCode", func(call goja.FunctionCall) {
		n := call.Argument(0).ToInteger()
		if n < 200 || n > 599 {
			r.throw("a status is a number from 200 to 599")
		}
		res.Status = int(n)
	})
	method("setBody", func(call goja.FunctionCall) {
		switch v, isBoxed := unbox(call.Argument(0)); {
		case isBoxed && v.Type == bson.TypeBinary:
			_, data, _ := bsonval.Binary(v)
			res.Body, res.Literal = append([]byte{}, data...), false
		default:
			text, ok := primitive(call.Argument(0)).(string)
			if !ok {
				r.throw("a body is a string or a BSON.Binary")
			}
			res.Body, res.Literal = []byte(text), true
		}
		if len(res.Body) > maxOperation {
			r.throw("the body is too large")
		}
	})
	method("setHeader", func(call goja.FunctionCall) {
		name, value := r.header(res, call)
		res.Header.Set(name, value)
	})
	method("addHeader", func(call goja.FunctionCall) {
		name, value := r.header(res, call)
		res.Header.Add(name, value)
	})
	return o
}

// header reads the two arguments, which must not become anything else in the answer.
func (r *Runtime) header(res *Response, call goja.FunctionCall) (name, value string) {
	name, value = call.Argument(0).String(), call.Argument(1).String()
	token := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", c)
	}
	control := func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }
	if name == "" || strings.ContainsFunc(name, func(c rune) bool { return !token(c) }) || strings.ContainsFunc(value, control) {
		r.throw("this is no header")
	}
	size, count := len(name)+len(value), 1
	for n, values := range res.Header {
		for _, v := range values {
			size, count = size+len(n)+len(v), count+1
		}
	}
	if size > maxHeaderBytes || count > maxHeaders {
		r.throw("there are too many headers: at most %s", fmt.Sprintf("%d, of %d bytes", maxHeaders, maxHeaderBytes))
	}
	return name, value
}
