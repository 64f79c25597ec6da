package auth

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/rules"
)

// Names of providers, as identities carry them.
const (
	tokenProvider = "custom-token"
	keyProvider   = "api-key"
)

// Config says who may come in. The zero value lets nobody in.
type Config struct {
	App string // the client app id, which tokens name as audience and under which keys are kept

	// Token is the custom-token provider; nil when it is not enabled.
	Token *Token
	// Keys holds the API keys of the app. Without it no key is known.
	Keys KeyStore
	// APIKeys enables the api-key provider.
	APIKeys bool

	// AttemptsPerMinute is how many attempts of one address may fail before it is told to slow down. 0 means 10, a
	// negative number any.
	AttemptsPerMinute int
	// Logger gets a line when keys cannot be fetched. Nil discards it.
	Logger *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Authenticator finds the users that credentials belong to. It is safe for concurrent use.
type Authenticator struct {
	app      string
	verifier *verifier // nil when tokens are not accepted
	keys     *keyCache // nil when there are none
	apiKeys  bool
	attempts *attempts
	now      func() time.Time
	stop     context.CancelFunc
}

// New prepares the providers. With a key set from a URL it is fetched once, for at most five seconds; that it cannot be
// reached is not an error. The caller closes the Authenticator.
func New(ctx context.Context, c Config) (*Authenticator, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.AttemptsPerMinute == 0 {
		c.AttemptsPerMinute = 10
	}
	a := &Authenticator{app: c.App, apiKeys: c.APIKeys, attempts: newAttempts(c.AttemptsPerMinute, c.Now), now: c.Now}
	// Fetching goes on in the background after ctx, which is that of the start, has ended.
	ctx, a.stop = context.WithCancel(context.WithoutCancel(ctx))
	if c.Keys != nil {
		a.keys = newKeyCache(c.Keys, c.App, c.Now)
	}
	if c.Token != nil {
		v, err := newVerifier(ctx, c)
		if err != nil {
			a.stop()
			return nil, err
		}
		a.verifier = v
	}
	return a, nil
}

// Close stops fetching keys.
func (a *Authenticator) Close() { a.stop() }

// Authenticate returns the user that the credentials belong to, or one of the errors of this package.
//
// Good credentials are never held up by the failures of others behind the same address: a key has 256 random bits and a
// token a signature, so that the limit does not protect them from being guessed. It bounds work and noise.
func (a *Authenticator) Authenticate(ctx context.Context, c Credentials) (*rules.User, error) {
	user, err := a.find(ctx, c)
	if errors.Is(err, ErrFailed) && !a.attempts.allow(c.RemoteAddress) {
		return nil, &failure{kind: ErrTooMany, reason: err.Error()}
	}
	return user, err
}

func (a *Authenticator) find(ctx context.Context, c Credentials) (*rules.User, error) {
	switch c.Kind {
	case Bearer, JWT:
		return a.byToken(ctx, c.Secret)
	case APIKey:
		return a.byKey(ctx, c.Secret)
	case EmailPassword:
		return nil, failed("the provider local-userpass is not built yet")
	}
	return nil, failed("no credentials")
}

func (a *Authenticator) byToken(ctx context.Context, text string) (*rules.User, error) {
	if a.verifier == nil {
		return nil, failed("the provider custom-token is not enabled")
	}
	subject, data, err := a.verifier.verify(ctx, text)
	if err != nil {
		return nil, err
	}
	// A subject is chosen by whoever issues tokens. It must not become the user of a key.
	if a.keys != nil {
		taken, err := a.keys.taken(ctx, subject)
		if err != nil {
			return nil, unavailable("the store of API keys", err)
		}
		if taken {
			return nil, failed("the subject is the id of an API key")
		}
	}
	return newUser(subject, rules.NormalUser, tokenProvider, data), nil
}

func (a *Authenticator) byKey(ctx context.Context, text string) (*rules.User, error) {
	if !a.apiKeys || a.keys == nil {
		return nil, failed("the provider api-key is not enabled")
	}
	id, secret, ok := splitKey(text)
	if !ok {
		return nil, failed("this is no API key")
	}
	key, err := a.keys.find(ctx, id)
	known := !errors.Is(err, ErrNoKey)
	if known && err != nil {
		return nil, unavailable("the store of API keys", err)
	}
	// An unknown key has a hash that no secret has, so that it takes as long as a known one.
	switch opens := key.opens(secret); {
	case !known:
		return nil, failed("unknown API key")
	case !opens:
		return nil, failed("wrong secret of an API key")
	case !key.Revoked.IsZero():
		return nil, failed("the API key is revoked")
	}
	data, start := bsonval.BeginDocument(nil)
	data = bsonval.AppendElement(data, "name", bsonval.FromString(key.Name))
	return newUser(key.ID, rules.ServerUser, keyProvider, bsonval.EndDocument(data, start)), nil
}

func newUser(id string, t rules.UserType, provider string, data bson.Raw) *rules.User {
	return &rules.User{
		ID: id, Type: t, Data: data,
		Identities: []rules.Identity{{ID: id, ProviderType: provider, Data: data}},
	}
}

// keyLife is how long a key is remembered. A key that another process revokes works that much longer.
const keyLife = 5 * time.Second

// maxRemembered bounds the memory of a cache. It is emptied when it is full.
const maxRemembered = 10_000

// keyCache remembers for a short time which keys exist.
type keyCache struct {
	store KeyStore
	app   string
	now   func() time.Time

	mu   sync.Mutex
	seen map[string]seenKey // :: key id → what was found
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
	c.mu.Unlock()
	asked := c.now()
	if !ok || asked.Sub(s.at) >= keyLife {
		key, err := c.store.Find(ctx, c.app, id)
		if err != nil && !errors.Is(err, ErrNoKey) {
			return Key{}, err
		}
		s = seenKey{key: key, known: err == nil, at: asked}
		c.remember(id, s)
	}
	if !s.known {
		return Key{}, ErrNoKey
	}
	return s.key, nil
}

func (c *keyCache) remember(id string, s seenKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
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
