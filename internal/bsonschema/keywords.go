package bsonschema

import (
	"encoding/json"
	"math/big"
	"slices"

	"github.com/xeipuuv/gojsonschema"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/source"
)

// reading is a node whose keywords are being read: what it becomes, and where it stands.
type reading struct {
	*compiler
	t    *tagged
	k    *check
	node *source.Value
	at   place
}

// keyword reads the value of one keyword into the node.
type keyword func(r *reading, m *source.Member)

// keywords are all that a schema may have. Whatever is not here does not reach the validator.
func keywords() map[string]keyword {
	ks := map[string]keyword{
		"bsonType": (*reading).bsonType, "type": (*reading).jsonType, "validate": (*reading).validate,
		"enum": (*reading).enum, "const": (*reading).constant,

		"properties": (*reading).properties, "patternProperties": (*reading).properties,
		"additionalProperties": (*reading).properties, "required": (*reading).required,
		"minProperties": count(objectTags), "maxProperties": count(objectTags),
		"dependencies": (*reading).dependencies, "propertyNames": (*reading).propertyNames,

		"items": (*reading).items, "additionalItems": (*reading).additionalItems, "contains": (*reading).contains,
		"minItems": count(arrayTags), "maxItems": count(arrayTags), "uniqueItems": (*reading).uniqueItems,

		"minimum": (*reading).bound, "maximum": (*reading).bound, "multipleOf": (*reading).bound,
		"exclusiveMinimum": (*reading).exclusive, "exclusiveMaximum": (*reading).exclusive,

		"minLength": count(stringTags), "maxLength": count(stringTags),
		"pattern": (*reading).pattern, "format": (*reading).format,

		"anyOf": (*reading).combine, "oneOf": (*reading).combine, "allOf": (*reading).combine, "not": (*reading).not,
		"if": (*reading).condition, "then": (*reading).conditional, "else": (*reading).conditional,

		"$ref": (*reading).reference,
	}
	for _, name := range []string{"title", "description", "default", "examples", "definitions", "$schema", "$id", "id", "$comment"} {
		ks[name] = func(*reading, *source.Member) {} // says something to people
	}
	return ks
}

func (r *reading) fail(at source.Span, hint, format string, args ...any) {
	r.ds.Error(at, CodeSchema, hint, format, args...)
}

// is holds the kind of a keyword's value.
func (r *reading) is(m *source.Member, kind source.Kind) bool {
	if m.Value.Kind != kind {
		r.fail(m.Value.Span, "", "%s must be %s, not %s", m.Name, kind, m.Value.Kind)
		return false
	}
	return true
}

func (r *reading) bsonType(m *source.Member) {
	if other := r.node.Member("type"); other != nil {
		r.fail(other.NameSpan, "keep bsonType", "a schema cannot have both bsonType and type")
	}
	r.restrict(r.compiler.types(m, bsonTypes))
}

func (r *reading) jsonType(m *source.Member) {
	r.restrict(r.compiler.types(m, jsonTypes))
}

func (r *reading) restrict(tags []string, every bool) {
	r.t.types, r.t.typed = tags, !every
}

func (r *reading) validate(m *source.Member) {
	switch {
	case r.at.branch:
		r.fail(m.NameSpan, "state the condition in a schema that always applies", "validate cannot stand in an alternative, a negation or a condition")
	case r.options.Validate == nil:
		r.fail(m.NameSpan, "", "validate cannot be used here")
	default:
		r.k.exprs = append(r.k.exprs, r.options.Validate(m.Value))
	}
}

// literal is the digest of a value that is written in the schema.
func (r *reading) literal(v *source.Value) string {
	lit, err := ejson.ParseValue(v.Span.File.Text[v.Span.Start:v.Span.End], ejson.Limits{})
	if err != nil {
		r.fail(v.Span, "", "not a value: %v", err)
		return ""
	}
	e := encoder{needs: needs{digests: true}}
	_, digest, err := e.value(lit, 0)
	if err != nil {
		r.fail(v.Span, "", "the value cannot be used here")
	}
	return digest
}

func (r *reading) enum(m *source.Member) {
	if !r.is(m, source.Array) {
		return
	}
	if len(m.Value.Items) == 0 {
		r.fail(m.Value.Span, "", "enum must list at least one value")
		return
	}
	r.oneOf(m.Value.Items)
}

func (r *reading) constant(m *source.Member) { r.oneOf([]*source.Value{m.Value}) }

func (r *reading) oneOf(values []*source.Value) {
	r.needs.digests = true
	var allowed []any
	if r.t.nullable {
		allowed = append(allowed, digestOf(bsonval.Null()))
	}
	for _, v := range values {
		if d := r.literal(v); !slices.Contains(allowed, any(d)) {
			allowed = append(allowed, d)
		}
	}
	r.t.also(schema{"properties": schema{memberDigest: schema{"enum": allowed}}})
}

// number reads a number, also in the form of Extended JSON that exports may have.
func (r *reading) number(m *source.Member) (*big.Rat, bool) {
	v := m.Value
	text := v.Str
	if v.Kind == source.Object && len(v.Members) == 1 && v.Members[0].Value.Kind == source.String {
		switch v.Members[0].Name {
		case "$numberInt", "$numberLong", "$numberDouble", "$numberDecimal":
			text = v.Members[0].Value.Str
		}
	} else if v.Kind != source.Number {
		text = ""
	}
	if len(text) > 64 {
		text = ""
	}
	n, ok := new(big.Rat).SetString(text)
	if !ok || !json.Valid([]byte(text)) {
		r.fail(v.Span, "", "%s must be a number", m.Name)
		return nil, false
	}
	return n, true
}

// count reads a keyword that bounds a length.
func count(tags []string) keyword {
	return func(r *reading, m *source.Member) {
		n, ok := r.number(m)
		if !ok {
			return
		}
		if !n.IsInt() || n.Sign() < 0 || n.Cmp(big.NewRat(1<<31-1, 1)) > 0 {
			r.fail(m.Value.Span, "", "%s must be a whole number that is not negative", m.Name)
			return
		}
		r.t.put(tags, m.Name, json.Number(n.Num().String()))
	}
}

func (r *reading) bound(m *source.Member) {
	n, ok := r.number(m)
	if !ok {
		return
	}
	if m.Name == "multipleOf" && n.Sign() <= 0 {
		r.fail(m.Value.Span, "", "multipleOf must be greater than 0")
		return
	}
	text := m.Value.Str
	if m.Value.Kind == source.Object {
		text = m.Value.Members[0].Value.Str
	}
	r.t.put(numberTags, m.Name, json.Number(text))
	r.t.put(numberTags, "type", "number") // NaN is none
}

// exclusive reads the booleans of draft 4.
func (r *reading) exclusive(m *source.Member) {
	base := map[string]string{"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}[m.Name]
	if m.Value.Kind != source.Bool {
		r.fail(m.Value.Span, `write "`+base+`": n, "`+m.Name+`": true`, "%s must be a boolean, not %s", m.Name, m.Value.Kind)
		return
	}
	if r.node.Member(base) == nil {
		r.fail(m.NameSpan, "", "%s needs %s", m.Name, base)
		return
	}
	r.t.put(numberTags, m.Name, m.Value.Bool)
}

func (r *reading) pattern(m *source.Member) {
	if r.is(m, source.String) && r.compiler.pattern(m.Value.Str, m.Value.Span) != nil {
		r.t.put(stringTags, "pattern", m.Value.Str)
	}
}

func (r *reading) format(m *source.Member) {
	if !r.is(m, source.String) {
		return
	}
	if !gojsonschema.FormatCheckers.Has(m.Value.Str) {
		r.ds.Error(m.Value.Span, CodeType, "use pattern", "there is no format %q", clip(m.Value.Str))
		return
	}
	r.t.put(stringTags, "format", m.Value.Str)
}

func (r *reading) reference(m *source.Member) {
	r.fail(m.NameSpan, "write the schema out", "references are not supported")
}

// combine reads the lists of schemas of the same value.
func (r *reading) combine(m *source.Member) {
	if !r.is(m, source.Array) {
		return
	}
	if len(m.Value.Items) == 0 {
		r.fail(m.Value.Span, "", "%s must list at least one schema", m.Name)
		return
	}
	var list []any
	for _, v := range m.Value.Items {
		s, k := r.compiler.node(v, r.at.in(m.Name == "allOf"))
		list = append(list, s)
		if m.Name == "allOf" && k != nil {
			r.k.all = append(r.k.all, k)
		}
	}
	r.t.choose(schema{m.Name: list})
}

func (r *reading) not(m *source.Member) {
	s, _ := r.compiler.node(m.Value, r.at.in(false))
	r.t.choose(schema{"not": s})
}

// condition reads if with the then and else beside it. The validator's draft does not have them.
func (r *reading) condition(m *source.Member) {
	s, _ := r.compiler.node(m.Value, r.at.in(false))
	if then := r.node.Member("then"); then != nil {
		follows, _ := r.compiler.node(then.Value, r.at.in(false))
		r.t.choose(schema{"anyOf": []any{schema{"not": s}, follows}})
	}
	if other := r.node.Member("else"); other != nil {
		follows, _ := r.compiler.node(other.Value, r.at.in(false))
		r.t.choose(schema{"anyOf": []any{s, follows}})
	}
}

// conditional is read with its if.
func (r *reading) conditional(m *source.Member) {
	if r.node.Member("if") == nil {
		r.ds.Warn(m.NameSpan, CodeKeyword, "", "%q has no effect without an if", m.Name)
	}
}
