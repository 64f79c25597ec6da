package auth

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/peer"
	"github.com/rolegate/rolegate/rules"
)

// What may be done without credentials, in a minute.
const (
	creationsPerMinute = 30 // accounts made and questions asked from one address
	questionsPerMinute = 3  // asked about one account: each may send a mail
)

// usable tells whether a user may do anything now.
func (u *User) usable() error {
	switch {
	case !u.Deleted.IsZero():
		return failed("the user is deleted")
	case u.Disabled:
		return &failure{kind: ErrDisabled, reason: "by an operator"}
	}
	return nil
}

// subject is the user as rules see them. Data that a token brings takes the place of what is stored.
func (u *User) subject(data bson.Raw) *rules.User {
	if data == nil {
		data = u.Data
	}
	out := &rules.User{ID: u.ID, Type: rules.NormalUser, Data: data}
	for _, i := range u.Identities {
		out.Identities = append(out.Identities, rules.Identity{ID: i.ID, ProviderType: i.Provider, Data: data})
	}
	return out
}

// existing returns a user that is usable, or an error of this package.
func (a *Authenticator) existing(ctx context.Context, id string) (User, error) {
	return a.checked(ctx, id, (*User).usable)
}

// checked returns a user for whom check has nothing to say. Good news may be as old as the cache; bad news is asked for
// again, so that a client whose session has just been renewed is not sent to renew it once more.
func (a *Authenticator) checked(ctx context.Context, id string, check func(*User) error) (User, error) {
	if a.users == nil {
		return User{}, failed("there is no store of users")
	}
	user, err := a.users.find(ctx, id)
	if err == nil && check(&user) == nil {
		return user, nil
	}
	if err != nil && !errors.Is(err, ErrNoUser) {
		return User{}, unavailable("the store of users", err)
	}
	return a.stored(ctx, id, check)
}

// loginByPassword is byPassword for a login: from then on the user is nobody else's to take over. It is now that the
// account becomes a user.
func (a *Authenticator) loginByPassword(ctx context.Context, email, password, address string) (User, error) {
	user, err := a.byPassword(ctx, email, password, address)
	if err != nil || !user.Fresh {
		return user, err
	}
	return a.once(PasswordProvider, user.ID, func() (User, error) {
		user, err := a.stored(ctx, user.ID, (*User).usable)
		if err != nil || !user.Fresh {
			return user, err
		}
		if err := a.welcome(ctx, &user); err != nil {
			return User{}, err
		}
		switch err := a.cfg.Users.Change(ctx, a.cfg.App, user.ID, UserChange{Used: true}); {
		case errors.Is(err, ErrNoUser):
			return User{}, failed("the user has just been taken over")
		case err != nil:
			return User{}, unavailable("the store of users", err)
		}
		return user, nil
	})
}

// byPassword finds the user of an address and a password. Whether the address is known does not show in the time it
// takes.
func (a *Authenticator) byPassword(ctx context.Context, email, password, address string) (User, error) {
	if !a.cfg.Passwords || a.users == nil {
		return User{}, failed("the provider local-userpass is not enabled")
	}
	if CheckEmail(email) != nil || CheckPassword(password) != nil {
		return User{}, failed("neither an address nor a password that anybody has")
	}
	login := EmailLogin(email)
	giveBack, err := a.guess(login, address)
	if err != nil {
		return User{}, err
	}
	user, right, err := a.compare(ctx, login, password)
	switch {
	case err != nil:
		giveBack()
		return User{}, err
	case !right:
		return User{}, failed("wrong e-mail address or password")
	}
	giveBack()
	if user.Pending {
		return User{}, &failure{kind: ErrUnconfirmed, reason: "the password is right"}
	}
	return user, user.usable()
}

// guess takes one attempt at the password of an account in advance. It is given back if it was no guess.
func (a *Authenticator) guess(login, address string) (giveBack func(), err error) {
	ofAddress, err := a.guessFrom(address) // first: it must not be remembered by all the names that it sends
	if err != nil {
		return nil, err
	}
	ofAccount, ok := a.guesses.try("login " + login)
	if !ok {
		ofAddress()
		return nil, &failure{kind: ErrTooMany, reason: "too many failed logins of one account"}
	}
	return func() {
		ofAccount()
		ofAddress()
	}, nil
}

// guessFrom takes one attempt of an address in advance, for what may be guessed.
func (a *Authenticator) guessFrom(address string) (giveBack func(), err error) {
	giveBack, ok := a.guesses.try("login from " + peer.Network(address))
	if !ok {
		return nil, &failure{kind: ErrTooMany, reason: "too many failed logins from one address"}
	}
	return giveBack, nil
}

// compare finds the account of a login and tells whether a password is right. It does as much for an unknown one. The store
// is asked in the same turn, so that a flood does not reach it either.
func (a *Authenticator) compare(ctx context.Context, login, password string) (user User, right bool, err error) {
	full := a.hashing.run(ctx, func() {
		if user, err = a.account(ctx, login); err != nil {
			return
		}
		stored := user.Password
		if stored == "" {
			stored = dummyHash
		}
		right = matches(password, stored)
	})
	if err == nil {
		err = full
	}
	return user, right, err
}

// account finds the user of an address, or the zero User, after as many questions to the store.
func (a *Authenticator) account(ctx context.Context, login string) (User, error) {
	user, err := a.cfg.Users.FindLogin(ctx, a.cfg.App, PasswordProvider, login)
	if errors.Is(err, ErrNoUser) {
		_, err = a.cfg.Users.Find(ctx, a.cfg.App, "")
	}
	if err != nil && !errors.Is(err, ErrNoUser) {
		return User{}, unavailable("the store of users", err)
	}
	return user, nil
}

// NewPasswordUser is a user who logs in with an e-mail address. Without a hash nobody can, until a password is set.
func NewPasswordUser(app, email, hash string, created time.Time) User {
	data, _ := bson.Marshal(bson.D{{Key: "email", Value: email}}) // a string always marshals
	return NewUser(User{
		App: app, Data: data, Password: hash, Created: created, Identities: []Identity{PasswordIdentity(email, created)},
	})
}
