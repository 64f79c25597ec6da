package auth

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/sync/singleflight"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/rules"
)

// Unknown says what becomes of a good token of an identity that the store of users does not know.
type Unknown uint8

// What may become of it.
const (
	UnknownPasses  Unknown = iota // its subject is the id of the user, and nothing is written
	UnknownCreated                // the user is created, with its subject as id
	UnknownRefused                // it is that of nobody
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
	// Users holds the users of the app and their sessions. Without it there are none.
	Users UserStore
	// Passwords enables the provider local-userpass.
	Passwords bool
	// AutoConfirm takes every address for confirmed. Otherwise ConfirmFunction decides, or else Webhook is told of a
	// token. With none of the three nobody can register.
	AutoConfirm     bool
	ConfirmFunction string // its name; empty is none
	// ResetFunction decides about a new password; without one, Webhook is told of a token. With neither only an operator
	// lets somebody set one.
	ResetFunction string
	// Webhook is told of tokens that somebody shall get; nil is none.
	Webhook *Webhook
	// LoginFunction enables the provider custom-function; empty is none.
	LoginFunction string
	// CreationFunction is asked about every new user; empty is none.
	CreationFunction string
	// Call calls a function of the app as the system. Nil calls none: what a function has to decide is refused.
	Call func(ctx context.Context, name string, args ...bson.RawValue) (bson.RawValue, error)
	// OpenID are the providers whose id tokens are accepted at login.
	OpenID []OpenID
	// Anonymous enables the provider anon-user.
	Anonymous bool
	// Unknown says what becomes of a good token whose identity Users does not know.
	Unknown Unknown

	// CustomData finds what an access token tells its client about the user. Rules never see that. Nil finds nothing.
	CustomData func(ctx context.Context, user string) (bson.Raw, error)

	// TokenKey signs the tokens of sessions. Without it the store makes and keeps one.
	TokenKey []byte
	// RefreshLife is how long a session lives; 0 means 60 days.
	RefreshLife time.Duration
	// UserLife is how long a user that was found is remembered: what another process revokes works that much longer.
	UserLife time.Duration

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
	cfg      Config
	verifier *verifier // nil when tokens are not accepted
	openIDs  map[string]*verifier
	keys     *keyCache  // nil when there are none
	users    *userCache // nil when there are none
	signer   *signer    // nil without users
	hashing  *turns
	calling  *turns
	attempts *attempts // credentials that were wrong
	guesses  *attempts // of passwords; apart, so that the others leave room
	creation *attempts // accounts made without credentials, and questions about one, by address
	asked    *attempts // questions about one account
	making   singleflight.Group
	outbox   chan message
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
	if c.RefreshLife == 0 {
		c.RefreshLife = 60 * 24 * time.Hour
	}
	a := &Authenticator{
		cfg: c, hashing: newTurns(), calling: newTurns(), outbox: make(chan message, maxOutbox),
		attempts: newAttempts(c.AttemptsPerMinute, c.Now), guesses: newAttempts(c.AttemptsPerMinute, c.Now),
		creation: newAttempts(creationsPerMinute, c.Now), asked: newAttempts(questionsPerMinute, c.Now),
	}
	if c.Webhook != nil {
		if err := c.Webhook.check(); err != nil {
			return nil, err
		}
	}
	// Fetching goes on in the background after ctx, which is that of the start, has ended.
	ctx, a.stop = context.WithCancel(context.WithoutCancel(ctx))
	if c.Keys != nil {
		a.keys = newKeyCache(c)
	}
	if c.Users != nil {
		a.users, a.signer = newUserCache(c), newSigner(c)
	}
	var err error
	if a.openIDs, err = openIDs(ctx, c); err != nil {
		a.stop()
		return nil, err
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
	if err != nil {
		return nil, a.counted(err, c.RemoteAddress)
	}
	return user, nil
}

// counted counts credentials that are those of nobody, and tells an address that has sent too many to slow down.
func (a *Authenticator) counted(err error, address string) error {
	if errors.Is(err, ErrFailed) && !a.attempts.allow(address) {
		return &failure{kind: ErrTooMany, reason: err.Error()}
	}
	return err
}

func (a *Authenticator) find(ctx context.Context, c Credentials) (*rules.User, error) {
	switch c.Kind {
	case Bearer:
		return a.byBearer(ctx, c)
	case JWT:
		return a.byToken(ctx, c)
	case APIKey:
		_, user, err := a.byKey(ctx, c.Secret)
		return user, err
	case EmailPassword:
		user, err := a.loginByPassword(ctx, c.Email, c.Secret, c.RemoteAddress)
		if err != nil {
			return nil, err
		}
		return user.subject(nil), nil
	}
	return nil, failed("no credentials")
}

// byBearer finds the user of an access token of ours, or else of a token of somebody else.
func (a *Authenticator) byBearer(ctx context.Context, c Credentials) (*rules.User, error) {
	if a.signer != nil {
		if t, ours, err := a.signer.read(ctx, c.Secret); ours || err != nil {
			if err != nil {
				return nil, err
			}
			return a.byAccess(ctx, t)
		}
	}
	return a.byToken(ctx, c)
}

func (a *Authenticator) byToken(ctx context.Context, c Credentials) (*rules.User, error) {
	if a.verifier == nil {
		return nil, failed("the provider custom-token is not enabled")
	}
	subject, data, err := a.verifier.verify(ctx, c.Secret)
	if err != nil {
		return nil, err
	}
	if a.users == nil {
		if err := a.free(ctx, subject); err != nil {
			return nil, err
		}
		return newUser(subject, rules.NormalUser, tokenProvider, data), nil
	}
	user, err := a.users.login(ctx, tokenProvider, subject)
	if err == nil && user.usable() != nil { // good news may be old, bad news not
		user, err = a.cfg.Users.FindLogin(ctx, a.cfg.App, tokenProvider, subject)
	}
	switch {
	case errors.Is(err, ErrNoUser):
		return a.unknownSubject(ctx, subject, data, a.unknown(c))
	case err != nil:
		return nil, unavailable("the store of users", err)
	}
	return user.subject(data), user.usable()
}

// unknown says what becomes of a good token of an unknown identity.
func (a *Authenticator) unknown(c Credentials) Unknown {
	switch {
	case c.CreateUser == nil:
		return a.cfg.Unknown
	case *c.CreateUser:
		return UnknownCreated
	}
	return UnknownRefused
}

// unknownSubject deals with a good token whose identity the store does not know.
func (a *Authenticator) unknownSubject(ctx context.Context, subject string, data bson.Raw, unknown Unknown) (*rules.User, error) {
	if unknown == UnknownRefused {
		return nil, failed("the store knows no such identity, and none is created")
	}
	if unknown == UnknownCreated {
		user, err := a.createSubject(ctx, tokenProvider, subject, data)
		if err != nil {
			return nil, err
		}
		return user.subject(data), nil
	}
	if err := a.free(ctx, subject); err != nil {
		return nil, err
	}
	return newUser(subject, rules.NormalUser, tokenProvider, data), nil
}

// free tells that no user has an id. A subject is chosen by whoever issues tokens: it must not become somebody else. Ids
// have other spellings, see CanonicalID.
func (a *Authenticator) free(ctx context.Context, id string) error {
	if a.keys != nil {
		taken, err := a.keys.taken(ctx, id)
		if err != nil {
			return unavailable("the store of API keys", err)
		}
		if taken {
			return failed("the subject is the id of an API key")
		}
	}
	if a.users == nil {
		return nil
	}
	ids := []string{id}
	if canonical := CanonicalID(id); canonical != id {
		ids = append(ids, canonical)
	}
	for _, id := range ids {
		switch _, err := a.users.find(ctx, id); {
		case err == nil:
			return failed("the subject is the id of another user")
		case !errors.Is(err, ErrNoUser):
			return unavailable("the store of users", err)
		}
	}
	return nil
}

// byKey finds the key that a text opens, and its user.
func (a *Authenticator) byKey(ctx context.Context, text string) (Key, *rules.User, error) {
	if !a.cfg.APIKeys || a.keys == nil {
		return Key{}, nil, failed("the provider api-key is not enabled")
	}
	id, secret, ok := splitKey(text)
	if !ok {
		return Key{}, nil, failed("this is no API key")
	}
	key, err := a.keys.find(ctx, id)
	known := !errors.Is(err, ErrNoKey)
	if known && err != nil {
		return Key{}, nil, unavailable("the store of API keys", err)
	}
	// An unknown key has a hash that no secret has, so that it takes as long as a known one.
	switch right := opens(key.Hash, secret); {
	case !known:
		return Key{}, nil, failed("unknown API key")
	case !right:
		return Key{}, nil, failed("wrong secret of an API key")
	}
	user, err := a.keyUser(ctx, key)
	return key, user, err
}

// keyUser is who a key stands for: its owner, or a user of its own.
func (a *Authenticator) keyUser(ctx context.Context, key Key) (*rules.User, error) {
	switch {
	case !key.Revoked.IsZero():
		return nil, failed("the API key is revoked")
	case key.Disabled:
		return nil, failed("the API key is disabled")
	case key.User != "":
		user, err := a.existing(ctx, key.User)
		if err != nil {
			return nil, err
		}
		return user.subject(nil), nil
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
