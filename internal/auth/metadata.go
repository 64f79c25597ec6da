package auth

import (
	"strconv"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/source"
)

// MetadataField copies one claim to %%user.data.
type MetadataField struct {
	Path     []string // of the claim, one name for each level
	Name     string   // in %%user.data
	Required bool     // a token without the claim is refused
}

// maxMetadata is the longest text that becomes user data.
const maxMetadata = 4096

// userData collects the claims that the provider maps; nil is an empty document. A claim that is null is absent: a rule
// that compares it must not find what lacks the field.
func userData(claims *source.Value, fields []MetadataField) (bson.Raw, error) {
	if len(fields) == 0 {
		return nil, nil
	}
	doc, start := bsonval.BeginDocument(nil)
	for _, f := range fields {
		v := claims
		for _, name := range f.Path {
			v = v.Get(name)
		}
		if v == nil || v.Kind == source.Null {
			if f.Required {
				return nil, failed("the token lacks a required claim")
			}
			continue
		}
		if length(v) > maxMetadata {
			return nil, failed("a claim is too long")
		}
		var err error
		if doc, err = appendClaim(doc, f.Name, v); err != nil {
			return nil, err
		}
	}
	return bsonval.EndDocument(doc, start), nil
}

// length is that of a string in characters, and of anything else in bytes of JSON.
func length(v *source.Value) int {
	if v.Kind == source.String {
		return utf8.RuneCountInString(v.Str)
	}
	return v.Span.End - v.Span.Start
}

// appendClaim appends a claim as plain data: an object that looks like an ObjectId of extended JSON stays an object.
func appendClaim(dst []byte, name string, v *source.Value) ([]byte, error) {
	switch v.Kind {
	case source.Object, source.Array:
		return appendContainer(dst, name, v)
	case source.String:
		return bsonval.AppendElement(dst, name, bsonval.FromString(v.Str)), nil
	case source.Bool:
		return bsonval.AppendElement(dst, name, bsonval.FromBool(v.Bool)), nil
	case source.Number:
		n, err := ejson.ParseValue([]byte(v.Str), ejson.Limits{})
		if err != nil {
			return nil, failed("a number in the token is out of range")
		}
		return bsonval.AppendElement(dst, name, n), nil
	default:
		return bsonval.AppendElement(dst, name, bsonval.Null()), nil
	}
}

func appendContainer(dst []byte, name string, v *source.Value) ([]byte, error) {
	t := bson.TypeEmbeddedDocument
	if v.Kind == source.Array {
		t = bson.TypeArray
	}
	dst, start := bsonval.BeginElement(dst, t, name)
	var err error
	for i, x := range v.Items {
		if dst, err = appendClaim(dst, strconv.Itoa(i), x); err != nil {
			return nil, err
		}
	}
	for _, m := range v.Members {
		if dst, err = appendClaim(dst, m.Name, m.Value); err != nil {
			return nil, err
		}
	}
	return bsonval.EndDocument(dst, start), nil
}
