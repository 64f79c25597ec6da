package proxy_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// newEntry serves an app with a configuration of the Data API.
func newEntry(t *testing.T, s proxy.Store, dataAPI map[string]any, functions map[string]string, c proxy.Config) (*proxy.Proxy, *logs) {
	t.Helper()
	text, err := json.Marshal(dataAPI)
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{
		"root_config.json":                       {Data: []byte(`{"app_id": "demo-abcde", "config_version": 20210101}`)},
		"data_sources/mongodb-atlas/config.json": {Data: []byte(`{"name": "mongodb-atlas", "type": "mongodb-atlas"}`)},
		"https_endpoints/data_api_config.json":   {Data: text},
		"values/admin.json":                      {Data: []byte(`{"name": "admin", "value": "u-admin"}`)},
	}
	for name, source := range functions {
		files["functions/"+name+".js"] = &fstest.MapFile{Data: []byte(source)}
	}
	return newOf(t, s, files, c)
}

func canEvaluate(e any) map[string]any { return map[string]any{"disabled": false, "can_evaluate": e} }

func script(source string) map[string]any {
	return map[string]any{"disabled": false, "run_as_user_id_script_source": source}
}

var team = rules.Namespace{Service: "mongodb-atlas", Database: "app", Collection: "teams"}

// TestAdmit lets in whom can_evaluate lets in, and nobody where it cannot be told.
func TestAdmit(t *testing.T) {
	type m = map[string]any
	call := func(name string) m {
		return m{"%%true": m{"%function": m{"name": name, "arguments": []string{"%%user.id"}}}}
	}
	functions := map[string]string{
		"yes":    `exports = id => id === "ua"`,
		"truthy": `exports = () => 1`,
		"throws": `exports = () => { throw new Error("no") }`,
		"system": `exports = () => context.runningAsSystem()`,
	}
	for _, tt := range []struct {
		name string
		when any
		want bool
	}{
		{"true", true, true},
		{"false", false, false},
		{"nothing is asked", m{}, true},
		{"her", m{"%%user.id": "ua"}, true},
		{"somebody else", m{"%%user.id": "ub"}, false},
		{"the operation", m{"%%request.action": "find"}, true},
		{"a header that is not sent", m{"%%request.requestHeaders.x-key": "k"}, false},
		{"a claim that she lacks", m{"%%user.id": "%%user.data.boss"}, false},
		{"not a claim that she lacks", m{"%not": m{"%%user.id": "%%user.data.boss"}}, false},
		{"custom data", m{"%%user.custom_data.team": "red"}, true},
		{"other custom data", m{"%%user.custom_data.team": "blue"}, false},
		{"a function", call("yes"), true},
		{"a function whose result is no boolean", call("truthy"), false},
		{"a function that throws", call("throws"), false},
		{"not a function that throws", m{"%not": call("throws")}, false},
		{"the function of a user", call("system"), false},
	} {
		s := returning(docs(t, `{"_id": 1, "team": "red"}`)...)
		s.find = func(proxy.Query) ([]bson.Raw, error) { return docs(t, `{"_id": 1, "user": "ua", "team": "red"}`), nil }
		p, _ := newEntry(t, s, canEvaluate(tt.when), functions, proxy.Config{CustomData: &proxy.CustomDataSource{NS: team, UserIDField: "user"}})
		c := ann
		c.Request = rules.Request{Operation: "find", Action: "find"}
		err := p.Admit(t.Context(), c, false)
		if e, _ := errors.AsType[*proxy.Error](err); err == nil != tt.want || err != nil && e.Kind != proxy.NotCallable {
			t.Errorf("%s: %v, want let in: %v", tt.name, err, tt.want)
		}
	}
}

// TestAdmitsTheSystem asks the system, too, whose functions run as the system.
func TestAdmitsTheSystem(t *testing.T) {
	type m = map[string]any
	system := proxy.Caller{User: &rules.User{Type: rules.SystemUser}, System: true, ID: "1"}
	for _, tt := range []struct {
		when any
		want bool
	}{
		{m{"%%user.type": "system"}, true},
		{m{"%%user.type": "server"}, false},
		{m{"%%user.custom_data.team": "red"}, false}, // that of a user without an id
		{m{"%%true": m{"%function": m{"name": "f"}}}, true},
	} {
		s := returning(docs(t, `{"_id": 1, "user": "", "team": "red"}`)...)
		f := map[string]string{"f": `exports = async () => context.runningAsSystem() &&
			await context.services.get("mongodb-atlas").db("app").collection("nobody's").count() === 1`}
		p, l := newEntry(t, s, canEvaluate(tt.when), f, proxy.Config{CustomData: &proxy.CustomDataSource{NS: team, UserIDField: "user"}})
		if err := p.Admit(t.Context(), system, false); err == nil != tt.want {
			t.Errorf("%v: %v, want let in: %v\n%s", tt.when, err, tt.want, l)
		}
	}
}

// TestAdmitReadsCustomData from memory for a read and afresh for a write; without it nobody is let in.
func TestAdmitReadsCustomData(t *testing.T) {
	s := returning(docs(t, `{"_id": 1, "team": "red"}`)...)
	p, _ := newEntry(t, s, canEvaluate(map[string]any{"%%user.custom_data.team": "red"}), nil, proxy.Config{
		CustomData: &proxy.CustomDataSource{NS: team, UserIDField: "user"}, CustomDataTTL: time.Hour,
	})
	s.find = func(proxy.Query) ([]bson.Raw, error) { return docs(t, `{"_id": 1, "team": "red"}`), nil }
	for i, want := range []struct {
		fresh bool
		asked int
	}{{false, 1}, {false, 1}, {true, 2}, {false, 2}} {
		if err := p.Admit(t.Context(), ann, want.fresh); err != nil || len(s.asked) != want.asked {
			t.Errorf("%d: %v, asked %d times, want %d", i, err, len(s.asked), want.asked)
		}
	}
	s.find = func(proxy.Query) ([]bson.Raw, error) { return nil, proxy.ErrUnavailable }
	err := p.Admit(t.Context(), ann, true)
	if e, _ := errors.AsType[*proxy.Error](err); e == nil || e.Kind != proxy.Unavailable {
		t.Errorf("without the database: %v", err)
	}
}

// TestRunAs runs as whom the script names: a string that is not empty, or the system by name.
func TestRunAs(t *testing.T) {
	for _, tt := range []struct {
		name, source string
		user         string
		system       bool
	}{
		{"a user", `exports = () => "ub"`, "ub", false},
		{"a promise of one", `exports = async () => "ub"`, "ub", false},
		{"a value", `exports = () => context.values.get("admin")`, "u-admin", false},
		{"the system", `exports = () => ({runAsSystem: true})`, "", true},
		{"a parameter", `exports = request => request.query.as`, "uc", false},
		{"a header", `exports = ({headers}) => headers["X-User"][1]`, "ue", false},
		{"a header of the context", `exports = () => context.request.requestHeaders["x-user"][0]`, "ud", false},
		{"the database", `exports = async () =>
			(await context.services.get("mongodb-atlas").db("app").collection("keys").findOne({_id: "k"})).user`, "uf", false},
		{"another function", `exports = () => context.functions.execute("who")`, "ug", false},
		{"nobody is asking yet", `exports = () => context.user.id === "" && context.runningAsSystem() && "uh"`, "uh", false},
		{"no result", `exports = () => {}`, "", false},
		{"an empty id", `exports = () => ""`, "", false},
		{"a number", `exports = () => 1`, "", false},
		{"a list", `exports = () => ["ub"]`, "", false},
		{"not the system", `exports = () => ({runAsSystem: false})`, "", false},
		{"not quite the system", `exports = () => ({runAsSystem: "true"})`, "", false},
		{"an error", `exports = () => { throw new Error("hush") }`, "", false},
		{"a rejection", `exports = () => Promise.reject("ub")`, "", false},
		{"no function", `exports = "ub"`, "", false},
		{"no end", `exports = () => { while (true) {} }`, "", false},
		{"what nobody is served", `exports = async () =>
			(await context.services.get("mongodb-atlas").db("admin").collection("keys").findOne({_id: "k"})).user`, "", false},
	} {
		s := returning(docs(t, `{"_id": "k", "user": "uf"}`)...)
		p, l := newEntry(t, s, script(tt.source), map[string]string{"who": `exports = () => "ug"`}, proxy.Config{})
		user, system, err := p.RunAs(t.Context(), "req-1", rules.Request{
			Operation: "find", RawQueryString: "as=uc&as=ux&a%00b=1&%zz", Headers: map[string][]string{"x-user": {"ud", "ue"}},
		})
		if want := tt.user != "" || tt.system; user != tt.user || system != tt.system || err == nil != want {
			t.Errorf("%s: %q, system %v, %v, want %q, %v", tt.name, user, system, err, tt.user, tt.system)
		}
		if failed := strings.Contains(l.String(), "a function failed"); failed == (err == nil) || strings.Contains(l.String(), "hush") {
			t.Errorf("%s: %v, the log says %s", tt.name, err, l)
		}
	}
	p, _ := newEntry(t, returning(), canEvaluate(true), map[string]string{"run_as_user_id_script_source": `exports = () => "ub"`}, proxy.Config{})
	if user, system, err := p.RunAs(t.Context(), "req-1", rules.Request{}); err == nil {
		t.Errorf("an app without a script runs as %q, system %v", user, system)
	}
}
