package rules

import (
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/rules/expr"
)

// Policy is a compiled app. It is immutable and safe for concurrent use.
type Policy struct {
	services    map[string]*service
	names       expr.Names
	values      bson.Raw
	environment bson.Raw
	secrets     []bson.RawValue       // what must not be shown, in every form
	callable    map[string]*expr.Expr // can_evaluate of the functions that have one
	endpoints   map[string]*expr.Expr // can_evaluate of the endpoints that have one, by what they are called
	entry       Entry
	system      *Ruleset
	zone        *time.Location // of the calendar; nil is UTC
	lookups     map[string]*LookupQuery
	postImage   bool
	refused     map[string]bool // databases that are refused whatever the configuration says
}

type service struct {
	rulesets map[collection]*Ruleset
	defaults *Ruleset
	broken   bool // its default rule has errors
}

type collection struct{ database, name string }

// Lookup is what a Policy knows about a namespace.
type Lookup uint8

const (
	// NoRule means that nothing allows anything on the namespace.
	NoRule Lookup = iota
	// NoService means that there is no such data source.
	NoService
	// Found means that a ruleset decides.
	Found
)

// Collection finds the rules of a namespace: those of the collection, else the default rules of its data source,
// never both, with the exception of the query filters of a collection that has no roles of its own.
// See cases/roles/ for the order.
func (p *Policy) Collection(ns Namespace) (*Ruleset, Lookup) {
	s, ok := p.services[ns.Service]
	if !ok {
		return nil, NoService
	}
	if !p.served(ns) {
		return nil, NoRule
	}
	if rs, ok := s.rulesets[collection{ns.Database, ns.Collection}]; ok {
		if rs.broken || len(rs.roles) == 0 {
			return nil, NoRule
		}
		return rs, Found
	}
	if s.defaults == nil || s.broken || len(s.defaults.roles) == 0 {
		return nil, NoRule
	}
	return s.defaults, Found
}

// served refuses the databases and collections that belong to the server, to App Services or to rolegate, and names
// that no namespace can have.
func (p *Policy) served(ns Namespace) bool {
	db, c := ns.Database, ns.Collection
	switch {
	case db == "" || c == "" || len(db)+len(c) > 250:
		return false
	case p.refused[strings.ToLower(db)] || strings.HasPrefix(db, "__realm"):
		return false
	case strings.ContainsAny(db, "/\\. \"$*<>:|?\x00") || strings.ContainsAny(c, "$\x00"):
		return false
	case strings.HasPrefix(c, "system.") || strings.HasPrefix(c, "."):
		return false
	}
	return true
}

// Known tells whether the configuration names the namespace, so that logs may.
func (p *Policy) Known(ns Namespace) bool {
	s, ok := p.services[ns.Service]
	if !ok {
		return false
	}
	_, ok = s.rulesets[collection{ns.Database, ns.Collection}]
	return ok
}

// Ruleset is the compiled roles and query filters of one namespace, or the default rules of a data source.
type Ruleset struct {
	policy  *Policy
	roles   []*role
	filters []*queryFilter
	uses    expr.Uses
	schema  *schema // nil when documents need not conform to anything
	broken  bool
}

// CallsFunctions tells whether binding a user may call functions of the app.
func (r *Ruleset) CallsFunctions() bool { return r.uses.Functions }

// LooksUp tells whether binding a user may ask a lookup of the app.
func (r *Ruleset) LooksUp() bool { return r.uses.Lookups }

// NeedsCustomData tells whether binding a user needs their custom data.
func (r *Ruleset) NeedsCustomData() bool { return r.uses.CustomData }

// HasSchema tells whether writes have to conform to a schema.
func (r *Ruleset) HasSchema() bool { return r.schema != nil }

// role is a compiled role. A nil expression was not given.
type role struct {
	source     *config.Role
	name       string
	when       *expr.Expr
	gateRead   *expr.Expr
	gateWrite  *expr.Expr
	read       *expr.Expr
	write      *expr.Expr
	insert     *expr.Expr
	delete     *expr.Expr
	fields     []field
	additional permission
	onInsert   []preset
	onUpdate   []preset
}

// field is a named entry of a role's fields.
type field struct {
	name string
	permission
}

// permission is what a role says about one field.
type permission struct {
	read, write *expr.Expr
	fields      []field
}

type queryFilter struct {
	source     *config.QueryFilter
	when       *expr.Expr
	query      *expr.Query
	projection filter.Projection
}
