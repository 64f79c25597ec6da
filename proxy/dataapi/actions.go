package dataapi

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// maxInsert is a limit of the API itself, also for the operations of a bulk write.
const maxInsert = 1000

// action is one thing a client may ask for.
type action struct {
	operation string   // what rules call it
	keys      []string // of the body, besides the names
	ignored   []string // keys that known clients send although they mean nothing here
	run       func(ctx context.Context, c call) error
}

// call is one action of one known user.
type call struct {
	x       *exchange
	ns      rules.Namespace
	request *request
	caller  proxy.Caller
}

const (
	opFind      = "find"
	opCount     = "count"
	opDistinct  = "distinct"
	opAggregate = "aggregate"
	opInsert    = "insert"
	opUpdate    = "update"
	opDelete    = "delete"
	opBulk      = "bulkWrite" // rules hear of its operations only
)

// Keys of actions that operations of a bulk write have, too.
var (
	insertKeys  = []string{"document"}
	updateKeys  = []string{"filter", "update", "upsert", "arrayFilters"}
	replaceKeys = []string{"filter", "replacement", "upsert"}
	deleteKeys  = []string{"filter"}
)

// actions are the ones there are. Anything else is no action.
var actions = map[string]action{
	"findOne":        {opFind, []string{"filter", "projection", "sort"}, []string{"limit", "skip"}, findOne},
	"find":           {opFind, []string{"filter", "projection", "sort", "limit", "skip"}, nil, find},
	"countDocuments": {opCount, []string{"filter"}, nil, countDocuments},
	"distinct":       {opDistinct, []string{"key", "filter"}, nil, distinct},
	"aggregate":      {opAggregate, []string{"pipeline"}, nil, aggregate},
	"insertOne":      {opInsert, insertKeys, nil, insertOne},
	"insertMany":     {opInsert, []string{"documents"}, nil, insertMany},
	"updateOne":      {opUpdate, updateKeys, nil, updateOne},
	"updateMany":     {opUpdate, updateKeys, nil, updateMany},
	"replaceOne":     {opUpdate, replaceKeys, nil, replaceOne},
	"deleteOne":      {opDelete, deleteKeys, nil, deleteOne},
	"deleteMany":     {opDelete, deleteKeys, nil, deleteMany},

	"findOneAndUpdate":  {opUpdate, choosing(updateKeys, "returnNewDocument"), nil, findOneAndUpdate},
	"findOneAndReplace": {opUpdate, choosing(replaceKeys, "returnNewDocument"), nil, findOneAndReplace},
	"findOneAndDelete":  {opDelete, choosing(deleteKeys), nil, findOneAndDelete},
	"bulkWrite":         {opBulk, []string{"operations", "ordered"}, nil, bulkWrite},
}

// extensions are the actions that the original did not have.
var extensions = map[string]bool{
	"countDocuments": true, "distinct": true,
	"findOneAndUpdate": true, "findOneAndReplace": true, "findOneAndDelete": true, "bulkWrite": true,
}

// operations are what rules hear of a request: a find that is a get, the kinds of operations of a bulk write. What cannot be
// read is what its action is.
func (c call) operations(t target) []string {
	var kinds []string
	switch {
	case c.request == nil:
	case t.operation == opFind:
		if filter, err := c.request.object("filter"); err == nil {
			kinds = append(kinds, proxy.Find{Filter: filter}.Operation())
		}
	case t.operation == opBulk:
		docs, _ := c.request.objects("operations")
		for _, doc := range docs {
			it := bsonval.NewIter(doc)
			if !it.Next() {
				continue
			}
			if kind := actions[string(it.Key())].operation; kind != "" && !slices.Contains(kinds, kind) {
				kinds = append(kinds, kind)
			}
		}
	}
	if kinds == nil {
		return []string{t.operation}
	}
	return kinds
}

// stores tells whether an operation is a write.
func stores(operation string) bool {
	return slices.Contains([]string{opInsert, opUpdate, opDelete, opBulk}, operation)
}

func insertOne(ctx context.Context, c call) error {
	doc, err := c.request.document()
	if err != nil {
		return err
	}
	ids, err := c.insert(ctx, []bson.Raw{doc})
	if err != nil {
		return err
	}
	out, start := bsonval.BeginDocument(nil)
	for _, id := range ids {
		out = bsonval.AppendElement(out, "insertedId", id)
	}
	return c.x.answer(c.x.s.InsertStatus, bsonval.EndDocument(out, start))
}

func insertMany(ctx context.Context, c call) error {
	docs, err := c.request.several("documents")
	if err != nil {
		return err
	}
	for _, doc := range docs {
		if err := storable(doc); err != nil {
			return err
		}
	}
	ids, err := c.insert(ctx, docs)
	if err != nil {
		return err
	}
	out, start := bsonval.BeginDocument(nil)
	out = appendIDs(out, ids)
	return c.x.answer(c.x.s.InsertStatus, bsonval.EndDocument(out, start))
}

func (c call) insert(ctx context.Context, docs []bson.Raw) (proxy.IDs, error) {
	return c.x.s.Operations.Insert(ctx, c.caller, proxy.Insert{NS: c.ns, Documents: docs})
}

func updateOne(ctx context.Context, c call) error  { return c.update(ctx, false) }
func updateMany(ctx context.Context, c call) error { return c.update(ctx, true) }

func (c call) update(ctx context.Context, many bool) error {
	op, err := c.request.update()
	if err != nil {
		return err
	}
	op.NS, op.Many = c.ns, many
	res, err := c.x.s.Operations.Update(ctx, c.caller, op)
	return c.updated(res, err)
}

func replaceOne(ctx context.Context, c call) error {
	op, err := c.request.replacement()
	if err != nil {
		return err
	}
	op.NS = c.ns
	res, err := c.x.s.Operations.Replace(ctx, c.caller, op)
	return c.updated(res, err)
}

func (c call) updated(res proxy.UpdateResult, err error) error {
	if err != nil {
		return err
	}
	out, start := bsonval.BeginDocument(nil)
	out = bsonval.AppendElement(out, "matchedCount", bsonval.FromInt(res.Matched))
	out = bsonval.AppendElement(out, "modifiedCount", bsonval.FromInt(res.Modified))
	if !bsonval.IsMissing(res.Upserted) {
		out = bsonval.AppendElement(out, "upsertedId", res.Upserted)
	}
	return c.x.answer(http.StatusOK, bsonval.EndDocument(out, start))
}

func deleteOne(ctx context.Context, c call) error  { return c.delete(ctx, false) }
func deleteMany(ctx context.Context, c call) error { return c.delete(ctx, true) }

func (c call) delete(ctx context.Context, many bool) error {
	op, err := c.request.deletion()
	if err != nil {
		return err
	}
	op.NS, op.Many = c.ns, many
	n, err := c.x.s.Operations.Delete(ctx, c.caller, op)
	if err != nil {
		return err
	}
	out, start := bsonval.BeginDocument(nil)
	out = bsonval.AppendElement(out, "deletedCount", bsonval.FromInt(n))
	return c.x.answer(http.StatusOK, bsonval.EndDocument(out, start))
}

// appendDone adds to an error what the write had stored before it.
func appendDone(out []byte, operation string, d *proxy.Done) []byte {
	switch operation {
	case opInsert:
		return appendIDs(out, d.Inserted)
	case opUpdate:
		out = bsonval.AppendElement(out, "matchedCount", bsonval.FromInt(d.Matched))
		return bsonval.AppendElement(out, "modifiedCount", bsonval.FromInt(d.Modified))
	case opDelete:
		return bsonval.AppendElement(out, "deletedCount", bsonval.FromInt(d.Deleted))
	case opBulk:
		if d.Bulk != nil {
			return appendBulk(out, d.Bulk)
		}
	}
	return out
}

func appendIDs(out []byte, ids proxy.IDs) []byte {
	out, start := bsonval.BeginElement(out, bson.TypeArray, "insertedIds")
	for i, id := range ids {
		out = bsonval.AppendElement(out, strconv.Itoa(i), id)
	}
	return bsonval.EndDocument(out, start)
}
