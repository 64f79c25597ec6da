package pipeline

import (
	"errors"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
)

// maxSegments bounds the length of a path.
const maxSegments = 50

// expression checks a value where the server evaluates an expression.
func (p *parser) expression(v bson.RawValue, vars *scope) error {
	doc, isDocument := bsonval.Document(v)
	arr, isArray := bsonval.Array(v)
	text, _ := bsonval.StringBytes(v)
	isReference := len(text) > 0 && text[0] == '$'
	if !isDocument && !isArray && !isReference {
		return p.literal(v)
	}
	if err := p.node(); err != nil {
		return err
	}
	switch op, argument, alone := single(v); {
	case isReference:
		return reference(string(text), vars)
	case isArray:
		return p.list(arr, vars)
	case alone && strings.HasPrefix(op, "$"):
		return p.operator(op, argument, vars)
	}
	return p.newDocument(doc, vars)
}

func (p *parser) list(arr bson.Raw, vars *scope) error {
	for it := bsonval.NewIter(arr); it.Next(); {
		if err := p.expression(it.Value(), vars); err != nil {
			return err
		}
	}
	return nil
}

// newDocument checks {"a": expression}, which makes a document.
func (p *parser) newDocument(doc bson.Raw, vars *scope) error {
	for it := bsonval.NewIter(doc); it.Next(); {
		if err := fieldName("an expression", string(it.Key())); err != nil {
			return err
		}
		if err := p.expression(it.Value(), vars); err != nil {
			return err
		}
	}
	return nil
}

// reference checks "$a.b" and "$$name.a.b". Their text may be a constant by mistake, so the errors do not repeat it.
func reference(text string, vars *scope) error {
	text, isVariable := strings.CutPrefix(text[1:], "$")
	if !isVariable {
		return fieldPath(text)
	}
	name, rest, below := strings.Cut(text, ".")
	switch {
	case !isName(name):
		return refuse(`a string that starts with "$$" must name a variable`)
	case name != "ROOT" && name != "NOW" && name != "REMOVE" && !vars.has(name):
		return unlisted("variable", "$$"+name)
	case !below:
		return nil
	}
	return fieldPath(rest)
}

// fieldPath checks a dotted path that stands in a value.
func fieldPath(text string) error {
	path, err := query.ParsePath(text)
	var refused *query.Error
	if errors.As(err, &refused) {
		return refuse("a field path is not valid: %s", refused.Msg)
	}
	for _, name := range path.Segments() {
		if name[0] == '$' {
			return refuse("a field path is not valid: a name in it cannot start with $")
		}
	}
	return nil
}

// literal checks a value that the server takes as it is, at any depth: its types are those that clients may send
// outside of filters.
func (p *parser) literal(v bson.RawValue) error {
	if err := p.node(); err != nil {
		return err
	}
	switch v.Type {
	case bson.TypeEmbeddedDocument, bson.TypeArray:
		for it := bsonval.NewIter(v.Value); it.Next(); {
			if err := p.literal(it.Value()); err != nil {
				return err
			}
		}
		return nil
	case bson.TypeDouble, bson.TypeString, bson.TypeBinary, bson.TypeObjectID, bson.TypeBoolean, bson.TypeDateTime, bson.TypeNull,
		bson.TypeInt32, bson.TypeTimestamp, bson.TypeInt64, bson.TypeDecimal128:
		return nil
	}
	return refuse(`a value of type "%s" is not allowed in an expression`, bsonval.TypeName(v.Type))
}

// constant checks a value where the server would evaluate an expression and none is wanted: what it accepts is the same
// as an expression and as a literal.
func (p *parser) constant(what string, v bson.RawValue) error {
	if !isPlain(v) {
		return refuse("%s must be a constant, without names or strings that start with $", what)
	}
	return p.expression(v, nil)
}

// isPlain tells whether no string and no name in a value starts with a dollar sign.
func isPlain(v bson.RawValue) bool {
	if text, ok := bsonval.StringBytes(v); ok {
		return len(text) == 0 || text[0] != '$'
	}
	if v.Type != bson.TypeEmbeddedDocument && v.Type != bson.TypeArray {
		return true
	}
	for it := bsonval.NewIter(v.Value); it.Next(); {
		if name := it.Key(); len(name) > 0 && name[0] == '$' || !isPlain(it.Value()) {
			return false
		}
	}
	return true
}
