package proxy

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/predicate"
	"github.com/rolegate/rolegate/internal/query"
)

// Distinct returns the different values that the matching documents of the view have at a path, as MongoDB finds them,
// in BSON order.
func (p *Proxy) Distinct(ctx context.Context, c Caller, op Distinct) ([]bson.RawValue, error) {
	s, err := p.begin(ctx, c, op.NS, "distinct", false)
	if err != nil {
		return nil, err
	}
	key, err := parseKey(op.Key)
	if err != nil {
		return nil, s.invalid(err)
	}
	v, err := s.parseRead(op.Filter, nil)
	if err != nil {
		return nil, err
	}
	v.anyOrder = true
	plan := s.planRead(v)
	if values, ok, err := s.distinctThere(ctx, key, plan); ok || err != nil {
		return values, err
	}
	values := valueSet{seen: map[string]struct{}{}}
	err = s.eachPlanned(ctx, v, plan, func(_, view bson.Raw) error {
		within := key.Values(view, func(v bson.RawValue) bool {
			values.add(v)
			return values.bytes <= p.Limits.Memory
		})
		if !within {
			return tooManyValues()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return values.sorted(), nil
}

// distinctThere lets the database find the values, where it finds what matches and no more and the key is readable in all
// of it. It reports false when there are numbers among them: of 1 and 1.0 the database keeps one, and which one may follow
// the order of documents that are hidden.
func (s *session) distinctThere(ctx context.Context, key query.Path, p readPlan) (values []bson.RawValue, ok bool, err error) {
	if p.outcome != Exact || !s.view().Readable(key) || hasPosition(key.String()) {
		return nil, false, nil
	}
	found, err := s.p.Store.Distinct(ctx, s.ns, key.String(), p.query.Filter)
	if err != nil {
		return nil, false, s.storeError(err)
	}
	set := valueSet{seen: map[string]struct{}{}}
	for _, v := range found {
		if v.Type == bson.TypeNull {
			isNull, err := s.storesNull(ctx, key, p.query.Filter)
			if err != nil {
				return nil, false, err
			}
			if !isNull {
				continue
			}
		}
		if !s.view().PassThrough() && !hasOneForm(v) {
			return nil, false, nil
		}
		if set.add(v); set.bytes > s.p.Limits.Memory {
			return nil, false, tooManyValues()
		}
	}
	values = set.sorted()
	s.record(&reading{plan: p, fetched: 1, returned: 1})
	return values, true, nil
}

// storesNull tells whether null is a value of the key. A database that finds values in an index also says null for what is
// missing, so its answer depends on which indexes there are.
func (s *session) storesNull(ctx context.Context, key query.Path, filter bson.Raw) (bool, error) {
	q := predicate.OfType(key.String(), bson.TypeNull)
	if filter != nil {
		q = predicate.And(predicate.Leaf(filter), q)
	}
	for _, err := range s.p.Store.Find(ctx, s.ns, Query{Filter: q.Document(), Limit: 1}) {
		return true, s.storeError(err)
	}
	return false, nil
}

func tooManyValues() *Error { return &Error{Kind: TooLarge, Message: "too many different values"} }

// hasOneForm tells whether a value equals no value with other bytes, or is the first of them: a string comes before the
// symbol that it equals.
func hasOneForm(v bson.RawValue) bool {
	switch v.Type {
	case bson.TypeString, bson.TypeObjectID, bson.TypeBoolean, bson.TypeDateTime, bson.TypeTimestamp, bson.TypeNull:
		return true
	}
	return false
}

// parseKey refuses what the database would take for an expression or a variable.
func parseKey(key string) (query.Path, error) {
	path, err := query.ParsePath(key)
	if err != nil {
		return path, err
	}
	for _, name := range path.Segments() {
		if name[0] == '$' {
			return path, errors.New("the names in the key cannot start with $")
		}
	}
	return path, nil
}

// valueSet holds values, each once, as a byte for the type and then those of the value.
type valueSet struct {
	seen  map[string]struct{}
	bytes int64 // as much as is held, about
	buf   []byte
}

// valueOverhead is what a value takes besides its bytes, here and in the list that is made in the end.
const valueOverhead = 64

func (s *valueSet) add(v bson.RawValue) {
	s.buf = append(append(s.buf[:0], byte(v.Type)), v.Value...)
	if _, found := s.seen[string(s.buf)]; !found {
		s.seen[string(s.buf)] = struct{}{}
		s.bytes += int64(len(v.Value)) + valueOverhead
	}
}

// sorted returns the values in order. Of those that are equal, as 1 and 1.0 are, it keeps always the same one, whatever
// came first: that order may be hidden.
func (s *valueSet) sorted() []bson.RawValue {
	list := make([]bson.RawValue, 0, len(s.seen))
	for v := range s.seen {
		list = append(list, bson.RawValue{Type: bson.Type(v[0]), Value: []byte(v[1:])})
	}
	slices.SortFunc(list, func(a, b bson.RawValue) int {
		return cmp.Or(bsonval.Compare(a, b), cmp.Compare(a.Type, b.Type), bytes.Compare(a.Value, b.Value))
	})
	return slices.CompactFunc(list, bsonval.Equal)
}
