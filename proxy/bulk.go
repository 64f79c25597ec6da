package proxy

import (
	"context"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// BulkWrite carries out several operations. All of them are decided on the documents as they are before the first one;
// where the rules deny one, none is carried out.
func (p *Proxy) BulkWrite(ctx context.Context, c Caller, op BulkWrite) (BulkResult, error) {
	if len(op.Operations) == 0 {
		return BulkResult{}, &Error{Kind: Invalid, Message: "there is no operation"}
	}
	first, err := p.begin(ctx, c, op.NS, op.Operations[0].operation(), true)
	if err != nil {
		return BulkResult{}, err
	}
	if len(op.Operations) > p.Limits.Inserts {
		return BulkResult{}, &Error{Kind: Invalid, Message: "too many operations"}
	}
	sessions := map[string]*session{first.op: first}
	items := make([]*item, len(op.Operations))
	for i, o := range op.Operations {
		s, known := sessions[o.operation()]
		if !known {
			if s, err = first.as(ctx, o.operation()); err != nil {
				return BulkResult{}, err
			}
			sessions[s.op] = s
		}
		if items[i], err = o.item(s); err != nil {
			return BulkResult{}, err
		}
	}
	e := first.execution(items...)
	e.unordered = op.Unordered
	err = e.run(ctx)
	res := bulkResult(items)
	if err != nil && slices.ContainsFunc(items, (*item).stored) {
		err = withDone(err, Done{Bulk: &res})
	}
	if err != nil {
		return BulkResult{}, err
	}
	return res, nil
}

// bulkResult sums up what was done.
func bulkResult(items []*item) (res BulkResult) {
	for i, it := range items {
		inserted := it.stored() && it.changed == 0
		switch {
		case it.s.op == "delete":
			res.Deleted += it.changed
			continue
		case inserted && it.s.op == "insert":
			res.Inserted = append(res.Inserted, BulkID{Operation: i, ID: it.inserted})
		case inserted:
			res.Upserted = append(res.Upserted, BulkID{Operation: i, ID: it.inserted})
		}
		res.Matched += it.matched
		res.Modified += it.changed
	}
	return res
}

func (InsertOne) operation() string { return "insert" }
func (Update) operation() string    { return "update" }
func (Replace) operation() string   { return "update" }
func (Delete) operation() string    { return "delete" }

func (o InsertOne) item(s *session) (*item, error) {
	if err := checkDocument(o.Document); err != nil {
		return nil, s.invalid(err)
	}
	return &item{s: s, insert: func() (bson.Raw, error) { return o.Document, nil }}, nil
}

func (o Update) item(s *session) (*item, error)  { return s.change(o, nil) }
func (o Replace) item(s *session) (*item, error) { return s.replacement(o, nil) }
func (o Delete) item(s *session) (*item, error)  { return s.deletion(o, nil) }
