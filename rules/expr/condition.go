package expr

import (
	"slices"
	"strings"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/internal/source"
)

// condition reads what stands beside a field or an expansion.
func (p *parser) condition(left side, v *source.Value) node {
	if v.Kind != source.Object || isExtendedJSON(v) {
		return p.compare(left, query.Eq, v)
	}
	switch p.contents(v) {
	case operators:
		return p.operators(left, v)
	case truths:
		// The truth of a nested expression, compared with the value of the field.
		n := p.expression(v)
		return &junction{any: true, kids: []node{
			&junction{kids: []node{n, p.is(left, true)}},
			&junction{kids: []node{&notNode{n}, p.is(left, false)}},
		}}
	case fields:
		if left.base != baseConst && !left.base.ofDocument() {
			return p.subConditions(left, v)
		}
		return p.compare(left, query.Eq, v)
	default:
		return constNode(Unknown) // reported
	}
}

func (p *parser) is(left side, b bool) node {
	return &comparison{left: left, op: query.Eq, right: constant{value: bsonval.FromBool(b)}}
}

type contents uint8

const (
	unusable contents = iota
	operators
	truths
	fields
)

// contents tells what the members of an object are. They are all of one kind.
func (p *parser) contents(v *source.Value) contents {
	kind := fields
	for i, m := range v.Members {
		k := fields
		if _, ok := operatorName(m.Name); ok {
			k = operators
		} else if m.Name == "%%true" || m.Name == "%%false" {
			k = truths
		} else if strings.HasPrefix(m.Name, "%%") {
			p.fail(m.NameSpan, CodePlacement, "an expansion stands left of a comparison or as its value",
				"the expansion %q cannot be a name here", m.Name)
			return unusable
		} else if op, ok := schemaKeywords[m.Name]; ok && m.Value.Kind == source.Array {
			p.fail(m.NameSpan, CodeOperator, `the operator is "%`+op+`"`,
				"%q is a keyword of JSON Schema and no operator", m.Name)
			return unusable
		}
		if i > 0 && k != kind {
			p.fail(m.NameSpan, CodeMixed, "put the operators in an object of their own",
				"operators and field names are mixed: %q", m.Name)
			return unusable
		}
		kind = k
	}
	return kind
}

// subConditions reads an object below an expansion of the request: each member is a condition on a sub-field.
// See cases/expressions/object-under-expansion.txtar.
func (p *parser) subConditions(left side, v *source.Value) node {
	if len(v.Members) == 0 {
		return p.fail(v.Span, CodeOperand, "leave the condition out, or state one",
			"an object without members states no condition")
	}
	kids := make([]node, 0, len(v.Members))
	for _, m := range v.Members {
		r, err := left.below(m.Name)
		if err != nil {
			return p.fail(m.NameSpan, CodePath, "", "%q is not a field path: %v", m.Name, err)
		}
		kids = append(kids, p.condition(side{ref: r}, m.Value))
	}
	return newJunction(false, kids)
}

// operators reads an object of operators, all of which must hold.
func (p *parser) operators(left side, v *source.Value) node {
	if name, _ := operatorName(v.Members[0].Name); len(v.Members) == 1 && makesValue(name) {
		return p.compare(left, query.Eq, v)
	}
	kids := make([]node, 0, len(v.Members))
	for i := range v.Members {
		m := &v.Members[i]
		name, _ := operatorName(m.Name)
		if name == "options" && (v.Get("$regex") != nil || v.Get("%regex") != nil) {
			continue // read with its pattern
		}
		kids = append(kids, p.operator(left, name, m, v))
	}
	return newJunction(false, kids)
}

func (p *parser) operator(left side, name string, m *source.Member, all *source.Value) node {
	if op, ok := comparisons[name]; ok {
		return p.compare(left, op, m.Value)
	}
	if op, ok := memberships[name]; ok {
		isReference := m.Value.Kind == source.String && strings.HasPrefix(m.Value.Str, "%%")
		if m.Value.Kind == source.String && !isReference {
			p.ds.Warn(m.Value.Span, CodeOperand, `a field of the document is written "%%root.`+m.Value.Str+`"`,
				"%q takes a list, or an expansion that is one: this condition never holds", m.Name)
			return constNode(Unknown)
		}
		if m.Value.Kind != source.Array && !isReference {
			return p.fail(m.Value.Span, CodeOperand, "", "%q takes a list, or an expansion that is one", m.Name)
		}
		return p.compare(left, op, m.Value)
	}
	if op, ok := shapes[name]; ok {
		return p.shape(left, op, m)
	}
	switch name {
	case "exists":
		return p.exists(left, m)
	case "regex":
		return p.regex(left, m, all)
	case "not":
		if m.Value.Kind != source.Object || p.contents(m.Value) != operators {
			return p.fail(m.Value.Span, CodeOperand, `write {"%not": {"%gt": 5}}`, "%q takes an object of operators", m.Name)
		}
		return &notNode{p.operators(left, m.Value)}
	case "and", "or", "nor":
		return p.logical(name, m.Value, func(v *source.Value) node { return p.inner(left, v) })
	}
	if makesValue(name) {
		return p.fail(m.NameSpan, CodePlacement, `write {"%eq": {"`+m.Name+`": ...}}`,
			"%q cannot stand beside other operators", m.Name)
	}
	return p.unknownName(m)
}

// inner reads an element of a logical operator that stands below a field: operators without a field apply to it.
func (p *parser) inner(left side, v *source.Value) node {
	if v.Kind == source.Object && len(v.Members) > 0 {
		if name, ok := operatorName(v.Members[0].Name); ok && name != "function" {
			if p.contents(v) != operators {
				return constNode(Unknown)
			}
			return p.operators(left, v)
		}
	}
	return p.expression(v)
}

func (p *parser) compare(left side, op query.Op, v *source.Value) node {
	o := p.operand(v)
	if o == nil {
		return constNode(Unknown)
	}
	if c, ok := o.(constant); ok {
		if _, err := query.NewTest(op, c.value); err != nil && op != query.Ne && op != query.Nin {
			return p.fail(v.Span, CodeOperand, "", "%v", err)
		}
	}
	return &comparison{left: left, op: op, right: o}
}

func (p *parser) exists(left side, m *source.Member) node {
	var want bool
	switch v := m.Value; {
	case v.Kind == source.Bool:
		want = v.Bool
	case v.Kind == source.Number && (v.Str == "0" || v.Str == "1"):
		want = v.Str == "1"
	case v.Kind == source.String && (v.Str == "%%true" || v.Str == "%%false"):
		want = v.Str == "%%true"
	default:
		return p.fail(v.Span, CodeOperand, "use true or false", "%q takes a boolean", m.Name)
	}
	return &comparison{left: left, op: query.Exists, right: constant{value: bsonval.FromBool(want)}}
}

// shape reads an operator that takes a literal.
func (p *parser) shape(left side, op query.Op, m *source.Member) node {
	if at := findExpansion(m.Value); at != nil {
		return p.fail(at.Span, CodeOperand, "", "%q takes a literal, not an expansion", m.Name)
	}
	lit, err := ejson.ParseValue(dollarText(nil, m.Value), ejson.Limits{})
	if err == nil {
		_, err = query.NewTest(op, lit)
	}
	if err != nil {
		return p.fail(m.Value.Span, CodeOperand, "", "%q: %v", m.Name, err)
	}
	return &comparison{left: left, op: op, right: constant{value: lit}}
}

func (p *parser) regex(left side, m *source.Member, all *source.Value) node {
	if m.Value.Kind != source.String || strings.HasPrefix(m.Value.Str, "%%") {
		return p.fail(m.Value.Span, CodeOperand, "", "%q takes a pattern, not an expansion", m.Name)
	}
	options := ""
	o := all.Get("$options")
	if o == nil {
		o = all.Get("%options")
	}
	if o != nil {
		if o.Kind != source.String {
			return p.fail(o.Span, CodeOperand, "", "the options of a pattern are a string")
		}
		options = o.Str
	}
	pattern := regex(m.Value.Str, options)
	if _, err := query.NewTest(query.Regex, pattern); err != nil {
		return p.fail(m.Value.Span, CodeOperand, "", "%v", err)
	}
	return &comparison{left: left, op: query.Regex, right: constant{value: pattern}}
}

// isExtendedJSON tells whether an object stands for one value.
func isExtendedJSON(v *source.Value) bool {
	return v.Kind == source.Object && len(v.Members) > 0 && extendedJSON[v.Members[0].Name]
}

// soleOperator returns the name of an object's first operator.
func soleOperator(v *source.Value) (string, bool) {
	if v.Kind != source.Object || len(v.Members) == 0 {
		return "", false
	}
	return operatorName(v.Members[0].Name)
}

// isValueOperator tells whether the operator compares a value; logical ones and functions are expressions themselves.
func isValueOperator(name string) bool {
	return !slices.Contains([]string{"and", "or", "nor", "not", "function"}, name)
}

// findExpansion returns the first expansion inside v.
func findExpansion(v *source.Value) *source.Value {
	if v.Kind == source.String && strings.HasPrefix(v.Str, "%%") {
		return v
	}
	for _, it := range v.Items {
		if at := findExpansion(it); at != nil {
			return at
		}
	}
	for _, m := range v.Members {
		if at := findExpansion(m.Value); at != nil {
			return at
		}
	}
	return nil
}
