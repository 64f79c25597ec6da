package auth

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/rolegate/rolegate/rules"
)

const (
	maxUserKeys = 20
	maxKeyName  = 64
)

// owner is the user of a refresh token, if it may have keys: anonymous users and keys themselves may not.
func (a *Authenticator) owner(ctx context.Context, refresh string) (string, error) {
	t, user, err := a.session(ctx, refresh)
	switch {
	case err != nil:
		return "", err
	case a.keys == nil || !a.cfg.APIKeys:
		return "", &failure{kind: ErrNoProvider, reason: keyProvider}
	case user.Type == rules.ServerUser || t.key != "":
		return "", &failure{kind: ErrInvalid, reason: "a session of an API key has no API keys"}
	case isAnonymous(user):
		return "", &failure{kind: ErrInvalid, reason: "an anonymous user has no API keys"}
	}
	return user.ID, nil
}

// CreateKey makes an API key of the user of a refresh token, and its text, which is shown once.
func (a *Authenticator) CreateKey(ctx context.Context, refresh, name string) (Key, string, error) {
	user, err := a.owner(ctx, refresh)
	if err != nil {
		return Key{}, "", err
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
	if name == "" || len(name) > maxKeyName || strings.Trim(name, letters) != "" {
		return Key{}, "", &failure{kind: ErrInvalid, reason: "the name of a key has ASCII letters, digits, _ and -"}
	}
	list, err := a.list(ctx, user)
	if err != nil {
		return Key{}, "", err
	}
	if len(list) >= maxUserKeys {
		return Key{}, "", ErrTooManyKeys
	}
	for _, k := range list {
		if k.Name == name {
			return Key{}, "", ErrKeyExists
		}
	}
	key, text := NewKey(Key{App: a.cfg.App, User: user, Name: name, Created: a.cfg.Now()})
	if err := a.cfg.Keys.Insert(ctx, key); err != nil {
		return Key{}, "", unavailable("the store of API keys", err)
	}
	return key, text, nil
}

// ListKeys returns the API keys of the user of a refresh token, oldest first.
func (a *Authenticator) ListKeys(ctx context.Context, refresh string) ([]Key, error) {
	user, err := a.owner(ctx, refresh)
	if err != nil {
		return nil, err
	}
	return a.list(ctx, user)
}

// list returns the keys of a user that are not revoked.
func (a *Authenticator) list(ctx context.Context, user string) ([]Key, error) {
	all, err := a.cfg.Keys.List(ctx, a.cfg.App, user)
	if err != nil {
		return nil, unavailable("the store of API keys", err)
	}
	keys := []Key{}
	for _, k := range all {
		if k.Revoked.IsZero() {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// FindKey returns an API key of the user of a refresh token, or ErrNoKey.
func (a *Authenticator) FindKey(ctx context.Context, refresh, id string) (Key, error) {
	user, err := a.owner(ctx, refresh)
	if err != nil {
		return Key{}, err
	}
	key, err := a.cfg.Keys.Find(ctx, a.cfg.App, id)
	switch {
	case errors.Is(err, ErrNoKey) || err == nil && (key.User != user || !key.Revoked.IsZero()):
		return Key{}, ErrNoKey
	case err != nil:
		return Key{}, unavailable("the store of API keys", err)
	}
	return key, nil
}

// DisableKey switches an API key of the user of a refresh token off, or on again.
func (a *Authenticator) DisableKey(ctx context.Context, refresh, id string, disabled bool) error {
	return a.changeKey(ctx, refresh, id, func() error { return a.cfg.Keys.Disable(ctx, a.cfg.App, id, disabled) })
}

// DeleteKey makes an API key of the user of a refresh token useless, for good.
func (a *Authenticator) DeleteKey(ctx context.Context, refresh, id string) error {
	now := a.cfg.Now().UTC().Truncate(time.Millisecond)
	return a.changeKey(ctx, refresh, id, func() error { return a.cfg.Keys.Revoke(ctx, a.cfg.App, id, now) })
}

func (a *Authenticator) changeKey(ctx context.Context, refresh, id string, change func() error) error {
	if _, err := a.FindKey(ctx, refresh, id); err != nil {
		return err
	}
	err := change()
	a.keys.forget()
	if err != nil {
		return unavailable("the store of API keys", err)
	}
	return nil
}
