package mongostore

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"github.com/rolegate/rolegate/rules"
)

// own is the database of rolegate's own data. Several apps may share it: every document carries its app, and what must
// be unique is part of the _id, which every server holds.
type own struct {
	source   *source // nil if the Store was opened without StoreURI
	database string
}

var errNoStore = errors.New("no store database is configured")

// write runs one statement and returns how many documents it took effect on.
func (o own) write(ctx context.Context, collection string, f form, statement any) (int, error) {
	if o.source == nil {
		return 0, errNoStore
	}
	raw, err := bson.Marshal(statement)
	if err != nil {
		return 0, err
	}
	caps, err := o.source.capabilities(ctx)
	if err != nil {
		return 0, notSent(err)
	}
	if f != insertForm {
		defer o.source.takeTurns(caps)()
	}
	ns := rules.Namespace{Database: o.database, Collection: collection}
	_, done, err := o.source.send(ctx, o.database, batch{form: f, ns: ns, statements: []bson.Raw{raw}})
	return done, err
}

// update changes the one document that matches.
func (o own) update(ctx context.Context, collection string, filter, change bson.D) (int, error) {
	return o.write(ctx, collection, updateForm, bson.D{{Key: "q", Value: filter}, {Key: "u", Value: change}})
}

// remove deletes all documents that match.
func (o own) remove(ctx context.Context, collection string, filter bson.D) error {
	_, err := o.write(ctx, collection, deleteForm, bson.D{{Key: "q", Value: filter}, {Key: "limit", Value: 0}})
	return err
}

// find reads from the primary, oldest first: what was revoked must not live on in a secondary. What f is given is valid
// until it returns.
func (o own) find(ctx context.Context, collection string, filter bson.D, f func(bson.Raw) error) error {
	if o.source == nil {
		return errNoStore
	}
	cmd := bson.D{
		{Key: "find", Value: collection},
		{Key: "filter", Value: filter},
		{Key: "sort", Value: bson.D{{Key: "created", Value: 1}, {Key: "_id", Value: 1}}},
	}
	db := o.source.client.Database(o.database)
	var cur *mongo.Cursor
	var err error
	for range 2 {
		cur, err = db.RunCommandCursor(ctx, cmd, options.RunCmd().SetReadPreference(readpref.Primary()))
		if !repeatableRead(ctx, err) {
			break
		}
	}
	if err != nil {
		return readError(err)
	}
	defer closeCursor(ctx, cur)
	for cur.Next(ctx) {
		if err := f(cur.Current); err != nil {
			return err
		}
	}
	if err := cur.Err(); err != nil {
		return readError(err)
	}
	return nil
}
