package rules

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/bsonschema"
	"github.com/rolegate/rolegate/internal/bsonval"
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
	post = filter.WithoutReserved(post)
	if pre != nil {
		pre = filter.WithoutReserved(pre)
	}
	failures := s.documents.Validate(pre, post, func(n int, this, prev bson.RawValue) bool {
		env := expr.Env{Root: post, PrevRoot: pre, This: this, Prev: prev}
		return s.validate[n].Eval(&env) == expr.True
	})
	if len(failures) == 0 {
		return nil
	}
	for _, f := range failures {
		if pre == nil && present(post, f.Path) && !d.set.holds(strings.Join(names(f.Path), ".")) {
			return &SchemaError{pointer(f.Path), f.Reason, true} // who sent the document knows what is in it
		}
		if d.mayBeTold(pre, post, names(f.Path)) {
			return &SchemaError{pointer(d.tellablePath(pre, post, f.Path)), f.Reason, true}
		}
	}
	if pre == nil {
		return &SchemaError{Reason: "does not conform", Readable: true}
	}
	return &SchemaError{Path: pointer(failures[0].Path), Reason: failures[0].Reason}
}

// present tells whether there is something at the path.
func present(doc bson.Raw, path []bsonschema.Step) bool {
	v := bsonval.FromDocument(doc)
	for _, step := range path {
		v, _ = bsonval.Lookup(documentOf(v), step.Name)
	}
	return !bsonval.IsMissing(v)
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

// tellablePath leaves out the positions in stored arrays of which the user may not read all: they would tell how many
// elements are hidden.
func (d *Decider) tellablePath(pre, post bson.Raw, path []bsonschema.Step) []bsonschema.Step {
	out := slices.Clone(path)
	for i, step := range path {
		if pre != nil && step.Position && !d.mayBeTold(pre, post, names(path[:i])) {
			out[i].Name = "*"
		}
	}
	return out
}

func names(path []bsonschema.Step) []string {
	out := make([]string, len(path))
	for i, step := range path {
		out[i] = step.Name
	}
	return out
}

// pointer writes a path as a JSON pointer.
func pointer(path []bsonschema.Step) string {
	var b strings.Builder
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	for _, step := range path {
		b.WriteString("/" + escape.Replace(step.Name))
	}
	return b.String()
}
