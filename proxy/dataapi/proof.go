package dataapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
)

// Validation is how a request proves that it comes from somebody who knows a secret.
type Validation uint8

// Ways to prove it.
const (
	NoValidation  Validation = iota
	QuerySecret              // the secret is the parameter secret of the query
	BodySignature            // Endpoint-Signature has the HMAC of the body
)

// Proof is what a request has to prove besides who its user is.
type Proof struct {
	Validation Validation
	Secret     string // without one nothing is proved
}

// check looks at the body as it was sent. All failures are one to the client, and nothing is compared byte by byte.
func (p Proof) check(r *http.Request, sent []byte) error {
	proved := p.Validation == NoValidation
	if p.Secret != "" {
		switch p.Validation {
		case QuerySecret:
			proved = p.inQuery(r.URL.RawQuery)
		case BodySignature:
			proved = p.signed(r.Header, sent)
		}
	}
	if !proved {
		return &failure{
			reason: "not_validated", status: http.StatusUnauthorized, code: codeWebhookAuth, text: "incoming webhook authentication failed",
		}
	}
	return nil
}

func (p Proof) inQuery(query string) bool {
	q, err := url.ParseQuery(query)
	given := q["secret"]
	if err != nil || len(given) != 1 {
		return false
	}
	// Hashes are of one length: that of the secret does not show either.
	want, got := sha256.Sum256([]byte(p.Secret)), sha256.Sum256([]byte(given[0]))
	return hmac.Equal(want[:], got[:])
}

func (p Proof) signed(h http.Header, sent []byte) bool {
	values := h.Values("Endpoint-Signature")
	if len(values) != 1 {
		return false
	}
	// The documentation once wrote Endpoint-Signature::sha256=…, and some clients do.
	text, ok := strings.CutPrefix(strings.TrimPrefix(values[0], ":"), "sha256=")
	got, err := hex.DecodeString(text)
	if !ok || err != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(p.Secret))
	mac.Write(sent)
	return hmac.Equal(mac.Sum(nil), got)
}
