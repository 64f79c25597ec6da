package rules

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/rules/expr"
)

// preset is a value that a role sets on a kind of write, compiled.
type preset struct {
	path  []string
	value *expr.Value
}

// presets are those of a role for one kind of write, bound to a user.
type presets struct {
	values []boundPreset
	paths  pathSet
}

type boundPreset struct {
	path  []string
	value expr.BoundValue
}

func (c *compiler) presets(list []config.Preset, rs *Ruleset) []preset {
	var out []preset
	for _, p := range list {
		v := expr.ParseValue(p.Value, expr.InRole, c.policy.names, &c.ds)
		rs.uses = rs.uses.Or(v.Uses())
		out = append(out, preset{p.Path, v})
	}
	return out
}

func bindPresets(list []preset, s *expr.Scope) presets {
	var out presets
	for _, p := range list {
		out.values = append(out.values, boundPreset{p.path, p.value.Bind(s)})
		out.paths = out.paths.with(p.path)
	}
	return out
}

// apply sets the values in a document. Where one has no value, or a path leads through something that is no document, the
// write is denied.
func (d *Decider) apply(br *branch, ps presets, doc bson.Raw) (bson.Raw, WriteDecision) {
	out := doc
	var values []bson.RawValue
	for _, p := range ps.values {
		path := strings.Join(p.path, ".")
		v, t := p.value.Eval(&d.env)
		if t != expr.True {
			return nil, denied(br, "presets", path, t)
		}
		var ok bool
		if out, ok = withValue(out, p.path, v); !ok {
			return nil, denied(br, "presets", path, expr.False)
		}
		values = append(values, v)
	}
	return out, WriteDecision{Allowed: true, Preset: values}
}

// withValue is the document with a value at a path. It reports false where the path leads through something else than
// documents.
func withValue(doc bson.Raw, path []string, v bson.RawValue) (bson.Raw, bool) {
	if len(path) > 1 {
		inner, found := bsonval.Lookup(doc, path[0])
		if found && !isDocument(inner) {
			return nil, false
		}
		changed, ok := withValue(documentOf(inner), path[1:], v)
		if !ok {
			return nil, false
		}
		v = bsonval.FromDocument(changed)
	}
	out, start := bsonval.BeginDocument(make([]byte, 0, len(doc)+len(v.Value)+len(path[0])+8))
	set := false
	it := bsonval.NewIter(doc)
	for it.Next() {
		if string(it.Key()) == path[0] {
			out, set = bsonval.AppendElement(out, path[0], v), true
			continue
		}
		out = append(out, it.Element()...)
	}
	if !set {
		out = bsonval.AppendElement(out, path[0], v)
	}
	return bsonval.EndDocument(out, start), it.Err() == nil
}

// pathSet is a set of paths with everything below them. The zero value is empty.
type pathSet struct {
	all    bool
	inside map[string]pathSet
}

func (s pathSet) with(path []string) pathSet {
	if len(path) == 0 {
		return pathSet{all: true}
	}
	if s.inside == nil {
		s.inside = map[string]pathSet{}
	}
	s.inside[path[0]] = s.inside[path[0]].with(path[1:])
	return s
}

func (s pathSet) child(name string) pathSet {
	if s.all {
		return s
	}
	return s.inside[name]
}

// covers tells whether two values differ at most in what the set holds.
func (s pathSet) covers(pre, post bson.RawValue) bool {
	switch {
	case s.all || bsonval.Identical(pre, post):
		return true
	case s.inside == nil, !isDocument(pre) && !bsonval.IsMissing(pre), !isDocument(post) && !bsonval.IsMissing(post):
		return false
	}
	was, is := documentOf(pre), documentOf(post)
	if !sameOrder(was, is) {
		return false
	}
	before, after := bsonval.NewIter(was), bsonval.NewIter(is)
	for after.Next() {
		v, _ := bsonval.Lookup(was, string(after.Key()))
		if !s.child(string(after.Key())).covers(v, after.Value()) {
			return false
		}
	}
	for before.Next() {
		if _, kept := bsonval.Lookup(is, string(before.Key())); !kept && !s.child(string(before.Key())).covers(before.Value(), bson.RawValue{}) {
			return false
		}
	}
	return before.Err() == nil && after.Err() == nil
}

// holds tells whether the dotted path is in the set.
func (s pathSet) holds(path string) bool {
	for path != "" && !s.all && s.inside != nil {
		name, rest, _ := strings.Cut(path, ".")
		s, path = s.inside[name], rest
	}
	return s.all
}
