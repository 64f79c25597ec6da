package reference

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
)

// place is what the key of a condition or an expansion stands for: a path in a document that has one field, so that
// the value of a claim is tested as MongoDB tests a field.
type place struct {
	holder bson.Raw
	path   string
	bound  bool // it is known before any document is read
	never  bool // it is an expansion that cannot have a value here
}

// key is what the key of a condition stands for: an expansion, or a field of the document.
func (j judge) key(key string) place {
	if name, ok := strings.CutPrefix(key, "%%"); ok {
		return j.expansion(name)
	}
	return j.expansion("root." + key)
}

// expansion finds %%name.
func (j judge) expansion(name string) place {
	head, _, _ := strings.Cut(name, ".")
	var v bson.RawValue
	bound, never := true, false
	switch head {
	case "true", "false":
		v = bsonval.FromBool(head == "true")
	case "user":
		v = bsonval.FromDocument(j.facts.User)
	case "values":
		v = bsonval.FromDocument(j.facts.Values)
	case "environment":
		v = bsonval.FromDocument(j.facts.Environment)
	case "request":
		v = bsonval.FromDocument(j.facts.Request)
	case "root":
		v, bound = j.root, false
	case "prevRoot":
		v, bound = j.prevRoot, false
	case "this":
		v, bound = j.this, false
	case "prev":
		v, bound = j.prev, false
	default:
		never = true // %%args, %%partition
	}
	return place{encode([]element{{head, v}}), name, bound, never}
}

func (p place) child(name string) place {
	p.path += "." + name
	return p
}

// missing tells that there is nothing at all.
func (p place) missing() bool { return p.matches("exists", bsonval.FromBool(false)) == True }

// value is the one value there, for the right side of a comparison. Where the path leads through an array it is the
// element that a number names, or else the array of what is reached in the documents of that array.
func (p place) value() bson.RawValue {
	v := bsonval.FromDocument(p.holder)
	path := strings.Split(p.path, ".")
	for i, name := range path {
		if isArray(v) && bsonval.IsMissing(at(v, name)) {
			found := reached(v, path[i:], true)
			if len(found) == 0 {
				return bson.RawValue{}
			}
			return array(found)
		}
		v = at(v, name)
	}
	return v
}

// at is the field of a document, or the element of an array, with a name.
func at(v bson.RawValue, name string) bson.RawValue {
	if isArray(v) {
		return get(bson.Raw(v.Value), name)
	}
	return get(document(v), name)
}

// reached lists the values that a path leads to, through arrays as MongoDB goes: into the documents in an array, and to
// the element that a number names.
//
// Where both is set, a number in it may be a position in an array and a name in the array's
// documents.
func reached(v bson.RawValue, path []string, both bool) []bson.RawValue {
	if len(path) == 0 {
		return []bson.RawValue{v}
	}
	switch v.Type {
	case bson.TypeEmbeddedDocument:
		if inner := get(document(v), path[0]); !bsonval.IsMissing(inner) {
			return reached(inner, path[1:], both)
		}
	case bson.TypeArray:
		var found []bson.RawValue
		if e := at(v, path[0]); !bsonval.IsMissing(e) {
			found = reached(e, path[1:], both)
		}
		if !both && isNumber(path[0]) {
			return found
		}
		for _, e := range values(v) {
			if isDocument(e) {
				found = append(found, reached(e, path, both)...)
			}
		}
		return found
	}
	return nil
}

func isNumber(name string) bool { return strings.Trim(name, "0123456789") == "" }

// ops are MongoDB's operators by name.
var ops = map[string]query.Op{
	"eq": query.Eq, "gt": query.Gt, "gte": query.Gte, "lt": query.Lt, "lte": query.Lte,
	"exists": query.Exists, "type": query.Type, "size": query.Size, "mod": query.Mod, "elemMatch": query.ElemMatch, "regex": query.Regex,
}

// matches asks what MongoDB would say of the operator with a literal operand.
func (p place) matches(name string, operand bson.RawValue) Truth {
	test, err := query.NewTest(ops[name], operand)
	if err != nil {
		return Failed
	}
	path, err := query.ParsePath(p.path)
	if err != nil {
		return Failed
	}
	return truth(test.Match(p.holder, path))
}

func (p place) matchesPattern(pattern bson.RawValue, ops bson.Raw) Truth {
	text, _ := bsonval.String(pattern)
	options := get(ops, "$options")
	if bsonval.IsMissing(options) {
		options = get(ops, "%options")
	}
	flags, _ := bsonval.String(options)
	_, regex, err := bson.MarshalValue(bson.Regex{Pattern: text, Options: flags})
	if err != nil {
		return Failed
	}
	return p.matches("regex", bson.RawValue{Type: bson.TypeRegex, Value: regex})
}

// equals compares with a value that is not written in the rule itself. An array of the user, or of the document, is
// also equal to each value in it, but for null, which would make what belongs to nobody everybody's.
func (p place) equals(v bson.RawValue) Truth {
	if p.matches("eq", v) == True || !isArray(v) {
		return p.matches("eq", v)
	}
	for _, own := range reached(bsonval.FromDocument(p.holder), strings.Split(p.path, "."), true) {
		if !isArray(own) && !isNull(own) && slices.ContainsFunc(values(v), func(e bson.RawValue) bool { return bsonval.Equal(e, own) }) {
			return True
		}
	}
	return False
}
