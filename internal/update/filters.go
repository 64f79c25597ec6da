package update

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
)

// arrayFilter decides which elements of an array a segment $[id] stands for. Its paths start with the identifier.
type arrayFilter struct {
	id     string
	filter *query.Filter
	inner  []string // the paths it reads inside an element
	used   bool
}

func (p *parser) parseArrayFilters(filters []bson.Raw) error {
	const op = "arrayFilters"
	for _, doc := range filters {
		f, err := query.Parse(doc, p.o.Query)
		if err != nil {
			return refuse(codeBadValue, op, err.Error())
		}
		if len(f.Paths()) == 0 {
			return refuse(codeFailedToParse, op, "an array filter names no field")
		}
		af := &arrayFilter{filter: f}
		for i, path := range f.Paths() {
			id, inner, _ := strings.Cut(path.String(), ".")
			if i > 0 && id != af.id {
				return refuse(codeFailedToParse, op, "an array filter names two identifiers")
			}
			af.id = id
			af.inner = append(af.inner, inner)
		}
		if !isIdentifier(af.id) {
			return refuse(codeBadValue, op, "an identifier must be letters and digits that begin with a lowercase letter")
		}
		if p.filter(af.id) != nil {
			return refuse(codeFailedToParse, op, "two array filters have the same identifier")
		}
		p.filters = append(p.filters, af)
	}
	return nil
}

func isIdentifier(s string) bool {
	for i := range len(s) {
		lower, other := s[i] >= 'a' && s[i] <= 'z', s[i] >= 'A' && s[i] <= 'Z' || s[i] >= '0' && s[i] <= '9'
		if !lower && (i == 0 || !other) {
			return false
		}
	}
	return s != ""
}

func (p *parser) filter(id string) *arrayFilter {
	for _, f := range p.filters {
		if f.id == id {
			return f
		}
	}
	return nil
}

// checkFiltersUsed refuses array filters that no path refers to.
func (p *parser) checkFiltersUsed() error {
	for _, f := range p.filters {
		if !f.used {
			return refuse(codeFailedToParse, "arrayFilters", "the identifier '"+printable(f.id)+"' is not used in the update")
		}
	}
	return nil
}

// matches asks a filter about one element, which takes the place of the field called id.
func (f *arrayFilter) matches(a *applier, element bson.RawValue) bool {
	return a.matches(f.filter, f.id, element)
}

// matches asks a filter about a value as the only field of a document.
func (a *applier) matches(f *query.Filter, name string, v bson.RawValue) bool {
	doc, start := bsonval.BeginDocument(a.scratch[:0])
	doc = bsonval.AppendElement(doc, name, v)
	doc = bsonval.EndDocument(doc, start)
	a.scratch = doc
	return f.Match(doc)
}
