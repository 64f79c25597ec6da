package mongostore

import (
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/proxy"
)

// guardFilter is the query of a guarded write: the document with this _id, if it still is what the decision saw.
//
// Query equality is not identity: {f: "a"} also matches ["a", "b"], null matches a missing field, [1, 2] matches
// [[1, 2], 3]. Aggregation equality on the whole top-level value has none of this, and the type beside it tells
// 1 from 1.0.
func guardFilter(w proxy.GuardedWrite, caps capabilities) (bson.D, error) {
	if bsonval.IsMissing(w.ID) {
		return nil, fmt.Errorf("%w: guarded write without _id", proxy.ErrRejected)
	}
	// An _id is never an array, so here the query's own equality is exact once the type is pinned; it uses the index.
	filter := bson.D{{Key: "_id", Value: bson.D{{Key: "$eq", Value: w.ID}, {Key: "$type", Value: bsonval.TypeName(w.ID.Type)}}}}
	if !caps.expr {
		return approximateGuard(filter, w.Guard)
	}
	conditions := bson.A{}
	if w.Guard.Document != nil {
		conditions = append(conditions, equal("$$ROOT", w.Guard.Document))
		conditions = append(conditions, looseTypes(w.Guard.Document)...)
	}
	for _, f := range w.Guard.Fields {
		if err := plainName(f.Name); err != nil {
			return nil, err
		}
		if !bsonval.IsMissing(f.Value) {
			conditions = append(conditions, equal("$"+f.Name, f.Value))
		}
		conditions = append(conditions, ofType(f.Name, f.Value.Type))
	}
	if len(conditions) > 0 {
		filter = append(filter, bson.E{Key: "$expr", Value: bson.D{{Key: "$and", Value: conditions}}})
	}
	return filter, nil
}

// equal passes the value as a literal: a stored "$x" or {$y: 1} must not be read as an expression.
func equal(path string, value any) bson.D {
	return bson.D{{Key: "$eq", Value: bson.A{path, bson.D{{Key: "$literal", Value: value}}}}}
}

func ofType(name string, t bson.Type) bson.D {
	return bson.D{{Key: "$eq", Value: bson.A{bson.D{{Key: "$type", Value: "$" + name}}, bsonval.TypeName(t)}}}
}

// looseTypes pins the types of those top-level values of a document that equal values of other types: numbers, and
// strings, which equal symbols.
func looseTypes(doc bson.Raw) bson.A {
	conditions := bson.A{}
	for it := bsonval.NewIter(doc); it.Next(); {
		name, v := string(it.Key()), it.Value()
		loose := bsonval.IsNumber(v) || v.Type == bson.TypeString || v.Type == bson.TypeSymbol
		if loose && plainName(name) == nil {
			conditions = append(conditions, ofType(name, v.Type))
		}
	}
	return conditions
}

// plainName refuses names that cannot be written as a field path. They are refused long before; here the refusal
// keeps a guard from silently pinning another field.
func plainName(name string) error {
	if !bsonval.IsSegment(name) {
		return fmt.Errorf("%w: field name that cannot be guarded", proxy.ErrRejected)
	}
	return nil
}

// approximateGuard is for servers without $expr. It cannot see fields that a whole document has gained, and it knows
// arrays only by content and length; hence development only.
func approximateGuard(filter bson.D, g proxy.Guard) (bson.D, error) {
	fields := slices.Clone(g.Fields)
	if g.Document != nil {
		fields = fields[:0] // the document pins them all, as far as this can
		it := bsonval.NewIter(g.Document)
		for it.Next() {
			fields = append(fields, proxy.GuardField{Name: string(it.Key()), Value: it.Value()})
		}
		if err := it.Err(); err != nil {
			return nil, err
		}
	}
	for _, f := range fields {
		if err := plainName(f.Name); err != nil {
			return nil, err
		}
		if f.Name == "_id" {
			continue // pinned above; a name twice in one query document would hide the first
		}
		filter = append(filter, bson.E{Key: f.Name, Value: approximately(f.Value)})
	}
	return filter, nil
}

func approximately(v bson.RawValue) bson.D {
	if bsonval.IsMissing(v) {
		return bson.D{{Key: "$exists", Value: false}}
	}
	if v.Type == bson.TypeArray {
		n := 0
		for it := bsonval.NewIter(v.Value); it.Next(); {
			n++
		}
		return bson.D{{Key: "$eq", Value: v}, {Key: "$size", Value: n}}
	}
	return bson.D{
		{Key: "$eq", Value: v},
		{Key: "$type", Value: bsonval.TypeName(v.Type)},
		{Key: "$not", Value: bson.D{{Key: "$type", Value: "array"}}},
	}
}
