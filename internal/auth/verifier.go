package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/source"
)

// Token is the custom-token provider: whose tokens are accepted, and what becomes of their claims.
type Token struct {
	// Algorithm is the only one accepted: HS256, RS256, ES256, their longer variants, or EdDSA.
	Algorithm string
	// Keys are one to three secrets of at least 32 bytes for HS, public keys in PEM for the others.
	Keys []string
	// KeySetURL is where the keys are fetched from instead: https, or http on this machine.
	KeySetURL string
	// PrivateHosts are hosts, in lower case, that may have addresses of private networks when KeySetURL names them.
	PrivateHosts []string

	// Audiences must all be named by a token, or one of them with AnyAudience. Without any it is the app id.
	Audiences   []string
	AnyAudience bool
	Issuer      string // empty accepts any

	Metadata []MetadataField
}

const (
	leeway       = time.Minute // for clocks that differ
	minSecret    = 32          // bytes
	minRSA       = 2048        // bits
	maxTokenKeys = 3
)

// verifier verifies the tokens of one provider.
type verifier struct {
	algorithm string
	keys      keySource
	needsID   bool // the token must say which key of the set signed it
	parser    *jwt.Parser
	validator *jwt.Validator
	metadata  []MetadataField
	also      func(claims *source.Value) error // what else must hold; nil is nothing
}

// keySource returns the keys that may have signed a token.
type keySource func(ctx context.Context, t *jwt.Token) (any, error)

func newVerifier(ctx context.Context, c Config) (*verifier, error) {
	p := c.Token
	v := &verifier{algorithm: p.Algorithm, metadata: p.Metadata, needsID: p.KeySetURL != ""}
	var err error
	switch {
	case !knownAlgorithm(p.Algorithm):
		return nil, fmt.Errorf("custom-token: the algorithm %q is not supported", p.Algorithm)
	case p.KeySetURL != "" && symmetric(p.Algorithm):
		return nil, fmt.Errorf("custom-token: %s has secret keys, which no URL may offer", p.Algorithm)
	case p.KeySetURL != "":
		v.keys, err = fetchedKeys(ctx, p, c.Logger, c.Now)
	default:
		v.keys, err = givenKeys(p.Algorithm, p.Keys)
	}
	if err != nil {
		return nil, fmt.Errorf("custom-token: %w", err)
	}
	audiences := p.Audiences
	if len(audiences) == 0 {
		audiences = []string{c.App}
	}
	if c.App == "" && len(p.Audiences) == 0 {
		return nil, errors.New("custom-token: neither an audience nor an app id to take its place")
	}
	options := []jwt.ParserOption{
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(leeway), jwt.WithTimeFunc(c.Now),
	}
	if p.AnyAudience {
		options = append(options, jwt.WithAudience(audiences...))
	} else {
		options = append(options, jwt.WithAllAudiences(audiences...))
	}
	if p.Issuer != "" {
		options = append(options, jwt.WithIssuer(p.Issuer))
	}
	v.parser = jwt.NewParser(jwt.WithValidMethods([]string{p.Algorithm}), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation())
	v.validator = jwt.NewValidator(options...)
	return v, nil
}

// verify returns the subject of a good token and the user data it brings.
func (v *verifier) verify(ctx context.Context, text string) (subject string, data bson.Raw, err error) {
	t, err := readToken(text)
	if err != nil {
		return "", nil, err
	}
	// Before any key is looked up: a key must never be used with an algorithm it is not meant for.
	if t.algorithm != v.algorithm {
		return "", nil, failed("the token has another algorithm")
	}
	if v.needsID && !t.hasKeyID {
		return "", nil, failed("the token does not name its key")
	}
	claims := jwt.MapClaims{}
	_, err = v.parser.ParseWithClaims(text, claims, func(t *jwt.Token) (any, error) { return v.keys(ctx, t) })
	switch {
	case errors.Is(err, ErrUnavailable):
		return "", nil, unavailable("the keys of the issuer", err)
	case err != nil:
		return "", nil, failed("the signature of the token is not valid")
	}
	if err := v.validate(claims); err != nil {
		return "", nil, err
	}
	if v.also != nil {
		if err := v.also(t.claims); err != nil {
			return "", nil, err
		}
	}
	data, err = userData(t.claims, v.metadata)
	return t.subject, data, err
}

// validate compares the registered claims of a token whose signature is valid.
func (v *verifier) validate(claims jwt.MapClaims) error {
	err := v.validator.Validate(claims)
	if err == nil {
		return nil
	}
	for _, other := range []struct {
		is     error
		reason string
	}{
		{jwt.ErrTokenInvalidAudience, "the token is for somebody else"},
		{jwt.ErrTokenRequiredClaimMissing, "the token lacks a claim"},
		{jwt.ErrTokenInvalidIssuer, "the token is from somebody else"},
		{jwt.ErrTokenNotValidYet, "the token is not valid yet"},
		{jwt.ErrTokenUsedBeforeIssued, "the token comes from the future"},
	} {
		if errors.Is(err, other.is) {
			return failed(other.reason)
		}
	}
	if errors.Is(err, jwt.ErrTokenExpired) {
		return &failure{kind: ErrExpired, reason: "its time is over"}
	}
	return failed("the claims of the token are not valid")
}

func knownAlgorithm(name string) bool {
	switch name {
	case "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "EdDSA":
		return true
	}
	return false
}

func symmetric(algorithm string) bool { return strings.HasPrefix(algorithm, "HS") }

// givenKeys reads the keys that the operator gave. Errors count them and tell nothing of what they hold.
func givenKeys(algorithm string, texts []string) (keySource, error) {
	if len(texts) == 0 || len(texts) > maxTokenKeys {
		return nil, fmt.Errorf("%d signing keys: there must be one to %d", len(texts), maxTokenKeys)
	}
	var set jwt.VerificationKeySet
	for i, text := range texts {
		key, err := readKey(algorithm, text)
		if err != nil {
			return nil, fmt.Errorf("signing key %d: %w", i+1, err)
		}
		set.Keys = append(set.Keys, key)
	}
	return func(context.Context, *jwt.Token) (any, error) { return set, nil }, nil
}

// readKey reads one key. The text of the decoders' errors may quote it and is dropped.
func readKey(algorithm, text string) (any, error) {
	if symmetric(algorithm) {
		if len(text) < minSecret {
			return nil, fmt.Errorf("a secret of %s has at least %d bytes", algorithm, minSecret)
		}
		if strings.HasPrefix(strings.TrimSpace(text), "-----BEGIN ") {
			return nil, fmt.Errorf("a key in PEM form is no secret for %s: everybody may know it", algorithm)
		}
		return []byte(text), nil
	}
	var key crypto.PublicKey
	var err error
	switch algorithm[:2] {
	case "RS":
		key, err = jwt.ParseRSAPublicKeyFromPEM([]byte(text))
	case "ES":
		key, err = jwt.ParseECPublicKeyFromPEM([]byte(text))
	default:
		key, err = jwt.ParseEdPublicKeyFromPEM([]byte(text))
	}
	if err != nil {
		return nil, fmt.Errorf("not a public key for %s in PEM form", algorithm)
	}
	return key, checkKey(algorithm, key)
}

// checkKey refuses keys that are weak or meant for another algorithm.
func checkKey(algorithm string, key any) error {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if !strings.HasPrefix(algorithm, "RS") {
			break
		}
		if k.N.BitLen() < minRSA || k.E < 3 || k.E%2 == 0 {
			return fmt.Errorf("an RSA key has at least %d bits and a sound exponent", minRSA)
		}
		return nil
	case *ecdsa.PublicKey:
		if bits := map[string]int{"ES256": 256, "ES384": 384}[algorithm]; bits == k.Curve.Params().BitSize {
			return nil
		}
	case ed25519.PublicKey:
		if algorithm == "EdDSA" {
			return nil
		}
	}
	return fmt.Errorf("the key is not one for %s", algorithm)
}
