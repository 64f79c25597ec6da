package query

import (
	"bytes"
	"regexp"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// pattern is a compiled regular expression that also remembers how it was written: it matches a stored regular
// expression that is written the same.
type pattern struct {
	source, options []byte
	re              *regexp.Regexp
}

// pattern compiles a regular expression or a string, the two forms $regex takes.
func (p *parser) pattern(v bson.RawValue) (*pattern, error) {
	if p.o.NoRegex {
		return nil, refuse("$regex", "regular expressions are not allowed")
	}
	if err := p.count("$regex"); err != nil {
		return nil, err
	}
	source, options, ok := bsonval.Regex(v)
	if !ok {
		if source, ok = bsonval.StringBytes(v); !ok {
			return nil, refuse("$regex", "must be a string or a regular expression")
		}
	}
	if len(source) > p.o.MaxPattern {
		return nil, refuse("$regex", "the pattern is too long")
	}
	if bytes.IndexByte(source, 0) >= 0 || !utf8.Valid(source) {
		return nil, refuse("$regex", "the pattern must be UTF-8 without NUL characters")
	}
	flags, err := regexOptions(options)
	if err != nil {
		return nil, err
	}
	text, err := translate(string(source), flags)
	if err != nil {
		return nil, err
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, refuse("$regex", "the pattern is too complex")
	}
	return &pattern{source: source, options: options, re: re}, nil
}

func regexOptions(options []byte) (regexFlags, error) {
	var f regexFlags
	for _, c := range options {
		if !f.set(rune(c), true) {
			return f, refuse("$options", "the letters i, m, s and x are allowed")
		}
	}
	return f, nil
}

// withOptions joins $regex and the $options beside it to one regular expression.
func withOptions(v bson.RawValue, operators bson.Raw) (bson.RawValue, error) {
	given, ok := bsonval.Lookup(operators, "$options")
	if !ok {
		return v, nil
	}
	letters, ok := bsonval.StringBytes(given)
	if !ok {
		return v, refuse("$options", "must be a string")
	}
	source, ok := bsonval.StringBytes(v)
	if !ok {
		var own []byte
		if source, own, ok = bsonval.Regex(v); !ok {
			return v, refuse("$regex", "must be a string or a regular expression")
		}
		if len(own) > 0 {
			return v, refuse("$options", "the regular expression has options of its own")
		}
	}
	if bytes.IndexByte(source, 0) >= 0 || bytes.IndexByte(letters, 0) >= 0 {
		return v, refuse("$regex", "the pattern must be UTF-8 without NUL characters")
	}
	joined := make([]byte, 0, len(source)+len(letters)+2)
	joined = append(append(joined, source...), 0)
	joined = append(append(joined, letters...), 0)
	return bson.RawValue{Type: bson.TypeRegex, Value: joined}, nil
}
