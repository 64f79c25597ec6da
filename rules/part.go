package rules

import (
	"maps"
	"slices"
	"strings"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/predicate"
	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/rules/expr"
)

// part is a set of documents of the view that are all shown by one tree of permissions: those of one branch, or, where
// the branch grants the document as a whole on a condition, the two halves of it. No document is in two parts.
type part struct {
	branch *branch
	when   predicate.Bounds // the stored document belongs to the part, and something of it is visible
	whole  bool             // all of the document is shown, else what tree shows
	tree   *filter.Node
	why    string // the permission that keeps when from being exact, "" when it is
}

// maxRest bounds how much is said of earlier branches, which every later one repeats.
const maxRest = 500

// parts splits the view. The documents that a rule fails on are in none.
func (b *Bound) parts() []part {
	var out []part
	rest := predicate.Always() // no earlier branch applies
	for _, br := range b.branches {
		var bs bounder
		when := br.when.Bounds("")
		applies := bs.add("apply_when", when, rest)
		shown := applies
		if br.gateRead.defined {
			shown = bs.add("document_filters", expr.Any(br.gateRead.cond, br.gateWrite.orUnknown()).Bounds(""), applies)
		}
		out = append(out, br.split(shown, bs)...)
		rest = predicate.Both(rest, when.Not())
		if br.when.Fails() {
			rest = rest.Loose() // where it fails, no later branch is asked
		}
		if rest.May.Size() > maxRest {
			rest = predicate.Unstated()
		}
	}
	return slices.DeleteFunc(out, func(p part) bool { return p.when.May.IsNone() })
}

// split makes the parts of one branch: where it grants the whole document, and where the fields decide.
func (br *branch) split(shown predicate.Bounds, bs bounder) []part {
	grant := expr.Any(br.read.orUnknown(), br.write.orUnknown())
	granted := grant.Bounds("")
	wholly := bs
	whole := part{branch: br, whole: true, when: wholly.add("read", granted, shown), tree: br.tree}
	whole.why = wholly.why
	if br.read.defined {
		return []part{whole}
	}
	byField := predicate.Both(shown, granted.Not())
	if grant.Fails() {
		byField = byField.Loose()
	}
	bs.note("write", byField)
	fields := part{branch: br, tree: br.tree, when: predicate.Both(byField, br.something())}
	bs.note("fields", fields.when)
	fields.why = bs.why
	return []part{whole, fields}
}

// orUnknown is the condition, or one that grants nothing where none is given.
func (o optional) orUnknown() expr.Cond {
	if !o.defined {
		return expr.Const(expr.Unknown)
	}
	return o.cond
}

// bounder collects conditions and remembers the first that has no exact query.
type bounder struct{ why string }

func (b *bounder) add(permission string, c, on predicate.Bounds) predicate.Bounds {
	out := predicate.Both(on, c)
	b.note(permission, out)
	return out
}

func (b *bounder) note(permission string, bs predicate.Bounds) {
	if b.why == "" && !bs.Exact() {
		b.why = permission
	}
}

// something states that the tree shows at least one field. A condition of a field that may fail withholds the document.
func (br *branch) something() predicate.Bounds {
	visible := br.shows(br.tree)
	if slices.ContainsFunc(br.conds, expr.Cond.Fails) {
		return visible.Loose()
	}
	return visible
}

func (br *branch) shows(root *filter.Node) predicate.Bounds {
	id, listed := root.Fields["_id"]
	if (listed && id.Whole == filter.Always) || (!listed && root.Rest == filter.Always) {
		return predicate.Always() // every stored document has one
	}
	var ways []predicate.Bounds
	for _, name := range slices.Sorted(maps.Keys(root.Fields)) { // one query for one question: servers remember its plan
		ways = append(ways, br.showsField(root.Fields[name], name, true))
	}
	switch n, asks := root.Rest.Asks(); {
	case asks && !listed && !br.conds[n].OfField():
		ways = append(ways, br.allowed(root.Rest, "_id", true)) // it shows _id whenever it shows anything
	case root.Rest != filter.Never:
		ways = append(ways, predicate.Unstated()) // no query asks for a field with another name
	}
	return predicate.Either(ways...)
}

// showsField states that something at path is shown. On top a condition can be asked of the stored value; below, an array
// may lie in between.
func (br *branch) showsField(n *filter.Node, path string, top bool) predicate.Bounds {
	if name := path[strings.LastIndexByte(path, '.')+1:]; !bsonval.IsSegment(name) || path == filter.Reserved {
		return predicate.Never()
	}
	var ways []predicate.Bounds
	if n.Whole != filter.Never {
		ways = append(ways, predicate.Both(br.allowed(n.Whole, path, top), exists(path)))
	}
	for _, name := range slices.Sorted(maps.Keys(n.Fields)) {
		ways = append(ways, br.showsField(n.Fields[name], path+"."+name, false))
	}
	return predicate.Either(ways...)
}

// allowed states the condition of a field.
func (br *branch) allowed(c filter.Cond, path string, top bool) predicate.Bounds {
	n, asks := c.Asks()
	switch {
	case c == filter.Always:
		return predicate.Always()
	case !asks:
		return predicate.Never()
	case !top:
		return predicate.Unstated()
	}
	return br.conds[n].Bounds(path)
}

// exists states that there is a value at path. A number in it may be a position, which no rule names.
func exists(path string) predicate.Bounds {
	p, err := query.ParsePath(path)
	if err != nil {
		return predicate.Unstated()
	}
	t, err := query.NewTest(query.Exists, bsonval.FromBool(true))
	if err != nil {
		return predicate.Unstated()
	}
	return t.Bounds(p)
}
