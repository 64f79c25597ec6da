package reference

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// operand is the right side of a comparison.
type operand struct {
	value  bson.RawValue
	origin origin
	failed bool // a stored value did not convert
	null   bool // it is an array, written in the rule, in which something known is null
}

// origin is where an operand comes from: it decides what becomes of one that is missing or an array.
type origin uint8

const (
	fromRule  origin = iota // written there
	fromFacts               // what is known of the user, the app or the request
	fromDocument
)

// operand resolves what stands on the right: an expansion, a conversion, or a literal.
func (j judge) operand(v bson.RawValue) operand {
	if text, ok := bsonval.String(v); ok {
		if name, ok := strings.CutPrefix(text, "%%"); ok {
			return j.expanded(name)
		}
	}
	if isConversion(v) {
		e := elements(document(v))[0]
		name, _ := operator(e.name)
		return converted(name, j.operand(e.value))
	}
	return j.container(v)
}

// container resolves what is inside a literal. It stays one, compared as a whole; without a value inside it has none.
func (j judge) container(v bson.RawValue) operand {
	if !isArray(v) && !isDocument(v) {
		return operand{value: v}
	}
	whole := operand{}
	list := elements(bson.Raw(v.Value))
	for i, e := range list {
		o := j.operand(e.value)
		if o.unresolved() {
			return o
		}
		whole.failed = whole.failed || o.failed
		whole.null = whole.null || isArray(v) && o.origin == fromFacts && isNull(o.value)
		list[i].value = orNull(o.value)
	}
	whole.value = bson.RawValue{Type: v.Type, Value: encode(list)}
	return whole
}

func (j judge) expanded(name string) operand {
	p := j.expansion(name)
	switch {
	case name == "true" || name == "false":
		return operand{value: p.value()}
	case p.bound:
		return operand{value: p.value(), origin: fromFacts}
	}
	return operand{value: p.value(), origin: fromDocument}
}

// compare evaluates an operator that takes values from anywhere.
func (j judge) compare(left place, name string, v bson.RawValue) Truth {
	switch name {
	case "ne":
		return not(j.compare(left, "eq", v))
	case "nin":
		return not(j.compare(left, "in", v))
	case "in", "all":
		return j.list(left, name, v)
	}
	o := j.operand(v)
	if t := o.obstacle(left); t != True {
		return t
	}
	var t Truth
	if o.origin != fromRule && name == "eq" {
		t = left.equals(orNull(o.value))
	} else {
		t = left.matches(name, orNull(o.value))
	}
	if t == True && o.lacks() && left.bound && !isNull(left.value()) {
		return Unknown // of several values one is absent too, which is nothing in common
	}
	if name == "eq" {
		return o.inCommon(t, left)
	}
	return t
}

// inCommon is whether an operand equals what is on the left, unless it is an array that both have and there is nothing in
// it: that a user is in no group and a document in none is not the same group.
func (o operand) inCommon(equal Truth, left place) Truth {
	if equal == True && (o.origin == fromFacts && isVain(o.value) || o.origin == fromDocument && left.bound && isVain(left.value())) {
		return Unknown
	}
	return equal
}

// isVain tells an array that is empty or holds nothing but null.
func isVain(v bson.RawValue) bool {
	return isArray(v) && !slices.ContainsFunc(values(v), func(e bson.RawValue) bool { return !isNull(e) })
}

// lacks tells that the document has nothing here.
func (o operand) lacks() bool {
	return o.origin == fromDocument && (bsonval.IsMissing(o.value) || isNull(o.value))
}

// orNull is what a field of the document that is missing compares like.
func orNull(v bson.RawValue) bson.RawValue {
	if bsonval.IsMissing(v) {
		return bsonval.Null()
	}
	return v
}

// obstacle says why a comparison has no outcome; True is none. A user without a value has nothing in common with a
// document without one, on whichever side the user stands. A pattern that was stored is not compared with.
func (o operand) obstacle(left place) Truth {
	absent := bsonval.IsMissing(o.value)
	nothing := absent || isNull(o.value)
	switch {
	case o.unresolved():
		return Unknown
	case o.failed:
		return Failed
	case (o.origin == fromFacts && nothing || o.null) && left.missing(),
		o.origin == fromDocument && nothing && left.bound && left.missing(),
		o.origin == fromDocument && absent && left.bound && isNull(left.value()),
		o.origin == fromDocument && hasPattern(o.value):
		return Unknown
	}
	return True
}

// unresolved tells that there is no value, whatever the document.
func (o operand) unresolved() bool { return o.origin == fromFacts && bsonval.IsMissing(o.value) }

func hasPattern(v bson.RawValue) bool {
	return v.Type == bson.TypeRegex || slices.ContainsFunc(values(v), func(e bson.RawValue) bool { return e.Type == bson.TypeRegex })
}

// list evaluates in and all.
func (j judge) list(left place, name string, v bson.RawValue) Truth {
	var found, present, obstacles []Truth
	ofDocument, lacking := false, false
	if isArray(v) {
		for _, e := range values(v) {
			o := j.operand(e)
			if o.unresolved() {
				return Unknown // before anything of the document is looked at
			}
			obstacles = append(obstacles, o.obstacle(left))
			found = append(found, o.inCommon(left.matches("eq", orNull(o.value)), left))
			if !isNull(orNull(o.value)) {
				present = append(present, found[len(found)-1])
			}
			ofDocument = ofDocument || o.origin == fromDocument
			lacking = lacking || o.lacks() || o.origin == fromFacts && isNull(o.value)
		}
	} else {
		o := j.operand(v)
		obstacles = append(obstacles, o.obstacle(left))
		if !isArray(o.value) {
			obstacles = append(obstacles, Unknown) // what is no list has no elements to be one of
		}
		for _, e := range values(o.value) {
			// A null inside an array that is not written in the rule is equal to nothing.
			found = append(found, all(not(truth(isNull(e))), o.inCommon(left.matches("eq", e), left)))
		}
	}
	if t := all(obstacles...); t != True {
		return t
	}
	holds := func(found []Truth) Truth {
		if name == "all" {
			return all(append(found, truth(len(found) > 0))...)
		}
		return some(found...)
	}
	if left.bound && ofDocument && lacking && holds(found) == True && holds(present) != True {
		return Unknown // what is absent is all that they have in common
	}
	if left.bound && ofDocument && isVain(left.value()) && holds(found) == True {
		return Unknown
	}
	return holds(found)
}

// literal replaces the spellings that MongoDB does not know, %operator and %%true, in an operand that has no other
// expansions.
func literal(v bson.RawValue) bson.RawValue {
	switch v.Type {
	case bson.TypeString:
		switch text, _ := bsonval.String(v); text {
		case "%%true":
			return bsonval.FromBool(true)
		case "%%false":
			return bsonval.FromBool(false)
		}
	case bson.TypeArray:
		list := values(v)
		for i, e := range list {
			list[i] = literal(e)
		}
		return array(list)
	case bson.TypeEmbeddedDocument:
		list := elements(document(v))
		for i, e := range list {
			if name, ok := operator(e.name); ok {
				e.name = "$" + name
			}
			list[i] = element{e.name, literal(e.value)}
		}
		return bsonval.FromDocument(encode(list))
	}
	return v
}
