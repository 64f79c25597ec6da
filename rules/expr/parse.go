package expr

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/source"
)

// The codes of the diagnostics of this package.
const (
	CodeType       = "expression-type"
	CodeOperator   = "unknown-operator"
	CodePlacement  = "misplaced-operator"
	CodeExpansion  = "unknown-expansion"
	CodeUndefined  = "undefined-value"
	CodeOperand    = "invalid-operand"
	CodeMixed      = "mixed-operators"
	CodeNoDocument = "no-document-here"
	CodeFunction   = "function-unsupported"
	CodePath       = "invalid-path"
)

// Codes lists them.
func Codes() []string {
	return []string{
		CodeType, CodeOperator, CodePlacement, CodeExpansion, CodeUndefined, CodeOperand, CodeMixed, CodeNoDocument,
		CodeFunction, CodePath,
	}
}

type parser struct {
	place  Place
	names  Names
	ds     *source.Diagnostics
	failed bool
}

// fail reports a problem and returns a condition that never grants.
func (p *parser) fail(at source.Span, code, hint, format string, args ...any) node {
	p.failed = true
	p.ds.Error(at, code, hint, format, args...)
	return constNode(Unknown)
}

func (p *parser) expression(v *source.Value) node {
	switch v.Kind {
	case source.Bool:
		return constNode(truthOf(v.Bool))
	case source.Object:
		kids := make([]node, 0, len(v.Members))
		for i := range v.Members {
			kids = append(kids, p.member(&v.Members[i]))
		}
		return newJunction(false, kids)
	case source.String:
		switch v.Str {
		case "%%true":
			return constNode(True)
		case "%%false":
			return constNode(False)
		}
	}
	return p.fail(v.Span, CodeType, "use true, false or an object", "an expression must be a boolean or an object")
}

func (p *parser) member(m *source.Member) node {
	switch m.Name {
	case "%%true":
		return p.truth(m.Value, true)
	case "%%false":
		return p.truth(m.Value, false)
	}
	if name, ok := operatorName(m.Name); ok {
		switch name {
		case "and", "or", "nor":
			return p.logical(name, m.Value, p.expression)
		case "not":
			return &notNode{p.expression(m.Value)}
		case "function":
			return p.function(m)
		}
		if slices.Contains(operatorNames, name) {
			return p.fail(m.NameSpan, CodePlacement, `write {"field": {"`+m.Name+`": ...}}`,
				"operator %q needs a field or an expansion to apply to", m.Name)
		}
		return p.unknownName(m)
	}
	left, ok := p.left(m)
	if !ok {
		return constNode(Unknown)
	}
	return p.condition(side{ref: left}, m.Value)
}

// left reads the name of a member that is a field path or an expansion.
func (p *parser) left(m *source.Member) (ref, bool) {
	if strings.HasPrefix(m.Name, "%%") {
		return p.expansion(m.Name, m.NameSpan)
	}
	if p.place == BeforeDocuments {
		p.fail(m.NameSpan, CodeNoDocument, `use %%user, %%values, %%environment or %%request`,
			"there is no document here whose field %q could be", m.Name)
		return ref{}, false
	}
	return p.reference(baseRoot, m.Name, m.NameSpan)
}

func (p *parser) reference(b base, path string, at source.Span) (ref, bool) {
	r, err := newRef(b, path)
	if err != nil {
		p.fail(at, CodePath, "", "%q is not a field path: %v", path, err)
		return ref{}, false
	}
	return r, true
}

// logical reads the list of and, or and nor.
func (p *parser) logical(name string, v *source.Value, element func(*source.Value) node) node {
	if v.Kind != source.Array || len(v.Items) == 0 {
		return p.fail(v.Span, CodeOperand, "", "%q takes a list of at least one expression", name)
	}
	kids := make([]node, len(v.Items))
	for i, it := range v.Items {
		kids[i] = element(it)
	}
	switch name {
	case "and":
		return newJunction(false, kids)
	case "or":
		return newJunction(true, kids)
	default:
		return &notNode{newJunction(true, kids)}
	}
}

// truth reads the value of %%true and %%false.
func (p *parser) truth(v *source.Value, want bool) node {
	switch v.Kind {
	case source.String:
		if o := p.operand(v); o != nil {
			return &truthNode{want: want, arg: o}
		}
		return constNode(Unknown)
	case source.Object:
		if name, ok := soleOperator(v); ok && isValueOperator(name) {
			return p.condition(side{written: bsonval.FromBool(want)}, v)
		}
	}
	n := p.expression(v)
	if want {
		return n
	}
	return &notNode{n}
}

// unknownName reports an operator that does not exist.
func (p *parser) unknownName(m *source.Member) node {
	name := strings.TrimLeft(m.Name, "%$")
	first, _, _ := strings.Cut(name, ".")
	if _, ok := expansions[first]; ok || first == "true" || first == "false" {
		return p.fail(m.NameSpan, CodeExpansion, `write "%%`+name+`"`, "expansions start with %%%%: %q", m.Name)
	}
	return p.fail(m.NameSpan, CodeOperator, nearest(name, operatorNames, m.Name[:1]), "unknown operator %q", m.Name)
}

func nearest(name string, known []string, prefix string) string {
	if op, ok := misnomers[name]; ok && slices.Contains(known, op) {
		return fmt.Sprintf("did you mean %q?", prefix+op)
	}
	if n := source.Nearest(name, known); n != "" {
		return fmt.Sprintf("did you mean %q?", prefix+n)
	}
	return ""
}
