package expr

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
)

// matcher is one operator with a known right side.
type matcher struct {
	op   query.Op
	test query.Test

	negate bool // for ne and nin, which are eq and in negated
	// list is the right side when it is an array that came from an expansion and the operator is eq: an element
	// matches, and so does the array as a whole.
	list   bson.RawValue
	isList bool
	// null says that the right side came from an expansion and is null, or a list with such an element. It never
	// matches a missing field.
	null bool
	// vain says that an array with nothing in it came from an expansion, as the right side of eq or into its list. That the
	// document has an empty array, too, is nothing in common: the outcome is unknown unless rest passes, which is the test
	// without such arrays.
	vain bool
	rest query.Test
}

// newMatcher compiles a comparison with c. It reports false when c has no usable value: a pattern among data, or an
// array where the operator needs one and c is none.
func newMatcher(op query.Op, c constant) (matcher, bool) {
	m := matcher{op: op, null: c.hasNull}
	switch op {
	case query.Ne:
		m.op, m.negate = query.Eq, true
	case query.Nin:
		m.op, m.negate = query.In, true
	}
	v := c.value
	if c.expansion {
		if isPattern(v) {
			return m, false
		}
		if bsonval.IsMissing(v) {
			v = bsonval.Null() // a missing field of the document compares like null
		} else if v.Type == bson.TypeNull && !c.ofDocument {
			m.null = true
		}
		if v.Type == bson.TypeArray {
			switch m.op {
			case query.Eq:
				m.isList, m.list, m.vain = true, v, !c.ofDocument && isVain(v)
			case query.In, query.All:
				var nulls bool
				v, nulls = withoutNulls(v)
				if nulls && m.op == query.All {
					v = array(nil) // what is equal to nothing nothing contains
				}
			}
		}
		if (m.op == query.In || m.op == query.All) && v.Type != bson.TypeArray {
			return m, false
		}
		if m.op == query.In && c.ofDocument {
			var ok bool
			m.test, ok = query.NewMembership(v)
			return m, ok
		}
	}
	if c.hasVain && (m.op == query.In || m.op == query.All) {
		m.vain = true
		if m.op == query.In {
			m.rest, _ = query.NewTest(query.In, c.rest) // an error is that of the whole list, below
		}
	}
	if m.op == query.All && !isPattern(v) {
		var ok bool
		m.test, ok = query.NewContainment(v) // an operator in a rule's list can only be somebody's data
		return m, ok
	}
	t, err := query.NewTest(m.op, v)
	if err != nil {
		return m, false
	}
	m.test = t
	return m, true
}

// match compares the value of r, which starts at doc or is v itself.
func (m *matcher) match(doc bson.Raw, v bson.RawValue, r ref) Truth {
	if m.null && !reaches(v, r) {
		return Unknown
	}
	t := truthOf(m.holds(doc, v, r))
	if t == True && m.vain && !passes(&m.rest, doc, v, r) {
		return Unknown
	}
	if m.negate {
		return t.not()
	}
	return t
}

func (m *matcher) holds(doc bson.Raw, v bson.RawValue, r ref) bool {
	if ok := passes(&m.test, doc, v, r); ok || !m.isList {
		return ok
	}
	return !eachValue(v, r.path.Segments(), func(v bson.RawValue) bool { return !m.contains(v) })
}

// passes tells whether the value of r passes a test.
func passes(t *query.Test, doc bson.Raw, v bson.RawValue, r ref) bool {
	switch {
	case r.text == "":
		return t.MatchValue(v)
	case v.Type == bson.TypeArray:
		// A path below an array that is not a field of a document: %%this inside field rules.
		return t.Match(wrap(v), r.wrapped)
	}
	return t.Match(doc, r.path)
}

// contains tells whether v is an element of the list. Null is not: a list of a user's own values must not make them
// the owner of what has no owner.
func (m *matcher) contains(v bson.RawValue) bool {
	if v.Type == bson.TypeArray || v.Type == bson.TypeNull {
		return false
	}
	it := bsonval.NewIter(m.list.Value)
	for it.Next() {
		if bsonval.Equal(it.Value(), v) {
			return true
		}
	}
	return false
}

// reaches tells whether there is a value at r at all.
func reaches(v bson.RawValue, r ref) bool {
	return !eachValue(v, r.path.Segments(), func(bson.RawValue) bool { return false })
}

const wrapName = "v"

// wrap makes an array a field of a document.
func wrap(v bson.RawValue) bson.Raw {
	doc, start := bsonval.BeginDocument(nil)
	return bsonval.EndDocument(bsonval.AppendElement(doc, wrapName, v), start)
}

// isPattern tells whether v would act as a regular expression, alone or in a list.
func isPattern(v bson.RawValue) bool {
	if v.Type == bson.TypeRegex {
		return true
	}
	if v.Type != bson.TypeArray {
		return false
	}
	it := bsonval.NewIter(v.Value)
	for it.Next() {
		if it.Value().Type == bson.TypeRegex {
			return true
		}
	}
	return false
}

// withoutNulls removes nulls from an array and tells whether there were any.
func withoutNulls(v bson.RawValue) (bson.RawValue, bool) {
	found := false
	it := bsonval.NewIter(v.Value)
	for it.Next() {
		found = found || isNull(it.Value())
	}
	if !found {
		return v, false
	}
	kept := make([]bson.RawValue, 0, 8)
	for it = bsonval.NewIter(v.Value); it.Next(); {
		if e := it.Value(); !isNull(e) {
			kept = append(kept, e)
		}
	}
	return array(kept), true
}

// isVain tells an array without a value: it is empty, or holds nothing but null.
func isVain(v bson.RawValue) bool {
	if v.Type != bson.TypeArray {
		return false
	}
	for it := bsonval.NewIter(v.Value); it.Next(); {
		if !isNull(it.Value()) {
			return false
		}
	}
	return true
}

func isNull(v bson.RawValue) bool { return v.Type == bson.TypeNull || v.Type == bson.TypeUndefined }
