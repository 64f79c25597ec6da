package dataapi

import (
	"context"
	"math"
	"net/http"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/proxy"
)

// Limits of the API itself.
const (
	defaultFind = 1000
	maxFind     = 50_000
)

func findOne(ctx context.Context, c call) error {
	op, err := c.find()
	if err != nil {
		return err
	}
	doc, err := c.x.s.Operations.FindOne(ctx, c.caller, op)
	return c.found(doc, err)
}

// found answers with one document, or null where there is none.
func (c call) found(doc bson.Raw, err error) error {
	if err != nil {
		return err
	}
	v := bsonval.Null()
	if doc != nil {
		v = bsonval.FromDocument(doc)
	}
	out, start := bsonval.BeginDocument(nil)
	out = bsonval.AppendElement(out, "document", v)
	return c.x.answer(http.StatusOK, bsonval.EndDocument(out, start))
}

func find(ctx context.Context, c call) error {
	op, err := c.find()
	if err != nil {
		return err
	}
	if op.Skip, err = c.request.count("skip"); err != nil {
		return err
	}
	if op.Limit, err = c.request.count("limit"); err != nil {
		return err
	}
	if op.Limit == 0 {
		op.Limit = defaultFind
	}
	op.Limit = min(op.Limit, maxFind)
	op.Skip = min(op.Skip, math.MaxInt64-maxFind) // so that the sum can be taken

	st := newStream(c.x, "documents")
	defer st.release()
	return st.end(c.x.s.Operations.Find(ctx, c.caller, op, st.emit))
}

// find reads what both finds have in common.
func (c call) find() (op proxy.Find, err error) {
	op.NS = c.ns
	if op.Filter, err = c.request.object("filter"); err != nil {
		return op, err
	}
	if op.Projection, err = c.request.object("projection"); err != nil {
		return op, err
	}
	op.Sort, err = c.request.object("sort")
	return op, err
}

func countDocuments(ctx context.Context, c call) error {
	filter, err := c.request.object("filter")
	if err != nil {
		return err
	}
	n, err := c.x.s.Operations.Count(ctx, c.caller, proxy.Count{NS: c.ns, Filter: filter})
	if err != nil {
		return err
	}
	out, start := bsonval.BeginDocument(nil)
	out = bsonval.AppendElement(out, "count", bsonval.FromInt(n))
	return c.x.answer(http.StatusOK, bsonval.EndDocument(out, start))
}

func distinct(ctx context.Context, c call) error {
	op := proxy.Distinct{NS: c.ns}
	var err error
	if op.Key, err = c.request.text("key"); err != nil {
		return err
	}
	if op.Filter, err = c.request.object("filter"); err != nil {
		return err
	}
	values, err := c.x.s.Operations.Distinct(ctx, c.caller, op)
	if err != nil {
		return err
	}
	st := newStream(c.x, "values")
	defer st.release()
	for _, v := range values {
		if err := st.add(v); err != nil {
			return err
		}
	}
	return st.end(nil)
}

func aggregate(ctx context.Context, c call) error {
	op := proxy.Aggregate{NS: c.ns, Limit: maxFind}
	var err error
	if op.Pipeline, err = c.request.objects("pipeline"); err != nil {
		return err
	}
	if op.Pipeline == nil {
		return missing("pipeline is required")
	}
	st := newStream(c.x, "documents")
	defer st.release()
	return st.end(c.x.s.Operations.Aggregate(ctx, c.caller, op, st.emit))
}
