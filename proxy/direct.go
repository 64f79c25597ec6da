package proxy

import (
	"context"
	"errors"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/update"
	"github.com/rolegate/rolegate/rules"
)

// A direct write is one round trip: the client's own operators, sent with a filter that holds exactly of the documents
// that the user sees, asks for and may write. That takes permissions which are decided by the document as it was, and which
// no change of the request can touch. Whatever is not plainly so is a guarded write, and so is every request that comes to
// nothing here: there the reason is found.

// directWrite is a write that the database may decide by itself.
type directWrite struct {
	rules.Direct
	update bson.Raw // nil deletes
	many   bool
}

// directUpdate states an update as a direct write, or says why it is none.
func (s *session) directUpdate(v viewRead, op Update, u *update.Update) (w directWrite, why string) {
	fields, why := directFields(op, u)
	if why == "" {
		why = onlyByID(v, op.Many)
	}
	if why != "" {
		return directWrite{}, why
	}
	d, why := s.view().DirectUpdate(v.raw, v.filter, fields)
	return directWrite{d, op.Update, op.Many}, why
}

// directDelete states a deletion as a direct write, or says why it is none.
func (s *session) directDelete(v viewRead, op Delete) (w directWrite, why string) {
	if why := onlyByID(v, op.Many); why != "" {
		return directWrite{}, why
	}
	d, why := s.view().DirectDelete(v.raw, v.filter)
	return directWrite{d, nil, op.Many}, why
}

// directly carries the operation out as a direct write. It reports false when it has to be decided by guarded writes. Of
// many documents not one may be denied: that is asked first, and judged at that moment.
func (it *item) directly(ctx context.Context) (done bool, err error) {
	if it.direct == nil {
		return false, nil
	}
	w, why := it.direct()
	if why != "" {
		return false, nil
	}
	s := it.s
	features, err := s.p.Store.Features(ctx, s.ns)
	if err != nil {
		return false, s.storeError(err)
	}
	if !features.Computed {
		return false, nil // a database for development, of which little is known
	}
	if w.many && !w.NoneDenied {
		if denied, err := s.anyDenied(ctx, w.Denied, it.decide); denied || err != nil {
			return false, err
		}
	}
	res, err := s.p.Store.Direct(ctx, s.ns, DirectWrite{Filter: w.Allowed, Update: w.update, Many: w.many})
	if err != nil {
		err = s.storeError(err)
		if !w.many && Rejected.is(err) {
			return false, nil // what is wrong with it is found when it is computed here
		}
		return false, untold(err, w.many)
	}
	it.matched, it.changed = res.Matched, res.Modified
	return w.many || res.Matched > 0, nil
}

// anyDenied looks for a document that would be denied. Where it is changed to nothing it is not: that takes deciding about
// every document.
func (s *session) anyDenied(ctx context.Context, query bson.Raw, change decide) (bool, error) {
	dec := s.bound.Decider()
	for stored, err := range s.p.Store.Find(ctx, s.ns, Query{Filter: query, Limit: 1, ForDecision: true}) {
		if err != nil {
			return false, s.storeError(err)
		}
		view, visible, err := dec.View(nil, stored)
		if err != nil || !visible {
			return true, nil
		}
		_, err = change(dec, newTarget(stored, view))
		return true, err
	}
	return false, nil
}

// untold says that a write of many documents which failed may have changed some of them.
func untold(err error, many bool) error {
	var e *Error
	if many && errors.As(err, &e) && e.Kind != Unclear && e.Kind != Unavailable {
		e.Message += "; some of the documents may have been changed"
	}
	return err
}

// directOperators change one value in a way that follows from the paths alone.
var directOperators = []string{
	"$set", "$unset", "$inc", "$mul", "$min", "$max", "$push", "$addToSet", "$pull", "$pullAll", "$pop", "$bit",
}

// directFields are the top-level fields that an update writes. Of many documents none may fail once others are stored, so
// nothing is sent for them that looks at what is there.
func directFields(op Update, u *update.Update) (fields []string, why string) {
	if op.Upsert || len(op.ArrayFilters) > 0 {
		return nil, "an upsert and array filters are decided on documents"
	}
	for _, n := range u.Named() {
		first, rest, _ := strings.Cut(n.Path, ".")
		switch {
		case !slices.Contains(directOperators, n.Op):
			return nil, "the operator " + n.Op + " is computed in the proxy"
		case op.Many && (rest != "" || n.Op != "$set" && n.Op != "$unset"):
			return nil, "the update could fail on one of several documents"
		case first == "_id" || first == filter.Reserved || !bsonval.IsSegment(first) || hasPosition(rest):
			return nil, "a path is decided on documents"
		}
		fields = append(fields, first)
	}
	if hasKey(op.Update, "$sort") {
		return nil, "$sort is computed in the proxy"
	}
	return fields, ""
}

// hasPosition tells whether a path may name an element of an array.
func hasPosition(path string) bool {
	for segment := range strings.SplitSeq(path, ".") {
		if segment != "" && (segment[0] == '$' || startsWithDigit(segment)) {
			return true
		}
	}
	return false
}

// hasKey tells whether a name stands anywhere in a document.
func hasKey(doc bson.Raw, name string) bool {
	for it := bsonval.NewIter(doc); it.Next(); {
		v := it.Value()
		if string(it.Key()) == name {
			return true
		}
		if (v.Type == bson.TypeEmbeddedDocument || v.Type == bson.TypeArray) && hasKey(bson.Raw(v.Value), name) {
			return true
		}
	}
	return false
}

// onlyByID says why a write of one document cannot be direct: which one it is would not follow from the filter.
func onlyByID(v viewRead, many bool) (why string) {
	if many || pinsID(v) {
		return ""
	}
	return "the filter does not name the document by its _id"
}

// pinsID tells whether the filter finds one document at most.
func pinsID(v viewRead) bool {
	for _, e := range v.filter.Equalities() {
		if e.Path == "_id" && e.Value.Type != bson.TypeNull {
			return true
		}
	}
	return false
}
