package rules

import (
	"maps"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/rules/expr"
)

// LookupQuery is a lookup of the app: a query that is asked as the system, and the path whose values rules refer to. It is
// immutable.
type LookupQuery struct {
	NS           Namespace
	Select       query.Path
	CacheSeconds int

	match *expr.Query
}

// Bind is the query for one user and one request. It is unknown where an expansion in it has no value: the lookup has none then,
// either. Where one fails, so does the lookup.
func (q *LookupQuery) Bind(s *expr.Scope) (bson.Raw, expr.Truth) { return q.match.Bind(s) }

// LookupQuery finds a lookup by its name, or nil: it has errors.
func (p *Policy) LookupQuery(name string) *LookupQuery { return p.lookups[name] }

// Lookups are the names of the lookups that can be asked, sorted.
func (p *Policy) Lookups() []string { return slices.Sorted(maps.Keys(p.lookups)) }

// CodeLookup is the code of what is wrong with a lookup as such.
const CodeLookup = "invalid-lookup"

// lookupNames notes which lookups there are. What they ask is read when everything is known that they may refer to.
func (c *compiler) lookupNames(app *config.App) {
	for _, l := range app.Lookups {
		c.policy.names.Lookups[l.Name] = true
	}
}

// lookups reads what the lookups ask.
func (c *compiler) lookups(app *config.App) {
	c.policy.lookups = map[string]*LookupQuery{}
	refers := map[string][]string{}
	for _, l := range app.Lookups {
		if l.Match == nil || l.Select == nil {
			continue // has been reported
		}
		var ds source.Diagnostics
		q := &LookupQuery{NS: Namespace{l.Service, l.Database, l.Collection}, CacheSeconds: l.CacheSeconds}
		q.match = expr.ParseQuery(l.Match, c.policy.names, &ds)
		var err error
		if q.Select, err = query.ParsePath(l.Select.Str); err != nil {
			ds.Error(l.Select.Span, expr.CodePath, "", "%s is not a field path: %v", source.Quote(l.Select.Str), err)
		}
		if !c.policy.served(q.NS) {
			ds.Error(l.Span, CodeLookup, "", "the namespace %s is never served, not to rules either", source.Quote(q.NS.String()))
		}
		if !ds.HasErrors() {
			c.policy.lookups[l.Name] = q
			refers[l.Name] = q.match.Lookups()
			c.lookupUses = c.lookupUses.Or(q.match.Uses())
		}
		c.ds = append(c.ds, ds...)
	}
	for _, l := range app.Lookups {
		if circle := circleOf(l.Name, refers); circle != nil {
			c.ds.Error(l.Match.Span, CodeLookup, "", "the lookup depends on itself: %s", strings.Join(circle, " → "))
			delete(c.policy.lookups, l.Name)
		}
	}
}

// circleOf is a way from a lookup back to itself, nil when there is none.
func circleOf(name string, refers map[string][]string) []string {
	seen := map[string]bool{}
	var find func(way []string) []string
	find = func(way []string) []string {
		for _, next := range refers[way[len(way)-1]] {
			longer := append(slices.Clone(way), next)
			if next == name {
				return longer
			}
			if seen[next] {
				continue
			}
			seen[next] = true
			if found := find(longer); found != nil {
				return found
			}
		}
		return nil
	}
	return find([]string{name})
}
