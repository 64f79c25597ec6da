package auth

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/rules"
)

// unlimited is how long the session of an anonymous user lives: nobody could log in as the same one again. The sweeper
// ends it when it is not used.
const unlimited = 100 * 365 * 24 * time.Hour

// Login is what somebody shows to get a session.
type Login struct {
	Provider string // its type
	// Email and Secret are what the provider wants: a password, a key, or a token. Payload is what a function wants.
	Email, Secret string
	Payload       bson.Raw
	RemoteAddress string
}

// String keeps secrets out of logs and errors.
func (Login) String() string { return "[secret]" }

// GoString does so for %#v.
func (Login) GoString() string { return "[secret]" }

// Tokens are a new session.
type Tokens struct {
	Access, Refresh string
	User            string // id
}

// opened is whom a login has found.
type opened struct {
	id       string
	key      string // the API key that was used, if any
	revoked  int64
	identity Identity
	data     bson.Raw
	life     time.Duration
}

// Login opens a session. What is wrong with the credentials is one of the errors of this package.
func (a *Authenticator) Login(ctx context.Context, l Login) (Tokens, error) {
	if a.users == nil {
		return Tokens{}, &failure{kind: ErrNoProvider, reason: "there is no store of users"}
	}
	who, err := a.open(ctx, l)
	if err != nil {
		return Tokens{}, a.counted(err, l.RemoteAddress)
	}
	return a.start(ctx, who)
}

// start opens a session for somebody.
func (a *Authenticator) start(ctx context.Context, who opened) (Tokens, error) {
	id := make([]byte, 12) // clients know it as an ObjectId
	_, _ = rand.Read(id)   // never fails
	now := a.cfg.Now()
	t := sessionToken{
		kind: refreshType, user: who.id, session: hex.EncodeToString(id), key: who.key, revoked: who.revoked,
		issued: now, expires: now.Add(who.life), identity: who.identity, data: who.data,
	}
	s := Session{
		App: a.cfg.App, Hash: sessionHash(t.session), User: t.user, Key: t.key,
		Created: now.UTC().Truncate(time.Millisecond), Expires: t.expires.UTC().Truncate(time.Millisecond),
	}
	if err := a.cfg.Users.StartSession(ctx, s); err != nil {
		return Tokens{}, unavailable("the store of sessions", err)
	}
	refresh, err := a.signer.sign(ctx, t)
	if err != nil {
		return Tokens{}, err
	}
	access, err := a.access(ctx, t)
	return Tokens{Access: access, Refresh: refresh, User: who.id}, err
}

// access makes an access token of the session of a refresh token.
func (a *Authenticator) access(ctx context.Context, t sessionToken) (string, error) {
	now := a.cfg.Now()
	t.kind, t.issued, t.expires, t.data = accessType, now, now.Add(accessLife), nil
	if a.cfg.CustomData != nil {
		data, err := a.cfg.CustomData(ctx, t.user)
		if err != nil {
			return "", unavailable("the custom data of the user", err)
		}
		t.data = data
	}
	return a.signer.sign(ctx, t)
}

func (a *Authenticator) open(ctx context.Context, l Login) (opened, error) {
	off := &failure{kind: ErrNoProvider, reason: l.Provider}
	switch l.Provider {
	case AnonymousProvider:
		if !a.cfg.Anonymous {
			return opened{}, off
		}
		return a.openAnonymous(ctx, l.RemoteAddress)
	case PasswordProvider:
		if !a.cfg.Passwords {
			return opened{}, off
		}
		user, err := a.loginByPassword(ctx, l.Email, l.Secret, l.RemoteAddress)
		return a.opened(user, PasswordProvider), err
	case keyProvider:
		if !a.cfg.APIKeys {
			return opened{}, off
		}
		return a.openKey(ctx, l.Secret)
	}
	subject, data, err := a.vouch(ctx, l)
	if err != nil {
		return opened{}, err
	}
	return a.openSubject(ctx, l.Provider, subject, data)
}

// vouch finds out who somebody is for a provider that knows its users itself: one of tokens, or a function.
func (a *Authenticator) vouch(ctx context.Context, l Login) (subject string, data bson.Raw, err error) {
	v := a.openIDs[l.Provider]
	switch {
	case l.Provider == FunctionProvider && a.cfg.LoginFunction != "":
		return a.askWho(ctx, l)
	case l.Provider == tokenProvider:
		v = a.verifier
	}
	if v == nil {
		return "", nil, &failure{kind: ErrNoProvider, reason: l.Provider}
	}
	return v.verify(ctx, l.Secret)
}

func (a *Authenticator) opened(u User, provider string) opened {
	identity, _ := u.identity(provider)
	return opened{id: u.ID, revoked: u.Revoked, identity: identity, data: u.Data, life: a.cfg.RefreshLife}
}

// openAnonymous makes a new user: there is nothing to know an old one by.
func (a *Authenticator) openAnonymous(ctx context.Context, address string) (opened, error) {
	if !a.creation.allow(address) {
		return opened{}, &failure{kind: ErrTooMany, reason: "too many new accounts"}
	}
	user := NewUser(User{App: a.cfg.App, Anonymous: true, Created: a.cfg.Now()})
	user.Seen = user.Created
	user.Identities = []Identity{{ID: bson.NewObjectIDFromTimestamp(user.Created).Hex(), Provider: AnonymousProvider}}
	if err := a.welcome(ctx, &user); err != nil {
		return opened{}, err
	}
	if err := a.cfg.Users.Create(ctx, user); err != nil {
		return opened{}, unavailable("the store of users", err)
	}
	who := a.opened(user, AnonymousProvider)
	who.life = unlimited
	return who, nil
}

// openKey opens the session of a key: it ends with the key.
func (a *Authenticator) openKey(ctx context.Context, text string) (opened, error) {
	key, user, err := a.byKey(ctx, text)
	if err != nil {
		return opened{}, err
	}
	who := opened{
		id: user.ID, key: key.ID, identity: Identity{ID: key.ID, Provider: keyProvider}, data: user.Data, life: a.cfg.RefreshLife,
	}
	if key.User != "" {
		owner, err := a.cfg.Users.Find(ctx, a.cfg.App, key.User)
		if err != nil {
			return opened{}, unavailable("the store of users", err)
		}
		who.revoked = owner.Revoked
	}
	return who, nil
}

// openSubject opens the session of a subject that a token vouches for. The first time the user is created, whatever the
// Data API does with tokens; later times keep the data of the last token.
func (a *Authenticator) openSubject(ctx context.Context, provider, subject string, data bson.Raw) (opened, error) {
	user, err := a.cfg.Users.FindLogin(ctx, a.cfg.App, provider, subject)
	switch {
	case errors.Is(err, ErrNoUser):
		user, err = a.createSubject(ctx, provider, subject, data)
		return a.opened(user, provider), err
	case err != nil:
		return opened{}, unavailable("the store of users", err)
	}
	if err := user.usable(); err != nil {
		return opened{}, err
	}
	if data != nil && string(data) != string(user.Data) {
		if err := a.cfg.Users.Change(ctx, a.cfg.App, user.ID, UserChange{Data: data}); err != nil {
			return opened{}, unavailable("the store of users", err)
		}
		user.Data = data
		a.users.forget()
	}
	return a.opened(user, provider), nil
}

// byAccess finds the user of an access token of ours.
func (a *Authenticator) byAccess(ctx context.Context, t sessionToken) (*rules.User, error) {
	if t.kind != accessType {
		return nil, failed("a token of ours that is none for access")
	}
	if !a.cfg.Now().Before(t.expires) {
		return nil, &failure{kind: ErrExpired, reason: "its time is over"}
	}
	return a.holder(ctx, t, a.checked)
}

// holder finds the user that a token of ours belongs to, if it still does.
func (a *Authenticator) holder(
	ctx context.Context, t sessionToken, find func(context.Context, string, func(*User) error) (User, error),
) (*rules.User, error) {
	if t.key != "" {
		if !a.cfg.APIKeys || a.keys == nil {
			return nil, failed("the provider api-key is not enabled")
		}
		key, err := a.keys.find(ctx, t.key)
		switch {
		case errors.Is(err, ErrNoKey):
			return nil, failed("unknown API key")
		case err != nil:
			return nil, unavailable("the store of API keys", err)
		}
		if key.User == "" || !key.Revoked.IsZero() || key.Disabled {
			return a.keyUser(ctx, key)
		}
	}
	user, err := find(ctx, t.user, func(u *User) error {
		if err := u.usable(); err != nil {
			return err
		}
		if u.Revoked != t.revoked {
			return failed("the tokens of the user were revoked")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return user.subject(nil), nil
}

// stored finds a user past the cache.
func (a *Authenticator) stored(ctx context.Context, id string, check func(*User) error) (User, error) {
	user, err := a.cfg.Users.Find(ctx, a.cfg.App, id)
	switch {
	case errors.Is(err, ErrNoUser):
		return User{}, failed("the store knows no such user")
	case err != nil:
		return User{}, unavailable("the store of users", err)
	}
	return user, check(&user)
}

// session reads a refresh token and looks up its session and its user, both in the store.
func (a *Authenticator) session(ctx context.Context, text string) (sessionToken, *rules.User, error) {
	if a.signer == nil {
		return sessionToken{}, nil, ErrNoSession
	}
	t, ours, err := a.signer.read(ctx, text)
	switch {
	case err != nil:
		return t, nil, err
	case !ours:
		return t, nil, ErrNoSession
	case t.kind != refreshType:
		return t, nil, ErrWrongType
	case !a.cfg.Now().Before(t.expires):
		return t, nil, ErrNoSession
	}
	s, err := a.cfg.Users.FindSession(ctx, a.cfg.App, sessionHash(t.session))
	if errors.Is(err, ErrNoSession) || err == nil && (s.User != t.user || s.Key != t.key || !a.cfg.Now().Before(s.Expires)) {
		return t, nil, ErrNoSession
	}
	if err != nil {
		return t, nil, unavailable("the store of sessions", err)
	}
	if t.key != "" && a.keys != nil {
		a.keys.forget()
	}
	user, err := a.holder(ctx, t, a.stored)
	if errors.Is(err, ErrFailed) {
		err = ErrNoSession
	}
	return t, user, err
}

// Refresh makes a new access token.
func (a *Authenticator) Refresh(ctx context.Context, refresh string) (access string, err error) {
	t, user, err := a.session(ctx, refresh)
	if err != nil {
		return "", err
	}
	if isAnonymous(user) {
		if err := a.cfg.Users.Change(ctx, a.cfg.App, user.ID, UserChange{Seen: a.cfg.Now()}); err != nil {
			return "", unavailable("the store of users", err)
		}
	}
	return a.access(ctx, t)
}

// isAnonymous tells whether nothing but an anonymous identity makes a user.
func isAnonymous(u *rules.User) bool {
	return len(u.Identities) == 1 && u.Identities[0].ProviderType == AnonymousProvider
}

// Logout ends a session. Its access tokens live on, as they did in App Services.
func (a *Authenticator) Logout(ctx context.Context, refresh string) error {
	t, _, err := a.session(ctx, refresh)
	if err != nil {
		return err
	}
	if err := a.cfg.Users.EndSession(ctx, a.cfg.App, sessionHash(t.session)); err != nil {
		return unavailable("the store of sessions", err)
	}
	return nil
}

// Holder returns the user of an access token of ours, as Authenticate does.
func (a *Authenticator) Holder(ctx context.Context, access string) (*rules.User, error) {
	if a.signer == nil {
		return nil, failed("there are no sessions")
	}
	t, ours, err := a.signer.read(ctx, access)
	if err != nil {
		return nil, err
	}
	if !ours {
		return nil, failed("not a token of ours")
	}
	return a.byAccess(ctx, t)
}

// Domain stands for the app in what clients are told.
func (a *Authenticator) Domain() string {
	if a.signer == nil {
		return ""
	}
	return a.signer.domain
}

// DeleteUser deletes the user of an access token.
func (a *Authenticator) DeleteUser(ctx context.Context, access string) error {
	user, err := a.Holder(ctx, access)
	if err != nil {
		return err
	}
	if user.Type == rules.ServerUser {
		return &failure{kind: ErrInvalid, reason: "the user of an API key cannot be deleted"}
	}
	err = a.cfg.Users.Delete(ctx, a.cfg.App, user.ID, a.cfg.Now().UTC().Truncate(time.Millisecond))
	a.users.forget()
	if err != nil && !errors.Is(err, ErrNoUser) {
		return unavailable("the store of users", err)
	}
	return nil
}
