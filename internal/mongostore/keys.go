package mongostore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/proxy"
)

const keyCollection = "rolegate_api_keys"

// Keys is an auth.KeyStore in the store database.
type Keys struct{ own }

var _ auth.KeyStore = (*Keys)(nil)

// Keys returns the store of API keys. It fails on every call if the Store was opened without StoreURI.
func (s *Store) Keys() *Keys { return &Keys{own{source: s.own, database: s.storeDatabase}} }

// keyRecord is a key as it is stored. The _id makes a second key with the same app and id impossible.
type keyRecord struct {
	ID       keyID     `bson:"_id"`
	App      string    `bson:"app"`
	Name     string    `bson:"name"`
	Hash     []byte    `bson:"hash"`
	User     string    `bson:"user"` // empty, or absent, for a server key
	Disabled bool      `bson:"disabled,omitempty"`
	Created  time.Time `bson:"created"`
	Revoked  time.Time `bson:"revoked,omitempty"`
}

type keyID struct {
	App string `bson:"app"`
	Key string `bson:"key"`
}

// Insert implements auth.KeyStore.
func (k *Keys) Insert(ctx context.Context, key auth.Key) error {
	_, err := k.write(ctx, keyCollection, insertForm, keyRecord{
		ID: keyID{key.App, key.ID}, App: key.App, Name: key.Name, Hash: key.Hash[:], User: key.User, Disabled: key.Disabled,
		Created: key.Created, Revoked: key.Revoked,
	})
	if errors.Is(err, proxy.ErrDuplicateKey) {
		return auth.ErrKeyExists
	}
	return err
}

// Find implements auth.KeyStore.
func (k *Keys) Find(ctx context.Context, app, id string) (auth.Key, error) {
	keys, err := k.keys(ctx, bson.D{{Key: "_id", Value: keyID{app, id}}})
	if err != nil {
		return auth.Key{}, err
	}
	if len(keys) == 0 {
		return auth.Key{}, auth.ErrNoKey
	}
	return keys[0], nil
}

// List implements auth.KeyStore.
func (k *Keys) List(ctx context.Context, app, user string) ([]auth.Key, error) {
	filter := bson.D{{Key: "app", Value: app}, {Key: "user", Value: user}}
	if user == "" { // keys of the first version lack the field
		filter[1].Value = bson.D{{Key: "$in", Value: bson.A{"", nil}}}
	}
	return k.keys(ctx, filter)
}

// Disable implements auth.KeyStore.
func (k *Keys) Disable(ctx context.Context, app, id string, disabled bool) error {
	n, err := k.update(ctx, keyCollection, bson.D{{Key: "_id", Value: keyID{app, id}}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "disabled", Value: disabled}}}})
	if err == nil && n == 0 {
		return auth.ErrNoKey
	}
	return err
}

// Revoke implements auth.KeyStore.
func (k *Keys) Revoke(ctx context.Context, app, id string, at time.Time) error {
	if _, err := k.Find(ctx, app, id); err != nil {
		return err
	}
	// Of two that revoke at once, the first sets the time.
	_, err := k.update(ctx, keyCollection,
		bson.D{{Key: "_id", Value: keyID{app, id}}, missing("revoked")},
		bson.D{{Key: "$set", Value: bson.D{{Key: "revoked", Value: at}}}})
	return err
}

func (k *Keys) keys(ctx context.Context, filter bson.D) ([]auth.Key, error) {
	keys := []auth.Key{}
	err := k.find(ctx, keyCollection, filter, func(raw bson.Raw) error {
		var r keyRecord
		if err := bson.Unmarshal(raw, &r); err != nil {
			return fmt.Errorf("a stored API key cannot be read: %w", err)
		}
		key := auth.Key{ID: r.ID.Key, App: r.ID.App, Name: r.Name, User: r.User, Disabled: r.Disabled, Created: r.Created.UTC(), Revoked: utc(r.Revoked)}
		if len(r.Hash) != len(key.Hash) {
			return errors.New("a stored API key has no hash")
		}
		copy(key.Hash[:], r.Hash)
		keys = append(keys, key)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}
