package rules

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/rules/expr"
)

// None tells that no document is in the view, whatever is stored.
func (b *Bound) None() bool { return b.none || len(b.branches) == 0 }

// Queries are the queries of the query filters that apply, all of which restrict what may be asked of the database.
func (b *Bound) Queries() []bson.Raw { return b.queries }

// Exact tells that every document that passes the query filters is in the view, as a whole but for what a query
// filter's projection removes from it.
func (b *Bound) Exact() bool {
	if b.None() {
		return false
	}
	br := b.branches[0]
	return isTrue(br.when) && (!br.gateRead.defined || isTrue(br.gateRead.cond)) && br.alwaysWhole() &&
		!b.projection.HidesSomething()
}

// PassThrough tells that the view is the collection: nothing is hidden, no document and no field.
func (b *Bound) PassThrough() bool { return b.Exact() && len(b.queries) == 0 }

// Readable tells whether the path is readable, with everything below it and every container above it, in every
// document of the view.
func (b *Bound) Readable(path string) bool {
	if strings.Contains(path, filter.Reserved) || b.projection.HidesAny(path) {
		return false
	}
	for _, br := range b.branches {
		if !br.alwaysReadable(path) {
			return false
		}
	}
	return true
}

func isTrue(c expr.Cond) bool {
	t, isConst := c.Const()
	return isConst && t == expr.True
}

// alwaysWhole tells that whatever the branch shows, it shows whole, and that it shows every document it applies to.
func (br *branch) alwaysWhole() bool {
	return (br.read.defined && isTrue(br.read.cond)) || (br.write.defined && isTrue(br.write.cond))
}

func (br *branch) alwaysReadable(path string) bool {
	if br.read.defined || br.alwaysWhole() {
		return true // the document is shown whole or not at all
	}
	// A field that is shown in part only does not count: where it is an array, its positions move.
	first, _, _ := strings.Cut(path, ".")
	n := br.field(first)
	return (n.read.defined && isTrue(n.read.cond)) || (n.write.defined && isTrue(n.write.cond))
}

// Reads are the top-level fields that decisions under a Bound depend on.
type Reads struct {
	All    bool // the whole document
	Fields map[string]bool
}

// Add notes a field; "" is the whole document.
func (r *Reads) Add(field string) {
	if field == "" {
		r.All = true
		return
	}
	if r.Fields == nil {
		r.Fields = map[string]bool{}
	}
	r.Fields[field] = true
}

// AddPaths notes the first segment of each path.
func (r *Reads) AddPaths(paths []query.Path) {
	for _, p := range paths {
		r.Add(p.Segments()[0])
	}
}

// Reads tells which fields the decisions depend on: the conditions of every role, its permissions, and the query
// filters.
func (b *Bound) Reads() Reads {
	var r Reads
	for _, f := range b.filters {
		r.AddPaths(f.Paths())
	}
	for _, br := range b.branches {
		for _, c := range []expr.Cond{
			br.when, br.gateRead.cond, br.gateWrite.cond, br.read.cond, br.write.cond, br.insert, br.delete,
		} {
			c.Reads(r.Add)
		}
		for name, n := range br.fields {
			n.reads(name, &r)
		}
		br.additional.reads("", &r)
	}
	return r
}

// reads notes what the permissions of a field depend on. A condition may look at the field itself.
func (n *node) reads(field string, r *Reads) {
	for _, c := range []expr.Cond{n.read.cond, n.write.cond} {
		c.Reads(r.Add)
		if _, isConst := c.Const(); !isConst {
			r.Add(field)
		}
	}
	for _, child := range n.fields {
		child.reads(field, r)
	}
}
