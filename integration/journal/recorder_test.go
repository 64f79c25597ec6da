package journal_test

import (
	"bytes"
	"context"
	"iter"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// recorder is a store that keeps the history of what is written. It writes through the product's own store, with the
// product's guards, and pins the version of the document besides: what it has read of that version is then exactly what the
// write found. Where somebody was faster the same write is tried on the next version, as if it had only then arrived.
type recorder struct {
	proxy.Store
	history *history
	// atOnce sends changes of many documents as they are. Otherwise they are taken apart: the database itself makes them one
	// document after the other.
	atOnce bool
	// totals reports only how many of several writes took effect, as servers before MongoDB 8.0 do.
	totals bool
}

// requestKey finds the request that a write belongs to in its context.
type requestKey struct{}

func requestOf(ctx context.Context) *request {
	r, _ := ctx.Value(requestKey{}).(*request)
	return r
}

func (r *recorder) Find(ctx context.Context, ns rules.Namespace, q proxy.Query) iter.Seq2[bson.Raw, error] {
	return func(yield func(bson.Raw, error) bool) {
		for doc, err := range r.Store.Find(ctx, ns, q) {
			if err == nil {
				doc = stripped(doc)
			}
			if !yield(doc, err) {
				return
			}
		}
	}
}

// find reads documents with their version.
func (r *recorder) find(ctx context.Context, ns rules.Namespace, filter bson.Raw, limit int64) ([]bson.Raw, error) {
	var docs []bson.Raw
	for doc, err := range r.Store.Find(ctx, ns, proxy.Query{Filter: filter, Limit: limit, ForDecision: true}) {
		if err != nil {
			return nil, err
		}
		docs = append(docs, bytes.Clone(doc))
	}
	return docs, nil
}

func (r *recorder) Write(ctx context.Context, ns rules.Namespace, ws []proxy.GuardedWrite) (proxy.WriteResult, error) {
	var res proxy.WriteResult
	for i, w := range ws {
		var ok bool
		var err error
		if w.Kind == proxy.InsertDocument {
			ok, err = r.insert(ctx, ns, w)
		} else {
			_, ok, err = r.guarded(ctx, ns, w)
		}
		res.Matched = append(res.Matched, ok)
		switch {
		case err != nil:
			return res, &proxy.StatementError{Index: i, Err: err}
		case ok:
			res.Done++
			switch w.Kind {
			case proxy.InsertDocument:
				res.Inserted++
			case proxy.DeleteDocument:
				res.Deleted++
			}
		}
	}
	if r.totals && res.Done > 0 && res.Done < len(ws) {
		res.Matched = nil
	}
	return res, nil
}

func (r *recorder) insert(ctx context.Context, ns rules.Namespace, w proxy.GuardedWrite) (bool, error) {
	n := r.history.next()
	doc := w.Document
	w.Document = with(doc, versionField, versionOf(n), nil)
	res, err := r.Store.Write(ctx, ns, []proxy.GuardedWrite{w})
	if err != nil || res.Done == 0 {
		return false, err
	}
	id, _ := bsonval.Lookup(doc, "_id")
	r.history.add(entry{by: requestOf(ctx), id: id.String(), left: n, after: doc})
	return true, nil
}

// guarded makes a guarded write on the document as it is stored, whichever version that is.
func (r *recorder) guarded(ctx context.Context, ns rules.Namespace, w proxy.GuardedWrite) (e entry, ok bool, err error) {
	return r.send(ctx, ns, w, func(pinned proxy.GuardedWrite) (bool, error) {
		res, err := r.Store.Write(ctx, ns, []proxy.GuardedWrite{pinned})
		return res.Done == 1, err
	})
}

// Modify tells the product what the database returned, without the version.
func (r *recorder) Modify(ctx context.Context, ns rules.Namespace, w proxy.GuardedWrite, returnNew bool) (image bson.Raw, matched bool, err error) {
	e, ok, err := r.send(ctx, ns, w, func(pinned proxy.GuardedWrite) (held bool, err error) {
		image, held, err = r.Store.Modify(ctx, ns, pinned, returnNew)
		return held, err
	})
	if !ok || err != nil {
		return nil, ok, err
	}
	image = stripped(image)
	if want := e.before; returnNew && e.after != nil && !bytes.Equal(image, e.after) || !returnNew && !bytes.Equal(image, want) {
		r.history.fault("the database returned %s\n%v", text(image), e)
	}
	return image, true, nil
}

// send tries a guarded write on one version after the other.
func (r *recorder) send(ctx context.Context, ns rules.Namespace, w proxy.GuardedWrite, write func(proxy.GuardedWrite) (bool, error)) (e entry, ok bool, err error) {
	byID := raw(bson.D{{Key: "_id", Value: bson.D{{Key: "$eq", Value: w.ID}}}})
	var tried bson.Raw
	for {
		docs, err := r.find(ctx, ns, byID, 1)
		if err != nil || len(docs) == 0 || tried != nil && sameVersion(docs[0], tried) {
			r.history.count("guards that did not hold, or found nothing")
			return entry{}, false, err // it is gone, or it is the guard that does not hold
		}
		tried = docs[0]
		n := r.history.next()
		pinned, after := pin(w, tried, n)
		held, err := write(pinned)
		switch {
		case err != nil:
			return entry{}, false, err
		case held:
			if after == nil {
				n = 0
			}
			e := entryOn(tried, after, n, requestOf(ctx))
			r.history.count("guarded writes")
			r.history.add(e)
			return e, true, nil
		}
	}
}

func sameVersion(a, b bson.Raw) bool {
	return bsonval.Identical(a.Lookup(versionField), b.Lookup(versionField))
}

// pin makes a write hold for one version of a document and leave another one. It returns what is then stored.
func pin(w proxy.GuardedWrite, stored bson.Raw, n int64) (pinned proxy.GuardedWrite, after bson.Raw) {
	version := stored.Lookup(versionField)
	if w.Guard.Document != nil {
		w.Guard.Document = with(w.Guard.Document, versionField, version, stored)
	} else {
		w.Guard.Fields = append(slices.Clone(w.Guard.Fields), proxy.GuardField{Name: versionField, Value: version})
	}
	switch w.Kind {
	case proxy.UpdateFields:
		set, unset := bson.D{}, bson.D{}
		for _, f := range w.Set {
			set = append(set, bson.E{Key: f.Path, Value: f.Value})
		}
		for _, path := range w.Unset {
			unset = append(unset, bson.E{Key: path, Value: ""})
		}
		after = stripped(stored)
		if len(set) > 0 {
			after = applied(raw(bson.D{{Key: "$set", Value: set}}), after)
		}
		if len(unset) > 0 {
			after = applied(raw(bson.D{{Key: "$unset", Value: unset}}), after)
		}
		w.Set = append(slices.Clone(w.Set), proxy.FieldValue{Path: versionField, Value: versionOf(n)})
	case proxy.ReplaceDocument:
		after = w.Document
		w.Document = with(w.Document, versionField, versionOf(n), nil)
	}
	return w, after
}

func (r *recorder) Direct(ctx context.Context, ns rules.Namespace, w proxy.DirectWrite) (proxy.DirectResult, error) {
	if w.Filter == nil {
		w.Filter = raw(bson.D{})
	}
	if !w.Many {
		return r.direct(ctx, ns, w)
	}
	if r.atOnce && w.Update != nil {
		n := r.history.next()
		r.history.count("direct writes of many at once")
		r.history.sweep(n, requestOf(ctx))
		push := raw(bson.D{{Key: versionField + ".by", Value: n}})
		w.Update = with(w.Update, "$push", bsonval.FromDocument(push), nil)
		res, err := r.Store.Direct(ctx, ns, w)
		res.Modified = res.Matched // all of them, by the number
		return res, err
	}
	docs, err := r.find(ctx, ns, w.Filter, 0)
	var res proxy.DirectResult
	for _, doc := range docs {
		one := proxy.DirectWrite{Filter: and(w.Filter, bson.D{{Key: "_id", Value: doc.Lookup("_id")}}), Update: w.Update}
		done, err := r.direct(ctx, ns, one)
		if err != nil {
			return res, err
		}
		res.Matched += done.Matched
		res.Modified += done.Modified
	}
	return res, err
}

// direct makes a direct write of one document on the version that its filter finds.
func (r *recorder) direct(ctx context.Context, ns rules.Namespace, w proxy.DirectWrite) (proxy.DirectResult, error) {
	var tried bson.Raw
	for {
		docs, err := r.find(ctx, ns, w.Filter, 1)
		if err != nil || len(docs) == 0 {
			return proxy.DirectResult{}, err
		}
		if tried != nil && sameVersion(docs[0], tried) {
			r.history.fault("a filter finds a document, and a write with it does not: %s", text(w.Filter))
			return proxy.DirectResult{}, nil
		}
		tried = docs[0]
		one := proxy.DirectWrite{Filter: and(w.Filter, bson.D{{Key: versionField, Value: tried.Lookup(versionField)}}), Update: w.Update}
		var after bson.Raw
		n := int64(0)
		if w.Update != nil {
			after = applied(w.Update, stripped(tried))
		}
		changes := !bytes.Equal(after, stripped(tried))
		if w.Update != nil && changes {
			n = r.history.next()
			set, _ := bsonval.Document(w.Update.Lookup("$set"))
			set = with(orEmpty(set), versionField, versionOf(n), nil)
			one.Update = with(without(w.Update, "$set"), "$set", bsonval.FromDocument(set), w.Update)
		}
		res, err := r.Store.Direct(ctx, ns, one)
		switch {
		case err != nil || res.Matched == 0:
			if err != nil {
				return proxy.DirectResult{}, err
			}
			continue
		case w.Update != nil && after == nil:
			r.history.fault("the database made an update that cannot be applied: %s\non %s", text(w.Update), text(tried))
		case changes:
			r.history.count("direct writes")
			r.history.add(entryOn(tried, after, n, requestOf(ctx)))
		}
		if !changes {
			return proxy.DirectResult{Matched: 1}, nil
		}
		return proxy.DirectResult{Matched: 1, Modified: 1}, nil
	}
}

func orEmpty(doc bson.Raw) bson.Raw {
	if doc == nil {
		return bsonval.Empty()
	}
	return doc
}

func and(filter bson.Raw, more bson.D) bson.Raw {
	return raw(bson.D{{Key: "$and", Value: bson.A{filter, more}}})
}
