package proxy

import (
	"context"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/echo"
	"github.com/rolegate/rolegate/rules"
)

// A guarded write runs in three steps. Targets are read from the view; each is decided, and one denial ends the
// request before anything is written; then the checked changes are sent, each under a guard that pins everything its
// decision read. Where a guard no longer holds, that document alone is read and decided again.

// decide turns a target into the write that carries out the request, or into nothing where the request changes nothing.
// A guard that it leaves open is filled in by guarded.
type decide func(d *rules.Decider, t target) (*GuardedWrite, error)

// item is one operation: what it selects, what becomes of each target, and what has been done of it so far. A bulk
// write has several, every other request is one.
type item struct {
	s      *session // bound to the rules for this kind of operation
	v      viewRead
	many   bool
	decide decide                       // nil for an insert, which selects nothing
	insert func() (bson.Raw, error)     // builds what is inserted where nothing is selected; nil if nothing is
	direct func() (directWrite, string) // states it as a direct write, or says why it is none; nil for what is none

	matched, changed int64         // documents of the view, as far as it is known
	inserted         bson.RawValue // the _id of what was inserted
	failed           bool          // a statement of it could not be stored
	restarts         int           // how often all of its targets had gone
}

// stored tells whether the operation has changed anything.
func (it *item) stored() bool { return it.changed > 0 || !bsonval.IsMissing(it.inserted) }

// step is one checked change, ready to be sent.
type step struct {
	write GuardedWrite
	of    *item
	tries int   // how often it was sent in vain
	err   error // why it was not stored
}

// done notes that the step took effect.
func (st *step) done() {
	if st.write.Kind == InsertDocument {
		st.of.inserted = st.id()
		return
	}
	st.of.matched++
	st.of.changed++
}

// raced tells whether an upsert could not insert its document because of a key that is taken. Somebody may just have
// inserted what the filter selects.
func (st *step) raced() bool {
	return st.write.Kind == InsertDocument && st.of.decide != nil && DuplicateKey.is(st.err)
}

// id is that of the document which the step changes or adds.
func (st *step) id() bson.RawValue {
	if st.write.Kind == InsertDocument {
		id, _ := bsonval.Lookup(st.write.Document, "_id")
		return id
	}
	return st.write.ID
}

// room is what a request may still hold: targets, and bytes of documents and of what they become.
type room struct {
	targets int
	bytes   int64
}

func (p *Proxy) room() *room { return &room{targets: p.Limits.Targets, bytes: p.Limits.Memory} }

func (r *room) take(targets int, bytes int64) error {
	r.targets -= targets
	r.bytes -= bytes
	if r.targets < 0 || r.bytes < 0 {
		return &Error{Kind: Invalid, Message: "too many documents would be changed at once"}
	}
	return nil
}

// targets reads the documents that an operation selects: the first of the view, or all.
func (it *item) targets(ctx context.Context, r *room) ([]target, error) {
	if it.decide == nil {
		return nil, nil
	}
	v := it.v
	v.forDecision = true
	if !it.many {
		v.limit = 1
	}
	var ts []target
	seen := map[string]bool{}
	err := it.s.each(ctx, v, func(stored, view bson.Raw) error {
		if err := r.take(1, int64(len(stored)+len(view))); err != nil {
			return err
		}
		t := newTarget(stored, view)
		if key := idKey(t.id); !seen[key] { // a long read may meet a moving document twice
			seen[key] = true
			ts = append(ts, t)
		}
		return nil
	})
	return ts, err
}

// idKey tells _id values apart. Stored documents with the same _id have it byte for byte.
func idKey(id bson.RawValue) string { return string(append([]byte{byte(id.Type)}, id.Value...)) }

// again reads one target anew, if it still is in the view and matches.
func (it *item) again(ctx context.Context, id bson.RawValue) ([]target, error) {
	s := it.s
	defer s.logWithheld()
	d := s.bound.Decider()
	var ts []target
	q := Query{Filter: equalID(id), Limit: 1, ForDecision: true}
	for stored, err := range s.p.Store.Find(ctx, s.ns, q) {
		if err != nil {
			return nil, s.storeError(err)
		}
		view, visible, err := d.View(nil, stored)
		if err != nil {
			s.withhold(err)
			continue
		}
		if visible && it.v.filter.Match(view) {
			ts = append(ts, newTarget(stored, view))
		}
	}
	return ts, nil
}

func equalID(id bson.RawValue) bson.Raw {
	doc, start := bsonval.BeginDocument(nil)
	doc, eq := bsonval.BeginElement(doc, bson.TypeEmbeddedDocument, "_id")
	doc = bsonval.AppendElement(doc, "$eq", id)
	return bsonval.EndDocument(bsonval.EndDocument(doc, eq), start)
}

// decideAll decides about targets before anything is written. What is to be written is held until then. A target that
// is as the request wants it needs no step.
func (it *item) decideAll(ts []target, r *room) ([]step, error) {
	var steps []step
	d, f := it.s.bound.Decider(), it.guarded()
	for _, t := range ts {
		w, err := f(d, t)
		if err != nil {
			return nil, err
		}
		if w == nil {
			it.matched++
			continue
		}
		if err := r.take(0, w.size()); err != nil {
			return nil, err
		}
		steps = append(steps, step{write: *w, of: it})
	}
	return steps, nil
}

// insertion decides about the document that the operation inserts. An upsert is judged as an insert.
func (it *item) insertion(ctx context.Context, r *room) (step, error) {
	s, err := it.s.as(ctx, "insert")
	if err != nil {
		return step{}, err
	}
	doc, err := it.insert()
	if err != nil {
		return step{}, err
	}
	w, err := s.insertion(doc)
	if err != nil {
		return step{}, err
	}
	return step{write: w, of: it}, r.take(0, w.size())
}

// size is how many bytes a write would store.
func (w *GuardedWrite) size() int64 {
	n := int64(len(w.Document))
	for _, f := range w.Set {
		n += int64(len(f.Value.Value))
	}
	return n
}

// guarded pins every write to what decisions under the rules as they are bound now depend on.
func (it *item) guarded() decide {
	reads := it.s.bound.Reads()
	reads.AddPaths(it.v.filter.Paths())
	if it.s.set.HasSchema() && it.s.op != "delete" {
		reads.Add("") // a schema is about the whole document
	}
	for _, path := range it.v.named {
		first, _, _ := strings.Cut(path, ".")
		reads.Add(first)
	}
	return func(d *rules.Decider, t target) (*GuardedWrite, error) {
		w, err := it.decide(d, t)
		if w != nil && w.Guard.Document == nil {
			w.Guard = guard(t.stored, reads)
		}
		return w, err
	}
}

// allowed returns what an allowed write stores. What presets have put there is checked as what clients send is: a function
// may have made it.
func (s *session) allowed(w rules.WriteDecision) (bson.Raw, error) {
	if !w.Allowed {
		return nil, s.deny(w)
	}
	for _, v := range w.Preset {
		doc, start := bsonval.BeginDocument(nil)
		doc = bsonval.EndDocument(bsonval.AppendElement(doc, "value", v), start)
		if err := checkDocument(doc); err != nil {
			return nil, s.deny(rules.WriteDecision{Role: w.Role, Permission: "presets", Err: err})
		}
	}
	return w.Post, nil
}

// conform refuses a permitted write whose outcome does not conform to the schema of the collection.
func (s *session) conform(d *rules.Decider, pre, post bson.Raw) error {
	failed := d.CheckSchema(pre, post)
	if failed == nil {
		return nil
	}
	if !failed.Readable {
		// That a hidden field is wrong already must look like any other denial.
		return s.deny(d.Refused(pre, "schema", failed.Path, nil))
	}
	message := s.op + " not permitted: could not validate document: "
	if path := echo.Name(failed.Path); path != "" {
		message += path + ": "
	}
	message += failed.Reason
	return &Error{Kind: SchemaFailed, Message: message}
}
