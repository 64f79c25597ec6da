package dataapi

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/echo"
	"github.com/rolegate/rolegate/proxy"
)

// The four ways to write, as a body or an operation of a bulk write asks for them. Their namespace, and whether they
// are about many documents, is for the caller to say.

func (req *request) document() (bson.Raw, error) {
	doc, err := req.required("document")
	if err == nil {
		err = storable(doc)
	}
	return doc, err
}

func (req *request) update() (op proxy.Update, err error) {
	if op.Filter, err = req.required("filter"); err != nil {
		return op, err
	}
	if req.fields["update"].Type == bson.TypeArray {
		return op, invalid("update must be an object, pipelines are not supported")
	}
	if op.Update, err = req.required("update"); err != nil {
		return op, err
	}
	if op.ArrayFilters, err = req.objects("arrayFilters"); err != nil {
		return op, err
	}
	if op.Upsert, err = req.flag("upsert"); err != nil {
		return op, err
	}
	return op, storableUpdate(op.Update)
}

func (req *request) replacement() (op proxy.Replace, err error) {
	if op.Filter, err = req.required("filter"); err != nil {
		return op, err
	}
	if op.Replacement, err = req.required("replacement"); err != nil {
		return op, err
	}
	if op.Upsert, err = req.flag("upsert"); err != nil {
		return op, err
	}
	return op, storable(op.Replacement)
}

func (req *request) deletion() (op proxy.Delete, err error) {
	op.Filter, err = req.required("filter")
	return op, err
}

// choosing adds to the keys of a write those that say which document is returned, and what of it.
func choosing(keys []string, more ...string) []string {
	return slices.Concat(keys, []string{"sort", "projection"}, more)
}

func (req *request) choice() (c proxy.Choice, err error) {
	if c.Sort, err = req.object("sort"); err != nil {
		return c, err
	}
	if c.Projection, err = req.object("projection"); err != nil {
		return c, err
	}
	c.ReturnNew, err = req.flag("returnNewDocument")
	return c, err
}

func findOneAndUpdate(ctx context.Context, c call) (err error) {
	var op proxy.FindOneAndUpdate
	if op.Update, err = c.request.update(); err != nil {
		return err
	}
	if op.Choice, err = c.request.choice(); err != nil {
		return err
	}
	op.Update.NS = c.ns
	return c.found(c.x.s.Operations.FindOneAndUpdate(ctx, c.caller, op))
}

func findOneAndReplace(ctx context.Context, c call) (err error) {
	var op proxy.FindOneAndReplace
	if op.Replace, err = c.request.replacement(); err != nil {
		return err
	}
	if op.Choice, err = c.request.choice(); err != nil {
		return err
	}
	op.Replace.NS = c.ns
	return c.found(c.x.s.Operations.FindOneAndReplace(ctx, c.caller, op))
}

func findOneAndDelete(ctx context.Context, c call) (err error) {
	var op proxy.FindOneAndDelete
	if op.Delete, err = c.request.deletion(); err != nil {
		return err
	}
	if op.Choice, err = c.request.choice(); err != nil {
		return err
	}
	op.Delete.NS = c.ns
	return c.found(c.x.s.Operations.FindOneAndDelete(ctx, c.caller, op))
}

func bulkWrite(ctx context.Context, c call) error {
	op := proxy.BulkWrite{NS: c.ns}
	docs, err := c.request.several("operations")
	if err != nil {
		return err
	}
	if _, given := c.request.fields["ordered"]; given {
		ordered, err := c.request.flag("ordered")
		if err != nil {
			return err
		}
		op.Unordered = !ordered
	}
	for i, doc := range docs {
		o, err := bulkOperation(doc)
		if err != nil {
			f := failureOf(err)
			f.text = "operations[" + strconv.Itoa(i) + "]: " + f.text
			return f
		}
		op.Operations = append(op.Operations, o)
	}
	res, err := c.x.s.Operations.BulkWrite(ctx, c.caller, op)
	if err != nil {
		return err
	}
	out, start := bsonval.BeginDocument(nil)
	out = appendBulk(out, &res)
	return c.x.answer(http.StatusOK, bsonval.EndDocument(out, start))
}

// bulkOperation reads an object with one key: the name of an action, and as its value what that action has in its body.
func bulkOperation(doc bson.Raw) (proxy.BulkOperation, error) {
	it := bsonval.NewIter(doc)
	if !it.Next() {
		return nil, invalid("there is no operation")
	}
	name, v := string(it.Key()), it.Value()
	if it.Next() {
		return nil, invalid("there is more than one operation")
	}
	keys, known := map[string][]string{
		"insertOne": insertKeys, "updateOne": updateKeys, "updateMany": updateKeys, "replaceOne": replaceKeys,
		"deleteOne": deleteKeys, "deleteMany": deleteKeys,
	}[name]
	if !known {
		return nil, invalid("unknown operation '" + echo.Name(name) + "'")
	}
	body, ok := bsonval.Document(v)
	if !ok {
		return nil, invalid(name + " must be an object")
	}
	req, err := parseFields(body, keys)
	if err != nil {
		return nil, err
	}
	switch name {
	case "insertOne":
		doc, err := req.document()
		return proxy.InsertOne{Document: doc}, err
	case "replaceOne":
		op, err := req.replacement()
		return op, err
	case "updateOne", "updateMany":
		op, err := req.update()
		op.Many = name == "updateMany"
		return op, err
	default:
		op, err := req.deletion()
		op.Many = name == "deleteMany"
		return op, err
	}
}

// appendBulk writes what a bulk write has done. The ids stand under the number of their operation.
func appendBulk(out []byte, r *proxy.BulkResult) []byte {
	out = bsonval.AppendElement(out, "insertedCount", bsonval.FromInt(int64(len(r.Inserted))))
	out = bsonval.AppendElement(out, "matchedCount", bsonval.FromInt(r.Matched))
	out = bsonval.AppendElement(out, "modifiedCount", bsonval.FromInt(r.Modified))
	out = bsonval.AppendElement(out, "deletedCount", bsonval.FromInt(r.Deleted))
	out = bsonval.AppendElement(out, "upsertedCount", bsonval.FromInt(int64(len(r.Upserted))))
	out = appendByOperation(out, "insertedIds", r.Inserted)
	return appendByOperation(out, "upsertedIds", r.Upserted)
}

func appendByOperation(out []byte, key string, ids []proxy.BulkID) []byte {
	out, start := bsonval.BeginElement(out, bson.TypeEmbeddedDocument, key)
	for _, id := range ids {
		out = bsonval.AppendElement(out, strconv.Itoa(id.Operation), id.ID)
	}
	return bsonval.EndDocument(out, start)
}
