package reference

import (
	"bytes"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
)

// reserved is the field in which App Services kept its locks. Nobody is shown it.
const reserved = "_id__baas_transaction"

// View is what a user may read of a collection.
type View struct {
	// Documents are the cut documents, in the order of what is stored.
	Documents []bson.Raw
	// Hidden tells that something stored is not shown, or not all of it.
	Hidden bool
}

// View cuts what is stored to what the user may read.
func (r *Rules) View(facts *Facts, stored []bson.Raw) (View, error) {
	var v View
	applied, err := r.apply(judge{facts: facts})
	if err != nil {
		return v, err
	}
	for _, doc := range stored {
		cut := encode(r.cut(facts, applied, doc))
		if len(elements(cut)) > 0 {
			v.Documents = append(v.Documents, cut)
		}
		whole := encode(without(elements(doc), reserved))
		v.Hidden = v.Hidden || !bytes.Equal(cut, whole)
	}
	return v, nil
}

// cut returns the fields of a document that the user may read; none if there are none.
func (r *Rules) cut(facts *Facts, applied applied, doc bson.Raw) []element {
	if !applied.passes(doc) {
		return nil
	}
	return without(applied.projection.apply(r.read(images(facts, doc, doc), doc)), reserved)
}

// read finds the role of a document and applies it. A role that cannot be evaluated withholds the document.
func (r *Rules) read(j judge, doc bson.Raw) []element {
	role, ok := r.role(j)
	if !ok {
		return nil
	}
	return role.cut(j, doc)
}

func without(fields []element, name string) []element {
	var rest []element
	for _, e := range fields {
		if e.name != name {
			rest = append(rest, e)
		}
	}
	return rest
}

// applied are the rule filters that apply to a request.
type applied struct {
	queries    []*query.Filter // nil matches nothing
	projection projection
}

func (a applied) passes(doc bson.Raw) bool {
	for _, q := range a.queries {
		if !q.Match(doc) {
			return false
		}
	}
	return true
}

// apply finds the filters that apply. One whose condition has no outcome, or whose query has an operand without a
// value, applies and lets nothing through.
func (r *Rules) apply(j judge) (applied, error) {
	a := applied{projection: projection{id: true}}
	for _, f := range r.filters {
		condition := j.expression(f.applyWhen)
		if condition == False {
			continue
		}
		var parsed *query.Filter
		if q, ok := j.query(f.query); ok && condition == True {
			parsed, _ = query.Parse(q, query.Options{Trusted: true}) // a value of the wrong type lets nothing through
		}
		a.queries = append(a.queries, parsed)
		p, err := parseProjection(f.projection)
		if err != nil {
			return a, err
		}
		if a.projection, err = a.projection.and(p); err != nil {
			return a, err
		}
	}
	return a, nil
}

// query puts values in the place of the expansions and conversions in the query of a filter. They are data there: they
// are compared with and never taken for operators, so that a list with something in it that would be one is no value. The
// database cannot tell a null that somebody has from a field that is missing, nor an array without a value in it from that
// of somebody else, so those are no values either.
func (j judge) query(q bson.Raw) (bson.Raw, bool) {
	v, ok := j.substitute(bsonval.FromDocument(q), "")
	return document(v), ok
}

// substitute replaces what is in v, which stands beside a name. A value beside the name of a field becomes {"$eq": value}.
func (j judge) substitute(v bson.RawValue, name string) (bson.RawValue, bool) {
	_, ofOperator := operator(name)
	if o := j.operand(v); o.origin == fromFacts {
		takesList := name == "$in" || name == "$nin" || name == "$all"
		if bsonval.IsMissing(o.value) || isNull(o.value) || takesList && !isArray(o.value) || isVain(o.value) && !takesList {
			return v, false
		}
		switch {
		case name == "$all" && slices.ContainsFunc(values(o.value), isOperator):
			return v, false
		case name == "$all" && slices.ContainsFunc(values(o.value), isNull):
			o.value = array(nil) // one that is equal to nothing, so nothing has all
		case takesList:
			o.value = array(slices.DeleteFunc(values(o.value), isNull))
		case name != "" && !ofOperator:
			o.value = bsonval.FromDocument(encode([]element{{"$eq", o.value}}))
		}
		return o.value, true
	}
	if isConversion(v) {
		return j.operand(v).value, true
	}
	if !isDocument(v) && !isArray(v) {
		return v, true
	}
	list, found := elements(bson.Raw(v.Value)), true
	for i, e := range list {
		if isArray(v) {
			e.name = ""
		}
		if operator, ok := operator(e.name); ok {
			e.name = "$" + operator
		}
		inner, ok := j.substitute(e.value, e.name)
		found = found && ok
		list[i].value = inner
		if isDocument(v) {
			list[i].name = e.name
		}
	}
	whole := bson.RawValue{Type: v.Type, Value: encode(list)}
	return whole, found && !(name == "$all" && slices.ContainsFunc(values(whole), isOperator))
}

// isOperator tells what the database would not compare with.
func isOperator(v bson.RawValue) bool {
	list := elements(document(v))
	return len(list) > 0 && strings.HasPrefix(list[0].name, "$")
}
