package expr

import (
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// operand is the right side of a comparison.
type operand interface {
	// bind resolves what the scope knows. It reports false when the operand is unresolved: an expansion without
	// a value, or a bound value that does not convert.
	bind(*Scope) (operand, bool)
	// eval finds the value of a bound operand. It reports false on an error. A missing field is the zero value.
	eval(*Env) (bson.RawValue, bool)
	visit(f func(ref))
}

// constant is a value that needs no document.
type constant struct {
	value      bson.RawValue
	expansion  bool          // it came from an expansion, so it is data
	ofDocument bool          // ... and from a document expansion, for which missing is null
	hasNull    bool          // a list of the configuration in which an expansion put a null
	hasVain    bool          // ... put an array with nothing in it
	rest       bson.RawValue // the list without those arrays

	// Of what a document put here, alone or in a list: whether it is or holds a null, or something that is missing.
	anyNull, anyMissing bool
}

func (c constant) bind(*Scope) (operand, bool)     { return c, true }
func (c constant) eval(*Env) (bson.RawValue, bool) { return c.value, true }
func (c constant) visit(func(ref))                 {}

// reference is an expansion.
type reference struct{ ref ref }

func (o reference) visit(f func(ref)) { f(o.ref) }

func (o reference) bind(s *Scope) (operand, bool) {
	b := o.ref.base
	if b.ofDocument() {
		return o, true
	}
	switch s.known(o.ref) {
	case Unknown:
		return nil, false
	case Error:
		return failed{}, true
	}
	_, v := s.lookup(o.ref, bson.RawValue{})
	v = resolve(v, o.ref)
	if bsonval.IsMissing(v) {
		return nil, false
	}
	return constant{value: v, expansion: true}, true
}

func (o reference) eval(e *Env) (bson.RawValue, bool) {
	_, v := e.lookup(o.ref)
	return resolve(v, o.ref), true
}

// resolve follows r from v. Where the path leads through an array, the value is the array of what it reaches.
func resolve(v bson.RawValue, r ref) bson.RawValue {
	path := r.path.Segments()
	for i := range path {
		switch v.Type {
		case bson.TypeEmbeddedDocument:
			v, _ = bsonval.Lookup(bson.Raw(v.Value), path[i])
		case bson.TypeArray:
			if e, ok := bsonval.Lookup(bson.Raw(v.Value), path[i]); ok {
				v = e
				continue
			}
			var found []bson.RawValue
			eachValue(v, path[i:], func(v bson.RawValue) bool {
				found = append(found, v)
				return true
			})
			if found == nil {
				return bson.RawValue{}
			}
			return array(found)
		default:
			return bson.RawValue{}
		}
	}
	return v
}

// conversion applies a conversion operator to its argument.
type conversion struct {
	convert converter
	arg     operand
}

func (o conversion) visit(f func(ref)) { o.arg.visit(f) }

func (o conversion) bind(s *Scope) (operand, bool) {
	arg, ok := o.arg.bind(s)
	if !ok {
		return nil, false
	}
	c, ok := arg.(constant)
	if !ok {
		return conversion{o.convert, arg}, true
	}
	v, ok := o.convert(c.value)
	return constant{value: v, expansion: true}, ok
}

func (o conversion) eval(e *Env) (bson.RawValue, bool) {
	v, ok := o.arg.eval(e)
	if !ok || bsonval.IsMissing(v) {
		return v, ok
	}
	return o.convert(v)
}

// list is an array of the configuration with expansions among its elements.
type list struct{ items []operand }

func (o list) visit(f func(ref)) {
	for _, it := range o.items {
		it.visit(f)
	}
}

func (o list) bind(s *Scope) (operand, bool) {
	items, known, ok := bindOperands(o.items, s)
	if !ok {
		return nil, false
	}
	if !known {
		return list{items}, true
	}
	c, t := list{items}.gather(nil)
	return c, t == True
}

// gather is eval for a list that stands beside an operator. What expansions put into it is data: a pattern makes the
// list unusable, a null of the request matches nothing that is missing, an empty array nothing that is empty.
func (o list) gather(e *Env) (constant, Truth) {
	c := constant{}
	vs := make([]bson.RawValue, len(o.items))
	rest := make([]bson.RawValue, 0, len(o.items))
	for i, it := range o.items {
		v, ok := it.eval(e)
		if !ok {
			return constant{}, Error
		}
		known, ofRequest := it.(constant)
		switch {
		case isCall(it) && (bsonval.IsMissing(v) || isNull(v)):
			return constant{}, Unknown
		case bsonval.IsMissing(v):
			v, c.anyNull, c.anyMissing = bsonval.Null(), true, true
		case ofRequest && !known.expansion: // written in place
		case isPattern(v):
			return constant{}, Unknown
		case isNull(v):
			c.anyNull, c.hasNull = true, c.hasNull || ofRequest
		case ofRequest && isVain(v):
			c.hasVain, vs[i] = true, v
			continue
		}
		vs[i], rest = v, append(rest, v)
	}
	c.value, c.rest = array(vs), array(rest)
	return c, True
}

func (o list) eval(e *Env) (bson.RawValue, bool) {
	vs := make([]bson.RawValue, len(o.items))
	for i, it := range o.items {
		v, ok := it.eval(e)
		if !ok {
			return bson.RawValue{}, false
		}
		if bsonval.IsMissing(v) {
			v = bsonval.Null()
		}
		vs[i] = v
	}
	return array(vs), true
}

// document is an embedded document of the configuration with expansions among its values.
type document struct {
	names  []string
	values []operand
}

func (o document) visit(f func(ref)) {
	for _, v := range o.values {
		v.visit(f)
	}
}

func (o document) bind(s *Scope) (operand, bool) {
	values, known, ok := bindOperands(o.values, s)
	if !ok {
		return nil, false
	}
	d := document{o.names, values}
	if !known {
		return d, true
	}
	v, _ := d.eval(nil)
	return constant{value: v}, true
}

func (o document) eval(e *Env) (bson.RawValue, bool) {
	doc, start := bsonval.BeginDocument(nil)
	for i, it := range o.values {
		v, ok := it.eval(e)
		if !ok {
			return bson.RawValue{}, false
		}
		if bsonval.IsMissing(v) {
			v = bsonval.Null()
		}
		doc = bsonval.AppendElement(doc, o.names[i], v)
	}
	return documentValue(bsonval.EndDocument(doc, start)), true
}

// bindOperands binds each operand and tells whether all of them are constants now.
func bindOperands(in []operand, s *Scope) (out []operand, known, ok bool) {
	out, known = make([]operand, len(in)), true
	for i, it := range in {
		b, ok := it.bind(s)
		if !ok {
			return nil, false, false
		}
		if _, isConst := b.(constant); !isConst {
			known = false
		}
		out[i] = b
	}
	return out, known, true
}

func array(vs []bson.RawValue) bson.RawValue {
	doc, start := bsonval.BeginDocument(nil)
	for i, v := range vs {
		doc = bsonval.AppendElement(doc, strconv.Itoa(i), v)
	}
	return bson.RawValue{Type: bson.TypeArray, Value: bsonval.EndDocument(doc, start)}
}
