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
	user  *user // nil is somebody beside the proxy
	text  string
	parts []part // one, or the operations of a bulk write

	bulk, unordered     bool
	returns, returnsNew bool // it is one of the findOneAnd… actions

	answer
}

// part is one operation.
type part struct{ reference.Write }

// answer is what a request was told.
type answer struct {
	matched, modified int64 // of a delete, both are what was deleted
	inserted          []bson.RawValue
	returned          bson.Raw // by findOneAnd…, which tells no counts
	err               error
}

func (r *request) String() string {
	who := "beside the proxy"
	if r.user != nil {
		who = r.user.id
	}
	return fmt.Sprintf("%s: %s → matched %d, modified %d, inserted %d, returned %s, error %v", who, r.text, r.matched, r.modified, len(r.inserted),
		text(r.returned), r.err)
}

// parseRequest reads an action and its arguments, with bars between them; in a bulk write, several.
func parseRequest(by *user, line string) (*request, error) {
	r := &request{user: by, text: line}
	line, r.bulk = strings.CutPrefix(line, "bulkWrite ")
	line, r.unordered = strings.CutPrefix(line, "unordered ")
	line, r.returnsNew = strings.CutPrefix(line, "returnNew ")
	for operation := range strings.SplitSeq(line, " && ") {
		action, arguments, _ := strings.Cut(operation, " | ")
		action, r.returns = strings.CutPrefix(action, "findOneAnd")
		p, err := parsePart(strings.ToLower(action), strings.Split(arguments, " | "))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", line, err)
		}
		r.parts = append(r.parts, p)
	}
	return r, nil
}

func parsePart(action string, arguments []string) (p part, err error) {
	docs := make([]bson.Raw, len(arguments))
	for i, text := range arguments {
		if docs[i], err = ejson.Parse([]byte(text), ejson.Limits{}); err != nil {
			return p, err
		}
	}
	action, p.Upsert = strings.CutPrefix(action, "upsert ")
	action, p.Many = strings.CutSuffix(action, "many")
	switch action = strings.TrimSuffix(action, "one"); {
	case action == "insert":
		p.Insert = docs
		return p, nil
	case action == "delete" && len(docs) == 1:
		p.Delete = true
	case action == "update" && len(docs) == 2:
		p.Update = docs[1]
	case action == "replace" && len(docs) == 2:
		p.Replacement = docs[1]
	default:
		return p, errors.New("not a request")
	}
	p.Filter = docs[0]
	return p, nil
}

func (p part) update(ns rules.Namespace) proxy.Update {
	return proxy.Update{NS: ns, Filter: p.Filter, Update: p.Update, Many: p.Many, Upsert: p.Upsert}
}

func (p part) replace(ns rules.Namespace) proxy.Replace {
	return proxy.Replace{NS: ns, Filter: p.Filter, Replacement: p.Replacement, Upsert: p.Upsert}
}

func (p part) delete(ns rules.Namespace) proxy.Delete {
	return proxy.Delete{NS: ns, Filter: p.Filter, Many: p.Many}
}

// send lets the proxy do what the request asks for.
func (r *request) send(ctx context.Context, p *proxy.Proxy, ns rules.Namespace) {
	ctx = context.WithValue(ctx, requestKey{}, r)
	c := proxy.Caller{User: r.user.rules(), ID: r.text}
	switch {
	case r.bulk:
		r.sendBulk(ctx, p, c, ns)
	case r.returns:
		r.sendReturning(ctx, p, c, ns)
	default:
		r.sendOne(ctx, p, c, ns)
	}
	if e, ok := errors.AsType[*proxy.Error](r.err); ok {
		// An error tells by itself what was stored before it.
		r.answer = answer{err: r.err}
		switch {
		case e.Done != nil && e.Done.Bulk != nil:
			r.tell(*e.Done.Bulk)
		case e.Done != nil:
			r.inserted, r.matched, r.modified = e.Done.Inserted, e.Done.Matched+e.Done.Deleted, e.Done.Modified+e.Done.Deleted
		}
	}
}

func (r *request) sendOne(ctx context.Context, p *proxy.Proxy, c proxy.Caller, ns rules.Namespace) {
	one := r.parts[0]
	var res proxy.UpdateResult
	switch {
	case one.Insert != nil:
		r.inserted, r.err = p.Insert(ctx, c, proxy.Insert{NS: ns, Documents: one.Insert})
		return
	case one.Delete:
		r.modified, r.err = p.Delete(ctx, c, one.delete(ns))
		r.matched = r.modified
		return
	case one.Replacement != nil:
		res, r.err = p.Replace(ctx, c, one.replace(ns))
	default:
		res, r.err = p.Update(ctx, c, one.update(ns))
	}
	r.matched, r.modified = res.Matched, res.Modified
	if !bsonval.IsMissing(res.Upserted) {
		r.inserted = []bson.RawValue{res.Upserted}
	}
}

func (r *request) sendReturning(ctx context.Context, p *proxy.Proxy, c proxy.Caller, ns rules.Namespace) {
	one, choice := r.parts[0], proxy.Choice{ReturnNew: r.returnsNew}
	switch {
	case one.Delete:
		r.returned, r.err = p.FindOneAndDelete(ctx, c, proxy.FindOneAndDelete{Delete: one.delete(ns), Choice: choice})
	case one.Replacement != nil:
		r.returned, r.err = p.FindOneAndReplace(ctx, c, proxy.FindOneAndReplace{Replace: one.replace(ns), Choice: choice})
	default:
		r.returned, r.err = p.FindOneAndUpdate(ctx, c, proxy.FindOneAndUpdate{Update: one.update(ns), Choice: choice})
	}
}

func (r *request) sendBulk(ctx context.Context, p *proxy.Proxy, c proxy.Caller, ns rules.Namespace) {
	op := proxy.BulkWrite{NS: ns, Unordered: r.unordered}
	for _, one := range r.parts {
		switch {
		case one.Insert != nil:
			op.Operations = append(op.Operations, proxy.InsertOne{Document: one.Insert[0]})
		case one.Delete:
			op.Operations = append(op.Operations, one.delete(ns))
		case one.Replacement != nil:
			op.Operations = append(op.Operations, one.replace(ns))
		default:
			op.Operations = append(op.Operations, one.update(ns))
		}
	}
	res, err := p.BulkWrite(ctx, c, op)
	r.tell(res)
	r.err = err
}

func (r *request) tell(res proxy.BulkResult) {
	r.matched, r.modified = res.Matched+res.Deleted, res.Modified+res.Deleted
	for _, id := range append(res.Inserted, res.Upserted...) {
		r.inserted = append(r.inserted, id.ID)
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

// named are the paths that the operation names, as the model wants them.
func (p part) named() []reference.Named {
	if p.Replacement != nil {
		return []reference.Named{{}}
	}
	u, err := update.Parse(p.Update, nil, update.Options{})
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
