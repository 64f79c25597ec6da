package auth_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/rolegate/rolegate/internal/auth"
)

// TestManyNames holds that guesses of one account are counted, however many other names are sent in between, from one
// address or from as many as there are.
func TestManyNames(t *testing.T) {
	t.Parallel()
	const names = 12_000 // more than are remembered
	for _, addresses := range []string{"one", "many"} {
		now := newClock()
		a := mustNew(t, auth.Config{Users: newUsers(), Passwords: true, AttemptsPerMinute: 2, Now: now.Now})
		from := func(i int) string {
			if addresses == "one" {
				return "192.0.2.1"
			}
			return fmt.Sprintf("2001:db8:%x::1", i)
		}
		try := func(address, email string) error {
			_, err := a.Authenticate(t.Context(), auth.Credentials{Kind: auth.EmailPassword, Email: email, Secret: "wrong horse", RemoteAddress: address})
			return err
		}
		for i := range 2 {
			if err := try(from(i), "ann@x.org"); !errors.Is(err, auth.ErrFailed) {
				t.Fatalf("guess %d: %v", i, err)
			}
		}
		for i := range names {
			if addresses == "many" && i > 50 {
				// An attempt of a password costs its hash; one of a token is all but free, and is remembered by address.
				_, _ = a.Authenticate(t.Context(), auth.Credentials{Kind: auth.Bearer, Secret: "x", RemoteAddress: from(i)})
				continue
			}
			_ = try(from(i), fmt.Sprintf("%d@x.org", i))
		}
		if err := try("198.51.100.1", "ann@x.org"); !errors.Is(err, auth.ErrTooMany) {
			t.Errorf("%s addresses: a third guess: %v, want ErrTooMany", addresses, err)
		}
		now.pass(time.Minute)
		if err := try("198.51.100.1", "ann@x.org"); !errors.Is(err, auth.ErrFailed) {
			t.Errorf("%s addresses: after a minute: %v, want ErrFailed", addresses, err)
		}
	}
}
