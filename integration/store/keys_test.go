package store

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/integration/testdb"
	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/internal/mongostore"
)

func TestKeys(t *testing.T) {
	s := testdb.Open(t)
	database := s.Database(t)
	store, err := mongostore.Open(t.Context(), mongostore.Config{StoreURI: s.URI, StoreDatabase: database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close(context.Background()) })
	var keys auth.KeyStore = store.Keys()
	ctx := t.Context()

	start := time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC)
	first, text := auth.NewKey(auth.Key{App: "a", Name: "first", Created: start})
	second, _ := auth.NewKey(auth.Key{App: "a", Name: "second", Created: start.Add(time.Hour)})
	other, _ := auth.NewKey(auth.Key{App: "b", ID: first.ID, Name: "of another app", Created: start})
	for _, k := range []auth.Key{second, first, other} {
		if err := keys.Insert(ctx, k); err != nil {
			t.Fatalf("Insert(%s) = %v", k.Name, err)
		}
	}
	if err := keys.Insert(ctx, auth.Key{App: "a", ID: first.ID, Name: "impostor"}); !errors.Is(err, auth.ErrKeyExists) {
		t.Errorf("Insert of a second key with the same id = %v, want ErrKeyExists", err)
	}
	if got, err := keys.Find(ctx, "a", first.ID); err != nil || !cmp.Equal(first, got) {
		t.Errorf("Find = %+v, %v, want %+v", got, err, first)
	}
	if got, err := keys.List(ctx, "a", ""); err != nil || !cmp.Equal([]auth.Key{first, second}, got) {
		t.Errorf("List = %+v, %v, want the two of app a, oldest first", got, err)
	}
	if got, err := keys.List(ctx, "c", ""); err != nil || len(got) != 0 {
		t.Errorf("List of an unknown app = %+v, %v", got, err)
	}

	at := start.Add(24 * time.Hour)
	for _, time := range []time.Time{at, at.Add(time.Hour)} {
		if err := keys.Revoke(ctx, "a", first.ID, time); err != nil {
			t.Fatalf("Revoke = %v", err)
		}
	}
	first.Revoked = at
	if got, err := keys.Find(ctx, "a", first.ID); err != nil || !cmp.Equal(first, got) {
		t.Errorf("Find after Revoke = %+v, %v, want %+v", got, err, first)
	}
	if got, err := keys.Find(ctx, "b", first.ID); err != nil || !cmp.Equal(other, got) {
		t.Errorf("the key of another app is now %+v, %v, want %+v", got, err, other)
	}
	for _, id := range []string{"", "nobody", second.ID + "x"} {
		if _, err := keys.Find(ctx, "a", id); !errors.Is(err, auth.ErrNoKey) {
			t.Errorf("Find(%q) = %v, want ErrNoKey", id, err)
		}
		if err := keys.Revoke(ctx, "a", id, at); !errors.Is(err, auth.ErrNoKey) {
			t.Errorf("Revoke(%q) = %v, want ErrNoKey", id, err)
		}
	}
	secret := text[strings.LastIndex(text, "_")+1:]
	for _, d := range s.Dump(t, database, "rolegate_api_keys") {
		if strings.Contains(d.String(), secret) {
			t.Error("the secret of a key is stored")
		}
	}
}

func TestKeysWithoutAStore(t *testing.T) {
	store, err := mongostore.Open(t.Context(), mongostore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Keys().Find(t.Context(), "a", "b"); err == nil || errors.Is(err, auth.ErrNoKey) {
		t.Errorf("Find = %v, want an error that is not ErrNoKey", err)
	}
	if err := store.Keys().Insert(t.Context(), auth.Key{}); err == nil {
		t.Error("Insert without a store succeeds")
	}
}
