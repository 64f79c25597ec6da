package filter

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// Project appends to dst what p shows of doc, in the order of doc, with MongoDB's semantics: on the way to a dotted path
// documents stay even when nothing is left in them, arrays are walked element by element and arrays in arrays too, and
// where a path goes through a scalar, an inclusion drops the scalar and an exclusion keeps it.
//
// out never aliases doc, and doc must not overlap the free part of dst. On an error out is dst as it was. With enough
// room in dst nothing is allocated.
func Project(dst []byte, doc bson.Raw, p Projection) (out []byte, err error) {
	if p.mode == everything {
		it := bsonval.NewIter(doc)
		for it.Next() {
		}
		if err := it.Err(); err != nil {
			return dst, err
		}
		return append(dst, doc...), nil
	}
	out, err = p.container(dst, doc, p.paths, bson.TypeEmbeddedDocument, 1)
	if err != nil {
		return dst, err
	}
	return out, nil
}

// container appends the projected elements of a document or, numbered anew, of an array.
func (p Projection) container(dst, doc []byte, t paths, kind bson.Type, depth int) ([]byte, error) {
	if depth > maxDepth {
		return dst, bsonval.ErrTooDeep
	}
	out, start := bsonval.BeginDocument(dst)
	index := 0
	it := bsonval.NewIter(doc)
	for it.Next() {
		v := it.Value()
		sub, listed := t, true
		if kind == bson.TypeEmbeddedDocument {
			sub, listed = t[string(it.Key())]
		}
		nested := v.Type == bson.TypeEmbeddedDocument || v.Type == bson.TypeArray
		whole := p.mode == exclusion && (!listed || sub != nil && !nested) || p.mode == inclusion && listed && sub == nil
		cut := listed && sub != nil && nested
		if !whole && !cut {
			continue
		}
		if kind == bson.TypeArray {
			out = appendIndex(out, v.Type, index)
			index++
		} else {
			out = append(out, byte(v.Type))
			out = append(out, it.Key()...)
			out = append(out, 0)
		}
		if whole {
			out = append(out, v.Value...)
			continue
		}
		var err error
		if out, err = p.container(out, v.Value, sub, v.Type, depth+1); err != nil {
			return dst, err
		}
	}
	if err := it.Err(); err != nil {
		return dst, err
	}
	return bsonval.EndDocument(out, start), nil
}
