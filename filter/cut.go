package filter

import (
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// Reserved is the name of a lock that App Services stored in documents; it is never shown, whatever the mask says.
const Reserved = "_id__baas_transaction"

// WithoutReserved returns the document without the reserved field, which is none of the user's and none of the
// schema's. Corrupt documents stay as they are.
func WithoutReserved(doc bson.Raw) bson.Raw {
	out, visible, err := withoutReserved(nil, doc)
	switch {
	case err != nil:
		return doc
	case !visible:
		return bsonval.Empty()
	}
	return out
}

// maxDepth bounds the recursion into documents and arrays, above the 180 levels that a server stores.
const maxDepth = 200

// Cut appends to dst what m shows of doc, in the order of doc. visible is false when that is nothing: out is then dst
// as it was, and the document is to be withheld. Containers of which nothing is left are left out, elements of arrays
// close up and are numbered anew. A name that occurs twice is judged each time.
//
// On an error, of a Judge or about corrupt bytes, out is dst as it was. out never aliases doc, and doc must not overlap
// the free part of dst; with enough room in dst nothing is allocated. The bytes of values that are shown whole are
// copied as they are: they are as valid as they were in doc, no more.
func Cut(dst []byte, doc bson.Raw, m Mask) (out []byte, visible bool, err error) {
	out, visible, err = m.cut(dst, doc)
	if err != nil {
		return dst, false, err
	}
	return out, visible, nil
}

func (m Mask) cut(dst []byte, doc bson.Raw) (out []byte, visible bool, err error) {
	switch {
	case m.all:
		return withoutReserved(dst, doc)
	case m.root == nil:
		return dst, false, nil
	}
	c := cutter{judge: m.judge}
	whole, err := c.allows(m.root.Whole, bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: doc})
	switch {
	case err != nil:
		return dst, false, err
	case whole:
		return withoutReserved(dst, doc)
	}
	return c.document(dst, doc, m.root, 1)
}

// withoutReserved appends all of a stored document that anybody may see.
func withoutReserved(dst, doc []byte) (out []byte, visible bool, err error) {
	out, start := bsonval.BeginDocument(dst)
	pos, run := 4, 4 // as in document
	it := bsonval.NewIter(doc)
	for it.Next() {
		end := pos + len(it.Element())
		if string(it.Key()) == Reserved {
			out = append(out, doc[run:pos]...)
			run = end
		}
		pos = end
	}
	if err := it.Err(); err != nil {
		return dst, false, err
	}
	out = append(out, doc[run:pos]...)
	return finish(out, start)
}

// finish closes the document or array begun at start, or takes it back when it is empty.
func finish(out []byte, start int) (closed []byte, visible bool, err error) {
	if len(out) == start+4 {
		return out[:start], false, nil
	}
	return bsonval.EndDocument(out, start), true, nil
}

// cutter is what stays the same all over one document.
type cutter struct {
	judge Judge
}

// document appends the visible part of doc, or nothing at all. Neighbours that are kept are copied as one run.
func (c cutter) document(dst, doc []byte, n *Node, depth int) (out []byte, visible bool, err error) {
	if depth > maxDepth {
		return dst, false, bsonval.ErrTooDeep
	}
	out, start := bsonval.BeginDocument(dst)
	pos := 4   // where the current element begins
	run := pos // doc[run:pos] is kept and not copied yet
	it := bsonval.NewIter(doc)
	for it.Next() {
		end := pos + len(it.Element())
		child, keep, err := c.element(n, it.Key(), it.Value(), depth)
		if err != nil {
			return dst, false, err
		}
		if !keep {
			out = append(out, doc[run:pos]...)
			run = end
		}
		if child != nil {
			v := it.Value()
			head := doc[pos : end-len(v.Value)]
			if out, err = c.container(out, head, v, child, depth); err != nil {
				return dst, false, err
			}
		}
		pos = end
	}
	if err := it.Err(); err != nil {
		return dst, false, err
	}
	out = append(out, doc[run:pos]...)
	return finish(out, start)
}

// element decides one element: keep it whole, or cut into it by child, or (neither) drop it.
func (c cutter) element(n *Node, key []byte, v bson.RawValue, depth int) (child *Node, keep bool, err error) {
	child, listed := n.Fields[string(key)]
	switch {
	case depth == 1 && string(key) == Reserved:
		return nil, false, nil
	case !listed || !bsonval.IsSegment(key):
		if depth > 1 {
			return nil, false, nil
		}
		keep, err = c.allows(n.Rest, v)
		return nil, keep, err
	case child == nil:
		return nil, false, nil
	}
	keep, err = c.allows(child.Whole, v)
	if keep || err != nil || len(child.Fields) == 0 {
		return nil, keep, err
	}
	return child, false, nil
}

// allows decides a condition for the value that it stands on.
func (c cutter) allows(cond Cond, this bson.RawValue) (bool, error) {
	switch {
	case cond == Always:
		return true, nil
	case cond <= Never || c.judge == nil:
		return false, nil
	}
	return c.judge.Allow(int(cond)-2, this)
}

// container appends head (type, name and NUL) and the visible part of a document or array, or nothing at all.
func (c cutter) container(dst, head []byte, v bson.RawValue, n *Node, depth int) (out []byte, err error) {
	var visible bool
	out = append(dst, head...)
	switch v.Type {
	case bson.TypeEmbeddedDocument:
		out, visible, err = c.document(out, v.Value, n, depth+1)
	case bson.TypeArray:
		out, visible, err = c.array(out, v.Value, n, depth+1)
	}
	if err != nil || !visible {
		return out[:len(dst)], err
	}
	return out, nil
}

// array appends the documents of arr of which n shows something, numbered anew, or nothing at all.
func (c cutter) array(dst, arr []byte, n *Node, depth int) (out []byte, visible bool, err error) {
	out, start := bsonval.BeginDocument(dst)
	kept := 0
	it := bsonval.NewIter(arr)
	for it.Next() {
		v := it.Value()
		if v.Type != bson.TypeEmbeddedDocument {
			continue
		}
		mark := len(out)
		out = appendIndex(out, v.Type, kept)
		if out, visible, err = c.document(out, v.Value, n, depth+1); err != nil {
			return dst, false, err
		}
		if !visible {
			out = out[:mark]
			continue
		}
		kept++
	}
	if err := it.Err(); err != nil {
		return dst, false, err
	}
	return finish(out, start)
}

// appendIndex appends the head of an array element.
func appendIndex(dst []byte, t bson.Type, i int) []byte {
	dst = append(dst, byte(t))
	dst = strconv.AppendInt(dst, int64(i), 10)
	return append(dst, 0)
}
