package auth

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/echo"
)

// ResetPassword sets a password with the token of a ticket, whoever made it.
func (a *Authenticator) ResetPassword(ctx context.Context, user, token, password, address string) error {
	if !a.cfg.Passwords || a.users == nil {
		return noPasswords()
	}
	if err := CheckPassword(password); err != nil {
		return err
	}
	uses, err := a.ticketOf(ctx, user, token, address, func(u *User) *Ticket { return u.Reset })
	if err != nil {
		return err
	}
	var hash string
	if err := a.hashing.run(ctx, func() { hash = HashPassword(password) }); err != nil {
		return err
	}
	err = a.cfg.Users.Change(ctx, a.cfg.App, user, UserChange{Password: hash, Revoke: true, UsesReset: uses})
	a.users.forget()
	return usedOr(err)
}

// CallReset asks the function of the app whether an account shall have a new password. The function is asked about
// addresses that nobody has, too, and all that is done for an account is done for them: who asks learns what the function
// says.
func (a *Authenticator) CallReset(ctx context.Context, email, password string, args []bson.RawValue, address string) error {
	switch {
	case !a.cfg.Passwords || a.users == nil:
		return noPasswords()
	case a.cfg.ResetFunction == "":
		return &failure{kind: ErrNotBuilt, reason: "no function resets passwords"}
	}
	if err := CheckEmail(email); err != nil {
		return err
	}
	if err := CheckPassword(password); err != nil {
		return err
	}
	login := EmailLogin(email)
	if err := a.mayAsk(login, address); err != nil {
		return err
	}
	giveBack, err := a.guess(login, address) // the function may tell whether the password is the one that the account has
	if err != nil {
		return err
	}
	user, right, err := a.compare(ctx, login, password)
	if err != nil || right {
		giveBack()
	}
	if err != nil {
		return err
	}
	l := a.write(user, login)
	about := l.argument(bson.E{Key: "password", Value: password}, bson.E{Key: "currentPasswordValid", Value: right})
	switch v, err := a.judge(ctx, a.cfg.ResetFunction, append([]bson.RawValue{about}, args...)...); {
	case err != nil:
		return err
	case v == granted:
		var hash string
		if err := a.hashing.run(ctx, func() { hash = HashPassword(password) }); err != nil {
			return err
		}
		return a.change(ctx, user.ID, UserChange{Password: hash, Revoke: true})
	case v == awaited:
		return a.change(ctx, user.ID, UserChange{Reset: &l.ticket})
	}
	return &failure{kind: ErrInvalid, reason: `failed to reset password for user "` + echo.Name(login) + `"`}
}

// SendReset has a token sent to an address, to set a new password with.
func (a *Authenticator) SendReset(email, address string) error {
	switch {
	case !a.cfg.Passwords || a.users == nil:
		return noPasswords()
	case a.cfg.ResetFunction != "":
		return &failure{kind: ErrInvalid, reason: "please use reset password via function"}
	}
	return a.send(resetMail, email, address)
}
