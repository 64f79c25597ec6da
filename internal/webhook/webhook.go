// Package webhook tells whether a request shows that its sender knows the secret of an endpoint.
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
)

// Method is how a request shows that.
type Method uint8

// The methods. The zero one demands nothing.
const (
	None      Method = iota
	InQuery          // ?secret=<the secret>
	Signature        // Endpoint-Signature: sha256=<the HMAC of the body under the secret, in hexadecimal>
)

const (
	parameter = "secret"
	header    = "Endpoint-Signature"
	prefix    = "sha256="
)

// Guard is what an endpoint demands. A method without a secret lets nobody in.
type Guard struct {
	Method Method
	Secret string
}

// String keeps the secret out of logs and errors.
func (Guard) String() string { return "[secret]" }

// GoString does so for %#v.
func (Guard) GoString() string { return "[secret]" }

// AdmitsQuery tells whether a query string has what the guard demands of it. A parameter that is sent twice shows nothing:
// nobody can say which one a component in front of us has looked at.
func (g Guard) AdmitsQuery(query string) bool {
	if g.Method != InQuery {
		return true
	}
	var sent []string
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil || plain != parameter {
			continue
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return false
		}
		sent = append(sent, value)
	}
	return g.Secret != "" && len(sent) == 1 && equal(sent[0], g.Secret)
}

// AdmitsBody tells whether the headers have a signature of the body, as it was sent, where the guard demands one.
func (g Guard) AdmitsBody(h http.Header, body []byte) bool {
	if g.Method != Signature {
		return true
	}
	values := h.Values(header)
	if g.Secret == "" || len(values) != 1 {
		return false
	}
	// The documentation once wrote the header with a second colon, and clients followed it.
	text, ok := strings.CutPrefix(strings.TrimPrefix(values[0], ":"), prefix)
	signature, err := hex.DecodeString(text)
	if !ok || err != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(g.Secret))
	_, _ = mac.Write(body) // never fails
	return hmac.Equal(signature, mac.Sum(nil))
}

// equal takes the same time for all texts of one length, whatever the secret is and however long.
func equal(sent, secret string) bool {
	a, b := sha256.Sum256([]byte(sent)), sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
