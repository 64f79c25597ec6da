package apptest

import (
	"maps"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/policytest"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// request is what rules are asked about in a step; a bulk write asks about several things.
type request struct {
	operation string   // as rules call it
	filter    bson.Raw // of what is looked for; nil for an insert
	documents []bson.Raw
	update    bson.Raw // operators, or the document of a replacement; nil where nothing is changed
	upsert    bool
}

// operations are those of the actions.
func operations() map[string]string {
	return map[string]string{
		"find": "find", "findOne": "find", "countDocuments": "count", "distinct": "distinct", "aggregate": "aggregate",
		"insertOne": "insert", "insertMany": "insert", "updateOne": "update", "updateMany": "update", "replaceOne": "update",
		"deleteOne": "delete", "deleteMany": "delete", "findOneAndUpdate": "update", "findOneAndReplace": "update",
		"findOneAndDelete": "delete",
	}
}

// actions are all actions.
func actions() []string { return append(slices.Sorted(maps.Keys(operations())), "bulkWrite") }

// requests takes a command apart.
func requests(c *policytest.Command) []request {
	if c.Action != "bulkWrite" {
		return []request{requestOf(c.Action, c.Arg)}
	}
	var out []request
	list, _ := c.Arg("operations")
	for _, item := range values(list) {
		doc, _ := item.DocumentOK()
		for it := bsonval.NewIter(doc); it.Next(); {
			body, _ := bsonval.Document(it.Value())
			out = append(out, requestOf(string(it.Key()), func(key string) (bson.RawValue, bool) { return bsonval.Lookup(body, key) }))
		}
	}
	return out
}

func requestOf(action string, arg func(key string) (bson.RawValue, bool)) request {
	r := request{operation: operations()[action]}
	switch r.operation {
	case "insert":
		if one, ok := arg("document"); ok {
			r.documents = append(r.documents, document(one))
		}
		many, _ := arg("documents")
		for _, v := range values(many) {
			r.documents = append(r.documents, document(v))
		}
	case "aggregate":
		r.filter = bsonval.Empty()
		stages, _ := arg("pipeline")
		for _, stage := range values(stages)[:min(1, len(values(stages)))] {
			if match, ok := bsonval.Lookup(document(stage), "$match"); ok {
				r.filter = document(match)
			}
		}
	default:
		filter, _ := arg("filter")
		r.filter = document(filter)
		switch r.operation {
		case "find":
			r.operation = proxy.Find{Filter: r.filter}.Operation()
		case "update":
			update, given := arg("update")
			if !given {
				update, _ = arg("replacement")
			}
			upsert, _ := arg("upsert")
			r.update = document(update)
			r.upsert, _ = upsert.BooleanOK()
		}
	}
	return r
}

// changes tells whether a request is to change what is at a path, in a document that it inserts or in one of those stored.
func (r request) changes(path string, stored []bson.Raw) bool {
	differs := func(doc bson.Raw) bool {
		v := at(doc, path)
		return !slices.ContainsFunc(stored, func(old bson.Raw) bool { return bytesEqual(at(old, path), v) })
	}
	for it := bsonval.NewIter(r.update); it.Next(); {
		if !strings.HasPrefix(string(it.Key()), "$") {
			return differs(r.update)
		}
		for op := bsonval.NewIter(document(it.Value())); op.Next(); {
			name, to := string(op.Key()), op.Value()
			moved, _ := to.StringValueOK()
			switch {
			case leadsTo(path, name), string(it.Key()) == "$rename" && leadsTo(path, moved):
				return true
			case leadsTo(name, path):
				return differs(within(name, to))
			}
		}
	}
	return slices.ContainsFunc(r.documents, func(doc bson.Raw) bool { return !bsonval.IsMissing(at(doc, path)) })
}

// within is a document with a value at a path.
func within(path string, v bson.RawValue) bson.Raw {
	first, rest, deeper := strings.Cut(path, ".")
	if deeper {
		v = bsonval.FromDocument(within(rest, v))
	}
	doc, start := bsonval.BeginDocument(nil)
	return bsonval.EndDocument(bsonval.AppendElement(doc, first, v), start)
}

// document is an empty one where there is none.
func document(v bson.RawValue) bson.Raw {
	if doc, ok := bsonval.Document(v); ok {
		return doc
	}
	return bsonval.Empty()
}

func values(v bson.RawValue) []bson.RawValue {
	list, ok := v.ArrayOK()
	if !ok {
		return nil
	}
	out, err := list.Values()
	if err != nil {
		return nil
	}
	return out
}

// caller is who asks, and what the request looks like to rules.
func (s *session) caller(a *asked, r request) proxy.Caller {
	c := a.step.Command
	u := userOf(s.c.Users[a.step.User])
	headers := map[string][]string{}
	for _, h := range c.Headers {
		headers[strings.ToLower(h.Name)] = append(headers[strings.ToLower(h.Name)], h.Value)
	}
	return proxy.Caller{User: u, Request: rules.Request{
		Operation: r.operation, Action: c.Action, Service: a.ns.Service, HTTPMethod: "POST", RemoteAddress: "127.0.0.1", Headers: headers,
	}, Found: a.found}
}

// plan binds the rules as they were for a request. There is none where the request was refused before rules were asked.
func (s *session) plan(a *asked, r request) *proxy.Planned {
	return s.planAs(a, s.caller(a, r), r)
}

func (s *session) planAs(a *asked, c proxy.Caller, r request) *proxy.Planned {
	p, err := s.proxy.Plan(c, a.custom, r.operation, proxy.Find{NS: a.ns, Filter: r.filter})
	if err != nil {
		return nil
	}
	return p
}

// about are the documents that a request is about: those that its filter finds, as they are stored or as the user sees
// them.
func about(p *proxy.Planned, docs []bson.Raw) []bson.Raw {
	d := p.Bound.Decider()
	var out []bson.Raw
	for _, doc := range docs {
		view, visible, err := d.View(nil, doc)
		if p.Filter.Match(doc) || err == nil && visible && p.Filter.Match(view) {
			out = append(out, doc)
		}
	}
	return out
}

// idOf names a document for people.
func idOf(doc bson.Raw) string {
	id, ok := bsonval.Lookup(doc, "_id")
	if !ok {
		return "without an _id"
	}
	return policytest.Text(id)
}
