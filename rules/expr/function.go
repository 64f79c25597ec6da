package expr

import (
	"maps"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/source"
)

// Functions runs the functions of the app for one user and one request. An error makes the condition that needs the
// result an error, which never grants.
type Functions interface {
	// Call runs a function with the values of the scope as its context. A missing argument is the zero value, and so
	// is a result that is undefined.
	Call(s *Scope, name string, args []bson.RawValue) (bson.RawValue, error)
}

// call is a call of a function as an operand. What it returns is data, as what comes from an expansion is.
type call struct {
	name  string
	args  []operand
	scope *Scope // once bound
}

// visit also reports the call itself, as a reference to nothing of the document.
func (o call) visit(f func(ref)) {
	f(ref{base: baseCall})
	for _, a := range o.args {
		a.visit(f)
	}
}

// bind runs the function where its arguments are known. A result that is undefined is no value. A bound call stays as
// it is.
func (o call) bind(s *Scope) (operand, bool) {
	if o.scope != nil {
		return o, true
	}
	args, known, ok := bindOperands(o.args, s)
	if !ok {
		return nil, false
	}
	bound := call{o.name, args, s}
	if !known {
		return bound, true
	}
	v, ok := bound.eval(nil)
	switch {
	case !ok:
		return failed{}, true
	case bsonval.IsMissing(v):
		return nil, false
	}
	return constant{value: v, expansion: true}, true
}

func (o call) eval(e *Env) (bson.RawValue, bool) {
	args := make([]bson.RawValue, len(o.args))
	for i, a := range o.args {
		var ok bool
		if args[i], ok = a.eval(e); !ok {
			return bson.RawValue{}, false
		}
	}
	if o.scope == nil || o.scope.Functions == nil {
		return bson.RawValue{}, false
	}
	v, err := o.scope.Functions.Call(o.scope, o.name, args)
	return v, err == nil
}

// failed is an operand whose function or lookup failed.
type failed struct{}

func (o failed) bind(*Scope) (operand, bool)   { return o, true }
func (failed) eval(*Env) (bson.RawValue, bool) { return bson.RawValue{}, false }
func (failed) visit(func(ref))                 {}

// isCall tells whether an operand is what a function returns. Unlike a field of the document, a result that is absent
// equals nothing.
func isCall(o operand) bool {
	_, ok := o.(call)
	return ok
}

// callNode is a call as a condition. Only the very boolean counts: any other result is unknown, also negated.
type callNode struct{ call call }

func (n *callNode) visit(f func(ref)) { n.call.visit(f) }

func (n *callNode) bind(s *Scope) node {
	o, ok := n.call.bind(s)
	if !ok {
		return constNode(Unknown)
	}
	switch o := o.(type) {
	case constant:
		return constNode(n.judge(o.value))
	case call:
		return &callNode{o}
	default:
		return constNode(Error)
	}
}

func (n *callNode) eval(e *Env) Truth {
	v, ok := n.call.eval(e)
	if !ok {
		return Error
	}
	return n.judge(v)
}

func (n *callNode) judge(v bson.RawValue) Truth {
	b, ok := bsonval.Bool(v)
	if !ok {
		return Unknown
	}
	return truthOf(b)
}

// bounds leaves what a function decides to the evaluator.
func (n *callNode) bounds(string) bracket { return unstated() }
func (n *callNode) fails() bool           { return true }

// asks tells whether binding or evaluating a node may call a function or look something up.
func asks(n node) bool {
	found := false
	n.visit(func(r ref) { found = found || r.base == baseCall || r.base == baseLookups })
	return found
}

// newJunction puts what calls functions or looks up last: it is done only where the rest does not decide.
func newJunction(anyOf bool, kids []node) *junction {
	slices.SortStableFunc(kids, func(a, b node) int {
		switch first, second := asks(a), asks(b); {
		case first == second:
			return 0
		case second:
			return -1
		default:
			return 1
		}
	})
	return &junction{any: anyOf, kids: kids}
}

// function reads a call as a condition.
func (p *parser) function(m *source.Member) node {
	o, ok := p.call(m)
	if !ok {
		return constNode(Unknown)
	}
	return &callNode{o}
}

// call reads {"name": ..., "arguments": [...]}.
func (p *parser) call(m *source.Member) (call, bool) {
	name := m.Value.Get("name")
	if name == nil || name.Kind != source.String {
		p.fail(m.Value.Span, CodeOperand, `write {"%function": {"name": "...", "arguments": [...]}}`,
			"a function is called by an object with its name and arguments")
		return call{}, false
	}
	o := call{name: name.Str}
	given := false
	for i := range m.Value.Members {
		switch k := m.Value.Members[i]; k.Name {
		case "name":
		case "arguments", "args":
			if k.Value.Kind != source.Array || given {
				p.fail(k.Value.Span, CodeOperand, "", "the arguments of a function are one list")
				return call{}, false
			}
			given = true
			for _, it := range k.Value.Items {
				a := p.operand(it)
				if a == nil {
					return call{}, false
				}
				o.args = append(o.args, a)
			}
		default:
			p.fail(k.NameSpan, CodeOperand, "a call has name and arguments", "unknown member %q of a function call", k.Name)
			return call{}, false
		}
	}
	return o, p.callable(name, m.NameSpan)
}

// callable tells whether the app has the function and it can run.
func (p *parser) callable(name *source.Value, at source.Span) bool {
	if p.names.Functions == nil {
		p.fail(at, CodeFunction, "state the condition with operators, or serve the other namespaces with --quarantine",
			"this rule calls the function %q, and functions are not available", name.Str)
		return false
	}
	why, known := p.names.Functions[name.Str]
	switch {
	case !known:
		p.fail(name.Span, CodeUndefined, nearest(name.Str, slices.Collect(maps.Keys(p.names.Functions)), ""),
			"the function %q is not defined", name.Str)
	case why != "":
		p.fail(name.Span, CodeFunction, "", "the function %q cannot be called: %s", name.Str, why)
	}
	return known && why == ""
}
