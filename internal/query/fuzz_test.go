package query_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
)

var fuzzFilters = []string{
	`{"a":1}`, `{"a.b.0":{"$gt":1,"$not":{"$in":[1,null,{"$regularExpression":{"pattern":"^a","options":"i"}}]}}}`, `{"$or":[{"a":{"$elemMatch":{"b":1}}},{"$nor":[{"a":{"$all":[1,2]}}]}]}`,
	`{"a":{"$elemMatch":{"$gte":1,"$type":"number"}}}`, `{"a":{"$mod":[2,1]},"b":{"$size":1},"c":{"$exists":false}}`, `{"a":{"$regex":"(?i)b$","$options":"m"}}`,
}

var fuzzDocs = []string{`{"a":1,"b":[1],"c":null}`, `{"a":[{"b":[1,"x"]},[2]]}`, `{"a":{"b":{"$numberDecimal":"1.5"}}}`, `{}`}

// FuzzParse checks that whatever is accepted can be used and is accepted again.
func FuzzParse(f *testing.F) {
	for _, filter := range fuzzFilters {
		f.Add([]byte(mustDoc(f, filter)), false)
	}
	docs := make([]bson.Raw, len(fuzzDocs))
	for i := range docs {
		docs[i] = mustDoc(f, fuzzDocs[i])
	}
	f.Fuzz(func(t *testing.T, raw []byte, trusted bool) {
		filter, err := query.Parse(raw, query.Options{Trusted: trusted})
		if err != nil {
			return
		}
		if _, err := query.Parse(raw, query.Options{Trusted: true}); err != nil {
			t.Fatalf("accepted from a client but not from the operator: %v", err)
		}
		for _, p := range filter.Paths() {
			if _, err := query.ParsePath(p.String()); err != nil && len(p.Segments()) <= 50 {
				t.Fatalf("path %q: %v", p, err)
			}
		}
		filter.Equalities()
		for _, doc := range docs {
			if _, ok := filter.Positional(doc); ok && !filter.Match(doc) {
				t.Fatal("an element of a document that does not match")
			}
		}
		if s, err := query.ParseSort(raw); err == nil && s.Compare(docs[0], docs[1]) != -s.Compare(docs[1], docs[0]) {
			t.Fatal("the sort depends on the order of its arguments")
		}
	})
}

// FuzzMatch checks that any bytes can be matched, always with the same result, and that corrupt ones never match.
func FuzzMatch(f *testing.F) {
	filters := make([]*query.Filter, len(fuzzFilters))
	for i := range filters {
		filters[i] = mustParse(f, fuzzFilters[i])
	}
	everything := mustParse(f, `{"missing":null}`)
	sort := mustSort(f, `{"a.b":1,"a.0":-1,"b":1}`)
	for _, doc := range fuzzDocs {
		f.Add([]byte(mustDoc(f, doc)))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		for i, filter := range filters {
			first := filter.Match(doc)
			if first != filter.Match(doc) {
				t.Fatalf("%s: two results", fuzzFilters[i])
			}
			filter.Positional(doc)
		}
		it := bsonval.NewIter(doc)
		hasField := false
		for it.Next() {
			hasField = hasField || string(it.Key()) == "missing"
		}
		if it.Err() != nil && !hasField && everything.Match(doc) {
			t.Fatal("corrupt bytes match")
		}
		if sort.Compare(doc, doc) != 0 {
			t.Fatal("a document differs from itself")
		}
	})
}

// FuzzPattern checks that no pattern gets through the translation that RE2 then cannot use.
func FuzzPattern(f *testing.F) {
	f.Add(`^(?:a|b$)`, "i", "ab")
	f.Add("(?x) [[:alpha:]-]{2,3}? # c\n\\Qa\\E", "ms", "x\n")
	f.Fuzz(func(t *testing.T, pattern, options, text string) {
		doc, err := bson.Marshal(bson.D{{Key: "a", Value: bson.D{{Key: "$regex", Value: pattern}, {Key: "$options", Value: options}}}})
		if err != nil {
			return
		}
		filter, err := query.Parse(doc, query.Options{})
		if err != nil {
			return
		}
		stored, err := bson.Marshal(bson.D{{Key: "a", Value: text}})
		if err != nil {
			return
		}
		if first := filter.Match(stored); first != filter.Match(stored) {
			t.Fatal("two results")
		}
	})
}
