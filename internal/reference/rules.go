package reference

import (
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/ejson"
)

// Rules is a rules.json.
type Rules struct {
	roles      []role
	filters    []filter
	beforeOnly bool // no check of the document as an update leaves it
}

// expression is an expression as it is written; the zero one is undefined.
type expression = bson.RawValue

// role is an entry of roles.
type role struct {
	name           string
	applyWhen      expression
	filterRead     expression // document_filters
	filterWrite    expression
	read, write    expression
	insert, delete expression
	fields         map[string]*field
	additional     *field
}

// field is an entry of fields, or additional_fields.
type field struct {
	read, write expression
	fields      map[string]*field
}

// filter is an entry of filters.
type filter struct {
	applyWhen  expression
	query      bson.Raw
	projection bson.Raw
}

// Parse reads the text of a rules.json.
func Parse(text []byte) (*Rules, error) {
	doc, err := ejson.Parse(text, ejson.Limits{})
	if err != nil {
		return nil, fmt.Errorf("rules.json: %w", err)
	}
	rules := &Rules{}
	for _, v := range values(get(doc, "roles")) {
		rules.roles = append(rules.roles, parseRole(document(v)))
	}
	for _, v := range values(get(doc, "filters")) {
		f := document(v)
		projection := document(get(f, "projection"))
		if len(projection) == 0 {
			projection = document(get(f, "project"))
		}
		rules.filters = append(rules.filters, filter{get(f, "apply_when"), document(get(f, "query")), projection})
	}
	return rules, nil
}

func parseRole(doc bson.Raw) role {
	name, _ := bsonval.String(get(doc, "name"))
	filters := document(get(doc, "document_filters"))
	return role{
		name:        name,
		applyWhen:   get(doc, "apply_when"),
		filterRead:  get(filters, "read"),
		filterWrite: get(filters, "write"),
		read:        get(doc, "read"),
		write:       get(doc, "write"),
		insert:      get(doc, "insert"),
		delete:      get(doc, "delete"),
		fields:      parseFields(document(get(doc, "fields"))),
		additional:  parseField(document(get(doc, "additional_fields"))),
	}
}

func parseField(doc bson.Raw) *field {
	return &field{get(doc, "read"), get(doc, "write"), parseFields(document(get(doc, "fields")))}
}

// parseFields reads a fields object. An entry for a.b is one for b inside a.
func parseFields(doc bson.Raw) map[string]*field {
	fields := map[string]*field{}
	for _, e := range elements(doc) {
		into, entry := fields, parseField(document(e.value))
		names := strings.Split(e.name, ".")
		for _, name := range names[:len(names)-1] {
			if into[name] == nil {
				into[name] = &field{fields: map[string]*field{}}
			}
			into = into[name].fields
		}
		into[names[len(names)-1]] = entry
	}
	return fields
}
