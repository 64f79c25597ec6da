package dataapi_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/proxy/dataapi"
	"github.com/rolegate/rolegate/rules"
)

// fake is a proxy of fields; what find emits is also what a pipeline does. It remembers the last operation and its
// caller.
type fake struct {
	find   func(ctx context.Context, op proxy.Find, emit func(bson.Raw) error) error
	one    bson.Raw
	values []bson.RawValue
	ids    proxy.IDs
	update proxy.UpdateResult
	bulk   proxy.BulkResult
	n      int64
	err    error
	refuse error // what Admit says

	caller proxy.Caller
	op     any
	fresh  bool // of Admit
}

func (f *fake) Admit(_ context.Context, c proxy.Caller, fresh bool) error {
	f.caller, f.fresh = c, fresh
	return f.refuse
}

func (f *fake) Find(ctx context.Context, c proxy.Caller, op proxy.Find, emit func(bson.Raw) error) error {
	f.caller, f.op = c, op
	if f.find == nil {
		return f.err
	}
	return f.find(ctx, op, emit)
}

func (f *fake) FindOne(_ context.Context, c proxy.Caller, op proxy.Find) (bson.Raw, error) {
	f.caller, f.op = c, op
	return f.one, f.err
}

func (f *fake) Count(_ context.Context, c proxy.Caller, op proxy.Count) (int64, error) {
	f.caller, f.op = c, op
	return f.n, f.err
}

func (f *fake) Distinct(_ context.Context, c proxy.Caller, op proxy.Distinct) ([]bson.RawValue, error) {
	f.caller, f.op = c, op
	return f.values, f.err
}

func (f *fake) Aggregate(ctx context.Context, c proxy.Caller, op proxy.Aggregate, emit func(bson.Raw) error) error {
	f.caller, f.op = c, op
	if f.find == nil {
		return f.err
	}
	return f.find(ctx, proxy.Find{}, emit)
}

func (f *fake) Insert(_ context.Context, c proxy.Caller, op proxy.Insert) (proxy.IDs, error) {
	f.caller, f.op = c, op
	return f.ids, f.err
}

func (f *fake) Update(_ context.Context, c proxy.Caller, op proxy.Update) (proxy.UpdateResult, error) {
	f.caller, f.op = c, op
	return f.update, f.err
}

func (f *fake) Replace(_ context.Context, c proxy.Caller, op proxy.Replace) (proxy.UpdateResult, error) {
	f.caller, f.op = c, op
	return f.update, f.err
}

func (f *fake) Delete(_ context.Context, c proxy.Caller, op proxy.Delete) (int64, error) {
	f.caller, f.op = c, op
	return f.n, f.err
}

func (f *fake) FindOneAndUpdate(_ context.Context, c proxy.Caller, op proxy.FindOneAndUpdate) (bson.Raw, error) {
	f.caller, f.op = c, op
	return f.one, f.err
}

func (f *fake) FindOneAndReplace(_ context.Context, c proxy.Caller, op proxy.FindOneAndReplace) (bson.Raw, error) {
	f.caller, f.op = c, op
	return f.one, f.err
}

func (f *fake) FindOneAndDelete(_ context.Context, c proxy.Caller, op proxy.FindOneAndDelete) (bson.Raw, error) {
	f.caller, f.op = c, op
	return f.one, f.err
}

func (f *fake) BulkWrite(_ context.Context, c proxy.Caller, op proxy.BulkWrite) (proxy.BulkResult, error) {
	f.caller, f.op = c, op
	return f.bulk, f.err
}

var _ dataapi.Operations = (*proxy.Proxy)(nil)

// authenticate knows one secret of each kind; each names the user it belongs to.
func authenticate(_ context.Context, c dataapi.Credentials) (*rules.User, error) {
	switch {
	case c.Kind == dataapi.Bearer && c.Secret == "good-token":
		return &rules.User{ID: "token-user", Type: rules.NormalUser}, nil
	case c.Kind == dataapi.Bearer && c.Secret == "expired-token":
		return nil, dataapi.ErrTokenExpired
	case c.Kind == dataapi.EmailPassword && c.Email == "ann@example.com" && c.Secret == "good-password":
		return &rules.User{ID: "email-user", Type: rules.NormalUser}, nil
	case c.Kind == dataapi.APIKey && c.Secret == "good-key":
		return &rules.User{ID: "key-user", Type: rules.ServerUser}, nil
	case c.Kind == dataapi.JWT && c.Secret == "good-jwt":
		return &rules.User{ID: "jwt-user", Type: rules.NormalUser}, nil
	}
	return nil, dataapi.ErrBadCredentials
}

func config(ops dataapi.Operations) dataapi.Config {
	return dataapi.Config{
		AppID:        "myapp-abcde",
		Versions:     []string{"v1"},
		DataSources:  map[string]string{"mongodb-atlas": "mongodb-atlas", "Cluster0": "mongodb-atlas"},
		Authenticate: authenticate,
		Operations:   ops,
	}
}

const base = "/app/myapp-abcde/endpoint/data/v1/action/"

// names is the part of a body that every action has.
const names = `"dataSource":"mongodb-atlas","database":"app","collection":"c"`

// post sends a request with a good key, JSON in and out; edit changes it.
func post(h http.Handler, action, body string, edit func(*http.Request)) *http.Response {
	r := httptest.NewRequest(http.MethodPost, base+action, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Apikey", "good-key")
	if edit != nil {
		edit(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// header returns an edit that sets headers given in pairs; an empty value removes one.
func header(pairs ...string) func(*http.Request) {
	return func(r *http.Request) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i+1] == "" {
				r.Header.Del(pairs[i])
			} else {
				r.Header.Set(pairs[i], pairs[i+1])
			}
		}
	}
}

// text returns the body of an answer after checking what every answer has.
func text(t *testing.T, res *http.Response) string {
	t.Helper()
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if id := res.Header.Get("X-Request-Id"); len(id) != 24 {
		t.Errorf("X-Request-Id: %q, want 24 characters", id)
	}
	return string(b)
}

// doc parses Extended JSON.
func doc(tb testing.TB, text string) bson.Raw {
	tb.Helper()
	d, err := ejson.Parse([]byte(text), ejson.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func value(tb testing.TB, text string) bson.RawValue {
	tb.Helper()
	v, err := ejson.ParseValue([]byte(text), ejson.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// emitting returns a find that yields these documents.
func emitting(docs ...bson.Raw) func(context.Context, proxy.Find, func(bson.Raw) error) error {
	return func(_ context.Context, _ proxy.Find, emit func(bson.Raw) error) error {
		for _, d := range docs {
			if err := emit(d); err != nil {
				return err
			}
		}
		return nil
	}
}
