package reference

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// judge evaluates expressions. What it knows are facts and, where a document is judged, that document: as it will be,
// as it is, and the value in both that the expression is about.
type judge struct {
	facts          *Facts
	root, prevRoot bson.RawValue
	this, prev     bson.RawValue
}

// Facts is what is known before any document is read.
type Facts struct {
	User        bson.Raw // id, type, data, custom_data, identities
	Values      bson.Raw // by name
	Environment bson.Raw // tag, values
	Request     bson.Raw // operation, httpMethod and so on
}

// of is a judge of the same document and another value in it.
func (j judge) of(v bson.RawValue) judge {
	j.this, j.prev = v, v
	return j
}

// expression evaluates true, false, or an object of conditions that must all hold.
func (j judge) expression(x expression) Truth {
	if b, ok := bsonval.Bool(x); ok {
		return truth(b)
	}
	if !isDocument(x) {
		return Failed
	}
	var conditions []Truth
	for _, e := range elements(document(x)) {
		conditions = append(conditions, j.condition(e.name, e.value))
	}
	return all(conditions...)
}

// condition evaluates one key of an expression.
func (j judge) condition(key string, v bson.RawValue) Truth {
	if name, ok := operator(key); ok {
		return j.logic(name, v, j.expression)
	}
	negated := key == "%%false"
	if (negated || key == "%%true") && (!isDocument(v) || isExpression(document(v))) && !isText(v) {
		t := j.expression(v)
		if negated {
			return not(t)
		}
		return t
	}
	return j.predicate(j.key(key), v)
}

// isExpression tells an object of conditions from one of operators.
func isExpression(doc bson.Raw) bool {
	for _, e := range elements(doc) {
		name, ok := operator(e.name)
		if ok && name != "and" && name != "or" && name != "nor" && name != "not" {
			return false
		}
	}
	return true
}

func isText(v bson.RawValue) bool { return v.Type == bson.TypeString }

// operator is the name of an operator without its prefix.
func operator(key string) (string, bool) {
	if key == "" || strings.HasPrefix(key, "%%") || key[0] != '$' && key[0] != '%' {
		return "", false
	}
	return key[1:], true
}

// hasOperators tells an object of operators from a literal document.
func hasOperators(v bson.RawValue) bool {
	for _, e := range elements(document(v)) {
		if _, ok := operator(e.name); ok {
			return true
		}
	}
	return false
}

// isTruth tells an object whose keys are %%true and %%false.
func isTruth(v bson.RawValue) bool {
	list := elements(document(v))
	return len(list) > 0 && (list[0].name == "%%true" || list[0].name == "%%false")
}

// logic evaluates and, or, nor and not. What they join is evaluated by inner.
func (j judge) logic(name string, v bson.RawValue, inner func(bson.RawValue) Truth) Truth {
	var ts []Truth
	for _, x := range values(v) {
		ts = append(ts, inner(x))
	}
	switch name {
	case "and":
		return all(ts...)
	case "or":
		return some(ts...)
	case "nor":
		return not(some(ts...))
	case "not":
		return not(inner(v))
	}
	return Failed
}

// predicate compares what a key stands for with what it is given.
func (j judge) predicate(left place, v bson.RawValue) Truth {
	switch {
	case left.never:
		return Unknown
	case isTruth(v):
		// The truth of an expression, compared with what is there.
		t := j.expression(v)
		return some(all(t, left.matches("eq", bsonval.FromBool(true))), all(not(t), left.matches("eq", bsonval.FromBool(false))))
	case isDocument(v) && !isConversion(v) && hasOperators(v):
		return j.operators(left, document(v))
	case isDocument(v) && !isConversion(v) && left.bound:
		// Under what is known of the user, the app or the request, an object is a list of conditions on its fields.
		var conditions []Truth
		for _, e := range elements(document(v)) {
			conditions = append(conditions, j.predicate(left.child(e.name), e.value))
		}
		return all(conditions...)
	}
	return j.compare(left, "eq", v)
}

// operators evaluates an object such as {"$gt": 1, "$lt": 5}; all must hold.
func (j judge) operators(left place, ops bson.Raw) Truth {
	inner := func(x bson.RawValue) Truth {
		if hasOperators(x) {
			return j.operators(left, document(x))
		}
		return j.expression(x)
	}
	var ts []Truth
	for _, e := range elements(ops) {
		name, _ := operator(e.name)
		switch name {
		case "and", "or", "nor", "not":
			ts = append(ts, j.logic(name, e.value, inner))
		case "options":
			// belongs to regex
		case "regex":
			ts = append(ts, left.matchesPattern(e.value, ops))
		case "exists", "type", "size", "mod", "elemMatch":
			ts = append(ts, left.matches(name, literal(e.value)))
		default:
			ts = append(ts, j.compare(left, name, e.value))
		}
	}
	return all(ts...)
}
