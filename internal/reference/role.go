package reference

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// cut returns what the role lets its user read of a document.
func (r role) cut(j judge, doc bson.Raw) []element {
	if r.readGate(j) != True {
		return nil
	}
	gate := r.writeGate(j)
	write := all(gate, j.granted(r.write))
	if r.defines(r.read) || write == True {
		if some(j.granted(r.read), write) == True {
			return elements(doc)
		}
		return nil
	}
	if write == Failed {
		return nil
	}
	c := cutter{gate: gate}
	var kept []element
	for _, e := range without(elements(doc), reserved) { // of which no permission is asked
		if v := c.value(j, r.entry(e.name), e.value, verdict{}, verdict{}); !bsonval.IsMissing(v) {
			kept = append(kept, element{e.name, v})
		}
	}
	if c.failed {
		return nil
	}
	return kept
}

func (role) defines(x expression) bool { return !bsonval.IsMissing(x) }

// granted evaluates a permission; one that is not defined is not granted.
func (j judge) granted(x expression) Truth {
	if bsonval.IsMissing(x) {
		return False
	}
	return j.expression(x)
}

// readGate is document_filters for reading: what may be written may be read.
func (r role) readGate(j judge) Truth {
	if !r.defines(r.filterRead) {
		return True
	}
	return some(j.expression(r.filterRead), j.granted(r.filterWrite))
}

func (r role) writeGate(j judge) Truth {
	switch {
	case r.defines(r.filterWrite):
		return j.expression(r.filterWrite)
	case r.defines(r.filterRead):
		return j.expression(r.filterRead)
	}
	return True
}

// isName tells whether the name of a stored field is one that an entry can be about.
func isName(name string) bool {
	return name != "" && name[0] != '$' && !strings.Contains(name, ".")
}

// cutter cuts values by the entries of a role.
type cutter struct {
	gate   Truth // of writing
	failed bool  // a permission could not be evaluated: the document is withheld
}

// verdict is a permission that an entry above has defined: it holds for everything below.
type verdict struct {
	defined bool
	truth   Truth
}

// under is what holds at an entry: what one above it has defined, or else it itself.
func (f *field) under(j judge, read, write verdict, gate Truth) (verdict, verdict) {
	if !read.defined && !bsonval.IsMissing(f.read) {
		read = verdict{true, j.expression(f.read)}
	}
	if !write.defined && !bsonval.IsMissing(f.write) {
		write = verdict{true, all(gate, j.expression(f.write))}
	}
	return read, write
}

// entry is what is said of a field below; of one that is not listed, nothing.
func (f *field) entry(name string) *field {
	if own := f.fields[name]; own != nil && isName(name) {
		return own
	}
	return &field{}
}

// value returns what may be read of a value under an entry; none if it is nothing.
func (c *cutter) value(j judge, f *field, v bson.RawValue, read, write verdict) bson.RawValue {
	j = j.of(v)
	read, write = f.under(j, read, write, c.gate)
	whole := some(read.truth, write.truth)
	switch {
	case whole == True:
		return v
	case len(f.fields) == 0 || read.defined && write.defined || !isDocument(v) && !isArray(v):
		c.failed = c.failed || whole == Failed
		return bson.RawValue{}
	case isArray(v):
		return c.array(j, f, v, read, write)
	}
	return c.document(j, f, v, read, write)
}

// document keeps the readable fields of an embedded document, and nothing of one that has none.
func (c *cutter) document(j judge, f *field, v bson.RawValue, read, write verdict) bson.RawValue {
	var kept []element
	for _, e := range elements(document(v)) {
		if inner := c.value(j, f.entry(e.name), e.value, read, write); !bsonval.IsMissing(inner) {
			kept = append(kept, element{e.name, inner})
		}
	}
	if len(kept) == 0 {
		return bson.RawValue{}
	}
	return bsonval.FromDocument(encode(kept))
}

// array applies an entry to each document in an array. Everything else in it, and what nothing is left of, is dropped.
func (c *cutter) array(j judge, f *field, v bson.RawValue, read, write verdict) bson.RawValue {
	var kept []bson.RawValue
	for _, e := range values(v) {
		if !isDocument(e) {
			c.failed = c.failed || some(read.truth, write.truth) == Failed
			continue
		}
		if inner := c.document(j, f, e, read, write); !bsonval.IsMissing(inner) {
			kept = append(kept, inner)
		}
	}
	if len(kept) == 0 {
		return bson.RawValue{}
	}
	return array(kept)
}
