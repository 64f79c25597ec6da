package rules

import (
	"maps"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/predicate"
	"github.com/rolegate/rolegate/internal/query"
)

// Segment is a set of stored documents that are all cut alike, as the beginning of an aggregation pipeline.
type Segment struct {
	Role  string
	Match bson.Raw   // which documents; nil is all
	Cut   []bson.Raw // stages that cut them, which never fail
}

// maxSegments bounds the parts of one aggregation.
const maxSegments = 64

// Segments splits the view into segments whose documents together are the view, each once. f is what the pipeline starts
// with, written as raw: documents that cannot match it are left out, all of them where exact. Where the view cannot be
// stated there are no segments but a reason.
func (p *Plan) Segments(raw bson.Raw, f *query.Filter) (segments []Segment, exact bool, why *Reason) {
	if !p.filters.Exact() {
		return nil, false, &Reason{Permission: "filter"}
	}
	projection, projected := p.bound.projection.Stage()
	if projected && projection == nil {
		return nil, false, &Reason{Permission: "filter"}
	}
	matches, _ := p.matches(raw, f, new([]Reason))
	var out []Segment
	exact = true
	for i := range p.parts {
		exact = exact && matches[i].Exact()
		for _, v := range p.parts[i].variants() {
			if v.why != "" {
				return nil, false, &Reason{Role: v.branch.role, Permission: v.why}
			}
			match := predicate.And(p.filters.May, v.when.May, matches[i].May).Simplify()
			cut, ok := filter.Stages(v.shown())
			if !ok || match.Size() > maxQuery {
				return nil, false, &Reason{Role: v.branch.role, Permission: "fields"}
			}
			if match.IsNone() {
				continue
			}
			if projected {
				cut = append(slices.Clone(cut), projection)
			}
			out = append(out, Segment{Role: v.branch.role, Match: match.Document(), Cut: cut})
			if len(out) > maxSegments {
				return nil, false, &Reason{Role: v.branch.role, Permission: "fields"}
			}
		}
	}
	return out, exact, nil
}

// variant is a part in which every condition of a field has one value.
type variant struct {
	part
	mask *filter.Node // nil for whole documents
}

// shown is the tree to cut to.
func (v *variant) shown() *filter.Node {
	if v.whole {
		return nil
	}
	return v.mask
}

// variants splits a part by the conditions of its top-level fields. Conditions further down are asked for each element of
// an array, which no query does.
func (p *part) variants() []variant {
	first := variant{part: *p, mask: p.tree}
	if p.whole {
		return []variant{first}
	}
	first.mask = &filter.Node{Fields: maps.Clone(p.tree.Fields), Rest: p.tree.Rest}
	out := []variant{first}
	for _, name := range slices.Sorted(maps.Keys(p.tree.Fields)) {
		n := p.tree.Fields[name]
		_, asks := n.Whole.Asks()
		switch {
		case asks && len(n.Fields) == 0:
			out = splitAll(out, p.branch.allowed(n.Whole, name, true), func(m *filter.Node, c filter.Cond) {
				m.Fields[name] = &filter.Node{Whole: c}
			})
		case asks:
			return []variant{{part: part{branch: p.branch, why: "fields"}}}
		}
	}
	n, asks := p.tree.Rest.Asks()
	if !asks {
		return out
	}
	if p.branch.conds[n].OfField() {
		return []variant{{part: part{branch: p.branch, why: "additional_fields"}}}
	}
	return splitAll(out, p.branch.conds[n].Bounds(""), func(m *filter.Node, c filter.Cond) { m.Rest = c })
}

// splitAll splits each variant in two: where the condition holds, and where it does not.
func splitAll(vs []variant, condition predicate.Bounds, set func(*filter.Node, filter.Cond)) []variant {
	var out []variant
	for _, v := range vs {
		half := func(c filter.Cond, holds predicate.Bounds) {
			h := variant{part: v.part, mask: &filter.Node{Fields: maps.Clone(v.mask.Fields), Rest: v.mask.Rest}}
			h.when = predicate.Both(v.when, holds)
			if h.why == "" && !h.when.Exact() {
				h.why = "fields"
			}
			set(h.mask, c)
			out = append(out, h)
		}
		half(filter.Always, condition)
		half(filter.Never, condition.Not())
		if len(out) > maxSegments {
			return []variant{{part: part{branch: v.branch, why: "fields"}}}
		}
	}
	return out
}

// KeepsID tells whether every document of the view shows its _id, which then orders them.
func (p *Plan) KeepsID() bool {
	id, err := query.ParsePath("_id")
	return err == nil && p.Readable(id)
}
