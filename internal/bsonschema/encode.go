package bsonschema

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// Bounds of what is checked. Each value costs some hundred bytes while it is.
const (
	maxValues = 250_000
	maxDepth  = 200
)

var (
	errMalformed = errors.New("malformed")
	errTooLarge  = errors.New("too large")
)

// needs is what of the encoding a schema looks at.
type needs struct{ digests, unique, names bool }

// encoder turns values into what is validated: objects, slices, strings, booleans and json.Number, nothing else.
type encoder struct {
	needs
	values int
}

// value encodes a value below its tag. It also returns its digest, where the schema needs one.
func (e *encoder) value(v bson.RawValue, depth int) (map[string]any, string, error) {
	tag := tagOf(v)
	if tag == "" {
		return nil, "", errMalformed
	}
	if e.values += weight(v); e.values > maxValues || depth > maxDepth {
		return nil, "", errTooLarge
	}
	out := map[string]any{}
	var digest string
	var err error
	switch tag {
	case "object":
		digest, err = e.object(v, out, depth)
	case "array":
		digest, err = e.array(v, out, depth)
	default:
		out[tag] = scalar(v)
		if e.digests || e.unique {
			digest = digestOf(v)
		}
	}
	if e.digests {
		out[memberDigest] = digest
	}
	return out, digest, err
}

// weight is how many values one counts for. A decimal may have thousands of digits, which take their time.
func weight(v bson.RawValue) int {
	const farFromZero = 64 // digits
	if v.Type != bson.TypeDecimal128 || len(v.Value) != 16 {
		return 1
	}
	if _, exponent, err := decimalOf(v).BigInt(); err == nil && (exponent > farFromZero || exponent < -farFromZero) {
		return 1 + max(exponent, -exponent)/farFromZero
	}
	return 1
}

func decimalOf(v bson.RawValue) bson.Decimal128 {
	return bson.NewDecimal128(binary.LittleEndian.Uint64(v.Value[8:]), binary.LittleEndian.Uint64(v.Value))
}

// sum starts the digest of a container, if the schema needs one.
func (e *encoder) sum(kind byte) *sum {
	if !e.digests && !e.unique {
		return nil
	}
	return newSum(kind)
}

func (e *encoder) object(v bson.RawValue, out map[string]any, depth int) (string, error) {
	members, names := map[string]any{}, []any{}
	sum := e.sum('o')
	it := bsonval.NewIter(v.Value)
	for it.Next() {
		name := string(it.Key())
		if _, twice := members[name]; twice {
			return "", errMalformed // two readers would see two documents
		}
		child, digest, err := e.value(it.Value(), depth+1)
		if err != nil {
			return "", err
		}
		members[name] = child
		sum.add(name)
		sum.add(digest)
		if e.names && (depth > 0 || name != idName) {
			key, _, err := e.value(bsonval.FromString(name), depth+1)
			if err != nil {
				return "", err
			}
			names = append(names, key)
		}
	}
	out["object"] = members
	if e.names {
		out[memberNames] = names
	}
	return sum.text(), it.Err()
}

func (e *encoder) array(v bson.RawValue, out map[string]any, depth int) (string, error) {
	items, seen, unique := []any{}, map[string]bool{}, true
	sum := e.sum('a')
	it := bsonval.NewIter(v.Value)
	for it.Next() {
		item, digest, err := e.value(it.Value(), depth+1)
		if err != nil {
			return "", err
		}
		items = append(items, item)
		sum.add(digest)
		if e.unique {
			unique = unique && !seen[digest]
			seen[digest] = true
		}
	}
	out["array"] = items
	if e.unique {
		out[memberUnique] = unique
	}
	return sum.text(), it.Err()
}

// scalar is what stands below the tag. Only strings and numbers have keywords of their own. A number that JSON cannot
// express becomes a string, which no keyword for numbers accepts.
func scalar(v bson.RawValue) any {
	if s, ok := bsonval.StringBytes(v); ok {
		return string(s)
	}
	if text, ok := numberText(v); ok {
		return json.Number(text)
	}
	return ""
}

// numberText is the exact value of a finite number, as JSON writes it.
func numberText(v bson.RawValue) (string, bool) {
	switch v.Type {
	case bson.TypeInt32, bson.TypeInt64:
		n, ok := bsonval.Int64(v)
		return strconv.FormatInt(n, 10), ok
	case bson.TypeDouble:
		f, ok := bsonval.Double(v)
		if !ok || math.IsNaN(f) || math.IsInf(f, 0) {
			return "", false
		}
		return strconv.FormatFloat(f, 'e', -1, 64), true
	case bson.TypeDecimal128:
		if len(v.Value) != 16 {
			return "", false
		}
		d := decimalOf(v)
		if d.IsNaN() || d.IsInf() != 0 {
			return "", false
		}
		return d.String(), true
	}
	return "", false
}

// digestOf is the same for scalars that are equal, numbers across their types.
func digestOf(v bson.RawValue) string {
	sum := newSum(0)
	switch {
	case bsonval.IsNumber(v):
		sum.add("number")
		sum.add(canonicalNumber(v))
	case v.Type == bson.TypeString || v.Type == bson.TypeSymbol:
		sum.add("string")
		sum.add(string(v.Value))
	default:
		sum.add(tagOf(v))
		sum.add(string(v.Value))
	}
	return sum.text()
}

func canonicalNumber(v bson.RawValue) string {
	if f, ok := bsonval.Double(v); v.Type == bson.TypeDouble && ok && !math.IsNaN(f) && !math.IsInf(f, 0) {
		return new(big.Rat).SetFloat64(f).RatString() // its exact value, which its shortest text is not
	}
	if text, ok := numberText(v); ok {
		if r, ok := new(big.Rat).SetString(text); ok {
			return r.RatString()
		}
	}
	f, _ := bsonval.Double(v)
	return strconv.FormatFloat(f, 'g', -1, 64) // NaN and the infinities
}

// sum digests a sequence of texts. A nil sum digests nothing.
type sum struct{ b []byte }

func newSum(kind byte) *sum { return &sum{b: []byte{kind}} }

func (s *sum) add(text string) {
	if s == nil {
		return
	}
	s.b = binary.AppendUvarint(s.b, uint64(len(text)))
	s.b = append(s.b, text...)
}

func (s *sum) text() string {
	if s == nil {
		return ""
	}
	h := sha256.Sum256(s.b)
	return base64.RawStdEncoding.EncodeToString(h[:])
}
