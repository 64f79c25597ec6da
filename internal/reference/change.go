package reference

import (
	"bytes"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// Change is what a write makes of one document. Before is nil for an insert and After for a delete.
type Change struct {
	Before, After bson.Raw
	OwnID         bool // an insert brings an _id that the client chose
}

// Verdict says whether the rules allow a change, and if not, why. The zero value does not allow it.
type Verdict struct {
	Allowed bool
	Why     string
}

func refused(why string) Verdict { return Verdict{Why: why} }

// WithoutAfterCheck are the same rules with update_post_image_check switched off: an update is decided by the role of the
// document as it was, and the queries of the filters do not bind what is stored.
func (r *Rules) WithoutAfterCheck() *Rules {
	loose := *r
	loose.beforeOnly = true
	return &loose
}

// Judge tells whether a user may make a change of a document, from nothing but the document before and after. What else
// the request named is judged by JudgeNamed.
func (r *Rules) Judge(facts *Facts, c Change) Verdict {
	applied, err := r.apply(judge{facts: facts})
	switch {
	case err != nil:
		return refused(err.Error())
	case c.Before == nil && c.After == nil:
		return refused("there is no document")
	case c.After != nil && !same(get(c.Before, reserved), get(c.After, reserved)):
		return refused("the reserved field is nobody's to write")
	case c.Before == nil:
		return r.judgeInsert(facts, applied, c)
	case len(r.cut(facts, applied, c.Before)) == 0:
		return refused("the document is not in the view")
	case c.After == nil:
		return r.judgeDelete(facts, c.Before)
	}
	return r.judgeUpdate(facts, applied, c)
}

// images is a judge of a change. Nothing is missing of a document that is nil.
func images(facts *Facts, before, after bson.Raw) judge {
	j := judge{facts: facts}
	if before != nil {
		j.prevRoot = bsonval.FromDocument(before)
	}
	if after != nil {
		j.root = bsonval.FromDocument(after)
	}
	j.this, j.prev = j.root, j.prevRoot
	return j
}

// role finds the first role that applies. One whose condition fails ends the search: a later one might be wider.
func (r *Rules) role(j judge) (role, bool) {
	for _, role := range r.roles {
		switch j.expression(role.applyWhen) {
		case True:
			return role, true
		case Failed:
			return role, false
		}
	}
	return role{}, false
}

func (r *Rules) judgeInsert(facts *Facts, applied applied, c Change) Verdict {
	j := images(facts, nil, c.After)
	role, ok := r.role(j)
	if !ok {
		return refused("no role applies to the new document")
	}
	var fields []element
	for _, e := range elements(c.After) {
		if e.name != "_id" || c.OwnID {
			fields = append(fields, e)
		}
	}
	switch why := role.forbids(j, nil, fields); {
	case why != "":
		return refused(why)
	case role.defines(role.insert) && j.expression(role.insert) != True:
		return refused("insert of role " + role.name)
	case !r.beforeOnly && !applied.passes(c.After):
		return refused("the new document does not pass the filters")
	}
	return Verdict{Allowed: true}
}

func (r *Rules) judgeDelete(facts *Facts, doc bson.Raw) Verdict {
	j := images(facts, doc, doc)
	role, ok := r.role(j)
	switch {
	case !ok:
		return refused("no role applies to the document")
	case role.writeGate(j) != True:
		return refused("document_filters of role " + role.name)
	case !role.writesEverything(j, doc, doc):
		return refused("not everything may be written by role " + role.name)
	case role.defines(role.delete) && j.expression(role.delete) != True:
		return refused("delete of role " + role.name)
	}
	return Verdict{Allowed: true}
}

func (r *Rules) judgeUpdate(facts *Facts, applied applied, c Change) Verdict {
	before, after := elements(c.Before), elements(c.After)
	first, ok := r.role(images(facts, c.Before, c.Before))
	if !ok {
		return refused("no role applies to the document as it was")
	}
	if !same(get(c.Before, "_id"), get(c.After, "_id")) {
		return refused("the _id is another one")
	}
	j := images(facts, c.Before, c.After)
	if why := first.forbids(j, before, after); why != "" {
		return refused(why)
	}
	if hidden := applied.projection.complement(); !sameFields(nonEmpty(hidden.apply(before)), nonEmpty(hidden.apply(after))) {
		return refused("a filter's projection hides what is changed")
	}
	if r.beforeOnly {
		return Verdict{Allowed: true}
	}
	second, ok := r.role(j)
	if !ok {
		return refused("no role applies to the document as it will be")
	}
	if why := second.forbids(j, before, after); why != "" {
		return refused("afterwards: " + why)
	}
	if !applied.passes(c.After) {
		return refused("the document as it will be does not pass the filters")
	}
	return Verdict{Allowed: true}
}

// forbids says what of a change a role does not allow; "" is nothing.
func (r role) forbids(j judge, before, after []element) string {
	if r.writeGate(j) != True {
		return "document_filters of role " + r.name
	}
	if r.decidesWrite() {
		if j.expression(r.write) != True {
			return "write of role " + r.name
		}
		return ""
	}
	for _, name := range names(before, after) {
		if !j.mayChange(r.entry(name), find(before, name), find(after, name)) {
			return "field " + name + " under role " + r.name
		}
	}
	return ""
}

// decidesWrite tells whether the role says for the whole document whether it may be written. false, as it stands there,
// grants nothing and leaves it to the fields; a condition that does not hold refuses.
func (r role) decidesWrite() bool {
	literal, ok := bsonval.Bool(r.write)
	return r.defines(r.write) && (literal || !ok)
}

// entry is what a role says of a field of the document.
func (r role) entry(name string) *field {
	if own := r.fields[name]; own != nil && isName(name) {
		return own
	}
	return r.additional
}

// writesEverything tells whether all of a document may be written. It follows from what the role says, not from which
// fields there are: the listed ones, and all others.
func (r role) writesEverything(j judge, before, after bson.Raw) bool {
	if r.decidesWrite() {
		return j.expression(r.write) == True
	}
	may := func(f *field, before, after bson.RawValue) bool {
		return !bsonval.IsMissing(f.write) && j.between(before, after).expression(f.write) == True
	}
	for name, f := range r.fields {
		if !may(f, get(before, name), get(after, name)) {
			return false
		}
	}
	for _, e := range elements(before) {
		if !may(r.entry(e.name), e.value, get(after, e.name)) {
			return false
		}
	}
	return may(r.additional, bson.RawValue{}, bson.RawValue{}) // also where there are no others
}

// between is a judge of the same document and a value in it, before and after.
func (j judge) between(before, after bson.RawValue) judge {
	j.this, j.prev = after, before
	return j
}

// mayChange tells whether a value may become another one under an entry. Either may be missing.
func (j judge) mayChange(f *field, before, after bson.RawValue) bool {
	switch {
	case same(before, after):
		return true
	case !bsonval.IsMissing(f.write):
		return j.between(before, after).expression(f.write) == True // whatever lies below
	case !hasParts(before) || !hasParts(after):
		return false // only parts are listed, and this is nothing that has any
	case isDocument(before) && isArray(after) || isArray(before) && isDocument(after):
		return j.mayChange(f, before, bson.RawValue{}) && j.mayChange(f, bson.RawValue{}, after)
	case isArray(before) || isArray(after):
		return j.mayChangeArray(f, before, after)
	}
	return j.mayChangeDocument(f, before, after)
}

// hasParts tells whether a change of the value is one of what is in it. An empty document or array has nothing in it, but
// can become one that has.
func hasParts(v bson.RawValue) bool { return bsonval.IsMissing(v) || isDocument(v) || isArray(v) }

func (j judge) mayChangeDocument(f *field, before, after bson.RawValue) bool {
	was, is := elements(document(before)), elements(document(after))
	if appearsEmpty(before, after, len(was)+len(is)) || !slices.Equal(common(was, is), common(is, was)) {
		return false
	}
	for _, name := range names(was, is) {
		if !j.mayChange(f.entry(name), find(was, name), find(is, name)) {
			return false
		}
	}
	return true
}

// mayChangeArray compares arrays element by element. An array in an array has no entry.
func (j judge) mayChangeArray(f *field, before, after bson.RawValue) bool {
	was, is := values(before), values(after)
	if appearsEmpty(before, after, len(was)+len(is)) {
		return false
	}
	for i := range max(len(was), len(is)) {
		var a, b bson.RawValue
		if i < len(was) {
			a = was[i]
		}
		if i < len(is) {
			b = is[i]
		}
		if !same(a, b) && (isArray(a) || isArray(b) || !j.mayChange(f, a, b)) {
			return false
		}
	}
	return true
}

// appearsEmpty tells whether an empty container comes or goes. It is a value of its own, of which no part is changed.
func appearsEmpty(before, after bson.RawValue, parts int) bool {
	return parts == 0 && (bsonval.IsMissing(before) || bsonval.IsMissing(after))
}

// same tells whether nothing has changed: 1 and 1.0 are two values.
func same(a, b bson.RawValue) bool { return a.Type == b.Type && bytes.Equal(a.Value, b.Value) }

func sameFields(a, b []element) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(e element) bool { return !same(e.value, find(b, e.name)) })
}

// nonEmpty leaves out containers in which there is nothing: that there is one is not what a projection hides.
func nonEmpty(list []element) []element {
	var kept []element
	for _, e := range list {
		switch {
		case isDocument(e.value):
			if inner := nonEmpty(elements(document(e.value))); len(inner) > 0 {
				kept = append(kept, element{e.name, bsonval.FromDocument(encode(inner))})
			}
		case !isArray(e.value) || len(values(e.value)) > 0:
			kept = append(kept, e)
		}
	}
	return kept
}

func find(list []element, name string) bson.RawValue {
	for _, e := range list {
		if e.name == name {
			return e.value
		}
	}
	return bson.RawValue{}
}

// names lists the names of fields in either list, each once.
func names(a, b []element) []string {
	var all []string
	for _, e := range slices.Concat(a, b) {
		if !slices.Contains(all, e.name) {
			all = append(all, e.name)
		}
	}
	return all
}

// common lists the names in a that are in b too, in the order of a.
func common(a, b []element) []string {
	var both []string
	for _, e := range a {
		if slices.ContainsFunc(b, func(other element) bool { return other.name == e.name }) {
			both = append(both, e.name)
		}
	}
	return both
}
