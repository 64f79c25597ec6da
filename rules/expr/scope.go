package expr

import (
	"errors"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// Scope holds what is known before a document is read. A nil document is an empty one.
type Scope struct {
	User        bson.Raw // id, type, data, identities
	CustomData  bson.Raw
	Request     bson.Raw
	Values      bson.Raw
	Environment bson.Raw

	// CustomDataUnresolved makes %%user.custom_data have no value on either side of a comparison.
	CustomDataUnresolved bool

	Now      time.Time      // %%now and %%time; the zero time has no value on either side
	TimeZone *time.Location // of the calendar; nil is UTC

	// Functions runs the functions of the app. Without it every call fails.
	Functions Functions
	// Lookups finds what %%lookups stands for. Without it every lookup fails.
	Lookups Lookups
}

// Lookups finds the values behind %%lookups for one user and one request. An error makes the condition that needs the
// values an error, which never grants.
type Lookups interface {
	// Lookup returns an array, or the zero value when what the lookup itself depends on has no value.
	Lookup(s *Scope, name string) (bson.RawValue, error)
}

// known tells whether there is anything behind a reference to the request. It is Unknown for what has no value on either
// side of a comparison, and Error where finding the value failed.
func (s *Scope) known(r ref) Truth {
	switch r.base {
	case baseNever:
		return Unknown
	case baseCustomData:
		return unless(s.CustomDataUnresolved)
	case baseNow, baseTime:
		return unless(s.Now.IsZero())
	case baseLookups:
		v, err := s.lookedUp(r)
		if err != nil {
			return Error
		}
		return unless(bsonval.IsMissing(v))
	default:
		return True
	}
}

func unless(unknown bool) Truth {
	if unknown {
		return Unknown
	}
	return True
}

// lookedUp is what the lookup finds that r begins with.
func (s *Scope) lookedUp(r ref) (bson.RawValue, error) {
	name, _, _ := strings.Cut(r.text, ".")
	if s.Lookups == nil {
		return bson.RawValue{}, errNoLookups
	}
	return s.Lookups.Lookup(s, name)
}

var errNoLookups = errors.New("lookups are not available here")

// Env is what a bound condition is evaluated on. A nil document is missing.
type Env struct {
	Root     bson.Raw
	PrevRoot bson.Raw
	This     bson.RawValue
	Prev     bson.RawValue
}

// lookup finds where the path of r starts: a document, or, where r has no path, the value itself.
func (s *Scope) lookup(r ref, written bson.RawValue) (bson.Raw, bson.RawValue) {
	var doc bson.Raw
	switch r.base {
	case baseConst:
		return nil, written
	case baseUser:
		doc = s.User
	case baseCustomData:
		doc = s.CustomData
	case baseRequest:
		doc = s.Request
	case baseValues:
		doc = s.Values
	case baseEnvironment:
		doc = s.Environment
	case baseNow:
		return nil, bsonval.FromDateTime(s.Now.UnixMilli())
	case baseTime:
		doc = s.calendar()
	case baseLookups:
		name, _, _ := strings.Cut(r.text, ".")
		if v, err := s.lookedUp(r); err == nil && !bsonval.IsMissing(v) {
			doc, _ = bsonval.BeginDocument(nil)
			doc = bsonval.EndDocument(bsonval.AppendElement(doc, name, v), 0)
		}
	}
	if doc == nil {
		doc = bsonval.Empty()
	}
	return doc, documentValue(doc)
}

// lookup is the same for the bases that are read from a document.
func (e *Env) lookup(r ref) (bson.Raw, bson.RawValue) {
	switch r.base {
	case baseRoot:
		return start(e.Root)
	case basePrevRoot:
		return start(e.PrevRoot)
	case baseThis:
		return startValue(e.This, r)
	case basePrev:
		return startValue(e.Prev, r)
	default:
		return bsonval.Empty(), bson.RawValue{}
	}
}

func start(doc bson.Raw) (bson.Raw, bson.RawValue) {
	if doc == nil {
		return bsonval.Empty(), bson.RawValue{}
	}
	return doc, documentValue(doc)
}

func startValue(v bson.RawValue, r ref) (bson.Raw, bson.RawValue) {
	if r.text == "" {
		return nil, v
	}
	if v.Type == bson.TypeEmbeddedDocument {
		return bson.Raw(v.Value), v
	}
	// Below anything else but an array there is nothing. An array is looked into element by element, as a
	// query does for a field: its documents are what the path continues in.
	return bsonval.Empty(), v
}

func documentValue(doc bson.Raw) bson.RawValue {
	return bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: doc}
}

// eachValue calls f for every value that path reaches in v, looking through arrays as a query does, until f
// returns false. Arrays at the end of the path are reported as a whole. It returns false when f did.
func eachValue(v bson.RawValue, path []string, f func(bson.RawValue) bool) bool {
	if len(path) == 0 {
		return bsonval.IsMissing(v) || f(v)
	}
	switch v.Type {
	case bson.TypeEmbeddedDocument:
		next, ok := bsonval.Lookup(bson.Raw(v.Value), path[0])
		return !ok || eachValue(next, path[1:], f)
	case bson.TypeArray:
		if next, ok := bsonval.Lookup(bson.Raw(v.Value), path[0]); ok && !eachValue(next, path[1:], f) {
			return false
		}
		it := bsonval.NewIter(v.Value)
		for it.Next() {
			if e := it.Value(); e.Type == bson.TypeEmbeddedDocument && !eachValue(e, path, f) {
				return false
			}
		}
	}
	return true
}
