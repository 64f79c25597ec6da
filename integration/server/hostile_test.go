package server_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rolegate/rolegate/internal/policytest"
)

// leastHostile is how many hostile tokens there are at least, and how many other credentials.
const leastHostile = 60

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// mac256 signs with HS256, whatever the header says.
func mac256(header, claims, key string) string {
	text := b64(header) + "." + b64(claims)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return text + "." + b64(string(mac.Sum(nil)))
}

const headerHS = `{"alg":"HS256","typ":"JWT"}`

// claimsOf are good claims with changes, in pairs of a name and its JSON. An empty text leaves a claim out.
func claimsOf(changes ...string) string {
	now := time.Now().Unix()
	all := []string{"sub", `"ann"`, "aud", `"` + policytest.AppID + `"`, "iat", fmt.Sprint(now), "exp", fmt.Sprint(now + 600)}
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

// claimed is a token with such claims that is signed as it should be.
func claimed(changes ...string) string {
	return mac256(headerHS, claimsOf(changes...), policytest.TokenSecret)
}

// headed is a token with good claims and another header, signed with the right key.
func headed(header string) string { return mac256(header, claimsOf(), policytest.TokenSecret) }

// try asks with headers and a body, each time from another address, and returns "status code".
func (c client) try(method, url, body string, headers ...string) string {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	c.requests++
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("192.0.%d.%d", 2+c.requests/250, 1+c.requests%250))
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header[http.CanonicalHeaderKey(headers[i])] = append(req.Header[http.CanonicalHeaderKey(headers[i])], headers[i+1])
	}
	status, text, _ := strings.Cut(c.send(req), " ")
	return status + " " + codeIn(text)
}

// codeIn is the error code of an answer, or all of an answer that has none.
func codeIn(text string) string {
	_, code, ok := strings.Cut(text, `"error_code":"`)
	if !ok {
		return text
	}
	code, _, _ = strings.Cut(code, `"`)
	return code
}

func (c client) find(headers ...string) string {
	c.t.Helper()
	return c.try(http.MethodPost, c.url(c.s, "find"), c.body("notes", ""), headers...)
}

func (c client) door(method, path, body string, headers ...string) string {
	c.t.Helper()
	return c.try(method, "http://"+c.s.Addr().String()+"/api/client/v2.0/"+path, body, headers...)
}

// everywhere shows a token at every door that takes tokens, and wants it refused in the way of each.
func (c client) everywhere(name, token string) {
	c.t.Helper()
	if !strings.ContainsAny(token, "\x00\r\n") {
		for _, header := range [][2]string{{"Authorization", "Bearer " + token}, {"jwtTokenString", token}} {
			if token == "" && header[0] == "jwtTokenString" {
				continue // no credentials at all
			}
			if got := c.find(header[0], header[1]); got != "401 InvalidSession" {
				c.t.Errorf("%s as %s: %s, want 401 InvalidSession", name, header[0], got)
			}
		}
	}
	body := strings.NewReplacer("\n", `\n`, "\r", `\r`, "\x00", `\u0000`).Replace(token)
	if got := c.door("POST", c.app("auth/providers/custom-token/login"), `{"token":"`+body+`"}`); got != "401 AuthError" {
		c.t.Errorf("%s to log in: %s, want 401 AuthError", name, got)
	}
}

// TestHostileTokens shows tokens of the provider custom-token that must not be accepted at every door. threats.md 10 has the
// list that they come from.
func TestHostileTokens(t *testing.T) {
	c, _ := newFunctionsClient(t, usersApp)
	if got := c.find("jwtTokenString", claimed()); !strings.HasPrefix(got, "200 ") {
		t.Fatalf("a good token: %s", got)
	}
	parts := strings.Split(claimed(), ".")
	at := func(seconds int64) string { return fmt.Sprint(time.Now().Unix() + seconds) }
	other := sha512.New384()
	other.Write([]byte("x"))
	tokens := []struct{ name, token string }{
		// The algorithm.
		{"alg none, unsigned", b64(`{"alg":"none"}`) + "." + parts[1] + "."},
		{"alg none, signed", headed(`{"alg":"none"}`)},
		{"alg NONE", headed(`{"alg":"NONE"}`)},
		{"alg nOnE, unsigned", b64(`{"alg":"nOnE"}`) + "." + parts[1] + "."},
		{"alg empty", headed(`{"alg":""}`)},
		{"alg null", headed(`{"alg":null}`)},
		{"alg missing", headed(`{"typ":"JWT"}`)},
		{"alg as a list", headed(`{"alg":["HS256"]}`)},
		{"alg in lower case", headed(`{"alg":"hs256"}`)},
		{"alg twice, none first", headed(`{"alg":"none","alg":"HS256"}`)},
		{"alg twice, none last", headed(`{"alg":"HS256","alg":"none"}`)},
		{"alg twice, once escaped", headed(`{"alg":"HS256","a\u006cg":"none"}`)},
		{"alg HS384", headed(`{"alg":"HS384"}`)},
		{"alg HS512", headed(`{"alg":"HS512"}`)},
		{"alg RS256", headed(`{"alg":"RS256"}`)},
		{"alg ES256 with the signature of zeros", b64(`{"alg":"ES256"}`) + "." + parts[1] + "." + b64(string(make([]byte, 64)))},
		{"alg EdDSA", headed(`{"alg":"EdDSA"}`)},
		{"alg dir, encrypted", b64(`{"alg":"dir","enc":"A128GCM"}`) + "..AAAA.AAAA.AAAA"},
		{"crit", headed(`{"alg":"HS256","crit":["exp"]}`)},
		{"crit, empty", headed(`{"alg":"HS256","crit":[]}`)},
		{"b64 false", headed(`{"alg":"HS256","b64":false}`)},

		// The key.
		{"no key", mac256(headerHS, claimsOf(), "")},
		{"another key", mac256(headerHS, claimsOf(), "another key, of thirty-two bytes")},
		{"a part of the key", mac256(headerHS, claimsOf(), policytest.TokenSecret[1:])},
		{"the name of the key", mac256(headerHS, claimsOf(), policytest.TokenSecretName)},
		{"the app id as key", mac256(headerHS, claimsOf(), policytest.AppID)},
		{"a file as key id, its content as key", mac256(`{"alg":"HS256","kid":"../../../../dev/null"}`, claimsOf(), "")},
		{"a query as key id", mac256(`{"alg":"HS256","kid":"x' UNION SELECT 'k"}`, claimsOf(), "k")},
		{"a number as key id", headed(`{"alg":"HS256","kid":1}`)},
		{"an object as key id", headed(`{"alg":"HS256","kid":{"$ne":""}}`)},
		{"a long key id", headed(`{"alg":"HS256","kid":"` + strings.Repeat("k", 2000) + `"}`)},
		{"a key of its own", mac256(`{"alg":"HS256","jwk":{"kty":"oct","k":"a2V5"}}`, claimsOf(), "key")},
		{"the address of a key", mac256(`{"alg":"HS256","jku":"http://127.0.0.1:1/k"}`, claimsOf(), "key")},

		// The signature and the form.
		{"no signature", parts[0] + "." + parts[1] + "."},
		{"a short signature", parts[0] + "." + parts[1] + "." + parts[2][:40]},
		{"a signature of another token", parts[0] + "." + b64(claimsOf("sub", `"bob"`)) + "." + parts[2]},
		{"a signature of another length", parts[0] + "." + parts[1] + "." + b64(string(other.Sum(nil)))},
		{"a padded signature", parts[0] + "." + parts[1] + "." + parts[2] + "="},
		{"bits after the signature", parts[0] + "." + parts[1] + "." + parts[2][:42] + string(parts[2][42]+1)},
		{"two parts", parts[0] + "." + parts[1]},
		{"four parts", claimed() + ".x"},
		{"dots", ".."},
		{"nothing", ""},
		{"a line break", parts[0] + "." + parts[1] + "\n." + parts[2]},
		{"NUL", claimed() + "\x00"},
		{"oversized", claimed("x", `"`+strings.Repeat("x", 16<<10)+`"`)},
		{"nested without end", claimed("x", strings.Repeat("[", 5000)+strings.Repeat("]", 5000))},
		{"claims that are a list", mac256(headerHS, "["+claimsOf()+"]", policytest.TokenSecret)},
		{"claims that are null", mac256(headerHS, "null", policytest.TokenSecret)},
		{"claims with more behind them", mac256(headerHS, claimsOf()+"{}", policytest.TokenSecret)},
		{"claims that are no UTF-8", claimed("x", "\"\xff\"")},
		{"claims with a mark of byte order", mac256(headerHS, "\ufeff"+claimsOf(), policytest.TokenSecret)},
		{"a header that is no object", headed(`"HS256"`)},

		// Claims.
		{"sub twice", claimed("x", `1,"sub":"bob"`)},
		{"sub twice, once escaped", claimed("x", `1,"\u0073ub":"bob"`)},
		{"aud twice", claimed("x", `1,"aud":"other"`)},
		{"exp twice", claimed("exp", at(-3600), "x", `1,"exp":`+at(3600))},
		{"a name twice below", claimed("x", `{"a":1,"a":2}`)},
		{"no sub", claimed("sub", "")},
		{"an empty sub", claimed("sub", `""`)},
		{"a sub that is null", claimed("sub", `null`)},
		{"a sub that is a number", claimed("sub", `7`)},
		{"a sub that is an operator", claimed("sub", `{"$gt":""}`)},
		{"a sub that is a list", claimed("sub", `["ann"]`)},
		{"a long sub", claimed("sub", `"`+strings.Repeat("a", 256)+`"`)},
		{"a Sub", claimed("sub", "", "Sub", `"ann"`)},
		{"no aud", claimed("aud", "")},
		{"another aud", claimed("aud", `"other-app"`)},
		{"a part of the aud", claimed("aud", `"`+policytest.AppID[:4]+`"`)},
		{"the aud and more", claimed("aud", `"`+policytest.AppID+` other"`)},
		{"the aud in capitals", claimed("aud", `"`+strings.ToUpper(policytest.AppID)+`"`)},
		{"a list of lists as aud", claimed("aud", `[["`+policytest.AppID+`"]]`)},
		{"an object as aud", claimed("aud", `{"`+policytest.AppID+`":true}`)},
		{"no exp", claimed("exp", "")},
		{"expired", claimed("exp", at(-3600))},
		{"an exp that is a string", claimed("exp", `"`+at(3600)+`"`)},
		{"an exp that is null", claimed("exp", `null`)},
		{"an exp below zero", claimed("exp", `-1`)},
		{"an exp after all time", claimed("exp", `1e300`)},
		{"an exp that is no double", claimed("exp", `1e400`)},
		{"an nbf to come", claimed("nbf", at(3600))},
		{"an nbf that is a string", claimed("nbf", `"0"`)},
		{"an iat to come", claimed("iat", at(3600))},
		{"an iss that is a list", claimed("iss", `["x"]`)},
	}
	for _, tt := range tokens {
		c.everywhere(tt.name, tt.token)
	}
	if len(tokens) < leastHostile {
		t.Errorf("%d hostile tokens, want at least %d", len(tokens), leastHostile)
	}
	t.Logf("%d hostile tokens", len(tokens))
	if got := c.find("jwtTokenString", claimed()); !strings.HasPrefix(got, "200 ") {
		t.Errorf("a good token after all that: %s", got)
	}
}

func decode(part string) (string, error) {
	text, err := base64.RawURLEncoding.DecodeString(part)
	return string(text), err
}
