package worlds_test

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/policytest"
	"github.com/rolegate/rolegate/internal/reference"
)

// User is somebody who asks.
type User struct {
	ID     string
	Data   bson.D
	Custom bson.D // nil is none
}

// World is a collection with rules, and what one user asks of it.
type World struct {
	Rules    bson.D // roles, filters
	User     User
	Docs     []bson.D
	Requests []Request

	// Twin is another content of the collection; nil is none.
	Twin []bson.D
	// Indexes are keys of indexes on the documents and on the twin.
	Indexes, TwinIndexes []bson.D
}

// Request is an action of the Data API with its arguments. What is nil or zero is not sent.
type Request struct {
	Action                   string
	Filter, Projection, Sort bson.D
	Skip, Limit              int64
	Key                      string
	Pipeline                 bson.A
}

// args lists the keys of the body.
func (r Request) args() []policytest.Arg {
	var list []policytest.Arg
	add := func(key string, v any, given bool) {
		if given {
			list = append(list, policytest.Arg{Key: key, Text: text(v)})
		}
	}
	add("key", r.Key, r.Key != "")
	add("filter", r.Filter, r.Filter != nil)
	add("pipeline", r.Pipeline, r.Pipeline != nil)
	add("projection", r.Projection, r.Projection != nil)
	add("sort", r.Sort, r.Sort != nil)
	add("skip", r.Skip, r.Skip != 0)
	add("limit", r.Limit, r.Limit != 0)
	return list
}

// raw encodes a document that the generator made.
func raw(d bson.D) bson.Raw {
	if d == nil {
		d = bson.D{}
	}
	doc, err := bson.Marshal(d)
	if err != nil {
		panic(err)
	}
	return doc
}

func raws(docs []bson.D) []bson.Raw {
	list := make([]bson.Raw, len(docs))
	for i, d := range docs {
		list[i] = raw(d)
	}
	return list
}

// text writes a value as JSON that reads back as the same value: relaxed, unless that loses the type.
func text(v any) string {
	return valueText(raw(bson.D{{Key: "v", Value: v}}).Lookup("v"))
}

func valueText(v bson.RawValue) string {
	switch v.Type {
	case bson.TypeEmbeddedDocument, bson.TypeArray:
		return containerText(v)
	}
	relaxed, err := ejson.AppendRelaxedValue(nil, v)
	if err != nil {
		panic(err)
	}
	if back, err := ejson.ParseValue(relaxed, ejson.Limits{}); err == nil && back.Equal(v) {
		return string(relaxed)
	}
	canonical, err := ejson.AppendCanonicalValue(nil, v)
	if err != nil {
		panic(err)
	}
	return string(canonical)
}

func containerText(v bson.RawValue) string {
	var parts []string
	for it := bsonval.NewIter(v.Value); it.Next(); {
		part := valueText(it.Value())
		if v.Type == bson.TypeEmbeddedDocument {
			name := valueText(bsonval.FromString(string(it.Key())))
			part = name + ": " + part
		}
		parts = append(parts, part)
	}
	if v.Type == bson.TypeArray {
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// The values and the environment that every app has.
var (
	appValues   = bson.D{{Key: "list", Value: bson.A{"x", "u1", int32(1)}}, {Key: "n", Value: int32(2)}, {Key: "obj", Value: bson.D{{Key: "k", Value: "x"}}}}
	environment = bson.D{{Key: "tier", Value: "x"}, {Key: "max", Value: int32(2)}}
)

// facts are what the model is told of a user and a request.
func (u User) facts(action string) *reference.Facts { return u.factsOf(action, operations[action]) }

// factsOf is for an action that may be more than one operation, as an upsert is.
func (u User) factsOf(action, operation string) *reference.Facts {
	data := u.Data
	if data == nil {
		data = bson.D{}
	}
	custom := bson.D{}
	if u.Custom != nil {
		custom = u.stored()
	}
	identity := bson.D{{Key: "id", Value: u.ID}, {Key: "provider_type", Value: "custom-token"}, {Key: "providerType", Value: "custom-token"}, {Key: "data", Value: data}}
	return &reference.Facts{
		User: raw(bson.D{
			{Key: "id", Value: u.ID},
			{Key: "type", Value: "normal"},
			{Key: "data", Value: data},
			{Key: "custom_data", Value: custom},
			{Key: "identities", Value: bson.A{identity}},
		}),
		Values:      raw(appValues),
		Environment: raw(bson.D{{Key: "tag", Value: ""}, {Key: "values", Value: environment}}),
		Request: raw(bson.D{
			{Key: "operation", Value: operation},
			{Key: "action", Value: action},
			{Key: "service", Value: policytest.DefaultService},
			{Key: "httpMethod", Value: "POST"},
		}),
	}
}

// operations are what rules call the actions.
var operations = map[string]string{"find": "find", "findOne": "find", "countDocuments": "count", "distinct": "distinct", "aggregate": "aggregate"}

// operation is what rules call the request: a find of one value for _id, not null, and nothing else, is a get.
func (r Request) operation() string {
	if r.Action != "find" && r.Action != "findOne" || len(r.Filter) != 1 || r.Filter[0].Key != "_id" {
		return operations[r.Action]
	}
	id := r.Filter[0].Value
	if d, ok := id.(bson.D); ok && len(d) == 1 && d[0].Key == "$eq" {
		id = d[0].Value
	}
	switch id.(type) {
	case nil, bson.Null, bson.Undefined, bson.Regex, bson.D, bson.A:
		return "find"
	}
	return "get"
}

// stored is the user's custom data as it is in its collection.
func (u User) stored() bson.D {
	return slices.Concat(bson.D{{Key: "_id", Value: "custom-" + u.ID}, {Key: policytest.CustomDataUserField, Value: u.ID}}, u.Custom)
}
