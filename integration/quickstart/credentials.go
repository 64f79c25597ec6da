package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/internal/mongostore"
	"github.com/rolegate/rolegate/internal/policytest"
)

// credentials are what each user sends: a token, or the API key of a back end. They are real: the server checks them.
func (e *example) credentials(ctx context.Context, uri, base string) (map[string]string, error) {
	out := map[string]string{}
	for _, name := range e.names() {
		u := e.c.Users[name]
		var err error
		switch u.Provider {
		case "custom-token":
			out[name] = e.token(u)
		case auth.AnonymousProvider:
			out[name], err = e.anonymous(ctx, base)
		case "api-key":
			out[name], err = e.key(ctx, uri, u)
		default:
			err = fmt.Errorf("the quickstart cannot log in with the provider %s", u.Provider)
		}
		if err != nil {
			return nil, fmt.Errorf("user %s: %w", name, err)
		}
	}
	return out, nil
}

// key makes an API key with the id that the user has.
func (e *example) key(ctx context.Context, uri string, u *policytest.User) (text string, err error) {
	store, err := mongostore.Open(ctx, mongostore.Config{StoreURI: uri})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, store.Close(ctx)) }()
	key, text := auth.NewKey(auth.Key{ID: u.ID, App: e.rules.AppID(), Name: u.Name, Created: time.Now()})
	return text, store.Keys().Insert(ctx, key)
}

// anonymous makes a user without a name, whose id the server chooses.
func (e *example) anonymous(ctx context.Context, base string) (string, error) {
	url := fmt.Sprintf("%s/api/client/v2.0/app/%s/auth/providers/anon-user/login", base, e.rules.AppID())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }() // it has been read
	var session struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&session); err != nil || session.Token == "" {
		return "", fmt.Errorf("the login was answered %s", res.Status)
	}
	return session.Token, nil
}
