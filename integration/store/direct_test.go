package store

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/rolegate/rolegate/proxy"
)

func (b bench) direct(t *testing.T, filter, update string, many bool) (proxy.DirectResult, error) {
	t.Helper()
	w := proxy.DirectWrite{Filter: doc(t, filter), Many: many}
	if update != "" {
		w.Update = doc(t, update)
	}
	return b.store.Direct(t.Context(), b.ns, w)
}

func TestDirect(t *testing.T) {
	b := open(t, `{"_id": 1, "o": "a", "n": 1}`, `{"_id": 2, "o": "a", "n": 2}`, `{"_id": 3, "o": "b", "n": 3}`)
	steps := []struct {
		filter, update string
		many           bool
		want           proxy.DirectResult
		stored         []string
	}{
		{`{"o": "a"}`, `{"$set": {"n": 2}}`, true, proxy.DirectResult{Matched: 2, Modified: 1}, []string{`{"_id":1,"o":"a","n":2}`, `{"_id":2,"o":"a","n":2}`, `{"_id":3,"o":"b","n":3}`}},
		{`{"_id": 3}`, `{"$inc": {"n": 1}}`, false, proxy.DirectResult{Matched: 1, Modified: 1}, []string{`{"_id":1,"o":"a","n":2}`, `{"_id":2,"o":"a","n":2}`, `{"_id":3,"o":"b","n":4}`}},
		{`{"_id": 9}`, `{"$inc": {"n": 1}}`, false, proxy.DirectResult{}, []string{`{"_id":1,"o":"a","n":2}`, `{"_id":2,"o":"a","n":2}`, `{"_id":3,"o":"b","n":4}`}},
		{`{"_id": 1}`, ``, false, proxy.DirectResult{Matched: 1}, []string{`{"_id":2,"o":"a","n":2}`, `{"_id":3,"o":"b","n":4}`}},
		{`{}`, ``, true, proxy.DirectResult{Matched: 2}, []string{}},
	}
	for _, s := range steps {
		got, err := b.direct(t, s.filter, s.update, s.many)
		if got != s.want || err != nil {
			t.Errorf("%s %s: %+v, %v, want %+v", s.filter, s.update, got, err, s.want)
		}
		if diff := cmp.Diff(s.stored, b.stored(t)); diff != "" {
			t.Errorf("stored after %s %s (-want +got):\n%s", s.filter, s.update, diff)
		}
	}
}

func TestDirectErrors(t *testing.T) {
	b := open(t, `{"_id": 1, "n": "x"}`)
	coll := b.Client(t).Database(b.ns.Database).Collection(b.ns.Collection)
	if _, err := coll.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: bson.D{{Key: "u", Value: 1}}, Options: options.Index().SetUnique(true)}); err != nil {
		t.Fatal(err)
	}
	b.seed(t, `{"_id": 2, "u": 1}`)
	taken := proxy.ErrDuplicateKey
	if !b.Real {
		taken = proxy.ErrUnclear // the embedded server does not say what failed
	}
	for _, tt := range []struct {
		filter, update string
		want           error
	}{
		{`{"_id": 1}`, `{"$inc": {"n": 1}}`, proxy.ErrRejected},
		{`{"_id": 1}`, `{"n": 1}`, proxy.ErrRejected},
		{`{"_id": 1}`, `{}`, proxy.ErrRejected},
		{`{"_id": 1}`, `{"$set": {"u": 1}}`, taken},
		{`{"_id": {"$foo": 1}}`, `{"$set": {"u": 1}}`, proxy.ErrRejected},
	} {
		if got, err := b.direct(t, tt.filter, tt.update, false); !errors.Is(err, tt.want) || got != (proxy.DirectResult{}) {
			t.Errorf("%s %s: %+v, %v, want %v", tt.filter, tt.update, got, err, tt.want)
		}
	}
	if diff := cmp.Diff([]string{`{"_id":1,"n":"x"}`, `{"_id":2,"u":1}`}, b.stored(t)); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	elsewhere := b
	elsewhere.ns.Service = "other"
	if _, err := elsewhere.direct(t, `{}`, ``, true); err == nil {
		t.Error("an unknown data source was written to")
	}
}

// A collection may compare strings without case; who may write does not.
func TestDirectIgnoresTheCollationOfACollection(t *testing.T) {
	b := open(t)
	b.NeedReal(t, "collations")
	c := b.Client(t).Database(b.ns.Database)
	if err := c.CreateCollection(t.Context(), b.ns.Collection, options.CreateCollection().SetCollation(&options.Collation{Locale: "en", Strength: 2})); err != nil {
		t.Fatal(err)
	}
	b.seed(t, `{"_id": 1, "o": "ANN"}`)
	for _, update := range []string{`{"$set": {"n": 1}}`, ``} {
		if got, err := b.direct(t, `{"o": "ann"}`, update, true); got.Matched != 0 || err != nil {
			t.Errorf("%s: %+v, %v", update, got, err)
		}
	}
}

// What a validator or an index refuses is not told from a denial: they may look at what is hidden.
func TestDocumentsThatAreNotTaken(t *testing.T) {
	b := open(t)
	b.NeedReal(t, "validators")
	c := b.Client(t).Database(b.ns.Database)
	validator := bson.D{{Key: "$expr", Value: bson.D{{Key: "$gt", Value: bson.A{"$n", "$secret"}}}}}
	if err := c.CreateCollection(t.Context(), b.ns.Collection, options.CreateCollection().SetValidator(validator)); err != nil {
		t.Fatal(err)
	}
	index := mongo.IndexModel{Keys: bson.D{{Key: "l", Value: 1}, {Key: "m", Value: 1}}}
	if _, err := c.Collection(b.ns.Collection).Indexes().CreateOne(t.Context(), index); err != nil {
		t.Fatal(err)
	}
	b.seed(t, `{"_id": 1, "n": 9, "secret": 5, "m": [1]}`)
	for _, update := range []string{`{"$set": {"n": 4}}`, `{"$set": {"l": [1]}}`} {
		if _, err := b.direct(t, `{"_id": 1}`, update, false); !errors.Is(err, proxy.ErrNotTaken) {
			t.Errorf("%s: %v", update, err)
		}
		field := "n"
		if strings.Contains(update, `"l"`) {
			field = "l"
		}
		if _, err := b.write(t, set(t, `1`, field, map[string]string{"n": "4", "l": "[1]"}[field])); !errors.Is(err, proxy.ErrNotTaken) {
			t.Errorf("guarded %s: %v", update, err)
		}
	}
}
