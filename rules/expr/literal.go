package expr

import (
	"encoding/json"
	"strings"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/source"
)

// expansion reads a name that starts with %%.
func (p *parser) expansion(name string, at source.Span) (ref, bool) {
	first, path, dotted := strings.Cut(name[2:], ".")
	b, known := expansions[first]
	switch {
	case !known:
		p.fail(at, CodeExpansion, nearest("%%"+first, expansionNames, ""), "unknown expansion %q", name)
	case dotted && path == "" || strings.Contains(path, "%"):
		p.fail(at, CodeExpansion, "", "%q is not an expansion: the name ends in something else than a path", name)
	case p.place == BeforeDocuments && b.ofDocument():
		p.fail(at, CodeNoDocument, `use %%user, %%values, %%environment, %%lookups or %%request`,
			"there is no document here that %q could refer to", name)
	case !p.defined(b, path, name, at):
	default:
		if p.place == InRole && b == baseThis {
			b = baseRoot
		} else if p.place == InRole && b == basePrev {
			b = basePrevRoot
		}
		return p.reference(b, path, at)
	}
	return ref{}, false
}

// defined checks the first segment below %%user, %%request, %%values and %%environment.
func (p *parser) defined(b base, path, name string, at source.Span) bool {
	seg, rest, _ := strings.Cut(path, ".")
	check := func(known []string, prefix string) bool {
		if seg == "" {
			return true
		}
		for _, k := range known {
			if k == seg {
				return true
			}
		}
		// It has no value on either side, so that not even a negated condition on it can grant.
		p.ds.Warn(at, CodeExpansion, nearest(seg, known, prefix), "%q never has a value: conditions on it never hold", name)
		return true
	}
	named := func(names map[string]bool, seg, what string) bool {
		if seg == "" || names[seg] {
			return true
		}
		known := make([]string, 0, len(names))
		for k := range names {
			known = append(known, k)
		}
		p.fail(at, CodeUndefined, nearest(seg, known, ""), "the %s %q is not defined", what, seg)
		return false
	}
	switch b {
	case baseUser:
		return check(userNames, "%%user.")
	case baseRequest:
		return check(requestNames, "%%request.")
	case baseEnvironment:
		if !check(environmentNames, "%%environment.") {
			return false
		}
		if seg == "values" {
			value, _, _ := strings.Cut(rest, ".")
			return named(p.names.EnvironmentValues, value, "environment value")
		}
	case baseValues:
		return named(p.names.Values, seg, "value")
	case baseLookups:
		if seg == "" {
			p.fail(at, CodeExpansion, "write %%lookups. and its name", "%q does not say which lookup", name)
			return false
		}
		return named(p.names.Lookups, seg, "lookup")
	case baseTime:
		if path == "" || !b.has(path) {
			p.fail(at, CodeExpansion, nearest(path, timeNames, "%%time."), "%q is no part of the time: it may be one of %s", name, strings.Join(timeNames, ", "))
			return false
		}
	case baseNow:
		if path != "" {
			p.fail(at, CodeExpansion, "", "%q: a date has no fields", name)
			return false
		}
	}
	return true
}

// operand reads the right side of a comparison. It returns nil after reporting a problem.
func (p *parser) operand(v *source.Value) operand {
	switch v.Kind {
	case source.String:
		return p.stringOperand(v)
	case source.Array:
		items := make([]operand, len(v.Items))
		for i, it := range v.Items {
			if items[i] = p.operand(it); items[i] == nil {
				return nil
			}
		}
		return settle(list{items}, items)
	case source.Object:
		if !isExtendedJSON(v) {
			return p.objectOperand(v)
		}
	}
	text := v.Span.File.Text[v.Span.Start:v.Span.End]
	lit, err := ejson.ParseValue(text, ejson.Limits{})
	if err != nil {
		p.fail(v.Span, CodeOperand, "", "not a value: %v", err)
		return nil
	}
	return constant{value: lit}
}

func (p *parser) stringOperand(v *source.Value) operand {
	switch {
	case v.Str == "%%true" || v.Str == "%%false":
		return boolean(v.Str == "%%true")
	case strings.HasPrefix(v.Str, "%%"):
		r, ok := p.expansion(v.Str, v.Span)
		if !ok {
			return nil
		}
		return reference{r}
	case strings.HasPrefix(v.Str, "%"):
		first, _, _ := strings.Cut(v.Str[1:], ".")
		if _, ok := expansions[first]; ok {
			p.fail(v.Span, CodeExpansion, `write "%`+v.Str+`"`, "expansions start with %%%%: %q", v.Str)
			return nil
		}
	}
	return text(v.Str)
}

// objectOperand reads a conversion or an embedded document.
func (p *parser) objectOperand(v *source.Value) operand {
	d := document{}
	for i := range v.Members {
		m := &v.Members[i]
		name, isOperator := operatorName(m.Name)
		if c := conversions[name]; isOperator && c != nil && len(v.Members) == 1 {
			return p.conversion(c, m)
		}
		if isOperator && name == "function" && len(v.Members) == 1 {
			if o, ok := p.call(m); ok {
				return o
			}
			return nil
		}
		if isOperator && makesValue(name) && len(v.Members) == 1 {
			return p.dateSum(name, m)
		}
		if isOperator || strings.HasPrefix(m.Name, "%%") {
			p.fail(m.NameSpan, CodePlacement, "", "%q cannot stand inside a value", m.Name)
			return nil
		}
		o := p.operand(m.Value)
		if o == nil {
			return nil
		}
		d.names = append(d.names, m.Name)
		d.values = append(d.values, o)
	}
	return settle(d, d.values)
}

func (p *parser) conversion(c converter, m *source.Member) operand {
	if m.Value.Kind != source.String {
		p.fail(m.Value.Span, CodeOperand, "", "%q takes a string or an expansion", m.Name)
		return nil
	}
	arg := p.stringOperand(m.Value)
	if arg == nil {
		return nil
	}
	if lit, ok := arg.(constant); ok {
		v, ok := c(lit.value)
		if !ok {
			p.fail(m.Value.Span, CodeOperand, "", "%q cannot convert this value", m.Name)
			return nil
		}
		return constant{value: v}
	}
	return conversion{c, arg}
}

// settle turns an operand all of whose parts are constants into a constant.
func settle(o operand, parts []operand) operand {
	for _, it := range parts {
		if _, ok := it.(constant); !ok {
			return o
		}
	}
	v, _ := o.eval(nil)
	return constant{value: v}
}

func boolean(b bool) constant { return constant{value: bsonval.FromBool(b)} }

func text(s string) constant { return constant{value: bsonval.FromString(s)} }

// dollarText writes v as JSON text with every operator spelled with $, for operands that are queries themselves.
func dollarText(dst []byte, v *source.Value) []byte {
	quote := func(s string) {
		q, _ := json.Marshal(s) // a string always marshals
		dst = append(dst, q...)
	}
	switch v.Kind {
	case source.String:
		quote(v.Str)
	case source.Array:
		dst = append(dst, '[')
		for i, it := range v.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = dollarText(dst, it)
		}
		dst = append(dst, ']')
	case source.Object:
		dst = append(dst, '{')
		for i, m := range v.Members {
			if i > 0 {
				dst = append(dst, ',')
			}
			quote(dollarName(m.Name))
			dst = append(dst, ':')
			dst = dollarText(dst, m.Value)
		}
		dst = append(dst, '}')
	default:
		dst = append(dst, v.Span.File.Text[v.Span.Start:v.Span.End]...)
	}
	return dst
}

// dollarName spells an operator the way the database does.
func dollarName(name string) string {
	if op, ok := operatorName(name); ok {
		return "$" + op
	}
	return name
}
