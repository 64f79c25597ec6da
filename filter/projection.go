package filter

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// maxSegments bounds the length of a path in a projection.
const maxSegments = 50

// idField is neither inclusive nor exclusive: it may be switched on or off in every projection.
const idField = "_id"

// Projection is a parsed MongoDB projection of zeros and ones. The zero Projection shows every field. A Projection is
// immutable and safe for concurrent use.
type Projection struct {
	mode mode
	// paths are what is included or excluded, with _id where that follows from the projection: it is on in an inclusion
	// unless switched off, and off in an exclusion only when switched off.
	paths paths
}

type mode uint8

const (
	everything mode = iota
	inclusion
	exclusion
)

func (m mode) String() string {
	return [...]string{"everything", "an inclusion", "an exclusion"}[m]
}

// paths is a tree of field names; the nil tree ends a path: the field whole.
type paths map[string]paths

// ProjectionError tells what is wrong with a projection. Field is the path as the client wrote it.
type ProjectionError struct {
	Field string
	Msg   string
}

func (e *ProjectionError) Error() string {
	if e.Field == "" {
		return "projection: " + e.Msg
	}
	return fmt.Sprintf("projection of %q: %s", e.Field, e.Msg)
}

// ParseProjection reads a projection of zeros, ones and booleans: dotted paths, or the same as nested objects. Except for
// _id all of them must include, or all exclude. What computes or selects ($slice, $elemMatch, $meta, `a.$`, strings, …) is refused.
// The result does not alias p. A nil or empty p shows everything.
func ParseProjection(p bson.Raw) (Projection, error) {
	if len(p) == 0 {
		return Projection{}, nil
	}
	b := builder{paths: paths{}}
	if err := b.fields(p, nil); err != nil {
		return Projection{}, err
	}
	return b.projection()
}

// builder collects a projection while it is read.
type builder struct {
	mode  mode
	id    mode // inclusion or exclusion once _id was named
	paths paths
}

// fields reads one object of the projection; prefix is the path of the field it stands on.
func (b *builder) fields(doc bson.Raw, prefix []string) error {
	it := bsonval.NewIter(doc)
	for it.Next() {
		if err := b.field(string(it.Key()), it.Value(), prefix); err != nil {
			return err
		}
	}
	return it.Err()
}

func (b *builder) field(key string, v bson.RawValue, prefix []string) error {
	path := append(slices.Clip(prefix), strings.Split(key, ".")...)
	name := strings.Join(path, ".")
	refuse := func(format string, args ...any) error {
		return &ProjectionError{Field: name, Msg: fmt.Sprintf(format, args...)}
	}
	if len(prefix) > 0 && strings.HasPrefix(key, "$") {
		return &ProjectionError{Field: strings.Join(prefix, "."), Msg: "operator " + key + " is not supported"}
	}
	for _, segment := range path {
		switch {
		case segment == "":
			return refuse("a path has no empty names")
		case segment[0] == '$':
			return refuse("operator %s is not supported", segment)
		}
	}
	if len(path) > maxSegments {
		return &ProjectionError{Msg: fmt.Sprintf("a path has at most %d names", maxSegments)}
	}
	if doc, ok := bsonval.Document(v); ok {
		if it := bsonval.NewIter(doc); !it.Next() && it.Err() == nil {
			return refuse("an empty object says neither 0 nor 1")
		}
		return b.fields(doc, path)
	}
	on, ok := truth(v)
	if !ok {
		return refuse("only 0, 1, true and false are supported")
	}
	want := exclusion
	if on {
		want = inclusion
	}
	if name == idField {
		if b.id != everything {
			return refuse("named twice")
		}
		b.id = want
		return nil
	}
	if b.mode == everything {
		b.mode = want
	}
	if b.mode != want {
		return refuse("cannot stand in %s", b.mode)
	}
	if !b.paths.add(path) {
		return refuse("collides with another path")
	}
	return nil
}

// projection settles what _id means.
func (b *builder) projection() (Projection, error) {
	p := Projection{mode: b.mode, paths: b.paths}
	if p.mode == everything {
		p.mode = b.id
	}
	if _, below := p.paths[idField]; below { // "_id.x" is an ordinary path
		if b.id != everything {
			return Projection{}, &ProjectionError{Field: idField, Msg: "collides with another path"}
		}
		return p, nil
	}
	if p.mode == inclusion && b.id != exclusion || p.mode == exclusion && b.id == exclusion {
		p.paths[idField] = nil
	}
	return p, nil
}

// add enters a path. It returns false when one of two paths is the other or lies within it.
func (t paths) add(path []string) bool {
	for _, segment := range path[:len(path)-1] {
		sub, listed := t[segment]
		if listed && sub == nil {
			return false
		}
		if !listed {
			sub = paths{}
			t[segment] = sub
		}
		t = sub
	}
	last := path[len(path)-1]
	if _, listed := t[last]; listed {
		return false
	}
	t[last] = nil
	return true
}

// truth reads a number or boolean as MongoDB does: everything but zero is true, NaN too.
func truth(v bson.RawValue) (on, ok bool) {
	if b, ok := bsonval.Bool(v); ok {
		return b, true
	}
	if !bsonval.IsNumber(v) {
		return false, false
	}
	return !bsonval.Equal(v, bsonval.FromInt32(0)), true
}

// Intersect merges the projections of several query filters: what all of them show. Inclusions and exclusions do not
// mix; a projection that only switches _id off goes with either. See spec/rules.md 10.
func Intersect(ps []Projection) (Projection, error) {
	merged := Projection{}
	hideID := false
	for _, p := range ps {
		switch {
		case p.mode == everything:
			continue
		case p.onlyHidesID():
			hideID = true
			continue
		case merged.mode == everything:
			merged = Projection{mode: p.mode, paths: p.paths}
		case merged.mode != p.mode:
			return Projection{}, &ProjectionError{Msg: "an inclusion and an exclusion apply together"}
		case p.mode == inclusion:
			merged.paths = both(merged.paths, p.paths)
		default:
			merged.paths = either(merged.paths, p.paths)
		}
	}
	if !hideID {
		return merged, nil
	}
	merged.paths = maps.Clone(merged.paths)
	if merged.mode == inclusion {
		delete(merged.paths, idField)
		return merged, nil
	}
	return Projection{mode: exclusion, paths: either(merged.paths, paths{idField: nil})}, nil
}

func (p Projection) onlyHidesID() bool {
	sub, listed := p.paths[idField]
	return p.mode == exclusion && len(p.paths) == 1 && listed && sub == nil
}

// both is the intersection of two trees of included paths. A container that is left with no path is left out.
func both(a, b paths) paths {
	out := paths{}
	for name, x := range a {
		y, listed := b[name]
		switch {
		case !listed:
		case x == nil:
			out[name] = y
		case y == nil:
			out[name] = x
		default:
			if sub := both(x, y); len(sub) > 0 {
				out[name] = sub
			}
		}
	}
	return out
}

// either is the union of two trees of excluded paths; the shorter path wins.
func either(a, b paths) paths {
	out := make(paths, len(a)+len(b))
	maps.Copy(out, a)
	for name, y := range b {
		x, listed := out[name]
		switch {
		case !listed:
			out[name] = y
		case x == nil || y == nil:
			out[name] = nil
		default:
			out[name] = either(x, y)
		}
	}
	return out
}
