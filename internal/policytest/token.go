package policytest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/ejson"
)

// tokenLife is how long a token is good.
const tokenLife = time.Hour

// Token is a JSON Web Token of a user, made at now, as the custom-token provider that [Case.Files] supplies
// accepts it: the id is the subject, and each key of the data a claim.
func Token(u *User, now time.Time) string {
	claims := bson.D{
		{Key: "sub", Value: u.ID},
		{Key: "aud", Value: AppID},
		{Key: "iat", Value: now.Unix()},
		{Key: "exp", Value: now.Add(tokenLife).Unix()},
	}
	if u.Data != nil {
		for _, e := range must(u.Data.Elements()) {
			claims = append(claims, bson.E{Key: e.Key(), Value: e.Value()})
		}
	}
	return sign(claims)
}

// sign writes the token out. It is a few lines, where a library would be one more dependency of this package.
func sign(claims bson.D) string {
	doc, err := bson.Marshal(claims)
	if err != nil {
		return "unsigned: " + err.Error() // claims come from users.json, which was parsed from JSON
	}
	payload, err := ejson.AppendJSON(nil, doc)
	if err != nil {
		return "unsigned: " + err.Error()
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := fmt.Sprintf("%s.%s", encode([]byte(`{"alg":"HS256","typ":"JWT"}`)), encode(payload))
	mac := hmac.New(sha256.New, []byte(TokenSecret))
	mac.Write([]byte(text))
	return text + "." + encode(mac.Sum(nil))
}
