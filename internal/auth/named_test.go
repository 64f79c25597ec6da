package auth_test

import (
	"errors"
	"testing"

	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/rules"
)

// TestNamed finds whom the operator has named, and nobody who may not do anything.
func TestNamed(t *testing.T) {
	t.Parallel()
	const hex, capitals = "5f000000000000000000000a", "5F000000000000000000000A"
	stored := auth.User{ID: hex, App: appID, Data: []byte("\x05\x00\x00\x00\x00"), Identities: []auth.Identity{{ID: "i", Provider: "anon-user"}}}
	linked := auth.User{ID: hex, Identities: []auth.Identity{{ID: "ann", Provider: "custom-token", Login: "ann"}}}
	off, gone := stored, stored
	off.Disabled, gone.Deleted = true, at
	server, own := auth.Key{ID: hex, App: appID, Name: "ci"}, auth.Key{ID: hex, App: appID, User: "ann"}
	disabled, revoked := server, server
	disabled.Disabled, revoked.Revoked = true, at
	token := &auth.Token{Algorithm: "HS256", Keys: []string{secret}}
	for _, c := range []struct {
		name    string
		user    *auth.User
		key     *auth.Key
		token   *auth.Token
		unknown auth.Unknown
		id      string
		want    string // id
		as      rules.UserType
		err     error
	}{
		{"a stored user", &stored, nil, nil, 0, hex, hex, rules.NormalUser, nil},
		{"in another spelling", &stored, nil, token, 0, capitals, hex, rules.NormalUser, nil},
		{"a disabled one", &off, nil, token, 0, hex, "", "", auth.ErrDisabled},
		{"a disabled one in another spelling", &off, nil, token, 0, capitals, "", "", auth.ErrDisabled},
		{"a deleted one", &gone, nil, token, 0, hex, "", "", auth.ErrFailed},
		{"a server key", nil, &server, nil, 0, hex, hex, rules.ServerUser, nil},
		{"a server key in another spelling", nil, &server, token, 0, capitals, hex, rules.ServerUser, nil},
		{"a disabled key", nil, &disabled, token, 0, hex, "", "", auth.ErrFailed},
		{"a revoked key", nil, &revoked, token, 0, hex, "", "", auth.ErrFailed},
		{"a key of somebody", nil, &own, token, 0, hex, "", "", auth.ErrFailed},
		{"nobody", nil, nil, nil, 0, "ann", "", "", auth.ErrFailed},
		{"a user of tokens alone", nil, nil, token, auth.UnknownPasses, "ann", "ann", rules.NormalUser, nil},
		{"the subject of a user with another id", &linked, nil, token, auth.UnknownPasses, "ann", "", "", auth.ErrFailed},
		{"nobody, where users of tokens are stored", nil, nil, token, auth.UnknownCreated, "ann", "", "", auth.ErrFailed},
		{"nobody, where unknown ones are refused", nil, nil, token, auth.UnknownRefused, "ann", "", "", auth.ErrFailed},
		{"no id", nil, nil, token, 0, "", "", "", auth.ErrFailed},
	} {
		users, keys := newUsers(), newKeys()
		if c.user != nil {
			users = newUsers(*c.user)
		}
		if c.key != nil {
			keys.stored[appID+"/"+c.key.ID] = *c.key
		}
		a := mustNew(t, auth.Config{Users: users, Keys: keys, Token: c.token, Unknown: c.unknown})
		u, err := a.Named(t.Context(), c.id)
		if !errors.Is(err, c.err) || (u == nil) != (c.want == "") || u != nil && (u.ID != c.want || u.Type != c.as || len(u.Identities) != 1) {
			t.Errorf("%s: %+v, %v, want %q, %v", c.name, u, err, c.want, c.err)
		}
	}
}

// TestNamedWithoutStore finds nobody while it cannot be told whether they are disabled.
func TestNamedWithoutStore(t *testing.T) {
	t.Parallel()
	users, keys := newUsers(), newKeys()
	a := mustNew(t, auth.Config{Users: users, Keys: keys, Token: &auth.Token{Algorithm: "HS256", Keys: []string{secret}}})
	users.down = errors.New("down")
	if u, err := a.Named(t.Context(), "ann"); u != nil || !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("without users: %+v, %v", u, err)
	}
	users.down, keys.broken = nil, errors.New("down")
	if u, err := a.Named(t.Context(), "bob"); u != nil || !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("without keys: %+v, %v", u, err)
	}
}
