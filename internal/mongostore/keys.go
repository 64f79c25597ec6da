package mongostore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// keyCollection is in the store database. Several apps may share it: every document carries its app.
const keyCollection = "rolegate_api_keys"

// Keys is an auth.KeyStore in the store database.
type Keys struct {
	source   *source
	database string
}

var _ auth.KeyStore = (*Keys)(nil)

// Keys returns the store of API keys. It fails on every call if the Store was opened without StoreURI.
func (s *Store) Keys() *Keys { return &Keys{source: s.own, database: s.storeDatabase} }

// keyRecord is a key as it is stored. The _id makes a second key with the same app and id impossible.
type keyRecord struct {
	ID      keyID     `bson:"_id"`
	App     string    `bson:"app"`
	Name    string    `bson:"name"`
	Hash    []byte    `bson:"hash"`
	Created time.Time `bson:"created"`
	Revoked time.Time `bson:"revoked,omitempty"`
}

type keyID struct {
	App string `bson:"app"`
	Key string `bson:"key"`
}

// Insert implements auth.KeyStore.
func (k *Keys) Insert(ctx context.Context, key auth.Key) error {
	err := k.write(ctx, insertForm, keyRecord{
		ID: keyID{key.App, key.ID}, App: key.App, Name: key.Name, Hash: key.Hash[:], Created: key.Created, Revoked: key.Revoked,
	})
	if errors.Is(err, proxy.ErrDuplicateKey) {
		return auth.ErrKeyExists
	}
	return err
}

// Find implements auth.KeyStore.
func (k *Keys) Find(ctx context.Context, app, id string) (auth.Key, error) {
	keys, err := k.find(ctx, bson.D{{Key: "_id", Value: keyID{app, id}}})
	if err != nil {
		return auth.Key{}, err
	}
	if len(keys) == 0 {
		return auth.Key{}, auth.ErrNoKey
	}
	return keys[0], nil
}

// List implements auth.KeyStore.
func (k *Keys) List(ctx context.Context, app string) ([]auth.Key, error) {
	return k.find(ctx, bson.D{{Key: "app", Value: app}})
}

// Revoke implements auth.KeyStore.
func (k *Keys) Revoke(ctx context.Context, app, id string, at time.Time) error {
	if _, err := k.Find(ctx, app, id); err != nil {
		return err
	}
	// Of two that revoke at once, the first sets the time.
	return k.write(ctx, updateForm, bson.D{
		{Key: "q", Value: bson.D{{Key: "_id", Value: keyID{app, id}}, {Key: "revoked", Value: bson.D{{Key: "$exists", Value: false}}}}},
		{Key: "u", Value: bson.D{{Key: "$set", Value: bson.D{{Key: "revoked", Value: at}}}}},
	})
}

var errNoStore = errors.New("no store database is configured")

func (k *Keys) write(ctx context.Context, f form, statement any) error {
	if k.source == nil {
		return errNoStore
	}
	raw, err := bson.Marshal(statement)
	if err != nil {
		return err
	}
	ns := rules.Namespace{Database: k.database, Collection: keyCollection}
	_, _, err = k.source.send(ctx, k.database, batch{form: f, ns: ns, statements: []bson.Raw{raw}})
	return err
}

// find reads from the primary, oldest first: a revoked key must not live on in a secondary.
func (k *Keys) find(ctx context.Context, filter bson.D) ([]auth.Key, error) {
	if k.source == nil {
		return nil, errNoStore
	}
	cmd := bson.D{
		{Key: "find", Value: keyCollection},
		{Key: "filter", Value: filter},
		{Key: "sort", Value: bson.D{{Key: "created", Value: 1}, {Key: "_id", Value: 1}}},
	}
	db := k.source.client.Database(k.database)
	var cur *mongo.Cursor
	var err error
	for range 2 {
		cur, err = db.RunCommandCursor(ctx, cmd, options.RunCmd().SetReadPreference(readpref.Primary()))
		if !repeatableRead(ctx, err) {
			break
		}
	}
	if err != nil {
		return nil, readError(err)
	}
	defer closeCursor(ctx, cur)
	keys := []auth.Key{}
	for cur.Next(ctx) {
		var r keyRecord
		if err := cur.Decode(&r); err != nil {
			return nil, fmt.Errorf("a stored API key cannot be read: %w", err)
		}
		key := auth.Key{ID: r.ID.Key, App: r.ID.App, Name: r.Name, Created: r.Created.UTC()}
		if len(r.Hash) != len(key.Hash) {
			return nil, errors.New("a stored API key has no hash")
		}
		copy(key.Hash[:], r.Hash)
		if !r.Revoked.IsZero() {
			key.Revoked = r.Revoked.UTC()
		}
		keys = append(keys, key)
	}
	if err := cur.Err(); err != nil {
		return nil, readError(err)
	}
	return keys, nil
}
