package explain

import (
	"errors"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/rules"
)

// User is who asks, with what the database holds about them and what their request looks like.
type User struct {
	User       rules.User
	CustomData bson.Raw // nil when there is none
	Request    rules.Request
	Lookups    map[string]bson.RawValue // what lookups find for them, by name; nil when it is not said
}

// ParseUser reads {"id": …, "type": …, "data": {…}, "custom_data": {…}, "lookups": {…}, "request": {…}}, of which only the id is needed. The
// members of request are called as those of %%request. A user that comes with errors is nil.
func ParseUser(f *source.File) (*User, source.Diagnostics) {
	v, ds := source.Parse(f)
	if v == nil {
		return nil, ds
	}
	r := reader{&ds}
	u := &User{User: rules.User{Type: rules.NormalUser}}
	r.object("a user", v, map[string]func(*source.Value){
		"id":          r.text("id", &u.User.ID),
		"type":        func(v *source.Value) { u.User.Type = r.userType(v) },
		"data":        func(v *source.Value) { u.User.Data = r.document("data", v) },
		"custom_data": func(v *source.Value) { u.CustomData = r.document("custom_data", v) },
		"lookups":     func(v *source.Value) { u.Lookups = r.lookups(v) },
		"request":     func(v *source.Value) { r.request(v, &u.Request) },
	})
	if v.Kind == source.Object && v.Get("id") == nil {
		hint := ""
		if len(v.Members) > 0 && v.Members[0].Value.Get("id") != nil {
			hint = `this looks like several users: give one of them, {"id": …}`
		}
		// What is said of the other names helps nobody then.
		ds = slices.DeleteFunc(ds, func(d source.Diagnostic) bool { return hint != "" && d.Code == config.CodeUnknownKey })
		ds.Error(v.Span, config.CodeMissingKey, hint, "a user needs the key %q", "id")
		ds.Sort()
	}
	if ds.HasErrors() {
		return nil, ds
	}
	// Who comes in has one identity, of the provider that let them in.
	provider := "custom-token"
	if u.User.Type == rules.ServerUser {
		provider = "api-key"
	}
	u.User.Identities = []rules.Identity{{ID: u.User.ID, ProviderType: provider, Data: u.User.Data}}
	return u, ds
}

// ParseDocument reads a document, a filter or a sort in Extended JSON. One that comes with errors is nil.
func ParseDocument(f *source.File) (bson.Raw, source.Diagnostics) {
	v, ds := source.Parse(f)
	if v == nil || ds.HasErrors() {
		return nil, ds
	}
	doc := reader{&ds}.document("a document", v)
	if ds.HasErrors() {
		return nil, ds
	}
	return doc, ds
}

// reader reads values and reports what is wrong with them.
type reader struct{ ds *source.Diagnostics }

func (r reader) object(what string, v *source.Value, readers map[string]func(*source.Value)) {
	if v.Kind != source.Object {
		r.ds.Error(v.Span, config.CodeWrongType, "", "%s must be an object, not %s", what, v.Kind)
		return
	}
	var known []string
	for name := range readers {
		known = append(known, name)
	}
	slices.Sort(known)
	for _, m := range v.Members {
		if read, ok := readers[m.Name]; ok {
			read(m.Value)
			continue
		}
		hint := "it may be one of " + strings.Join(known, ", ")
		if near := source.Nearest(m.Name, known); near != "" {
			hint = `did you mean "` + near + `"?`
		}
		r.ds.Error(m.NameSpan, config.CodeUnknownKey, hint, "%s has no key %s", what, source.Quote(m.Name))
	}
}

func (r reader) text(name string, to *string) func(*source.Value) {
	return func(v *source.Value) {
		switch {
		case v.Kind != source.String:
			r.ds.Error(v.Span, config.CodeWrongType, "", "%q must be a string, not %s", name, v.Kind)
		case v.Str == "":
			r.ds.Error(v.Span, config.CodeInvalidValue, "", "%q must not be empty", name)
		}
		*to = v.Str
	}
}

func (r reader) userType(v *source.Value) rules.UserType {
	t := rules.UserType(v.Str)
	if v.Kind != source.String || (t != rules.NormalUser && t != rules.ServerUser) {
		r.ds.Error(v.Span, config.CodeInvalidValue, "", `"type" must be "normal" or "server"`)
	}
	return t
}

func (r reader) document(what string, v *source.Value) bson.Raw {
	if v.Kind != source.Object {
		hint := ""
		if v.Kind == source.Array {
			hint = "give one document of the list"
		}
		r.ds.Error(v.Span, config.CodeWrongType, hint, "%s must be an object, not %s", what, v.Kind)
		return nil
	}
	doc, err := ejson.Parse(v.Span.File.Text[v.Span.Start:v.Span.End], ejson.Limits{})
	if err == nil {
		return doc
	}
	at, msg := v.Span, err.Error()
	var bad *ejson.Error
	if errors.As(err, &bad) {
		at.Start += bad.Offset
		at.End, msg = at.Start, bad.Msg
	}
	r.ds.Error(at, config.CodeInvalidValue, "", "%s", msg)
	return nil
}

func (r reader) request(v *source.Value, to *rules.Request) {
	r.object("a request", v, map[string]func(*source.Value){
		"operation":       r.text("operation", &to.Operation),
		"action":          r.text("action", &to.Action),
		"service":         r.text("service", &to.Service),
		"httpMethod":      r.text("httpMethod", &to.HTTPMethod),
		"httpReferrer":    r.text("httpReferrer", &to.Referrer),
		"httpUserAgent":   r.text("httpUserAgent", &to.UserAgent),
		"rawQueryString":  r.text("rawQueryString", &to.RawQueryString),
		"remoteIPAddress": r.text("remoteIPAddress", &to.RemoteAddress),
		"requestHeaders":  func(v *source.Value) { to.Headers = r.headers(v) },
		"now":             func(v *source.Value) { to.Now = r.time(v) },
	})
}

// time reads the time of a request, which rules know as %%now.
func (r reader) time(v *source.Value) time.Time {
	at, err := time.Parse(time.RFC3339, v.Str)
	if v.Kind != source.String || err != nil {
		r.ds.Error(v.Span, config.CodeInvalidValue, "write it as 2025-03-01T12:00:00Z", "%q must be a date with a time", "now")
	}
	return at
}

// lookups reads {"name": [value, …]}.
func (r reader) lookups(v *source.Value) map[string]bson.RawValue {
	out := map[string]bson.RawValue{}
	for it := bsonval.NewIter(r.document("lookups", v)); it.Next(); {
		out[string(it.Key())] = it.Value()
		if it.Value().Type != bson.TypeArray {
			r.ds.Error(v.Get(string(it.Key())).Span, config.CodeWrongType, "", "what a lookup finds is an array")
		}
	}
	return out
}

// headers reads {"name": "value"} or {"name": ["value", …]}. Rules see the names in lower case.
func (r reader) headers(v *source.Value) map[string][]string {
	if v.Kind != source.Object {
		r.ds.Error(v.Span, config.CodeWrongType, "", "%q must be an object, not %s", "requestHeaders", v.Kind)
		return nil
	}
	out := map[string][]string{}
	for _, m := range v.Members {
		items := m.Value.Items
		if m.Value.Kind != source.Array {
			items = []*source.Value{m.Value}
		}
		name := strings.ToLower(m.Name)
		for _, it := range items {
			if it.Kind != source.String {
				r.ds.Error(it.Span, config.CodeWrongType, "", "the value of a header must be a string, not %s", it.Kind)
			}
			out[name] = append(out[name], it.Str)
		}
	}
	return out
}
