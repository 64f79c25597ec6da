package expr

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/source"
)

// Join says how the parts of an expression make up the whole.
type Join uint8

// The ways to join. The zero value has no parts.
const (
	Alone  Join = iota
	All         // all parts must hold
	AnyOf       // one must
	NoneOf      // none may
	Not         // its one part may not
)

func (j Join) String() string { return [...]string{"alone", "all", "any", "none", "not"}[j] }

// Step is an expression or a part of one, and what it came to.
type Step struct {
	Text  string // the part, on one line
	At    source.Span
	Truth Truth
	// Open says that the truth depends on the document, and there was none.
	Open  bool
	Join  Join
	Parts []Step
	Seen  []Seen // what a part that stands alone refers to
}

// Seen is something that a condition refers to and what it stood for.
type Seen struct {
	Name  string        // an expansion, or the path of a field of the document
	Value bson.RawValue // the zero value when there is none
}

// Trace evaluates an expression part by part, for people who ask why it came to what it did. Each part goes through Parse,
// Bind and Eval for itself, so that there is no second meaning. Without e it tells what is known before any document.
func Trace(v *source.Value, place Place, names Names, s *Scope, e *Env) Step {
	p := &parser{place: place, names: names, ds: &source.Diagnostics{}}
	return p.trace(v, s, e)
}

func (p *parser) trace(v *source.Value, s *Scope, e *Env) Step {
	n := p.expression(v)
	out := Step{Text: v.String(), At: v.Span}
	c := Cond{n.bind(s)}
	if e != nil {
		out.Truth = c.Eval(e)
	} else {
		truth, isConst := c.Const()
		out.Truth, out.Open = truth, !isConst
	}
	join, parts := split(v)
	if out.Join = join; join == Alone {
		out.Seen = p.seen(v, n, s, e)
	}
	for _, part := range parts {
		out.Parts = append(out.Parts, p.trace(part, s, e))
	}
	return out
}

// split takes an expression apart as it is written: into the members of an object, and the items of a logical operator.
func split(v *source.Value) (Join, []*source.Value) {
	if len(v.Members) > 1 {
		parts := make([]*source.Value, len(v.Members))
		for i, m := range v.Members {
			at := source.Span{File: m.NameSpan.File, Start: m.NameSpan.Start, End: m.Value.Span.End}
			parts[i] = &source.Value{Kind: source.Object, Members: v.Members[i : i+1], Span: at}
		}
		return All, parts
	}
	if len(v.Members) == 0 {
		return Alone, nil
	}
	m := v.Members[0]
	switch name, _ := operatorName(m.Name); name {
	case "and":
		return All, m.Value.Items
	case "or":
		return AnyOf, m.Value.Items
	case "nor":
		return NoneOf, m.Value.Items
	case "not":
		return Not, []*source.Value{m.Value}
	}
	if name, ok := soleOperator(m.Value); m.Value.Kind != source.Object || (ok && isValueOperator(name)) {
		return Alone, nil
	}
	switch m.Name {
	case "%%true":
		return All, []*source.Value{m.Value}
	case "%%false":
		return Not, []*source.Value{m.Value}
	}
	return Alone, nil
}

// seen resolves what a condition refers to. Without e that leaves out what is read from a document.
func (p *parser) seen(v *source.Value, n node, s *Scope, e *Env) []Seen {
	var out []Seen
	add := func(name string, v bson.RawValue) {
		if !slices.ContainsFunc(out, func(o Seen) bool { return o.Name == name }) {
			out = append(out, Seen{name, v})
		}
	}
	n.visit(func(r ref) {
		switch {
		case r.base == baseConst || r.base == baseNever || r.base == baseCall:
		case !r.base.ofDocument():
			_, at := s.lookup(r, bson.RawValue{})
			if s.known(r) != True {
				at = bson.RawValue{}
			}
			add(r.String(), resolve(at, r))
		case e != nil:
			_, at := e.lookup(r)
			add(r.String(), resolve(at, r))
		}
	})
	// What never has a value is known by the name it was written under only.
	eachExpansion(v, func(name string) {
		first, path, _ := strings.Cut(name[2:], ".")
		if b, known := expansions[first]; known && (b == baseNever || !b.has(path)) {
			add(name, bson.RawValue{})
		}
	})
	return out
}

// eachExpansion calls f with the expansions in v, whichever side they stand on.
func eachExpansion(v *source.Value, f func(name string)) {
	call := func(s string) {
		if strings.HasPrefix(s, "%%") {
			f(s)
		}
	}
	call(v.Str)
	for _, it := range v.Items {
		eachExpansion(it, f)
	}
	for _, m := range v.Members {
		call(m.Name)
		eachExpansion(m.Value, f)
	}
}

// String is the reference as rules write it. A field of the document goes by its path.
func (r ref) String() string {
	if r.base == baseRoot && r.text != "" {
		return r.text
	}
	name := "%%user.custom_data"
	for first, b := range expansions {
		if b == r.base {
			name = "%%" + first
		}
	}
	if r.text != "" {
		name += "." + r.text
	}
	return name
}
