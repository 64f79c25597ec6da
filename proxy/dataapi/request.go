package dataapi

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/echo"
	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/peer"
	"github.com/rolegate/rolegate/rules"
)

// request is a parsed body. Its values alias one document.
type request struct {
	dataSource, database, collection string

	fields map[string]bson.RawValue // :: key of the action → value
}

// parseRequest reads a body for an action. A key that the action does not have is refused: ignoring a misspelt
// filter would widen what the request does.
func parseRequest(body []byte, a action) (*request, error) {
	doc, err := ejson.Parse(body, ejson.Limits{})
	if err != nil {
		return nil, err
	}
	req := &request{fields: make(map[string]bson.RawValue)}
	names := map[string]*string{"dataSource": &req.dataSource, "database": &req.database, "collection": &req.collection}
	it := bsonval.NewIter(doc)
	for it.Next() {
		key := string(it.Key())
		dst, isName := names[key]
		if !isName {
			if err := req.take(key, it.Value(), a.keys, a.ignored); err != nil {
				return nil, err
			}
			continue
		}
		s, ok := bsonval.String(it.Value())
		if !ok {
			return nil, invalid(key + " must be a string")
		}
		*dst = s
		delete(names, key)
	}
	if err := it.Err(); err != nil {
		return nil, err
	}
	for _, key := range []string{"dataSource", "database", "collection"} {
		if names[key] != nil {
			return nil, missing(key + " is required")
		}
	}
	return req, req.checkNames()
}

// parseFields reads an operation of a bulk write, which has no names of its own.
func parseFields(doc bson.Raw, keys []string) (*request, error) {
	req := &request{fields: make(map[string]bson.RawValue)}
	it := bsonval.NewIter(doc)
	for it.Next() {
		if err := req.take(string(it.Key()), it.Value(), keys, nil); err != nil {
			return nil, err
		}
	}
	return req, it.Err()
}

func (req *request) take(key string, v bson.RawValue, keys, ignored []string) error {
	switch {
	case slices.Contains(keys, key):
		req.fields[key] = v
	case !slices.Contains(ignored, key):
		return invalid(fmt.Sprintf("unknown field '%s'", echo.Name(key)))
	}
	return nil
}

func (req *request) checkNames() error {
	if req.database == "" || req.collection == "" {
		return invalid("database and collection cannot be empty")
	}
	if strings.ContainsAny(req.database+req.collection, "$\x00") {
		return invalid("database and collection cannot contain $ or NUL")
	}
	return nil
}

// object returns a document, nil when it is absent.
func (req *request) object(key string) (bson.Raw, error) {
	v, ok := req.fields[key]
	if !ok {
		return nil, nil
	}
	doc, ok := bsonval.Document(v)
	if !ok {
		return nil, invalid(key + " must be an object")
	}
	return doc, nil
}

// required returns a document that must be there.
func (req *request) required(key string) (bson.Raw, error) {
	doc, err := req.object(key)
	if err == nil && doc == nil {
		return nil, missing(key + " is required")
	}
	return doc, err
}

// text returns a string that must be there.
func (req *request) text(key string) (string, error) {
	v, ok := req.fields[key]
	if !ok {
		return "", missing(key + " is required")
	}
	s, ok := bsonval.String(v)
	if !ok {
		return "", invalid(key + " must be a string")
	}
	return s, nil
}

// objects returns an array of documents, nil when it is absent.
func (req *request) objects(key string) ([]bson.Raw, error) {
	v, ok := req.fields[key]
	if !ok {
		return nil, nil
	}
	array, ok := bsonval.Array(v)
	if !ok {
		return nil, invalid(key + " must be an array of objects")
	}
	docs := []bson.Raw{}
	it := bsonval.NewIter(array)
	for it.Next() {
		doc, ok := bsonval.Document(it.Value())
		if !ok {
			return nil, invalid(key + " must be an array of objects")
		}
		docs = append(docs, doc)
	}
	return docs, it.Err()
}

// several returns an array of documents that must be there, neither empty nor too long.
func (req *request) several(key string) ([]bson.Raw, error) {
	docs, err := req.objects(key)
	switch {
	case err != nil:
		return nil, err
	case docs == nil:
		return nil, missing(key + " is required")
	case len(docs) == 0:
		return nil, invalid(key + " cannot be empty")
	case len(docs) > maxInsert:
		return nil, invalid(key + " has more than " + strconv.Itoa(maxInsert) + " elements")
	}
	return docs, nil
}

// count returns a whole number that is not negative, 0 when it is absent.
func (req *request) count(key string) (int64, error) {
	v, ok := req.fields[key]
	if !ok {
		return 0, nil
	}
	n, exact := bsonval.Int64(v)
	if !exact || n < 0 {
		return 0, invalid(key + " must be a whole number, zero or more")
	}
	return n, nil
}

// flag returns a boolean, false when it is absent.
func (req *request) flag(key string) (bool, error) {
	v, ok := req.fields[key]
	if !ok {
		return false, nil
	}
	b, ok := bsonval.Bool(v)
	if !ok {
		return false, invalid(key + " must be a boolean")
	}
	return b, nil
}

// credentialHeaders never reach rules or functions.
var credentialHeaders = []string{"authorization", "proxy-authorization", "cookie", "apikey", "api-key", "password", "jwttokenstring"}

// ruleRequest is what %%request expands to. The data source is in the body.
func ruleRequest(r *http.Request, t target) rules.Request {
	headers := make(map[string][]string, len(r.Header))
	for name, values := range r.Header {
		if name = strings.ToLower(name); !slices.Contains(credentialHeaders, name) {
			headers[name] = values
		}
	}
	return rules.Request{
		Operation:      t.operation,
		Action:         t.name,
		HTTPMethod:     r.Method,
		Referrer:       r.Referer(),
		UserAgent:      r.UserAgent(),
		RawQueryString: withoutSecret(r.URL.RawQuery),
		RemoteAddress:  peer.Address(r),
		Headers:        headers,
	}
}

// withoutSecret removes every parameter called secret, however its name is written.
func withoutSecret(query string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(query, "&"), func(p string) bool {
		name, _, _ := strings.Cut(p, "=")
		plain, err := url.QueryUnescape(name)
		return err != nil || strings.EqualFold(plain, "secret")
	}), "&")
}

// storable refuses the types that may stand in a filter but not in a stored document.
func storable(doc []byte) error {
	it := bsonval.NewIter(doc)
	for it.Next() {
		switch v := it.Value(); v.Type {
		case bson.TypeRegex, bson.TypeMinKey, bson.TypeMaxKey:
			return invalid("regular expressions, minKey and maxKey cannot be stored")
		case bson.TypeEmbeddedDocument, bson.TypeArray:
			if err := storable(v.Value); err != nil {
				return err
			}
		}
	}
	return it.Err()
}

// storableUpdate looks at the values that operators would store. What $pull has is a condition.
func storableUpdate(update bson.Raw) error {
	it := bsonval.NewIter(update)
	for it.Next() {
		operand, ok := bsonval.Document(it.Value())
		if !ok || bytes.Equal(it.Key(), []byte("$pull")) {
			continue
		}
		if err := storable(operand); err != nil {
			return err
		}
	}
	return it.Err()
}
