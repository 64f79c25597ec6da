package store

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/integration/testdb"
	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/internal/mongostore"
)

var begin = time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC)

func openUsers(t *testing.T) (users auth.UserStore, s *testdb.Server, database string) {
	t.Helper()
	s = testdb.Open(t)
	database = s.Database(t)
	store, err := mongostore.Open(t.Context(), mongostore.Config{StoreURI: s.URI, StoreDatabase: database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close(context.Background()) })
	return store.Users(), s, database
}

func mustCreate(t *testing.T, users auth.UserStore, list ...auth.User) {
	t.Helper()
	for _, u := range list {
		if err := users.Create(t.Context(), u); err != nil {
			t.Fatalf("Create(%s) = %v", u.ID, err)
		}
	}
}

func mustFind(t *testing.T, users auth.UserStore, app, id string) auth.User {
	t.Helper()
	u, err := users.Find(t.Context(), app, id)
	if err != nil {
		t.Fatalf("Find(%s) = %v", id, err)
	}
	return u
}

func TestUsers(t *testing.T) {
	users, _, _ := openUsers(t)
	ctx := t.Context()
	reset, _ := auth.NewReset(begin)
	ann := auth.NewPasswordUser("a", "Ann@x.org", "hash", begin)
	bob := auth.NewUser(auth.User{ID: "bob", App: "a", Created: begin.Add(time.Hour), Reset: &reset, Pending: true, Confirm: &reset, Identities: []auth.Identity{
		{ID: "bob", Provider: "custom-token", Login: "bob"}, {ID: "i2", Provider: "local-userpass", Login: "bob@x.org"},
	}})
	other := auth.NewPasswordUser("b", "ann@x.org", "hash", begin)
	mustCreate(t, users, ann, bob, other)

	for _, u := range []auth.User{
		{ID: ann.ID, App: "a", Created: begin},
		auth.NewPasswordUser("a", "aNN@x.org", "", begin.Add(time.Minute)),
		{ID: "new", App: "a", Created: begin, Identities: []auth.Identity{
			{ID: "free", Provider: "custom-token", Login: "free"}, {ID: "bob", Provider: "custom-token", Login: "bob"},
		}},
	} {
		if err := users.Create(ctx, u); !errors.Is(err, auth.ErrUserExists) {
			t.Errorf("Create(%s) = %v, want ErrUserExists", u.ID, err)
		}
	}
	if _, err := users.Find(ctx, "a", "new"); !errors.Is(err, auth.ErrNoUser) {
		t.Errorf("a user whose login is taken stays: %v", err)
	}
	if _, err := users.FindLogin(ctx, "a", "custom-token", "free"); !errors.Is(err, auth.ErrNoUser) {
		t.Errorf("the first login of a user whose second is taken stays: %v", err)
	}
	for _, c := range []struct {
		app, provider, login string
		want                 auth.User
	}{
		{"a", "local-userpass", "ann@x.org", ann},
		{"b", "local-userpass", "ann@x.org", other},
		{"a", "local-userpass", "bob@x.org", bob},
		{"a", "custom-token", "bob", bob},
	} {
		if got, err := users.FindLogin(ctx, c.app, c.provider, c.login); err != nil || !cmp.Equal(c.want, got) {
			t.Errorf("FindLogin(%s, %s) = %v\n%s", c.provider, c.login, err, cmp.Diff(c.want, got))
		}
	}
	for _, c := range [][3]string{{"a", "custom-token", "ann@x.org"}, {"b", "custom-token", "bob"}, {"a", "local-userpass", ""}} {
		if _, err := users.FindLogin(ctx, c[0], c[1], c[2]); !errors.Is(err, auth.ErrNoUser) {
			t.Errorf("FindLogin(%v) = %v, want ErrNoUser", c, err)
		}
	}
	var listed []string
	err := users.List(ctx, "a", func(u auth.User) error {
		listed = append(listed, u.ID)
		return nil
	})
	if want := []string{ann.ID, "bob"}; err != nil || !cmp.Equal(want, listed) {
		t.Errorf("List = %v, %v, want %v", listed, err, want)
	}
}

func TestUserChanges(t *testing.T) {
	users, _, _ := openUsers(t)
	ctx := t.Context()
	ann := auth.NewPasswordUser("a", "ann@x.org", "", begin)
	ann.Pending = true
	mustCreate(t, users, ann)
	data, err := bson.Marshal(bson.D{{Key: "n", Value: 1}})
	if err != nil {
		t.Fatal(err)
	}
	yes, no := true, false
	reset, _ := auth.NewReset(begin)
	confirm, _ := auth.NewReset(begin)
	late := auth.Ticket{Hash: reset.Hash, Expires: reset.Expires}
	wrong := auth.Ticket{Expires: begin}
	for _, c := range []struct {
		name   string
		change auth.UserChange
		err    error
		want   func(*auth.User)
	}{
		{"nothing", auth.UserChange{}, nil, func(*auth.User) {}},
		{"data", auth.UserChange{Data: data}, nil, func(u *auth.User) { u.Data = data }},
		{"off", auth.UserChange{Disabled: &yes, Revoke: true}, nil, func(u *auth.User) { u.Disabled, u.Revoked = true, 1 }},
		{"on", auth.UserChange{Disabled: &no}, nil, func(u *auth.User) { u.Disabled = false }},
		{"revoke again", auth.UserChange{Revoke: true}, nil, func(u *auth.User) { u.Revoked = 2 }},
		{"a reset token", auth.UserChange{Reset: &reset}, nil, func(u *auth.User) { u.Reset = &reset }},
		{"a wrong token", auth.UserChange{Password: "x", UsesReset: &wrong}, auth.ErrNoUser, func(*auth.User) {}},
		{"a token too late", auth.UserChange{Password: "x", UsesReset: &late}, auth.ErrNoUser, func(*auth.User) {}},
		{"a password", auth.UserChange{Password: "x", UsesReset: &auth.Ticket{Hash: reset.Hash, Expires: begin}}, nil, func(u *auth.User) {
			u.Password, u.Reset = "x", nil
		}},
		{"the token again", auth.UserChange{Password: "y", UsesReset: &auth.Ticket{Hash: reset.Hash, Expires: begin}}, auth.ErrNoUser, func(*auth.User) {}},
		{"a token that confirms", auth.UserChange{Confirm: &confirm}, nil, func(u *auth.User) { u.Confirm = &confirm }},
		{"that token for a password", auth.UserChange{Password: "x", UsesReset: &confirm}, auth.ErrNoUser, func(*auth.User) {}},
		{"a token too late to confirm", auth.UserChange{Confirmed: true, UsesConfirm: &confirm}, auth.ErrNoUser, func(*auth.User) {}},
		{"confirmed", auth.UserChange{Confirmed: true, UsesConfirm: &auth.Ticket{Hash: confirm.Hash, Expires: begin}}, nil, func(u *auth.User) {
			u.Pending, u.Confirm = false, nil
		}},
		{"confirmed again", auth.UserChange{Confirmed: true, UsesConfirm: &auth.Ticket{Hash: confirm.Hash, Expires: begin}}, auth.ErrNoUser, func(*auth.User) {}},
		{"confirmed by an operator", auth.UserChange{Confirmed: true}, nil, func(*auth.User) {}},
		{"seen", auth.UserChange{Seen: begin}, nil, func(u *auth.User) { u.Seen = begin }},
	} {
		if err := users.Change(ctx, "a", ann.ID, c.change); !errors.Is(err, c.err) {
			t.Fatalf("%s: %v, want %v", c.name, err, c.err)
		}
		c.want(&ann)
		if got := mustFind(t, users, "a", ann.ID); !cmp.Equal(ann, got) {
			t.Errorf("%s (-want +got):\n%s", c.name, cmp.Diff(ann, got))
		}
	}
	if err := users.Change(ctx, "b", ann.ID, auth.UserChange{Revoke: true}); !errors.Is(err, auth.ErrNoUser) {
		t.Errorf("Change in another app = %v, want ErrNoUser", err)
	}
}

func TestUserLinkAndDelete(t *testing.T) {
	users, s, database := openUsers(t)
	ctx := t.Context()
	ann := auth.NewPasswordUser("a", "ann@x.org", "hash", begin)
	guest := auth.NewUser(auth.User{App: "a", Anonymous: true, Created: begin, Seen: begin, Identities: []auth.Identity{{ID: "g", Provider: "anon-user"}}})
	mustCreate(t, users, ann, guest)

	token := auth.Identity{ID: "sub", Provider: "custom-token", Login: "sub"}
	if err := users.Link(ctx, "a", guest.ID, token); err != nil {
		t.Fatal(err)
	}
	guest.Anonymous, guest.Identities = false, append(guest.Identities, token)
	if got := mustFind(t, users, "a", guest.ID); !cmp.Equal(guest, got) {
		t.Errorf("after Link (-want +got):\n%s", cmp.Diff(guest, got))
	}
	if err := users.Link(ctx, "a", ann.ID, token); !errors.Is(err, auth.ErrUserExists) {
		t.Errorf("Link of a login that is taken = %v, want ErrUserExists", err)
	}
	if err := users.Link(ctx, "a", "nobody", auth.Identity{ID: "x", Provider: "custom-token", Login: "x"}); !errors.Is(err, auth.ErrNoUser) {
		t.Errorf("Link of nobody = %v, want ErrNoUser", err)
	}
	if _, err := users.FindLogin(ctx, "a", "custom-token", "x"); !errors.Is(err, auth.ErrNoUser) {
		t.Errorf("the login of nobody = %v, want ErrNoUser", err)
	}

	for _, u := range []auth.User{ann, guest} {
		if err := users.StartSession(ctx, auth.Session{App: "a", Hash: "of " + u.ID, User: u.ID, Created: begin, Expires: begin.Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		if err := users.Delete(ctx, "a", u.ID, begin.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := users.Delete(ctx, "a", u.ID, begin.Add(2*time.Hour)); !errors.Is(err, auth.ErrNoUser) {
			t.Errorf("Delete again = %v, want ErrNoUser", err)
		}
		if got := mustFind(t, users, "a", u.ID); !got.Deleted.Equal(begin.Add(time.Hour)) || got.Data != nil || got.Password != "" {
			t.Errorf("what is left of %s: %+v", u.ID, got)
		}
		if err := users.Change(ctx, "a", u.ID, auth.UserChange{Password: "x"}); !errors.Is(err, auth.ErrNoUser) {
			t.Errorf("Change of a deleted user = %v, want ErrNoUser", err)
		}
		if _, err := users.FindSession(ctx, "a", "of "+u.ID); !errors.Is(err, auth.ErrNoSession) {
			t.Errorf("the session of a deleted user: %v, want ErrNoSession", err)
		}
	}
	// The address is free, the subject is not: its issuer would bring the same person back.
	mustCreate(t, users, auth.NewPasswordUser("a", "ann@x.org", "hash", begin.Add(time.Hour)))
	if got, err := users.FindLogin(ctx, "a", "custom-token", "sub"); err != nil || got.ID != guest.ID || got.Deleted.IsZero() {
		t.Errorf("the subject of a deleted user is that of %+v, %v", got, err)
	}
	for _, d := range s.Dump(t, database, "rolegate_users") {
		if strings.Contains(d.String(), ann.ID) && strings.Contains(d.String(), "email") {
			t.Errorf("an address outlives its user: %s", d)
		}
	}
}

func TestSessionsAreSwept(t *testing.T) {
	users, _, _ := openUsers(t)
	ctx := t.Context()
	anonymous := func(id string, seen time.Time) auth.User {
		return auth.NewUser(auth.User{ID: id, App: "a", Anonymous: true, Created: begin, Seen: seen})
	}
	mustCreate(t, users, anonymous("old", begin), anonymous("young", begin.Add(2*time.Hour)), auth.NewPasswordUser("a", "ann@x.org", "", begin))
	far := begin.Add(1000 * time.Hour)
	sessions := map[string]auth.Session{
		"over":      {App: "a", Hash: "over", User: "young", Created: begin, Expires: begin.Add(time.Minute)},
		"of old":    {App: "a", Hash: "of old", User: "old", Created: begin, Expires: far},
		"of young":  {App: "a", Hash: "of young", User: "young", Key: "k", Created: begin, Expires: far},
		"elsewhere": {App: "b", Hash: "elsewhere", User: "young", Created: begin, Expires: begin.Add(time.Minute)},
	}
	for _, s := range sessions {
		if err := users.StartSession(ctx, s); err != nil {
			t.Fatal(err)
		}
	}
	if err := users.Sweep(ctx, "a", begin.Add(time.Hour), begin.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	for hash, s := range sessions {
		gone := hash == "over" || hash == "of old"
		got, err := users.FindSession(ctx, s.App, hash)
		if gone != errors.Is(err, auth.ErrNoSession) || !gone && !cmp.Equal(s, got) {
			t.Errorf("session %q: %+v, %v", hash, got, err)
		}
	}
	if _, err := users.Find(ctx, "a", "old"); !errors.Is(err, auth.ErrNoUser) {
		t.Errorf("an anonymous user stays: %v", err)
	}
	mustFind(t, users, "a", "young")
	if err := users.EndSession(ctx, "a", "of young"); err != nil {
		t.Fatal(err)
	}
	if _, err := users.FindSession(ctx, "a", "of young"); !errors.Is(err, auth.ErrNoSession) {
		t.Errorf("an ended session: %v", err)
	}
}

func TestTokenKey(t *testing.T) {
	users, _, _ := openUsers(t)
	first, second := []byte(strings.Repeat("1", 32)), []byte(strings.Repeat("2", 32))
	for _, c := range []struct {
		app             string
		candidate, want []byte
	}{{"a", first, first}, {"a", second, first}, {"b", second, second}} {
		if got, err := users.TokenKey(t.Context(), c.app, c.candidate); err != nil || !cmp.Equal(c.want, got) {
			t.Errorf("TokenKey(%s) = %q, %v, want %q", c.app, got, err, c.want)
		}
	}
}

func TestAdopt(t *testing.T) {
	users, _, _ := openUsers(t)
	ctx := t.Context()
	guest := auth.NewUser(auth.User{App: "a", Anonymous: true, Created: begin, Seen: begin, Identities: []auth.Identity{{ID: "g", Provider: "anon-user"}}})
	fresh := auth.NewPasswordUser("a", "ann@x.org", "hash", begin)
	fresh.Fresh = true
	used := auth.NewPasswordUser("a", "bob@x.org", "hash", begin.Add(time.Second))
	mustCreate(t, users, guest, fresh, used)
	if err := users.Adopt(ctx, "a", guest.ID, used); !errors.Is(err, auth.ErrUserExists) {
		t.Errorf("Adopt of a user who has logged in = %v, want ErrUserExists", err)
	}
	if err := users.Adopt(ctx, "a", "nobody", fresh); !errors.Is(err, auth.ErrNoUser) {
		t.Errorf("Adopt by nobody = %v, want ErrNoUser", err)
	}
	if got := mustFind(t, users, "a", fresh.ID); !cmp.Equal(fresh, got) {
		t.Errorf("after Adopt by nobody (-want +got):\n%s", cmp.Diff(fresh, got))
	}
	if err := users.Adopt(ctx, "a", guest.ID, fresh); err != nil {
		t.Fatal(err)
	}
	guest.Anonymous, guest.Password, guest.Identities = false, "hash", append(guest.Identities, fresh.Identities...)
	if got, err := users.FindLogin(ctx, "a", "local-userpass", "ann@x.org"); err != nil || !cmp.Equal(guest, got) {
		t.Errorf("after Adopt: %v\n%s", err, cmp.Diff(guest, got))
	}
	if _, err := users.Find(ctx, "a", fresh.ID); !errors.Is(err, auth.ErrNoUser) {
		t.Errorf("the fresh user stays: %v", err)
	}
	if err := users.Adopt(ctx, "a", guest.ID, fresh); !errors.Is(err, auth.ErrUserExists) {
		t.Errorf("Adopt again = %v, want ErrUserExists", err)
	}
}
