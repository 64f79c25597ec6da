package rules

import (
	"maps"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/bsonschema"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/rules/expr"
)

// Options are settings that are not part of the app export.
type Options struct {
	// RefusedDatabases are never served, besides those of the server and of App Services.
	RefusedDatabases []string
	// SkipPostImageCheck restores the original behaviour in which the role of the pre-image alone decides a write.
	SkipPostImageCheck bool
	// Secrets are the values of the app's secrets, by the name of the value that refers to them.
	Secrets map[string]string
	// Functions tells for each function of the app why it cannot be called, "" for those that can. A nil map refuses rules
	// that call functions.
	Functions map[string]string
	// NullTypeSchemas makes schemas accept null for every field that is not required.
	NullTypeSchemas bool
}

// The codes of the diagnostics of this package, besides those of rules/expr and of internal/bsonschema.
const (
	CodeRoleName   = "duplicate-role"
	CodeEmptyRoles = "empty-roles"
	CodeProjection = "invalid-projection"
)

// Codes lists every code that Compile may report.
func Codes() []string {
	return append(append(expr.Codes(), bsonschema.Codes()...), CodeRoleName, CodeEmptyRoles, CodeProjection, CodeLookup)
}

type compiler struct {
	policy *Policy
	nulls  bool
	ds     source.Diagnostics

	lookupUses expr.Uses // of all lookups, because each may refer to others
}

// Compile turns an app into a policy and reports everything that is wrong with its rules. A namespace whose rules
// have errors denies everything.
func Compile(app *config.App, o Options) (*Policy, source.Diagnostics) {
	c := &compiler{policy: &Policy{
		services:  map[string]*service{},
		postImage: !o.SkipPostImageCheck,
		zone:      app.Root.TimeZone,
		refused:   map[string]bool{"admin": true, "local": true, "config": true, "$external": true},
	}, nulls: o.NullTypeSchemas}
	for _, db := range o.RefusedDatabases {
		c.policy.refused[strings.ToLower(db)] = true
	}
	c.values(app, o.Secrets)
	c.lookupNames(app)
	c.functions(app, o.Functions)
	c.lookups(app)
	c.endpoints(app)
	c.policy.system = c.everything()
	c.policy.entry = c.entry(app.DataAPI)
	for _, s := range app.Services {
		c.policy.services[s.Name] = c.service(s)
	}
	c.ds.Sort()
	return c.policy, c.ds
}

// values makes the documents behind %%values and %%environment.
func (c *compiler) values(app *config.App, secrets map[string]string) {
	names := expr.Names{Values: map[string]bool{}, EnvironmentValues: map[string]bool{}, Lookups: map[string]bool{}}
	c.policy.names = names
	doc, start := bsonval.BeginDocument(nil)
	// Sorted, because documents are compared in the order of their fields, these too.
	for _, name := range slices.Sorted(maps.Keys(app.Values)) {
		names.Values[name] = true
		doc = bsonval.AppendElement(doc, name, c.literal(app.Values[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(app.Secrets)) {
		names.Values[name] = true
		if secret, ok := secrets[name]; ok {
			v := bsonval.FromString(secret)
			doc = bsonval.AppendElement(doc, name, v)
			c.policy.secrets = append(c.policy.secrets, expr.Forms(v)...)
		}
	}
	c.policy.values = bsonval.EndDocument(doc, start)

	doc, start = bsonval.BeginDocument(nil)
	doc = bsonval.AppendElement(doc, "tag", bsonval.FromString(app.Root.Environment))
	doc, inner := bsonval.BeginElement(doc, bson.TypeEmbeddedDocument, "values")
	for _, name := range slices.Sorted(maps.Keys(app.EnvironmentValues)) {
		names.EnvironmentValues[name] = true
		doc = bsonval.AppendElement(doc, name, c.literal(app.EnvironmentValues[name]))
	}
	c.policy.environment = bsonval.EndDocument(bsonval.EndDocument(doc, inner), start)
}

func (c *compiler) literal(v *source.Value) bson.RawValue {
	lit, err := ejson.ParseValue(v.Span.File.Text[v.Span.Start:v.Span.End], ejson.Limits{})
	if err != nil {
		c.ds.Error(v.Span, config.CodeInvalidValue, "", "not a value: %v", err)
		return bsonval.Null()
	}
	return lit
}

func (c *compiler) service(s *config.Service) *service {
	out := &service{rulesets: map[collection]*Ruleset{}}
	if s.Type == "datalake" {
		return out // has no rules, and nobody but the system may read it
	}
	if s.DefaultRule != nil {
		out.defaults = c.ruleset(s.DefaultRule)
		out.broken = out.defaults.broken
	}
	for _, rs := range s.Rulesets {
		compiled := c.ruleset(rs)
		if !compiled.broken && len(compiled.roles) == 0 {
			compiled = c.fallBack(rs, compiled, out)
		}
		out.rulesets[collection{rs.Database, rs.Collection}] = compiled
	}
	return out
}

// fallBack gives a collection that defines no roles the default roles, under the filters of both.
func (c *compiler) fallBack(rs *config.Ruleset, own *Ruleset, s *service) *Ruleset {
	if s.defaults == nil || len(s.defaults.roles) == 0 {
		return own
	}
	c.ds.Warn(rs.Span, CodeEmptyRoles, "", "no roles here: the default roles of the data source apply")
	return &Ruleset{
		policy:  c.policy,
		roles:   s.defaults.roles,
		filters: append(append([]*queryFilter{}, s.defaults.filters...), own.filters...),
		uses:    s.defaults.uses.Or(own.uses),
		schema:  own.schema,
		broken:  s.defaults.broken,
	}
}

func (c *compiler) ruleset(rs *config.Ruleset) *Ruleset {
	before := len(c.ds)
	out := &Ruleset{policy: c.policy, broken: rs.Broken}
	seen := map[string]bool{}
	for _, r := range rs.Roles {
		if seen[r.Name] {
			c.ds.Warn(r.Span, CodeRoleName, "the order of the roles decides", "a second role is named %q", r.Name)
		}
		seen[r.Name] = true
		out.roles = append(out.roles, c.role(r, out))
	}
	for _, f := range rs.Filters {
		out.filters = append(out.filters, c.filter(f, out))
	}
	if rs.Schema != nil && rs.Schema.Kind == source.Object && len(rs.Schema.Members) > 0 {
		out.schema = c.schema(rs.Schema, out)
	}
	if out.uses.Lookups {
		out.uses = out.uses.Or(c.lookupUses)
	}
	out.broken = out.broken || c.ds[before:].HasErrors()
	return out
}

func (c *compiler) role(r *config.Role, rs *Ruleset) *role {
	in := func(place expr.Place, v *source.Value) *expr.Expr {
		if v == nil {
			return nil
		}
		e := expr.Parse(v, place, c.policy.names, &c.ds)
		rs.uses = rs.uses.Or(e.Uses())
		return e
	}
	out := &role{
		source: r,
		name:   r.Name,
		when:   in(expr.InRole, r.ApplyWhen),
		read:   in(expr.InRole, r.Read),
		write:  in(expr.InRole, r.Write),
		insert: in(expr.InRole, r.Insert),
		delete: in(expr.InRole, r.Delete),
	}
	if r.DocumentFilters != nil {
		out.gateRead = in(expr.InRole, r.DocumentFilters.Read)
		out.gateWrite = in(expr.InRole, r.DocumentFilters.Write)
	}
	var permissions func(fr *config.FieldRule) permission
	permissions = func(fr *config.FieldRule) permission {
		p := permission{read: in(expr.InField, fr.Read), write: in(expr.InField, fr.Write)}
		for i := range fr.Fields {
			p.fields = append(p.fields, field{fr.Fields[i].Name, permissions(&fr.Fields[i].Rule)})
		}
		return p
	}
	for i := range r.Fields {
		out.fields = append(out.fields, field{r.Fields[i].Name, permissions(&r.Fields[i].Rule)})
	}
	if r.Additional != nil {
		out.additional = permissions(r.Additional)
		out.additional.fields = nil
	}
	out.onInsert, out.onUpdate = c.presets(r.Presets.Insert, rs), c.presets(r.Presets.Update, rs)
	return out
}

func (c *compiler) filter(f *config.QueryFilter, rs *Ruleset) *queryFilter {
	out := &queryFilter{source: f}
	if f.ApplyWhen != nil {
		out.when = expr.Parse(f.ApplyWhen, expr.BeforeDocuments, c.policy.names, &c.ds)
		rs.uses = rs.uses.Or(out.when.Uses())
	}
	if f.Query != nil {
		out.query = expr.ParseQuery(f.Query, c.policy.names, &c.ds)
		rs.uses = rs.uses.Or(out.query.Uses())
	}
	if f.Projection != nil && len(f.Projection.Members) > 0 {
		lit := c.literal(f.Projection)
		p, err := filter.ParseProjection(bson.Raw(lit.Value))
		if err != nil {
			c.ds.Error(f.Projection.Span, CodeProjection, "", "not a usable projection: %v", err)
		}
		out.projection = p
	}
	return out
}
