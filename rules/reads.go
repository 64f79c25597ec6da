package rules

import (
	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/rules/expr"
)

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
		for _, p := range br.onUpdate.values { // an insert has nothing that could change meanwhile
			r.Add(p.path[0])
			p.value.Reads(r.Add)
		}
	}
	return r
}

// reads notes what the permissions of a field depend on, which may be the field itself.
func (n *node) reads(field string, r *Reads) {
	for _, c := range []expr.Cond{n.read.cond, n.write.cond} {
		c.Reads(r.Add)
		if c.OfField() {
			r.Add(field)
		}
	}
	for _, child := range n.fields {
		child.reads(field, r)
	}
}
