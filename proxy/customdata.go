package proxy

import (
	"context"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/rules"
)

// CustomDataSource says where the custom data of users is kept.
type CustomDataSource struct {
	NS          rules.Namespace
	UserIDField string
}

// maxCachedUsers bounds the memory of the cache.
const maxCachedUsers = 10_000

// customData finds the custom data of users.
type customData struct {
	source CustomDataSource
	store  Store
	ttl    time.Duration
	now    func() time.Time

	mu   sync.Mutex
	seen map[string]cachedData // :: user id → what was found
}

type cachedData struct {
	data rules.CustomData
	at   time.Time
}

func newCustomData(source CustomDataSource, store Store, ttl time.Duration, now func() time.Time) *customData {
	return &customData{source: source, store: store, ttl: ttl, now: now, seen: map[string]cachedData{}}
}

// of finds the user's document. What decides about a write is read afresh.
func (c *customData) of(ctx context.Context, user string, fresh bool) (rules.CustomData, error) {
	if !fresh && c.ttl > 0 {
		c.mu.Lock()
		found, ok := c.seen[user]
		c.mu.Unlock()
		if ok && c.now().Sub(found.at) < c.ttl {
			return found.data, nil
		}
	}
	data, err := c.read(ctx, user)
	if err == nil && c.ttl > 0 {
		c.mu.Lock()
		if len(c.seen) >= maxCachedUsers {
			clear(c.seen)
		}
		c.seen[user] = cachedData{data, c.now()}
		c.mu.Unlock()
	}
	return data, err
}

// CustomDataOf returns the custom data of a user as it is now, for clients: nil when there is none, or none for sure.
func (p *Proxy) CustomDataOf(ctx context.Context, user string) (bson.Raw, error) {
	data, err := p.CustomDataNow(ctx, user)
	return data.Document, err
}

// CustomDataNow is the custom data of a user as a decision about a write would find it.
func (p *Proxy) CustomDataNow(ctx context.Context, user string) (rules.CustomData, error) {
	if p.custom == nil {
		return rules.CustomData{}, nil
	}
	return p.custom.of(ctx, user, true)
}

// read looks for the user's id as a string and, where it is one, as an ObjectID. More than one document is no
// document: a user who can add one must not be able to choose.
func (c *customData) read(ctx context.Context, user string) (rules.CustomData, error) {
	var data rules.CustomData
	found := 0
	q := Query{Filter: idFilter(c.source.UserIDField, user), Limit: 2, ForDecision: true}
	for doc, err := range c.store.Find(ctx, c.source.NS, q) {
		if err != nil {
			return rules.CustomData{}, err
		}
		found++
		data.Document = append(bson.Raw(nil), doc...)
	}
	if found > 1 {
		return rules.CustomData{Unresolved: true}, nil
	}
	return data, nil
}

func idFilter(field, user string) bson.Raw {
	doc, start := bsonval.BeginDocument(nil)
	doc, eq := bsonval.BeginElement(doc, bson.TypeEmbeddedDocument, field)
	doc, list := bsonval.BeginElement(doc, bson.TypeArray, "$in")
	doc = bsonval.AppendElement(doc, "0", bsonval.FromString(user))
	if id, err := bson.ObjectIDFromHex(user); err == nil {
		doc = bsonval.AppendElement(doc, "1", bsonval.FromObjectID(id))
	}
	return bsonval.EndDocument(bsonval.EndDocument(bsonval.EndDocument(doc, list), eq), start)
}
