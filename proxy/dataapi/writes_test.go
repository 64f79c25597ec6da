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

func TestAnswersOfOurOwnWrites(t *testing.T) {
	id := value(t, oid)
	full := proxy.BulkResult{
		Matched: 3, Modified: 2, Deleted: 1,
		Inserted: []proxy.BulkID{{Operation: 0, ID: id}, {Operation: 4, ID: value(t, `1`)}}, Upserted: []proxy.BulkID{{Operation: 2, ID: value(t, `"x"`)}},
	}
	tests := []struct {
		name, action, body string
		fake               fake
		json, ejson        string
	}{
		{
			"findOneAndUpdate", "findOneAndUpdate", `"filter":{},"update":{"$set":{"a":1}}`,
			fake{one: doc(t, `{"_id":`+oid+`,"a":1}`)},
			`{"document":{"_id":"0123456789abcdef01234567","a":1}}`, `{"document":{"_id":` + oid + `,"a":{"$numberInt":"1"}}}`,
		},
		{"findOneAndReplace", "findOneAndReplace", `"filter":{},"replacement":{}`, fake{one: doc(t, `{}`)}, `{"document":{}}`, `{"document":{}}`},
		{"findOneAndDelete, nothing found", "findOneAndDelete", `"filter":{}`, fake{}, `{"document":null}`, `{"document":null}`},
		{
			"bulkWrite", "bulkWrite", `"operations":[{"deleteOne":{"filter":{}}}]`,
			fake{bulk: full},
			`{"insertedCount":2,"matchedCount":3,"modifiedCount":2,"deletedCount":1,"upsertedCount":1,"insertedIds":{"0":"0123456789abcdef01234567","4":1},"upsertedIds":{"2":"x"}}`,
			`{"insertedCount":{"$numberInt":"2"},"matchedCount":{"$numberInt":"3"},"modifiedCount":{"$numberInt":"2"},"deletedCount":{"$numberInt":"1"},"upsertedCount":{"$numberInt":"1"},"insertedIds":{"0":` + oid + `,"4":{"$numberInt":"1"}},"upsertedIds":{"2":"x"}}`,
		},
		{
			"bulkWrite that did nothing", "bulkWrite", `"operations":[{"deleteOne":{"filter":{}}}]`,
			fake{},
			`{"insertedCount":0,"matchedCount":0,"modifiedCount":0,"deletedCount":0,"upsertedCount":0,"insertedIds":{},"upsertedIds":{}}`,
			`{"insertedCount":{"$numberInt":"0"},"matchedCount":{"$numberInt":"0"},"modifiedCount":{"$numberInt":"0"},"deletedCount":{"$numberInt":"0"},"upsertedCount":{"$numberInt":"0"},"insertedIds":{},"upsertedIds":{}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := dataapi.New(config(&tt.fake))
			for accept, want := range map[string]string{"application/json": tt.json, "application/ejson": tt.ejson} {
				res := post(h, tt.action, `{`+names+`,`+tt.body+`}`, header("Accept", accept))
				if got := text(t, res); got != want || res.StatusCode != http.StatusOK {
					t.Errorf("%s: %d\n got %s\nwant %s", accept, res.StatusCode, got, want)
				}
			}
		})
	}
}

func TestOurOwnWrites(t *testing.T) {
	ns := rules.Namespace{Service: "mongodb-atlas", Database: "app", Collection: "c"}
	tests := []struct {
		name, action, body string
		want               any
	}{
		{
			"findOneAndUpdate", "findOneAndUpdate",
			`"filter":{"a":1},"update":{"$set":{"b.$[x]":1}},"sort":{"n":-1,"m":1},"projection":{"b":1},"upsert":true,"arrayFilters":[{"x":1}],"returnNewDocument":true`,
			proxy.FindOneAndUpdate{
				Update: proxy.Update{NS: ns, Filter: doc(t, `{"a":1}`), Update: doc(t, `{"$set":{"b.$[x]":1}}`), ArrayFilters: []bson.Raw{doc(t, `{"x":1}`)}, Upsert: true},
				Choice: proxy.Choice{Sort: doc(t, `{"n":-1,"m":1}`), Projection: doc(t, `{"b":1}`), ReturnNew: true},
			},
		},
		{
			"findOneAndReplace", "findOneAndReplace", `"filter":{"a":1},"replacement":{"b":1},"sort":{"n":1}`,
			proxy.FindOneAndReplace{
				Replace: proxy.Replace{NS: ns, Filter: doc(t, `{"a":1}`), Replacement: doc(t, `{"b":1}`)},
				Choice:  proxy.Choice{Sort: doc(t, `{"n":1}`)},
			},
		},
		{
			"findOneAndDelete", "findOneAndDelete", `"filter":{"a":1},"projection":{"_id":0}`,
			proxy.FindOneAndDelete{Delete: proxy.Delete{NS: ns, Filter: doc(t, `{"a":1}`)}, Choice: proxy.Choice{Projection: doc(t, `{"_id":0}`)}},
		},
		{
			"bulkWrite", "bulkWrite",
			`"operations":[{"insertOne":{"document":{"a":1}}},{"updateOne":{"filter":{"a":1},"update":{"$set":{"b":1}},"upsert":true}},` +
				`{"updateMany":{"filter":{},"update":{"$set":{"b.$[x]":1}},"arrayFilters":[{"x":1}]}},{"replaceOne":{"filter":{"a":2},"replacement":{"b":1},"upsert":false}},` +
				`{"deleteOne":{"filter":{"a":3}}},{"deleteMany":{"filter":{}}}]`,
			proxy.BulkWrite{NS: ns, Operations: []proxy.BulkOperation{
				proxy.InsertOne{Document: doc(t, `{"a":1}`)},
				proxy.Update{Filter: doc(t, `{"a":1}`), Update: doc(t, `{"$set":{"b":1}}`), Upsert: true},
				proxy.Update{Filter: doc(t, `{}`), Update: doc(t, `{"$set":{"b.$[x]":1}}`), ArrayFilters: []bson.Raw{doc(t, `{"x":1}`)}, Many: true},
				proxy.Replace{Filter: doc(t, `{"a":2}`), Replacement: doc(t, `{"b":1}`)},
				proxy.Delete{Filter: doc(t, `{"a":3}`)},
				proxy.Delete{Filter: doc(t, `{}`), Many: true},
			}},
		},
		{
			"bulkWrite, ordered", "bulkWrite", `"operations":[{"insertOne":{"document":{}}}],"ordered":true`,
			proxy.BulkWrite{NS: ns, Operations: []proxy.BulkOperation{proxy.InsertOne{Document: doc(t, `{}`)}}},
		},
		{
			"bulkWrite, not ordered", "bulkWrite", `"operations":[{"insertOne":{"document":{}}}],"ordered":false`,
			proxy.BulkWrite{NS: ns, Operations: []proxy.BulkOperation{proxy.InsertOne{Document: doc(t, `{}`)}}, Unordered: true},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{}
			res := post(dataapi.New(config(f)), tt.action, `{`+names+`,`+tt.body+`}`, nil)
			if got := text(t, res); res.StatusCode != http.StatusOK {
				t.Fatalf("%d %s", res.StatusCode, got)
			}
			if diff := cmp.Diff(tt.want, f.op); diff != "" {
				t.Errorf("operation (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMalformedOwnWrites(t *testing.T) {
	const param, miss = "InvalidParameter", "MissingParameter"
	const regex = `{"$regularExpression":{"pattern":"x","options":""}}`
	one := func(op string) string { return `"operations":[{"insertOne":{"document":{}}},` + op + `]` }
	tests := []struct{ action, body, code, text string }{
		{"findOneAndUpdate", `"update":{}`, miss, "filter is required"},
		{"findOneAndUpdate", `"filter":{}`, miss, "update is required"},
		{"findOneAndUpdate", `"filter":{},"update":[]`, param, "update must be an object, pipelines are not supported"},
		{"findOneAndUpdate", `"filter":{},"update":{},"returnNewDocument":1`, param, "returnNewDocument must be a boolean"},
		{"findOneAndUpdate", `"filter":{},"update":{},"sort":[]`, param, "sort must be an object"},
		{"findOneAndUpdate", `"filter":{},"update":{},"projection":1`, param, "projection must be an object"},
		{"findOneAndUpdate", `"filter":{},"update":{},"returnDocument":"after"`, param, "unknown field 'returnDocument'"},
		{"findOneAndUpdate", `"filter":{},"update":{"$set":{"a":` + regex + `}}`, param, "regular expressions, minKey and maxKey cannot be stored"},
		{"findOneAndReplace", `"filter":{},"replacement":{"a":` + regex + `}`, param, "regular expressions, minKey and maxKey cannot be stored"},
		{"findOneAndReplace", `"filter":{},"replacement":{},"arrayFilters":[]`, param, "unknown field 'arrayFilters'"},
		{"findOneAndReplace", `"filter":{}`, miss, "replacement is required"},
		{"findOneAndDelete", `"sort":{}`, miss, "filter is required"},
		{"findOneAndDelete", `"filter":{},"upsert":true`, param, "unknown field 'upsert'"},
		{"findOneAndDelete", `"filter":{},"returnNewDocument":true`, param, "unknown field 'returnNewDocument'"},
		{"bulkWrite", `"ordered":true`, miss, "operations is required"},
		{"bulkWrite", `"operations":[]`, param, "operations cannot be empty"},
		{"bulkWrite", `"operations":{}`, param, "operations must be an array of objects"},
		{"bulkWrite", `"operations":["insertOne"]`, param, "operations must be an array of objects"},
		{"bulkWrite", `"operations":[{"deleteOne":{"filter":{}}}` + strings.Repeat(`,{"deleteOne":{"filter":{}}}`, 1000) + `]`, param, "operations has more than 1000 elements"},
		{"bulkWrite", one(`{"deleteOne":{"filter":{}}}`) + `,"ordered":"no"`, param, "ordered must be a boolean"},
		{"bulkWrite", one(`{"deleteOne":{"filter":{}}}`) + `,"filter":{}`, param, "unknown field 'filter'"},
		{"bulkWrite", one(`{}`), param, "operations[1]: there is no operation"},
		{"bulkWrite", one(`{"deleteOne":{"filter":{}},"deleteMany":{"filter":{}}}`), param, "operations[1]: there is more than one operation"},
		{"bulkWrite", one(`{"insertMany":{"documents":[{}]}}`), param, "operations[1]: unknown operation 'insertMany'"},
		{"bulkWrite", one(`{"deleteOne":[]}`), param, "operations[1]: deleteOne must be an object"},
		{"bulkWrite", one(`{"deleteOne":{}}`), miss, "operations[1]: filter is required"},
		{"bulkWrite", one(`{"deleteMany":{"filter":null}}`), param, "operations[1]: filter must be an object"},
		{"bulkWrite", one(`{"deleteMany":{"filter":{},"limit":1}}`), param, "operations[1]: unknown field 'limit'"},
		{"bulkWrite", one(`{"deleteOne":{"filter":{},"dataSource":"mongodb-atlas"}}`), param, "operations[1]: unknown field 'dataSource'"},
		{"bulkWrite", one(`{"updateMany":{"update":{}}}`), miss, "operations[1]: filter is required"},
		{"bulkWrite", one(`{"updateOne":{"filter":{},"update":[]}}`), param, "operations[1]: update must be an object, pipelines are not supported"},
		{"bulkWrite", one(`{"updateOne":{"filter":{},"update":{"$set":{"a":` + regex + `}}}}`), param, "operations[1]: regular expressions, minKey and maxKey cannot be stored"},
		{"bulkWrite", one(`{"updateOne":{"filter":{},"update":{},"sort":{}}}`), param, "operations[1]: unknown field 'sort'"},
		{"bulkWrite", one(`{"replaceOne":{"filter":{},"replacement":{"a":` + regex + `}}}`), param, "operations[1]: regular expressions, minKey and maxKey cannot be stored"},
		{"bulkWrite", one(`{"replaceOne":{"filter":{}}}`), miss, "operations[1]: replacement is required"},
		{"bulkWrite", one(`{"insertOne":{}}`), miss, "operations[1]: document is required"},
		{"bulkWrite", one(`{"insertOne":{"document":{"a":` + regex + `}}}`), param, "operations[1]: regular expressions, minKey and maxKey cannot be stored"},
		{"bulkWrite", one(`{"insertOne":{"document":{},"ordered":true}}`), param, "operations[1]: unknown field 'ordered'"},
	}
	for _, tt := range tests {
		f := &fake{}
		res := post(dataapi.New(config(f)), tt.action, `{`+names+`,`+tt.body+`}`, nil)
		got := text(t, res)
		if res.StatusCode != http.StatusBadRequest || errorText(t, got) != tt.text || errorCode(t, got) != tt.code {
			t.Errorf("%s %.100s: %d %s, want 400 %s %s", tt.action, tt.body, res.StatusCode, got, tt.code, tt.text)
		}
		if f.op != nil {
			t.Errorf("%s %.100s: the proxy was asked", tt.action, tt.body)
		}
	}
}
