package proxy

import (
	"bytes"
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/rules"
)

// Replace replaces the first document of the view that matches.
func (p *Proxy) Replace(ctx context.Context, c Caller, op Replace) (UpdateResult, error) {
	s, err := p.begin(ctx, c, op.NS, "update", true)
	if err != nil {
		return UpdateResult{}, err
	}
	it, err := s.replacement(op, nil)
	if err != nil {
		return UpdateResult{}, err
	}
	return s.update(ctx, it)
}

// replacement is the item of a replacement. The sort says which document is the first.
func (s *session) replacement(op Replace, sort bson.Raw) (*item, error) {
	v, err := s.parseRead(op.Filter, sort)
	if err != nil {
		return nil, err
	}
	if err := checkDocument(op.Replacement); err != nil {
		return nil, s.invalid(err)
	}
	it := &item{s: s, v: v}
	it.decide = func(d *rules.Decider, t target) (*GuardedWrite, error) {
		post := keepLock(t.stored, prependID(op.Replacement, t.id))
		// The document as a whole is named: whether it may be replaced must not depend on which hidden
		// fields it has.
		post, err := s.allowed(d.CheckUpdate(rules.Change{Pre: t.stored, Post: post, Named: []string{""}}))
		if err != nil {
			return nil, err
		}
		// Only whoever may replace the document learns that this is not its _id.
		if id, given := bsonval.Lookup(op.Replacement, "_id"); given && !bsonval.Equal(id, t.id) {
			return nil, s.invalid(errors.New("the _id of a document cannot be changed"))
		}
		if bytes.Equal(t.stored, post) {
			return nil, nil
		}
		if err := s.conform(d, t.stored, post); err != nil {
			return nil, err
		}
		if len(post) > maxDocument {
			return nil, &Error{Kind: TooLarge, Message: "the document is too large"}
		}
		return &GuardedWrite{Kind: ReplaceDocument, ID: t.id, Guard: Guard{Document: t.stored}, Document: post}, nil
	}
	if !op.Upsert {
		return it, nil
	}
	it.insert = func() (bson.Raw, error) {
		id, given := bsonval.Lookup(op.Replacement, "_id")
		var asked []bson.RawValue
		for _, e := range v.filter.Equalities() {
			if e.Path == "_id" {
				asked = append(asked, e.Value)
			}
		}
		switch {
		case len(asked) == 0:
			return op.Replacement, nil
		case len(asked) > 1 || given && !bsonval.Equal(id, asked[0]):
			return nil, s.invalid(errors.New("the filter asks for another _id than the document would have"))
		case given:
			return op.Replacement, nil
		}
		return prependID(op.Replacement, asked[0]), nil
	}
	return it, nil
}

// keepLock carries the reserved field over to the document that takes the place of the stored one. Nobody sees it, so
// nobody can mean to remove it; a document that is otherwise the same stays as it is.
func keepLock(stored, post bson.Raw) bson.Raw {
	lock, found := bsonval.Lookup(stored, filter.Reserved)
	if !found {
		return post
	}
	if bytes.Equal(filter.WithoutReserved(stored), post) {
		return stored
	}
	out := bsonval.AppendElement(bytes.Clone(post[:len(post)-1]), filter.Reserved, lock)
	return bsonval.EndDocument(out, 0)
}
