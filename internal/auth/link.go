package auth

import (
	"context"
	"errors"

	"github.com/rolegate/rolegate/rules"
)

// Link gives the identity that credentials belong to to the user of an access token, and opens a session. An identity that is
// another user's stays that, except an address that was just registered and has never been used.
func (a *Authenticator) Link(ctx context.Context, access string, l Login) (Tokens, error) {
	holder, err := a.Holder(ctx, access)
	if err != nil {
		return Tokens{}, err
	}
	if holder.Type == rules.ServerUser {
		return Tokens{}, &failure{kind: ErrInvalid, reason: "the user of an API key cannot be linked"}
	}
	user, err := a.stored(ctx, holder.ID, (*User).usable)
	if err != nil {
		return Tokens{}, err
	}
	if l.Provider == PasswordProvider {
		err = a.linkPassword(ctx, &user, l)
	} else {
		err = a.linkSubject(ctx, &user, l)
	}
	a.users.forget()
	switch {
	case errors.Is(err, ErrUserExists), err != nil && isOurs(err):
		return Tokens{}, a.counted(err, l.RemoteAddress)
	case err != nil:
		return Tokens{}, unavailable("the store of users", err)
	}
	return a.start(ctx, a.opened(user, l.Provider))
}

// isOurs tells an error of this package from one of a store.
func isOurs(err error) bool {
	_, ok := errors.AsType[*failure](err)
	return ok
}

func (a *Authenticator) linkPassword(ctx context.Context, user *User, l Login) error {
	if !a.cfg.Passwords {
		return &failure{kind: ErrNoProvider, reason: l.Provider}
	}
	found, err := a.byPassword(ctx, l.Email, l.Secret, l.RemoteAddress)
	if err != nil || found.ID == user.ID {
		return err
	}
	// A user has one password.
	if _, has := user.identity(PasswordProvider); has || !found.Fresh {
		return ErrUserExists
	}
	if err := a.cfg.Users.Adopt(ctx, a.cfg.App, user.ID, found); err != nil {
		return err
	}
	return a.adopt(ctx, user, found.Identities[0], found.Data)
}

func (a *Authenticator) linkSubject(ctx context.Context, user *User, l Login) error {
	subject, data, err := a.vouch(ctx, l)
	if err != nil {
		return err
	}
	found, err := a.cfg.Users.FindLogin(ctx, a.cfg.App, l.Provider, subject)
	switch {
	case err == nil && found.ID == user.ID:
		return nil
	case err == nil:
		return ErrUserExists
	case !errors.Is(err, ErrNoUser):
		return err
	}
	if l.Provider == tokenProvider && subject != user.ID {
		if err := a.free(ctx, subject); err != nil {
			return err
		}
	}
	i := Identity{ID: subject, Provider: l.Provider, Login: subject}
	if err := a.cfg.Users.Link(ctx, a.cfg.App, user.ID, i); err != nil {
		return err
	}
	return a.adopt(ctx, user, i, data)
}

// adopt notes a new identity. A user without data gets that of the identity.
func (a *Authenticator) adopt(ctx context.Context, user *User, i Identity, data []byte) error {
	user.Identities = append(user.Identities, i)
	if len(user.Data) > emptyDocument || len(data) <= emptyDocument {
		return nil
	}
	user.Data = data
	return a.cfg.Users.Change(ctx, a.cfg.App, user.ID, UserChange{Data: data})
}

// emptyDocument is the length of one.
const emptyDocument = 5
