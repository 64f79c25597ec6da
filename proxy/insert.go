package proxy

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// Insert stores new documents, all of them or, where the rules deny one, none.
func (p *Proxy) Insert(ctx context.Context, c Caller, op Insert) (IDs, error) {
	s, err := p.begin(ctx, c, op.NS, "insert", true)
	if err != nil {
		return nil, err
	}
	if len(op.Documents) > p.Limits.Inserts {
		return nil, &Error{Kind: Invalid, Message: "too many documents"}
	}
	writes := make([]GuardedWrite, len(op.Documents))
	ids := make(IDs, len(op.Documents))
	for i, doc := range op.Documents {
		if writes[i], err = s.insertion(doc); err != nil {
			return nil, err
		}
		ids[i], _ = bsonval.Lookup(writes[i].Document, "_id")
	}
	res, err := p.Store.Write(ctx, op.NS, writes)
	if err != nil {
		err = s.storeError(err)
		if res.Done > 0 {
			err = withDone(err, Done{Inserted: ids[:min(res.Done, len(ids))]})
		}
		return nil, err
	}
	return ids, nil
}

// insertion checks a new document and gives it an _id if it has none.
func (s *session) insertion(doc bson.Raw) (GuardedWrite, error) {
	if err := checkDocument(doc); err != nil {
		return GuardedWrite{}, s.invalid(err)
	}
	_, given := bsonval.Lookup(doc, "_id")
	if !given {
		doc = prependID(doc, bsonval.FromObjectID(bson.NewObjectID()))
	}
	d := s.bound.Decider()
	doc, err := s.allowed(d.CheckInsert(doc, given))
	if err != nil {
		return GuardedWrite{}, err
	}
	if err := s.conform(d, nil, doc); err != nil {
		return GuardedWrite{}, err
	}
	if len(doc) > maxDocument {
		return GuardedWrite{}, &Error{Kind: TooLarge, Message: "the document is too large"}
	}
	return GuardedWrite{Kind: InsertDocument, Document: doc}, nil
}

// prependID puts an _id in front of the other fields.
func prependID(doc bson.Raw, id bson.RawValue) bson.Raw {
	out, start := bsonval.BeginDocument(make([]byte, 0, len(doc)+24))
	out = bsonval.AppendElement(out, "_id", id)
	for it := bsonval.NewIter(doc); it.Next(); {
		if string(it.Key()) != "_id" {
			out = append(out, it.Element()...)
		}
	}
	return bsonval.EndDocument(out, start)
}
