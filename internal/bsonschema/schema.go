package bsonschema

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/xeipuuv/gojsonschema"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

const idName = "_id"

// Bounds on how many failures are told apart: in all, and of one kind, so that those of one array leave room for
// others.
const (
	maxFailures = 1000
	maxOfAKind  = 100
)

// Schema is a compiled schema. It is immutable and safe for concurrent use. The zero value lets no document pass.
type Schema struct {
	engine *gojsonschema.Schema
	needs  needs
	check  *check
}

// Judge tells whether a validate expression holds for a value of the document, after and before the change. Either may
// be missing, not both. The expression is named by the number that Options.Validate returned for it.
type Judge func(expression int, this, prev bson.RawValue) bool

// Failure says where a document does not conform, and why. It holds no values, but it holds names of fields: whether
// the client may read them is for the caller to decide.
type Failure struct {
	Path   []Step // empty for the document
	Reason string // continues a sentence that starts with the path
}

// Step is a part of a path.
type Step struct {
	Name     string
	Position bool // the name is a position in an array
}

// Validate checks the document that a write would store. pre is the stored document, nil for a new one. It returns
// nothing when the document conforms, else what is wrong, the outermost first.
func (s *Schema) Validate(pre, post bson.Raw, judge Judge) []Failure {
	if s == nil || s.engine == nil {
		return []Failure{{Reason: "cannot be checked: the schema has errors"}}
	}
	e := encoder{needs: s.needs}
	tagged, _, err := e.value(bsonval.FromDocument(post), 0)
	switch {
	case errors.Is(err, errTooLarge):
		return []Failure{{Reason: "has too many values to be checked"}}
	case err != nil:
		return []Failure{{Reason: "is malformed"}}
	}
	res, err := s.engine.Validate(gojsonschema.NewRawLoader(tagged))
	if err != nil {
		return []Failure{{Reason: "cannot be checked"}}
	}
	failures := failuresOf(res)
	c := checker{judge: judge}
	before := bson.RawValue{}
	if pre != nil {
		before = bsonval.FromDocument(pre)
	}
	c.value(s.check, before, bsonval.FromDocument(post), nil)
	failures = append(failures, c.failures...)
	slices.SortStableFunc(failures, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(len(a.Path), len(b.Path)), strings.Compare(key(a.Path), key(b.Path)), cmp.Compare(a.Reason, b.Reason))
	})
	failures = slices.CompactFunc(failures, func(a, b Failure) bool { return a.Reason == b.Reason && key(a.Path) == key(b.Path) })
	return failures[:min(len(failures), maxFailures)]
}

// failuresOf translates what the validator says. Its own sentences quote values.
func failuresOf(res *gojsonschema.Result) []Failure {
	if res.Valid() {
		return nil
	}
	var out []Failure
	kinds := map[string]int{}
	for _, e := range res.Errors() {
		if e.Type() == "number_all_of" {
			continue // what is wrong in it comes besides
		}
		f := failureOf(e)
		kind := f.kind()
		if kinds[kind]++; kinds[kind] <= maxOfAKind {
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		return []Failure{{Reason: unspecific}}
	}
	return withoutNearest(out)
}

// kind is the same for the same failure of several elements.
func (f Failure) kind() string {
	path := slices.Clone(f.Path)
	for i := range path {
		if path[i].Position {
			path[i].Name = "*"
		}
	}
	return key(path) + f.Reason
}

// key is a path as a text. No name has a NUL.
func key(path []Step) string {
	var b strings.Builder
	for _, s := range path {
		b.WriteString(s.Name)
		b.WriteByte(0)
	}
	return b.String()
}

// withoutNearest drops what is wrong with the nearest of some alternatives: which one that is would tell about all the
// values that they look at.
func withoutNearest(failures []Failure) []Failure {
	choices := map[string]bool{}
	for _, f := range failures {
		if f.isChoice() {
			choices[key(f.Path)] = true
		}
	}
	return slices.DeleteFunc(failures, func(f Failure) bool {
		for i := range f.Path {
			if choices[key(f.Path[:i])] {
				return true
			}
		}
		return choices[key(f.Path)] && !f.isChoice()
	})
}

// isChoice tells whether the failure is that no alternative, or not exactly one, matches.
func (f Failure) isChoice() bool {
	return f.Reason == reasons["number_any_of"] || f.Reason == reasons["number_one_of"]
}

const unspecific = "does not conform"

// reasons are by the validator's names of what is wrong.
var reasons = map[string]string{
	"required":                        "is required",
	"number_any_of":                   "matches none of the alternatives",
	"number_one_of":                   "does not match exactly one of the alternatives",
	"number_not":                      "matches what it must not",
	"condition_then":                  "does not match what follows from a condition",
	"condition_else":                  "does not match what follows from a condition",
	"array_no_additional_items":       "has too many elements",
	"array_min_items":                 "has too few elements",
	"array_max_items":                 "has too many elements",
	"array_min_properties":            "has too few fields",
	"array_max_properties":            "has too many fields",
	"missing_dependency":              "lacks a field that another one requires",
	"string_gte":                      "is too short",
	"string_lte":                      "is too long",
	"pattern":                         "does not match the pattern",
	"format":                          "is not in the format",
	"multiple_of":                     "is not a multiple of what it has to be",
	"number_gte":                      "is too small",
	"number_gt":                       "is too small",
	"number_lte":                      "is too large",
	"number_lt":                       "is too large",
	"invalid_type":                    "is not a finite number",
	"additional_property_not_allowed": "is not allowed",
}

// failureOf takes the tags out of the context of an error.
func failureOf(e gojsonschema.ResultError) Failure {
	parts := strings.Split(e.Context().String("\x00"), "\x00")[1:] // without the root; names have no NUL
	var f Failure
	tag := ""
	for i, part := range parts {
		if i%2 == 1 {
			f.Path = append(f.Path, Step{part, tag == "array"})
			continue
		}
		switch tag = part; tag {
		case memberDigest:
			f.Reason = "is none of the allowed values"
			return f
		case memberUnique:
			f.Reason = "has equal elements"
			return f
		case memberNames:
			f.Reason = "has a field whose name is not allowed"
			return f
		}
	}
	atTag := len(parts)%2 == 0 // the error is about the value with its tag
	property, _ := e.Details()["property"].(string)
	switch {
	case e.Type() == "additional_property_not_allowed" && atTag:
		f.Reason = "is of the wrong type"
		return f
	case e.Type() == "number_not" && !atTag: // see contains
		f.Reason = "contains nothing of what it must"
		return f
	case e.Type() == "additional_property_not_allowed", e.Type() == "required" && !atTag:
		f.Path = append(f.Path, Step{Name: property})
	}
	if f.Reason = reasons[e.Type()]; f.Reason == "" {
		f.Reason = unspecific
	}
	return f
}
