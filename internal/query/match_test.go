package query_test

import (
	"errors"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
)

func mustDoc(t testing.TB, text string) bson.Raw {
	t.Helper()
	var d bson.D
	if err := bson.UnmarshalExtJSON([]byte(text), false, &d); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	b, err := bson.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustParse(t testing.TB, text string) *query.Filter {
	t.Helper()
	f, err := query.Parse(mustDoc(t, text), query.Options{})
	if err != nil {
		t.Fatalf("Parse(%s): %v", text, err)
	}
	return f
}

func TestMatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		filter  string
		match   []string
		differs []string
	}{
		{`{}`, []string{`{}`, `{"a":1}`}, nil},
		{`{"a":1}`, []string{`{"a":1}`, `{"a":1.0}`, `{"a":[2,1]}`, `{"a":{"$numberDecimal":"1.0"}}`}, []string{`{}`, `{"a":[[1]]}`, `{"a":"1"}`, `{"a":true}`, `{"b":1}`}},
		{`{"a":[1,2]}`, []string{`{"a":[1,2]}`, `{"a":[[1,2]]}`}, []string{`{"a":[2,1]}`, `{"a":[1,2,3]}`}},
		{`{"a":null}`, []string{`{}`, `{"a":null}`, `{"a":[1,null]}`}, []string{`{"a":[]}`, `{"a":0}`, `{"a":{}}`}},
		{`{"a.b":null}`, []string{`{}`, `{"a":5}`, `{"a":{}}`, `{"a":[{}]}`, `{"a":[1,{"c":1}]}`, `{"a":[]}`, `{"a":[1,2]}`, `{"a":[[]]}`}, []string{`{"a":{"b":1}}`, `{"a":[{"b":1}]}`, `{"a":[[],{"b":1}]}`}},
		{`{"a.1.b":null}`, []string{`{"a":[]}`, `{"a":[1]}`, `{"a":[0,[1]]}`, `{"a":[1,{"b":1}]}`}, []string{`{"a":[0,[]]}`, `{"a":[0,[{"b":1}]]}`}},
		{`{"a":{"$ne":null}}`, []string{`{"a":1}`, `{"a":[]}`}, []string{`{}`, `{"a":null}`, `{"a":[null]}`}},
		{`{"a":{"$gte":null}}`, []string{`{}`, `{"a":null}`}, []string{`{"a":1}`}},
		{`{"a":{"$gt":null}}`, nil, []string{`{}`, `{"a":null}`, `{"a":1}`}},
		{`{"a":{"$gt":1}}`, []string{`{"a":2}`, `{"a":[0,2]}`}, []string{`{"a":1}`, `{"a":"2"}`, `{}`, `{"a":[[2]]}`, `{"a":{"$numberDouble":"NaN"}}`}},
		{`{"a":{"$lt":5}}`, []string{`{"a":-1}`, `{"a":{"$numberDouble":"-Infinity"}}`}, []string{`{"a":{"$numberDouble":"NaN"}}`, `{"a":null}`}},
		{`{"a":{"$numberDouble":"NaN"}}`, []string{`{"a":{"$numberDouble":"NaN"}}`, `{"a":{"$numberDecimal":"NaN"}}`}, []string{`{"a":0}`, `{"a":"NaN"}`}},
		{`{"a":{"$lte":{"$numberDouble":"NaN"}}}`, []string{`{"a":{"$numberDouble":"NaN"}}`}, []string{`{"a":0}`}},
		{`{"a":{"$gte":{"$minKey":1}}}`, []string{`{}`, `{"a":1}`, `{"a":{"$minKey":1}}`}, nil},
		{`{"a":{"$gt":{"$maxKey":1}}}`, nil, []string{`{}`, `{"a":1}`, `{"a":{"$maxKey":1}}`}},
		{`{"a":{"$gt":[1]}}`, []string{`{"a":[2]}`, `{"a":[1,0]}`, `{"a":[[2]]}`}, []string{`{"a":[1]}`, `{"a":2}`}},
		{`{"a":{"b":1}}`, []string{`{"a":{"b":1}}`, `{"a":[{"b":1}]}`}, []string{`{"a":{"b":1,"c":2}}`, `{"a":{"b":[1]}}`}},
		{`{"a.b":1}`, []string{`{"a":{"b":1}}`, `{"a":[{"b":2},{"b":[1]}]}`}, []string{`{"a.b":1}`, `{"a":[[{"b":1}]]}`}},
		{`{"a.0":1}`, []string{`{"a":[1]}`, `{"a":{"0":1}}`, `{"a":[{"0":1}]}`}, []string{`{"a":[2,1]}`, `{"a":[[1]]}`}},
		{`{"a.0.b":1}`, []string{`{"a":[{"b":1}]}`, `{"a":[[{"b":1}]]}`}, []string{`{"a":[0,{"b":1}]}`}},
		{`{"a":{"$in":[1,"x",null]}}`, []string{`{"a":1}`, `{}`, `{"a":["x"]}`}, []string{`{"a":2}`, `{"a":[]}`}},
		{`{"a":{"$in":[{"$regularExpression":{"pattern":"^b","options":""}}]}}`, []string{`{"a":"bc"}`, `{"a":{"$regularExpression":{"pattern":"^b","options":""}}}`}, []string{`{"a":"cb"}`, `{}`}},
		{`{"a":{"$in":[1,2,3,4,5,6,7,8,9,null]}}`, []string{`{"a":9.0}`, `{}`, `{"a":null}`}, []string{`{"a":10}`, `{"a":"1"}`}},
		{`{"a":{"$in":[]}}`, nil, []string{`{}`, `{"a":[]}`}},
		{`{"a":{"$nin":[1,null]}}`, []string{`{"a":2}`}, []string{`{}`, `{"a":[2,1]}`}},
		{`{"a":{"$all":[1,2]}}`, []string{`{"a":[2,1,3]}`}, []string{`{"a":[1]}`, `{"a":1}`}},
		{`{"a":{"$all":[1]}}`, []string{`{"a":1}`}, []string{`{}`}},
		{`{"a":{"$all":[[1,2]]}}`, []string{`{"a":[1,2]}`, `{"a":[[1,2]]}`}, []string{`{"a":[2,1]}`}},
		{`{"a":{"$all":[]}}`, nil, []string{`{}`, `{"a":[]}`, `{"a":1}`}},
		{`{"a":{"$all":[{"$elemMatch":{"x":1}},{"$elemMatch":{"y":1}}]}}`, []string{`{"a":[{"x":1},{"y":1}]}`}, []string{`{"a":[{"x":1}]}`}},
		{`{"a":{"$all":[{"$regularExpression":{"pattern":"x","options":""}}]}}`, []string{`{"a":["ax"]}`}, []string{`{"a":["a"]}`}},
		{`{"a":{"$elemMatch":{"$gt":1,"$lt":3}}}`, []string{`{"a":[0,2]}`}, []string{`{"a":[0,4]}`, `{"a":2}`, `{"a":[[2]]}`}},
		{`{"a":{"$elemMatch":{"x":1,"y":2}}}`, []string{`{"a":[{"x":1,"y":2}]}`}, []string{`{"a":[{"x":1},{"y":2}]}`, `{"a":{"x":1,"y":2}}`}},
		{`{"a":{"$elemMatch":{"$or":[{"x":1},{"y":2}]}}}`, []string{`{"a":[{"y":2}]}`}, []string{`{"a":[{"y":1}]}`}},
		{`{"a":{"$elemMatch":{"0":1}}}`, []string{`{"a":[[1]]}`}, []string{`{"a":[1]}`}},
		{`{"a":{"$elemMatch":{}}}`, []string{`{"a":[{}]}`, `{"a":[[]]}`}, []string{`{"a":[1]}`, `{"a":[]}`}},
		{`{"a":{"$elemMatch":{"$not":{"$gt":1}}}}`, []string{`{"a":[1]}`}, []string{`{"a":[2]}`, `{"a":[]}`}},
		{`{"a":{"$elemMatch":{"$nin":[1]}}}`, []string{`{"a":[1,2]}`}, []string{`{"a":[1]}`}},
		{`{"a":{"$elemMatch":{"$all":[2]}}}`, []string{`{"a":[1,2]}`}, []string{`{"a":[1]}`}},
		{`{"a":{"$elemMatch":{"$elemMatch":{"$eq":1}}}}`, []string{`{"a":[[1]]}`}, []string{`{"a":[1]}`}},
		{`{"a":{"$size":2}}`, []string{`{"a":[1,2]}`}, []string{`{"a":[1]}`, `{}`, `{"a":[[1,2]]}`}},
		{`{"a":{"$exists":true}}`, []string{`{"a":null}`, `{"a":[]}`}, []string{`{}`}},
		{`{"a":{"$exists":0}}`, []string{`{}`}, []string{`{"a":null}`}},
		{`{"a.b":{"$exists":false}}`, []string{`{"a":[1]}`, `{"a":[]}`, `{}`}, []string{`{"a":[{"b":1},{}]}`}},
		{`{"a":{"$type":"number"}}`, []string{`{"a":1}`, `{"a":["x",1.5]}`}, []string{`{"a":"1"}`, `{}`}},
		{`{"a":{"$type":["string",4]}}`, []string{`{"a":"x"}`, `{"a":[]}`}, []string{`{"a":1}`}},
		{`{"a":{"$type":-1}}`, []string{`{"a":{"$minKey":1}}`}, []string{`{"a":{"$maxKey":1}}`}},
		{`{"a":{"$type":"maxKey"}}`, []string{`{"a":{"$maxKey":1}}`}, []string{`{}`}},
		{`{"a":{"$mod":[3,1]}}`, []string{`{"a":4}`, `{"a":4.9}`, `{"a":{"$numberDecimal":"4.9"}}`}, []string{`{"a":-4}`, `{"a":"4"}`, `{"a":{"$numberDouble":"Infinity"}}`, `{"a":1e300}`, `{"a":{"$numberDecimal":"1E+300"}}`}},
		{`{"a":{"$mod":[-3.7,-1]}}`, []string{`{"a":-4}`}, []string{`{"a":4}`}},
		{`{"a":{"$regex":"B","$options":"i"}}`, []string{`{"a":"abc"}`, `{"a":["x","b"]}`}, []string{`{"a":"c"}`, `{"a":1}`}},
		{`{"a":{"$regularExpression":{"pattern":"^b","options":""}}}`, []string{`{"a":"bc"}`}, []string{`{"a":"ab"}`}},
		{`{"a":{"$eq":{"$regularExpression":{"pattern":"^b","options":""}}}}`, []string{`{"a":{"$regularExpression":{"pattern":"^b","options":""}}}`}, []string{`{"a":"bc"}`}},
		{`{"a":{"$not":{"$regularExpression":{"pattern":"^b","options":""}}}}`, []string{`{"a":"ab"}`, `{}`}, []string{`{"a":"bc"}`}},
		{`{"a":{"$not":{"$gt":1,"$lt":3}}}`, []string{`{"a":3}`, `{}`}, []string{`{"a":2}`, `{"a":[0,4]}`}},
		{`{"a":{"$not":{"$not":{"$eq":1}}}}`, []string{`{"a":1}`}, []string{`{}`}},
		{`{"$and":[{"a":1},{"b":2}],"c":3}`, []string{`{"a":1,"b":2,"c":3}`}, []string{`{"a":1,"b":2}`}},
		{`{"$or":[{"a":1},{"b":2}]}`, []string{`{"a":1}`, `{"b":2}`}, []string{`{"a":2,"b":1}`}},
		{`{"$nor":[{"a":1},{"b":2}]}`, []string{`{}`}, []string{`{"a":1}`, `{"b":2}`}},
	}
	for _, tc := range tests {
		f := mustParse(t, tc.filter)
		for _, doc := range tc.match {
			if !f.Match(mustDoc(t, doc)) {
				t.Errorf("%s does not match %s", tc.filter, doc)
			}
		}
		for _, doc := range tc.differs {
			if f.Match(mustDoc(t, doc)) {
				t.Errorf("%s matches %s", tc.filter, doc)
			}
		}
	}
}

func TestZeroValuesMatchNothing(t *testing.T) {
	t.Parallel()
	doc := mustDoc(t, `{"a":1}`)
	path, err := query.ParsePath("a")
	if err != nil {
		t.Fatal(err)
	}
	var test query.Test
	var none *query.Filter
	for name, got := range map[string]bool{
		"zero filter": new(query.Filter).Match(doc),
		"nil filter":  none.Match(doc),
		"zero test":   test.Match(doc, path),
		"zero value":  test.MatchValue(bsonval.FromInt32(1)),
	} {
		if got {
			t.Errorf("%s matches", name)
		}
	}
	eq, err := query.NewTest(query.Ne, bsonval.FromInt32(5))
	if err != nil {
		t.Fatal(err)
	}
	if eq.Match(doc, query.Path{}) {
		t.Error("the empty path matches")
	}
	if _, ok := none.Positional(doc); ok || none.Equalities() != nil {
		t.Error("a nil filter has results")
	}
}

func TestErrorsAreTyped(t *testing.T) {
	t.Parallel()
	_, err := query.Parse(mustDoc(t, `{"$where":"x"}`), query.Options{})
	var refused *query.Error
	if !errors.As(err, &refused) || refused.Op != "$where" || err.Error() != "$where: the operator is not supported" {
		t.Errorf("error = %v", err)
	}
	_, err = query.Parse(bson.Raw{1}, query.Options{})
	if !errors.As(err, &refused) || refused.Op != "" || err.Error() == "" {
		t.Errorf("error = %v", err)
	}
}
