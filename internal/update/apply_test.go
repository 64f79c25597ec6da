package update_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/update"
)

// now is when all updates of the tests happen: a timestamp of (1500000000, 1).
var now = time.Unix(1500000000, 123456789)

func raw(t testing.TB, text string) bson.Raw {
	t.Helper()
	var doc bson.Raw
	if err := bson.UnmarshalExtJSON([]byte(text), false, &doc); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return doc
}

// list returns the documents of a JSON array.
func list(t testing.TB, text string) []bson.Raw {
	t.Helper()
	if text == "" {
		return nil
	}
	values, err := raw(t, `{"list":`+text+`}`).Lookup("list").Array().Values()
	if err != nil {
		t.Fatal(err)
	}
	docs := make([]bson.Raw, len(values))
	for i, v := range values {
		docs[i] = v.Document()
	}
	return docs
}

func text(t testing.TB, doc bson.Raw) string {
	t.Helper()
	b, err := bson.MarshalExtJSON(doc, true, false)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// code is MongoDB's code of an error, -1 for an error of another kind.
func code(err error) int {
	var e *update.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return -1
}

type applied struct {
	name, pre, update, filters string
	in                         update.Input
	want                       string
	code                       int // of the error that is wanted instead
}

func (c applied) run(t *testing.T) {
	t.Helper()
	if c.in.Positional == 0 {
		c.in.Positional = -1
	}
	c.in.Now = now
	var post bson.Raw
	u, err := update.Parse(raw(t, c.update), list(t, c.filters), update.Options{})
	if err == nil {
		post, err = u.Apply(nil, raw(t, c.pre), c.in)
	}
	switch {
	case c.code != 0:
		if code(err) != c.code {
			t.Errorf("error = %v (code %d), want code %d", err, code(err), c.code)
		}
	case err != nil:
		t.Errorf("error = %v, want %s", err, c.want)
	default:
		if diff := cmp.Diff(text(t, raw(t, c.want)), text(t, post)); diff != "" {
			t.Errorf("after-image (-want +got)\n%s", diff)
		}
	}
}

func runAll(t *testing.T, cases []applied) {
	t.Helper()
	for _, c := range cases {
		name := c.name
		if name == "" {
			name = c.pre + " " + c.update
		}
		t.Run(name, c.run)
	}
}

func TestFieldOperators(t *testing.T) {
	t.Parallel()
	runAll(t, []applied{
		{pre: `{"a":1,"b":2}`, update: `{"$set":{"a":"x"}}`, want: `{"a":"x","b":2}`},
		{
			pre: `{"m":1}`, update: `{"$set":{"z":1,"b":2,"10":3,"9":4,"B":5,"a.z":6,"a.b":7},"$inc":{"c":8,"m":1}}`,
			want: `{"m":2,"9":4,"10":3,"B":5,"a":{"b":7,"z":6},"b":2,"c":8,"z":1}`,
		},
		{pre: `{}`, update: `{"$set":{"a.0.1":5,"a.b":1}}`, want: `{"a":{"0":{"1":5},"b":1}}`},
		{pre: `{"a":[1,{"b":2}]}`, update: `{"$set":{"a.1.b":3,"a.1.c":4,"a.0":0}}`, want: `{"a":[0,{"b":3,"c":4}]}`},
		{pre: `{"a":[1]}`, update: `{"$set":{"a.3":4}}`, want: `{"a":[1,null,null,4]}`},
		{pre: `{"a":[1]}`, update: `{"$set":{"a.2.b.c":4}}`, want: `{"a":[1,null,{"b":{"c":4}}]}`},
		{pre: `{"a":[1]}`, update: `{"$set":{"a.1500002":1}}`, code: 34},
		{pre: `{"a":[1]}`, update: `{"$set":{"a.4294967296":1}}`, code: 28},
		{pre: `{"a":1}`, update: `{"$set":{"a.b":1}}`, code: 28},
		{pre: `{"a":[]}`, update: `{"$set":{"a.b":1}}`, code: 28},
		{pre: `{"a":1}`, update: `{"$set":{}}`, want: `{"a":1}`},
		{pre: `{"a":1,"b":2}`, update: `{"$unset":{"a":""}}`, want: `{"b":2}`},
		{pre: `{"a":1}`, update: `{"$unset":{"a.b":1,"x.y":1}}`, want: `{"a":1}`},
		{pre: `{"a":[1,2]}`, update: `{"$unset":{"a.0":1,"a.5":1,"a.x":1}}`, want: `{"a":[null,2]}`},
		{pre: `{"a":[1,2]}`, update: `{"$unset":{"a.01":1}}`, code: 28},
		{pre: `{"a":{"01":2}}`, update: `{"$unset":{"a.01":1,"a.1":1}}`, want: `{"a":{}}`},
		{pre: `{"a":5,"b":null,"c":"x"}`, update: `{"$min":{"a":4,"b":1,"c":1,"d":9}}`, want: `{"a":4,"b":null,"c":1,"d":9}`},
		{pre: `{"a":5,"b":null,"c":"x"}`, update: `{"$max":{"a":5.0,"b":1,"c":1,"d":9}}`, want: `{"a":5,"b":1,"c":"x","d":9}`},
		{pre: `{"a":1}`, update: `{"$setOnInsert":{"a":2,"a1":[]}}`, want: `{"a":1}`},
		{pre: `{"a":1}`, update: `{"$setOnInsert":{"a":2,"b":3}}`, in: update.Input{Insert: true}, want: `{"a":2,"b":3}`},
		{
			pre: `{"a":1}`, update: `{"$currentDate":{"a":true,"b":false,"c":{"$type":"date"},"d":{"$type":"timestamp"}}}`,
			want: `{"a":{"$date":{"$numberLong":"1500000000123"}},"b":{"$date":{"$numberLong":"1500000000123"}},
				"c":{"$date":{"$numberLong":"1500000000123"}},"d":{"$timestamp":{"t":1500000000,"i":1}}}`,
		},
		{pre: `{}`, update: `{"$currentDate":{"a":1}}`, code: 2},
		{pre: `{}`, update: `{"$currentDate":{"a":{}}}`, code: 2},
		{pre: `{}`, update: `{"$currentDate":{"a":{"$type":"date","x":1}}}`, code: 2},
		{pre: `{}`, update: `{"$currentDate":{"a":{"$type":"time"}}}`, code: 2},
	})
}

func TestRename(t *testing.T) {
	t.Parallel()
	runAll(t, []applied{
		{pre: `{"a":1,"x":2,"b":3}`, update: `{"$rename":{"a":"b"}}`, want: `{"x":2,"b":1}`},
		{pre: `{"a":{"b":1,"c":2}}`, update: `{"$rename":{"a.b":"a.d"}}`, want: `{"a":{"c":2,"d":1}}`},
		{pre: `{"a":{"b":1}}`, update: `{"$rename":{"a.b":"c.d"},"$set":{"a.x":1,"c.a":1}}`, want: `{"a":{"x":1},"c":{"a":1,"d":1}}`},
		{pre: `{"a":1}`, update: `{"$rename":{"b":"a"}}`, want: `{"a":1}`},
		{pre: `{"a":1}`, update: `{"$rename":{"a.b":"c"}}`, code: 28},
		{pre: `{"a":1,"b":2}`, update: `{"$rename":{"b":"a.c"}}`, code: 28},
		{pre: `{"a":[1]}`, update: `{"$rename":{"a.0":"b"}}`, code: 2},
		{pre: `{"a":[1],"b":1}`, update: `{"$rename":{"b":"a.0"}}`, code: 2},
		{pre: `{"a":[1],"b":1}`, update: `{"$rename":{"b":"a.5"}}`, code: 2},
		{pre: `{"a":[1],"b":1}`, update: `{"$rename":{"a":"b"}}`, want: `{"b":[1]}`},
		{pre: `{"a":1}`, update: `{"$rename":{"a":"b","b":"c"}}`, code: 40},
		{pre: `{"a":1}`, update: `{"$rename":{"a":"a"}}`, code: 2},
		{pre: `{"a":1}`, update: `{"$rename":{"a":"a.b"}}`, code: 2},
		{pre: `{"a":1}`, update: `{"$rename":{"a.b":"a"}}`, code: 2},
		{pre: `{"a":1}`, update: `{"$rename":{"a":1}}`, code: 2},
		{pre: `{"a":1}`, update: `{"$rename":{"a":""}}`, code: 56},
		{pre: `{"a":1}`, update: `{"$rename":{"a":"$b"}}`, code: 52},
		{pre: `{"a":1}`, update: `{"$rename":{"a":"b\u0000c"}}`, code: 2},
		{pre: `{"a":[1]}`, update: `{"$rename":{"a.$[]":"b"}}`, code: 2},
		{pre: `{"_id":1}`, update: `{"$rename":{"_id":"a"}}`, code: 66},
		{pre: `{"_id":1,"a":2}`, update: `{"$rename":{"a":"_id"}}`, code: 66},
	})
}

func TestID(t *testing.T) {
	t.Parallel()
	insert := update.Input{Insert: true}
	runAll(t, []applied{
		{pre: `{"_id":1}`, update: `{"$set":{"_id":1,"a":1}}`, want: `{"_id":1,"a":1}`},
		{pre: `{"_id":1}`, update: `{"$set":{"_id":1.0}}`, code: 66},
		{pre: `{"_id":1}`, update: `{"$set":{"_id":2}}`, code: 66},
		{pre: `{"_id":1}`, update: `{"$unset":{"_id":1}}`, code: 66},
		{pre: `{"_id":{"a":1}}`, update: `{"$set":{"_id.a":1}}`, want: `{"_id":{"a":1}}`},
		{pre: `{"_id":{"a":1}}`, update: `{"$set":{"_id.a":2}}`, code: 66},
		{pre: `{"_id":{"a":1}}`, update: `{"$set":{"_id.b":2}}`, code: 66},
		{pre: `{"_id":{"a":[1]}}`, update: `{"$push":{"_id.a":{"$each":[1],"$slice":1}}}`, code: 66},
		{pre: `{"_id":{"a":[1]}}`, update: `{"$push":{"_id.a":{"$each":[],"$sort":1}}}`, code: 66},
		{pre: `{"_id":{"a":[1]}}`, update: `{"$push":{"_id.a":{"$each":[],"$slice":5}}}`, want: `{"_id":{"a":[1]}}`},
		{pre: `{"_id":1}`, update: `{"$pop":{"_idx":1}}`, want: `{"_id":1}`},
		{pre: `{}`, update: `{"$set":{"_id":2}}`, code: 66},
		{pre: `{"a":1,"b":2}`, update: `{"$setOnInsert":{"_id":2}}`, in: insert, want: `{"_id":2,"a":1,"b":2}`},
		{pre: `{"_id":1,"b":2}`, update: `{"$setOnInsert":{"_id":2}}`, in: insert, code: 66},
		{pre: `{"a":1}`, update: `{"$setOnInsert":{"_id":[2]}}`, in: insert, code: 53},
		{pre: `{"a":1}`, update: `{"$setOnInsert":{"_id":{"$regularExpression":{"pattern":"x","options":""}}}}`, in: insert, code: 53},
		{pre: `{"a":1}`, update: `{"$set":{"b":{"$timestamp":{"t":0,"i":0}}}}`, in: insert, want: `{"a":1,"b":{"$timestamp":{"t":0,"i":0}}}`},
	})
}

func TestPositionalPaths(t *testing.T) {
	t.Parallel()
	second := update.Input{Positional: 1}
	runAll(t, []applied{
		{pre: `{"a":[1,2,3]}`, update: `{"$set":{"a.$":9}}`, in: second, want: `{"a":[1,9,3]}`},
		{pre: `{"a":[1,{"x":1}]}`, update: `{"$set":{"a.$.p":5,"a.1.q":6,"a.0":7}}`, in: second, want: `{"a":[7,{"x":1,"p":5,"q":6}]}`},
		{pre: `{"a":[1,2]}`, update: `{"$set":{"a.$":5,"a.1":6}}`, in: second, code: 40},
		{pre: `{"a":[1,2]}`, update: `{"$set":{"a.$":5}}`, code: 2},
		{pre: `{"b":{}}`, update: `{"$set":{"b.$":5,"b.0":1,"b.10":3,"b.2":4}}`, in: second, want: `{"b":{"0":1,"1":5,"2":4,"10":3}}`},
		{pre: `{"b":{}}`, update: `{"$set":{"b.$":5,"b.9":1}}`, in: update.Input{Positional: 10}, want: `{"b":{"10":5,"9":1}}`},
		{pre: `{"b":[]}`, update: `{"$addToSet":{"b.0":1,"b.$":2,"b.10":3}}`, in: update.Input{Positional: 2}, code: 2}, // $ after 10, on a null
		{pre: `{"b":{}}`, update: `{"$set":{"b.$":5,"b.0":1}}`, in: second, want: `{"b":{"0":1,"1":5}}`},
		{pre: `{"b":1}`, update: `{"$set":{"b.$":5,"b.5":1}}`, in: second, code: 28},
		{pre: `{"a":[1,2]}`, update: `{"$inc":{"a.$[]":1}}`, want: `{"a":[2,3]}`},
		{pre: `{"a":[]}`, update: `{"$inc":{"a.$[].b":1}}`, want: `{"a":[]}`},
		{pre: `{"a":[1,2]}`, update: `{"$unset":{"a.$[]":1}}`, want: `{"a":[null,null]}`},
		{pre: `{"a":1}`, update: `{"$inc":{"a.$[]":1}}`, code: 2},
		{pre: `{}`, update: `{"$inc":{"a.$[]":1}}`, code: 2},
		{pre: `{"a":[1,2,3]}`, update: `{"$set":{"a.$[x]":9}}`, filters: `[{"$or":[{"x":1},{"x":3}]}]`, want: `{"a":[9,2,9]}`},
		{
			pre: `{"a":[{"k":1,"b":[1,2]},{"k":2,"b":[1,2]}]}`, update: `{"$inc":{"a.$[x].b.$[y]":10}}`, filters: `[{"x.k":2},{"y":{"$gt":1}}]`,
			want: `{"a":[{"k":1,"b":[1,2]},{"k":2,"b":[1,12]}]}`,
		},
		{
			pre: `{"a":[{"k":1}]}`, update: `{"$set":{"a.$[x].p":1,"a.$[y].q":1,"a.$[].r":1}}`, filters: `[{"x.k":1},{"y.k":1}]`,
			want: `{"a":[{"k":1,"p":1,"q":1,"r":1}]}`,
		},
		{pre: `{"a":[{"k":1},{"k":1}]}`, update: `{"$set":{"a.$[x].p.$[].c":1,"a.$[].p.$[x].d":1}}`, filters: `[{"x.k":1}]`, code: 2},
		{
			pre: `{"a":[[{}],[{}]]}`, update: `{"$set":{"a.$[].$[].c":1,"a.$[x].$[x].d":1,"a.$[x].$[x].e.f":1,"a.$[].$[].e.g":2}}`, filters: `[{"x":{"$exists":true}}]`,
			want: `{"a":[[{"c":1,"d":1,"e":{"f":1,"g":2}}],[{"c":1,"d":1,"e":{"f":1,"g":2}}]]}`,
		},
		{pre: `{"a":[{"k":1}]}`, update: `{"$set":{"a.$[x].p":1,"a.$[y].p":1}}`, filters: `[{"x.k":1},{"y.k":1}]`, code: 40},
		{pre: `{"a":[{"k":1}]}`, update: `{"$set":{"a.$[x].p":1,"a.$[y]":1}}`, filters: `[{"x.k":1},{"y.k":1}]`, code: 40},
		{pre: `{"a":[{"k":1}]}`, update: `{"$set":{"a.$[x].p.q":1,"a.$[y].p.$[]":1}}`, filters: `[{"x.k":1},{"y.k":1}]`, code: 40},
		{pre: `{"a":[{"k":1}]}`, update: `{"$set":{"a.$[x].p.$":1,"a.$[y].p.$":1}}`, in: second, filters: `[{"x.k":1},{"y.k":1}]`, code: 40},
		{pre: `{"a":[{"k":1}]}`, update: `{"$set":{"a.$[x].p":1,"a.$[y].p":2}}`, filters: `[{"x.k":1},{"y.k":2}]`, want: `{"a":[{"k":1,"p":1}]}`},
	})
}

func TestApplyAppends(t *testing.T) {
	t.Parallel()
	u, err := update.Parse(raw(t, `{"$set":{"a":2}}`), nil, update.Options{})
	if err != nil {
		t.Fatal(err)
	}
	prefix := []byte("prefix")
	post, err := u.Apply(prefix, raw(t, `{"a":1}`), update.Input{Positional: -1})
	if err != nil || string(prefix) != "prefix" || text(t, post) != `{"a":{"$numberInt":"2"}}` {
		t.Errorf("Apply = %s, %v", post, err)
	}
	post, err = u.Apply(nil, nil, update.Input{Insert: true})
	if err != nil || text(t, post) != `{"a":{"$numberInt":"2"}}` {
		t.Errorf("Apply to nothing = %s, %v", post, err)
	}
	var zero update.Update
	if post, err = zero.Apply(nil, raw(t, `{"a":1}`), update.Input{}); err != nil || text(t, post) != `{"a":{"$numberInt":"1"}}` {
		t.Errorf("the zero Update makes %s, %v", post, err)
	}
}

func TestCorruptDocuments(t *testing.T) {
	t.Parallel()
	u, err := update.Parse(raw(t, `{"$set":{"a.b":2},"$push":{"c":1}}`), nil, update.Options{})
	if err != nil {
		t.Fatal(err)
	}
	whole := raw(t, `{"a":{"b":1},"c":[1,2]}`)
	for i := range whole {
		if _, err := u.Apply(nil, whole[:i], update.Input{Positional: -1}); err == nil {
			t.Errorf("no error for the first %d bytes of a document", i)
		}
	}
}
