package bsonschema

import (
	"slices"

	"github.com/rolegate/rolegate/internal/source"
)

// properties reads properties, patternProperties and additionalProperties, at the first of them: which fields the last
// is about depends on the others.
func (r *reading) properties(m *source.Member) {
	named, patterns, rest := r.node.Member("properties"), r.node.Member("patternProperties"), r.node.Member("additionalProperties")
	for _, first := range []*source.Member{named, patterns, rest} {
		if first != nil {
			if first != m {
				return
			}
			break
		}
	}
	required := r.requiredNames()
	fields := schema{}
	r.k.named = map[string]*check{}
	if named != nil && r.is(named, source.Object) {
		for i := range named.Value.Members {
			f := &named.Value.Members[i]
			p := r.at.below()
			p.optional = !slices.Contains(required, f.Name)
			fields[f.Name], r.k.named[f.Name] = r.compiler.node(f.Value, p)
		}
	}
	if _, listed := fields[idName]; r.at.root && !listed {
		fields[idName] = schema{} // every document has one, whether the schema knows it or not
		r.k.named[idName] = nil
	}
	r.t.put(objectTags, "properties", fields)
	if patterns != nil && r.is(patterns, source.Object) {
		r.patternProperties(patterns.Value)
	}
	if rest != nil {
		p := r.at.below()
		p.optional = true
		s, k := r.compiler.node(rest.Value, p)
		r.k.rest = k
		r.t.put(objectTags, "additionalProperties", r.additional(rest.Value, s))
	}
}

// additional keeps false as it is: the validator then says which field is not allowed.
func (r *reading) additional(v *source.Value, s schema) any {
	if v.Kind == source.Bool {
		return v.Bool
	}
	return s
}

func (r *reading) patternProperties(v *source.Value) {
	out := schema{}
	for i := range v.Members {
		f := &v.Members[i]
		p := r.at.below()
		p.optional = true
		s, k := r.compiler.node(f.Value, p)
		out[f.Name] = s
		if re := r.compiler.pattern(f.Name, f.NameSpan); re != nil {
			r.k.patterns = append(r.k.patterns, patternCheck{re, k})
		}
	}
	r.t.put(objectTags, "patternProperties", out)
}

// requiredNames are the names that required lists, as far as it can be read.
func (r *reading) requiredNames() []string {
	var out []string
	if m := r.node.Member("required"); m != nil {
		for _, v := range m.Value.Items {
			out = append(out, v.Str)
		}
	}
	return out
}

func (r *reading) required(m *source.Member) {
	if list := r.texts(m.Name, m.Value); len(list) > 0 {
		r.t.put(objectTags, "required", list)
	}
}

// texts reads a list of names. The validator wants no name twice.
func (r *reading) texts(what string, v *source.Value) []any {
	if v.Kind != source.Array {
		r.fail(v.Span, "", "%s must be an array of names, not %s", what, v.Kind)
		return nil
	}
	var out []any
	for _, x := range v.Items {
		if x.Kind != source.String {
			r.fail(x.Span, "", "%s must be an array of names, but one is %s", what, x.Kind)
		} else if !slices.Contains(out, any(x.Str)) {
			out = append(out, x.Str)
		}
	}
	return out
}

// dependencies reads what must hold where a field is there: other fields, or a schema of the object.
func (r *reading) dependencies(m *source.Member) {
	if !r.is(m, source.Object) {
		return
	}
	lists := schema{}
	for i := range m.Value.Members {
		f := &m.Value.Members[i]
		if f.Value.Kind == source.Array {
			if list := r.texts("a dependency", f.Value); len(list) > 0 {
				lists[f.Name] = list
			}
			continue
		}
		s, _ := r.compiler.node(f.Value, r.at.in(false))
		has := schema{"required": []any{"object"}, "properties": schema{"object": schema{"required": []any{f.Name}}}}
		r.t.also(schema{"anyOf": []any{schema{"not": has}, s}})
	}
	if len(lists) > 0 {
		r.t.put(objectTags, "dependencies", lists)
	}
}

func (r *reading) propertyNames(m *source.Member) {
	r.needs.names = true
	p := r.at.below()
	p.branch = true // a name has no value before and after
	s, _ := r.compiler.node(m.Value, p)
	r.t.also(schema{"properties": schema{memberNames: schema{"items": s}}})
}

func (r *reading) items(m *source.Member) {
	more := r.node.Member("additionalItems")
	if m.Value.Kind != source.Array {
		s, k := r.compiler.node(m.Value, r.at.below())
		r.t.put(arrayTags, "items", s)
		r.k.items = k
		if more != nil {
			r.compiler.node(more.Value, r.at.below()) // means nothing here, but must be right
		}
		return
	}
	var list []any
	for _, v := range m.Value.Items {
		s, k := r.compiler.node(v, r.at.below())
		list = append(list, s)
		r.k.list = append(r.k.list, k)
	}
	if len(list) > 0 {
		r.t.put(arrayTags, "items", list)
	}
	if more == nil {
		return
	}
	s, k := r.compiler.node(more.Value, r.at.below())
	r.k.items = k
	if len(list) == 0 {
		r.t.put(arrayTags, "items", s)
		return
	}
	r.t.put(arrayTags, "additionalItems", r.additional(more.Value, s))
}

// additionalItems is read with items, without which it means nothing.
func (r *reading) additionalItems(m *source.Member) {
	if r.node.Member("items") == nil {
		r.compiler.node(m.Value, r.at.below())
	}
}

// contains says that not all elements fail. The validator's draft does not have it.
func (r *reading) contains(m *source.Member) {
	p := r.at.below()
	p.branch = true
	s, _ := r.compiler.node(m.Value, p)
	r.t.put(arrayTags, "not", schema{"items": schema{"not": s}})
}

func (r *reading) uniqueItems(m *source.Member) {
	if !r.is(m, source.Bool) || !m.Value.Bool {
		return
	}
	r.needs.unique = true
	r.t.also(schema{"properties": schema{memberUnique: schema{"enum": []any{true}}}})
}
