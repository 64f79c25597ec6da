package proxy

import (
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
// what several documents may show as their _id: null, which is that of all that do not show one, and objects, of which a role
// may show a part.
func (op Find) Operation() string {
	id, only := onlyElement(op.Filter, "_id")
	if doc, ok := bsonval.Document(id); ok && only {
		id, only = onlyElement(doc, "$eq")
	}
	switch id.Type {
	case 0, bson.TypeNull, bson.TypeUndefined, bson.TypeRegex, bson.TypeEmbeddedDocument, bson.TypeArray:
		return "find"
	}
	if !only {
		return "find"
	}
	return "get"
}

// onlyElement is the value of the element with a name, if there is no other.
func onlyElement(doc bson.Raw, name string) (bson.RawValue, bool) {
	it := bsonval.NewIter(doc)
	if !it.Next() || string(it.Key()) != name {
		return bson.RawValue{}, false
	}
	v := it.Value()
	return v, !it.Next()
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
	v := viewRead{raw: bsonval.OrEmpty(clientFilter)}
	var err error
	if v.filter, err = query.Parse(v.raw, query.Options{NoRegex: s.p.NoRegex}); err != nil {
		return v, s.invalid(err)
	}
	if len(clientSort) > len(bsonval.Empty()) {
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
