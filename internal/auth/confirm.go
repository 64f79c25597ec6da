package auth

import (
	"context"
	"errors"

	"github.com/rolegate/rolegate/internal/echo"
)

// noPasswords is the answer where the provider is off.
func noPasswords() error { return &failure{kind: ErrNoProvider, reason: PasswordProvider} }

// Register makes an account for an address. It opens something once the address is confirmed.
func (a *Authenticator) Register(ctx context.Context, email, password, address string) error {
	switch {
	case !a.cfg.Passwords || a.users == nil:
		return noPasswords()
	case !a.cfg.AutoConfirm && a.cfg.ConfirmFunction == "" && a.cfg.Webhook == nil:
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
	if err := a.hashing.run(ctx, func() { hash = HashPassword(password) }); err != nil {
		return err
	}
	user := NewPasswordUser(a.cfg.App, email, hash, a.cfg.Now())
	user.Fresh, user.Pending = true, !a.cfg.AutoConfirm
	byFunction := user.Pending && a.cfg.ConfirmFunction != ""
	if byFunction {
		if err := a.confirmNew(ctx, &user, EmailLogin(email)); err != nil {
			return err
		}
	}
	err := a.cfg.Users.Create(ctx, user)
	if errors.Is(err, ErrUserExists) {
		return err
	}
	if err != nil {
		return unavailable("the store of users", err)
	}
	if user.Pending && !byFunction {
		a.post(message{confirmMail, EmailLogin(email)})
	}
	return nil
}

// confirmNew asks the function of the app about an address, before there is an account. It is not asked about one that
// exists already.
func (a *Authenticator) confirmNew(ctx context.Context, user *User, login string) error {
	other, err := a.account(ctx, login)
	switch {
	case err != nil:
		return err
	case other.ID != "":
		return ErrUserExists
	}
	l := a.write(*user, login)
	switch v, err := a.judge(ctx, a.cfg.ConfirmFunction, l.argument()); {
	case err != nil:
		return err
	case v == granted:
		user.Pending = false
	case v == awaited:
		user.Confirm = &l.ticket
	default:
		return notConfirmed(login)
	}
	return nil
}

func notConfirmed(login string) error {
	return &failure{kind: ErrInvalid, reason: `failed to confirm user "` + echo.Name(login) + `"`}
}

// Confirm confirms the address of a user with the token that was sent there.
func (a *Authenticator) Confirm(ctx context.Context, user, token, address string) error {
	if !a.cfg.Passwords || a.users == nil {
		return noPasswords()
	}
	uses, err := a.ticketOf(ctx, user, token, address, func(u *User) *Ticket { return u.Confirm })
	if err != nil {
		return err
	}
	err = a.cfg.Users.Change(ctx, a.cfg.App, user, UserChange{Confirmed: true, UsesConfirm: uses})
	a.users.forget()
	return usedOr(err)
}

// usedOr is the answer to somebody with a ticket: it was used a moment ago if the user does not have it any more.
func usedOr(err error) error {
	switch {
	case errors.Is(err, ErrNoUser):
		return &failure{kind: ErrUsedToken, reason: "the token has just been used"}
	case err != nil:
		return unavailable("the store of users", err)
	}
	return nil
}

// CallConfirmation asks the function of the app once more about an address that is not confirmed. For one that is, or that
// nobody has, the function is asked as well, and nothing comes of it: who asks learns what the function says, and not
// whether there is an account.
func (a *Authenticator) CallConfirmation(ctx context.Context, email, address string) error {
	login := EmailLogin(email)
	switch {
	case !a.cfg.Passwords || a.users == nil:
		return noPasswords()
	case a.cfg.AutoConfirm:
		return &failure{kind: ErrInvalid, reason: "cannot run confirmation for " + echo.Name(login) + ": automatic confirmation is enabled"}
	case a.cfg.ConfirmFunction == "":
		return &failure{kind: ErrNotBuilt, reason: "no function confirms addresses"}
	}
	if err := CheckEmail(email); err != nil {
		return err
	}
	if err := a.mayAsk(login, address); err != nil {
		return err
	}
	user, err := a.account(ctx, login)
	if err != nil {
		return err
	}
	if !user.Pending {
		user = User{}
	}
	l := a.write(user, login)
	switch v, err := a.judge(ctx, a.cfg.ConfirmFunction, l.argument()); {
	case err != nil:
		return err
	case v == granted:
		return a.change(ctx, user.ID, UserChange{Confirmed: true})
	case v == awaited:
		return a.change(ctx, user.ID, UserChange{Confirm: &l.ticket})
	}
	return notConfirmed(login)
}

// SendConfirmation has a token sent to an address that is not confirmed.
func (a *Authenticator) SendConfirmation(email, address string) error {
	login := EmailLogin(email)
	switch {
	case !a.cfg.Passwords || a.users == nil:
		return noPasswords()
	case a.cfg.AutoConfirm:
		return &failure{kind: ErrInvalid, reason: "cannot send a confirmation to " + echo.Name(login) + ": automatic confirmation is enabled"}
	case a.cfg.ConfirmFunction != "":
		return &failure{kind: ErrInvalid, reason: "please confirm via function"}
	}
	return a.send(confirmMail, email, address)
}
