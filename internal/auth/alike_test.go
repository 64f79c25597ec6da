package auth_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/internal/bsonval"
)

// says is a function of the app that returns a status.
func says(t *testing.T, status string) bson.RawValue {
	t.Helper()
	doc, err := bson.Marshal(bson.D{{Key: "status", Value: status}})
	if err != nil {
		t.Fatal(err)
	}
	return bsonval.FromDocument(doc)
}

// TestUnknownAccountsAreAlike holds that as much is asked of the store and of the app for an address that nobody has as for one
// that somebody has, and that the answer is the same: neither it nor the time it takes tells one from the other.
func TestUnknownAccountsAreAlike(t *testing.T) {
	t.Parallel()
	const known, unknown, from = "ann@x.org", "bob@x.org", "192.0.2.1"
	for name, ask := range map[string]func(ctx context.Context, a *auth.Authenticator, email string) error{
		"a wrong password": func(ctx context.Context, a *auth.Authenticator, email string) error {
			_, err := logIn(ctx, a, email, "wrong horse")
			return err
		},
		"a reset by function": func(ctx context.Context, a *auth.Authenticator, email string) error {
			return a.CallReset(ctx, email, "another horse", nil, from)
		},
		"a confirmation by function": func(ctx context.Context, a *auth.Authenticator, email string) error {
			return a.CallConfirmation(ctx, email, from)
		},
	} {
		for _, status := range []string{"success", "pending", "fail", "?"} {
			outcome := func(email string) string {
				pending := ann()
				pending.Pending = true
				store := newUsers(pending)
				calls := 0
				a := mustNew(t, auth.Config{
					Users: store, Passwords: true, ConfirmFunction: "confirm", ResetFunction: "reset",
					Call: func(context.Context, string, ...bson.RawValue) (bson.RawValue, error) {
						calls++
						if status == "?" {
							return bson.RawValue{}, errors.New("it threw")
						}
						return says(t, status), nil
					},
				})
				err := ask(t.Context(), a, email)
				return fmt.Sprintf("%v: %d calls, %v", auth.Reason(err), calls, store.asked)
			}
			// The address stands in the answer as the client sent it.
			if diff := cmp.Diff(outcome(known), outcome(unknown), cmp.Comparer(func(a, b string) bool { return masked(a) == masked(b) })); diff != "" {
				t.Errorf("%s, %s (-known +unknown):\n%s", name, status, diff)
			}
		}
	}
}

func masked(s string) string { return strings.NewReplacer("ann", "x", "bob", "x").Replace(s) }

// TestMailsAreAlike holds that a mail is promised without a look into the store.
func TestMailsAreAlike(t *testing.T) {
	t.Parallel()
	store := newUsers(ann())
	a := mustNew(t, auth.Config{Users: store, Passwords: true, Webhook: &auth.Webhook{URL: "http://127.0.0.1:1/", Key: []byte(secret)}})
	for _, email := range []string{"ann@x.org", "bob@x.org"} {
		for _, send := range []func(email, address string) error{a.SendReset, a.SendConfirmation} {
			if err := send(email, "192.0.2.1"); err != nil || len(store.asked) > 0 {
				t.Errorf("%s: %v, asked %v", email, err, store.asked)
			}
		}
	}
}

// TestWebhookAddresses holds where tokens may be sent.
func TestWebhookAddresses(t *testing.T) {
	t.Parallel()
	for url, good := range map[string]bool{
		"https://mailer.example.com/x": true, "http://localhost:1/x": true, "http://127.0.0.1/x": true, "http://[::1]:1/x": true,
		"": false, "mailer.example.com": false, "http://mailer.example.com/x": false, "ftp://127.0.0.1/x": false, "https:///x": false, "https://:443/x": false,
		"https://user:password@mailer.example.com/": false, "http://127.0.0.1.example.com/x": false, "http://localhost.example.com": false,
	} {
		if _, err := auth.CheckURL(url); (err == nil) != good {
			t.Errorf("CheckURL(%q) = %v", url, err)
		}
	}
	for _, w := range []auth.Webhook{{URL: "http://x.example/", Key: []byte(secret)}, {URL: "https://x.example/", Key: []byte(secret[1:])}} {
		if a, err := auth.New(t.Context(), auth.Config{App: appID, Webhook: &w}); err == nil {
			a.Close()
			t.Errorf("a webhook at %s with a key of %d bytes is taken", w.URL, len(w.Key))
		}
	}
}
