package rules

import (
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/rules/expr"
)

// EvaluationError means that a condition failed on a document, which is then withheld.
type EvaluationError struct {
	Role       string // whose condition it was
	Permission string // apply_when, document_filters, read or write
}

func (e *EvaluationError) Error() string {
	return "the " + e.Permission + " of role " + strconv.Quote(e.Role) + " could not be evaluated"
}

// Decision is what one user may read of one document. The zero value hides everything.
type Decision struct {
	Role string      // "" when no role applies
	Read filter.Mask // valid until the Decider decides again
	Err  error       // evaluation failed; Read then hides everything
}

// Decider decides on documents, one after the other. It holds the state of the evaluation and belongs to one
// goroutine.
type Decider struct {
	b   *Bound
	br  *branch
	env expr.Env
	set pathSet // what the role has set in the document that was last decided to be inserted
	buf []byte
}

// Decider returns a decider for one goroutine.
func (b *Bound) Decider() *Decider { return &Decider{b: b} }

// View appends the user's view of a stored document to dst: what of it the user may see, or nothing. It is the one
// definition of what may be seen; every path, reading or writing, goes through it. The result does not alias doc.
func (d *Decider) View(dst []byte, doc bson.Raw) (out []byte, visible bool, err error) {
	if !d.passes(doc) {
		return dst, false, nil
	}
	dec := d.Decide(doc)
	if dec.Err != nil {
		return dst, false, dec.Err
	}
	if !d.b.projection.HidesSomething() {
		return filter.Cut(dst, doc, dec.Read)
	}
	cut, visible, err := filter.Cut(d.buf[:0], doc, dec.Read)
	d.buf = cut
	if err != nil || !visible {
		return dst, false, err
	}
	out, err = filter.Project(dst, cut, d.b.projection)
	if err != nil || len(out)-len(dst) <= len(bsonval.Empty()) {
		return dst, false, err
	}
	return out, true, nil
}

// passes tells whether the document satisfies every query filter.
func (d *Decider) passes(doc bson.Raw) bool {
	if d.b.none {
		return false
	}
	for _, f := range d.b.filters {
		if !f.Match(doc) {
			return false
		}
	}
	return true
}

// Decide finds the role that applies to a stored document and what it may read. Query filters are not consulted.
func (d *Decider) Decide(doc bson.Raw) Decision {
	d.setImages(doc, doc)
	br, t := d.choose()
	if t == expr.Error {
		return Decision{Err: &EvaluationError{br.role, "apply_when"}}
	}
	if t != expr.True {
		return Decision{}
	}
	d.br = br
	switch d.readable(br) {
	case wholeDocument:
		return Decision{Role: br.role, Read: filter.All()}
	case byField:
		return Decision{Role: br.role, Read: filter.Tree(br.tree, d)}
	case failed:
		return Decision{Role: br.role, Err: &EvaluationError{br.role, "read"}}
	default:
		return Decision{Role: br.role}
	}
}

// setImages sets what conditions at the level of the document see.
func (d *Decider) setImages(root, prevRoot bson.Raw) {
	d.env = expr.Env{Root: root, PrevRoot: prevRoot}
}

// choose finds the first branch whose condition is true. A condition that fails ends the search, with the branch it
// belongs to: a later role might be a wider one.
func (d *Decider) choose() (*branch, expr.Truth) {
	for _, br := range d.b.branches {
		if t := br.when.Eval(&d.env); t == expr.True || t == expr.Error {
			return br, t
		}
	}
	return nil, expr.False
}

type readability uint8

const (
	nothing readability = iota
	byField
	wholeDocument
	failed
)

// readable decides on the level of the document. See cases/reads/ for the order of the steps.
func (d *Decider) readable(br *branch) readability {
	switch d.readGate(br) {
	case expr.True:
	case expr.Error:
		return failed
	default:
		return nothing
	}
	granted := expr.Or(d.evalOptional(br.read), d.evalOptional(br.write))
	switch {
	case granted == expr.True:
		return wholeDocument
	case granted == expr.Error:
		return failed
	case br.read.defined:
		return nothing
	default:
		return byField
	}
}

// readGate is document_filters.read, which document_filters.write implies.
func (d *Decider) readGate(br *branch) expr.Truth {
	if !br.gateRead.defined {
		return expr.True
	}
	return expr.Or(d.evalOptional(br.gateRead), d.evalOptional(br.gateWrite))
}

// evalOptional evaluates a permission; one that is not given grants nothing.
func (d *Decider) evalOptional(o optional) expr.Truth {
	if !o.defined {
		return expr.False
	}
	return o.cond.Eval(&d.env)
}

// Allow implements filter.Judge for the mask of the last decision. While reading, a field has not changed.
func (d *Decider) Allow(cond int, this bson.RawValue) (bool, error) {
	d.env.This, d.env.Prev = this, this
	switch d.br.conds[cond].Eval(&d.env) {
	case expr.True:
		return true, nil
	case expr.Error:
		return false, &EvaluationError{d.br.role, "read"}
	default:
		return false, nil
	}
}
