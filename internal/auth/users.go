package auth

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// User is a user as the store keeps it.
type User struct {
	ID         string
	App        string // the client app id
	Identities []Identity
	Data       bson.Raw  // what %%user.data expands to; nil is an empty document
	Password   string    // of the identity local-userpass, as [HashPassword] writes it; empty opens nothing
	Reset      *Ticket   // nil unless a new password may be set with a token
	Pending    bool      // the address is not confirmed: the password opens nothing yet
	Confirm    *Ticket   // nil unless the address may be confirmed with a token
	Anonymous  bool      // nothing but an anonymous identity: deleted when it is not seen for long
	Fresh      bool      // registered and never logged in: another user may still take the address over
	Disabled   bool      // for now
	Deleted    time.Time // zero while the user exists. The id of one that is deleted stays taken
	Revoked    int64     // how often all tokens were revoked; those that count less are dead
	Created    time.Time // to the millisecond
	Seen       time.Time // of an anonymous user: the last login or refresh
}

// Identity is one way in which a user can log in.
type Identity struct {
	ID       string // what rules and profiles show
	Provider string // its type
	// Login is what the provider knows the user by, such as an e-mail address or a subject. Of a provider it belongs to
	// one user. Empty for identities that nobody logs in by.
	Login string
}

// UserChange is what changes of a user; zero fields stay as they are.
type UserChange struct {
	Data      bson.Raw
	Password  string // the reset ticket, if any, goes
	Reset     *Ticket
	Confirm   *Ticket
	Confirmed bool // the user is not pending any more; the confirmation ticket, if any, goes
	Disabled  *bool
	Used      bool // the user is not fresh any more
	Revoke    bool // all tokens of the user die
	Seen      time.Time
	// UsesReset and UsesConfirm let the change happen only if the user has this ticket and it is good after the time that
	// stands here for its end.
	UsesReset, UsesConfirm *Ticket
}

// Session is what a refresh token is good for, until it is ended.
type Session struct {
	App     string
	Hash    string // of its id, which only the token has
	User    string
	Key     string // the API key that it was opened with, if any
	Created time.Time
	Expires time.Time
}

// What a UserStore may answer besides errors of its own.
var (
	ErrNoUser     = errors.New("no such user")
	ErrUserExists = errors.New("a user with this id or login exists")
	ErrNoSession  = errors.New("no such session")
)

// UserStore keeps the users of apps, and their sessions. It reads from the primary: what was revoked must not live on in a
// secondary.
type UserStore interface {
	// Create stores a new user, or returns ErrUserExists if its id or one of its logins is taken.
	Create(ctx context.Context, u User) error
	// Find returns a user, deleted or not, or ErrNoUser.
	Find(ctx context.Context, app, id string) (User, error)
	// FindLogin returns the user that a login belongs to, or ErrNoUser.
	FindLogin(ctx context.Context, app, provider, login string) (User, error)
	// List calls f with all users that exist, oldest first.
	List(ctx context.Context, app string, f func(User) error) error
	// Change changes a user that exists, or returns ErrNoUser.
	Change(ctx context.Context, app, id string, c UserChange) error
	// Link gives a user one more identity, or returns ErrUserExists if its login is taken.
	Link(ctx context.Context, app, id string, i Identity) error
	// Adopt gives a user the login and the password of a fresh one, and that one ceases to exist. If it is not fresh any
	// more: ErrUserExists.
	Adopt(ctx context.Context, app, id string, fresh User) error
	// Delete deletes a user, and the sessions. Logins by a provider of others stay known as those of nobody, all
	// others become free.
	Delete(ctx context.Context, app, id string, at time.Time) error

	// StartSession stores a session.
	StartSession(ctx context.Context, s Session) error
	// FindSession returns a session, expired or not, or ErrNoSession.
	FindSession(ctx context.Context, app, hash string) (Session, error)
	// EndSession ends a session, if there is one.
	EndSession(ctx context.Context, app, hash string) error

	// TokenKey returns the key that signs tokens of the app. If there is none it is the given one from now on.
	TokenKey(ctx context.Context, app string, candidate []byte) ([]byte, error)
	// Sweep removes sessions that have expired by now, and anonymous users that were not seen since idle.
	Sweep(ctx context.Context, app string, now, idle time.Time) error
}

// Types of providers, as identities carry them.
const (
	AnonymousProvider = "anon-user"
	PasswordProvider  = "local-userpass"
	FunctionProvider  = "custom-function"
	tokenProvider     = "custom-token"
	keyProvider       = "api-key"
)

// NewUser completes a user of which App and Created are given. An ID that is given is kept.
func NewUser(u User) User {
	u.Created = u.Created.UTC().Truncate(time.Millisecond)
	if u.ID == "" {
		u.ID = bson.NewObjectIDFromTimestamp(u.Created).Hex()
	}
	return u
}

// PasswordIdentity is the identity of somebody who logs in with an e-mail address.
func PasswordIdentity(email string, created time.Time) Identity {
	return Identity{ID: bson.NewObjectIDFromTimestamp(created).Hex(), Provider: PasswordProvider, Login: EmailLogin(email)}
}

// EmailLogin is the form in which addresses are compared: nobody has two accounts that differ in capital letters.
func EmailLogin(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// CanonicalID is the one spelling of an id in which users are stored. Rules may compare ids as ObjectIds or UUIDs, of which
// capital letters are another spelling; all other ids are what they are.
func CanonicalID(id string) string {
	digits := strings.ReplaceAll(id, "-", "")
	if (len(digits) == 24 || len(digits) == 32) && strings.Trim(digits, "0123456789abcdefABCDEF") == "" {
		return strings.ToLower(id)
	}
	return id
}

// identity returns the first identity of a provider.
func (u *User) identity(provider string) (Identity, bool) {
	for _, i := range u.Identities {
		if i.Provider == provider {
			return i, true
		}
	}
	return Identity{}, false
}
