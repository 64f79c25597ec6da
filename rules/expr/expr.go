package expr

import (
	"github.com/rolegate/rolegate/internal/source"
)

// Place says where an expression stands, which decides what it may refer to.
type Place uint8

const (
	// InRole is apply_when and the permissions of a role: %%this and %%prev are the whole document.
	InRole Place = iota
	// InField is a permission of a field: %%this and %%prev are the value of that field.
	InField
	// BeforeDocuments is apply_when of a query filter: there is no document to refer to.
	BeforeDocuments
)

// Names are the values that the app defines. A rule that names another one is an error.
type Names struct {
	Values            map[string]bool
	EnvironmentValues map[string]bool
	Lookups           map[string]bool
	// Functions tells for each function why it cannot be called, "" for those that can. A nil map means that functions
	// are not available at all.
	Functions map[string]string
}

// Expr is a parsed expression. It is immutable.
type Expr struct {
	root    node
	literal bool
	uses    Uses
}

// Uses tells what of the request an expression mentions.
type Uses struct {
	CustomData bool
	Request    bool
	Functions  bool
	Lookups    bool
}

// Or combines two sets of uses.
func (u Uses) Or(v Uses) Uses {
	return Uses{u.CustomData || v.CustomData, u.Request || v.Request, u.Functions || v.Functions, u.Lookups || v.Lookups}
}

// Parse reads an expression. Problems are added to ds; the expression then never grants.
func Parse(v *source.Value, place Place, names Names, ds *source.Diagnostics) *Expr {
	p := &parser{place: place, names: names, ds: ds}
	n := p.expression(v)
	if p.failed {
		n = constNode(Unknown)
	}
	return &Expr{root: n, literal: v != nil && v.Kind == source.Bool, uses: usesOf(n.visit)}
}

// usesOf collects from what visit visits. A function may look at everything.
func usesOf(visit func(func(ref))) Uses {
	var u Uses
	visit(func(r ref) {
		u.CustomData = u.CustomData || r.base == baseCustomData || r.base == baseCall || (r.base == baseUser && r.text == "")
		u.Request = u.Request || r.base == baseRequest || r.base == baseCall
		u.Functions = u.Functions || r.base == baseCall
		u.Lookups = u.Lookups || r.base == baseLookups
	})
	return u
}

// Literal tells whether the expression is written as the boolean true or false.
func (e *Expr) Literal() (value, ok bool) { return e.root == constNode(True), e.literal }

// Uses tells what of the request the expression mentions.
func (e *Expr) Uses() Uses { return e.uses }

// Bind evaluates everything that does not depend on the document.
func (e *Expr) Bind(s *Scope) Cond { return Cond{e.root.bind(s)} }

// Cond is a bound expression. It is immutable and safe for concurrent use. The zero value is always unknown.
type Cond struct{ n node }

// Const returns a condition that does not depend on the document.
func Const(t Truth) Cond { return Cond{constNode(t)} }

// Eval evaluates the condition on a document.
func (c Cond) Eval(e *Env) Truth {
	if c.n == nil {
		return Unknown
	}
	return c.n.eval(e)
}

// Const tells whether the condition is the same for every document, and what it is.
func (c Cond) Const() (Truth, bool) {
	switch n := c.n.(type) {
	case nil:
		return Unknown, true
	case constNode:
		return Truth(n), true
	default:
		return Unknown, false
	}
}

// Reads calls f with each top-level field of the document that the condition depends on, whichever image it reads it
// from; "" stands for the whole document. What it reads through %%this and %%prev is not reported: the caller knows
// which field they stand for.
func (c Cond) Reads(f func(field string)) {
	if c.n != nil {
		readsOf(c.n.visit, f)
	}
}

func readsOf(visit func(func(ref)), f func(field string)) {
	visit(func(r ref) {
		if r.base == baseRoot || r.base == basePrevRoot {
			if r.text == "" {
				f("")
				return
			}
			f(r.path.Segments()[0])
		}
	})
}

// And is true when both conditions are.
func (c Cond) And(d Cond) Cond { return joined(false, c, d) }

// Any is true when one of the conditions is.
func Any(cs ...Cond) Cond { return joined(true, cs...) }

func joined(either bool, cs ...Cond) Cond {
	kids := make([]node, 0, len(cs))
	for _, c := range cs {
		if c.n == nil {
			c.n = constNode(Unknown)
		}
		kids = append(kids, c.n)
	}
	return Cond{(&junction{any: either, kids: kids}).bind(nil)}
}
