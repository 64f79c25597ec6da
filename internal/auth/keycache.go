package auth

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// keyLife is how long a key is remembered. A key that another process revokes works that much longer.
const keyLife = 5 * time.Second

// maxRemembered bounds the memory of a cache. It is emptied when it is full.
const maxRemembered = 10_000

// keyCache remembers for a short time which keys exist.
type keyCache struct {
	store KeyStore
	app   string
	now   func() time.Time

	mu    sync.Mutex
	seen  map[string]seenKey // :: key id → what was found
	epoch int                // counts forget: what was asked for before is not remembered after
}

type seenKey struct {
	key   Key
	known bool
	at    time.Time
}

func newKeyCache(store KeyStore, app string, now func() time.Time) *keyCache {
	return &keyCache{store: store, app: app, now: now, seen: map[string]seenKey{}}
}

// find returns a key or ErrNoKey.
func (c *keyCache) find(ctx context.Context, id string) (Key, error) {
	c.mu.Lock()
	s, ok := c.seen[id]
	epoch := c.epoch
	c.mu.Unlock()
	asked := c.now()
	if !ok || asked.Sub(s.at) >= keyLife {
		key, err := c.store.Find(ctx, c.app, id)
		if err != nil && !errors.Is(err, ErrNoKey) {
			return Key{}, err
		}
		s = seenKey{key: key, known: err == nil, at: asked}
		c.remember(id, s, epoch)
	}
	if !s.known {
		return Key{}, ErrNoKey
	}
	return s.key, nil
}

func (c *keyCache) remember(id string, s seenKey, epoch int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch != c.epoch {
		return
	}
	if len(c.seen) >= maxRemembered {
		clear(c.seen)
	}
	c.seen[id] = s
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

// forget makes what this process changes known at once.
func (c *keyCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	clear(c.seen)
}
