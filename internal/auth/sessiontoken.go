package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/source"
)

// NoDevice is the id of the device that nobody has.
const NoDevice = "000000000000000000000000"

const (
	accessType  = "access"
	refreshType = "refresh"
	accessLife  = 30 * time.Minute
)

// MinTokenKey is how long a key that signs our tokens is at least, in bytes.
const MinTokenKey = 32

// ownHeader is the first part of every token of ours.
var ownHeader = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`))

// sessionToken is what a token of ours says.
type sessionToken struct {
	kind    string // accessType or refreshType
	user    string
	session string    // the id of the session
	key     string    // the API key that the session was opened with, if any
	revoked int64     // how often the tokens of the user had been revoked
	issued  time.Time // of one that is written
	expires time.Time

	// Information for clients.
	identity Identity // of a refresh token
	data     bson.Raw // of the user; custom data in an access token
}

// signer makes and reads the tokens of one app.
type signer struct {
	app    string
	domain string // what stands for the app in tokens
	store  UserStore

	key atomic.Pointer[[]byte] // nil until it is known
}

func newSigner(c Config) *signer {
	domain := sha256.Sum256([]byte("rolegate domain " + c.App))
	s := &signer{app: c.App, domain: hex.EncodeToString(domain[:12]), store: c.Users}
	if c.TokenKey != nil {
		s.key.Store(&c.TokenKey)
	}
	return s
}

// keyOf returns the signing key. The store may not have been reachable before; nobody waits for somebody else's question.
func (s *signer) keyOf(ctx context.Context) ([]byte, error) {
	if key := s.key.Load(); key != nil {
		return *key, nil
	}
	candidate := make([]byte, MinTokenKey)
	_, _ = rand.Read(candidate) // never fails
	key, err := s.store.TokenKey(ctx, s.app, candidate)
	if err != nil || len(key) < MinTokenKey {
		return nil, unavailable("the key that signs tokens", err)
	}
	s.key.Store(&key)
	return key, nil
}

// sign writes a token. Data that does not fit into a token that we would accept is left out.
func (s *signer) sign(ctx context.Context, t sessionToken) (string, error) {
	key, err := s.keyOf(ctx)
	if err != nil {
		return "", err
	}
	text, err := s.write(t)
	if err == nil {
		text += "." + base64.RawURLEncoding.EncodeToString(signature(key, text))
		_, err = readToken(text)
	}
	if err != nil && t.data != nil {
		t.data = nil
		return s.sign(ctx, t)
	}
	return text, err
}

// write writes what is signed.
func (s *signer) write(t sessionToken) (string, error) {
	claims := bson.D{
		{Key: "sub", Value: t.user},
		{Key: "iat", Value: t.issued.Unix()},
		{Key: "exp", Value: t.expires.Unix()},
		{Key: "typ", Value: t.kind},
		{Key: "rolegate_revoked", Value: t.revoked},
		{Key: "baas_device_id", Value: NoDevice},
		{Key: "baas_domain_id", Value: s.domain},
		{Key: "stitch_devId", Value: NoDevice},
		{Key: "stitch_domainId", Value: s.domain},
	}
	if t.key != "" {
		claims = append(claims, bson.E{Key: "rolegate_key", Value: t.key})
	}
	data := t.data
	if data == nil {
		data = bsonval.Empty()
	}
	if t.kind == accessType {
		claims = append(claims, bson.E{Key: "iss", Value: t.session}, bson.E{Key: "user_data", Value: data})
	} else {
		identity := bson.D{
			{Key: "id", Value: t.identity.ID}, {Key: "provider_type", Value: t.identity.Provider}, {Key: "provider_id", Value: s.domain},
		}
		for _, prefix := range []string{"baas_", "stitch_"} {
			claims = append(claims, bson.E{Key: prefix + "id", Value: t.session}, bson.E{Key: prefix + "identity", Value: identity},
				bson.E{Key: prefix + "data", Value: data})
		}
	}
	doc, err := bson.Marshal(claims)
	if err != nil {
		return "", err
	}
	payload, err := ejson.AppendRelaxed(nil, doc)
	if err != nil {
		return "", err
	}
	return ownHeader + "." + base64.RawURLEncoding.EncodeToString(payload), nil
}

func signature(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// read verifies a token. One that we have not signed is not ours, which is no error: somebody else may have. Whether it
// has expired is for the caller.
func (s *signer) read(ctx context.Context, text string) (t sessionToken, ours bool, err error) {
	cut := strings.LastIndexByte(text, '.')
	if !strings.HasPrefix(text, ownHeader+".") || cut < len(ownHeader)+1 || len(text) > maxToken {
		return t, false, nil
	}
	mac, err := decodePart(text[cut+1:])
	if err != nil {
		return t, false, nil //nolint:nilerr // nothing we have written
	}
	key, err := s.keyOf(ctx)
	if err != nil {
		return t, false, err
	}
	if !hmac.Equal(mac, signature(key, text[:cut])) {
		return t, false, nil
	}
	raw, err := readToken(text)
	if err != nil {
		return t, true, err
	}
	claim := func(name string) string {
		if v := raw.claims.Get(name); v != nil && v.Kind == source.String {
			return v.Str
		}
		return ""
	}
	if claim("baas_domain_id") != s.domain {
		return t, true, failed("the token is for another app")
	}
	t = sessionToken{kind: claim("typ"), user: raw.subject, session: claim("iss"), key: claim("rolegate_key")}
	if t.kind == refreshType {
		t.session = claim("baas_id")
	}
	seconds := func(name string) int64 {
		v := raw.claims.Get(name)
		if v == nil {
			return -1
		}
		n, err := strconv.ParseInt(v.Str, 10, 64)
		if err != nil {
			return -1
		}
		return n
	}
	t.revoked = seconds("rolegate_revoked")
	t.expires = time.Unix(seconds("exp"), 0)
	if t.revoked < 0 || t.session == "" {
		return t, true, failed("the token lacks a claim")
	}
	return t, true, nil
}

// sessionHash is what the store knows a session by.
func sessionHash(id string) string {
	hash := sha256.Sum256([]byte(id))
	return hex.EncodeToString(hash[:])
}
