package query

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// arrayKeys finds the lowest of all keys that an index on the sort's paths would hold for a document: one key for each
// element of the array that the paths lead to or through. It follows the server's key generator step by step, because
// its treatment of nested arrays and numeric segments has no shorter description.
type arrayKeys struct {
	sort     Sort
	best     []bson.RawValue // nil before the first key
	parallel bool            // two paths met different arrays
}

// keyPart is one path on its way through the document.
type keyPart struct {
	rest  []string      // segments still to go; empty when value is final
	value bson.RawValue // where the path ended, or the array it has met
	// What a numeric segment selects from the array above, and what is left of the path behind it.
	indexed     bson.RawValue
	indexedRest []string
	hasIndexed  bool
	nested      bool // the selected element is an array itself
	atArray     bool // value is the array whose elements come next
}

func (s *Sort) appendArrayKey(dst []bson.RawValue, doc bson.Raw) []bson.RawValue {
	k := arrayKeys{sort: *s}
	if k.run(doc); !k.parallel {
		return append(dst, k.best...)
	}
	for i := range s.keys {
		k := arrayKeys{sort: Sort{keys: s.keys[i : i+1]}}
		k.run(doc)
		dst = append(dst, k.best...)
	}
	return dst
}

func (k *arrayKeys) run(doc bson.Raw) {
	parts := make([]keyPart, len(k.sort.keys))
	for i := range parts {
		parts[i].rest = k.sort.keys[i].path.segments
	}
	k.document(doc, parts, true, 0)
}

// document advances all parts in doc, and goes on for every element of the first array they meet.
func (k *arrayKeys) document(doc []byte, parts []keyPart, expand bool, depth int) {
	array := -1
	for i := range parts {
		p := &parts[i]
		if len(p.rest) == 0 {
			continue
		}
		v, rest, nested := p.advance(doc)
		p.hasIndexed = false
		p.atArray = v.Type == bson.TypeArray
		switch {
		case bsonval.IsMissing(v):
			p.rest, p.value = nil, bsonval.Null()
			continue
		case !p.atArray:
			p.rest, p.value = nil, v
			continue
		}
		p.rest, p.value = rest, v
		switch {
		case array < 0:
			array = i
		case &v.Value[0] != &parts[array].value.Value[0]:
			k.parallel = true
			return
		}
		if len(rest) == 0 && nested {
			expand = false
		}
	}
	if array < 0 || depth > maxSegments {
		k.offer(parts)
		return
	}
	k.elements(parts, parts[array].value, expand, depth)
}

// elements goes on with every element of arr for the parts that stand at it.
func (k *arrayKeys) elements(parts []keyPart, arr bson.RawValue, expand bool, depth int) {
	next := make([]keyPart, len(parts))
	it := bsonval.NewIter(arr.Value)
	empty := true
	for it.Next() || empty {
		element := it.Value()
		if bsonval.IsMissing(element) {
			element, expand = bson.RawValue{Type: bson.TypeUndefined}, true
		}
		inner := bsonval.Empty() // of an element that is no document
		if element.Type == bson.TypeEmbeddedDocument {
			inner = element.Value
		}
		for i := range parts {
			next[i] = parts[i].enter(arr, element, expand)
		}
		k.document(inner, next, expand, depth+1)
		empty = false
	}
}

// enter returns the part inside one element of the array.
func (p *keyPart) enter(arr, element bson.RawValue, expand bool) keyPart {
	out := *p
	out.atArray = false
	if !p.atArray {
		return out
	}
	if len(p.rest) == 0 {
		if expand {
			out.value = element
		}
		return out
	}
	if v, ok := bsonval.Lookup(arr.Value, p.rest[0]); ok && !bsonval.IsMissing(v) {
		out.indexed, out.indexedRest = descend(arr.Value, p.rest)
		out.hasIndexed, out.nested = true, v.Type == bson.TypeArray
	}
	return out
}

// advance moves a part as far as it goes without entering an array. nested tells that it
// came there by the index of an array in an array.
func (p *keyPart) advance(doc []byte) (v bson.RawValue, rest []string, nested bool) {
	if _, ok := bsonval.Lookup(doc, p.rest[0]); !ok && p.hasIndexed {
		return p.indexed, p.indexedRest, p.nested
	}
	v, rest = descend(doc, p.rest)
	return v, rest, false
}

// descend follows a path to its end or to the first array.
func descend(doc []byte, path []string) (v bson.RawValue, rest []string) {
	for i, name := range path {
		var st state
		v = lookup(doc, name, &st)
		switch {
		case v.Type == bson.TypeArray, i+1 == len(path):
			return v, path[i+1:]
		case v.Type != bson.TypeEmbeddedDocument:
			return bson.RawValue{}, nil
		}
		doc = v.Value
	}
	return v, nil
}

// offer keeps the key if it sorts before the best so far.
func (k *arrayKeys) offer(parts []keyPart) {
	key := make([]bson.RawValue, len(parts))
	for i := range parts {
		key[i] = parts[i].value
	}
	if k.best == nil || k.sort.CompareKeys(key, k.best) < 0 {
		k.best = key
	}
}
