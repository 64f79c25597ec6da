package rules

import (
	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/rules/expr"
)

// endpoints reads who may use which endpoint.
func (c *compiler) endpoints(app *config.App) {
	c.policy.endpoints = map[string]*expr.Expr{}
	for _, e := range app.Endpoints {
		if e.CanEvaluate != nil {
			c.policy.endpoints[e.String()] = expr.Parse(e.CanEvaluate, expr.BeforeDocuments, c.policy.names, &c.ds)
		}
	}
}

// MayUse tells whether the can_evaluate of an endpoint, named as [config.Endpoint.String] has it, lets a user use it.
func (p *Policy) MayUse(endpoint string, s *expr.Scope) bool {
	e, ok := p.endpoints[endpoint]
	if !ok {
		return true
	}
	t, _ := e.Bind(s).Const()
	return t == expr.True
}
