package proxy

import (
	"errors"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/bsonval"
)

const (
	maxDocument = 16 << 20 // bytes, MongoDB's own limit
	maxDepth    = 100
	maxName     = 1024
	// unsetTimestamp is what the database replaces by its clock at the top level of new documents.
	unsetTimestamp = "\x00\x00\x00\x00\x00\x00\x00\x00"
)

// checkDocument refuses documents that no client may store: names that later act as operators or paths, and _id
// values that the database would refuse.
func checkDocument(doc bson.Raw) error {
	if id, ok := bsonval.Lookup(doc, "_id"); ok {
		switch id.Type {
		case bson.TypeArray, bson.TypeRegex, bson.TypeUndefined:
			return errors.New("an _id cannot be an array, a regular expression or undefined")
		}
	}
	for it := bsonval.NewIter(doc); it.Next(); {
		if v := it.Value(); v.Type == bson.TypeTimestamp && string(v.Value) == unsetTimestamp {
			// The database would put the time there, and what is stored would not be what was checked.
			return errors.New("a timestamp of zero is not stored as it is: send the time")
		}
	}
	return checkNames(doc, false, 1)
}

func checkNames(doc []byte, isArray bool, depth int) error {
	if depth > maxDepth {
		return errors.New("the document is nested too deeply")
	}
	seen := map[string]bool{}
	it := bsonval.NewIter(doc)
	for it.Next() {
		if !isArray {
			name := string(it.Key())
			switch {
			case seen[name]:
				return errors.New("a field name occurs twice in one document")
			case name == "" || len(name) > maxName || name[0] == '$' || strings.Contains(name, "."):
				return fmt.Errorf("field names cannot be empty, start with $, contain a dot or be longer than %d bytes", maxName)
			case depth == 1 && name == filter.Reserved:
				return errors.New("the field name " + filter.Reserved + " is reserved")
			}
			seen[name] = true
		}
		v := it.Value()
		switch v.Type {
		case bson.TypeRegex, bson.TypeMinKey, bson.TypeMaxKey, bson.TypeJavaScript, bson.TypeCodeWithScope,
			bson.TypeSymbol, bson.TypeDBPointer, bson.TypeUndefined:
			return errors.New("a value has a type that clients cannot store")
		}
		if v.Type == bson.TypeEmbeddedDocument || v.Type == bson.TypeArray {
			if err := checkNames(v.Value, v.Type == bson.TypeArray, depth+1); err != nil {
				return err
			}
		}
	}
	return it.Err()
}
