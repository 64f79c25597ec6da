package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/internal/mongostore"
	"github.com/rolegate/rolegate/internal/server"
	"github.com/rolegate/rolegate/internal/userfile"
)

// userCmd keeps the users of an app. Servers notice within the time that they remember users, which is 5 s.
type userCmd struct {
	Create        createUserCmd    `cmd:"" help:"Create a user who logs in with an e-mail address, and print a token to set the password with."`
	Import        importUsersCmd   `cmd:"" help:"Import users of App Services or Firebase with their ids, one JSON object on each line."`
	List          listUsersCmd     `cmd:"" help:"List the users."`
	Confirm       confirmUserCmd   `cmd:"" help:"Take the address of a user for confirmed."`
	Disable       disableUserCmd   `cmd:"" help:"Keep a user out until enabled again."`
	Enable        enableUserCmd    `cmd:"" help:"Let a disabled user in again."`
	Revoke        revokeUserCmd    `cmd:"" help:"End all sessions of a user."`
	Delete        deleteUserCmd    `cmd:"" help:"Delete a user, for good. The id stays taken."`
	ResetPassword resetPasswordCmd `cmd:"" help:"Print a token to set a new password with. The old one works until then."`
}

// userFlags say where the users are and of which app.
type userFlags struct{ storeFlags }

// use calls f with the store and the app id.
func (c *userFlags) use(ctx context.Context, s streams, f func(users auth.UserStore, app string) error) error {
	warn := func(e server.Exported) string {
		if e.Passwords {
			return ""
		}
		return "this app does not enable the provider local-userpass: passwords open nothing until it does"
	}
	return c.open(ctx, s, warn, func(store *mongostore.Store, app string) error { return f(store.Users(), app) })
}

// resetLine is what is printed of a user who has to set a password. TokenID and Token are what the client API wants.
type resetLine struct {
	ID      string `json:"_id"`
	Email   string `json:"email"`
	TokenID string `json:"tokenId"`
	Token   string `json:"token"`
}

func (s streams) printReset(u auth.User, token string) error {
	email := ""
	for _, i := range u.Identities {
		if i.Provider == auth.PasswordProvider {
			email = i.Login
		}
	}
	return json.NewEncoder(s.out).Encode(resetLine{ID: u.ID, Email: email, TokenID: u.ID, Token: token})
}

type createUserCmd struct {
	userFlags
	Email string `arg:"" help:"What the user logs in with."`
}

// Run prints the id and the token as JSON.
func (c *createUserCmd) Run(ctx context.Context, s streams) error {
	if err := auth.CheckEmail(c.Email); err != nil {
		return err
	}
	return c.use(ctx, s, func(users auth.UserStore, app string) error {
		now := time.Now()
		u := auth.NewPasswordUser(app, c.Email, "", now)
		reset, token := auth.NewReset(now)
		u.Reset = &reset
		if err := users.Create(ctx, u); err != nil {
			return err
		}
		return s.printReset(u, token)
	})
}

type importUsersCmd struct {
	userFlags
	File string `arg:"" help:"The users."`
}

// Run imports nothing if a line has a mistake. Users that exist stay as they are, so that it can be repeated.
func (c *importUsersCmd) Run(ctx context.Context, s streams) (err error) {
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return c.use(ctx, s, func(users auth.UserStore, app string) error {
		now := time.Now()
		list, err := userfile.Read(f, app, now)
		if err != nil {
			return err
		}
		created := 0
		for _, u := range list {
			token := ""
			if needsPassword(u) {
				var reset auth.Ticket
				reset, token = auth.NewReset(now)
				u.Reset = &reset
			}
			err := users.Create(ctx, u)
			if errors.Is(err, auth.ErrUserExists) {
				fmt.Fprintf(s.err, "rolegate: %s is left out: a user with this id or login exists\n", u.ID)
				continue
			}
			if err != nil {
				return err
			}
			created++
			if token == "" {
				continue
			}
			if err := s.printReset(u, token); err != nil {
				return err
			}
		}
		_, err = fmt.Fprintf(s.err, "%d of %d users imported\n", created, len(list))
		return err
	})
}

// needsPassword tells whether a user logs in with a password and has none.
func needsPassword(u auth.User) bool {
	for _, i := range u.Identities {
		if i.Provider == auth.PasswordProvider && u.Password == "" {
			return true
		}
	}
	return false
}

type listUsersCmd struct {
	userFlags
}

// Run prints a table, oldest first.
func (c *listUsersCmd) Run(ctx context.Context, s streams) error {
	return c.use(ctx, s, func(users auth.UserStore, app string) error {
		w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tPROVIDER\tLOGIN\tCREATED\tSTATE")
		err := users.List(ctx, app, func(u auth.User) error {
			state := "-"
			switch {
			case u.Disabled:
				state = "disabled"
			case u.Pending:
				state = "pending"
			}
			first := auth.Identity{Provider: "-"}
			if len(u.Identities) > 0 {
				first = u.Identities[0]
			}
			_, err := fmt.Fprintf(w, "%s\t%s\t%q\t%s\t%s\n", u.ID, first.Provider, first.Login, u.Created.UTC().Format(time.RFC3339), state)
			return err
		})
		return errors.Join(err, w.Flush())
	})
}

// oneUser names the user of a command.
type oneUser struct {
	userFlags
	ID string `arg:"" help:"Id of the user, as list prints it."`
}

// change changes the user and says so.
func (c *oneUser) change(ctx context.Context, s streams, ch auth.UserChange, done string) error {
	return c.use(ctx, s, func(users auth.UserStore, app string) error {
		if err := users.Change(ctx, app, c.ID, ch); err != nil {
			return err
		}
		_, err := fmt.Fprintln(s.err, done)
		return err
	})
}

type confirmUserCmd struct{ oneUser }

// Run confirms an address.
func (c *confirmUserCmd) Run(ctx context.Context, s streams) error {
	return c.change(ctx, s, auth.UserChange{Confirmed: true}, "confirmed")
}

type disableUserCmd struct{ oneUser }

// Run keeps a user out.
func (c *disableUserCmd) Run(ctx context.Context, s streams) error {
	off := true
	return c.change(ctx, s, auth.UserChange{Disabled: &off}, "disabled")
}

type enableUserCmd struct{ oneUser }

// Run lets a user in again.
func (c *enableUserCmd) Run(ctx context.Context, s streams) error {
	off := false
	return c.change(ctx, s, auth.UserChange{Disabled: &off}, "enabled")
}

type revokeUserCmd struct{ oneUser }

// Run ends all sessions of a user.
func (c *revokeUserCmd) Run(ctx context.Context, s streams) error {
	return c.change(ctx, s, auth.UserChange{Revoke: true}, "revoked")
}

type deleteUserCmd struct{ oneUser }

// Run deletes a user.
func (c *deleteUserCmd) Run(ctx context.Context, s streams) error {
	return c.use(ctx, s, func(users auth.UserStore, app string) error {
		if err := users.Delete(ctx, app, c.ID, time.Now().UTC().Truncate(time.Millisecond)); err != nil {
			return err
		}
		_, err := fmt.Fprintln(s.err, "deleted")
		return err
	})
}

type resetPasswordCmd struct{ oneUser }

// Run prints the token as JSON.
func (c *resetPasswordCmd) Run(ctx context.Context, s streams) error {
	return c.use(ctx, s, func(users auth.UserStore, app string) error {
		u, err := users.Find(ctx, app, c.ID)
		if err != nil {
			return err
		}
		reset, token := auth.NewReset(time.Now())
		if err := users.Change(ctx, app, c.ID, auth.UserChange{Reset: &reset}); err != nil {
			return err
		}
		return s.printReset(u, token)
	})
}
