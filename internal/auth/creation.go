package auth

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/rules"
)

// welcome calls the function of the app for a user who is about to be made. If it fails there is no user.
func (a *Authenticator) welcome(ctx context.Context, u *User) error {
	if a.cfg.CreationFunction == "" {
		return nil
	}
	_, err := a.call(ctx, a.cfg.CreationFunction, userArgument(u.subject(nil)))
	if err == nil || isOurs(err) {
		return err
	}
	return failed("the function that is called for new users failed")
}

// userArgument is a user as functions get it. A new one has no custom data.
func userArgument(u *rules.User) bson.RawValue {
	doc, start := bsonval.BeginDocument(nil)
	for it := bsonval.NewIter(u.Document()); it.Next(); {
		doc = append(doc, it.Element()...)
	}
	doc = bsonval.AppendElement(doc, "custom_data", bsonval.FromDocument(bsonval.Empty()))
	return bsonval.FromDocument(bsonval.EndDocument(doc, start))
}

// once makes a user who is known by a login, if that is not done already: of several who come with the same credentials at
// a moment one makes it, and the others wait. Only processes beside this one could do it at the same time, and the store
// lets one of them.
func (a *Authenticator) once(provider, login string, create func() (User, error)) (User, error) {
	made, err, _ := a.making.Do(provider+"\x00"+login, func() (any, error) { return create() })
	user, _ := made.(User)
	return user, err
}

// createSubject stores the user of a subject that somebody vouches for. With the provider custom-token its id is the
// subject, as it is before the user is stored.
func (a *Authenticator) createSubject(ctx context.Context, provider, subject string, data bson.Raw) (User, error) {
	return a.once(provider, subject, func() (User, error) {
		user, err := a.cfg.Users.FindLogin(ctx, a.cfg.App, provider, subject)
		if errors.Is(err, ErrNoUser) {
			user, err = a.newSubject(ctx, provider, subject, data)
		}
		switch {
		case isOurs(err):
			return User{}, err
		case err != nil:
			return User{}, unavailable("the store of users", err)
		}
		return user, user.usable()
	})
}

func (a *Authenticator) newSubject(ctx context.Context, provider, subject string, data bson.Raw) (User, error) {
	id := ""
	if provider == tokenProvider {
		if err := a.free(ctx, subject); err != nil {
			return User{}, err
		}
		id = subject
	}
	user := NewUser(User{
		ID: id, App: a.cfg.App, Data: data, Created: a.cfg.Now(),
		Identities: []Identity{{ID: subject, Provider: provider, Login: subject}},
	})
	if err := a.welcome(ctx, &user); err != nil {
		return User{}, err
	}
	err := a.cfg.Users.Create(ctx, user)
	a.users.forget()
	if errors.Is(err, ErrUserExists) { // another process was quicker
		user, err = a.cfg.Users.FindLogin(ctx, a.cfg.App, provider, subject)
		if errors.Is(err, ErrNoUser) {
			return User{}, failed("the subject is the id of another user")
		}
	}
	return user, err
}
