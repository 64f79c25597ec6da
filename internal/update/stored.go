package update

import (
	"bytes"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// maxDepth is how deep a stored document may be nested; a document without others in it has depth 1.
const maxDepth = 100

// checkStored refuses a value that must not be stored: one with names that rules could not name, or nested too deeply.
// above is the number of levels around the value.
func checkStored(op string, v bson.RawValue, above int) error {
	if v.Type != bson.TypeEmbeddedDocument && v.Type != bson.TypeArray {
		return nil
	}
	if above++; above > maxDepth {
		return refuse(codeOverflow, op, "the document would be nested too deeply")
	}
	names := uniqueNames{}
	it := bsonval.NewIter(v.Value)
	for it.Next() {
		if v.Type == bson.TypeEmbeddedDocument {
			if err := names.check(op, it.Key()); err != nil {
				return err
			}
		}
		if err := checkStored(op, it.Value(), above); err != nil {
			return err
		}
	}
	return nil
}

// uniqueNames checks the names of one object, in time linear in their number.
type uniqueNames struct {
	few  [8][]byte
	n    int
	many map[string]bool
}

func (u *uniqueNames) check(op string, name []byte) error {
	switch {
	case len(name) == 0:
		return refuse(codeEmptyName, op, "a value contains an empty name")
	case name[0] == '$':
		return refuse(codeDollarPrefix, op, "a value contains a name that starts with '$'")
	case bytes.IndexByte(name, '.') >= 0:
		return refuse(codeDottedName, op, "a value contains a name with a dot")
	case len(name) > maxName:
		return refuse(codeBadValue, op, "a value contains a name that is too long")
	case !u.add(name):
		return refuse(codeBadValue, op, "a value contains a name twice")
	}
	return nil
}

func (u *uniqueNames) add(name []byte) bool {
	if u.many == nil && u.n < len(u.few) {
		for _, other := range u.few[:u.n] {
			if bytes.Equal(other, name) {
				return false
			}
		}
		u.few[u.n] = name
		u.n++
		return true
	}
	if u.many == nil {
		u.many = map[string]bool{}
		for _, other := range u.few {
			u.many[string(other)] = true
		}
	}
	if u.many[string(name)] {
		return false
	}
	u.many[string(name)] = true
	return true
}

// nesting returns how many levels a value has, no more than limit+1.
func nesting(v bson.RawValue, limit int) int {
	if v.Type != bson.TypeEmbeddedDocument && v.Type != bson.TypeArray || limit < 0 {
		return 0
	}
	deepest := 0
	it := bsonval.NewIter(v.Value)
	for it.Next() {
		deepest = max(deepest, nesting(it.Value(), limit-1))
	}
	return deepest + 1
}
