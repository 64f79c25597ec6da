package journal_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/reference"
	"github.com/rolegate/rolegate/internal/update"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// request is what a user asks for, and what came back.
type request struct {
	user *user // nil is somebody beside the proxy
	text string
	reference.Write

	answer
}

// answer is what a request was told.
type answer struct {
	matched, modified int64 // of a delete, both are what was deleted
	inserted          []bson.RawValue
	err               error
}

func (r *request) String() string {
	who := "beside the proxy"
	if r.user != nil {
		who = r.user.id
	}
	return fmt.Sprintf("%s: %s → matched %d, modified %d, inserted %d, error %v", who, r.text, r.matched, r.modified, len(r.inserted), r.err)
}

// parseRequest reads an action and its arguments, with bars between them.
func parseRequest(by *user, line string) (*request, error) {
	parts := strings.Split(line, " | ")
	var docs []bson.Raw
	for _, part := range parts[1:] {
		doc, err := ejson.Parse([]byte(part), ejson.Limits{})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", line, err)
		}
		docs = append(docs, doc)
	}
	r := &request{user: by, text: line}
	action, upsert := strings.CutPrefix(parts[0], "upsert ")
	r.Upsert, r.Many = upsert, strings.HasSuffix(action, "Many")
	switch {
	case strings.HasPrefix(action, "insert"):
		r.Insert = docs
		return r, nil
	case strings.HasPrefix(action, "delete") && len(docs) == 1:
		r.Delete = true
	case strings.HasPrefix(action, "update") && len(docs) == 2:
		r.Update = docs[1]
	case action == "replaceOne" && len(docs) == 2:
		r.Replacement = docs[1]
	default:
		return nil, errors.New("not a request: " + line)
	}
	r.Filter = docs[0]
	return r, nil
}

// send lets the proxy do what the request asks for.
func (r *request) send(ctx context.Context, p *proxy.Proxy, ns rules.Namespace) {
	ctx = context.WithValue(ctx, requestKey{}, r)
	c := proxy.Caller{User: r.user.rules(), ID: r.text}
	var res proxy.UpdateResult
	switch {
	case r.Insert != nil:
		r.inserted, r.err = p.Insert(ctx, c, proxy.Insert{NS: ns, Documents: r.Insert})
	case r.Delete:
		r.modified, r.err = p.Delete(ctx, c, proxy.Delete{NS: ns, Filter: r.Filter, Many: r.Many})
		r.matched = r.modified
	case r.Replacement != nil:
		res, r.err = p.Replace(ctx, c, proxy.Replace{NS: ns, Filter: r.Filter, Replacement: r.Replacement, Upsert: r.Upsert})
	default:
		res, r.err = p.Update(ctx, c, proxy.Update{NS: ns, Filter: r.Filter, Update: r.Update, Many: r.Many, Upsert: r.Upsert})
	}
	if r.Update != nil || r.Replacement != nil {
		r.matched, r.modified = res.Matched, res.Modified
		if !bsonval.IsMissing(res.Upserted) {
			r.inserted = []bson.RawValue{res.Upserted}
		}
	}
	if e, ok := errors.AsType[*proxy.Error](r.err); ok {
		// An error tells by itself what was stored before it.
		r.answer = answer{err: r.err}
		if e.Done != nil {
			r.inserted, r.matched, r.modified = e.Done.Inserted, e.Done.Matched+e.Done.Deleted, e.Done.Modified+e.Done.Deleted
		}
	}
}

// acknowledged is how many changes of documents the user was told of.
func (a answer) acknowledged() int { return int(a.modified) + len(a.inserted) }

// kind is that of the error.
func (a answer) kind() proxy.Kind {
	if e, ok := errors.AsType[*proxy.Error](a.err); ok {
		return e.Kind
	}
	return proxy.Internal
}

// named are the paths that the request names, as the model wants them.
func (r *request) named() []reference.Named {
	if r.Replacement != nil {
		return []reference.Named{{}}
	}
	u, err := update.Parse(r.Update, nil, update.Options{})
	if err != nil {
		return nil
	}
	return reference.NamedBy(u)
}

// raw encodes a document that the test made.
func raw(d bson.D) bson.Raw {
	doc, err := bson.Marshal(d)
	if err != nil {
		panic(err)
	}
	return doc
}

func text(doc bson.Raw) string {
	if doc == nil {
		return "none"
	}
	out, err := ejson.AppendRelaxed(nil, doc)
	if err != nil {
		return err.Error()
	}
	return string(out)
}
