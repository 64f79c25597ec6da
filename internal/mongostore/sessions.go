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
	sessionCollection  = "rolegate_sessions"
	tokenKeyCollection = "rolegate_token_keys" //nolint:gosec // the name of a collection
)

type sessionRecord struct {
	ID      sessionID `bson:"_id"`
	App     string    `bson:"app"`
	User    string    `bson:"user"`
	Key     string    `bson:"key,omitempty"`
	Created time.Time `bson:"created"`
	Expires time.Time `bson:"expires"`
}

type sessionID struct {
	App  string `bson:"app"`
	Hash string `bson:"hash"`
}

// StartSession implements auth.UserStore.
func (u *Users) StartSession(ctx context.Context, s auth.Session) error {
	_, err := u.write(ctx, sessionCollection, insertForm,
		sessionRecord{sessionID{s.App, s.Hash}, s.App, s.User, s.Key, s.Created, s.Expires})
	return err
}

// FindSession implements auth.UserStore.
func (u *Users) FindSession(ctx context.Context, app, hash string) (auth.Session, error) {
	found, known := auth.Session{}, false
	filter := bson.D{{Key: "_id", Value: sessionID{app, hash}}}
	err := u.find(ctx, sessionCollection, filter, func(raw bson.Raw) error {
		var r sessionRecord
		if err := bson.Unmarshal(raw, &r); err != nil {
			return fmt.Errorf("a stored session cannot be read: %w", err)
		}
		found = auth.Session{
			App: r.ID.App, Hash: r.ID.Hash, User: r.User, Key: r.Key, Created: r.Created.UTC(), Expires: r.Expires.UTC(),
		}
		known = true
		return nil
	})
	if err == nil && !known {
		err = auth.ErrNoSession
	}
	return found, err
}

// EndSession implements auth.UserStore.
func (u *Users) EndSession(ctx context.Context, app, hash string) error {
	return u.remove(ctx, sessionCollection, bson.D{{Key: "_id", Value: sessionID{app, hash}}})
}

type tokenKeyRecord struct {
	App string `bson:"_id"`
	Key []byte `bson:"key"`
}

// TokenKey implements auth.UserStore. Of several that come at once, one wins and all read its key.
func (u *Users) TokenKey(ctx context.Context, app string, candidate []byte) ([]byte, error) {
	for range 2 {
		var key []byte
		err := u.find(ctx, tokenKeyCollection, bson.D{{Key: "_id", Value: app}}, func(raw bson.Raw) error {
			var r tokenKeyRecord
			err := bson.Unmarshal(raw, &r)
			key = r.Key
			return err
		})
		if err != nil || key != nil {
			return key, err
		}
		_, err = u.write(ctx, tokenKeyCollection, insertForm, tokenKeyRecord{app, candidate})
		if err != nil && !errors.Is(err, proxy.ErrDuplicateKey) {
			return nil, err
		}
	}
	return nil, errors.New("the key that signs tokens was not stored")
}

// Sweep implements auth.UserStore. Anonymous users go altogether: nobody can come back as one of them.
func (u *Users) Sweep(ctx context.Context, app string, now, idle time.Time) error {
	err := u.remove(ctx, sessionCollection, bson.D{
		{Key: "app", Value: app}, {Key: "expires", Value: bson.D{{Key: "$lt", Value: now}}},
	})
	if err != nil {
		return err
	}
	forgotten := bson.D{
		{Key: "app", Value: app}, {Key: "anonymous", Value: true}, {Key: "seen", Value: bson.D{{Key: "$lt", Value: idle}}},
	}
	var ids []string
	err = u.users(ctx, forgotten, func(user auth.User) error {
		ids = append(ids, user.ID)
		return nil
	})
	for _, id := range ids {
		// The user first, if it has not come back meanwhile: a session without one opens nothing.
		one := append(bson.D{{Key: "_id", Value: userID{app, id}}}, forgotten...)
		if err == nil {
			err = u.remove(ctx, userCollection, one)
		}
		if _, stays := u.Find(ctx, app, id); err == nil && errors.Is(stays, auth.ErrNoUser) {
			err = u.remove(ctx, sessionCollection, bson.D{{Key: "app", Value: app}, {Key: "user", Value: id}})
		}
	}
	return err
}
