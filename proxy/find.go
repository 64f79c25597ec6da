package proxy

import (
	"bytes"
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/echo"
	"github.com/rolegate/rolegate/internal/query"
)

// Find calls emit for each document of the answer, in order. The document is valid during the call.
func (p *Proxy) Find(ctx context.Context, c Caller, op Find, emit func(bson.Raw) error) error {
	s, err := p.begin(ctx, c, op.NS, op.Operation(), false)
	if err != nil {
		return err
	}
	v, projection, err := s.parseFind(op)
	if err != nil {
		return err
	}
	if op.Projection == nil {
		return s.eachProjected(ctx, v, nil, emit)
	}
	return s.eachProjected(ctx, v, &projection, emit)
}

// Operation is what rules call it: a get asks for one document by its _id and nothing else, everything else is a find. So is
// null: it is the _id of all documents that do not show one.
func (op Find) Operation() string {
	it := bsonval.NewIter(op.Filter)
	if !it.Next() || string(it.Key()) != "_id" {
		return "find"
	}
	id := it.Value()
	if it.Next() {
		return "find"
	}
	if doc, ok := bsonval.Document(id); ok {
		in := bsonval.NewIter(doc)
		if in.Next() && bytes.HasPrefix(in.Key(), []byte("$")) {
			name, operand := string(in.Key()), in.Value()
			if name != "$eq" || in.Next() {
				return "find"
			}
			id = operand
		}
	}
	switch id.Type {
	case bson.TypeRegex, bson.TypeNull, bson.TypeUndefined:
		return "find"
	}
	return "get"
}

// eachProjected calls emit for what a projection shows of each document that matches; nil shows all of it.
func (s *session) eachProjected(ctx context.Context, v viewRead, projection *filter.Projection, emit func(bson.Raw) error) error {
	var out []byte
	return s.each(ctx, v, func(_, view bson.Raw) error {
		if projection == nil {
			return emit(view)
		}
		var err error
		if out, err = filter.Project(out[:0], view, *projection); err != nil {
			return err
		}
		return emit(out)
	})
}

// FindOne returns the first document of the view that matches, or nil.
func (p *Proxy) FindOne(ctx context.Context, c Caller, op Find) (bson.Raw, error) {
	op.Skip, op.Limit = 0, 1
	var found bson.Raw
	err := p.Find(ctx, c, op, func(doc bson.Raw) error {
		found = append(bson.Raw(nil), doc...)
		return nil
	})
	return found, err
}

// parseFind checks everything that the request says, before the database is asked.
func (s *session) parseFind(op Find) (viewRead, filter.Projection, error) {
	v, err := s.parseRead(op.Filter, op.Sort)
	if err != nil {
		return v, filter.Projection{}, err
	}
	v.skip, v.limit = op.Skip, op.Limit
	projection, err := filter.ParseProjection(op.Projection)
	if err != nil {
		return v, projection, s.invalid(err)
	}
	return v, projection, nil
}

func (s *session) parseRead(clientFilter, clientSort bson.Raw) (viewRead, error) {
	v := viewRead{raw: document(clientFilter)}
	var err error
	if v.filter, err = query.Parse(v.raw, query.Options{NoRegex: s.p.NoRegex}); err != nil {
		return v, s.invalid(err)
	}
	if len(clientSort) > len(document(nil)) {
		if v.sort, err = query.ParseSort(clientSort); err != nil {
			return v, s.invalid(err)
		}
	}
	return v, nil
}

// invalid refuses a request because of what the client sent. The parsers' errors name operators and paths that the
// client wrote, never values.
func (s *session) invalid(err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	return &Error{Kind: Invalid, Message: echo.Text(err.Error(), 200)}
}
