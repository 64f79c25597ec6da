package reference

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/internal/update"
)

// Write is a request to change documents. Paths in Update name no positions in arrays: a user counts the elements that
// the view shows.
type Write struct {
	Insert      []bson.Raw // or else
	Filter      bson.Raw   // what is written, and how:
	Update      bson.Raw   // by operators,
	Replacement bson.Raw   // as a whole,
	Delete      bool       // or not to be there any more.
	Many        bool       // all that match, not just the first
	Upsert      bool       // where nothing matches, what is described is inserted
}

// Done is what became of a Write.
type Done struct {
	Operation         string     // insert, update or delete: an upsert may be either of two
	Stored            []bson.Raw // the collection afterwards; unchanged after a denial or an error
	Matched, Modified int64      // of a delete, both are what was deleted
	Inserted          []bson.RawValue
	Denied            string // why the rules do not allow it; "" if they do
	Failed            error  // of the request, not of the rules
}

var (
	errDuplicate = errors.New("there is a document with this _id")
	errOtherID   = errors.New("the _id of a document cannot be changed")
)

func (d Done) denied(why string) Done {
	d.Denied = why
	return d
}

func (d Done) failed(err error) Done {
	d.Failed = err
	return d
}

// Write does what a request asks for. facts are those of an operation: "insert", "update" or "delete".
func (r *Rules) Write(facts func(operation string) *Facts, stored []bson.Raw, w Write) Done {
	if w.Insert != nil {
		return r.insert(facts("insert"), stored, w.Insert)
	}
	nothing := Done{Operation: "update", Stored: stored}
	if w.Delete {
		nothing.Operation = "delete"
	}
	found, err := r.targets(facts(nothing.Operation), stored, w)
	if err != nil {
		return nothing.failed(err)
	}
	if len(found) == 0 && w.Upsert {
		doc, err := w.described()
		if err != nil {
			return nothing.failed(err)
		}
		return r.insert(facts("insert"), stored, []bson.Raw{doc})
	}
	done := nothing
	done.Stored, done.Matched = slices.Clone(stored), int64(len(found))
	for _, i := range found {
		after, v, err := r.change(facts(nothing.Operation), stored[i], w)
		switch {
		case !v.Allowed && v.Why != "":
			return nothing.denied(v.Why)
		case err != nil:
			return nothing.failed(err)
		}
		if !bytes.Equal(stored[i], after) {
			done.Modified++
		}
		done.Stored[i] = after
	}
	done.Stored = slices.DeleteFunc(done.Stored, func(doc bson.Raw) bool { return doc == nil })
	return done
}

// change judges what the request makes of a document. What the rules do not allow is refused before anything else is found
// to be wrong.
func (r *Rules) change(facts *Facts, before bson.Raw, w Write) (after bson.Raw, v Verdict, err error) {
	var named []Named
	switch {
	case w.Delete:
		return nil, r.Judge(facts, Change{Before: before}), nil
	case w.Replacement != nil:
		named, after = []Named{{}}, replaced(before, w.Replacement)
		if id := get(w.Replacement, "_id"); !bsonval.IsMissing(id) && !bsonval.Equal(id, get(before, "_id")) {
			err = errOtherID
		}
	default:
		u, wrong := update.Parse(w.Update, nil, update.Options{})
		if wrong != nil {
			return nil, Verdict{}, wrong
		}
		named = NamedBy(u)
		if after, err = u.Apply(nil, before, update.Input{Positional: -1}); err != nil {
			// It fails on a value, and who may not read that may not learn it.
			for i := range named {
				named[i].Computed = true
			}
			return nil, r.JudgeNamed(facts, Change{before, before, false}, named), err
		}
	}
	c := Change{Before: before, After: after}
	if v = r.JudgeNamed(facts, c, named); v.Allowed {
		v = r.Judge(facts, c)
	}
	return after, v, err
}

// replaced is the document that takes the place of another one. It keeps the _id and the reserved field.
func replaced(before, replacement bson.Raw) bson.Raw {
	after := append([]element{{"_id", get(before, "_id")}}, without(elements(replacement), "_id")...)
	if lock := get(before, reserved); !bsonval.IsMissing(lock) {
		if bytes.Equal(encode(without(elements(before), reserved)), encode(after)) {
			return before
		}
		after = append(after, element{reserved, lock})
	}
	return encode(after)
}

// NamedBy lists the paths that an update names.
func NamedBy(u *update.Update) []Named {
	var named []Named
	for _, n := range u.Named() {
		path, _, _ := strings.Cut(n.Path, ".$")
		plain := slices.Contains([]string{"$set", "$unset", "$currentDate", "$setOnInsert"}, n.Op)
		if !n.OnInsertOnly {
			named = append(named, Named{path, !plain || n.Positional})
		}
	}
	return named
}

// targets finds what a request is about: the documents of the view that match, or the first in the total order.
func (r *Rules) targets(facts *Facts, stored []bson.Raw, w Write) ([]int, error) {
	applied, err := r.apply(judge{facts: facts})
	if err != nil {
		return nil, err
	}
	f, err := query.Parse(w.Filter, query.Options{})
	if err != nil {
		return nil, err
	}
	shown := map[int]bson.Raw{}
	var found []int
	for i, doc := range stored {
		shown[i] = encode(r.cut(facts, applied, doc))
		if len(elements(shown[i])) > 0 && f.Match(shown[i]) {
			found = append(found, i)
		}
	}
	slices.SortStableFunc(found, func(a, b int) int { return inOrder(nil, shown[a], shown[b]) })
	if !w.Many {
		found = found[:min(len(found), 1)]
	}
	return found, nil
}

// described is the document that an upsert inserts: what the filter says is equal, and what the update makes of it.
func (w Write) described() (bson.Raw, error) {
	f, err := query.Parse(w.Filter, query.Options{})
	if err != nil {
		return nil, err
	}
	var id, set []element
	for _, e := range f.Equalities() {
		if e.Path == "_id" {
			id = []element{{"_id", e.Value}}
		} else {
			set = append(set, element{e.Path, e.Value})
		}
	}
	if w.Replacement != nil {
		if !bsonval.IsMissing(get(w.Replacement, "_id")) {
			id = nil
		}
		return encode(append(id, elements(w.Replacement)...)), nil
	}
	doc := encode(id)
	ops := []bson.Raw{w.Update}
	if len(set) > 0 {
		ops = []bson.Raw{encode([]element{{"$set", bsonval.FromDocument(encode(set))}}), w.Update}
	}
	for _, op := range ops {
		u, err := update.Parse(op, nil, update.Options{})
		if err != nil {
			return nil, err
		}
		if doc, err = u.Apply(nil, doc, update.Input{Insert: true, Positional: -1}); err != nil {
			return nil, err
		}
	}
	return doc, nil
}

// insert stores new documents, all or none. One without an _id gets one.
func (r *Rules) insert(facts *Facts, stored, docs []bson.Raw) Done {
	nothing := Done{Operation: "insert", Stored: stored}
	done := nothing
	done.Stored = slices.Clone(stored)
	for _, doc := range docs {
		c := Change{After: doc, OwnID: !bsonval.IsMissing(get(doc, "_id"))}
		if !c.OwnID {
			c.After = encode(append([]element{{"_id", bsonval.FromObjectID(bson.NewObjectID())}}, elements(doc)...))
		}
		if v := r.Judge(facts, c); !v.Allowed {
			return nothing.denied(v.Why)
		}
		id := get(c.After, "_id")
		if slices.ContainsFunc(done.Stored, func(d bson.Raw) bool { return bsonval.Equal(get(d, "_id"), id) }) {
			done.Failed = errDuplicate
		}
		if done.Failed == nil {
			done.Stored = append(done.Stored, c.After)
			done.Inserted = append(done.Inserted, id)
		}
	}
	return done
}
