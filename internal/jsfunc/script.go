package jsfunc

import (
	"context"
	"errors"

	"github.com/dop251/goja"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// A script says as whom something runs: as the user with an id, or as the system. It runs as the system itself, since nobody
// is known yet.

// CallScript calls the script of the Data API, within the time of a function.
func (r *Runtime) CallScript(ctx context.Context, req Request) (user string, system bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.p.limits.Time)
	defer cancel()
	var code *goja.Program
	if r.p.script != nil {
		code = r.p.script.code
	}
	var said bson.RawValue
	err = r.limited(ctx, scriptName, func() error {
		said, err = r.says(code, req)
		return err
	})
	if err != nil {
		return "", false, err
	}
	return named(scriptName, said)
}

// UserOf calls the script of a function, within the time of an endpoint.
func (r *Runtime) UserOf(ctx context.Context, name string, req Request) (user string, system bool, err error) {
	var code *goja.Program
	if f := r.p.functions[name]; f != nil {
		code = f.script
	}
	var said bson.RawValue
	err = r.timed(ctx, name, func() error {
		said, err = r.says(code, req)
		return err
	})
	switch {
	case err != nil:
		return "", false, err
	case said.Type == bson.TypeObjectID:
		return textOf(said), false, nil
	}
	return named(name, said)
}

// says is what a script returns.
func (r *Runtime) says(code *goja.Program, req Request) (bson.RawValue, error) {
	if code == nil {
		return bson.RawValue{}, errors.New("no script says as whom it runs")
	}
	call, err := r.exported(code, true)
	if err != nil {
		return bson.RawValue{}, err
	}
	v, err := call(goja.Undefined(), r.request(req))
	if err != nil {
		return bson.RawValue{}, err
	}
	return r.settled(v, r.p.limits.Result)
}

// named reads what a script has said.
func named(script string, said bson.RawValue) (user string, system bool, err error) {
	if id, ok := bsonval.String(said); ok && id != "" {
		return id, false, nil
	}
	doc, _ := bsonval.Document(said)
	v, _ := bsonval.Lookup(bsonval.OrEmpty(doc), "runAsSystem")
	if system, _ := bsonval.Bool(v); system {
		return "", true, nil
	}
	return "", false, &Error{Function: script, Why: "its script returned neither the id of a user nor {runAsSystem: true}"}
}
