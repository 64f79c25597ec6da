package dataapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/proxy/dataapi"
	"github.com/rolegate/rolegate/rules"
)

const oid = `{"$oid":"0123456789abcdef01234567"}`

func TestAnswers(t *testing.T) {
	id := value(t, oid)
	everything := doc(t, `{"_id":`+oid+`,"at":{"$date":"2031-05-06T07:08:09.120Z"},"bin":{"$binary":{"base64":"AQI=","subType":"05"}},"n":{"$numberLong":"9007199254740993"},"x":{"$numberDecimal":"1.50"}}`)
	tests := []struct {
		name, action, body string
		fake               fake
		json, ejson        string
	}{
		{
			"findOne", "findOne", `{` + names + `,"filter":{}}`,
			fake{one: everything},
			`{"document":{"_id":"0123456789abcdef01234567","at":"2031-05-06T07:08:09.12Z","bin":{"Subtype":5,"Data":"AQI="},"n":9007199254740993,"x":"1.50"}}`,
			`{"document":{"_id":{"$oid":"0123456789abcdef01234567"},"at":{"$date":{"$numberLong":"1935817689120"}},"bin":{"$binary":{"base64":"AQI=","subType":"05"}},"n":{"$numberLong":"9007199254740993"},"x":{"$numberDecimal":"1.50"}}}`,
		},
		{"findOne, nothing found", "findOne", `{` + names + `}`, fake{}, `{"document":null}`, `{"document":null}`},
		{"find, nothing found", "find", `{` + names + `}`, fake{}, `{"documents":[]}`, `{"documents":[]}`},
		{
			"find", "find", `{` + names + `}`,
			fake{find: emitting(doc(t, `{"a":1}`), doc(t, `{}`), doc(t, `{"a":2.0}`))},
			`{"documents":[{"a":1},{},{"a":2}]}`,
			`{"documents":[{"a":{"$numberInt":"1"}},{},{"a":{"$numberDouble":"2.0"}}]}`,
		},
		{"countDocuments", "countDocuments", `{` + names + `}`, fake{n: 3}, `{"count":3}`, `{"count":{"$numberInt":"3"}}`},
		{"countDocuments of very many", "countDocuments", `{` + names + `,"filter":{}}`, fake{n: 1 << 40}, `{"count":1099511627776}`, `{"count":{"$numberLong":"1099511627776"}}`},
		{
			"distinct", "distinct", `{` + names + `,"key":"a"}`,
			fake{values: []bson.RawValue{value(t, `null`), value(t, `1`), value(t, `{"a":["x"]}`), id}},
			`{"values":[null,1,{"a":["x"]},"0123456789abcdef01234567"]}`, `{"values":[null,{"$numberInt":"1"},{"a":["x"]},` + oid + `]}`,
		},
		{"distinct, nothing found", "distinct", `{` + names + `,"key":"a"}`, fake{}, `{"values":[]}`, `{"values":[]}`},
		{
			"aggregate", "aggregate", `{` + names + `,"pipeline":[{"$count":"n"}]}`,
			fake{find: emitting(doc(t, `{"n":1}`), doc(t, `{}`))},
			`{"documents":[{"n":1},{}]}`, `{"documents":[{"n":{"$numberInt":"1"}},{}]}`,
		},
		{"aggregate, nothing found", "aggregate", `{` + names + `,"pipeline":[]}`, fake{}, `{"documents":[]}`, `{"documents":[]}`},
		{
			"insertOne", "insertOne", `{` + names + `,"document":{"a":1}}`,
			fake{ids: proxy.IDs{id}},
			`{"insertedId":"0123456789abcdef01234567"}`, `{"insertedId":` + oid + `}`,
		},
		{
			"insertMany", "insertMany", `{` + names + `,"documents":[{"_id":1},{}]}`,
			fake{ids: proxy.IDs{value(t, `1`), id}},
			`{"insertedIds":[1,"0123456789abcdef01234567"]}`, `{"insertedIds":[{"$numberInt":"1"},` + oid + `]}`,
		},
		{
			"updateOne", "updateOne", `{` + names + `,"filter":{},"update":{"$set":{"a":1}}}`,
			fake{update: proxy.UpdateResult{Matched: 1, Modified: 1}},
			`{"matchedCount":1,"modifiedCount":1}`, `{"matchedCount":{"$numberInt":"1"},"modifiedCount":{"$numberInt":"1"}}`,
		},
		{
			"upsert that inserted", "updateMany", `{` + names + `,"filter":{},"update":{"$set":{"a":1}},"upsert":true}`,
			fake{update: proxy.UpdateResult{Upserted: id}},
			`{"matchedCount":0,"modifiedCount":0,"upsertedId":"0123456789abcdef01234567"}`,
			`{"matchedCount":{"$numberInt":"0"},"modifiedCount":{"$numberInt":"0"},"upsertedId":` + oid + `}`,
		},
		{
			"replaceOne", "replaceOne", `{` + names + `,"filter":{},"replacement":{}}`,
			fake{update: proxy.UpdateResult{Matched: 1}},
			`{"matchedCount":1,"modifiedCount":0}`, `{"matchedCount":{"$numberInt":"1"},"modifiedCount":{"$numberInt":"0"}}`,
		},
		{"deleteOne", "deleteOne", `{` + names + `,"filter":{}}`, fake{n: 1}, `{"deletedCount":1}`, `{"deletedCount":{"$numberInt":"1"}}`},
		{"deleteMany of very many", "deleteMany", `{` + names + `,"filter":{}}`, fake{n: 1 << 40}, `{"deletedCount":1099511627776}`, `{"deletedCount":{"$numberLong":"1099511627776"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := dataapi.New(config(&tt.fake))
			for accept, want := range map[string]string{"application/json": tt.json, "application/ejson": tt.ejson} {
				res := post(h, tt.action, tt.body, header("Accept", accept))
				if got := text(t, res); got != want || res.StatusCode != http.StatusOK {
					t.Errorf("%s: %d\n got %s\nwant %s", accept, res.StatusCode, got, want)
				}
				if got := res.Header.Get("Content-Type"); got != accept {
					t.Errorf("Content-Type: %q, want %q", got, accept)
				}
				if got := res.ContentLength; got != int64(len(want)) {
					t.Errorf("Content-Length: %d, want %d", got, len(want))
				}
			}
		})
	}
}

func TestOperations(t *testing.T) {
	ns := rules.Namespace{Service: "mongodb-atlas", Database: "app", Collection: "c"}
	tests := []struct {
		name, action, body string
		want               any
	}{
		{
			"find with everything", "find",
			`{"filter":{"a":{"$gt":{"$date":"1970-01-01T00:00:00Z"}}},"projection":{"a":1},"sort":{"b":1,"a":-1},"limit":5,"skip":10,` + names + `}`,
			proxy.Find{NS: ns, Filter: doc(t, `{"a":{"$gt":{"$date":"1970-01-01T00:00:00Z"}}}`), Projection: doc(t, `{"a":1}`), Sort: doc(t, `{"b":1,"a":-1}`), Limit: 5, Skip: 10},
		},
		{"find without anything", "find", `{` + names + `}`, proxy.Find{NS: ns, Limit: 1000}},
		{"find, limit zero", "find", `{` + names + `,"limit":0}`, proxy.Find{NS: ns, Limit: 1000}},
		{"find, limit too high", "find", `{` + names + `,"limit":60000}`, proxy.Find{NS: ns, Limit: 50_000}},
		{"find, wrapped limit", "find", `{` + names + `,"limit":{"$numberLong":"7"},"skip":2.0}`, proxy.Find{NS: ns, Limit: 7, Skip: 2}},
		{"find, endless skip", "find", `{` + names + `,"skip":9223372036854775807}`, proxy.Find{NS: ns, Limit: 1000, Skip: 9223372036854775807 - 50_000}},
		{"alias of the data source", "find", `{"dataSource":"Cluster0","database":"app","collection":"c"}`, proxy.Find{NS: ns, Limit: 1000}},
		{"findOne honours sort, ignores limit and skip", "findOne", `{` + names + `,"sort":{"a":-1},"limit":"?","skip":5}`, proxy.Find{NS: ns, Sort: doc(t, `{"a":-1}`)}},
		{"countDocuments", "countDocuments", `{"filter":{"a":{"$regularExpression":{"pattern":"x","options":""}}},` + names + `}`, proxy.Count{NS: ns, Filter: doc(t, `{"a":{"$regularExpression":{"pattern":"x","options":""}}}`)}},
		{"countDocuments of everything", "countDocuments", `{` + names + `}`, proxy.Count{NS: ns}},
		{"distinct", "distinct", `{"key":"a.b","filter":{"a":1},` + names + `}`, proxy.Distinct{NS: ns, Key: "a.b", Filter: doc(t, `{"a":1}`)}},
		{"distinct of everything", "distinct", `{"key":"",` + names + `}`, proxy.Distinct{NS: ns}},
		{
			"aggregate", "aggregate", `{"pipeline":[{"$match":{"a":{"$gte":{"$minKey":1}}}},{"$sort":{"b":1,"a":-1}},{"a":1,"$b":{"$oid":"0123456789abcdef01234567"}}],` + names + `}`,
			proxy.Aggregate{NS: ns, Limit: 50_000, Pipeline: []bson.Raw{doc(t, `{"$match":{"a":{"$gte":{"$minKey":1}}}}`), doc(t, `{"$sort":{"b":1,"a":-1}}`), doc(t, `{"a":1,"$b":`+oid+`}`)}},
		},
		{"aggregate without stages", "aggregate", `{"pipeline":[],` + names + `}`, proxy.Aggregate{NS: ns, Limit: 50_000, Pipeline: []bson.Raw{}}},
		{"insertOne, types of numbers", "insertOne", `{` + names + `,"document":{"n":5,"m":5.0,"o":9007199254740993}}`, proxy.Insert{NS: ns, Documents: []bson.Raw{doc(t, `{"n":{"$numberInt":"5"},"m":{"$numberDouble":"5"},"o":{"$numberLong":"9007199254740993"}}`)}}},
		{"insertMany", "insertMany", `{` + names + `,"documents":[{"a":1},{"b":2}]}`, proxy.Insert{NS: ns, Documents: []bson.Raw{doc(t, `{"a":1}`), doc(t, `{"b":2}`)}}},
		{"updateOne", "updateOne", `{` + names + `,"filter":{"a":1},"update":{"$set":{"b":1}},"upsert":false}`, proxy.Update{NS: ns, Filter: doc(t, `{"a":1}`), Update: doc(t, `{"$set":{"b":1}}`)}},
		{
			"updateMany", "updateMany", `{` + names + `,"filter":{},"update":{"$set":{"b.$[x]":1}},"upsert":true,"arrayFilters":[{"x":1}]}`,
			proxy.Update{NS: ns, Filter: doc(t, `{}`), Update: doc(t, `{"$set":{"b.$[x]":1}}`), ArrayFilters: []bson.Raw{doc(t, `{"x":1}`)}, Many: true, Upsert: true},
		},
		{"a regular expression in $pull", "updateOne", `{` + names + `,"filter":{},"update":{"$pull":{"a":{"$regularExpression":{"pattern":"x","options":""}}}}}`, proxy.Update{NS: ns, Filter: doc(t, `{}`), Update: doc(t, `{"$pull":{"a":{"$regularExpression":{"pattern":"x","options":""}}}}`)}},
		{"replaceOne", "replaceOne", `{` + names + `,"filter":{"a":1},"replacement":{"b":1},"upsert":true}`, proxy.Replace{NS: ns, Filter: doc(t, `{"a":1}`), Replacement: doc(t, `{"b":1}`), Upsert: true}},
		{"deleteOne", "deleteOne", `{` + names + `,"filter":{"a":1}}`, proxy.Delete{NS: ns, Filter: doc(t, `{"a":1}`)}},
		{"deleteMany of everything", "deleteMany", `{` + names + `,"filter":{}}`, proxy.Delete{NS: ns, Filter: doc(t, `{}`), Many: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{ids: proxy.IDs{value(t, "1")}}
			res := post(dataapi.New(config(f)), tt.action, tt.body, nil)
			if got := text(t, res); res.StatusCode != http.StatusOK {
				t.Fatalf("%d %s", res.StatusCode, got)
			}
			if diff := cmp.Diff(tt.want, f.op); diff != "" {
				t.Errorf("operation (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMalformedBodies(t *testing.T) {
	const param, miss = "InvalidParameter", "MissingParameter"
	update := `{` + names + `,"filter":{},"update":{"$set":{}}`
	tests := []struct {
		name, action, body, code, text string
	}{
		{"empty", "find", ``, param, "unexpected end of JSON (at byte 0)"},
		{"no object", "find", `[]`, param, "expected an object (at byte 0)"},
		{"cut", "find", `{`, param, "unexpected end of JSON (at byte 1)"},
		{"duplicate key", "find", `{"a":1,"a":1}`, param, `duplicate key "a" (at byte 7)`},
		{"trailing data", "find", `{` + names + `} x`, param, "malformed JSON (at byte 65)"},
		{"too deep", "find", `{` + names + `,"filter":` + strings.Repeat(`{"a":`, 100) + `1` + strings.Repeat(`}`, 101), param, "nested too deeply (at byte 567)"},
		{"no data source", "find", `{"database":"app","collection":"c"}`, miss, "dataSource is required"},
		{"no database", "find", `{"dataSource":"mongodb-atlas","collection":"c"}`, miss, "database is required"},
		{"no collection", "find", `{"dataSource":"mongodb-atlas","database":"app"}`, miss, "collection is required"},
		{"database is no string", "find", `{"dataSource":"mongodb-atlas","database":1,"collection":"c"}`, param, "database must be a string"},
		{"empty database", "find", `{"dataSource":"mongodb-atlas","database":"","collection":"c"}`, param, "database and collection cannot be empty"},
		{"dollar in the collection", "find", `{"dataSource":"mongodb-atlas","database":"app","collection":"$cmd"}`, param, "database and collection cannot contain $ or NUL"},
		{"NUL in the collection", "find", `{"dataSource":"mongodb-atlas","database":"app","collection":"c\u0000"}`, param, "database and collection cannot contain $ or NUL"},
		{"unknown data source", "find", `{"dataSource":"nope","database":"app","collection":"c"}`, "ServiceNotFound", "service not found: 'nope'"},
		{"unknown key", "find", `{` + names + `,"hint":{}}`, param, "unknown field 'hint'"},
		{"unknown key, cut and printable", "find", `{` + names + `,"é` + strings.Repeat("x", 80) + `":{}}`, param, "unknown field '??" + strings.Repeat("x", 62) + "'"},
		{"key in another case", "find", `{` + names + `,"Filter":{}}`, param, "unknown field 'Filter'"},
		{"key of another action", "deleteOne", `{` + names + `,"filter":{},"sort":{}}`, param, "unknown field 'sort'"},
		{"filter null", "find", `{` + names + `,"filter":null}`, param, "filter must be an object"},
		{"filter array", "find", `{` + names + `,"filter":[]}`, param, "filter must be an object"},
		{"projection", "find", `{` + names + `,"projection":1}`, param, "projection must be an object"},
		{"projection of findOne", "findOne", `{` + names + `,"projection":[]}`, param, "projection must be an object"},
		{"sort array", "find", `{` + names + `,"sort":[["a",1]]}`, param, "sort must be an object"},
		{"limit negative", "find", `{` + names + `,"limit":-1}`, param, "limit must be a whole number, zero or more"},
		{"limit fraction", "find", `{` + names + `,"limit":1.5}`, param, "limit must be a whole number, zero or more"},
		{"limit string", "find", `{` + names + `,"limit":"1"}`, param, "limit must be a whole number, zero or more"},
		{"limit NaN", "find", `{` + names + `,"limit":{"$numberDouble":"NaN"}}`, param, "limit must be a whole number, zero or more"},
		{"skip beyond int64", "find", `{` + names + `,"skip":9223372036854775808}`, param, "skip must be a whole number, zero or more"},
		{"countDocuments, filter null", "countDocuments", `{` + names + `,"filter":null}`, param, "filter must be an object"},
		{"countDocuments with a limit", "countDocuments", `{` + names + `,"limit":1}`, param, "unknown field 'limit'"},
		{"distinct without key", "distinct", `{` + names + `,"filter":{}}`, miss, "key is required"},
		{"distinct, key no string", "distinct", `{` + names + `,"key":["a"]}`, param, "key must be a string"},
		{"distinct, filter array", "distinct", `{` + names + `,"key":"a","filter":[]}`, param, "filter must be an object"},
		{"aggregate without pipeline", "aggregate", `{` + names + `}`, miss, "pipeline is required"},
		{"aggregate, pipeline object", "aggregate", `{` + names + `,"pipeline":{"$count":"n"}}`, param, "pipeline must be an array of objects"},
		{"aggregate, pipeline of scalars", "aggregate", `{` + names + `,"pipeline":[{"$count":"n"},"$count"]}`, param, "pipeline must be an array of objects"},
		{"aggregate, pipeline of values", "aggregate", `{` + names + `,"pipeline":[{"$oid":"0123456789abcdef01234567"}]}`, param, "pipeline must be an array of objects"},
		{"aggregate with code", "aggregate", `{` + names + `,"pipeline":[{"$match":{"a":{"$code":"x"}}}]}`, param, "$code is not supported (at byte 99)"},
		{"aggregate with an option", "aggregate", `{` + names + `,"pipeline":[],"allowDiskUse":true}`, param, "unknown field 'allowDiskUse'"},
		{"no document", "insertOne", `{` + names + `}`, miss, "document is required"},
		{"document array", "insertOne", `{` + names + `,"document":[]}`, param, "document must be an object"},
		{"document with a regular expression", "insertOne", `{` + names + `,"document":{"a":[{"b":{"$regularExpression":{"pattern":"x","options":""}}}]}}`, param, "regular expressions, minKey and maxKey cannot be stored"},
		{"document with code", "insertOne", `{` + names + `,"document":{"a":{"$code":"x"}}}`, param, "$code is not supported (at byte 88)"},
		{"no documents", "insertMany", `{` + names + `}`, miss, "documents is required"},
		{"documents empty", "insertMany", `{` + names + `,"documents":[]}`, param, "documents cannot be empty"},
		{"documents no array", "insertMany", `{` + names + `,"documents":{"0":{},"length":1}}`, param, "documents must be an array of objects"},
		{"documents of scalars", "insertMany", `{` + names + `,"documents":[{},1]}`, param, "documents must be an array of objects"},
		{"too many documents", "insertMany", `{` + names + `,"documents":[{}` + strings.Repeat(`,{}`, 1000) + `]}`, param, "documents has more than 1000 elements"},
		{"update without filter", "updateMany", `{` + names + `,"update":{"$set":{}}}`, miss, "filter is required"},
		{"update without update", "updateOne", `{` + names + `,"filter":{}}`, miss, "update is required"},
		{"update pipeline", "updateOne", `{` + names + `,"filter":{},"update":[{"$set":{}}]}`, param, "update must be an object, pipelines are not supported"},
		{"update string", "updateOne", `{` + names + `,"filter":{},"update":"x"}`, param, "update must be an object"},
		{"upsert no boolean", "updateOne", update + `,"upsert":1}`, param, "upsert must be a boolean"},
		{"array filters no array", "updateOne", update + `,"arrayFilters":{}}`, param, "arrayFilters must be an array of objects"},
		{"update that stores maxKey", "updateOne", `{` + names + `,"filter":{},"update":{"$set":{"a":{"$maxKey":1}}}}`, param, "regular expressions, minKey and maxKey cannot be stored"},
		{"replace without filter", "replaceOne", `{` + names + `,"replacement":{}}`, miss, "filter is required"},
		{"replace without replacement", "replaceOne", `{` + names + `,"filter":{}}`, miss, "replacement is required"},
		{"replace with minKey", "replaceOne", `{` + names + `,"filter":{},"replacement":{"a":{"$minKey":1}}}`, param, "regular expressions, minKey and maxKey cannot be stored"},
		{"replace, upsert null", "replaceOne", `{` + names + `,"filter":{},"replacement":{},"upsert":null}`, param, "upsert must be a boolean"},
		{"delete without filter", "deleteMany", `{` + names + `}`, miss, "filter is required"},
		{"delete, filter null", "deleteOne", `{` + names + `,"filter":null}`, param, "filter must be an object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{}
			res := post(dataapi.New(config(f)), tt.action, tt.body, header("Accept", "application/ejson"))
			got := text(t, res)
			if res.StatusCode != http.StatusBadRequest || errorText(t, got) != tt.text || errorCode(t, got) != tt.code {
				t.Errorf("%d %s, want 400 %s %s", res.StatusCode, got, tt.code, tt.text)
			}
			if ct := res.Header.Get("Content-Type"); ct != "application/json" {
				t.Errorf("Content-Type: %q, want exactly application/json", ct)
			}
			if f.op != nil {
				t.Errorf("the proxy was asked: %v", f.op)
			}
		})
	}
}

func TestInsertStatus(t *testing.T) {
	c := config(&fake{ids: proxy.IDs{value(t, "1")}})
	c.InsertStatus = http.StatusCreated
	h := dataapi.New(c)
	for action, body := range map[string]string{"insertOne": `"document":{}`, "insertMany": `"documents":[{}]`} {
		if res := post(h, action, `{`+names+`,`+body+`}`, nil); res.StatusCode != http.StatusCreated {
			t.Errorf("%s: %d, want 201", action, res.StatusCode)
		}
	}
	if res := post(h, "findOne", `{`+names+`}`, nil); res.StatusCode != http.StatusOK {
		t.Errorf("findOne: %d, want 200", res.StatusCode)
	}
}

func errorText(t *testing.T, body string) string {
	t.Helper()
	return errorField(t, body, "error")
}

func errorCode(t *testing.T, body string) string {
	t.Helper()
	return errorField(t, body, "error_code")
}

func errorField(t *testing.T, body, name string) string {
	t.Helper()
	s, ok := doc(t, body).Lookup(name).StringValueOK()
	if !ok {
		t.Fatalf("%s has no string %s", body, name)
	}
	return s
}
