package query

import (
	"bytes"
	"math"
	"slices"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// single tests one value without looking into arrays, as the $elemMatch of values does.
func (t *Test) single(v bson.RawValue, st *state) bool {
	switch t.op {
	case 0:
		return false
	case All, Not:
		return t.all(v, st) == (t.op == All)
	}
	return t.hit(v, st) != t.negative()
}

func (t *Test) all(v bson.RawValue, st *state) bool {
	for i := range t.more.list {
		if !t.more.list[i].single(v, st) {
			return false
		}
	}
	return true
}

// hit tests one value, before any negation.
func (t *Test) hit(v bson.RawValue, st *state) bool {
	switch t.op {
	case Eq, Ne:
		if v.Type == t.operand.Type && !t.nan {
			return bsonval.Equal(v, t.operand)
		}
		return t.compare(v)
	case Gt, Gte, Lt, Lte:
		return t.compare(v)
	case In, Nin:
		return t.contains(v)
	case Exists:
		return !bsonval.IsMissing(v)
	case Type:
		return t.n&typeBit(v.Type) != 0
	case Size:
		return t.hasSize(v, st)
	case ElemMatch:
		return t.elemMatch(v, st)
	case Mod:
		return t.mod(v)
	case Regex:
		return t.more.patterns[0].match(v)
	}
	return false
}

// compare compares within one class of types, except that null equals a missing value and everything lies between
// MinKey and MaxKey.
func (t *Test) compare(v bson.RawValue) bool {
	if bsonval.Class(v.Type) != bsonval.Class(t.operand.Type) {
		switch {
		case t.null && bsonval.IsMissing(v):
			return t.op != Gt && t.op != Lt
		case t.operand.Type == bson.TypeMinKey:
			return t.op == Gt || t.op == Gte
		case t.operand.Type == bson.TypeMaxKey:
			return t.op == Lt || t.op == Lte
		}
		return false
	}
	if t.nan || bsonval.IsNaN(v) {
		// NaN equals itself and has no place in the order.
		return t.op != Gt && t.op != Lt && t.nan && bsonval.IsNaN(v)
	}
	c := bsonval.Compare(v, t.operand)
	switch t.op {
	case Gt:
		return c > 0
	case Gte:
		return c >= 0
	case Lt:
		return c < 0
	case Lte:
		return c <= 0
	}
	return c == 0
}

// contains is $in. A short list is kept as the array it came in, a longer one is sorted.
func (t *Test) contains(v bson.RawValue) bool {
	if bsonval.IsMissing(v) {
		return t.null
	}
	if t.more == nil {
		it := bsonval.NewIter(t.operand.Value)
		for it.Next() {
			if bsonval.Equal(v, it.Value()) {
				return true
			}
		}
		return false
	}
	if _, found := slices.BinarySearchFunc(t.more.values, v, bsonval.Compare); found {
		return true
	}
	for _, p := range t.more.patterns {
		if p.match(v) {
			return true
		}
	}
	return false
}

func (t *Test) hasSize(v bson.RawValue, st *state) bool {
	if v.Type != bson.TypeArray {
		return false
	}
	n := int64(0)
	it := bsonval.NewIter(v.Value)
	for it.Next() {
		n++
	}
	if it.Err() != nil {
		st.corrupt = true
	}
	return n == t.n
}

func (t *Test) elemMatch(v bson.RawValue, st *state) bool {
	if v.Type != bson.TypeArray {
		return false
	}
	inner := state{}
	it := bsonval.NewIter(v.Value)
	for it.Next() && !inner.corrupt {
		if t.element(it.Value(), &inner) {
			return st.found(it.Key())
		}
	}
	if it.Err() != nil || inner.corrupt {
		st.corrupt = true
	}
	return false
}

func (t *Test) element(v bson.RawValue, st *state) bool {
	if t.more.object == nil {
		return t.all(v, st) && !st.corrupt
	}
	// An array counts as a document whose names are the indexes.
	if v.Type != bson.TypeEmbeddedDocument && v.Type != bson.TypeArray {
		return false
	}
	return t.more.object.match(v.Value, st) && !st.corrupt
}

// mod truncates towards zero; what is no finite 64-bit number then does not match.
func (t *Test) mod(v bson.RawValue) bool {
	n, ok := truncate(v)
	return ok && n%t.more.divisor == t.more.remainder
}

// truncate returns the whole part of a number that fits 64 bits.
func truncate(v bson.RawValue) (int64, bool) {
	switch v.Type {
	case bson.TypeInt32, bson.TypeInt64:
		return bsonval.Int64(v)
	case bson.TypeDouble:
		f, ok := bsonval.Double(v)
		f = math.Trunc(f)
		if !ok || !(f >= -1<<63 && f < 1<<63) {
			return 0, false
		}
		return int64(f), true
	case bson.TypeDecimal128:
		return bsonval.TruncateDecimal(v)
	}
	return 0, false
}

// match tests a text against the expression, or a stored regular expression for being the same one.
func (p *pattern) match(v bson.RawValue) bool {
	switch v.Type {
	case bson.TypeString, bson.TypeSymbol:
		if len(v.Value) < 5 {
			return false
		}
		text := v.Value[4 : len(v.Value)-1]
		return p.re.Match(text) && utf8.Valid(text)
	case bson.TypeRegex:
		source, options, ok := bsonval.Regex(v)
		return ok && bytes.Equal(source, p.source) && bytes.Equal(options, p.options)
	}
	return false
}
