package rules

import (
	"maps"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/rules/expr"
)

// functions reads who may call which function. One whose can_evaluate has errors cannot be called.
func (c *compiler) functions(app *config.App, callable map[string]string) {
	c.policy.callable = map[string]*expr.Expr{}
	if callable == nil {
		return
	}
	c.policy.names.Functions = maps.Clone(callable)
	for _, f := range app.Functions {
		if f.CanEvaluate == nil || callable[f.Name] != "" {
			continue
		}
		var ds source.Diagnostics
		c.policy.callable[f.Name] = expr.Parse(f.CanEvaluate, expr.BeforeDocuments, c.policy.names, &ds)
		if ds.HasErrors() {
			c.policy.names.Functions[f.Name] = "its can_evaluate has errors"
		}
		for _, d := range ds {
			c.ds.Warn(d.Span, d.Code, d.Hint, "can_evaluate: %s", d.Message) // an error of the rules that call it
		}
	}
}

// MayCall tells whether can_evaluate of a function lets the user of a scope call it.
func (p *Policy) MayCall(name string, s *expr.Scope) bool {
	e, ok := p.callable[name]
	if !ok {
		return true
	}
	t, _ := e.Bind(s).Const()
	return t == expr.True
}

// everything is a ruleset under which everything is allowed.
func (c *compiler) everything() *Ruleset {
	yes := expr.Parse(&source.Value{Kind: source.Bool, Bool: true}, expr.InRole, c.policy.names, &c.ds)
	return &Ruleset{policy: c.policy, roles: []*role{{source: &config.Role{}, name: "system", when: yes, read: yes, write: yes}}}
}

// System is what the system finds instead of the rules of a namespace. Databases that nobody is served from it does not
// find either.
func (p *Policy) System(ns Namespace) (*Ruleset, Lookup) {
	if _, ok := p.services[ns.Service]; !ok {
		return nil, NoService
	}
	if !p.served(ns) {
		return nil, NoRule
	}
	return p.system, Found
}
