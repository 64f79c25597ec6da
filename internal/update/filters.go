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
	test elementTest
	cost int // of a small element
	used bool
}

// elementTest asks a filter about a value as the only field of a document.
type elementTest struct {
	filter *query.Filter
	name   string
}

func (t elementTest) matches(a *applier, v bson.RawValue) bool {
	doc, start := bsonval.BeginDocument(a.scratch[:0])
	doc = bsonval.AppendElement(doc, t.name, v)
	doc = bsonval.EndDocument(doc, start)
	a.scratch = doc
	return t.filter.Match(doc)
}

// sizeOf is how many values of common size a value stands for.
func sizeOf(v bson.RawValue) int { return 1 + len(v.Value)/64 }

// costOf is how many values of a condition are compared with one value that it is asked of. Those of an $in are not,
// but for regular expressions: they are searched.
func costOf(condition []byte) int {
	cost := 0
	for it := bsonval.NewIter(condition); it.Next(); {
		v, name := it.Value(), string(it.Key())
		switch {
		case name == "$in" || name == "$nin":
			cost += 1 + patterns(v)
		case v.Type == bson.TypeEmbeddedDocument || v.Type == bson.TypeArray:
			cost += costOf(v.Value)
		default:
			cost++
		}
	}
	return max(cost, 1)
}

func patterns(list bson.RawValue) int {
	n := 0
	for it := bsonval.NewIter(list.Value); it.Next(); {
		if it.Value().Type == bson.TypeRegex {
			n++
		}
	}
	return n
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
		id := f.Paths()[0].Segments()[0]
		af := &arrayFilter{test: elementTest{f, id}, cost: costOf(doc)}
		for _, path := range f.Paths() {
			if path.Segments()[0] != id {
				return refuse(codeFailedToParse, op, "an array filter names two identifiers")
			}
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
