package proxy

import (
	"bytes"
	"container/heap"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
)

// order is the total order of views: the client's keys, then _id where every view has it, else the view itself.
// Views that are equal byte for byte are interchangeable.
func (s *session) order(by *query.Sort) func(a, b bson.Raw) int {
	byID := s.view().KeepsID()
	return func(a, b bson.Raw) int {
		if by != nil {
			if c := by.Compare(a, b); c != 0 {
				return c
			}
		}
		if byID {
			x, _ := bsonval.Lookup(a, "_id")
			y, _ := bsonval.Lookup(b, "_id")
			if c := bsonval.Compare(x, y); c != 0 {
				return c
			}
		}
		if c := bsonval.CompareDocuments(a, b); c != 0 {
			return c
		}
		return bytes.Compare(a, b)
	}
}

// alike tells whether a database has no order for two views: they equal each other, whatever their bytes are.
func alike(by *query.Sort, a, b bson.Raw) bool {
	return (by == nil || by.Compare(a, b) == 0) && bsonval.CompareDocuments(a, b) == 0
}

// collection holds views, all of them or the first few of the order. It is a heap whose top is the last one.
type collection struct {
	order func(a, b bson.Raw) int
	keep  int64 // 0 keeps all
	items []collected
	bytes int64
}

type collected struct{ stored, view bson.Raw }

func (c *collection) add(stored, view bson.Raw) {
	full := c.keep > 0 && int64(len(c.items)) >= c.keep
	if full && c.order(view, c.items[0].view) >= 0 {
		return
	}
	it := collected{bytes.Clone(stored), bytes.Clone(view)}
	c.bytes += int64(len(stored) + len(view))
	if full {
		c.bytes -= int64(len(c.items[0].stored) + len(c.items[0].view))
		c.items[0] = it
		heap.Fix(c, 0)
		return
	}
	if c.keep == 0 {
		c.items = append(c.items, it)
		return
	}
	heap.Push(c, it)
}

func (c *collection) Len() int           { return len(c.items) }
func (c *collection) Less(i, j int) bool { return c.order(c.items[i].view, c.items[j].view) > 0 }
func (c *collection) Swap(i, j int)      { c.items[i], c.items[j] = c.items[j], c.items[i] }
func (c *collection) Push(x any)         { c.items = append(c.items, x.(collected)) }
func (c *collection) Pop() any {
	last := c.items[len(c.items)-1]
	c.items = c.items[:len(c.items)-1]
	return last
}

// withID is the sort by the client's keys and then by _id.
func withID(by *query.Sort) bson.Raw {
	doc, start := bsonval.BeginDocument(nil)
	named := false
	if by != nil {
		for it := bsonval.NewIter(by.Keys()); it.Next(); {
			doc = bsonval.AppendElementBytes(doc, it.Key(), it.Value())
			named = named || string(it.Key()) == "_id"
		}
	}
	if !named {
		doc = bsonval.AppendElement(doc, "_id", bsonval.FromInt32(1))
	}
	return bsonval.EndDocument(doc, start)
}

// cannotFail tells whether the database can sort any document by these keys. It refuses two keys that lead into different
// arrays, and positions that may also be names. Such a failure would tell of documents outside the view, so the sort is
// then done here, where nothing fails.
func cannotFail(by *query.Sort) bool {
	keys := 0
	for _, p := range by.Paths() {
		if p.String() == "_id" {
			continue // the one field that is never an array
		}
		if keys++; keys > 1 || slices.ContainsFunc(p.Segments(), startsWithDigit) {
			return false
		}
	}
	return true
}

func startsWithDigit(segment string) bool {
	return segment != "" && segment[0] >= '0' && segment[0] <= '9'
}
