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

// attempted is how a direct write ended. done is false when the request has to be decided by guarded writes.
type attempted struct {
	DirectResult
	done bool
}

// directUpdate tries an update as a direct write.
func (s *session) directUpdate(ctx context.Context, v viewRead, op Update, u *update.Update, change decide) (attempted, error) {
	fields, why := directFields(op, u)
	if why == "" && !op.Many && !pinsID(v) {
		why = "the filter does not name the document by its _id"
	}
	if why != "" {
		return attempted{}, nil
	}
	d, why := s.view().DirectUpdate(v.raw, v.filter, fields)
	if why != "" {
		return attempted{}, nil
	}
	return s.direct(ctx, d, DirectWrite{Update: op.Update, Many: op.Many}, change)
}

// directDelete tries a deletion as a direct write.
func (s *session) directDelete(ctx context.Context, v viewRead, op Delete, change decide) (attempted, error) {
	if !op.Many && !pinsID(v) {
		return attempted{}, nil
	}
	d, why := s.view().DirectDelete(v.raw, v.filter)
	if why != "" {
		return attempted{}, nil
	}
	return s.direct(ctx, d, DirectWrite{Many: op.Many}, change)
}

// direct sends the write. Of many documents not one may be denied: that is asked first, and judged at that moment.
func (s *session) direct(ctx context.Context, d rules.Direct, w DirectWrite, change decide) (attempted, error) {
	features, err := s.p.Store.Features(ctx, s.ns)
	if err != nil {
		return attempted{}, s.storeError(err)
	}
	if !features.Computed {
		return attempted{}, nil // a database for development, of which little is known
	}
	if w.Many && !d.NoneDenied {
		if denied, err := s.anyDenied(ctx, d.Denied, change); denied || err != nil {
			return attempted{}, err
		}
	}
	w.Filter = d.Allowed
	res, err := s.p.Store.Direct(ctx, s.ns, w)
	if err != nil {
		err = s.storeError(err)
		if !w.Many && isRejected(err) {
			return attempted{}, nil // what is wrong with it is found when it is computed here
		}
		return attempted{}, s.untold(err, w.Many)
	}
	return attempted{res, w.Many || res.Matched > 0}, nil
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
func (s *session) untold(err error, many bool) error {
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

// pinsID tells whether the filter finds one document at most.
func pinsID(v viewRead) bool {
	for _, e := range v.filter.Equalities() {
		if e.Path == "_id" && e.Value.Type != bson.TypeNull {
			return true
		}
	}
	return false
}
