package config

import (
	"slices"
	"strings"

	"github.com/rolegate/rolegate/internal/source"
)

func roleKeys() []key {
	return []key{
		{name: "name", kinds: aString, required: true},
		{name: "apply_when", kinds: anExpr, required: true},
		{name: "document_filters", kinds: aMap},
		{name: "read", kinds: anExpr},
		{name: "write", kinds: anExpr},
		{name: "insert", kinds: anExpr},
		{name: "delete", kinds: anExpr},
		{name: "search", kinds: anExpr},
		{name: "fields", kinds: aMap},
		{name: "additional_fields", kinds: aMap},
		{name: "presets", kinds: aMap},
		{name: "message", kinds: aString},
		{name: "id", kinds: aString},
		{name: "_id", kinds: aString},
	}
}

func filterKeys() []key {
	return []key{
		{name: "name", kinds: aString, required: true},
		{name: "apply_when", kinds: anExpr, required: true},
		{name: "query", kinds: aMap},
		{name: "projection", kinds: aMap},
		{name: "project", kinds: aMap},
		{name: "id", kinds: aString},
		{name: "_id", kinds: aString},
	}
}

// read takes roles and filters from a rules file or a default rule.
func (rs *Ruleset) read(v *source.Value, what string, named bool, ds *source.Diagnostics) {
	rs.Span = v.Span
	s := shape{what, []key{
		{name: "roles", kinds: anArray},
		{name: "filters", kinds: anArray},
		{name: "id", kinds: aString},
		{name: "_id", kinds: aString},
	}, false, misplacedKeys()}
	if named {
		s.keys = append(s.keys, key{name: "database", kinds: aString}, key{name: "collection", kinds: aString},
			key{name: "schema", kinds: aMap}, key{name: "relationships", kinds: aMap})
	}
	if !s.check(v, ds) {
		return
	}
	for _, x := range items(v, "roles") {
		rs.Roles = append(rs.Roles, readRole(x, ds))
	}
	for _, x := range items(v, "filters") {
		rs.Filters = append(rs.Filters, readFilter(x, ds))
	}
}

// misplacedKeys are those of a role or a filter, found outside of one: whoever wrote them believes that they restrict something. The
// same holds for those of the rules of services that are not MongoDB.
func misplacedKeys() []string {
	out := []string{"actions", "when"}
	for _, k := range append(roleKeys(), filterKeys()...) {
		if !slices.Contains([]string{"name", "id", "_id"}, k.name) {
			out = append(out, k.name)
		}
	}
	return out
}

func readRole(v *source.Value, ds *source.Diagnostics) *Role {
	r := &Role{Span: v.Span}
	if !(shape{"a role", roleKeys(), true, nil}).check(v, ds) {
		return r
	}
	r.Name = text(v, "name")
	r.ApplyWhen = expression(v, "apply_when")
	r.Read, r.Write = expression(v, "read"), expression(v, "write")
	r.Insert, r.Delete, r.Search = expression(v, "insert"), expression(v, "delete"), expression(v, "search")
	if len(r.Name) > 100 {
		ds.Warn(v.Get("name").Span, CodeInvalidValue, "", "the name of a role has at most 100 characters")
	}
	if d := v.Get("document_filters"); d != nil && d.Kind == source.Object {
		(shape{"document_filters", []key{{name: "read", kinds: anExpr}, {name: "write", kinds: anExpr}}, true, nil}).check(d, ds)
		r.DocumentFilters = &DocumentFilters{Read: expression(d, "read"), Write: expression(d, "write"), Span: d.Span}
	}
	r.Fields = readFields(v, ds)
	if a := v.Get("additional_fields"); a != nil && a.Kind == source.Object {
		(shape{"additional_fields", []key{{name: "read", kinds: anExpr}, {name: "write", kinds: anExpr}}, true, nil}).check(a, ds)
		r.Additional = &FieldRule{Read: expression(a, "read"), Write: expression(a, "write"), Span: a.Span}
	}
	r.Presets, r.Message = readPresets(v, ds), readMessage(v, ds)
	return r
}

// readFields reads the map of field rules of a role or of another field rule. Names with dots mean nested fields, as in
// {"a": {"fields": {"b": …}}} for "a.b". They come after the plain ones and the short before the long, so that a field
// that is there already has been defined and not only passed through.
func readFields(v *source.Value, ds *source.Diagnostics) []Field {
	var out []Field
	list := slices.Clone(members(v, "fields"))
	slices.SortStableFunc(list, func(a, b source.Member) int { return strings.Count(a.Name, ".") - strings.Count(b.Name, ".") })
	for _, m := range list {
		rule := readFieldRule(m.Value, ds)
		parts := strings.Split(m.Name, ".")
		if slices.ContainsFunc(parts, func(p string) bool { return p == "" || p[0] == '$' }) {
			ds.Error(m.NameSpan, CodeInvalidField, "", "%s is not the name of a field", source.Quote(m.Name))
			continue
		}
		out = addField(out, parts, rule, m, ds)
	}
	return out
}

func readFieldRule(v *source.Value, ds *source.Diagnostics) FieldRule {
	rule := FieldRule{Span: v.Span}
	s := shape{"a field rule", []key{
		{name: "read", kinds: anExpr},
		{name: "write", kinds: anExpr},
		{name: "fields", kinds: aMap},
	}, true, nil}
	if s.check(v, ds) {
		rule.Read, rule.Write, rule.Fields = expression(v, "read"), expression(v, "write"), readFields(v, ds)
	}
	return rule
}

// addField puts a rule where its path leads.
func addField(list []Field, path []string, rule FieldRule, m source.Member, ds *source.Diagnostics) []Field {
	i := slices.IndexFunc(list, func(f Field) bool { return f.Name == path[0] })
	if i < 0 {
		i = len(list)
		list = append(list, Field{path[0], FieldRule{Span: m.Value.Span}})
	} else if len(path) == 1 {
		ds.Error(m.NameSpan, CodeConflictingField, "write the rule once, nested", "the field %s has another rule at %s",
			source.Quote(m.Name), list[i].Rule.Span)
		return list
	}
	if len(path) == 1 {
		list[i].Rule = rule
	} else {
		list[i].Rule.Fields = addField(list[i].Rule.Fields, path[1:], rule, m, ds)
	}
	return list
}

func readFilter(v *source.Value, ds *source.Diagnostics) *QueryFilter {
	f := &QueryFilter{Span: v.Span}
	if !(shape{"a filter", filterKeys(), true, nil}).check(v, ds) {
		return f
	}
	f.Name, f.ApplyWhen = text(v, "name"), expression(v, "apply_when")
	f.Query, f.Projection = object(v, "query"), object(v, "projection")
	if alias := v.Get("project"); alias != nil {
		if v.Get("projection") != nil {
			ds.Error(alias.Span, CodeConflictingKeys, "keep projection", "%q and %q mean the same", "projection", "project")
		}
		f.Projection = object(v, "project")
	}
	return f
}

func object(v *source.Value, name string) *source.Value {
	if x := v.Get(name); x != nil && x.Kind == source.Object {
		return x
	}
	return nil
}
