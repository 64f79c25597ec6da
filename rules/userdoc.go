package rules

import (
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// Document is what %%user expands to, without custom data.
func (u *User) Document() bson.Raw {
	doc, start := bsonval.BeginDocument(nil)
	doc = bsonval.AppendElement(doc, "id", bsonval.FromString(u.ID))
	doc = bsonval.AppendElement(doc, "type", bsonval.FromString(string(u.Type)))
	doc = bsonval.AppendElement(doc, "data", bsonval.FromDocument(bsonval.OrEmpty(u.Data)))
	doc, list := bsonval.BeginElement(doc, bson.TypeArray, "identities")
	for i, id := range u.Identities {
		var inner int
		doc, inner = bsonval.BeginElement(doc, bson.TypeEmbeddedDocument, strconv.Itoa(i))
		doc = bsonval.AppendElement(doc, "id", bsonval.FromString(id.ID))
		// The documentation shows both spellings of the provider's type.
		doc = bsonval.AppendElement(doc, "provider_type", bsonval.FromString(id.ProviderType))
		doc = bsonval.AppendElement(doc, "providerType", bsonval.FromString(id.ProviderType))
		doc = bsonval.AppendElement(doc, "data", bsonval.FromDocument(bsonval.OrEmpty(id.Data)))
		doc = bsonval.EndDocument(doc, inner)
	}
	return bsonval.EndDocument(bsonval.EndDocument(doc, list), start)
}

// document is what %%request expands to. What is not known is absent.
func (r *Request) document() bson.Raw {
	doc, start := bsonval.BeginDocument(nil)
	for _, f := range []struct{ name, value string }{
		{"operation", r.Operation},
		{"action", r.Action},
		{"service", r.Service},
		{"webhookUrl", r.WebhookURL},
		{"httpMethod", r.HTTPMethod},
		{"httpReferrer", r.Referrer},
		{"httpUserAgent", r.UserAgent},
		{"rawQueryString", r.RawQueryString},
		{"remoteIPAddress", r.RemoteAddress},
	} {
		if f.value != "" {
			doc = bsonval.AppendElement(doc, f.name, bsonval.FromString(f.value))
		}
	}
	doc, headers := bsonval.BeginElement(doc, bson.TypeEmbeddedDocument, "requestHeaders")
	for name, values := range r.Headers {
		var list int
		doc, list = bsonval.BeginElement(doc, bson.TypeArray, name)
		for i, v := range values {
			doc = bsonval.AppendElement(doc, strconv.Itoa(i), bsonval.FromString(v))
		}
		doc = bsonval.EndDocument(doc, list)
	}
	return bsonval.EndDocument(bsonval.EndDocument(doc, headers), start)
}
