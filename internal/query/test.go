package query

import (
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// Test is one operator with its operand. It is a value; it aliases its operand and may be used by many goroutines.
// The zero Test matches nothing.
type Test struct {
	operand bson.RawValue
	more    *compiled // what some operators prepare; nil for comparisons
	n       int64     // $size: the size; $exists: 0 or 1; $type: the set of types
	op      Op
	nan     bool // the operand of a comparison is NaN
	null    bool // the operand is null, or contains it for $in
}

// compiled holds what is prepared once for the operators that need more than their operand.
type compiled struct {
	list               []Test          // $all, $not and the $elemMatch of values: all of them must hold
	object             *node           // $elemMatch of documents
	values             []bson.RawValue // $in: sorted
	patterns           []*pattern      // $regex: one; $in: any number
	divisor, remainder int64           // $mod
}

// NewTest compiles an operator with its operand as it is written in a MongoDB query: an array for $in, a document for
// $elemMatch, a regular expression or a string for $regex, and so on. Comparisons take their operand literally and are
// made without an allocation.
func NewTest(op Op, operand bson.RawValue) (Test, error) {
	if op >= Eq && op <= Lte {
		return comparison(op, operand)
	}
	p := parser{o: Options{Trusted: true}.withDefaults()}
	return p.test(op, operand, 0)
}

// comparison makes a test for one of the six operators that compare with a literal.
func comparison(op Op, operand bson.RawValue) (Test, error) {
	switch operand.Type {
	case 0, bson.TypeUndefined:
		return Test{}, refuse(op.String(), "cannot compare with undefined")
	case bson.TypeRegex:
		if op != Eq {
			return Test{}, refuse(op.String(), "cannot have a regular expression as its operand")
		}
	}
	return Test{op: op, operand: operand, nan: bsonval.IsNaN(operand), null: operand.Type == bson.TypeNull}, nil
}

// Op returns the test's operator.
func (t *Test) Op() Op { return t.op }

// Match reports whether the value or values at p in doc pass the test, with everything that MongoDB makes of arrays,
// numeric segments and missing fields on the way.
func (t *Test) Match(doc bson.Raw, p Path) bool {
	var st state
	return len(p.segments) > 0 && t.match(doc, p.segments, &st) && !st.corrupt
}

// MatchValue reports whether v passes the test as if it were the only field of a document and the path its name. A zero
// v is a missing field.
func (t *Test) MatchValue(v bson.RawValue) bool {
	var st state
	return t.matchValue(v, &st) && !st.corrupt
}

// MatchesMissing reports whether a missing value passes the comparison inside the test, before any negation: true for
// {$eq: null} and {$ne: null}, false for {$gt: 1} and {$ne: 1}. For such a test the paths that lead into arrays are read
// differently by different servers.
func (t *Test) MatchesMissing() bool {
	switch t.op {
	case 0:
		return false
	case All, Not:
		return slices.ContainsFunc(t.more.list, func(t Test) bool { return t.MatchesMissing() })
	}
	var st state
	return t.hit(bson.RawValue{}, &st)
}

func (t *Test) matchValue(v bson.RawValue, st *state) bool {
	switch t.op {
	case 0:
		return false
	case All, Not:
		for i := range t.more.list {
			if !t.more.list[i].matchValue(v, st) {
				return t.op == Not
			}
		}
		return t.op == All
	}
	return t.terminal(v, st) != t.negative()
}

// match is Match for a path of at least one segment.
func (t *Test) match(doc []byte, path []string, st *state) bool {
	switch t.op {
	case 0:
		return false
	case All, Not:
		record := st.record
		st.record = record && t.op == All
		pass := true
		for i := range t.more.list {
			if !t.more.list[i].match(doc, path, st) {
				pass = false
				break
			}
		}
		st.record = record
		return pass == (t.op == All)
	}
	if t.negative() {
		record := st.record
		st.record = false
		hit := t.walk(doc, path, st)
		st.record = record
		return !hit
	}
	return t.walk(doc, path, st)
}

// negative tells whether the test is the negation of what hit computes: $ne is the negation of $eq over the whole path,
// not a comparison of each value.
func (t *Test) negative() bool {
	return t.op == Ne || t.op == Nin || t.op == Exists && t.n == 0
}

// expandsArrays tells whether the test also looks at the elements of an array that ends the path.
func (t *Test) expandsArrays() bool {
	return t.op != Size && t.op != ElemMatch
}
