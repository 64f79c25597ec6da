package oracle_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/rolegate/rolegate/integration/oracle"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/internal/update"
)

const (
	updatesPerRound = 1000
	updateRounds    = 25
)

// outcome is what became of a document: its bytes, or the code of an error.
type outcome struct {
	doc  bson.Raw
	code int
	err  error
}

// ours computes what an update makes of a document.
func ours(t *testing.T, pre bson.Raw, u oracle.UpdateCase) outcome {
	t.Helper()
	in := update.Input{Now: time.Now(), Positional: -1}
	filter, err := query.Parse(mustMarshal(t, u.Filter), query.Options{Trusted: true})
	if err != nil {
		return outcome{err: err}
	}
	filters := make([]bson.Raw, len(u.ArrayFilters))
	for i, f := range u.ArrayFilters {
		filters[i] = mustMarshal(t, f)
	}
	parsed, err := update.Parse(mustMarshal(t, u.Update), filters, update.Options{Query: query.Options{Trusted: true}})
	if err != nil {
		return failed(err)
	}
	if !filter.Match(pre) {
		return outcome{doc: pre}
	}
	if i, ok := filter.Positional(pre); ok {
		in.Positional = i
	}
	before := bytes.Clone(pre)
	post, err := parsed.Apply(nil, pre, in)
	if !bytes.Equal(before, pre) {
		t.Fatal("Apply changed the before-image")
	}
	if err != nil {
		return failed(err)
	}
	return outcome{doc: post}
}

func failed(err error) outcome {
	o := outcome{err: err}
	var e *update.Error
	if errors.As(err, &e) {
		o.code = e.Code
	}
	return o
}

// theirs runs one update for each document.
func theirs(t *testing.T, coll *mongo.Collection, stored []bson.Raw, cases []oracle.UpdateCase) []outcome {
	t.Helper()
	statements := make(bson.A, len(cases))
	for i, u := range cases {
		filter := append(bson.D{{Key: "_id", Value: bson.D{{Key: "$eq", Value: stored[i].Lookup("_id")}}}}, u.Filter...)
		// A command and not a method of the driver, which would not send updates that it takes for misshapen.
		s := bson.D{{Key: "q", Value: filter}, {Key: "u", Value: u.Update}}
		if len(u.ArrayFilters) > 0 {
			s = append(s, bson.E{Key: "arrayFilters", Value: u.ArrayFilters})
		}
		statements[i] = s
	}
	command := bson.D{{Key: "update", Value: coll.Name()}, {Key: "updates", Value: statements}, {Key: "ordered", Value: false}}
	err := coll.Database().RunCommand(t.Context(), command).Err()
	var failures mongo.WriteException
	if err != nil && !errors.As(err, &failures) {
		t.Fatal(err)
	}
	out := make([]outcome, len(cases))
	for _, e := range failures.WriteErrors {
		out[e.Index].code, out[e.Index].err = e.Code, errors.New(e.Message)
	}
	cur, err := coll.Find(t.Context(), bson.D{}, options.Find().SetHint(bson.D{{Key: "$natural", Value: 1}}))
	if err != nil {
		t.Fatal(err)
	}
	var docs []bson.Raw
	if err := cur.All(t.Context(), &docs); err != nil {
		t.Fatal(err)
	}
	if len(docs) != len(cases) {
		t.Fatalf("%d documents, want %d", len(docs), len(cases))
	}
	for i, doc := range docs {
		if !bytes.Equal(doc.Lookup("_id").Value, stored[i].Lookup("_id").Value) {
			t.Fatalf("document %d has another _id: %s", i, oracle.JSON(doc))
		}
		out[i].doc = doc
	}
	return out
}

// comparison counts how updates compare.
type comparison struct {
	verdicts map[string]int
	coverage oracle.Coverage
	failures int
}

func newComparison() *comparison {
	return &comparison{verdicts: map[string]int{}, coverage: oracle.Coverage{}}
}

// compare runs the cases on both sides, each on its own document.
func (c *comparison) compare(t *testing.T, coll *mongo.Collection, stored []bson.Raw, cases []oracle.UpdateCase) {
	t.Helper()
	for i, want := range theirs(t, coll, stored, cases) {
		c.judge(t, cases[i], stored[i], ours(t, stored[i], cases[i]), want)
	}
}

// judge compares one update.
func (c *comparison) judge(t *testing.T, u oracle.UpdateCase, pre bson.Raw, got, want outcome) {
	t.Helper()
	verdict, agree := judge(got, want, pre)
	switch {
	case refusedByUsOnly(got):
		verdict, agree = "a refusal of ours", true
	case refusedByServerOnly(want):
		verdict, agree = "a refusal of the server", true
	}
	c.verdicts[verdict]++
	c.coverage.Count(u, outcomeOf(verdict, got))
	var refusal *update.Error
	if errors.As(got.err, &refusal) && want.err != nil {
		c.coverage.Note("both refuse "+refusal.Op, fmt.Sprint(got.code))
	}
	if agree {
		return
	}
	t.Errorf("%s\nfilter  %s\nupdate  %s\nfilters %s\nbefore  %s\nours    %s\ntheirs  %s", verdict, oracle.JSON(u.Filter), oracle.JSON(u.Update),
		oracle.JSON(bson.D{{Key: "", Value: u.ArrayFilters}}), oracle.JSON(pre), show(got), show(want))
	if c.failures++; c.failures >= maxFailures {
		t.FailNow()
	}
}

func (c *comparison) String() string { return "outcomes:\n" + counts(c.verdicts) }

func TestUpdatesMakeWhatTheServerMakes(t *testing.T) {
	e := oracle.Open(t)
	c := newComparison()
	for range updateRounds * e.Scale {
		g := oracle.NewGenerator(e.Rand)
		docs := g.UpdateDocuments(updatesPerRound)
		coll, stored := e.Fill(t, "updates", docs)
		cases := make([]oracle.UpdateCase, len(docs))
		for i, doc := range docs {
			cases[i] = g.Update(doc, 6)
		}
		c.compare(t, coll, stored, cases)
	}
	requireReached(t, c.coverage)
	t.Logf("%sby what stands in the updates: how many change the document, leave it as it is, or fail with a code:%s", c, c.coverage)
}

// TestUpdatesLeaveTheIDAlone compares updates of documents whose _id is an object. Most of them name it or a part of it.
func TestUpdatesLeaveTheIDAlone(t *testing.T) {
	e := oracle.Open(t)
	c := newComparison()
	for range e.Scale {
		g := oracle.NewGenerator(e.Rand)
		docs := g.UpdateDocuments(updatesPerRound)
		for i, doc := range docs {
			id := bson.D{{Key: "n", Value: int32(i)}, {Key: "a", Value: oracle.Pick[any](g, int32(1), 1.0, bson.A{int32(1)}, bson.D{{Key: "b", Value: int32(1)}})}}
			docs[i] = append(bson.D{{Key: "_id", Value: id}}, doc[:min(1, len(doc))]...)
		}
		coll, stored := e.Fill(t, "ids", docs)
		cases := make([]oracle.UpdateCase, len(docs))
		for i, doc := range docs {
			cases[i] = g.Update(doc, 3)
		}
		c.compare(t, coll, stored, cases)
	}
	if n := c.coverage["path _id"]["66"]; n < 50 {
		t.Errorf("only %d updates would change the _id", n)
	}
	t.Logf("%s", c)
}

func outcomeOf(verdict string, got outcome) string {
	switch {
	case got.err != nil:
		return fmt.Sprint(got.code)
	case verdict == "the same change":
		return "change"
	}
	return "same"
}

// refusedByUsOnly tells whether a refusal is one that the package documents as its own: names that are not stored, and
// conditions that the query package refuses. (Indexes with leading zeros are not generated at all. The server takes a.1
// and a.01 for two paths, then stops on finding the element twice.)
func refusedByUsOnly(got outcome) bool {
	const dollarPrefixed, emptyName, dottedName = 52, 56, 57
	if got.err == nil {
		return false
	}
	text := got.err.Error()
	switch got.code {
	case dollarPrefixed, dottedName:
		return true
	case emptyName:
		return strings.Contains(text, "a value contains")
	}
	condition, isCondition := conditionOf(text)
	return isCondition && (refusals[condition] || strings.HasSuffix(condition, "the path has an empty segment"))
}

// conditionOf returns what is wrong with a condition, where an error is about one.
func conditionOf(text string) (string, bool) {
	if c, ok := strings.CutPrefix(text, "$pull: "); ok {
		return c, true
	}
	return strings.CutPrefix(text, "arrayFilters: ")
}

// sameMistake tells whether two codes mean the same. We have one code for all conditions; the server has others for
// patterns, for the operand of $type and for operators that are for other places. That the _id of an upsert is an
// array we say first, the server last, and differently if the array was made by $push.
func sameMistake(got, want outcome) bool {
	const invalidID = 53
	if got.code == invalidID {
		return true
	}
	const badValue, failedToParse, typeMismatch, notAllowed, badPattern, badOptions = 2, 9, 14, 224, 51091, 51075
	if _, isCondition := conditionOf(got.err.Error()); got.code != badValue || !isCondition {
		return false
	}
	switch want.code {
	case badPattern, badOptions, failedToParse, typeMismatch, notAllowed:
		return true
	}
	return false
}

// refusedByServerOnly recognizes the one refusal that we do not follow: an $all of nothing alone in an array filter, of
// which the server forgets the name.
func refusedByServerOnly(want outcome) bool {
	return want.err != nil && strings.HasPrefix(want.err.Error(), "Cannot use an expression without a top-level field name")
}

func show(o outcome) string {
	if o.err != nil {
		return fmt.Sprintf("error %d: %v", o.code, o.err)
	}
	return fmt.Sprintf("%s\n        %x", oracle.JSON(o.doc), []byte(o.doc))
}

// judge says in a few words how two outcomes compare, and whether they agree.
func judge(got, want outcome, pre bson.Raw) (verdict string, agree bool) {
	switch {
	case got.err != nil && want.err != nil:
		if got.code == want.code || sameMistake(got, want) {
			return fmt.Sprintf("both fail with %d", got.code), true
		}
		return fmt.Sprintf("we fail with %d, the server with %d", got.code, want.code), false
	case got.err != nil:
		return fmt.Sprintf("only we fail: %v", got.err), false
	case want.err != nil:
		return "only the server fails", false
	case !bytes.Equal(withoutTimes(got.doc), withoutTimes(want.doc)):
		return "the documents differ", false
	case bytes.Equal(got.doc, pre):
		return "nothing changes", true
	}
	return "the same change", true
}

// withoutTimes is a copy of a document in which all dates and timestamps of this century are the same.
func withoutTimes(doc bson.Raw) bson.Raw {
	doc = bytes.Clone(doc)
	eraseTimes(doc)
	return doc
}

func eraseTimes(doc []byte) {
	const century = 946684800 // seconds
	for it := bsonval.NewIter(doc); it.Next(); {
		v := it.Value()
		switch v.Type {
		case bson.TypeDateTime:
			if n := int64(binary.LittleEndian.Uint64(v.Value)); n > century*1000 && n < math.MaxUint32*1000 {
				clear(v.Value)
			}
		case bson.TypeTimestamp:
			if binary.LittleEndian.Uint32(v.Value[4:]) > century {
				clear(v.Value)
			}
		case bson.TypeEmbeddedDocument, bson.TypeArray:
			eraseTimes(v.Value)
		}
	}
}

func TestCurrentDateStandsWhereTheServerPutsIt(t *testing.T) {
	e := oracle.Open(t)
	kinds := []any{true, false, bson.D{{Key: "$type", Value: "date"}}, bson.D{{Key: "$type", Value: "timestamp"}}}
	for _, kind := range kinds {
		coll, stored := e.Fill(t, "dates", []bson.D{{{Key: "b", Value: "x"}}})
		u := oracle.UpdateCase{Filter: bson.D{}, Update: bson.D{{Key: "$currentDate", Value: bson.D{{Key: "b", Value: kind}, {Key: "a.c", Value: kind}}}}}
		want, got := theirs(t, coll, stored, []oracle.UpdateCase{u})[0], ours(t, stored[0], u)
		if want.err != nil || got.err != nil {
			t.Fatalf("%v: %v, the server says %v", kind, got.err, want.err)
		}
		for _, path := range [][]string{{"b"}, {"a", "c"}} {
			w, g := want.doc.Lookup(path...), got.doc.Lookup(path...)
			if w.Type != g.Type {
				t.Errorf("%v: %v at %v, the server has %v", kind, g.Type, path, w.Type)
			}
			if len(w.Value) != len(g.Value) || !bytes.Equal(w.Value[6:], g.Value[6:]) {
				t.Errorf("%v: %x at %v, the server has %x", kind, g.Value, path, w.Value)
			}
		}
	}
}
