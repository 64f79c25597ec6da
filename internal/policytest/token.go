package policytest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/ejson"
)

// tokenLife is how long a token is good.
const tokenLife = time.Hour

// Token is a JSON Web Token of a user, made at now, as the custom-token provider that [Case.Files] supplies
// accepts it: the id is the subject, and each key of the data a claim.
func Token(u *User, now time.Time) string {
	return Signed{App: AppID, Key: TokenSecret, Life: tokenLife}.Token(u, now)
}

// Signed says what tokens of a custom-token provider with HS256 are made of.
type Signed struct {
	App  string // the client app id, which is the audience
	Key  string
	Life time.Duration
}

// Token is a token of a user, made at now.
func (s Signed) Token(u *User, now time.Time) string {
	claims := bson.D{
		{Key: "sub", Value: u.ID},
		{Key: "aud", Value: s.App},
		{Key: "iat", Value: now.Unix()},
		{Key: "exp", Value: now.Add(s.Life).Unix()},
	}
	if u.Data != nil {
		for _, e := range must(u.Data.Elements()) {
			claims = append(claims, bson.E{Key: e.Key(), Value: e.Value()})
		}
	}
	return sign(claims, s.Key)
}

// sign writes the token out. It is a few lines, where a library would be one more dependency of this package.
func sign(claims bson.D, key string) string {
	doc, err := bson.Marshal(claims)
	if err != nil {
		return "unsigned: " + err.Error() // claims come from users.json, which was parsed from JSON
	}
	payload, err := ejson.AppendJSON(nil, doc)
	if err != nil {
		return "unsigned: " + err.Error()
	}
	encode := base64.RawURLEncoding.EncodeToString
	return signed(fmt.Sprintf("%s.%s", encode([]byte(`{"alg":"HS256","typ":"JWT"}`)), encode(payload)), key)
}

func signed(text, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// expired is a token that the server has made, as it would be had it been made in 2001.
func expired(token string) string {
	parts := strings.Split(token, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[min(1, len(parts)-1)])
	if err != nil {
		return "not a token: " + err.Error()
	}
	payload = times.ReplaceAll(payload, []byte(`"$1":1000000000`))
	return signed(parts[0]+"."+base64.RawURLEncoding.EncodeToString(payload), SessionKey)
}

var times = regexp.MustCompile(`"(iat|exp)":[0-9]+`)
