package journal_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"regexp"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/policytest"
	"github.com/rolegate/rolegate/internal/reference"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// world is a collection with rules and what users ask of it. Texts have words in angle brackets, such as <id>: each stands
// for one of the texts that the words of the world list for it, drawn anew every time.
type world struct {
	name      string
	rules     string
	loose     bool // without the check of the after-image
	atOnce    bool // see recorder
	documents string
	requests  string // one a line
	beside    string // what somebody beside the proxy sets, one a line: an _id, a bar, fields
	words     map[string][]string
}

// commonWords are words that every world knows.
var commonWords = map[string][]string{
	"id":     {`"d0"`, `"d1"`, `"d2"`, `"d3"`},
	"user":   {`"u0"`, `"u1"`, `"u2"`, `"u3"`},
	"team":   {`"a"`, `"b"`, `"c"`},
	"status": {`"draft"`, `"review"`, `"final"`},
	"n":      {`0`, `1`, `2`, `3`, `5`, `8`, `2.0`, `-1`},
	"int":    {`0`, `1`, `2`, `3`, `5`, `8`, `-1`}, // inside containers, where a guard does not tell 2 from 2.0
	"tag":    {`"x"`, `"y"`, `"z"`, `"u1"`},
	"s":      {`"A"`, `"B"`, `"C"`},
	"bool":   {`true`, `false`},
}

var word = regexp.MustCompile(`<[a-z]+>`)

// fill draws the words of a text. me is the user who asks.
func (w *world) fill(r *rand.Rand, text, me string) string {
	for word.MatchString(text) {
		text = word.ReplaceAllStringFunc(text, func(in string) string {
			name := in[1 : len(in)-1]
			choices := w.words[name]
			if choices == nil {
				choices = commonWords[name]
			}
			switch {
			case name == "me":
				return me
			case len(choices) == 0:
				panic("no such word: " + in)
			}
			return choices[r.IntN(len(choices))]
		})
	}
	return text
}

// draw fills one of the lines of a text.
func (w *world) draw(r *rand.Rand, lines, me string) string {
	list := strings.Split(strings.TrimSpace(lines), "\n")
	return w.fill(r, strings.TrimSpace(list[r.IntN(len(list))]), me)
}

func (w *world) request(r *rand.Rand, by *user) *request {
	req, err := parseRequest(by, w.draw(r, w.requests, by.quoted()))
	if err != nil {
		panic(err)
	}
	return req
}

// seeds are the documents at the beginning, one for each line.
func (w *world) seeds(r *rand.Rand) []bson.Raw {
	var docs []bson.Raw
	for line := range strings.Lines(strings.TrimSpace(w.documents)) {
		doc, err := ejson.Parse([]byte(w.fill(r, line, "")), ejson.Limits{})
		if err != nil {
			panic(w.name + ": " + err.Error())
		}
		docs = append(docs, doc)
	}
	return docs
}

// user is somebody who asks.
type user struct {
	id           string
	data, custom bson.Raw
}

const usersAtOnce = 16

func makeUsers() []*user {
	var list []*user
	for i := range usersAtOnce {
		id := fmt.Sprintf("u%d", i)
		list = append(list, &user{
			id:   id,
			data: raw(bson.D{{Key: "role", Value: []string{"writer", "reviewer", "publisher"}[i%3]}}),
			custom: raw(bson.D{
				{Key: "_id", Value: "custom-" + id},
				{Key: policytest.CustomDataUserField, Value: id},
				{Key: "team", Value: []string{"a", "b", "c"}[i%3]},
				{Key: "teams", Value: [][]string{{"a", "b"}, {"b"}, {"c", "a"}}[i%3]},
				{Key: "level", Value: i % 4},
			}),
		})
	}
	return list
}

func (u *user) quoted() string { return `"` + u.id + `"` }

// rules is the user as the product knows it.
func (u *user) rules() *rules.User {
	identity := rules.Identity{ID: u.id, ProviderType: "custom-token", Data: u.data}
	return &rules.User{ID: u.id, Type: rules.NormalUser, Data: u.data, Identities: []rules.Identity{identity}}
}

// facts is the user as the model knows it.
func (u *user) facts(operation string) *reference.Facts {
	identity := bson.D{{Key: "id", Value: u.id}, {Key: "provider_type", Value: "custom-token"}, {Key: "providerType", Value: "custom-token"}, {Key: "data", Value: u.data}}
	return &reference.Facts{
		User: raw(bson.D{
			{Key: "id", Value: u.id},
			{Key: "type", Value: "normal"},
			{Key: "data", Value: u.data},
			{Key: "custom_data", Value: u.custom},
			{Key: "identities", Value: bson.A{identity}},
		}),
		Values:      raw(bson.D{}),
		Environment: raw(bson.D{{Key: "tag", Value: ""}, {Key: "values", Value: bson.D{}}}),
		Request:     raw(bson.D{{Key: "operation", Value: operation}, {Key: "requestHeaders", Value: bson.D{}}}),
	}
}

// model reads the rules as the model does, from their text.
func (w *world) model() *reference.Rules {
	model, err := reference.Parse([]byte(w.rules))
	if err != nil {
		panic(w.name + ": " + err.Error())
	}
	if w.loose {
		return model.WithoutAfterCheck()
	}
	return model
}

// policy reads the rules as the product does.
func (w *world) policy(ns rules.Namespace) (*rules.Policy, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "A world.\nSpec: enforcement 1\n-- users.json --\n{\"u\": {\"id\": \"u\", \"custom_data\": {}}}\n")
	fmt.Fprintf(&b, "-- data_sources/%s/%s/%s/rules.json --\n", ns.Service, ns.Database, ns.Collection)
	fmt.Fprintf(&b, "{\"database\": %q, \"collection\": %q,%s\n", ns.Database, ns.Collection, strings.TrimSpace(w.rules)[1:])
	b.WriteString("-- 1. u asks --\nfind app.c {}\n-- 1. want --\n")
	c, err := policytest.Parse("world.txtar", []byte(b.String()))
	if err != nil {
		return nil, err
	}
	secret := func(string) (string, bool) { return policytest.TokenSecret, true }
	app, ds := config.Load(c.Files(), config.Options{Secrets: secret, Serving: true})
	policy, more := rules.Compile(app, rules.Options{SkipPostImageCheck: w.loose})
	for _, d := range append(ds, more...) {
		if d.Severity == source.Error {
			return nil, fmt.Errorf("%s: %s %s: %s", w.name, d.Span, d.Code, d.Message)
		}
	}
	return policy, nil
}

// proxy puts the product in front of a store.
func (w *world) proxy(store proxy.Store, ns, custom rules.Namespace) (*proxy.Proxy, error) {
	policy, err := w.policy(ns)
	if err != nil {
		return nil, err
	}
	return proxy.New(proxy.Config{
		Store: store, Policy: policy, Log: slog.New(slog.DiscardHandler),
		CustomData: &proxy.CustomDataSource{NS: custom, UserIDField: policytest.CustomDataUserField},
	}), nil
}
