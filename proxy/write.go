package proxy

import (
	"context"
	"errors"
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

// written counts what a write did to documents of the view.
type written struct{ matched, changed int64 }

// targets reads the documents that a write selects: the first of the view, or all.
func (s *session) targets(ctx context.Context, v viewRead, many bool) ([]target, error) {
	v.forDecision = true
	if !many {
		v.limit = 1
	}
	var ts []target
	var size int64
	err := s.each(ctx, v, func(stored, view bson.Raw) error {
		size += int64(len(stored) + len(view))
		if len(ts) == s.p.Limits.Targets || size > s.p.Limits.Memory {
			return tooMuch()
		}
		ts = append(ts, newTarget(stored, view))
		return nil
	})
	return ts, err
}

// apply decides about every target and stores the changes.
func (s *session) apply(ctx context.Context, v viewRead, ts []target, many bool, f decide) (written, error) {
	f = s.guarded(v, f)
	writes, err := s.decideAll(ts, f)
	if err != nil {
		return written{}, err
	}
	done := written{matched: int64(len(ts))}
	for attempt := 1; len(writes) > 0; attempt++ {
		res, err := s.p.Store.Write(ctx, s.ns, writes)
		if res.Matched == nil && err == nil && res.Done < len(writes) && len(writes) > 1 {
			// Totals alone do not tell which guard failed, and repeating all would apply some changes twice.
			done.changed += int64(res.Done)
			return done, s.conflict(done)
		}
		lost := s.lost(writes, res, &done)
		if err != nil {
			return done, s.partial(err, done)
		}
		if len(lost) == 0 {
			break
		}
		if attempt == attempts {
			return done, s.conflict(done)
		}
		if writes, err = s.again(ctx, v, lost, many, f, &done); err != nil {
			return done, s.overtaken(err, done)
		}
	}
	return done, nil
}

// decideAll decides about every target before anything is written. What is to be written is held until then.
func (s *session) decideAll(ts []target, f decide) ([]GuardedWrite, error) {
	var writes []GuardedWrite
	var size int64
	d := s.bound.Decider()
	for _, t := range ts {
		w, err := f(d, t)
		if err != nil {
			return nil, err
		}
		if w == nil {
			continue
		}
		if size += int64(len(t.stored)+len(t.view)) + w.size(); size > s.p.Limits.Memory {
			return nil, tooMuch()
		}
		writes = append(writes, *w)
	}
	return writes, nil
}

func tooMuch() *Error {
	return &Error{Kind: Invalid, Message: "too many documents would be changed at once"}
}

// size is how many bytes a write would store.
func (w *GuardedWrite) size() int64 {
	n := int64(len(w.Document))
	for _, f := range w.Set {
		n += int64(len(f.Value.Value))
	}
	return n
}

// guarded pins every write of f to what decisions under the rules as they are bound now depend on.
func (s *session) guarded(v viewRead, f decide) decide {
	reads := s.bound.Reads()
	reads.AddPaths(v.filter.Paths())
	if s.set.HasSchema() && s.op != "delete" {
		reads.Add("") // a schema is about the whole document
	}
	for _, path := range v.named {
		first, _, _ := strings.Cut(path, ".")
		reads.Add(first)
	}
	return func(d *rules.Decider, t target) (*GuardedWrite, error) {
		w, err := f(d, t)
		if w != nil && w.Guard.Document == nil {
			w.Guard = guard(t.stored, reads)
		}
		return w, err
	}
}

// lost returns the writes whose guard did not hold and counts the others.
func (s *session) lost(ws []GuardedWrite, res WriteResult, done *written) []GuardedWrite {
	if res.Matched == nil {
		done.changed += int64(res.Done)
		if res.Done < len(ws) {
			return ws[res.Done:]
		}
		return nil
	}
	var lost []GuardedWrite
	for i, ok := range res.Matched {
		if ok {
			done.changed++
		} else {
			lost = append(lost, ws[i])
		}
	}
	return lost
}

// again reads the documents whose guard did not hold and decides anew. One that has left the view, or does not match
// any more, is no target any more.
func (s *session) again(ctx context.Context, v viewRead, lost []GuardedWrite, many bool, f decide, done *written) ([]GuardedWrite, error) {
	defer s.logWithheld()
	var writes []GuardedWrite
	d := s.bound.Decider()
	for _, w := range lost {
		var ts []target
		var err error
		if many {
			ts, err = s.byID(ctx, v, w.ID)
		} else {
			// Another document may be the first of the view by now.
			ts, err = s.targets(ctx, v, false)
		}
		if err != nil {
			return nil, err
		}
		if len(ts) == 0 {
			done.matched--
			continue
		}
		next, err := f(d, ts[0])
		if err != nil {
			return nil, err
		}
		if next != nil {
			writes = append(writes, *next)
		}
	}
	return writes, nil
}

// byID reads one document, if it still is in the view and matches.
func (s *session) byID(ctx context.Context, v viewRead, id bson.RawValue) ([]target, error) {
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
		if visible && v.filter.Match(view) {
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

func (s *session) conflict(done written) *Error {
	e := &Error{Kind: Conflict, Message: "the document was changed by someone else"}
	e.Done = s.doneOf(done)
	return e
}

// partial adds to an error what had been stored before it.
func (s *session) partial(err error, done written) error {
	err = s.storeError(err)
	var e *Error
	if errors.As(err, &e) && done.changed > 0 {
		e.Done = s.doneOf(done)
	}
	return err
}

// overtaken is the error of a second decision. A denial after other documents were stored is a lost race: what denies,
// somebody else has written since.
func (s *session) overtaken(err error, done written) error {
	var e *Error
	if errors.As(err, &e) && e.Kind == Denied && done.changed > 0 {
		e.Kind, e.Message = Conflict, s.conflict(done).Message
	}
	return s.partial(err, done)
}

func (s *session) doneOf(done written) *Done {
	if done.changed == 0 {
		return nil
	}
	if s.op == "delete" {
		return &Done{Deleted: done.changed}
	}
	return &Done{Matched: done.matched, Modified: done.changed}
}

// conform refuses a permitted write whose outcome does not conform to the schema of the collection.
func (s *session) conform(d *rules.Decider, pre, post bson.Raw) error {
	failed := d.CheckSchema(pre, post)
	if failed == nil {
		return nil
	}
	if !failed.Readable {
		// That a hidden field is wrong already must look like any other denial.
		return s.deny(rules.WriteDecision{Permission: "schema", Path: failed.Path})
	}
	message := s.op + " not permitted: could not validate document: "
	if path := echo.Name(failed.Path); path != "" {
		message += path + ": "
	}
	message += failed.Reason
	return &Error{Kind: SchemaFailed, Message: message}
}
