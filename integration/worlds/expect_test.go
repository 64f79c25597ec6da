package worlds_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/internal/reference"
)

// model reads the rules of the world as the model does, from their text.
func (w *World) model() *reference.Rules {
	rules, err := reference.Parse([]byte(text(w.Rules)))
	if err != nil {
		panic(err)
	}
	return rules
}

// expected is the answer that the model gives.
type expected struct {
	action  string
	refused error
	// documents, or one document, or none, of find, findOne and aggregate.
	documents []bson.Raw
	count     int
	values    []bson.RawValue

	// Where nothing at all is hidden the database may choose the order. Then any page of these will do that has the keys
	// of documents.
	anyOrder  bool
	all       []bson.Raw
	projected bool
	sort      *query.Sort

	// Documents of the view are equal and not the same. In an aggregation they are in the order of the database, too.
	ties bool
	// After some stages of a pipeline the documents are in no certain order.
	unordered bool
	// What comes out depends on an order that is up to the database, or on whether it looks at a pipeline at all.
	arbitrary bool
}

// pipelines runs a pipeline on documents.
type pipelines func(docs []bson.Raw, pipeline bson.A) ([]bson.Raw, error)

// expect answers a request from the view of a user.
func expect(rules *reference.Rules, u User, docs []bson.D, r Request, run pipelines) expected {
	return answerFrom(rules, u.factsOf(r.Action, r.operation()), raws(docs), r, run)
}

func answerFrom(rules *reference.Rules, facts *reference.Facts, stored []bson.Raw, r Request, run pipelines) expected {
	want := expected{action: r.Action}
	view, err := rules.View(facts, stored)
	if err != nil {
		want.refused = err
		return want
	}
	want.anyOrder = !view.Hidden
	if find, ok := asFind(r.Pipeline); ok && r.Pipeline != nil {
		r = find
	}
	found, err := view.Select(raw(r.Filter), raw(r.Sort))
	if err != nil {
		want.refused = err
		return want
	}
	switch r.Action {
	case "countDocuments":
		want.count = len(found)
	case "distinct":
		want.values = reference.Distinct(found, r.Key)
	default:
		if r.Pipeline != nil {
			want.documents, want.refused = run(found, r.Pipeline)
			want.all = want.documents
			want.ties = hasTies(found)
			want.anyOrder = want.anyOrder || want.ties
			want.unordered = isUnordered(r.Pipeline)
			want.arbitrary = want.anyOrder && (want.unordered || needsOrder(r.Pipeline)) || want.refused != nil && len(found) == 0
			break
		}
		limit := r.Limit
		if r.Action == "findOne" {
			limit = 1
		}
		want.page(found, r, limit)
	}
	return want
}

func (e *expected) page(found []bson.Raw, r Request, limit int64) {
	if len(r.Sort) > 0 {
		e.sort, e.refused = query.ParseSort(raw(r.Sort))
	}
	e.projected = len(r.Projection) > 0
	var err error
	if e.all, err = reference.Project(found, raw(r.Projection)); err != nil {
		e.refused = err
	}
	e.documents = reference.Page(e.all, r.Skip, limit)
}

// hasTies tells whether documents in the order of the view are equal and not the same, as {a: 1} and {a: 1.0} are.
func hasTies(docs []bson.Raw) bool {
	for i := 1; i < len(docs); i++ {
		if bsonval.CompareDocuments(docs[i-1], docs[i]) == 0 && !bytes.Equal(docs[i-1], docs[i]) {
			return true
		}
	}
	return false
}

// differs says how an answer differs from the expected one; "" is not at all.
func (e expected) differs(got answer) string {
	switch {
	case e.arbitrary, e.refused != nil && got.status == http.StatusBadRequest:
		return ""
	case e.refused != nil:
		return fmt.Sprintf("status %d, and the model refuses: %v", got.status, e.refused)
	case got.status == http.StatusBadRequest && e.anyOrder && e.sort != nil && bytes.Contains(got.body, []byte("MongoDBError")):
		return "" // the database sorts, and refuses when two keys lead into two arrays of a document
	case got.status != http.StatusOK:
		return fmt.Sprintf("status %d: %s", got.status, got.body)
	case e.action != "countDocuments" && e.action != "distinct" && bytes.Equal(got.body, e.body()):
		return ""
	}
	doc, err := ejson.Parse(got.body, ejson.Limits{})
	if err != nil {
		return fmt.Sprintf("the answer is no JSON: %v", err)
	}
	switch e.action {
	case "countDocuments":
		if n, ok := bsonval.Int64(doc.Lookup("count")); !ok || n != int64(e.count) {
			return "another count: " + string(got.body)
		}
		return ""
	case "distinct":
		values, err := list(doc.Lookup("values"))
		if err != nil || !slices.EqualFunc(values, e.values, bsonval.Equal) {
			return "other values: " + string(got.body)
		}
		return ""
	}
	docs, err := documentsOf(doc)
	if err != nil {
		return err.Error()
	}
	if e.action == "aggregate" {
		docs, e.documents, e.all = fieldsSorted(docs), fieldsSorted(e.documents), fieldsSorted(e.all)
	}
	switch {
	case e.action == "aggregate" && slices.EqualFunc(docs, e.documents, func(a, b bson.Raw) bool { return bytes.Equal(a, b) }):
		return ""
	case e.unordered && slices.EqualFunc(sorted(docs), sorted(e.documents), bytes.Equal):
		return ""
	case e.anyOrder:
		return e.differsLoosely(docs)
	}
	return "other documents:\n" + strings.Join(linesOf(docs), "\n")
}

// fieldsSorted puts the fields of documents in the order of their names, at every depth: where $set puts a field that an
// earlier stage has taken away depends on how the server runs the stages.
func fieldsSorted(docs []bson.Raw) []bson.Raw {
	out := make([]bson.Raw, len(docs))
	for i, d := range docs {
		out[i] = raw(fieldSorted(decoded(d)).(bson.D))
	}
	return out
}

func fieldSorted(v any) any {
	switch c := v.(type) {
	case bson.D:
		d := slices.Clone(c)
		for i := range d {
			d[i].Value = fieldSorted(d[i].Value)
		}
		slices.SortStableFunc(d, func(a, b bson.E) int { return strings.Compare(a.Key, b.Key) })
		return d
	case bson.A:
		list := slices.Clone(c)
		for i := range list {
			list[i] = fieldSorted(list[i])
		}
		return list
	}
	return v
}

// body is the text of the answer.
func (e expected) body() []byte {
	var doc bson.D
	switch {
	case e.action != "findOne":
		doc = bson.D{{Key: "documents", Value: append([]bson.Raw{}, e.documents...)}}
	case len(e.documents) == 0:
		doc = bson.D{{Key: "document", Value: nil}}
	default:
		doc = bson.D{{Key: "document", Value: e.documents[0]}}
	}
	body, err := ejson.AppendCanonical(nil, raw(doc))
	if err != nil {
		panic(err)
	}
	return body
}

// differsLoosely compares a page in the order of the database.
func (e expected) differsLoosely(docs []bson.Raw) string {
	if len(docs) != len(e.documents) {
		return fmt.Sprintf("%d documents, not %d", len(docs), len(e.documents))
	}
	rest := slices.Clone(e.all)
	for i, doc := range docs {
		at := slices.IndexFunc(rest, func(d bson.Raw) bool { return bytes.Equal(d, doc) })
		if at < 0 {
			return "a document that is not expected, or twice: " + text(doc)
		}
		rest = slices.Delete(rest, at, at+1)
		if !e.projected && e.sort.Compare(doc, e.documents[i]) != 0 {
			return "a document in the wrong place: " + text(doc)
		}
	}
	return ""
}

// lines writes the answer as a case does.
func (e expected) lines() []string {
	switch {
	case e.refused != nil:
		return []string{"error 400"}
	case e.action == "countDocuments":
		return []string{fmt.Sprintf("count %d", e.count)}
	case e.action == "distinct":
		return []string{"values " + text(e.values)}
	case e.action == "findOne" && len(e.documents) == 0:
		return []string{"null"}
	}
	return linesOf(e.documents)
}

func linesOf(docs []bson.Raw) []string {
	lines := make([]string, len(docs))
	for i, d := range docs {
		lines[i] = text(d)
	}
	return lines
}

// documentsOf reads the documents of an answer to find, findOne or aggregate.
func documentsOf(doc bson.Raw) ([]bson.Raw, error) {
	if one, ok := bsonval.Document(doc.Lookup("document")); ok {
		return []bson.Raw{one}, nil
	}
	values, err := list(doc.Lookup("documents"))
	docs := make([]bson.Raw, len(values))
	for i, v := range values {
		docs[i], _ = bsonval.Document(v)
	}
	return docs, err
}

func list(v bson.RawValue) ([]bson.RawValue, error) {
	array, ok := v.ArrayOK()
	if !ok {
		return nil, errors.New("the answer has no list")
	}
	return array.Values()
}
