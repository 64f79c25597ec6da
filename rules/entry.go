package rules

import (
	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/rules/expr"
)

// Entry is what is asked of a request before any rules: can_evaluate of the Data API. The zero value lets nobody in.
type Entry struct {
	open   bool // nothing is asked
	policy *Policy
	when   *expr.Expr
}

// entry reads can_evaluate of the Data API. An app in which it has errors is not served.
func (c *compiler) entry(d *config.DataAPI) Entry {
	if d == nil || d.Disabled || d.CanEvaluate == nil {
		return Entry{open: true}
	}
	return Entry{policy: c.policy, when: expr.Parse(d.CanEvaluate, expr.BeforeDocuments, c.policy.names, &c.ds)}
}

// Entry returns that of the app.
func (p *Policy) Entry() Entry { return p.entry }

// IsOpen tells that every request is let in.
func (e Entry) IsOpen() bool { return e.open }

// NeedsCustomData tells whether Admits needs the custom data of the user, which a lookup may.
func (e Entry) NeedsCustomData() bool {
	return e.when != nil && (e.when.Uses().CustomData || e.when.Uses().Lookups)
}

// CallsFunctions tells whether Admits may call functions of the app.
func (e Entry) CallsFunctions() bool {
	return e.when != nil && (e.when.Uses().Functions || e.when.Uses().Lookups)
}

// LooksUp tells whether Admits may ask a lookup of the app.
func (e Entry) LooksUp() bool { return e.when != nil && e.when.Uses().Lookups }

// Admits tells whether a request of a user is let in. What cannot be evaluated lets nobody in.
func (e Entry) Admits(u *User, custom CustomData, req *Request, from Sources) bool {
	if e.open || e.when == nil {
		return e.open
	}
	t, _ := e.when.Bind(e.policy.Scope(u, custom, req, from)).Const()
	return t == expr.True
}
