package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Key is an API key as it is stored: without its secret. It belongs to a user, or is one of its own, of type server.
type Key struct {
	ID       string            // of the key, and of its user if that is its own: an ObjectId in hexadecimal
	App      string            // the client app id
	Name     string            // what %%user.data.name of a server key expands to
	User     string            // whose key it is; empty for a server key
	Hash     [sha256.Size]byte // of the secret
	Disabled bool              // for now
	Created  time.Time         // to the millisecond
	Revoked  time.Time         // zero while the key is good. A revoked key stays known, so that nobody takes its id
}

// What a KeyStore may answer besides errors of its own.
var (
	ErrNoKey     = errors.New("no such key")
	ErrKeyExists = errors.New("a key with this id exists")
)

// KeyStore keeps the API keys of apps. It reads from the primary: a revoked key must not live on in a secondary.
type KeyStore interface {
	// Insert stores a new key. A key with the same app and id is left as it is: ErrKeyExists.
	Insert(ctx context.Context, k Key) error
	// Find returns a key, revoked or not, or ErrNoKey.
	Find(ctx context.Context, app, id string) (Key, error)
	// List returns the keys of a user, oldest first, or the server keys of an app for an empty one.
	List(ctx context.Context, app, user string) ([]Key, error)
	// Disable switches a key off or on again, or returns ErrNoKey.
	Disable(ctx context.Context, app, id string, disabled bool) error
	// Revoke marks a key at the given time, or returns ErrNoKey. One that was revoked before keeps its time.
	Revoke(ctx context.Context, app, id string, at time.Time) error
}

const (
	keyPrefix  = "rgk_"
	maxKeyText = 512 // bytes of what a client sends
)

// NewKey completes a key of which App, Name and Created are given, and makes the text that is shown once and sent by
// clients: a prefix, the id and the secret. An ID that is given is kept, for users that have been somebody before.
func NewKey(k Key) (key Key, text string) {
	k.Created = k.Created.UTC().Truncate(time.Millisecond)
	if k.ID == "" {
		k.ID = bson.NewObjectIDFromTimestamp(k.Created).Hex()
	}
	hash, secret := newSecret()
	k.Hash = hash
	return k, keyPrefix + k.ID + "_" + secret
}

// splitKey takes the text of a key apart. A text of another form has an id that no key has.
func splitKey(text string) (id, secret string, ok bool) {
	rest, ok := strings.CutPrefix(text, keyPrefix)
	cut := len(rest) - secretText - 1
	if !ok || cut < 1 || rest[cut] != '_' || len(text) > maxKeyText {
		return "", "", false
	}
	return rest[:cut], rest[cut+1:], true
}
