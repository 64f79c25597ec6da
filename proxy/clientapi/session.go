package clientapi

import (
	"errors"
	"net/http"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/peer"
)

// location says where the server is. Libraries send everything else there.
func location(x *exchange) error {
	base := x.s.PublicURL
	if base == "" {
		base = "http://" + x.r.Host
		if x.r.TLS != nil {
			base = "https://" + x.r.Host
		}
	}
	return x.answer(http.StatusOK, bson.D{
		{Key: "deployment_model", Value: "LOCAL"},
		{Key: "location", Value: "US-VA"},
		{Key: "hostname", Value: base},
		{Key: "ws_hostname", Value: "ws" + strings.TrimPrefix(base, "http")},
	})
}

// credentialKeys says what the body of a login has, by provider. Whatever is not listed is not enabled.
var credentialKeys = map[string][]string{
	auth.AnonymousProvider: nil,
	auth.PasswordProvider:  {"username", "password"},
	"api-key":              {"key"},
	"custom-token":         {"token"},
	"oauth2-google":        {"id_token"},
	"oauth2-apple":         {"id_token"},
	auth.FunctionProvider:  nil, // whatever the function understands
}

func login(x *exchange) error {
	l, err := x.credentials(x.vars["provider"])
	if err != nil {
		return err
	}
	t, err := x.open(l)
	if err != nil {
		return err
	}
	return x.answer(http.StatusOK, bson.D{
		{Key: "access_token", Value: t.Access},
		{Key: "refresh_token", Value: t.Refresh},
		{Key: "user_id", Value: t.User},
		{Key: "device_id", Value: auth.NoDevice},
	})
}

// credentials reads what a provider wants.
func (x *exchange) credentials(provider string) (auth.Login, error) {
	l := auth.Login{Provider: provider, RemoteAddress: peer.Address(x.r)}
	keys, known := credentialKeys[provider]
	if !known {
		return l, auth.ErrNoProvider
	}
	doc, err := x.body()
	if err != nil {
		return l, err
	}
	if provider == auth.FunctionProvider {
		l.Payload = without(doc, "options") // which libraries add
		return l, nil
	}
	values, err := texts(doc, keys...)
	if f, ok := errors.AsType[*failure](err); ok && f.code == codeMissing && strings.HasPrefix(provider, "oauth2-") {
		return l, auth.ErrNoProvider // an authorization code, which is not accepted
	}
	if err != nil {
		return l, err
	}
	switch len(values) {
	case 1:
		l.Secret = values[0]
	case 2:
		l.Email, l.Secret = values[0], values[1]
	}
	return l, nil
}

// without is a document less one field.
func without(doc bson.Raw, name string) bson.Raw {
	out, start := bsonval.BeginDocument(nil)
	for it := bsonval.NewIter(doc); it.Next(); {
		if string(it.Key()) != name {
			out = append(out, it.Element()...)
		}
	}
	return bsonval.EndDocument(out, start)
}

// open opens a session, for the user of an access token if it links identities.
func (x *exchange) open(l auth.Login) (auth.Tokens, error) {
	ctx := x.r.Context()
	if x.r.URL.Query().Get("link") != "true" {
		t, err := x.s.Accounts.Login(ctx, l)
		return t, loginFailure(l.Provider, err)
	}
	if l.Provider == auth.AnonymousProvider || l.Provider == "api-key" {
		return auth.Tokens{}, &failure{status: http.StatusBadRequest, code: codeBadRequest, text: "this provider cannot be linked", reason: "invalid"}
	}
	// A session that is over is for the library to refresh, credentials that are refused are not.
	if _, err := x.s.Accounts.Holder(ctx, x.bearer()); err != nil {
		return auth.Tokens{}, err
	}
	t, err := x.s.Accounts.Link(ctx, x.bearer(), l)
	return t, loginFailure(l.Provider, err)
}

func refresh(x *exchange) error {
	access, err := x.s.Accounts.Refresh(x.r.Context(), x.bearer())
	if err != nil {
		return err
	}
	return x.answer(http.StatusCreated, bson.D{{Key: "access_token", Value: access}})
}

func logout(x *exchange) error { return x.done(x.s.Accounts.Logout(x.r.Context(), x.bearer())) }

func profile(x *exchange) error {
	user, err := x.s.Accounts.Holder(x.r.Context(), x.bearer())
	if err != nil {
		return err
	}
	x.user = user.ID
	identities := bson.A{}
	for _, i := range user.Identities {
		identities = append(identities, bson.D{{Key: "id", Value: i.ID}, {Key: "provider_type", Value: i.ProviderType}})
	}
	data := user.Data
	if data == nil {
		data = bsonval.Empty()
	}
	return x.answer(http.StatusOK, bson.D{
		{Key: "user_id", Value: user.ID},
		{Key: "domain_id", Value: x.s.Accounts.Domain()},
		{Key: "identities", Value: identities},
		{Key: "data", Value: data},
		{Key: "type", Value: string(user.Type)},
	})
}

func deleteUser(x *exchange) error {
	return x.done(x.s.Accounts.DeleteUser(x.r.Context(), x.bearer()))
}
