package auth

import (
	"context"
	"errors"

	"github.com/rolegate/rolegate/rules"
)

// Named returns the user with an id that the operator has named, with what the store knows of them. An id that it does not
// know is that of a user of the provider custom-token where such users are not stored.
func (a *Authenticator) Named(ctx context.Context, id string) (*rules.User, error) {
	if id == "" {
		return nil, failed("no user is named")
	}
	spellings := []string{id}
	if canonical := CanonicalID(id); canonical != id {
		spellings = append(spellings, canonical)
	}
	for _, spelling := range spellings {
		user, err := a.known(ctx, spelling)
		if user != nil || err != nil {
			return user, err
		}
	}
	if a.verifier == nil || a.cfg.Unknown != UnknownPasses {
		return nil, failed("no user has the id that is named")
	}
	if a.users != nil { // whose token it would be
		switch _, err := a.users.login(ctx, tokenProvider, id); {
		case err == nil:
			return nil, failed("the subject that is named is that of a user with another id")
		case !errors.Is(err, ErrNoUser):
			return nil, unavailable("the store of users", err)
		}
	}
	return newUser(id, rules.NormalUser, tokenProvider, nil), nil
}

// known returns the user with an id that is stored, or of a server key. Nil is nobody.
func (a *Authenticator) known(ctx context.Context, id string) (*rules.User, error) {
	if a.users != nil {
		switch _, err := a.users.find(ctx, id); {
		case err == nil:
			user, err := a.existing(ctx, id)
			if err != nil {
				return nil, err
			}
			return user.subject(nil), nil
		case !errors.Is(err, ErrNoUser):
			return nil, unavailable("the store of users", err)
		}
	}
	if a.keys == nil {
		return nil, nil
	}
	key, err := a.keys.find(ctx, id)
	switch {
	case errors.Is(err, ErrNoKey):
		return nil, nil
	case err != nil:
		return nil, unavailable("the store of API keys", err)
	case key.User != "":
		return nil, failed("the id that is named is that of a key, not of a user")
	}
	return a.keyUser(ctx, key)
}
