package filter

import (
	"maps"
	"slices"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// maxComputed bounds how deep a mask that cuts into fields may nest as an expression: a server takes about a hundred
// levels, and each level of the mask is eight of them.
const maxComputed = 8

// Stages is Cut as stages of an aggregation pipeline: what they leave of a document is what Cut does, for every document
// of which something is left. ok is false when root leaves something to a condition, or nests too deeply; nil stands for
// the mask that shows everything.
//
// Fields that are shown or hidden whole are named in a $project or $unset. A field that is shown in part becomes a
// computed value, because a $project would leave the containers that Cut drops.
func Stages(root *Node) (stages []bson.Raw, ok bool) {
	if root == nil || root.Whole == Always {
		return []bson.Raw{stage("$unset", bson.A{Reserved})}, true
	}
	var s staged
	if !s.add(root) {
		return nil, false
	}
	stages = s.stages(root.Rest == Always)
	return stages, !slices.ContainsFunc(stages, func(s bson.Raw) bool { return s == nil })
}

// staged sorts the top-level fields by how they are shown.
type staged struct {
	whole, hidden []string
	computed      bson.D
}

func (s *staged) add(root *Node) bool {
	if _, asks := root.Rest.Asks(); asks || root.Whole != Never {
		return false
	}
	for _, name := range slices.Sorted(maps.Keys(root.Fields)) {
		n := root.Fields[name]
		_, asks := n.cond().Asks()
		switch {
		case asks:
			return false
		case !bsonval.IsSegment(name) || name == Reserved:
		case n.cond() == Always:
			s.whole = append(s.whole, name)
		case n == nil || len(n.Fields) == 0:
			s.hidden = append(s.hidden, name)
		default:
			e, ok := value(n, "$"+name, 1)
			if !ok {
				return false
			}
			s.computed = append(s.computed, bson.E{Key: name, Value: e})
		}
	}
	return true
}

// cond is Whole, for a node that may be nil.
func (n *Node) cond() Cond {
	if n == nil {
		return Never
	}
	return n.Whole
}

func (s *staged) stages(rest bool) []bson.Raw {
	var out []bson.Raw
	if rest {
		out = append(out, stage("$unset", append([]string{Reserved}, s.hidden...)))
	} else if len(s.whole)+len(s.computed) == 0 {
		// A $project of nothing but {_id: 0} would show everything else.
		return []bson.Raw{stage("$match", bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: bson.A{}}}}})}
	} else {
		p := bson.D{}
		for _, name := range s.whole {
			p = append(p, bson.E{Key: name, Value: 1})
		}
		for _, e := range s.computed {
			p = append(p, bson.E{Key: e.Key, Value: 1}) // in its place; it is cut next
		}
		if !slices.ContainsFunc(p, func(e bson.E) bool { return e.Key == "_id" }) {
			p = append(p, bson.E{Key: "_id", Value: 0})
		}
		out = append(out, stage("$project", p))
	}
	if len(s.computed) > 0 {
		out = append(out, stage("$set", s.computed))
	}
	return out
}

// value is what n shows of the value of an expression: of a document, or of the documents in an array.
func value(n *Node, of string, depth int) (bson.D, bool) {
	doc, ok := document(n, of, depth)
	if !ok {
		return nil, false
	}
	element := "e" + strconv.Itoa(depth)
	inner, ok := document(n, "$$"+element, depth)
	if !ok {
		return nil, false
	}
	kept := "a" + strconv.Itoa(depth)
	cut := bson.D{{Key: "$map", Value: bson.D{
		{Key: "input", Value: of},
		{Key: "as", Value: element},
		{Key: "in", Value: cond(isType("$$"+element, "object"), inner, nil)},
	}}}
	documents := bson.D{{Key: "$filter", Value: bson.D{
		{Key: "input", Value: cut},
		{Key: "as", Value: element},
		{Key: "cond", Value: isType("$$"+element, "object")},
	}}}
	return bson.D{{Key: "$switch", Value: bson.D{
		{Key: "branches", Value: bson.A{
			bson.D{{Key: "case", Value: isType(of, "object")}, {Key: "then", Value: doc}},
			bson.D{{Key: "case", Value: isType(of, "array")}, {Key: "then", Value: unlessEmpty(kept, documents, "$$"+kept)}},
		}},
		{Key: "default", Value: "$$REMOVE"},
	}}}, true
}

// document is what n shows of a document: the fields that it names, in their order.
func document(n *Node, of string, depth int) (bson.D, bool) {
	if depth > maxComputed || n.Whole != Never {
		return nil, false
	}
	field := "f" + strconv.Itoa(depth)
	names, parts := bson.A{}, bson.A{}
	for _, name := range slices.Sorted(maps.Keys(n.Fields)) {
		child := n.Fields[name]
		_, asks := child.cond().Asks()
		switch {
		case asks:
			return nil, false
		case !bsonval.IsSegment(name) || child == nil || (child.Whole == Never && len(child.Fields) == 0):
			continue
		}
		names = append(names, name)
		if child.Whole == Always {
			continue
		}
		v, ok := value(child, "$$"+field+".v", depth+1)
		if !ok {
			return nil, false
		}
		parts = append(parts, bson.D{
			{Key: "case", Value: bson.D{{Key: "$eq", Value: bson.A{"$$" + field + ".k", literal(name)}}}},
			{Key: "then", Value: v},
		})
	}
	var fields any = bson.D{{Key: "$filter", Value: bson.D{
		{Key: "input", Value: bson.D{{Key: "$objectToArray", Value: of}}},
		{Key: "as", Value: field},
		{Key: "cond", Value: bson.D{{Key: "$in", Value: bson.A{"$$" + field + ".k", literal(names)}}}},
	}}}
	if len(parts) > 0 {
		fields = bson.D{{Key: "$filter", Value: bson.D{
			{Key: "input", Value: bson.D{{Key: "$map", Value: bson.D{
				{Key: "input", Value: fields},
				{Key: "as", Value: field},
				{Key: "in", Value: bson.D{
					{Key: "k", Value: "$$" + field + ".k"},
					{Key: "v", Value: bson.D{{Key: "$switch", Value: bson.D{
						{Key: "branches", Value: parts}, {Key: "default", Value: "$$" + field + ".v"},
					}}}},
				}},
			}}}},
			{Key: "as", Value: field},
			{Key: "cond", Value: bson.D{{Key: "$ne", Value: bson.A{
				bson.D{{Key: "$type", Value: "$$" + field + ".v"}}, "missing",
			}}}},
		}}}
	}
	kept := "d" + strconv.Itoa(depth)
	return unlessEmpty(kept, fields, bson.D{{Key: "$arrayToObject", Value: "$$" + kept}}), true
}

// unlessEmpty binds an array to a name and is then, or nothing at all when the array is empty.
func unlessEmpty(name string, array, then any) bson.D {
	return bson.D{{Key: "$let", Value: bson.D{
		{Key: "vars", Value: bson.D{{Key: name, Value: array}}},
		{Key: "in", Value: cond(bson.D{{Key: "$eq", Value: bson.A{bson.D{{Key: "$size", Value: "$$" + name}}, 0}}}, "$$REMOVE", then)},
	}}}
}

func cond(when bson.D, then, otherwise any) bson.D {
	return bson.D{{Key: "$cond", Value: bson.A{when, then, otherwise}}}
}

func isType(of, name string) bson.D {
	return bson.D{{Key: "$eq", Value: bson.A{bson.D{{Key: "$type", Value: of}}, name}}}
}

func literal(v any) bson.D { return bson.D{{Key: "$literal", Value: v}} }

// stage marshals {name: spec}. It is nil when that fails, as it does for a name with a NUL in it.
func stage(name string, spec any) bson.Raw {
	out, err := bson.Marshal(bson.D{{Key: name, Value: spec}})
	if err != nil {
		return nil
	}
	return out
}

// Stage is Project as a stage of an aggregation pipeline. It reports false for the projection that shows everything,
// which needs none.
func (p Projection) Stage() (bson.Raw, bool) {
	if p.mode == everything {
		return nil, false
	}
	spec := p.paths.appendTo(nil, "", p.mode == inclusion)
	if _, named := p.paths[idField]; !named && p.mode == inclusion {
		spec = append(spec, bson.E{Key: idField, Value: 0})
	}
	return stage("$project", spec), true
}

func (t paths) appendTo(spec bson.D, prefix string, on bool) bson.D {
	for name, sub := range t {
		if sub != nil {
			spec = sub.appendTo(spec, prefix+name+".", on)
			continue
		}
		spec = append(spec, bson.E{Key: prefix + name, Value: on})
	}
	return spec
}
