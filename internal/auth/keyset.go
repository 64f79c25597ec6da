package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"

	"github.com/rolegate/rolegate/internal/source"
)

const (
	fetchTime     = 5 * time.Second
	fetchEvery    = 10 * time.Minute
	unknownEvery  = time.Minute // at most, for key ids that are not in the set
	keySetLife    = 24 * time.Hour
	maxKeySet     = 1 << 20 // bytes
	maxKeySetKeys = 100
)

// fetchedKeys has keyfunc fetch, refresh and look up the keys of a URL. What comes back over the wire passes through a
// keySetTransport first, which lets nothing but a small set of strong public keys through.
func fetchedKeys(ctx context.Context, p *Token, log *slog.Logger, now func() time.Time) (keySource, error) {
	u, err := CheckURL(p.KeySetURL)
	if err != nil {
		return nil, fmt.Errorf("the keys: %w", err)
	}
	dialer := &net.Dialer{Timeout: fetchTime, ControlContext: checkAddress(u.Hostname(), p.PrivateHosts)}
	transport := &keySetTransport{
		// No proxy: the address that is checked must be the one of the issuer.
		// No idle connections: the next fetch is minutes away, and nobody would close them.
		next:      &http.Transport{DialContext: dialer.DialContext, ForceAttemptHTTP2: true, DisableKeepAlives: true},
		algorithm: p.Algorithm,
		log:       log,
		now:       now,
	}
	kf, err := keyfunc.NewDefaultOverrideCtx(ctx, []string{p.KeySetURL}, keyfunc.Override{
		Client: &http.Client{
			Transport:     transport,
			Timeout:       fetchTime,
			CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("the issuer redirects") },
		},
		HTTPTimeout:       fetchTime,
		RefreshInterval:   fetchEvery,
		RefreshUnknownKID: rate.NewLimiter(rate.Every(unknownEvery), 1),
		RateLimitWaitMax:  fetchTime, // bounds the fetch that follows, too
		RefreshErrorHandlerFunc: func(string) func(context.Context, error) {
			return func(_ context.Context, err error) {
				log.Warn("the keys of the token issuer cannot be fetched", "host", u.Host, "error", err)
			}
		},
	})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, t *jwt.Token) (any, error) {
		key, err := kf.KeyfuncCtx(ctx)(t)
		if good := transport.good.Load(); good == nil || now().Sub(*good) > keySetLife {
			return nil, ErrUnavailable
		}
		if err != nil {
			return nil, err
		}
		return key, checkKey(p.Algorithm, key)
	}, nil
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// checkAddress refuses, once a name has been resolved, to connect to this machine and to private networks, where a
// name that somebody else controls may point. Hosts the operator listed, and names of this machine, may.
func checkAddress(host string, private []string) func(context.Context, string, string, syscall.RawConn) error {
	return func(_ context.Context, _, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		ip := ap.Addr().Unmap()
		switch {
		case slices.Contains(private, strings.ToLower(host)), loopback(host) && ip.IsLoopback():
			return nil
		case ip.IsLoopback(), ip.IsPrivate(), ip.IsLinkLocalUnicast(), !ip.IsGlobalUnicast():
			return errors.New("the issuer has an address of a private network, and its host is not listed")
		}
		return nil
	}
}

// keySetTransport answers with what is usable of a key set, or not at all.
type keySetTransport struct {
	next      http.RoundTripper
	algorithm string
	log       *slog.Logger
	now       func() time.Time

	good atomic.Pointer[time.Time] // when the set was last fetched; nil before
}

// RoundTrip implements http.RoundTripper.
func (t *keySetTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := t.next.RoundTrip(r)
	if err != nil || res.StatusCode != http.StatusOK {
		return res, err // which the caller refuses
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxKeySet+1))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return nil, err
	}
	if len(body) > maxKeySet {
		return nil, fmt.Errorf("the key set has more than %d bytes", maxKeySet)
	}
	set, dropped, err := usableKeys(body, t.algorithm)
	if err != nil {
		return nil, err
	}
	if dropped > 0 {
		t.log.Debug("keys of the token issuer are left out", "keys", dropped, "algorithm", t.algorithm)
	}
	now := t.now()
	t.good.Store(&now)
	res.Body = io.NopCloser(bytes.NewReader(set))
	res.ContentLength = int64(len(set))
	return res, nil
}

// usableKeys rewrites a key set to the public keys that may sign with the algorithm, and to the members that make the
// key: a certificate or the address of one is not looked at.
func usableKeys(text []byte, algorithm string) (set []byte, dropped int, err error) {
	v, problems := source.Parse(&source.File{Name: "keys", Text: text})
	keys := v.Get("keys")
	if len(problems) > 0 || keys == nil || keys.Kind != source.Array {
		return nil, 0, errors.New("the answer is no key set")
	}
	if len(keys.Items) > maxKeySetKeys {
		return nil, 0, fmt.Errorf("the key set has more than %d keys", maxKeySetKeys)
	}
	set = []byte(`{"keys":[`)
	seen := map[string]bool{}
	for _, k := range keys.Items {
		id := k.Get("kid")
		key, ok := publicKey(k, text)
		if !ok || id == nil || seen[id.Str] || !verifies(k, algorithm) || !strong(key, algorithm) {
			dropped++
			continue
		}
		if len(seen) > 0 {
			set = append(set, ',')
		}
		seen[id.Str] = true
		set = append(set, key...)
	}
	return append(set, `]}`...), dropped, nil
}

// publicKey copies the members of a public key.
func publicKey(k *source.Value, text []byte) ([]byte, bool) {
	key := []byte{'{'}
	for _, name := range []string{"kty", "kid", "crv", "n", "e", "x", "y"} {
		v := k.Get(name)
		if v == nil {
			continue
		}
		if v.Kind != source.String {
			return nil, false
		}
		if len(key) > 1 {
			key = append(key, ',')
		}
		key = append(append(key, '"'), name...)
		key = append(append(key, '"', ':'), text[v.Span.Start:v.Span.End]...)
	}
	return append(key, '}'), true
}

// verifies tells whether a key says nothing against being used for signatures of the algorithm.
func verifies(k *source.Value, algorithm string) bool {
	use, alg, operations := k.Get("use"), k.Get("alg"), k.Get("key_ops")
	if use != nil && use.Str != "sig" || alg != nil && alg.Str != algorithm {
		return false
	}
	return operations == nil || slices.ContainsFunc(operations.Items, func(o *source.Value) bool { return o.Str == "verify" })
}

// strong tells whether the key can be read and is one for the algorithm.
func strong(key []byte, algorithm string) bool {
	kf, err := keyfunc.NewJWKJSON(key)
	if err != nil {
		return false
	}
	set, err := kf.VerificationKeySet(context.Background())
	return err == nil && len(set.Keys) == 1 && checkKey(algorithm, set.Keys[0]) == nil
}
