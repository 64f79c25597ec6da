package update

import (
	"maps"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
)

// arrayFilter decides which elements of an array a segment $[id] stands for. Its paths start with the identifier.
type arrayFilter struct {
	test  elementTest
	inner []string // the paths it reads inside an element
	used  bool
}

// elementTest asks a filter about a value as the only field of a document.
type elementTest struct {
	filter *query.Filter
	name   string
}

func (t elementTest) matches(a *applier, v bson.RawValue) bool {
	a.visit(t.cost() * (1 + len(v.Value)/64))
	doc, start := bsonval.BeginDocument(a.scratch[:0])
	doc = bsonval.AppendElement(doc, t.name, v)
	doc = bsonval.EndDocument(doc, start)
	a.scratch = doc
	return t.filter.Match(doc)
}

// cost is about how many values one test looks at.
func (t elementTest) cost() int { return len(t.filter.Paths()) }

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
		id := f.Paths()[0].Segments()[0]
		af := &arrayFilter{test: elementTest{f, id}}
		for _, path := range f.Paths() {
			if path.Segments()[0] != id {
				return refuse(codeFailedToParse, op, "an array filter names two identifiers")
			}
			af.inner = append(af.inner, dotted(path.Segments()[1:]))
		}
		if !isIdentifier(id) {
			return refuse(codeBadValue, op, "an identifier must be letters and digits that begin with a lowercase letter")
		}
		if p.filters[id] != nil {
			return refuse(codeFailedToParse, op, "two array filters have the same identifier")
		}
		p.filters[id] = af
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

// checkFiltersUsed refuses array filters that no path refers to.
func (p *parser) checkFiltersUsed() error {
	for _, id := range slices.Sorted(maps.Keys(p.filters)) {
		if !p.filters[id].used {
			return refuse(codeFailedToParse, "arrayFilters", "the identifier '"+printable(id)+"' is not used in the update")
		}
	}
	return nil
}
