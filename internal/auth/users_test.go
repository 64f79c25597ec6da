package auth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/rules"
)

const password = "correct horse"

var passwordHash = auth.HashPassword(password)

func ann() auth.User { return auth.NewPasswordUser(appID, "ann@x.org", passwordHash, at) }

func logIn(ctx context.Context, a *auth.Authenticator, email, secret string) (auth.Tokens, error) {
	return a.Login(ctx, auth.Login{Provider: auth.PasswordProvider, Email: email, Secret: secret, RemoteAddress: "192.0.2.1"})
}

func mustLogIn(t *testing.T, a *auth.Authenticator) auth.Tokens {
	t.Helper()
	tokens, err := logIn(t.Context(), a, "Ann@x.org", password)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

// TestTokensEnd holds when access and refresh tokens are good.
func TestTokensEnd(t *testing.T) {
	t.Parallel()
	now := newClock()
	store := newUsers(ann())
	a := mustNew(t, auth.Config{Users: store, Passwords: true, Now: now.Now, RefreshLife: time.Hour})
	tokens := mustLogIn(t, a)
	check := func(when string, access, refresh error) {
		t.Helper()
		if _, err := bearer(t.Context(), a, tokens.Access); !errors.Is(err, access) {
			t.Errorf("%s: access = %v, want %v", when, err, access)
		}
		if _, err := a.Refresh(t.Context(), tokens.Refresh); !errors.Is(err, refresh) {
			t.Errorf("%s: refresh = %v, want %v", when, err, refresh)
		}
	}
	check("at once", nil, nil)
	now.pass(30*time.Minute - time.Second)
	check("before 30 minutes", nil, nil)
	now.pass(time.Second)
	check("after 30 minutes", auth.ErrExpired, nil)
	now.pass(30 * time.Minute)
	check("after an hour", auth.ErrExpired, auth.ErrNoSession)
}

// TestTokensOfOthers holds that a token is worth nothing where it was not made.
func TestTokensOfOthers(t *testing.T) {
	t.Parallel()
	store := newUsers(ann())
	shared := []byte(secret)
	a := mustNew(t, auth.Config{Users: store, Passwords: true, TokenKey: shared})
	tokens := mustLogIn(t, a)
	for name, c := range map[string]auth.Config{
		"another app with the same key": {App: "other", Users: store, TokenKey: shared},
		"another key":                   {Users: store, TokenKey: []byte("another key of thirty-two bytes.")},
		"no store":                      {},
	} {
		other := mustNew(t, c)
		if _, err := bearer(t.Context(), other, tokens.Access); !errors.Is(err, auth.ErrFailed) {
			t.Errorf("%s: access = %v, want ErrFailed", name, err)
		}
		if _, err := other.Refresh(t.Context(), tokens.Refresh); err == nil {
			t.Errorf("%s: refreshed", name)
		}
	}
	for i := range len(tokens.Access) {
		broken := []byte(tokens.Access)
		broken[i] ^= 1
		if _, err := bearer(t.Context(), a, string(broken)); err == nil {
			t.Errorf("a token whose byte %d is another one is good", i)
		}
	}
}

// TestOthersRevoke holds how long a process does not notice, and that it notices what it does itself.
func TestOthersRevoke(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		life time.Duration
		want error // at once
	}{{"remembered", 5 * time.Second, nil}, {"every request", 0, auth.ErrFailed}} {
		now := newClock()
		store := newUsers(ann())
		a := mustNew(t, auth.Config{Users: store, Passwords: true, Now: now.Now, UserLife: c.life})
		tokens := mustLogIn(t, a)
		if _, err := bearer(t.Context(), a, tokens.Access); err != nil {
			t.Fatal(err)
		}
		if err := store.Change(t.Context(), appID, tokens.User, auth.UserChange{Revoke: true}); err != nil {
			t.Fatal(err)
		}
		if _, err := bearer(t.Context(), a, tokens.Access); !errors.Is(err, c.want) {
			t.Errorf("%s, at once: %v, want %v", c.name, err, c.want)
		}
		if _, err := a.Refresh(t.Context(), tokens.Refresh); !errors.Is(err, auth.ErrNoSession) {
			t.Errorf("%s, refresh: %v, want ErrNoSession", c.name, err)
		}
		now.pass(5 * time.Second)
		if _, err := bearer(t.Context(), a, tokens.Access); !errors.Is(err, auth.ErrFailed) {
			t.Errorf("%s, later: %v, want ErrFailed", c.name, err)
		}
		again := mustLogIn(t, a)
		if _, err := bearer(t.Context(), a, again.Access); err != nil {
			t.Errorf("%s, logged in again: %v", c.name, err)
		}
		if err := a.DeleteUser(t.Context(), again.Access); err != nil {
			t.Fatal(err)
		}
		if _, err := bearer(t.Context(), a, again.Access); !errors.Is(err, auth.ErrFailed) {
			t.Errorf("%s, deleted: %v, want ErrFailed", c.name, err)
		}
	}
}

// TestPasswordGuesses holds that an account and an address have their tries, and that good logins cost none.
func TestPasswordGuesses(t *testing.T) {
	t.Parallel()
	now := newClock()
	a := mustNew(t, auth.Config{Users: newUsers(ann()), Passwords: true, AttemptsPerMinute: 3, Now: now.Now})
	for range 5 {
		mustLogIn(t, a)
	}
	for range 3 {
		if _, err := a.Authenticate(t.Context(), auth.Credentials{Kind: auth.EmailPassword, Email: "ann@x.org", Secret: "wrong horse", RemoteAddress: "192.0.2.7"}); !errors.Is(err, auth.ErrFailed) {
			t.Fatalf("a guess: %v", err)
		}
	}
	if _, err := logIn(t.Context(), a, "ANN@x.org", password); !errors.Is(err, auth.ErrTooMany) {
		t.Errorf("the right password after three guesses: %v, want ErrTooMany", err)
	}
	now.pass(time.Minute)
	mustLogIn(t, a)
}

// TestSubjects holds whose a good token is.
func TestSubjects(t *testing.T) {
	t.Parallel()
	imported := auth.User{ID: "5f0000000000000000000001", Identities: []auth.Identity{{ID: "ann", Provider: "custom-token", Login: "ann"}}}
	off, gone, taken := imported, imported, auth.User{ID: "ann"}
	off.Disabled, gone.Deleted = true, at
	hexadecimal := auth.User{ID: "5f000000000000000000000a"}
	for _, c := range []struct {
		name    string
		known   []auth.User
		unknown auth.Unknown
		sub, id string
		err     error
		created bool
	}{
		{"nobody", nil, auth.UnknownPasses, "ann", "ann", nil, false},
		{"nobody, refused", nil, auth.UnknownRefused, "ann", "", auth.ErrFailed, false},
		{"nobody, created", nil, auth.UnknownCreated, "ann", "ann", nil, true},
		{"a known identity", []auth.User{imported}, auth.UnknownRefused, "ann", imported.ID, nil, false},
		{"a disabled one", []auth.User{off}, auth.UnknownPasses, "ann", "", auth.ErrDisabled, false},
		{"a deleted one", []auth.User{gone}, auth.UnknownCreated, "ann", "", auth.ErrFailed, false},
		{"the id of another user", []auth.User{taken}, auth.UnknownPasses, "ann", "", auth.ErrFailed, false},
		{"the id of another user, created", []auth.User{taken}, auth.UnknownCreated, "ann", "", auth.ErrFailed, false},
		{"the id in capitals", []auth.User{hexadecimal}, auth.UnknownPasses, "5F000000000000000000000A", "", auth.ErrFailed, false},
		{"another id in capitals", []auth.User{taken}, auth.UnknownPasses, "ANN", "ANN", nil, false},
	} {
		store := newUsers(c.known...)
		a := mustNew(t, auth.Config{Users: store, Unknown: c.unknown, Token: &auth.Token{Algorithm: "HS256", Keys: []string{secret}}})
		id, err := bearer(t.Context(), a, good("sub", `"`+c.sub+`"`))
		if id != c.id && err == nil || !errors.Is(err, c.err) {
			t.Errorf("%s: %q, %v, want %q, %v", c.name, id, err, c.id, c.err)
		}
		if _, created := store.byID[c.sub]; created != c.created && len(c.known) == 0 {
			t.Errorf("%s: created %v, want %v", c.name, created, c.created)
		}
	}
}

// TestStoreDown holds that nothing is granted while the store does not answer.
func TestStoreDown(t *testing.T) {
	t.Parallel()
	store := newUsers(ann())
	a := mustNew(t, auth.Config{
		Users: store, Passwords: true, AutoConfirm: true, Anonymous: true, Token: &auth.Token{Algorithm: "HS256", Keys: []string{secret}},
	})
	tokens := mustLogIn(t, a)
	store.down = errors.New("down")
	for name, f := range map[string]func() error{
		"access":   func() error { _, err := bearer(t.Context(), a, tokens.Access); return err },
		"token":    func() error { _, err := bearer(t.Context(), a, good()); return err },
		"refresh":  func() error { _, err := a.Refresh(t.Context(), tokens.Refresh); return err },
		"logout":   func() error { return a.Logout(t.Context(), tokens.Refresh) },
		"password": func() error { _, err := logIn(t.Context(), a, "ann@x.org", password); return err },
		"register": func() error { return a.Register(t.Context(), "b@x.org", password, "192.0.2.1") },
		"anonymous": func() error {
			_, err := a.Login(t.Context(), auth.Login{Provider: auth.AnonymousProvider})
			return err
		},
	} {
		if err := f(); !errors.Is(err, auth.ErrUnavailable) {
			t.Errorf("%s: %v, want ErrUnavailable", name, err)
		}
	}
}

// TestProvidersAreOff holds that the zero configuration lets nobody in.
func TestProvidersAreOff(t *testing.T) {
	t.Parallel()
	a := mustNew(t, auth.Config{Users: newUsers(ann())})
	for _, provider := range []string{"", "anon-user", "local-userpass", "api-key", "custom-token", "custom-function", "oauth2-google", "oauth2-apple"} {
		l := auth.Login{Provider: provider, Email: "ann@x.org", Secret: password}
		if _, err := a.Login(t.Context(), l); !errors.Is(err, auth.ErrNoProvider) {
			t.Errorf("login with %q: %v, want ErrNoProvider", provider, err)
		}
	}
	if err := a.Register(t.Context(), "b@x.org", password, ""); !errors.Is(err, auth.ErrNoProvider) {
		t.Errorf("register: %v, want ErrNoProvider", err)
	}
	manual := mustNew(t, auth.Config{Users: newUsers(), Passwords: true})
	if err := manual.Register(t.Context(), "b@x.org", password, ""); !errors.Is(err, auth.ErrNotBuilt) {
		t.Errorf("register with confirmation: %v, want ErrNotBuilt", err)
	}
}

// TestAnonymousUsers holds that they are limited by address and have a type.
func TestAnonymousUsers(t *testing.T) {
	t.Parallel()
	a := mustNew(t, auth.Config{Users: newUsers(), Anonymous: true})
	l := auth.Login{Provider: auth.AnonymousProvider, RemoteAddress: "192.0.2.1"}
	tooMany := 0
	for range 40 {
		tokens, err := a.Login(t.Context(), l)
		switch {
		case errors.Is(err, auth.ErrTooMany):
			tooMany++
		case err != nil:
			t.Fatal(err)
		default:
			if u, err := a.Holder(t.Context(), tokens.Access); err != nil || u.Type != rules.NormalUser || u.ID != tokens.User {
				t.Fatalf("Holder = %+v, %v", u, err)
			}
		}
	}
	if tooMany != 10 {
		t.Errorf("%d of 40 were refused, want 10", tooMany)
	}
}

// TestCustomDataInTokens holds what an access token carries, and that no data makes it one that is not accepted.
func TestCustomDataInTokens(t *testing.T) {
	t.Parallel()
	deep := bson.D{}
	for range 300 {
		deep = bson.D{{Key: "x", Value: deep}}
	}
	for _, c := range []struct {
		name string
		data bson.D
		want string
		err  error
	}{
		{"some", bson.D{{Key: "n", Value: 5}, {Key: "id", Value: bson.ObjectID{}}}, `"user_data":{"n":5,"id":{"$oid":"000000000000000000000000"}}`, nil},
		{"none", nil, `"user_data":{}`, nil},
		{"too long", bson.D{{Key: "s", Value: strings.Repeat("x", 16<<10)}}, `"user_data":{}`, nil},
		{"too deep", deep, `"user_data":{}`, nil},
		{"not to be had", nil, "", errors.New("down")},
	} {
		var raw bson.Raw
		if c.data != nil {
			raw, _ = bson.Marshal(c.data)
		}
		a := mustNew(t, auth.Config{
			Users: newUsers(ann()), Passwords: true, CustomData: func(context.Context, string) (bson.Raw, error) { return raw, c.err },
		})
		tokens, err := logIn(t.Context(), a, "ann@x.org", password)
		if c.err != nil {
			if !errors.Is(err, auth.ErrUnavailable) {
				t.Errorf("%s: %v, want ErrUnavailable", c.name, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(tokens.Access, ".")[1])
		if !strings.Contains(string(payload), c.want) {
			t.Errorf("%s: %s lacks %s", c.name, payload, c.want)
		}
		if _, err := bearer(t.Context(), a, tokens.Access); err != nil {
			t.Errorf("%s: the token is not accepted: %v", c.name, err)
		}
	}
}
