package auth_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/rules"
)

// keys is a KeyStore in memory.
type keys struct {
	stored map[string]auth.Key
	broken error
	asked  int
}

func (k *keys) Insert(_ context.Context, key auth.Key) error {
	k.stored[key.App+"/"+key.ID] = key
	return nil
}

func (k *keys) Find(_ context.Context, app, id string) (auth.Key, error) {
	k.asked++
	if k.broken != nil {
		return auth.Key{}, k.broken
	}
	key, ok := k.stored[app+"/"+id]
	if !ok {
		return auth.Key{}, fmt.Errorf("find: %w", auth.ErrNoKey)
	}
	return key, nil
}

func (k *keys) List(context.Context, string, string) ([]auth.Key, error) { return nil, nil }

func (k *keys) Disable(context.Context, string, string, bool) error { return nil }

func (k *keys) Revoke(_ context.Context, app, id string, at time.Time) error {
	key := k.stored[app+"/"+id]
	key.Revoked = at
	k.stored[app+"/"+id] = key
	return nil
}

func newKeys() *keys { return &keys{stored: map[string]auth.Key{}} }

func apiKey(ctx context.Context, a *auth.Authenticator, text string) (*rules.User, error) {
	return a.Authenticate(ctx, auth.Credentials{Kind: auth.APIKey, Secret: text, RemoteAddress: "192.0.2.1"})
}

func TestAPIKeys(t *testing.T) {
	store, c := newKeys(), newClock()
	key, text := auth.NewKey(auth.Key{App: appID, Name: "backend", Created: at})
	foreign, foreignText := auth.NewKey(auth.Key{App: "other", Created: at})
	other, otherText := auth.NewKey(auth.Key{App: appID, Created: at})
	for _, k := range []auth.Key{key, foreign, other} {
		_ = store.Insert(t.Context(), k)
	}
	a := mustNew(t, auth.Config{Keys: store, APIKeys: true, Now: c.Now})
	u, err := apiKey(t.Context(), a, text)
	if err != nil {
		t.Fatal(err)
	}
	if u.ID != key.ID || u.Type != rules.ServerUser || u.Data.Lookup("name").StringValue() != "backend" || u.Identities[0].ProviderType != "api-key" {
		t.Errorf("user = %+v", u)
	}
	last := text[len(text)-1]
	flipped := byte('0')
	if last == '0' {
		flipped = '1'
	}
	otherSecret := otherText[strings.LastIndex(otherText, "_"):]
	for name, wrong := range map[string]string{
		"empty": "", "prefix": "rgk_", "id only": "rgk_" + key.ID, "no secret": "rgk_" + key.ID + "_",
		"one digit off":     text[:len(text)-1] + string(flipped),
		"upper case":        "rgk_" + key.ID + "_" + strings.ToUpper(text[len(text)-64:]),
		"longer":            text + "0",
		"another's secret":  "rgk_" + key.ID + otherSecret,
		"unknown id":        "rgk_000000000000000000000000" + otherSecret,
		"zero secret":       "rgk_000000000000000000000000_" + strings.Repeat("0", 64),
		"of another app":    foreignText,
		"its hash":          fmt.Sprintf("rgk_%s_%x", key.ID, key.Hash),
		"without prefix":    strings.TrimPrefix(text, "rgk_"),
		"very long":         "rgk_" + strings.Repeat("a", 1000) + otherSecret,
		"space":             text + " ",
		"a token":           good(),
		"operator as an id": `rgk_{"$gt":""}` + otherSecret,
	} {
		if u, err := apiKey(t.Context(), a, wrong); u != nil || !errors.Is(err, auth.ErrFailed) {
			t.Errorf("%s: %v, %v", name, u, err)
		}
	}
	if _, err := a.Authenticate(t.Context(), auth.Credentials{Kind: auth.Bearer, Secret: text}); !errors.Is(err, auth.ErrFailed) {
		t.Errorf("a key as bearer token: %v", err)
	}
}

func TestNewKey(t *testing.T) {
	a, textA := auth.NewKey(auth.Key{Created: at.Add(time.Nanosecond)})
	b, textB := auth.NewKey(auth.Key{Created: at})
	if a.ID == b.ID || a.Hash == b.Hash || textA == textB {
		t.Error("two keys are alike")
	}
	if !a.Created.Equal(at) {
		t.Errorf("created = %v, finer than a store keeps", a.Created)
	}
	if !regexp.MustCompile(`^rgk_[0-9a-f]{24}_[0-9a-f]{64}$`).MatchString(textA) {
		t.Errorf("text = %q", textA)
	}
	if k, text := auth.NewKey(auth.Key{ID: "old id"}); k.ID != "old id" || !strings.HasPrefix(text, "rgk_old id_") {
		t.Errorf("a given id is not kept: %q, %q", k.ID, text)
	}
}

func TestRevokedKeyStopsWithinSeconds(t *testing.T) {
	store, c := newKeys(), newClock()
	key, text := auth.NewKey(auth.Key{App: appID, Created: at})
	_ = store.Insert(t.Context(), key)
	a := mustNew(t, auth.Config{Keys: store, APIKeys: true, Now: c.Now})
	for range 3 {
		if _, err := apiKey(t.Context(), a, text); err != nil {
			t.Fatal(err)
		}
	}
	if store.asked != 1 {
		t.Errorf("the store was asked %d times within a moment", store.asked)
	}
	_ = store.Revoke(t.Context(), appID, key.ID, at)
	c.pass(5 * time.Second)
	if _, err := apiKey(t.Context(), a, text); !errors.Is(err, auth.ErrFailed) {
		t.Errorf("five seconds after it was revoked: %v", err)
	}
}

func TestKeyStoreFails(t *testing.T) {
	store, c := newKeys(), newClock()
	key, text := auth.NewKey(auth.Key{App: appID, Created: at})
	_ = store.Insert(t.Context(), key)
	store.broken = errors.New("no primary")
	a := mustNew(t, auth.Config{Keys: store, APIKeys: true, Token: hsToken(), Now: c.Now, AttemptsPerMinute: 1})
	for range 3 {
		if _, err := apiKey(t.Context(), a, text); !errors.Is(err, auth.ErrUnavailable) {
			t.Errorf("Authenticate = %v", err)
		}
		if _, err := bearer(t.Context(), a, good("sub", `"`+key.ID+`"`)); !errors.Is(err, auth.ErrUnavailable) {
			t.Errorf("a subject that may be taken: %v", err)
		}
	}
	if id, err := bearer(t.Context(), a, good()); id != "ann" || err != nil {
		t.Errorf("a subject that no key can have: %v", err)
	}
	store.broken = nil
	if _, err := apiKey(t.Context(), a, text); err != nil {
		t.Errorf("after the store is back: %v", err)
	}
}

// A subject is the issuer's choice; that of a key, also a revoked one, belongs to the key.
func TestSubjectOfAKeyIsRefused(t *testing.T) {
	store := newKeys()
	key, _ := auth.NewKey(auth.Key{App: appID, Created: at})
	key.Revoked = at
	_ = store.Insert(t.Context(), key)
	for _, enabled := range []bool{true, false} {
		a := mustNew(t, auth.Config{Keys: store, APIKeys: enabled, Token: hsToken()})
		for _, sub := range []string{key.ID, strings.ToUpper(key.ID)} {
			if id, err := bearer(t.Context(), a, good("sub", `"`+sub+`"`)); !errors.Is(err, auth.ErrFailed) {
				t.Errorf("subject %s: %q, %v", sub, id, err)
			}
		}
		if id, err := bearer(t.Context(), a, good("sub", `"5f0000000000000000000000"`)); err != nil || id != "5f0000000000000000000000" {
			t.Errorf("a subject that looks like one: %q, %v", id, err)
		}
	}
}

func TestDisabledProvider(t *testing.T) {
	store := newKeys()
	key, text := auth.NewKey(auth.Key{App: appID, Created: at})
	_ = store.Insert(t.Context(), key)
	a := mustNew(t, auth.Config{Keys: store})
	if _, err := apiKey(t.Context(), a, text); !errors.Is(err, auth.ErrFailed) {
		t.Errorf("Authenticate = %v", err)
	}
}

func TestFailedAttempts(t *testing.T) {
	c := newClock()
	a := mustNew(t, auth.Config{Token: hsToken(), Now: c.Now, AttemptsPerMinute: 3})
	try := func(address, token string) error {
		_, err := a.Authenticate(t.Context(), auth.Credentials{Kind: auth.Bearer, Secret: token, RemoteAddress: address})
		return err
	}
	expired := good("exp", fmt.Sprint(at.Unix()-3600))
	for range 10 {
		if err := try("2001:db8::1", expired); !errors.Is(err, auth.ErrExpired) {
			t.Fatalf("an expired token: %v", err)
		}
	}
	for i, address := range []string{"2001:db8::1", "2001:db8::2", "2001:db8::3"} {
		if err := try(address, "x"); !errors.Is(err, auth.ErrFailed) {
			t.Errorf("attempt %d: %v", i, err)
		}
	}
	if err := try("2001:db8::4", "x"); !errors.Is(err, auth.ErrTooMany) || errors.Is(err, auth.ErrFailed) {
		t.Errorf("a fourth attempt from the network: %v", err)
	}
	for _, address := range []string{"2001:db8:0:1::1", "192.0.2.1", "192.0.2.2", "unknown"} {
		if err := try(address, "x"); !errors.Is(err, auth.ErrFailed) {
			t.Errorf("another network, %s: %v", address, err)
		}
	}
	if err := try("2001:db8::1", good()); err != nil {
		t.Errorf("a good token from an address that fails often: %v", err)
	}
	c.pass(20 * time.Second)
	if err := try("2001:db8::1", "x"); !errors.Is(err, auth.ErrFailed) {
		t.Errorf("after the pause: %v", err)
	}
	if err := try("2001:db8::1", "x"); !errors.Is(err, auth.ErrTooMany) {
		t.Errorf("again too soon: %v", err)
	}
}
