package jsfunc_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/jsfunc"
	"github.com/rolegate/rolegate/internal/source"
)

// compile compiles functions by name.
func compile(t *testing.T, sources map[string]string, l jsfunc.Limits) (*jsfunc.Program, source.Diagnostics) {
	t.Helper()
	files := fstest.MapFS{"root_config.json": {Data: []byte(`{"app_id": "x-abcde", "config_version": 20210101}`)}}
	for name, text := range sources {
		files["functions/"+name+".js"] = &fstest.MapFile{Data: []byte(text)}
	}
	app, ds := config.Load(files, config.Options{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	return jsfunc.Compile(app, l)
}

// mustCompile gives functions so much time that only those that never end run out of it.
func mustCompile(t *testing.T, sources map[string]string) *jsfunc.Program {
	t.Helper()
	return mustCompileWithin(t, sources, jsfunc.MaxTime)
}

func mustCompileWithin(t *testing.T, sources map[string]string, limit time.Duration) *jsfunc.Program {
	t.Helper()
	p, ds := compile(t, sources, jsfunc.Limits{Time: limit})
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	return p
}

func value(t *testing.T, text string) bson.RawValue {
	t.Helper()
	v, err := ejson.ParseValue([]byte(text), ejson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func text(t *testing.T, v bson.RawValue) string {
	t.Helper()
	if bsonval.IsMissing(v) {
		return "undefined"
	}
	out, err := ejson.AppendCanonicalValue(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// Every value comes back as it went in, with its type.
func TestValuesKeepTheirType(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, map[string]string{"same": `exports = x => x`})
	for _, in := range []string{
		`null`, `true`, `"text"`, `""`, `{"$numberInt":"7"}`, `{"$numberInt":"-2147483648"}`, `{"$numberLong":"4294967296"}`,
		`{"$numberLong":"9223372036854775807"}`, `{"$numberDouble":"1.5"}`, `{"$numberDouble":"-0.0"}`, `{"$numberDouble":"NaN"}`,
		`{"$numberDouble":"Infinity"}`, `{"$numberDecimal":"1.10"}`, `{"$oid":"64a1f0c2d3e4f5a6b7c8d9e0"}`,
		`{"$date":{"$numberLong":"1700000000000"}}`, `{"$date":{"$numberLong":"-1"}}`, `{"$binary":{"base64":"AAEC","subType":"00"}}`,
		`{"$binary":{"base64":"ABEiM0RVZneImaq7zN3u/w==","subType":"04"}}`, `{"$timestamp":{"t":1,"i":2}}`,
		`{"$regularExpression":{"pattern":"a+","options":"i"}}`, `{"$minKey":1}`, `{"$maxKey":1}`, `[]`, `{}`,
		`[{"$numberInt":"1"},["x"],{"a":null}]`, `{"z":{"b":{"$oid":"64a1f0c2d3e4f5a6b7c8d9e0"}},"a":"1"}`,
		`{"__proto__":{"isAdmin":true},"constructor":"x","length":{"$numberInt":"5"}}`, `{"_bsontype":"ObjectID","id":"x"}`,
	} {
		got, err := p.Runtime(jsfunc.Env{}).Call(t.Context(), "same", []bson.RawValue{value(t, in)})
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if diff := cmp.Diff(in, text(t, got)); diff != "" {
			t.Errorf("same(%s) (-want +got):\n%s", in, diff)
		}
	}
}

// What functions can do, each with its result.
func TestCall(t *testing.T) {
	t.Parallel()
	oid := `{"$oid":"64a1f0c2d3e4f5a6b7c8d9e0"}`
	for name, c := range map[string]struct{ source, args, want string }{
		"no result":                      {`exports = function () {}`, `[]`, `undefined`},
		"module.exports":                 {`module.exports = () => true`, `[]`, `true`},
		"a declared function":            {"function f(a) { return a + 1 }\nexports = f // last", `[1]`, `{"$numberInt":"2"}`},
		"async":                          {`exports = async (a) => { const b = await a; return b === "x" }`, `["x"]`, `true`},
		"a chain of promises":            {`exports = () => Promise.resolve(1).then(a => a + 1).then(a => [a])`, `[]`, `[{"$numberInt":"2"}]`},
		"missing and null":               {`exports = (a, b) => [a === null, b === undefined]`, `[null]`, `[true,true]`},
		"toString of an id":              {`exports = a => a.toString() + a.toHexString() + JSON.stringify({a})`, `[` + oid + `]`, ``},
		"ids are compared":               {`exports = a => a.equals(BSON.ObjectId("64a1f0c2d3e4f5a6b7c8d9e0")) && a.equals(a.toString())`, `[` + oid + `]`, `true`},
		"an id is made":                  {`exports = () => new BSON.ObjectId("64a1f0c2d3e4f5a6b7c8d9e0")`, `[]`, oid},
		"instanceof":                     {`exports = a => a instanceof BSON.ObjectId`, `[` + oid + `]`, `true`},
		"no forged id":                   {`exports = a => a instanceof BSON.ObjectId`, `[{"_bsontype": "ObjectID", "id": "64a1f0c2d3e4f5a6b7c8d9e0"}]`, `false`},
		"a long":                         {`exports = a => a.toString() + (a > 5)`, `[{"$numberLong": "9223372036854775807"}]`, `"9223372036854775807true"`},
		"a decimal":                      {`exports = a => a.toString()`, `[{"$numberDecimal": "1.10"}]`, `"1.10"`},
		"numbers by force":               {`exports = () => [BSON.Double(1), BSON.Long("1"), BSON.Int32(1), BSON.Decimal128("1")]`, `[]`, `[{"$numberDouble":"1.0"},{"$numberLong":"1"},{"$numberInt":"1"},{"$numberDecimal":"1"}]`},
		"a uuid":                         {`exports = a => a.toString()`, `[{"$uuid": "00112233-4455-6677-8899-aabbccddeeff"}]`, `"00112233-4455-6677-8899-aabbccddeeff"`},
		"a uuid is made":                 {`exports = () => BSON.UUID("00112233-4455-6677-8899-aabbccddeeff").toString()`, `[]`, `"00112233-4455-6677-8899-aabbccddeeff"`},
		"a date":                         {`exports = a => a.getTime() === 5 && a instanceof Date`, `[{"$date": {"$numberLong": "5"}}]`, `true`},
		"a regular expression":           {`exports = () => /a+/gi`, `[]`, `{"$regularExpression":{"pattern":"a+","options":"i"}}`},
		"arrays":                         {`exports = a => [...a.map(x => x + 1).filter(x => x > 2), a.includes(1), a.join(), a.sort((x, y) => y - x)[0], Array.from(a).length]`, `[[1, 2, 3]]`, `[{"$numberInt":"3"},{"$numberInt":"4"},true,"1,2,3",{"$numberInt":"3"},{"$numberInt":"3"}]`},
		"an error goes through a method": {`exports = a => { try { a.map(() => { throw new Error("x") }) } catch (e) { return e.message } }`, `[[1]]`, `"x"`},
		"EJSON":                          {`exports = a => EJSON.stringify(EJSON.parse(EJSON.stringify({a})))`, `[` + oid + `]`, ``},
		"relaxed EJSON":                  {`exports = a => EJSON.stringify({a: 1}, {relaxed: true})`, `[]`, `"{\"a\":1}"`},
		"undefined is left out":          {`exports = () => ({a: undefined, b: [undefined]})`, `[]`, `{"b":[null]}`},
		"no prototype is set":            {`exports = a => a.isAdmin === undefined && ({}).isAdmin === undefined`, `[{"__proto__": {"isAdmin": true}}]`, `true`},
		"console":                        {`exports = a => { console.log(a); console.error("x"); return true }`, `[1]`, `true`},
		"another function":               {`exports = a => context.functions.execute("double", a)`, `[4]`, `{"$numberInt":"8"}`},
		"another's error":                {`exports = () => { try { context.functions.execute("boom") } catch (e) { return e.message } }`, `[]`, `"boom"`},
		"the user":                       {`exports = () => context.user.id + context.user.data.email + context.user.custom_data.team`, `[]`, `"uaa@xred"`},
		"values":                         {`exports = () => context.values.get("limits").max + (context.values.get("none") === undefined)`, `[]`, ``},
		"the environment":                {`exports = () => context.environment.tag`, `[]`, `"qa"`},
		"running as":                     {`exports = () => context.runningAsSystem()`, `[]`, `false`},
		"a null in a string":             {`exports = a => a.length`, `["a\u0000b"]`, `{"$numberInt":"3"}`},
		"strings may be repeated":        {`exports = () => "ab".repeat(2) + "x".padStart(3)`, `[]`, `"abab  x"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := mustCompile(t, map[string]string{
				"f": c.source, "double": `exports = a => 2 * a`, "boom": `exports = () => { throw new Error("boom") }`,
			})
			var args []bson.RawValue
			list, _ := bsonval.Array(value(t, c.args))
			for it := bsonval.NewIter(list); it.Next(); {
				args = append(args, it.Value())
			}
			env := jsfunc.Env{
				User:        value(t, `{"id": "ua", "data": {"email": "a@x"}}`).Value,
				CustomData:  value(t, `{"team": "red"}`).Value,
				Values:      value(t, `{"limits": {"max": 3}}`).Value,
				Environment: value(t, `{"tag": "qa"}`).Value,
			}
			got, err := p.Runtime(env).Call(t.Context(), "f", args)
			if err != nil {
				t.Fatal(err)
			}
			if c.want != "" && c.want != text(t, got) {
				t.Errorf("got %s, want %s", text(t, got), c.want)
			}
		})
	}
}

// Nothing that a function does lets it end in anything but an error, within its limits, and what it says is not repeated.
func TestHostile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ source, want string }{
		"throws":                   {"exports = () => {\n  throw new Error('secret') }", "it threw at functions/f.js:2"},
		"throws no error":          {`exports = () => { throw "secret" }`, "it threw at functions/f.js:1"},
		"throws while it loads":    {`throw new Error("secret")`, "it threw at functions/f.js:1"},
		"rejects":                  {`exports = async () => { throw new Error("secret") }`, "its promise was rejected"},
		"loops":                    {`exports = () => { while (true) {} }`, "it took too long"},
		"loops and catches":        {`exports = () => { while (true) { try { while (true) {} } catch (e) {} finally { continue } } }`, "it took too long"},
		"loops while it loads":     {`while (true) {}`, "it took too long"},
		"loops in a promise":       {`exports = () => Promise.resolve().then(() => { while (true) {} })`, "it took too long"},
		"promises without end":     {`exports = () => { const f = () => Promise.resolve().then(f); return f() }`, "it took too long"},
		"loops in an accessor":     {`exports = () => ({ get a() { while (true) {} } })`, "it took too long"},
		"loops in a comparison":    {`exports = () => [3, 2, 1].sort(() => { while (true) {} })`, "it took too long"},
		"a promise never settles":  {`exports = () => new Promise(() => {})`, "its promise is never settled"},
		"recurses":                 {`exports = function f() { return f() }`, "its calls are nested too deep"},
		"recurses and catches":     {`exports = function f() { try { return f() } catch (e) { return true } }`, "its calls are nested too deep"},
		"executes itself":          {`exports = () => context.functions.execute("f")`, "its calls are nested too deep"},
		"allocates":                {`exports = () => { const a = []; while (true) a[a.length] = [a.length, {}] }`, "it took too long"},
		"a huge string":            {`exports = () => "x".repeat(1 << 30)`, "it threw at functions/f.js:1"},
		"a padded string":          {`exports = () => "x".padEnd(1e9)`, "it threw at functions/f.js:1"},
		"an array without end":     {`exports = () => { const a = Array(1 << 20); while (true) a.push(1) }`, "it threw at functions/f.js:1"},
		"a filled array":           {`exports = () => Array(1e9).fill(0)`, "it threw at functions/f.js:1"},
		"a sparse array":           {`exports = () => Array(1e9).forEach(() => 0)`, "it threw at functions/f.js:1"},
		"a spread array":           {`exports = () => [...Array(1e9)]`, "it threw at functions/f.js:1"},
		"an array as a text":       {`exports = () => String(Array(1e9))`, "it threw at functions/f.js:1"},
		"what looks like an array": {`exports = () => Array.from({length: 1e9})`, "it threw at functions/f.js:1"},
		"a doubled string":         {`exports = () => { let s = "x"; while (true) s += s }`, "it took too long"},
		"a growing string":         {`exports = () => { let s = ""; while (true) s += "x" }`, "it took too long"},
		"a large result":           {`exports = () => { const a = []; for (let i = 0; i < 3; i++) a.push("x".repeat(500000)); return a }`, "its result is too large"},
		"a long result":            {`exports = () => { const a = []; a.length = 4e9; return a }`, "its result is too large"},
		"a cycle":                  {`exports = () => { const a = {}; a.a = a; return a }`, "its result is nested too deep"},
		"an endless proxy":         {`exports = () => new Proxy({}, { ownKeys() { while (true) {} } })`, "it took too long"},
		"an accessor that throws":  {`exports = () => ({ get a() { throw new Error("secret") } })`, "it threw at functions/f.js:1"},
		"a function as its result": {`exports = () => () => true`, "its result is not a value that a document can hold"},
		"a symbol":                 {`exports = () => Symbol("x")`, "its result is not a value that a document can hold"},
		"a slow pattern":           {`exports = () => /^(?=(a+)+$)\1x/.test("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab")`, "it took too long"},
		"requires":                 {`const fs = require("fs"); exports = () => true`, "it threw at functions/f.js:1"},
		"a service without one":    {`exports = () => context.services.get("mongodb-atlas")`, "it threw at functions/f.js:1"},
		"http":                     {`exports = () => context.http.get({url: "http://127.0.0.1"})`, "it threw at functions/f.js:1"},
		"exports nothing":          {`const f = () => true`, "its source does not assign a function to exports"},
		"a name that is no name":   {`exports = () => ({"a\u0000b": 1})`, "its result has a name that no field can have"},
	} {
		t.Run(name, func(t *testing.T) {
			limit := jsfunc.MaxTime
			if strings.Contains(c.want, "too long") {
				limit = 200 * time.Millisecond
			}
			p := mustCompileWithin(t, map[string]string{"f": c.source, "good": `exports = () => true`}, limit)
			r := p.Runtime(jsfunc.Env{})
			got, err := r.Call(t.Context(), "f", nil)
			if err == nil || err.Error() != `function "f": `+c.want {
				t.Errorf("got %s, %v; want %s", text(t, got), err, c.want)
			}
			// Others are not affected, in the same request and in another one.
			for _, r := range []*jsfunc.Runtime{r, p.Runtime(jsfunc.Env{})} {
				if got, err := r.Call(t.Context(), "good", nil); err != nil || text(t, got) != "true" {
					t.Errorf("then: got %s, %v", text(t, got), err)
				}
			}
		})
	}
}

// What a function changes of the language is gone with the request.
func TestTampering(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, map[string]string{
		"tamper": `exports = () => {
			Object.prototype.isAdmin = true; Array.prototype.push = () => 0; globalThis.seen = true; BSON.ObjectId = null;
			Promise.prototype.then = () => { throw 1 }; Date = null; String.prototype.repeat = null; return true }`,
		"look": `exports = async () => [({}).isAdmin, typeof globalThis.seen, typeof BSON.ObjectId, [1].push(1)]`,
	})
	if _, err := p.Runtime(jsfunc.Env{}).Call(t.Context(), "tamper", nil); err != nil {
		t.Fatal(err)
	}
	got, err := p.Runtime(jsfunc.Env{}).Call(t.Context(), "look", nil)
	if want := `[null,"undefined","function",{"$numberInt":"2"}]`; err != nil || text(t, got) != want {
		t.Errorf("got %s, %v; want %s", text(t, got), err, want)
	}
}

// A call ends with the request.
func TestCancelled(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, map[string]string{"f": `exports = () => true`})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Runtime(jsfunc.Env{}).Call(ctx, "f", nil); err == nil {
		t.Error("a call of a cancelled request returned")
	}
}

// Custom user data that is not known cannot be taken for none.
func TestUnresolvedCustomData(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, map[string]string{
		"banned": `exports = () => context.user.custom_data.banned !== true`, "id": `exports = () => context.user.id`,
		"changed": `exports = () => { context.user.custom_data = {}; return context.user.custom_data.banned }`,
	})
	env := jsfunc.Env{User: value(t, `{"id": "ua"}`).Value, CustomDataUnresolved: true}
	for _, name := range []string{"banned", "changed"} {
		if got, err := p.Runtime(env).Call(t.Context(), name, nil); err == nil {
			t.Errorf("%s: %s", name, text(t, got))
		}
	}
	if got, err := p.Runtime(env).Call(t.Context(), "id", nil); err != nil || text(t, got) != `"ua"` {
		t.Errorf("id: %s, %v", text(t, got), err)
	}
}

// A source that cannot be compiled is reported where it is wrong, and cannot be called.
func TestCompile(t *testing.T) {
	t.Parallel()
	p, ds := compile(t, map[string]string{
		"good": `exports = () => 1`, "bad": "exports = function () {\n  return 1 +;\n}", "open": `}); (function () {`,
		"twice": "let a;\nlet a;", "map": "exports = () => 1\n//# sourceMappingURL=/etc/passwd",
	}, jsfunc.Limits{})
	var got []string
	for _, d := range ds {
		got = append(got, d.String())
	}
	want := []string{"functions/bad.js:2:13", "functions/open.js:1:1", "functions/twice.js:2:5"}
	for i, w := range want {
		if i >= len(got) || !strings.Contains(got[i], w) {
			t.Errorf("diagnostics %q, want %q", got, want)
			break
		}
	}
	for name, why := range p.Callable() {
		if good := name == "good" || name == "map"; good != (why == "") {
			t.Errorf("%s: %q", name, why)
		}
	}
	if _, err := p.Runtime(jsfunc.Env{}).Call(t.Context(), "bad", nil); err == nil {
		t.Error("a function that does not compile was called")
	}
}

// What functions ask of the database, and what they get.
func TestDatabase(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, map[string]string{"f": `exports = async () => {
		const c = context.services.get("svc").db("app").collection("c");
		const all = await c.find({a: BSON.Int32(1)}, {b: 1}).sort({b: -1}).limit(3).toArray();
		try { await c.findOne({fail: true}) } catch (e) { all.push(e.message) }
		return all }`})
	var asked []jsfunc.Operation
	env := jsfunc.Env{Database: func(_ context.Context, op jsfunc.Operation) (bson.RawValue, error) {
		asked = append(asked, op)
		if op.Name == "findOne" {
			return bson.RawValue{}, errors.New("refused")
		}
		return value(t, `[{"a": 1}]`), nil
	}}
	got, err := p.Runtime(env).Call(t.Context(), "f", nil)
	if want := `[{"a":{"$numberInt":"1"}},"refused"]`; err != nil || text(t, got) != want {
		t.Errorf("got %s, %v; want %s", text(t, got), err, want)
	}
	if len(asked) != 2 || asked[0].NS.String() != "app.c" || asked[0].Limit != 3 || asked[0].System {
		t.Errorf("asked %+v", asked)
	}
	for _, source := range []string{`c.deleteMany()`, `c.deleteMany(undefined)`, `c.findOne({_id: undefined})`, `c.updateMany({a: {b: undefined}}, {})`, `c.insertOne()`, `c.updateOne({a: 1})`, `c.find([])`} {
		p := mustCompile(t, map[string]string{"f": `exports = async () => { const c = context.services.get("s").db("d").collection("c"); await ` + source + ` }`})
		if _, err := p.Runtime(env).Call(t.Context(), "f", nil); err == nil {
			t.Errorf("%s asked the database", source)
		}
	}
}

func BenchmarkCall(b *testing.B) {
	app, _ := config.Load(fstest.MapFS{
		"root_config.json": {Data: []byte(`{"app_id": "x-abcde"}`)}, "functions/f.js": {Data: []byte(`exports = (a, b) => a === b`)},
	}, config.Options{})
	p, _ := jsfunc.Compile(app, jsfunc.Limits{Time: jsfunc.MaxTime})
	args := []bson.RawValue{bsonval.FromString("a"), bsonval.FromString("b")}
	b.Run("fresh", func(b *testing.B) {
		for b.Loop() {
			if _, err := p.Runtime(jsfunc.Env{}).Call(context.Background(), "f", args); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("again", func(b *testing.B) {
		r := p.Runtime(jsfunc.Env{})
		for b.Loop() {
			if _, err := r.Call(context.Background(), "f", args); err != nil {
				b.Fatal(err)
			}
		}
	})
}
