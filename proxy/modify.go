package proxy

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/filter"
)

// FindOneAndUpdate changes the first document of the view that matches and returns it, or nil.
func (p *Proxy) FindOneAndUpdate(ctx context.Context, c Caller, op FindOneAndUpdate) (bson.Raw, error) {
	s, err := p.begin(ctx, c, op.Update.NS, "update", true)
	if err != nil {
		return nil, err
	}
	op.Update.Many = false
	it, err := s.change(op.Update, op.Sort)
	if err != nil {
		return nil, err
	}
	return it.modify(ctx, op.Choice)
}

// FindOneAndReplace replaces the first document of the view that matches and returns it, or nil.
func (p *Proxy) FindOneAndReplace(ctx context.Context, c Caller, op FindOneAndReplace) (bson.Raw, error) {
	s, err := p.begin(ctx, c, op.Replace.NS, "update", true)
	if err != nil {
		return nil, err
	}
	it, err := s.replacement(op.Replace, op.Sort)
	if err != nil {
		return nil, err
	}
	return it.modify(ctx, op.Choice)
}

// FindOneAndDelete deletes the first document of the view that matches and returns it, or nil.
func (p *Proxy) FindOneAndDelete(ctx context.Context, c Caller, op FindOneAndDelete) (bson.Raw, error) {
	s, err := p.begin(ctx, c, op.Delete.NS, "delete", true)
	if err != nil {
		return nil, err
	}
	op.Delete.Many, op.ReturnNew = false, false
	it, err := s.deletion(op.Delete, op.Sort)
	if err != nil {
		return nil, err
	}
	return it.modify(ctx, op.Choice)
}

// modify carries out an operation on one document and returns what the user may see of it. It is decided like any
// other write; only then it goes to the database as one command that changes the document and returns it.
func (it *item) modify(ctx context.Context, c Choice) (bson.Raw, error) {
	s := it.s
	projection, err := filter.ParseProjection(c.Projection)
	if err != nil {
		return nil, s.invalid(err)
	}
	var taken error // the key of what would be inserted
	for range attempts {
		r := s.p.room()
		ts, err := it.targets(ctx, r)
		if err != nil {
			return nil, err
		}
		if len(ts) == 0 {
			if it.insert == nil || taken != nil {
				return nil, taken
			}
			doc, err := it.upsert(ctx, r)
			if DuplicateKey.is(err) {
				taken = err
				// Somebody may just have inserted what the filter selects.
				if err := s.bind(ctx, s.op, true); err != nil {
					return nil, err
				}
				continue
			}
			if err != nil || !c.ReturnNew {
				return nil, err
			}
			return s.show(doc, projection), nil
		}
		steps, err := it.decideAll(ts, r)
		if err != nil {
			return nil, err
		}
		if len(steps) == 0 { // it is as the request wants it
			return s.project(ts[0].view, projection), nil
		}
		image, held, err := s.p.Store.Modify(ctx, s.ns, steps[0].write, c.ReturnNew)
		if err != nil {
			return nil, s.storeError(err)
		}
		if held {
			return s.show(image, projection), nil
		}
	}
	return nil, conflict()
}

// upsert inserts the document that the operation describes, and returns it.
func (it *item) upsert(ctx context.Context, r *room) (bson.Raw, error) {
	st, err := it.insertion(ctx, r)
	if err != nil {
		return nil, err
	}
	if _, err := it.s.p.Store.Write(ctx, it.s.ns, []GuardedWrite{st.write}); err != nil {
		return nil, it.s.storeError(err)
	}
	return st.write.Document, nil
}

// show decides anew about a document that was written: the role that applies, and fields that no decision read, may be
// others by now. What may not be read is not returned; it is written all the same.
func (s *session) show(image bson.Raw, projection filter.Projection) bson.Raw {
	view, visible, err := s.bound.Decider().View(nil, image)
	if err != nil {
		s.withhold(err)
		s.logWithheld()
	}
	if !visible {
		return nil
	}
	return s.project(view, projection)
}

// project shows what the client asked for. The write stands, so a view that cannot be projected is withheld.
func (s *session) project(view bson.Raw, projection filter.Projection) bson.Raw {
	out, err := filter.Project(nil, view, projection)
	if err != nil {
		s.withhold(err)
		s.logWithheld()
		return nil
	}
	return out
}
