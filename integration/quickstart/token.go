package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"time"
)

// tokenLife is long enough for an afternoon of trying.
const tokenLife = 24 * time.Hour

// token is what the identity provider of the example would give a person: a JSON Web Token, signed with HS256.
func token(p person, appID, key string, now time.Time) (string, error) {
	claims := map[string]any{"sub": p.ID, "aud": appID, "iat": now.Unix(), "exp": now.Add(tokenLife).Unix()}
	for name, v := range maps.All(p.Data) {
		claims[name] = v
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(payload)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return text + "." + encode(mac.Sum(nil)), nil
}
