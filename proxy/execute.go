package proxy

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/rules"
)

// execution carries out the operations of one request: all are decided, then all are sent, in order.
type execution struct {
	p     *Proxy
	ns    rules.Namespace
	items []*item

	// unordered goes on with what comes after a statement that could not be stored.
	unordered bool
	failed    error // the first such statement

	claims map[string]claim // :: idKey → the operation that is about the document
}

// claim says which operation is about a document, and how.
type claim struct {
	of     *item
	insert bool // it is to be inserted
	shown  bool // the user sees the _id
}

// clashes tells whether two operations are about one document. That the _id of an insert is the hidden one of another
// document is for the database to find: it is a key that is taken, like any other.
func (c claim) clashes(other claim) bool {
	return c.of != other.of && (c.insert == other.insert || c.shown && other.shown)
}

func (s *session) execution(items ...*item) *execution {
	return &execution{p: s.p, ns: s.ns, items: items, claims: map[string]claim{}}
}

// run returns once everything that was asked for is stored, or cannot be. What was stored until then the items tell.
func (e *execution) run(ctx context.Context) error {
	steps, err := e.plan(ctx)
	for err == nil && len(steps) > 0 {
		if err = e.store(ctx, steps); err == nil {
			steps, err = e.restart(ctx)
		}
	}
	if err == nil {
		err = e.failed
	}
	return err
}

// plan decides about every operation, on the documents as they are before the first one is carried out. Two operations
// on one document would each undo what the decision on the other one saw.
func (e *execution) plan(ctx context.Context) ([]step, error) {
	var steps []step
	shared := false
	r := e.p.room()
	for _, it := range e.items {
		next, alone, err := e.planItem(ctx, it, r)
		if err != nil {
			return nil, err
		}
		if *it.s.scanned > e.p.Limits.Scan {
			return nil, it.s.tooMany(nil)
		}
		shared = shared || !alone
		steps = append(steps, next...)
	}
	if shared {
		return nil, &Error{Kind: Invalid, Message: "two operations are about the same document"}
	}
	return steps, nil
}

// planItem decides about one operation. alone tells that no other one is about any of its documents.
func (e *execution) planItem(ctx context.Context, it *item, r *room) (steps []step, alone bool, err error) {
	ts, err := it.targets(ctx, r)
	if err != nil {
		return nil, false, err
	}
	if len(ts) > 0 || it.insert == nil {
		alone = e.claimAll(it, ts)
		steps, err = it.decideAll(ts, r)
		return steps, alone, err
	}
	st, err := it.insertion(ctx, r)
	if err != nil {
		return nil, false, err
	}
	return []step{st}, e.claim(st.id(), claim{of: it, insert: true, shown: true}), nil
}

// claim notes that an operation is about a document, and tells whether no other one is.
func (e *execution) claim(id bson.RawValue, c claim) bool {
	key := idKey(id)
	if first, known := e.claims[key]; known {
		return !c.clashes(first)
	}
	e.claims[key] = c
	return true
}

func (e *execution) claimAll(it *item, ts []target) bool {
	alone := true
	for _, t := range ts {
		_, shown := bsonval.Lookup(t.view, "_id")
		alone = e.claim(t.id, claim{of: it, shown: shown}) && alone
	}
	return alone
}

// store sends steps until each one has taken effect or failed. One whose guard did not hold is decided anew first.
func (e *execution) store(ctx context.Context, steps []step) error {
	for len(steps) > 0 {
		ws := make([]GuardedWrite, len(steps))
		for i, st := range steps {
			ws[i] = st.write
		}
		res, err := e.p.Store.Write(ctx, e.ns, ws)
		at := failedAt(ws, res, err)
		lost := e.count(steps, res, at)
		var rest []step
		switch {
		case err != nil && at < 0:
			return e.storeError(err)
		case err != nil:
			st := &steps[at]
			st.err = e.storeError(err)
			if st.raced() {
				lost = append(lost, *st)
			} else if !e.goOn(*st) {
				return st.err
			}
			rest = steps[at+1:]
		case res.Matched == nil && len(lost) > 0 && len(ws) > 1:
			// Totals alone do not tell which guard failed, and repeating all would apply some changes twice.
			return conflict()
		}
		next, err := e.decideAnew(ctx, lost)
		if err != nil {
			return e.overtaken(err)
		}
		steps = append(next, rest...)
	}
	return nil
}

// failedAt finds the statement that an error is about. It is -1 where that is not known, or where what became of the
// statement is not.
func failedAt(ws []GuardedWrite, res WriteResult, err error) int {
	if !errors.Is(err, ErrDuplicateKey) && !errors.Is(err, ErrDocumentTooLarge) && !errors.Is(err, ErrRejected) {
		return -1
	}
	failed, known := errors.AsType[*StatementError](err)
	switch {
	case len(ws) == 1:
		return 0
	case known && res.Matched != nil && failed.Index >= 0 && failed.Index < len(ws):
		return failed.Index
	}
	return -1
}

// count notes which steps took effect, and returns those whose guard did not hold. Of totals it takes the first ones of
// each kind, which is true of inserts and, for the others, of how many there are.
func (e *execution) count(steps []step, res WriteResult, failed int) (lost []step) {
	totals := map[WriteKind]int{
		InsertDocument: res.Inserted, DeleteDocument: res.Deleted, UpdateFields: res.Done - res.Inserted - res.Deleted,
	}
	for i, st := range steps {
		held := false
		switch {
		case i == failed:
			continue
		case res.Matched == nil:
			kind := st.write.Kind
			if kind == ReplaceDocument {
				kind = UpdateFields
			}
			held = totals[kind] > 0
			totals[kind]--
		case i < len(res.Matched):
			held = res.Matched[i]
		default:
			continue // not answered for
		}
		if held {
			st.done()
		} else {
			lost = append(lost, st)
		}
	}
	return lost
}

// goOn tells whether the execution goes on although a step could not be stored.
func (e *execution) goOn(st step) bool {
	st.of.failed = true
	if e.failed == nil {
		e.failed = st.err
	}
	return e.unordered
}

// decideAnew reads the documents whose guard did not hold and decides again. One that has left the view, or does not
// match any more, is no target any more.
func (e *execution) decideAnew(ctx context.Context, lost []step) ([]step, error) {
	var steps []step
	r := e.p.room()
	for _, st := range lost {
		if st.tries++; st.tries == attempts {
			return nil, conflict()
		}
		ts, err := e.targetsAnew(ctx, st, r)
		if err != nil {
			return nil, err
		}
		next, err := st.of.decideAll(ts, r)
		if err != nil {
			return nil, err
		}
		for i := range next {
			next[i].tries = st.tries
		}
		steps = append(steps, next...)
	}
	return steps, nil
}

func (e *execution) targetsAnew(ctx context.Context, st step, r *room) ([]target, error) {
	it := st.of
	if it.many && !st.raced() {
		return it.again(ctx, st.write.ID)
	}
	if st.raced() {
		if err := it.s.bind(ctx, it.s.op, true); err != nil {
			return nil, err
		}
	}
	// Another document may be the first of the view by now.
	ts, err := it.targets(ctx, r)
	alone := e.claimAll(it, ts)
	switch {
	case err != nil:
		return nil, err
	case st.raced() && (len(ts) == 0 || !alone):
		if !e.goOn(st) {
			return nil, st.err
		}
		return nil, nil
	case !alone:
		return nil, conflict()
	}
	return ts, nil
}

// restart decides anew about upserts of which all targets have gone meanwhile: there may be something to insert now.
func (e *execution) restart(ctx context.Context) ([]step, error) {
	var steps []step
	r := e.p.room()
	for _, it := range e.items {
		if it.decide == nil || it.insert == nil || it.matched > 0 || it.stored() || it.failed {
			continue
		}
		if it.restarts++; it.restarts == attempts {
			return nil, conflict()
		}
		next, alone, err := e.planItem(ctx, it, r)
		if err == nil && !alone {
			err = conflict()
		}
		if err != nil {
			return nil, e.overtaken(err)
		}
		steps = append(steps, next...)
	}
	return steps, nil
}

func (e *execution) storeError(err error) error { return e.items[0].s.storeError(err) }

func conflict() *Error {
	return &Error{Kind: Conflict, Message: "the document was changed by someone else"}
}

// overtaken is the error of a second decision. A denial after other documents were stored is a lost race: what denies,
// somebody else has written since.
func (e *execution) overtaken(err error) error {
	var denied *Error
	if !errors.As(err, &denied) || denied.Kind != Denied {
		return err
	}
	for _, it := range e.items {
		if it.stored() {
			denied.Kind, denied.Message = Conflict, conflict().Message
		}
	}
	return err
}
