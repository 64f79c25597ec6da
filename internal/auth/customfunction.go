package auth

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// askWho asks the function of the provider custom-function who sends a payload. It may be one that can be guessed, so that
// attempts are counted in advance. Whatever goes wrong in the function is a failed login.
func (a *Authenticator) askWho(ctx context.Context, l Login) (subject string, data bson.Raw, err error) {
	giveBack, err := a.guessFrom(l.RemoteAddress)
	if err != nil {
		return "", nil, err
	}
	payload := l.Payload
	if payload == nil {
		payload = bsonval.Empty()
	}
	result, err := a.call(ctx, a.cfg.LoginFunction, bsonval.FromDocument(payload))
	switch {
	case isOurs(err):
		giveBack()
		return "", nil, err
	case err != nil:
		return "", nil, failed("the function that knows users failed")
	}
	subject, data, ok := identityOf(result)
	if !ok {
		return "", nil, failed("the function that knows users returned none")
	}
	giveBack()
	return subject, data, nil
}

// identityOf reads what such a function returns: an id, or an object with an id and perhaps a name, which becomes data of
// the user.
func identityOf(result bson.RawValue) (subject string, data bson.Raw, ok bool) {
	id := result
	if doc, isDocument := bsonval.Document(result); isDocument {
		id, _ = bsonval.Lookup(doc, "id")
		if name, given := bsonval.Lookup(doc, "name"); given && name.Type != bson.TypeNull {
			text, isText := bsonval.String(name)
			if !isText || len(text) > maxMetadata {
				return "", nil, false
			}
			data, _ = bson.Marshal(bson.D{{Key: "name", Value: text}}) // a string always marshals
		}
	}
	subject, ok = bsonval.String(id)
	return subject, data, ok && subject != "" && len(subject) <= maxSubject
}
