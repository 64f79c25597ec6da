package rules

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonschema"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/rules/expr"
)

// schema is the compiled schema of a collection with the validate expressions in it, by their number.
type schema struct {
	documents *bsonschema.Schema
	validate  []*expr.Expr
}

func (c *compiler) schema(v *source.Value, rs *Ruleset) *schema {
	out := &schema{}
	out.documents = bsonschema.Compile(v, bsonschema.Options{
		NullType: c.nulls,
		Validate: func(v *source.Value) int {
			e := expr.Parse(v, expr.InField, c.policy.names, &c.ds)
			rs.uses = rs.uses.Or(e.Uses())
			out.validate = append(out.validate, e)
			return len(out.validate) - 1
		},
	}, &c.ds)
	return out
}

// boundSchema is a schema for one user and one request.
type boundSchema struct {
	documents *bsonschema.Schema
	validate  []expr.Cond
}

func (s *schema) bind(scope *expr.Scope) *boundSchema {
	if s == nil {
		return nil
	}
	b := &boundSchema{documents: s.documents}
	for _, e := range s.validate {
		b.validate = append(b.validate, e.Bind(scope))
	}
	return b
}

// SchemaError says that a document does not conform to the schema of its collection.
type SchemaError struct {
	// Path is a JSON pointer to what is wrong, "" for the document.
	Path string
	// Reason continues a sentence that starts with the path. It holds no values.
	Reason string
	// Readable tells that the user may read what is at the path, so that it may be named.
	Readable bool
}

func (e *SchemaError) Error() string {
	return "could not validate document: " + e.Path + ": " + e.Reason
}

// CheckSchema holds the document that a permitted write would store against the schema of the collection. pre is the
// stored document, nil for a new one. Of several failures it returns one that the user may be told, if there is one.
func (d *Decider) CheckSchema(pre, post bson.Raw) *SchemaError {
	s := d.b.schema
	if s == nil {
		return nil
	}
	failures := s.documents.Validate(pre, post, func(n int, this, prev bson.RawValue) bool {
		env := expr.Env{Root: post, PrevRoot: pre, This: this, Prev: prev}
		return s.validate[n].Eval(&env) == expr.True
	})
	if len(failures) == 0 {
		return nil
	}
	for _, f := range failures {
		if d.mayBeTold(pre, post, f.Path) {
			return &SchemaError{pointer(f.Path), f.Reason, true}
		}
	}
	return &SchemaError{Path: pointer(failures[0].Path), Reason: failures[0].Reason}
}

// mayBeTold tells whether the user may read what is at the path, before and after the write.
func (d *Decider) mayBeTold(pre, post bson.Raw, path []string) bool {
	for _, name := range path {
		if name == "" || name[0] == '$' || strings.Contains(name, ".") {
			return false // no permission can be about it
		}
	}
	named := []string{strings.Join(path, ".")}
	return d.Nameable(post, named) && (pre == nil || d.Nameable(pre, named))
}

// pointer writes a path as a JSON pointer.
func pointer(path []string) string {
	var b strings.Builder
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	for _, name := range path {
		b.WriteString("/" + escape.Replace(name))
	}
	return b.String()
}
