package auth

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/rolegate/rolegate/internal/source"
)

const (
	maxToken   = 16 << 10 // bytes
	maxSubject = 255      // bytes
	maxKeyID   = 1024     // bytes of kid
	// maxTime is the last second of the year 9999. Later times only serve to make arithmetic overflow.
	maxTime = 253402300799
)

// token is what a token says, strictly read and not verified.
type token struct {
	algorithm string
	keyID     string
	hasKeyID  bool
	subject   string
	claims    *source.Value
}

// readToken takes a token apart. It accepts less than the library that verifies it: no padding, no line breaks, no name
// twice, every registered claim of its own type.
func readToken(text string) (*token, error) {
	if len(text) > maxToken {
		return nil, failed("the token is too long")
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil, failed("a token has three parts")
	}
	header, err := readPart(parts[0])
	if err != nil {
		return nil, err
	}
	claims, err := readPart(parts[1])
	if err != nil {
		return nil, err
	}
	if _, err := decodePart(parts[2]); err != nil {
		return nil, err
	}
	t := &token{claims: claims}
	if err := t.readHeader(header); err != nil {
		return nil, err
	}
	return t, t.checkClaims()
}

// readPart reads a part that is a JSON object. Every problem counts, also those that are warnings elsewhere.
func readPart(part string) (*source.Value, error) {
	text, err := decodePart(part)
	if err != nil {
		return nil, err
	}
	v, problems := source.Parse(&source.File{Name: "token", Text: text})
	if len(problems) > 0 || v.Kind != source.Object {
		return nil, failed("a part of the token is no plain JSON object")
	}
	return v, nil
}

// decodePart decodes base64url without padding. The decoder itself would skip line breaks.
func decodePart(part string) ([]byte, error) {
	if strings.ContainsAny(part, "\r\n") {
		return nil, failed("a line break in a token")
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil {
		return nil, failed("a part of the token is not base64url")
	}
	return text, nil
}

// readHeader reads what names the key. Members that bring a key of their own, or say where to fetch one, are ignored;
// one that changes what the signature means is refused.
func (t *token) readHeader(header *source.Value) error {
	alg := header.Get("alg")
	if alg == nil || alg.Kind != source.String {
		return failed("the token names no algorithm")
	}
	t.algorithm = alg.Str
	if header.Get("crit") != nil || header.Get("b64") != nil {
		return failed("the token demands extensions")
	}
	if kid := header.Get("kid"); kid != nil {
		if kid.Kind != source.String || len(kid.Str) > maxKeyID {
			return failed("the key id of the token is no short string")
		}
		t.keyID, t.hasKeyID = kid.Str, true
	}
	return nil
}

// checkClaims checks the types of the registered claims. What they say is compared by the library.
func (t *token) checkClaims() error {
	sub := t.claims.Get("sub")
	if sub == nil || sub.Kind != source.String || sub.Str == "" || len(sub.Str) > maxSubject {
		return failed("the subject of the token is no short string")
	}
	t.subject = sub.Str
	if t.claims.Get("exp") == nil {
		return failed("the token never expires")
	}
	for _, name := range []string{"exp", "nbf", "iat"} {
		if v := t.claims.Get(name); v != nil && !isTime(v) {
			return failed("a time in the token is not valid")
		}
	}
	if iss := t.claims.Get("iss"); iss != nil && iss.Kind != source.String {
		return failed("the issuer of the token is no string")
	}
	return t.checkAudience()
}

func (t *token) checkAudience() error {
	aud := t.claims.Get("aud")
	if aud == nil || aud.Kind == source.String {
		return nil // compared later
	}
	if aud.Kind != source.Array {
		return failed("the audience of the token is neither a string nor a list")
	}
	for _, x := range aud.Items {
		if x.Kind != source.String {
			return failed("the audience of the token is no list of strings")
		}
	}
	return nil
}

// isTime tells whether a value is a number of seconds since 1970.
func isTime(v *source.Value) bool {
	if v.Kind != source.Number {
		return false
	}
	seconds, err := strconv.ParseFloat(v.Str, 64)
	return err == nil && seconds > 0 && seconds <= maxTime
}
