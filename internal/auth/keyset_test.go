package auth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rolegate/rolegate/internal/auth"
)

// issuer serves a key set that tests change.
type issuer struct {
	*httptest.Server
	answer atomic.Pointer[http.HandlerFunc]
	asked  atomic.Int32
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.asked.Add(1)
		(*i.answer.Load())(w, r)
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) does(f http.HandlerFunc) { i.answer.Store(&f) }

func (i *issuer) offers(keys ...string) {
	i.does(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"keys":[`+strings.Join(keys, ",")+`]}`)
	})
}

func (i *issuer) authenticator(t *testing.T, alg string, c *clock) *auth.Authenticator {
	t.Helper()
	return mustNew(t, auth.Config{Token: &auth.Token{Algorithm: alg, KeySetURL: i.URL + "/keys"}, Now: c.Now})
}

func TestKeySet(t *testing.T) {
	for _, c := range []struct {
		alg  string
		bits int
	}{{"RS256", 2048}, {"ES256", 256}, {"ES384", 384}, {"EdDSA", 0}} {
		i, s, other := newIssuer(t), newSigner(t, c.alg, c.bits), newSigner(t, c.alg, c.bits)
		i.offers(s.jwk("k1", `,"use":"sig","alg":"`+c.alg+`","key_ops":["verify"],"x5t":"x","ext":true`), other.jwk("k2", ""))
		a := i.authenticator(t, c.alg, newClock())
		if id, err := bearer(t.Context(), a, s.sign(t, "k1", claims())); err != nil || id != "ann" {
			t.Errorf("%s: %q, %v", c.alg, id, err)
		}
		for name, token := range map[string]string{
			"signed with another key of the set": s.sign(t, "k2", claims()),
			"unknown key id":                     s.sign(t, "k3", claims()),
			"empty key id":                       s.sign(t, "", claims()),
			"key id in other case":               s.sign(t, "K1", claims()),
		} {
			if _, err := bearer(t.Context(), a, token); !errors.Is(err, auth.ErrFailed) {
				t.Errorf("%s, %s: %v", c.alg, name, err)
			}
		}
	}
}

func TestKeySetRotates(t *testing.T) {
	i, first, second, third := newIssuer(t), newSigner(t, "ES256", 256), newSigner(t, "ES256", 256), newSigner(t, "ES256", 256)
	i.offers(first.jwk("k1", ""))
	a := i.authenticator(t, "ES256", newClock())
	if _, err := bearer(t.Context(), a, first.sign(t, "k1", claims())); err != nil {
		t.Fatal(err)
	}
	i.offers(second.jwk("k2", ""))
	if _, err := bearer(t.Context(), a, first.sign(t, "k1", claims())); err != nil {
		t.Errorf("a known key is looked up elsewhere: %v", err)
	}
	if _, err := bearer(t.Context(), a, second.sign(t, "k2", claims())); err != nil {
		t.Errorf("a new key: %v", err)
	}
	if _, err := bearer(t.Context(), a, first.sign(t, "k1", claims())); !errors.Is(err, auth.ErrFailed) {
		t.Errorf("a key that was taken back: %v", err)
	}
	asked := i.asked.Load()
	i.offers(third.jwk("k3", ""))
	for n := range 20 {
		if _, err := bearer(t.Context(), a, third.sign(t, fmt.Sprintf("k%d", 3+n), claims())); !errors.Is(err, auth.ErrFailed) {
			t.Errorf("within a minute of the last look: %v", err)
		}
	}
	if i.asked.Load() != asked {
		t.Errorf("unknown key ids made us ask %d times", i.asked.Load()-asked)
	}
}

// The issuer must not be able to take us down, nor to talk us into keys that are none.
func TestKeySetMisbehaves(t *testing.T) {
	s := newSigner(t, "RS256", 2048)
	weak := newSigner(t, "RS256", 1024)
	elsewhere := newIssuer(t)
	elsewhere.offers(s.jwk("k1", ""))
	many := make([]string, 101)
	for n := range many {
		many[n] = s.jwk(fmt.Sprint("k", n), "")
	}
	text := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
	}
	set := func(keys ...string) http.HandlerFunc { return text(`{"keys":[` + strings.Join(keys, ",") + `]}`) }
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   error
	}{
		{"redirects", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) }, auth.ErrUnavailable},
		{"redirects to itself", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/keys2", http.StatusFound) }, auth.ErrUnavailable},
		{"fails", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, `{"keys":[`+s.jwk("k1", "")+`]}`)
		}, auth.ErrUnavailable},
		{"is huge", text(`{"keys":[` + s.jwk("k1", "") + `], "x":"` + strings.Repeat("a", 1<<20) + `"}`), auth.ErrUnavailable},
		{"has many keys", set(many...), auth.ErrUnavailable},
		{"is a page", text(`<html></html>`), auth.ErrUnavailable},
		{"is an array", text(`[` + s.jwk("k1", "") + `]`), auth.ErrUnavailable},
		{"has no keys", text(`{}`), auth.ErrUnavailable},
		{"has keys twice", text(`{"keys":[],"keys":[` + s.jwk("k1", "") + `]}`), auth.ErrUnavailable},
		{"ends early", text(`{"keys":[` + s.jwk("k1", "")), auth.ErrUnavailable},
		{"breaks off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			_, _ = io.WriteString(w, `{"keys":[`+s.jwk("k1", "")+`]}`)
		}, auth.ErrUnavailable},

		{"is empty", text(`{"keys":[]}`), auth.ErrFailed},
		{"has a weak key", set(weak.jwk("k1", "")), auth.ErrFailed},
		{"has a key for encryption", set(s.jwk("k1", `,"use":"enc"`)), auth.ErrFailed},
		{"has a key that may only sign", set(s.jwk("k1", `,"key_ops":["sign"]`)), auth.ErrFailed},
		{"has a key for another algorithm", set(s.jwk("k1", `,"alg":"RS512"`)), auth.ErrFailed},
		{"has a secret", set(`{"kty":"oct","kid":"k1","k":"` + encode(secret) + `"}`), auth.ErrFailed},
		{"has a key of numbers", set(`{"kty":"RSA","kid":"k1","n":1,"e":"AQAB"}`), auth.ErrFailed},
		{"has another key of that id first", set(newSigner(t, "RS256", 2048).jwk("k1", ""), s.jwk("k1", "")), auth.ErrFailed},
		{"has a key without id", set(strings.Replace(s.jwk("k1", ""), `"kid":"k1",`, "", 1)), auth.ErrFailed},
		{"has a key with a certificate to fetch", set(`{"kty":"RSA","kid":"k1","x5u":"` + elsewhere.URL + `"}`), auth.ErrFailed},

		{"has an unusable key, too", set(`{"kty":"?","kid":"k0"}`, `1`, s.jwk("k1", `,"x5c":["x"]`)), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			i, before := newIssuer(t), elsewhere.asked.Load()
			i.does(c.answer)
			a := i.authenticator(t, "RS256", newClock())
			if _, err := bearer(t.Context(), a, s.sign(t, "k1", claims())); !errors.Is(err, c.want) {
				t.Errorf("Authenticate = %v, want %v", err, c.want)
			}
			if elsewhere.asked.Load() != before {
				t.Error("we went where the issuer sent us")
			}
		})
	}
}

func TestKeySetOutlivesTheIssuerForADay(t *testing.T) {
	i, s, c := newIssuer(t), newSigner(t, "ES256", 256), newClock()
	i.offers(s.jwk("k1", ""))
	a := i.authenticator(t, "ES256", c)
	i.Close()
	if _, err := bearer(t.Context(), a, s.sign(t, "unknown", claims())); !errors.Is(err, auth.ErrFailed) {
		t.Errorf("an unknown key: %v", err)
	}
	later := claims("exp", fmt.Sprint(at.Unix()+100*3600))
	c.pass(24 * time.Hour)
	if _, err := bearer(t.Context(), a, s.sign(t, "k1", later)); err != nil {
		t.Errorf("after a day: %v", err)
	}
	c.pass(time.Second)
	if _, err := bearer(t.Context(), a, s.sign(t, "k1", later)); !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("after more than a day: %v", err)
	}
}

func TestKeySetComesBack(t *testing.T) {
	i, s := newIssuer(t), newSigner(t, "ES256", 256)
	i.does(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	a := i.authenticator(t, "ES256", newClock())
	i.offers(s.jwk("k1", ""))
	if id, err := bearer(t.Context(), a, s.sign(t, "k1", claims())); err != nil || id != "ann" {
		t.Errorf("Authenticate = %q, %v", id, err)
	}
}

// An issuer that does not answer holds up no request for longer than its context, and the start for no longer than the
// limit, which is not waited for here.
func TestKeySetHangs(t *testing.T) {
	i, s := newIssuer(t), newSigner(t, "ES256", 256)
	i.offers(s.jwk("k1", ""))
	a := i.authenticator(t, "ES256", newClock())
	release := make(chan struct{})
	defer close(release)
	i.does(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := bearer(ctx, a, s.sign(t, "k2", claims())); !errors.Is(err, auth.ErrFailed) {
		t.Errorf("an unknown key: %v", err)
	}
	if _, err := bearer(t.Context(), a, s.sign(t, "k1", claims())); err != nil {
		t.Errorf("a known key meanwhile: %v", err)
	}
}
