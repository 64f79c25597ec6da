package auth

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// keyLife is how long a key is remembered. A key that another process revokes works that much longer.
const keyLife = 5 * time.Second

// keyCache remembers for a short time which keys exist.
type keyCache struct {
	cache[string, Key] // :: key id
	store              KeyStore
	app                string
}

func newKeyCache(c Config) *keyCache {
	k := &keyCache{store: c.Keys, app: c.App}
	k.life, k.none, k.now, k.seen = keyLife, ErrNoKey, c.Now, map[string]seen[Key]{}
	return k
}

// find returns a key or ErrNoKey.
func (c *keyCache) find(ctx context.Context, id string) (Key, error) {
	return c.remembered(id, func() (Key, error) { return c.store.Find(ctx, c.app, id) })
}

// taken tells whether a user of this id exists, revoked or not. Ids of keys are ObjectIds, of which capital letters are
// another spelling: a rule may compare them as ObjectIds.
func (c *keyCache) taken(ctx context.Context, user string) (bool, error) {
	id, err := bson.ObjectIDFromHex(user)
	if err != nil {
		return false, nil
	}
	_, err = c.find(ctx, id.Hex())
	if errors.Is(err, ErrNoKey) {
		return false, nil
	}
	return err == nil, err
}
