package auth

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/rules"
)

// creationsPerMinute is how many accounts one address may make without credentials.
const creationsPerMinute = 30

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

// loginByPassword is byPassword for a login: from then on the user is nobody else's to take over.
func (a *Authenticator) loginByPassword(ctx context.Context, email, password, address string) (User, error) {
	user, err := a.byPassword(ctx, email, password, address)
	if err != nil || !user.Fresh {
		return user, err
	}
	switch err := a.cfg.Users.Change(ctx, a.cfg.App, user.ID, UserChange{Used: true}); {
	case errors.Is(err, ErrNoUser):
		return User{}, failed("the user has just been taken over")
	case err != nil:
		return User{}, unavailable("the store of users", err)
	}
	return user, nil
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
	giveBack, ok := a.attempts.try("login " + login)
	if !ok {
		return User{}, &failure{kind: ErrTooMany, reason: "too many failed logins of one account"}
	}
	forAddress, ok := a.attempts.try("login from " + networkOf(address))
	if !ok {
		giveBack()
		return User{}, &failure{kind: ErrTooMany, reason: "too many failed logins from one address"}
	}
	user, err := a.cfg.Users.FindLogin(ctx, a.cfg.App, PasswordProvider, login)
	if err != nil && !errors.Is(err, ErrNoUser) {
		giveBack()
		forAddress()
		return User{}, unavailable("the store of users", err)
	}
	if errors.Is(err, ErrNoUser) { // as many questions as for a known address
		if _, err := a.cfg.Users.Find(ctx, a.cfg.App, ""); err != nil && !errors.Is(err, ErrNoUser) {
			return User{}, unavailable("the store of users", err)
		}
	}
	stored := dummyHash
	if err == nil && user.Password != "" {
		stored = user.Password
	}
	right := false
	if err := a.hasher.run(ctx, func() { right = matches(password, stored) }); err != nil {
		giveBack()
		forAddress()
		return User{}, err
	}
	if !right {
		return User{}, failed("wrong e-mail address or password")
	}
	giveBack()
	forAddress()
	return user, user.usable()
}

// Register makes an account for an address, which is confirmed by that.
func (a *Authenticator) Register(ctx context.Context, email, password, address string) error {
	switch {
	case !a.cfg.Passwords || a.users == nil:
		return &failure{kind: ErrNoProvider, reason: PasswordProvider}
	case !a.cfg.Register:
		return &failure{kind: ErrNotBuilt, reason: "addresses are not confirmed automatically, and no other way is available"}
	}
	if err := CheckEmail(email); err != nil {
		return err
	}
	if err := CheckPassword(password); err != nil {
		return err
	}
	if !a.creation.allow(address) {
		return &failure{kind: ErrTooMany, reason: "too many new accounts"}
	}
	var hash string
	if err := a.hasher.run(ctx, func() { hash = HashPassword(password) }); err != nil {
		return err
	}
	user := NewPasswordUser(a.cfg.App, email, hash, a.cfg.Now())
	user.Fresh = true
	err := a.cfg.Users.Create(ctx, user)
	if errors.Is(err, ErrUserExists) {
		return err
	}
	if err != nil {
		return unavailable("the store of users", err)
	}
	return nil
}

// NewPasswordUser is a user who logs in with an e-mail address. Without a hash nobody can, until a password is set.
func NewPasswordUser(app, email, hash string, created time.Time) User {
	data, _ := bson.Marshal(bson.D{{Key: "email", Value: email}}) // a string always marshals
	return NewUser(User{
		App: app, Data: data, Password: hash, Created: created, Identities: []Identity{PasswordIdentity(email, created)},
	})
}

// ResetPassword sets a password with a token that the operator has made for the user.
func (a *Authenticator) ResetPassword(ctx context.Context, user, token, password, address string) error {
	if !a.cfg.Passwords || a.users == nil {
		return &failure{kind: ErrNoProvider, reason: PasswordProvider}
	}
	if err := CheckPassword(password); err != nil {
		return err
	}
	used := &failure{kind: ErrUsedToken, reason: "no such reset token"}
	now := a.cfg.Now()
	found, err := a.cfg.Users.Find(ctx, a.cfg.App, user)
	switch {
	case errors.Is(err, ErrNoUser) || err == nil && !found.Reset.opens(token, now):
		if !a.attempts.allow(address) {
			return &failure{kind: ErrTooMany, reason: used.reason}
		}
		return used
	case err != nil:
		return unavailable("the store of users", err)
	}
	var hash string
	if err := a.hasher.run(ctx, func() { hash = HashPassword(password) }); err != nil {
		return err
	}
	err = a.cfg.Users.Change(ctx, a.cfg.App, user, UserChange{Password: hash, Revoke: true, Uses: &Ticket{Hash: found.Reset.Hash, Expires: now}})
	a.users.forget()
	switch {
	case errors.Is(err, ErrNoUser):
		return used
	case err != nil:
		return unavailable("the store of users", err)
	}
	return nil
}
