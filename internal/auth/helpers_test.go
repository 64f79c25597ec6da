package auth_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rolegate/rolegate/internal/auth"
)

const (
	appID  = "app-abcde"
	secret = "0123456789abcdef0123456789abcdef"
)

// at is when the tests take place.
var at = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: at} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func mustNew(t *testing.T, c auth.Config) *auth.Authenticator {
	t.Helper()
	if c.App == "" {
		c.App = appID
	}
	if c.Now == nil {
		c.Now = newClock().Now
	}
	if c.AttemptsPerMinute == 0 {
		c.AttemptsPerMinute = -1
	}
	a, err := auth.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// bearer tries one token.
func bearer(ctx context.Context, a *auth.Authenticator, token string) (id string, err error) {
	u, err := a.Authenticate(ctx, auth.Credentials{Kind: auth.Bearer, Secret: token, RemoteAddress: "192.0.2.1"})
	if err != nil {
		return "", err
	}
	return u.ID, nil
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// claims are good ones, with changes: a value that is empty removes the claim, and every value is JSON.
func claims(changes ...string) string {
	all := []string{
		"sub", `"ann"`, "aud", `"` + appID + `"`,
		"iat", fmt.Sprint(at.Unix() - 60), "exp", fmt.Sprint(at.Unix() + 60),
	}
	var parts []string
	for i := 0; i < len(all); i += 2 {
		value := all[i+1]
		for j := 0; j < len(changes); j += 2 {
			if changes[j] == all[i] {
				value = changes[j+1]
			}
		}
		if value != "" {
			parts = append(parts, fmt.Sprintf("%q:%s", all[i], value))
		}
	}
	for j := 0; j < len(changes); j += 2 {
		if !strings.Contains(" sub aud iat exp ", " "+changes[j]+" ") {
			parts = append(parts, fmt.Sprintf("%q:%s", changes[j], changes[j+1]))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

const hs256 = `{"alg":"HS256","typ":"JWT"}`

// signHS signs with a secret, whatever the header says.
func signHS(header, payload, key string) string {
	text := encode(header) + "." + encode(payload)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func good(changes ...string) string { return signHS(hs256, claims(changes...), secret) }

// signer makes one key pair and signs with it.
type signer struct {
	alg     string
	private crypto.Signer
}

func newSigner(t *testing.T, alg string, bits int) *signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch alg[:2] {
	case "RS":
		key, err = rsa.GenerateKey(rand.Reader, bits)
	case "ES":
		curve := elliptic.P256()
		if bits == 384 {
			curve = elliptic.P384()
		}
		key, err = ecdsa.GenerateKey(curve, rand.Reader)
	default:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &signer{alg: alg, private: key}
}

func (s *signer) hash() crypto.Hash {
	return map[string]crypto.Hash{
		"RS256": crypto.SHA256, "RS384": crypto.SHA384, "RS512": crypto.SHA512, "ES256": crypto.SHA256, "ES384": crypto.SHA384,
	}[s.alg]
}

func (s *signer) sign(t *testing.T, kid, payload string) string {
	t.Helper()
	header := fmt.Sprintf(`{"alg":%q,"kid":%q}`, s.alg, kid)
	if kid == "" {
		header = fmt.Sprintf(`{"alg":%q}`, s.alg)
	}
	text := encode(header) + "." + encode(payload)
	digest := []byte(text)
	if s.hash() != 0 {
		h := s.hash().New()
		h.Write(digest)
		digest = h.Sum(nil)
	}
	var sig []byte
	var err error
	switch key := s.private.(type) {
	case *ecdsa.PrivateKey:
		r, ss, e := ecdsa.Sign(rand.Reader, key, digest)
		size := (key.Params().BitSize + 7) / 8
		sig, err = append(r.FillBytes(make([]byte, size)), ss.FillBytes(make([]byte, size))...), e
	default:
		sig, err = s.private.Sign(rand.Reader, digest, s.hash())
	}
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig)
}

func (s *signer) pem(t *testing.T) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(s.private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// jwk is the public key as a member of a key set, with more members.
func (s *signer) jwk(kid, more string) string {
	b64 := func(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }
	switch key := s.private.Public().(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf(`{"kty":"RSA","kid":%q,"n":%q,"e":"AQAB"%s}`, kid, b64(key.N), more)
	case *ecdsa.PublicKey:
		raw, err := key.Bytes() // 4, then both coordinates
		if err != nil {
			return err.Error()
		}
		x, y := raw[1:1+len(raw)/2], raw[1+len(raw)/2:]
		b64 := base64.RawURLEncoding.EncodeToString
		return fmt.Sprintf(`{"kty":"EC","crv":%q,"kid":%q,"x":%q,"y":%q%s}`, key.Params().Name, kid, b64(x), b64(y), more)
	case ed25519.PublicKey:
		return fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","kid":%q,"x":%q%s}`, kid, base64.RawURLEncoding.EncodeToString(key), more)
	}
	return ""
}
