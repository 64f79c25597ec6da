package server_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rolegate/rolegate/integration/testdb"
	"github.com/rolegate/rolegate/internal/policytest"
	"github.com/rolegate/rolegate/internal/source"
)

// issuerApp takes tokens that are signed with RS256, by keys from ISSUER.
var issuerApp = strings.Replace(strings.Replace(usersApp, `"signingAlgorithm": "HS256"}`,
	`"signingAlgorithm": "RS256", "useJWKURI": true, "jwkURI": "ISSUER"}`, 1),
	`"secret_config": {"signingKeys": ["`+policytest.TokenSecretName+`"]},`, "", 1)

// issuer offers keys, as its answer says.
type issuer struct {
	*httptest.Server
	answer atomic.Pointer[http.HandlerFunc]
	asked  atomic.Int32
}

func newIssuer(t *testing.T, answer http.HandlerFunc) *issuer {
	t.Helper()
	i := &issuer{}
	i.answer.Store(&answer)
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.asked.Add(1)
		(*i.answer.Load())(w, r)
	}))
	t.Cleanup(i.Close)
	return i
}

func offering(keys ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"keys":[`+strings.Join(keys, ",")+`]}`)
	}
}

func newIssuerClient(t *testing.T, issuer string) client {
	t.Helper()
	h := newHouse(t, testdb.Open(t), strings.Replace(issuerApp, "ISSUER", issuer, 1))
	h.options.Settings = &source.File{Name: "settings", Text: []byte(trusting)}
	s, _ := h.start()
	return client{h, s}
}

// pair is a key of an issuer.
type pair struct{ *rsa.PrivateKey }

func newPair(t *testing.T, bits int) pair {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return pair{key}
}

func (p pair) jwk(kid, more string) string {
	return fmt.Sprintf(`{"kty":"RSA","kid":%q,"n":%q,"e":%q%s}`, kid, b64(string(p.N.Bytes())), b64(string(big.NewInt(int64(p.E)).Bytes())), more)
}

// sign signs good claims with RS256, or by another hash.
func (p pair) sign(t *testing.T, header string, hash crypto.Hash) string {
	t.Helper()
	text := b64(header) + "." + b64(claimsOf())
	h := hash.New()
	h.Write([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, p.PrivateKey, hash, h.Sum(nil))
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + b64(string(signature))
}

// TestHostileKeys shows tokens that want another key than the issuer's to count.
func TestHostileKeys(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0") // to make a key that is too short
	good, evil, short := newPair(t, 2048), newPair(t, 2048), newPair(t, 1024)
	keys := newIssuer(t, offering(good.jwk("k1", ""), short.jwk("short", ""), evil.jwk("enc", `,"use":"enc"`), evil.jwk("rs512", `,"alg":"RS512"`)))
	theirs := newIssuer(t, offering(evil.jwk("k1", "")))
	c := newIssuerClient(t, keys.URL)
	rs := func(p pair, header string) string { return p.sign(t, header, crypto.SHA256) }
	if got := c.find("jwtTokenString", rs(good, `{"alg":"RS256","kid":"k1"}`)); !strings.HasPrefix(got, "200 ") {
		t.Fatalf("a good token: %s", got)
	}
	der, err := x509.MarshalPKIXPublicKey(good.Public())
	if err != nil {
		t.Fatal(err)
	}
	public := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	for _, tt := range []struct{ name, token string }{
		{"the public key as a secret, PEM", mac256(`{"alg":"HS256","kid":"k1"}`, claimsOf(), public)},
		{"the public key as a secret, PEM without its last line break", mac256(`{"alg":"HS256","kid":"k1"}`, claimsOf(), strings.TrimSpace(public))},
		{"the public key as a secret, DER", mac256(`{"alg":"HS256","kid":"k1"}`, claimsOf(), string(der))},
		{"the public key as a secret, its modulus", mac256(`{"alg":"HS256","kid":"k1"}`, claimsOf(), string(good.N.Bytes()))},
		{"the public key as a secret, JWK", mac256(`{"alg":"HS256","kid":"k1"}`, claimsOf(), good.jwk("k1", ""))},
		{"the public key as a secret, said to be RS256", mac256(`{"alg":"RS256","kid":"k1"}`, claimsOf(), public)},
		{"none", b64(`{"alg":"none","kid":"k1"}`) + "." + b64(claimsOf()) + "."},
		{"no key id", rs(good, `{"alg":"RS256"}`)},
		{"an empty key id", rs(good, `{"alg":"RS256","kid":""}`)},
		{"the key id in capitals", rs(good, `{"alg":"RS256","kid":"K1"}`)},
		{"a path as key id", rs(good, `{"alg":"RS256","kid":"./k1"}`)},
		{"an address as key id", rs(evil, `{"alg":"RS256","kid":"`+theirs.URL+`"}`)},
		{"key ids", rs(good, `{"alg":"RS256","kid":["k1"]}`)},
		{"the key id of another key", rs(evil, `{"alg":"RS256","kid":"k1"}`)},
		{"a key that is too short", rs(short, `{"alg":"RS256","kid":"short"}`)},
		{"a key for encryption", rs(evil, `{"alg":"RS256","kid":"enc"}`)},
		{"a key for another algorithm", rs(evil, `{"alg":"RS256","kid":"rs512"}`)},
		{"a key in the token", rs(evil, `{"alg":"RS256","kid":"k1","jwk":`+evil.jwk("k1", "")+`}`)},
		{"the address of a key set", rs(evil, `{"alg":"RS256","kid":"k1","jku":"`+theirs.URL+`"}`)},
		{"the address of a certificate", rs(evil, `{"alg":"RS256","kid":"k1","x5u":"`+theirs.URL+`"}`)},
		{"a certificate", rs(evil, `{"alg":"RS256","kid":"k1","x5c":["`+base64.StdEncoding.EncodeToString(der)+`"]}`)},
		{"RS512 by the right key", good.sign(t, `{"alg":"RS512","kid":"k1"}`, crypto.SHA512)},
		{"RS512, said to be RS256", good.sign(t, `{"alg":"RS256","kid":"k1"}`, crypto.SHA512)},
		{"PS256", rs(good, `{"alg":"PS256","kid":"k1"}`)},
		{"ES256, zeros", b64(`{"alg":"ES256","kid":"k1"}`) + "." + b64(claimsOf()) + "." + b64(string(make([]byte, 64)))},
	} {
		c.everywhere(tt.name, tt.token)
	}
	if n := theirs.asked.Load(); n != 0 {
		t.Errorf("we fetched keys from where a token says, %d times", n)
	}
}

// TestHostileIssuers holds what becomes of good tokens when the keys cannot be fetched, or are none.
func TestHostileIssuers(t *testing.T) {
	key := newPair(t, 2048)
	token := key.sign(t, `{"alg":"RS256","kid":"k1"}`, crypto.SHA256)
	elsewhere := newIssuer(t, offering(key.jwk("k1", "")))
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"redirects", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) }, "503 InternalServerError"},
		{"fails", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, "503 InternalServerError"},
		{"answers a page", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, "503 InternalServerError"},
		{"answers without end", func(w http.ResponseWriter, _ *http.Request) {
			for range 3 << 10 {
				_, _ = io.WriteString(w, strings.Repeat(" ", 1<<10))
			}
		}, "503 InternalServerError"},
		{"offers a secret", offering(`{"kty":"oct","kid":"k1","k":"a2V5"}`), "401 InvalidSession"},
		{"offers somebody else's key", offering(newPair(t, 2048).jwk("k1", "")), "401 InvalidSession"},
		{"offers nothing", offering(), "401 InvalidSession"},
	} {
		c := newIssuerClient(t, newIssuer(t, tt.answer).URL)
		if got := c.find("jwtTokenString", token); got != tt.want {
			t.Errorf("an issuer that %s: %s, want %s", tt.name, got, tt.want)
		}
		if got := c.door("POST", c.app("auth/providers/anon-user/login"), ""); !strings.HasPrefix(got, "200 ") {
			t.Errorf("an issuer that %s: others cannot log in: %s", tt.name, got)
		}
	}
	if n := elsewhere.asked.Load(); n != 0 {
		t.Errorf("we fetched keys from where the issuer sent us, %d times", n)
	}

	// One that hangs holds up who needs a key that is not known, for a while, and nobody else.
	hangs := newIssuer(t, offering(key.jwk("k1", "")))
	c := newIssuerClient(t, hangs.URL)
	var hang http.HandlerFunc = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	hangs.answer.Store(&hang)
	waiting := make(chan string, 1)
	unknown := key.sign(t, `{"alg":"RS256","kid":"k2"}`, crypto.SHA256)
	asked := hangs.asked.Load()
	go func() {
		waiting <- (&house{t: t, db: c.db, database: c.database}).ask(c.s, "jwtTokenString", unknown, "find", "notes", "")
	}()
	for hangs.asked.Load() == asked {
		if got := c.find("jwtTokenString", token); !strings.HasPrefix(got, "200 ") {
			t.Fatalf("a known key meanwhile: %s", got)
		}
	}
	if got := c.find("jwtTokenString", token); !strings.HasPrefix(got, "200 ") {
		t.Errorf("a known key while the issuer hangs: %s", got)
	}
	if got := <-waiting; !strings.HasPrefix(got, "401 ") {
		t.Errorf("an unknown key: %s", got)
	}
}
