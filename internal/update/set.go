package update

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// set is $set and $setOnInsert.
type set struct{ value bson.RawValue }

func newSet(_ *parser, f field) (change, error) {
	return set{f.value}, checkStored(f.op, f.value, len(f.path.segments))
}

func (s set) existing(_ *applier, _ *leaf, at place) error {
	at.node().set(s.value)
	return nil
}

func (s set) missing(*applier, *leaf, place) (bson.RawValue, absence, error) {
	return s.value, create, nil
}

// unset removes a field; in an array it leaves a null.
type unset struct{}

func newUnset(*parser, field) (change, error) { return unset{}, nil }

func (unset) existing(_ *applier, _ *leaf, at place) error {
	if at.parent.array {
		at.node().set(bsonval.Null())
	} else {
		at.node().remove()
	}
	return nil
}

func (unset) missing(*applier, *leaf, place) (bson.RawValue, absence, error) {
	return bson.RawValue{}, ignore, nil
}

// extreme is $min and $max: it sets its value if that is lower (sign -1) or higher (1).
type extreme struct {
	value bson.RawValue
	sign  int
}

func newExtreme(_ *parser, f field) (change, error) {
	sign := 1
	if f.op == "$min" {
		sign = -1
	}
	return extreme{f.value, sign}, checkStored(f.op, f.value, len(f.path.segments))
}

func (e extreme) existing(_ *applier, _ *leaf, at place) error {
	if bsonval.Compare(e.value, at.node().value())*e.sign > 0 {
		at.node().set(e.value)
	}
	return nil
}

func (e extreme) missing(*applier, *leaf, place) (bson.RawValue, absence, error) {
	return e.value, create, nil
}

// currentDate sets the time of the update, as a date or as a timestamp.
type currentDate struct{ timestamp bool }

func newCurrentDate(_ *parser, f field) (change, error) {
	if _, ok := bsonval.Bool(f.value); ok {
		return currentDate{}, nil
	}
	doc, ok := bsonval.Document(f.value)
	if !ok {
		return nil, refuse(codeBadValue, f.op, "takes a boolean or an object with a $type")
	}
	var kind string
	it := bsonval.NewIter(doc)
	for it.Next() {
		if string(it.Key()) != "$type" {
			return nil, refuse(codeBadValue, f.op, "the only field of the object is $type")
		}
		kind, _ = bsonval.String(it.Value())
	}
	if kind != "date" && kind != "timestamp" {
		return nil, refuse(codeBadValue, f.op, "the $type is either 'date' or 'timestamp'")
	}
	return currentDate{kind == "timestamp"}, nil
}

func (d currentDate) existing(a *applier, _ *leaf, at place) error {
	at.node().set(d.value(a))
	return nil
}

func (d currentDate) missing(a *applier, _ *leaf, _ place) (bson.RawValue, absence, error) {
	return d.value(a), create, nil
}

func (d currentDate) value(a *applier) bson.RawValue {
	if !d.timestamp {
		return bsonval.FromDateTime(a.in.Now.UnixMilli())
	}
	seconds := uint64(a.in.Now.Unix()) & (1<<32 - 1)
	v := bsonval.FromInt64(int64(seconds<<32 | 1))
	v.Type = bson.TypeTimestamp
	return v
}
