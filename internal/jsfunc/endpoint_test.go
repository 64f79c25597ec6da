package jsfunc_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/jsfunc"
)

// asking runs an endpoint that asks the database as often as its query says.
const asking = `exports = async ({ query }) => {
	for (let i = 0; i < query.n; i++) await context.services.get("s").db("d").collection("c").findOne();
	return "done" }`

func times(n string) jsfunc.Request { return jsfunc.Request{Query: map[string]string{"n": n}} }

// What the database takes is not the function's time: three hours of it are nothing to one that may run for a second.
func TestEndpointWaitsForTheDatabase(t *testing.T) {
	t.Parallel()
	p, _ := compile(t, map[string]string{"f": asking}, jsfunc.Limits{Endpoint: time.Second})
	synctest.Test(t, func(t *testing.T) {
		slow := func(ctx context.Context, _ jsfunc.Operation) (bson.RawValue, error) {
			select {
			case <-time.After(time.Hour):
				return bsonval.Null(), nil
			case <-ctx.Done():
				return bson.RawValue{}, ctx.Err()
			}
		}
		res, err := p.Runtime(jsfunc.Env{Database: slow}).Serve(t.Context(), "f", times("3"))
		if err != nil || text(t, res.Result) != `"done"` {
			t.Errorf("got %+v, %v", res, err)
		}
		// The request's own time does count it.
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = p.Runtime(jsfunc.Env{Database: slow}).Serve(ctx, "f", times("3"))
		if e, ok := errors.AsType[*jsfunc.Error](err); !ok || !e.TimedOut {
			t.Errorf("beyond the time of the request: %v", err)
		}
	})
}

// A function that never ends is cut off.
func TestEndpointLoops(t *testing.T) {
	t.Parallel()
	p, _ := compile(t, map[string]string{"loop": `exports = () => { for (;;); }`}, jsfunc.Limits{Endpoint: 100 * time.Millisecond})
	_, err := p.Runtime(jsfunc.Env{}).Serve(t.Context(), "loop", jsfunc.Request{})
	if e, ok := errors.AsType[*jsfunc.Error](err); !ok || !e.TimedOut {
		t.Errorf("a loop: %v", err)
	}
}

// What exceeds a limit fails, and the next call goes on with a fresh engine.
func TestEndpointLimits(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, map[string]string{
		"ask":  asking,
		"big":  `exports = (_, r) => { let s = "x".repeat(1 << 20); for (let i = 0; i < 5; i++) s += s; r.setBody(s) }`,
		"head": `exports = (_, r) => { for (let i = 0; i < 101; i++) r.addHeader("X-A", "b") }`,
	})
	asked := 0
	r := p.Runtime(jsfunc.Env{Database: func(context.Context, jsfunc.Operation) (bson.RawValue, error) {
		asked++
		return bsonval.Null(), nil
	}})
	if _, err := r.Serve(t.Context(), "ask", times("1001")); err == nil || asked != 1000 {
		t.Errorf("asked %d times, %v", asked, err)
	}
	for _, name := range []string{"big", "head"} {
		if res, err := r.Serve(t.Context(), name, jsfunc.Request{}); err == nil {
			t.Errorf("%s: %d bytes, %d headers", name, len(res.Body), len(res.Header["X-A"]))
		}
	}
	if res, err := r.Serve(t.Context(), "ask", times("1000")); err != nil || text(t, res.Result) != `"done"` {
		t.Errorf("after all that: %v", err)
	}
}

// A function sees the request, and none of it is code: names that JavaScript has a meaning for are names.
func TestEndpointRequest(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, map[string]string{"f": `exports = (q, r) => {
		r.setHeader("x-b", "1"); r.setStatusCode(201);
		return [q.query["__proto__"], q.headers.toString, q.body === undefined] }`})
	res, err := p.Runtime(jsfunc.Env{}).Serve(t.Context(), "f", jsfunc.Request{
		Query: map[string]string{"__proto__": "p"}, Headers: map[string][]string{"toString": {"h"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`["p",["h"],true]`, text(t, res.Result)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(http.Header{"X-B": {"1"}}, res.Header); diff != "" || res.Status != 201 || !res.Changed {
		t.Errorf("%+v %s", res, diff)
	}
}

// What a failing function says may be values: the error has only where it failed.
func TestEndpointErrors(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, map[string]string{
		"throws":  "exports = () => {\n throw new Error('hush') }",
		"rejects": `exports = async () => { throw 'hush' }`,
	})
	for name, want := range map[string]string{"throws": "functions/throws.js:2", "rejects": "its promise was rejected", "none": "it is not defined"} {
		_, err := p.Runtime(jsfunc.Env{}).Serve(t.Context(), name, jsfunc.Request{})
		if err == nil || strings.Contains(err.Error(), "hush") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

// Text that is nested as deep as it is long would take the stack of the whole process. It is an error like any other, and what
// functions do every day goes on.
func TestDeepTexts(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, map[string]string{"f": `exports = ({ query, body }) => {
		const s = body.text();
		switch (query.what) {
		case "json": return JSON.parse(s) && 1;
		case "new": return new RegExp(s) && 1;
		case "call": return RegExp(s) && 1;
		case "compile": return /a/.compile(s) && 1;
		case "search": return "x".search(s);
		case "match": return "x".match(s) && 1;
		case "matchAll": return [..."x".matchAll(s)].length;
		case "constructor": return new (/a/.constructor)(s) && 1;
		case "digits": return typeof BigInt(s); } }`})
	const n = 8 << 20
	for what, body := range map[string]string{
		"json": "[", "new": "(", "call": "(", "compile": "(", "search": "(", "match": "(", "matchAll": "(", "constructor": "(", "digits": "9",
	} {
		req := jsfunc.Request{Query: map[string]string{"what": what}, Body: []byte(strings.Repeat(body, n))}
		if _, err := p.Runtime(jsfunc.Env{}).Serve(t.Context(), "f", req); err == nil || !strings.Contains(err.Error(), "it threw") {
			t.Errorf("%s: %v", what, err)
		}
	}
	p = mustCompile(t, map[string]string{"f": `exports = () => {
		const nested = n => { let a = [1]; while (n--) a = [a]; return a };
		const tries = f => { try { return f() } catch (e) { return e.message } };
		return [nested(100).toString(), tries(() => String(nested(5000))), tries(() => nested(5000).join()), nested(100) + "!",
			JSON.stringify(nested(2)), tries(() => JSON.stringify(nested(5000)))] }`})
	got, err := p.Runtime(jsfunc.Env{}).Call(t.Context(), "f", nil)
	if want := `["1","toString has too much to do","join has too much to do","1!","[[[1]]]","stringify has too much to do"]`; err != nil || text(t, got) != want {
		t.Errorf("nested lists: %s, %v, want %s", text(t, got), err, want)
	}
	p = mustCompile(t, map[string]string{"f": `exports = () => [
		JSON.parse('{"a":"[[[[{{\\"","b":[1]}', (k, v) => v).b[0], new RegExp("^a", "i").test("A"), RegExp("b").source, /a/ instanceof RegExp,
		new RegExp(/x/g).flags, "a-b".split(/-/).length, "aXa".match("X").index, "abc".replace(/b/, ""), BigInt("12") + 1n === 13n,
		BigInt.asIntN(8, 255n) === -1n, typeof BigInt(1), RegExp.prototype === Object.getPrototypeOf(/a/), RegExp.name]`})
	got, err = p.Runtime(jsfunc.Env{}).Call(t.Context(), "f", nil)
	want := `[{"$numberInt":"1"},true,"b",true,"g",{"$numberInt":"2"},{"$numberInt":"1"},"ac",true,true,"bigint",true,"RegExp"]`
	if err != nil || text(t, got) != want {
		t.Errorf("got %s, %v, want %s", text(t, got), err, want)
	}
}
