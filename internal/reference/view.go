package reference

import (
	"bytes"
	"errors"

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

// ErrProjections is the answer to every request when the projections of the rule filters that apply exclude each other.
var ErrProjections = errors.New("the projections of the filters differ in kind")

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
func (r *Rules) cut(facts *Facts, applied []applied, doc bson.Raw) []element {
	for _, f := range applied {
		if !f.query.Match(doc) {
			return nil
		}
	}
	stored := bsonval.FromDocument(doc)
	fields := r.read(judge{facts: facts, root: stored, prevRoot: stored, this: stored, prev: stored}, doc)
	for _, f := range applied {
		fields = f.project(fields)
	}
	return without(fields, reserved)
}

// read finds the role of a document and applies it. A role that cannot be evaluated withholds the document.
func (r *Rules) read(j judge, doc bson.Raw) []element {
	for _, role := range r.roles {
		switch j.expression(role.applyWhen) {
		case True:
			return role.cut(j, doc)
		case Failed:
			return nil
		}
	}
	return nil
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

// applied is a rule filter that applies to a request.
type applied struct {
	query   *query.Filter // nil matches nothing
	project func([]element) []element
}

// apply finds the filters that apply. One whose condition has no outcome, or whose query has an operand without a
// value, applies and lets nothing through.
func (r *Rules) apply(j judge) ([]applied, error) {
	var list []applied
	kinds := map[bool]bool{}
	for _, f := range r.filters {
		condition := j.expression(f.applyWhen)
		if condition == False {
			continue
		}
		var a applied
		q, ok := j.query(f.query)
		if condition == True && ok {
			a.query, _ = query.Parse(q, query.Options{Trusted: true}) // a value of the wrong type lets nothing through
		}
		p, err := parseProjection(f.projection)
		if err != nil {
			return nil, err
		}
		if p.kind != neutral {
			kinds[p.kind == inclusion] = true
		}
		a.project = p.apply
		list = append(list, a)
	}
	if len(kinds) > 1 {
		return nil, ErrProjections
	}
	return list, nil
}

// query puts values in the place of the expansions and conversions in the query of a filter. They are data there: they
// are compared with and never taken for operators.
func (j judge) query(q bson.Raw) (bson.Raw, bool) {
	v, ok := j.substitute(bsonval.FromDocument(q), false)
	return document(v), ok
}

// substitute replaces what is in v. Directly below a field a value becomes {"$eq": value}.
func (j judge) substitute(v bson.RawValue, field bool) (bson.RawValue, bool) {
	o := j.operand(v)
	if o.origin == fromFacts || isConversion(v) || isText(v) && !bsonval.Identical(o.value, v) {
		if bsonval.IsMissing(o.value) {
			return v, false
		}
		if field {
			return bsonval.FromDocument(encode([]element{{"$eq", o.value}})), true
		}
		return o.value, true
	}
	list, found := elements(bson.Raw(v.Value)), true
	switch v.Type {
	case bson.TypeArray, bson.TypeEmbeddedDocument:
	default:
		return v, true
	}
	for i, e := range list {
		name, isOperator := operator(e.name)
		if isOperator {
			e.name = "$" + name
		}
		inner, ok := j.substitute(e.value, !isOperator && isDocument(v))
		found = found && ok
		list[i] = element{e.name, inner}
	}
	return bson.RawValue{Type: v.Type, Value: encode(list)}, found
}
