package expr

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/internal/source"
)

// Query is the query of a rule filter: a MongoDB query in which expansions stand for values. It is immutable.
type Query struct {
	root operand
	uses Uses
}

// ParseQuery reads a query. Problems are added to ds; the query then matches nothing.
func ParseQuery(v *source.Value, names Names, ds *source.Diagnostics) *Query {
	p := &parser{place: BeforeDocuments, names: names, ds: ds}
	root := p.queryDocument(v)
	if p.failed {
		return &Query{}
	}
	// Whatever the values will be, the operators and their structure are known now.
	sample, _ := root.eval(nil)
	if _, err := query.Parse(bson.Raw(sample.Value), query.Options{Trusted: true}); err != nil {
		p.fail(v.Span, CodeOperand, "", "not a usable query: %v", err)
		return &Query{}
	}
	return &Query{root: root, uses: usesOf(root.visit)}
}

// Uses tells what of the request the query mentions.
func (q *Query) Uses() Uses { return q.uses }

// Lookups are the names of the lookups that the query refers to.
func (q *Query) Lookups() []string {
	var names []string
	if q.root != nil {
		q.root.visit(func(r ref) {
			if r.base == baseLookups {
				name, _, _ := strings.Cut(r.text, ".")
				names = append(names, name)
			}
		})
	}
	return names
}

// Bind puts values in the place of expansions. It is True with a query, Unknown where one of the values is missing or cannot be
// used, and Error where finding one failed. Without a query nothing matches.
func (q *Query) Bind(s *Scope) (bson.Raw, Truth) {
	if q.root == nil {
		return nil, Unknown
	}
	o, ok := q.root.bind(s)
	if !ok {
		return nil, Unknown
	}
	v, ok := o.eval(nil)
	if !ok {
		return nil, Error
	}
	return bson.Raw(v.Value), True
}

// queryDocument reads {path: value, $or: [...]}.
func (p *parser) queryDocument(v *source.Value) operand {
	d := document{}
	if v.Kind != source.Object {
		p.fail(v.Span, CodeType, "", "a query must be an object")
		return d
	}
	for i := range v.Members {
		m := &v.Members[i]
		var o operand
		switch name, isOperator := operatorName(m.Name); {
		case isOperator && (name == "and" || name == "or" || name == "nor"):
			o = p.queryList(m)
		case isOperator:
			p.unknownQueryOperator(m)
			continue
		case strings.HasPrefix(m.Name, "%%"):
			p.fail(m.NameSpan, CodePlacement, "name a field of the document",
				"the expansion %q cannot be a field of a query", m.Name)
			continue
		default:
			o = p.queryValue(m.Value)
		}
		d.names = append(d.names, dollarName(m.Name))
		d.values = append(d.values, o)
	}
	return d
}

func (p *parser) unknownQueryOperator(m *source.Member) {
	if name, _ := operatorName(m.Name); isValueOperator(name) && comparisons[name] != 0 {
		p.fail(m.NameSpan, CodePlacement, `write {"field": {"`+m.Name+`": ...}}`, "operator %q needs a field", m.Name)
		return
	}
	p.unknownName(m)
}

func (p *parser) queryList(m *source.Member) operand {
	if m.Value.Kind != source.Array || len(m.Value.Items) == 0 {
		p.fail(m.Value.Span, CodeOperand, "", "%q takes a list of at least one query", m.Name)
		return constant{}
	}
	items := make([]operand, len(m.Value.Items))
	for i, it := range m.Value.Items {
		items[i] = p.queryDocument(it)
	}
	return list{items}
}

// queryValue reads what stands beside a field: a value, or an object of operators. A value becomes the operand of
// $eq, so that nothing an expansion puts there is read as operators.
func (p *parser) queryValue(v *source.Value) operand {
	if name, ok := soleOperator(v); ok && !isExtendedJSON(v) && !makesValue(name) {
		return p.queryOperators(v)
	}
	return document{[]string{"$eq"}, []operand{p.queryOperand(v, query.Eq)}}
}

func (p *parser) queryOperators(v *source.Value) operand {
	d := document{}
	if p.contents(v) != operators {
		return d
	}
	for i := range v.Members {
		m := &v.Members[i]
		name, _ := operatorName(m.Name)
		var o operand
		switch {
		case name == "not":
			o = p.queryOperators(m.Value)
		case name == "elemMatch":
			if inner, ok := soleOperator(m.Value); ok && inner != "and" && inner != "or" && inner != "nor" {
				o = p.queryOperators(m.Value)
			} else {
				o = p.queryDocument(m.Value)
			}
		case memberships[name] != 0:
			o = p.queryOperand(m.Value, memberships[name])
		case comparisons[name] != 0:
			o = p.queryOperand(m.Value, comparisons[name])
		case name == "exists" || name == "regex" || name == "options" || shapes[name] != 0:
			if at := findExpansion(m.Value); at != nil {
				p.fail(at.Span, CodeOperand, "", "%q takes a literal, not an expansion", m.Name)
				return d
			}
			o = p.operand(m.Value)
		default:
			p.unknownName(m)
			return d
		}
		if o == nil {
			return d
		}
		d.names = append(d.names, "$"+name)
		d.values = append(d.values, o)
	}
	return d
}

// queryOperand reads the operand of op. What came from an expansion must not be null, which would match missing fields,
// not an array with nothing in it, which would match such arrays, and not a pattern.
func (p *parser) queryOperand(v *source.Value, op query.Op) operand {
	o := p.operand(v)
	if o == nil {
		return constant{}
	}
	if _, ok := o.(constant); ok {
		return o
	}
	return guarded{o, op}
}

// guarded is an operand of a query that holds expansions.
type guarded struct {
	operand
	op query.Op
}

// takesList tells whether the operand has to be a list.
func (o guarded) takesList() bool { return o.op == query.In || o.op == query.Nin || o.op == query.All }

func (o guarded) bind(s *Scope) (operand, bool) {
	b, ok := o.operand.bind(s)
	if !ok {
		return nil, false
	}
	c, ok := b.(constant)
	if !ok {
		return b, true // what failed, in it or as a whole: there is no document that it could wait for
	}
	if c.hasNull || c.hasVain || isNull(c.value) || isPattern(c.value) {
		return nil, false
	}
	if !o.takesList() {
		return c, !isVain(c.value)
	}
	if c.value.Type != bson.TypeArray || holdsOperators(c.value) {
		return nil, false
	}
	var nulls bool
	if c.value, nulls = withoutNulls(c.value); nulls && o.op == query.All {
		c.value = array(nil) // what is equal to nothing nothing contains
	}
	return c, true
}

// holdsOperators tells whether an element of a list would act as an operator.
func holdsOperators(list bson.RawValue) bool {
	for it := bsonval.NewIter(list.Value); it.Next(); {
		doc, _ := bsonval.Document(it.Value())
		if first := bsonval.NewIter(doc); first.Next() && strings.HasPrefix(string(first.Key()), "$") {
			return true
		}
	}
	return false
}

// eval stands in for the bound value when the structure of a query is checked.
func (o guarded) eval(*Env) (bson.RawValue, bool) {
	if o.takesList() {
		return array(nil), true
	}
	return bsonval.Null(), true
}
