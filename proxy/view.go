package proxy

import (
	"bytes"
	"container/heap"
	"context"
	"slices"
	"sort"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
)

// viewRead asks for documents of the view, in the total order of the client's sort keys and then _id.
type viewRead struct {
	raw    bson.Raw // the client's filter
	filter *query.Filter
	sort   *query.Sort // nil is unsorted
	skip   int64
	limit  int64 // 0 is no limit
	// forDecision asks for the stored documents too, from where writes go.
	forDecision bool
	named       []string // the paths that a write changes
}

// hasPattern tells whether a filter holds a regular expression. The database gives up with an error on patterns that
// take too long, and on which text they do would be told of documents that are hidden: such a filter is sent only where
// none is.
func hasPattern(doc bson.Raw) bool {
	for it := bsonval.NewIter(doc); it.Next(); {
		v := it.Value()
		switch v.Type {
		case bson.TypeRegex:
			return true
		case bson.TypeEmbeddedDocument, bson.TypeArray:
			if hasPattern(bson.Raw(v.Value)) {
				return true
			}
		}
		if string(it.Key()) == "$regex" {
			return true
		}
	}
	return false
}

// readPlan says what is asked of the store and what is left to do in the proxy.
type readPlan struct {
	query   Query
	ordered bool // the store returns documents in the total order
	exact   bool // the store's answer is the answer: nothing is rechecked, skip and limit were sent
}

// plan decides what may be sent. A filter or a sort key goes to the database only if every path in it is readable in
// every document of the view; otherwise stored values that the user may not read would decide what comes back.
func (s *session) plan(v viewRead) readPlan {
	b := s.bound
	filters := append([]bson.Raw(nil), b.Queries()...)
	filterSent := s.readable(v.filter.Paths()) && (b.PassThrough() || !hasPattern(v.raw))
	if filterSent && len(v.raw) > len(document(nil)) {
		filters = append(filters, v.raw)
	}
	sortSent := v.sort == nil || s.readable(v.sort.Paths()) && (b.Exact() || cannotFail(v.sort))
	p := readPlan{query: Query{Filter: conjunction(filters), ForDecision: v.forDecision}}
	switch {
	case b.PassThrough():
		p.ordered = true
		if v.sort != nil {
			p.query.Sort = v.sort.Keys()
		}
		if v.forDecision {
			p.query.Sort = withID(v.sort)
		}
	case sortSent && b.Readable("_id"):
		p.ordered = true
		p.query.Sort = withID(v.sort)
	}
	if b.Exact() && filterSent && p.ordered {
		p.exact = true
		p.query.Skip, p.query.Limit = v.skip, v.limit
	}
	return p
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

func (s *session) readable(paths []query.Path) bool {
	for _, p := range paths {
		if !s.bound.Readable(p.String()) {
			return false
		}
	}
	return true
}

// each calls f with the stored document and its view, for every document that matches, in order. Both are valid during
// the call only.
func (s *session) each(ctx context.Context, v viewRead, f func(stored, view bson.Raw) error) error {
	if s.bound.None() {
		return nil
	}
	defer s.logWithheld()
	p := s.plan(v)
	if !p.ordered {
		return s.sorted(ctx, v, p, f)
	}
	skip, emitted := v.skip, int64(0)
	if p.exact {
		skip = 0
	}
	return s.scan(ctx, v, p, func(stored, view bson.Raw) (bool, error) {
		if skip > 0 {
			skip--
			return true, nil
		}
		emitted++
		err := f(stored, view)
		return v.limit == 0 || emitted < v.limit, err
	})
}

// scan reads from the store, decides, cuts, and evaluates the client's filter again on what is left.
func (s *session) scan(ctx context.Context, v viewRead, p readPlan, f func(stored, view bson.Raw) (bool, error)) error {
	d := s.bound.Decider()
	var view []byte
	scanned := 0
	for stored, err := range s.p.Store.Find(ctx, s.ns, p.query) {
		if err == nil {
			err = ctx.Err() // a batch may take long to evaluate
		}
		if err != nil {
			return s.storeError(err)
		}
		if scanned++; scanned > s.p.Limits.Scan && !p.exact {
			return &Error{Kind: ScanLimit, Message: "too many documents would have to be examined"}
		}
		out, visible, err := d.View(view[:0], stored)
		view = out
		if err != nil {
			s.withhold(err)
			continue
		}
		if !visible || (!p.exact && !v.filter.Match(view)) {
			continue
		}
		if more, err := f(stored, view); err != nil || !more {
			return err
		}
	}
	return nil
}

// sorted reads everything that matches, puts it in order here and then applies skip and limit. With a limit only as
// many documents are held as can still be part of the answer.
func (s *session) sorted(ctx context.Context, v viewRead, p readPlan, f func(stored, view bson.Raw) error) error {
	c := collection{order: s.order(v.sort), keep: v.skip + v.limit}
	if v.limit == 0 {
		c.keep = 0
	}
	err := s.scan(ctx, v, p, func(stored, view bson.Raw) (bool, error) {
		if !v.forDecision {
			stored = nil
		}
		if c.add(stored, view); c.bytes > s.p.Limits.Memory {
			return false, &Error{Kind: TooLarge, Message: "too much would have to be sorted"}
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	sort.Slice(c.items, func(i, j int) bool { return c.order(c.items[i].view, c.items[j].view) < 0 })
	for i, it := range c.items {
		if int64(i) < v.skip {
			continue
		}
		if err := f(it.stored, it.view); err != nil {
			return err
		}
	}
	return nil
}

// order is the total order of views: the client's keys, then _id where every view has it, else the view itself.
// Views that are equal byte for byte are interchangeable.
func (s *session) order(by *query.Sort) func(a, b bson.Raw) int {
	byID := s.bound.Readable("_id")
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

// conjunction is the query that all of the queries hold.
func conjunction(qs []bson.Raw) bson.Raw {
	switch len(qs) {
	case 0:
		return nil
	case 1:
		return qs[0]
	}
	doc, start := bsonval.BeginDocument(nil)
	doc, list := bsonval.BeginElement(doc, bson.TypeArray, "$and")
	for i, q := range qs {
		doc = bsonval.AppendElement(doc, strconv.Itoa(i), bsonval.FromDocument(q))
	}
	return bsonval.EndDocument(bsonval.EndDocument(doc, list), start)
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
