package query

import (
	"math"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// shortList is how many elements of an $in are compared one by one; more are sorted first.
const shortList = 8

// test compiles one operator.
func (p *parser) test(op Op, v bson.RawValue, depth int) (Test, error) {
	switch op {
	case Eq, Ne, Gt, Gte, Lt, Lte:
		if err := p.literal(op, v, 0); err != nil {
			return Test{}, err
		}
		return comparison(op, v)
	case In, Nin:
		return p.in(op, v)
	case Exists:
		if bsonval.IsMissing(v) {
			break
		}
		return Test{op: op, operand: v, n: truth(v)}, nil
	case Type:
		set, err := typeSet(v)
		return Test{op: op, operand: v, n: set}.or(err)
	case Size:
		n, exact := bsonval.Int64(v)
		if !exact || n < 0 || n > math.MaxInt32 {
			return Test{}, refuse("$size", "must be a whole number from 0 to 2147483647")
		}
		return Test{op: op, operand: v, n: n}, nil
	case All:
		return p.all(v, depth)
	case ElemMatch:
		return p.elemMatch(v, depth)
	case Mod:
		return mod(v)
	case Regex:
		pat, err := p.pattern(v)
		return Test{op: op, more: &compiled{patterns: []*pattern{pat}}}.or(err)
	case Not:
		return p.not(v, depth)
	}
	return Test{}, refuse(op.String(), "the operator cannot be used like this")
}

// or returns the test, or nothing but the error if there is one.
func (t Test) or(err error) (Test, error) {
	if err != nil {
		return Test{}, err
	}
	return t, nil
}

// truth is 0 for false, null, undefined and zero.
func truth(v bson.RawValue) int64 {
	b, isBool := bsonval.Bool(v)
	n, isInt := bsonval.Int64(v)
	switch {
	case v.Type == bson.TypeNull, v.Type == bson.TypeUndefined, isBool && !b, isInt && n == 0:
		return 0
	}
	return 1
}

func (p *parser) in(op Op, v bson.RawValue) (Test, error) {
	arr, ok := bsonval.Array(v)
	if !ok {
		return Test{}, refuse(op.String(), "needs an array")
	}
	t := Test{op: op, operand: v}
	n, patterns := 0, 0
	it := bsonval.NewIter(arr)
	for it.Next() {
		if n++; n > p.o.MaxElements {
			return Test{}, refuse(op.String(), "has too many elements")
		}
		e := it.Value()
		if err := p.element(op, e); err != nil {
			return Test{}, err
		}
		switch e.Type {
		case bson.TypeNull:
			t.null = true
		case bson.TypeRegex:
			patterns++
		}
	}
	if it.Err() != nil {
		return Test{}, refuse(op.String(), "needs an array")
	}
	if n <= shortList && patterns == 0 {
		return t, nil
	}
	var err error
	t.more, err = p.sortedList(arr, n, patterns)
	return t.or(err)
}

// NewMembership is $in with a list that is data: of any length and whatever its elements look like. A regular expression
// in it is a value like any other.
func NewMembership(list bson.RawValue) (Test, bool) {
	arr, ok := bsonval.Array(list)
	if !ok {
		return Test{}, false
	}
	t := Test{op: In, operand: list}
	n := 0
	it := bsonval.NewIter(arr)
	for it.Next() {
		n++
		t.null = t.null || it.Value().Type == bson.TypeNull
	}
	if it.Err() != nil || n <= shortList {
		return t, it.Err() == nil
	}
	t.more = &compiled{values: make([]bson.RawValue, 0, n)}
	for it = bsonval.NewIter(arr); it.Next(); {
		t.more.values = append(t.more.values, it.Value())
	}
	slices.SortFunc(t.more.values, bsonval.Compare)
	return t, true
}

// NewContainment is $all with a list that is data: whatever its elements look like, they are compared with.
func NewContainment(list bson.RawValue) (Test, bool) {
	arr, ok := bsonval.Array(list)
	if !ok {
		return Test{}, false
	}
	t := Test{op: All, more: &compiled{}}
	it := bsonval.NewIter(arr)
	for it.Next() {
		equal, err := comparison(Eq, it.Value())
		if err != nil {
			return Test{}, false
		}
		t.more.list = append(t.more.list, equal)
	}
	if len(t.more.list) == 0 {
		t = Test{op: In, operand: list} // as in all
	}
	return t, it.Err() == nil
}

// element checks an element of $in or $all.
func (p *parser) element(op Op, v bson.RawValue) error {
	if v.Type == bson.TypeUndefined {
		return refuse(op.String(), "cannot compare with undefined")
	}
	if doc, ok := bsonval.Document(v); ok && hasOperators(doc) {
		return refuse(op.String(), "cannot contain operators")
	}
	return p.literal(op, v, 1)
}

func (p *parser) sortedList(arr bson.Raw, n, patterns int) (*compiled, error) {
	list := &compiled{values: make([]bson.RawValue, 0, n-patterns)}
	it := bsonval.NewIter(arr)
	for it.Next() {
		v := it.Value()
		if v.Type != bson.TypeRegex {
			list.values = append(list.values, v)
			continue
		}
		pat, err := p.pattern(v)
		if err != nil {
			return nil, err
		}
		list.patterns = append(list.patterns, pat)
	}
	slices.SortFunc(list.values, bsonval.Compare)
	return list, nil
}

// all compiles $all: every element is a test of its own, which another array element may satisfy.
func (p *parser) all(v bson.RawValue, depth int) (Test, error) {
	arr, ok := bsonval.Array(v)
	if !ok {
		return Test{}, refuse("$all", "needs an array")
	}
	t := Test{op: All, more: &compiled{}}
	elemMatches := 0
	limit := p.o.MaxElements
	if !p.o.Trusted {
		// Each element is a predicate of its own that walks the whole array, unlike those of $in.
		limit = min(limit, p.o.MaxBranches)
	}
	it := bsonval.NewIter(arr)
	for it.Next() {
		e := it.Value()
		if len(t.more.list) >= limit {
			return Test{}, refuse("$all", "has too many elements")
		}
		var err error
		if inner, ok := elemMatchOperand(e); ok {
			elemMatches++
			if err = p.branch("$all", elemMatches); err == nil {
				t.more.list, err = p.appendTest(t.more.list, ElemMatch, inner, depth)
			}
		} else if err = p.element(All, e); err == nil {
			op := Eq
			if e.Type == bson.TypeRegex {
				op = Regex
			}
			t.more.list, err = p.appendTest(t.more.list, op, e, depth)
		}
		if err != nil {
			return Test{}, err
		}
	}
	switch {
	case len(t.more.list) == 0:
		return Test{op: In, operand: v}, nil // all of nothing matches nothing, and so does $in
	case elemMatches != 0 && elemMatches != len(t.more.list):
		return Test{}, refuse("$all", "cannot mix $elemMatch with values")
	}
	return t, nil
}

// elemMatchOperand recognizes {$elemMatch: …} inside $all.
func elemMatchOperand(v bson.RawValue) (inner bson.RawValue, ok bool) {
	doc, ok := bsonval.Document(v)
	if !ok {
		return bson.RawValue{}, false
	}
	it := bsonval.NewIter(doc)
	if !it.Next() || string(it.Key()) != "$elemMatch" {
		return bson.RawValue{}, false
	}
	inner = it.Value()
	return inner, !it.Next()
}

// elemMatch compiles both forms: operators on the elements themselves, or a query on elements that are documents. Logic
// belongs to the second one.
func (p *parser) elemMatch(v bson.RawValue, depth int) (Test, error) {
	doc, ok := bsonval.Document(v)
	if !ok {
		return Test{}, refuse("$elemMatch", "needs an object")
	}
	if depth >= p.o.MaxDepth {
		return Test{}, refuse("$elemMatch", "the filter is nested too deeply")
	}
	if hasOperators(doc) && !startsWithLogic(doc) {
		list, err := p.operators(nil, doc, depth+1)
		return Test{op: ElemMatch, operand: v, more: &compiled{list: list}}.or(err)
	}
	object, err := p.document(doc, depth+1)
	return Test{op: ElemMatch, operand: v, more: &compiled{object: &object}}.or(err)
}

func startsWithLogic(doc bson.Raw) bool {
	it := bsonval.NewIter(doc)
	if !it.Next() {
		return false
	}
	switch string(it.Key()) {
	case "$and", "$or", "$nor", "$comment":
		return true
	}
	return false
}

// not compiles $not, which negates a set of operators or a regular expression.
func (p *parser) not(v bson.RawValue, depth int) (Test, error) {
	if depth >= p.o.MaxDepth {
		return Test{}, refuse("$not", "the filter is nested too deeply")
	}
	t := Test{op: Not, more: &compiled{}}
	var err error
	if v.Type == bson.TypeRegex {
		t.more.list, err = p.appendTest(nil, Regex, v, depth+1)
		return t.or(err)
	}
	doc, ok := bsonval.Document(v)
	if !ok || !hasOperators(doc) {
		return Test{}, refuse("$not", "needs operators or a regular expression")
	}
	t.more.list, err = p.operators(nil, doc, depth+1)
	return t.or(err)
}

// mod compiles [divisor, remainder]; both are truncated towards zero.
func mod(v bson.RawValue) (Test, error) {
	arr, ok := bsonval.Array(v)
	if !ok {
		return Test{}, refuse("$mod", "needs an array")
	}
	var parts [2]int64
	n := 0
	it := bsonval.NewIter(arr)
	for ; it.Next(); n++ {
		if n == len(parts) {
			return Test{}, refuse("$mod", "has too many elements")
		}
		if parts[n], ok = truncate(it.Value()); !ok {
			return Test{}, refuse("$mod", "divisor and remainder must be numbers within 64 bits")
		}
	}
	if n < len(parts) || parts[0] == 0 {
		return Test{}, refuse("$mod", "needs a divisor that is not zero and a remainder")
	}
	return Test{op: Mod, operand: v, more: &compiled{divisor: parts[0], remainder: parts[1]}}, nil
}
