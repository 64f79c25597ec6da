package mongostore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/proxy"
)

const (
	userCollection = "rolegate_users"
	// loginCollection says whose a login is. A collection of its own, because only the _id is unique on every server.
	loginCollection = "rolegate_logins"
)

// Users is an auth.UserStore in the store database.
type Users struct{ own }

var _ auth.UserStore = (*Users)(nil)

// Users returns the store of users and sessions. It fails on every call if the Store was opened without StoreURI.
func (s *Store) Users() *Users { return &Users{own{source: s.own, database: s.storeDatabase}} }

type userRecord struct {
	ID         userID           `bson:"_id"`
	App        string           `bson:"app"`
	Identities []identityRecord `bson:"identities"`
	Data       bson.Raw         `bson:"data,omitempty"`
	Password   string           `bson:"password,omitempty"`
	Reset      *ticketRecord    `bson:"reset,omitempty"`
	Pending    bool             `bson:"pending,omitempty"`
	Confirm    *ticketRecord    `bson:"confirm,omitempty"`
	Anonymous  bool             `bson:"anonymous"`
	Fresh      bool             `bson:"fresh,omitempty"`
	Disabled   bool             `bson:"disabled"`
	Deleted    time.Time        `bson:"deleted,omitempty"`
	Revoked    int64            `bson:"revoked"`
	Created    time.Time        `bson:"created"`
	Seen       time.Time        `bson:"seen,omitempty"`
}

type userID struct {
	App  string `bson:"app"`
	User string `bson:"user"`
}

type identityRecord struct {
	ID       string `bson:"id"`
	Provider string `bson:"provider_type"`
	Login    string `bson:"login,omitempty"`
}

type ticketRecord struct {
	Hash    []byte    `bson:"hash"`
	Expires time.Time `bson:"expires"`
}

func recordOf(t *auth.Ticket) *ticketRecord {
	if t == nil {
		return nil
	}
	return &ticketRecord{t.Hash[:], t.Expires}
}

func (r *ticketRecord) ticket() (*auth.Ticket, error) {
	if r == nil {
		return nil, nil
	}
	t := &auth.Ticket{Expires: r.Expires.UTC()}
	if copy(t.Hash[:], r.Hash) != len(t.Hash) {
		return nil, errors.New("a stored ticket has no hash")
	}
	return t, nil
}

type loginRecord struct {
	ID   loginID `bson:"_id"`
	App  string  `bson:"app"`
	User string  `bson:"user"`
}

type loginID struct {
	App      string `bson:"app"`
	Provider string `bson:"provider"`
	Login    string `bson:"login"`
}

// Create implements auth.UserStore. The user comes first: without a login it is nobody's, while a login without its user
// would keep an address from being used.
func (u *Users) Create(ctx context.Context, user auth.User) error {
	r := userRecord{
		ID: userID{user.App, user.ID}, App: user.App, Identities: []identityRecord{}, Data: user.Data, Password: user.Password,
		Reset: recordOf(user.Reset), Pending: user.Pending, Confirm: recordOf(user.Confirm), Anonymous: user.Anonymous, Fresh: user.Fresh, Disabled: user.Disabled, Revoked: user.Revoked, Created: user.Created, Seen: user.Seen,
	}
	for _, i := range user.Identities {
		r.Identities = append(r.Identities, identityRecord(i))
	}
	if _, err := u.write(ctx, userCollection, insertForm, r); err != nil {
		return exists(err)
	}
	for n, i := range user.Identities {
		err := u.claim(ctx, user.App, user.ID, i)
		if err == nil {
			continue
		}
		for _, claimed := range user.Identities[:n] {
			err = errors.Join(err, u.release(ctx, user.App, user.ID, claimed))
		}
		return errors.Join(err, u.remove(ctx, userCollection, bson.D{{Key: "_id", Value: r.ID}}))
	}
	return nil
}

// claim makes a login that of a user.
func (u *Users) claim(ctx context.Context, app, user string, i auth.Identity) error {
	if i.Login == "" {
		return nil
	}
	_, err := u.write(ctx, loginCollection, insertForm, loginRecord{loginID{app, i.Provider, i.Login}, app, user})
	return exists(err)
}

// release makes a login of a user that of nobody.
func (u *Users) release(ctx context.Context, app, user string, i auth.Identity) error {
	if i.Login == "" {
		return nil
	}
	return u.remove(ctx, loginCollection, bson.D{
		{Key: "_id", Value: loginID{app, i.Provider, i.Login}}, {Key: "user", Value: user},
	})
}

func exists(err error) error {
	if errors.Is(err, proxy.ErrDuplicateKey) {
		return auth.ErrUserExists
	}
	return err
}

// Find implements auth.UserStore.
func (u *Users) Find(ctx context.Context, app, id string) (auth.User, error) {
	found, known := auth.User{}, false
	err := u.users(ctx, bson.D{{Key: "_id", Value: userID{app, id}}}, func(user auth.User) error {
		found, known = user, true
		return nil
	})
	if err == nil && !known {
		err = auth.ErrNoUser
	}
	return found, err
}

// FindLogin implements auth.UserStore.
func (u *Users) FindLogin(ctx context.Context, app, provider, login string) (auth.User, error) {
	id, known := "", false
	filter := bson.D{{Key: "_id", Value: loginID{app, provider, login}}}
	err := u.find(ctx, loginCollection, filter, func(raw bson.Raw) error {
		var r loginRecord
		if err := bson.Unmarshal(raw, &r); err != nil {
			return fmt.Errorf("a stored login cannot be read: %w", err)
		}
		id, known = r.User, true
		return nil
	})
	if err != nil {
		return auth.User{}, err
	}
	if !known {
		return auth.User{}, auth.ErrNoUser
	}
	return u.Find(ctx, app, id)
}

// List implements auth.UserStore.
func (u *Users) List(ctx context.Context, app string, f func(auth.User) error) error {
	return u.users(ctx, bson.D{{Key: "app", Value: app}, missing("deleted")}, f)
}

// missing is the condition that a field does not exist.
func missing(field string) bson.E {
	return bson.E{Key: field, Value: bson.D{{Key: "$exists", Value: false}}}
}

// Change implements auth.UserStore.
func (u *Users) Change(ctx context.Context, app, id string, c auth.UserChange) error {
	filter := bson.D{{Key: "_id", Value: userID{app, id}}, missing("deleted")}
	filter = append(append(filter, uses("reset", c.UsesReset)...), uses("confirm", c.UsesConfirm)...)
	var set, unset, change bson.D
	if c.Data != nil {
		set = append(set, bson.E{Key: "data", Value: c.Data})
	}
	if c.Password != "" {
		set = append(set, bson.E{Key: "password", Value: c.Password})
	}
	if c.Disabled != nil {
		set = append(set, bson.E{Key: "disabled", Value: *c.Disabled})
	}
	if c.Used {
		set = append(set, bson.E{Key: "fresh", Value: false})
	}
	if !c.Seen.IsZero() {
		set = append(set, bson.E{Key: "seen", Value: c.Seen})
	}
	switch {
	case c.Reset != nil:
		set = append(set, bson.E{Key: "reset", Value: recordOf(c.Reset)})
	case c.Password != "":
		unset = append(unset, bson.E{Key: "reset", Value: ""})
	}
	switch {
	case c.Confirmed:
		unset = append(unset, bson.E{Key: "pending", Value: ""}, bson.E{Key: "confirm", Value: ""})
	case c.Confirm != nil:
		set = append(set, bson.E{Key: "confirm", Value: recordOf(c.Confirm)})
	}
	if len(unset) > 0 {
		change = append(change, bson.E{Key: "$unset", Value: unset})
	}
	if len(set) > 0 {
		change = append(change, bson.E{Key: "$set", Value: set})
	}
	if c.Revoke {
		change = append(change, bson.E{Key: "$inc", Value: bson.D{{Key: "revoked", Value: int64(1)}}})
	}
	if len(change) == 0 {
		return nil
	}
	n, err := u.update(ctx, userCollection, filter, change)
	if err == nil && n == 0 {
		return auth.ErrNoUser
	}
	return err
}

// uses are the conditions that a user has a ticket which is still good at a time.
func uses(field string, t *auth.Ticket) bson.D {
	if t == nil {
		return nil
	}
	return bson.D{
		{Key: field + ".hash", Value: t.Hash[:]}, {Key: field + ".expires", Value: bson.D{{Key: "$gt", Value: t.Expires}}},
	}
}

// Link implements auth.UserStore. The login comes first: what it opens without the identity is the same user.
func (u *Users) Link(ctx context.Context, app, id string, i auth.Identity) error {
	if err := u.claim(ctx, app, id, i); err != nil {
		return err
	}
	n, err := u.update(ctx, userCollection, bson.D{{Key: "_id", Value: userID{app, id}}, missing("deleted")}, bson.D{
		{Key: "$push", Value: bson.D{{Key: "identities", Value: identityRecord(i)}}},
		{Key: "$set", Value: bson.D{{Key: "anonymous", Value: false}}},
	})
	if err == nil && n == 0 {
		return errors.Join(auth.ErrNoUser, u.release(ctx, app, id, i))
	}
	return err
}

// Adopt implements auth.UserStore. Wherever it is cut off, the login belongs to one of the two, and both exist.
func (u *Users) Adopt(ctx context.Context, app, id string, fresh auth.User) error {
	_, err := u.Find(ctx, app, id)
	if err != nil {
		return err
	}
	from := userID{app, fresh.ID}
	n, err := u.update(ctx, userCollection, bson.D{{Key: "_id", Value: from}, {Key: "fresh", Value: true}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "fresh", Value: false}}}})
	if err == nil && n == 0 {
		err = auth.ErrUserExists
	}
	for _, i := range fresh.Identities {
		if err != nil {
			return err
		}
		_, err = u.update(ctx, loginCollection,
			bson.D{{Key: "_id", Value: loginID{app, i.Provider, i.Login}}, {Key: "user", Value: fresh.ID}},
			bson.D{{Key: "$set", Value: bson.D{{Key: "user", Value: id}}}})
		if err == nil {
			n, err = u.update(ctx, userCollection, bson.D{{Key: "_id", Value: userID{app, id}}, missing("deleted")}, bson.D{
				{Key: "$push", Value: bson.D{{Key: "identities", Value: identityRecord(i)}}},
				{Key: "$set", Value: bson.D{{Key: "anonymous", Value: false}, {Key: "password", Value: fresh.Password}}},
			})
		}
		if err == nil && n == 0 {
			err = auth.ErrNoUser
		}
	}
	if err != nil {
		return err
	}
	return u.remove(ctx, userCollection, bson.D{{Key: "_id", Value: from}})
}

// Delete implements auth.UserStore.
func (u *Users) Delete(ctx context.Context, app, id string, at time.Time) error {
	user, err := u.Find(ctx, app, id)
	if err != nil {
		return err
	}
	if !user.Deleted.IsZero() {
		return auth.ErrNoUser
	}
	_, err = u.update(ctx, userCollection, bson.D{{Key: "_id", Value: userID{app, id}}}, bson.D{
		{Key: "$set", Value: bson.D{{Key: "deleted", Value: at}}},
		{Key: "$unset", Value: bson.D{{Key: "data", Value: ""}, {Key: "password", Value: ""}, {Key: "reset", Value: ""}, {Key: "confirm", Value: ""}}},
	})
	if err != nil {
		return err
	}
	for _, i := range user.Identities {
		// Somebody else vouches for these: who comes with one again is still the user that was deleted.
		if i.Provider != auth.PasswordProvider {
			continue
		}
		if err := u.release(ctx, app, id, i); err != nil {
			return err
		}
	}
	return u.remove(ctx, sessionCollection, bson.D{{Key: "app", Value: app}, {Key: "user", Value: id}})
}

func (u *Users) users(ctx context.Context, filter bson.D, f func(auth.User) error) error {
	return u.find(ctx, userCollection, filter, func(raw bson.Raw) error {
		var r userRecord
		if err := bson.Unmarshal(raw, &r); err != nil {
			return fmt.Errorf("a stored user cannot be read: %w", err)
		}
		user := auth.User{
			ID: r.ID.User, App: r.ID.App, Data: r.Data, Password: r.Password, Pending: r.Pending, Anonymous: r.Anonymous, Fresh: r.Fresh,
			Disabled: r.Disabled, Revoked: r.Revoked, Created: r.Created.UTC(), Deleted: utc(r.Deleted), Seen: utc(r.Seen),
		}
		for _, i := range r.Identities {
			user.Identities = append(user.Identities, auth.Identity(i))
		}
		var err, errConfirm error
		user.Reset, err = r.Reset.ticket()
		user.Confirm, errConfirm = r.Confirm.ticket()
		if err := errors.Join(err, errConfirm); err != nil {
			return err
		}
		return f(user)
	})
}

// utc keeps the zero time what it is.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}
