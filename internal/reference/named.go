package reference

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// Named is a path that an update names. Numbers in it are positions in the stored arrays. The empty path is the whole
// document, which a replacement names.
type Named struct {
	Path     string
	Computed bool // the new value depends on the old one
}

// JudgeNamed tells whether an update may name what it names: what the user can read with all below it, or may write with
// all below it, whatever is there. What is computed from the old value has to be readable, or the outcome would tell it.
func (r *Rules) JudgeNamed(facts *Facts, c Change, named []Named) Verdict {
	applied, err := r.apply(judge{facts: facts})
	if err != nil {
		return refused(err.Error())
	}
	was, is := images(facts, c.Before, c.Before), images(facts, c.Before, c.After)
	role, ok := r.role(was)
	if !ok {
		return refused("no role applies to the document as it was")
	}
	for _, n := range named {
		readable := role.readsAll(was, c.Before, n.Path)
		switch {
		case applied.projection.hides(n.Path):
			return refused("a filter's projection hides " + n.Path)
		case n.Path == reserved || strings.HasPrefix(n.Path, reserved+"."):
			return refused("the reserved field is named")
		case !readable && (n.Computed || !role.writesAll(is, c, n.Path)):
			return refused("the request names " + n.Path + ", which role " + role.name + " hides")
		}
	}
	return Verdict{Allowed: true}
}

// hides tells whether a part of a path, or of what is below it, is not shown.
func (p projection) hides(path string) bool {
	path = strings.ReplaceAll(path, ".", "\x00")
	switch {
	case path == "_id":
		return !p.id
	case path == "":
		return p.kind != neutral || !p.id
	case p.kind == inclusion:
		return !p.names(path)
	}
	return p.kind == exclusion && (p.names(path) || p.inside(path))
}

// readsAll tells whether the role shows what is at a path with everything below it and every container above it.
func (r role) readsAll(j judge, doc bson.Raw, path string) bool {
	if r.readGate(j) != True {
		return false
	}
	gate := r.writeGate(j)
	if write := all(gate, j.granted(r.write)); r.defines(r.read) || write == True {
		return some(j.granted(r.read), write) == True
	}
	readable := func(f *field, v bson.RawValue, path string) bool {
		return readsBelow(j.of(v), f, v, path, verdict{}, verdict{}, gate)
	}
	if path != "" {
		first, rest, _ := strings.Cut(path, ".")
		return readable(r.entry(first), get(doc, first), rest)
	}
	for name, f := range r.fields {
		if !readable(f, get(doc, name), "") {
			return false
		}
	}
	for _, e := range elements(doc) {
		if !readable(r.entry(e.name), e.value, "") {
			return false
		}
	}
	return readable(r.additional, bson.RawValue{}, "") // also where there are no others
}

// readsBelow follows a path below an entry. In an array there are only positions, and only documents are there to be read.
func readsBelow(j judge, f *field, v bson.RawValue, path string, read, write verdict, gate Truth) bool {
	read, write = f.under(j, read, write, gate)
	switch {
	case some(read.truth, write.truth) == True:
		return true
	case path == "":
		return false
	}
	name, rest, _ := strings.Cut(path, ".")
	if isArray(v) {
		e := at(v, name)
		return isDocument(e) && readsBelow(j, f, e, rest, read, write, gate)
	}
	if !isDocument(v) && !bsonval.IsMissing(v) {
		return false
	}
	entry := f.fields[name]
	if entry == nil {
		entry = &field{}
	}
	inner := get(document(v), name)
	return readsBelow(j.of(inner), entry, inner, rest, read, write, gate)
}

// writesAll tells whether what is at a path may be written with everything below it, whatever is there. An entry of which
// only parts are listed says nothing of its other parts, and an entry for the whole nothing of a part alone.
func (r role) writesAll(j judge, c Change, path string) bool {
	switch {
	case r.writeGate(j) != True:
		return false
	case r.decidesWrite():
		return j.expression(r.write) == True
	case path == "":
		return r.writesEverything(j, c.Before, c.After)
	}
	steps := strings.Split(path, ".")
	f := r.entry(steps[0])
	before, after := get(c.Before, steps[0]), get(c.After, steps[0])
	for _, name := range steps[1:] {
		switch {
		case !bsonval.IsMissing(f.write):
			return false // the rest of the value stays, and decides with the part whether the whole may be written
		case isArray(before) && isDocument(at(before, name)):
			before, after = at(before, name), at(after, name)
			continue
		case !isDocument(before) && !bsonval.IsMissing(before) || f.fields[name] == nil:
			return false
		}
		f, before, after = f.fields[name], get(document(before), name), get(document(after), name)
	}
	return !bsonval.IsMissing(f.write) && j.between(before, after).expression(f.write) == True
}
