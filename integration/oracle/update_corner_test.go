package oracle_test

import (
	"strconv"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/integration/oracle"
)

// corners are updates that random ones seldom hit.
var corners = []struct{ name, doc, filter, update, arrayFilters string }{
	{name: "pad to the limit", doc: `{"a":[1]}`, update: `{"$set":{"a.1000":1}}`},
	{name: "pad beyond the limit", doc: `{"a":[1]}`, update: `{"$set":{"a.1500002":1}}`},
	{name: "pad beyond any array", doc: `{"a":[1]}`, update: `{"$set":{"a.99999999999":1}}`},
	{name: "unset beyond the end", doc: `{"a":[1]}`, update: `{"$unset":{"a.99999999999":1}}`},
	{name: "pop beyond the end", doc: `{"a":[1]}`, update: `{"$pop":{"a.99999999999":1}}`},
	{name: "index of an int32", doc: `{"a":[1]}`, update: `{"$pop":{"a.2147483647":1}}`},
	{name: "index of more than an int32", doc: `{"a":[1]}`, update: `{"$pop":{"a.2147483648":1}}`},
	{name: "pop beyond ten digits", doc: `{"a":[1]}`, update: `{"$pop":{"a.10000000000":1}}`},
	{name: "pop of ten digits", doc: `{"a":[1]}`, update: `{"$pop":{"a.9999999999":1}}`},
	{name: "index of an uint32", doc: `{"a":[1]}`, update: `{"$pop":{"a.4294967295":1}}`},
	{name: "index of more than an uint32", doc: `{"a":[1]}`, update: `{"$pop":{"a.4294967296":1}}`},
	{name: "set a name with a dollar", doc: `{"a":[1]}`, update: `{"$set":{"$b":1}}`},
	{name: "set nothing", doc: `{"a":[1]}`, update: `{"$set":{}}`},
	{name: "operator and nothing", doc: `{"a":[1]}`, update: `{"$set":{},"$inc":{}}`},
	{name: "operator with a number", doc: `{"a":[1]}`, update: `{"$set":1}`},
	{name: "unknown operator", doc: `{"a":[1]}`, update: `{"$sett":{"a":1}}`},
	{name: "field after an operator", doc: `{"a":[1]}`, update: `{"$set":{"a":1},"b":1}`},
	{name: "push with each last", doc: `{"a":[1]}`, update: `{"$push":{"a":{"$slice":1,"$each":[2]}}}`},
	{name: "push with an unknown modifier", doc: `{"a":[1]}`, update: `{"$push":{"a":{"$each":[2],"$x":1}}}`},
	{name: "push with a name", doc: `{"a":[1]}`, update: `{"$push":{"a":{"$each":[2],"x":1}}}`},
	{name: "push each of a number", doc: `{"a":[1]}`, update: `{"$push":{"a":{"$each":2}}}`},
	{name: "push nothing to nothing", doc: `{}`, update: `{"$push":{"a":{"$each":[]}}}`},
	{name: "push nothing and sort", doc: `{"a":[2,1]}`, update: `{"$push":{"a":{"$each":[],"$sort":1}}}`},
	{name: "push and cut everything", doc: `{"a":[2,1]}`, update: `{"$push":{"a":{"$each":[3],"$slice":0}}}`},
	{name: "slice of a fraction", doc: `{"a":[2,1]}`, update: `{"$push":{"a":{"$each":[3],"$slice":1.5}}}`},
	{name: "slice of a string", doc: `{"a":[2,1]}`, update: `{"$push":{"a":{"$each":[3],"$slice":"1"}}}`},
	{name: "position beyond 64 bits", doc: `{"a":[2,1]}`, update: `{"$push":{"a":{"$each":[3],"$position":1e30}}}`},
	{name: "lowest position", doc: `{"a":[2,1]}`, update: `{"$push":{"a":{"$each":[3],"$position":{"$numberLong":"-9223372036854775807"}}}}`},
	{name: "lowest slice", doc: `{"a":[2,1]}`, update: `{"$push":{"a":{"$each":[3],"$slice":{"$numberLong":"-9223372036854775807"}}}}`},
	{name: "sort by two", doc: `{"a":[2,1]}`, update: `{"$push":{"a":{"$each":[3],"$sort":2}}}`},
	{name: "sort by nothing", doc: `{"a":[2,1]}`, update: `{"$push":{"a":{"$each":[3],"$sort":{}}}}`},
	{name: "sort by a string", doc: `{"a":[2,1]}`, update: `{"$push":{"a":{"$each":[3],"$sort":{"a":"x"}}}}`},
	{name: "sort by an empty segment", doc: `{"a":[2,1]}`, update: `{"$push":{"a":{"$each":[3],"$sort":{"a.":1}}}}`},
	{name: "sort by an empty name", doc: `{"a":[2,1]}`, update: `{"$push":{"a":{"$each":[3],"$sort":{"":1}}}}`},
	{name: "sort by a boolean", doc: `{"a":[2,1]}`, update: `{"$push":{"a":{"$each":[3],"$sort":true}}}`},
	{name: "sort through an array", doc: `{"a":[{"b":[{"c":2}]},{"b":[{"c":1}]}]}`, update: `{"$push":{"a":{"$each":[],"$sort":{"b.0.c":1}}}}`},
	{name: "sort through an array by name", doc: `{"a":[{"b":[{"c":2}]},{"b":[{"c":1}]}]}`, update: `{"$push":{"a":{"$each":[],"$sort":{"b.c":1}}}}`},
	{name: "sort two arrays by index", doc: `{"a":[[2],[1]]}`, update: `{"$push":{"a":{"$each":[],"$sort":{"0":1}}}}`},
	{name: "sort by two keys", doc: `{"a":[{"b":1,"c":1},{"b":1,"c":2},{"b":0}]}`, update: `{"$push":{"a":{"$each":[],"$sort":{"b":-1,"c":-1}}}}`},
	{name: "sort is stable", doc: `{"a":[{"b":1,"c":1},{"b":1.0,"c":2},{"b":0}]}`, update: `{"$push":{"a":{"$each":[],"$sort":{"b":-1}}}}`},
	{name: "add to a set of the same numbers", doc: `{"a":[1]}`, update: `{"$addToSet":{"a":{"$each":[1.0,{"$numberLong":"2"},2.0,{"b":1}]}}}`},
	{name: "each and more", doc: `{"a":[1]}`, update: `{"$addToSet":{"a":{"$each":[1.0],"x":1}}}`},
	{name: "each is not first", doc: `{"a":[1]}`, update: `{"$addToSet":{"a":{"$each":1}}}`},
	{name: "pop zero", doc: `{"a":[1]}`, update: `{"$pop":{"a":0}}`},
	{name: "pop two", doc: `{"a":[1]}`, update: `{"$pop":{"a":2}}`},
	{name: "pop a string", doc: `{"a":[1]}`, update: `{"$pop":{"a":"1"}}`},
	{name: "pop a number", doc: `{"a":1}`, update: `{"$pop":{"a":1}}`},
	{name: "pop nothing", doc: `{"a":[]}`, update: `{"$pop":{"a":1}}`},
	{name: "pull every object", doc: `{"a":[1,{},{"b":1},[{}]]}`, update: `{"$pull":{"a":{}}}`},
	{name: "pull with or", doc: `{"a":[1,{},{"b":1},{"c":1}]}`, update: `{"$pull":{"a":{"$or":[{"b":1},{"c":1}]}}}`},
	{name: "pull with not", doc: `{"a":[1,2,3]}`, update: `{"$pull":{"a":{"$not":{"$gt":2}}}}`},
	{name: "pull with ne", doc: `{"a":[1,2,3]}`, update: `{"$pull":{"a":{"$ne":2}}}`},
	{name: "pull with nin", doc: `{"a":[1,2,3,[2]]}`, update: `{"$pull":{"a":{"$nin":[2]}}}`},
	{name: "pull with elemMatch of values", doc: `{"a":[1,[2,3],[4]]}`, update: `{"$pull":{"a":{"$elemMatch":{"$gt":3}}}}`},
	{name: "pull with elemMatch of objects", doc: `{"a":[{"b":[{"c":1}]},{"b":[{"c":2}]}]}`, update: `{"$pull":{"a":{"b":{"$elemMatch":{"c":1}}}}}`},
	{name: "pull with size", doc: `{"a":[1,[2,3],[4]]}`, update: `{"$pull":{"a":{"$size":1}}}`},
	{name: "pull with all", doc: `{"a":[1,[2,3],[4]]}`, update: `{"$pull":{"a":{"$all":[2]}}}`},
	{name: "pull with an expression", doc: `{"a":["ax","bx"]}`, update: `{"$pull":{"a":{"$regularExpression":{"pattern":"^a","options":""}}}}`},
	{name: "pull with regex", doc: `{"a":["ax","bx"]}`, update: `{"$pull":{"a":{"$regex":"^A","$options":"i"}}}`},
	{name: "pull with an unknown operator", doc: `{"a":[1]}`, update: `{"$pull":{"a":{"$x":1}}}`},
	{name: "pull with a name and an operator", doc: `{"a":[1]}`, update: `{"$pull":{"a":{"b":1,"$gt":1}}}`},
	{name: "pull with an operator and a name", doc: `{"a":[1]}`, update: `{"$pull":{"a":{"$gt":1,"b":1}}}`},
	{name: "pull with an operator for other places", doc: `{"a":[1]}`, update: `{"$pull":{"a":{"$where":"1"}}}`},
	{name: "pull with an expression of aggregation", doc: `{"a":[1]}`, update: `{"$pull":{"a":{"$expr":true}}}`},
	{name: "pull with a schema", doc: `{"a":[1]}`, update: `{"$pull":{"a":{"$jsonSchema":{}}}}`},
	{name: "array filter with a schema", doc: `{"a":[1]}`, update: `{"$set":{"a.$[x]":2}}`, arrayFilters: `{"x":[{"$jsonSchema":{}}]}`},
	{name: "array filter with an expression", doc: `{"a":[1]}`, update: `{"$set":{"a.$[x]":2}}`, arrayFilters: `{"x":[{"x":{"$expr":true}}]}`},
	{name: "array filter with an empty list", doc: `{"a":[1]}`, update: `{"$set":{"a.$[x]":2}}`, arrayFilters: `{"x":[{"x":{"$in":[]}}]}`},
	{name: "pull null", doc: `{"a":[null,1,{"$undefined":true}]}`, update: `{"$pull":{"a":null}}`},
	{name: "pull an array", doc: `{"a":[[1],1,[1,2]]}`, update: `{"$pull":{"a":[1]}}`},
	{name: "pull by the order of fields", doc: `{"a":[{"b":1,"c":1},{"c":1,"b":1}]}`, update: `{"$pull":{"a":{"c":1,"b":1}}}`},
	{name: "pullAll by the order of fields", doc: `{"a":[{"b":1,"c":1},{"c":1,"b":1}]}`, update: `{"$pullAll":{"a":[{"c":1,"b":1}]}}`},
	{name: "pullAll of a number", doc: `{"a":[1]}`, update: `{"$pullAll":{"a":1}}`},
	{name: "bit without operations", doc: `{"a":1}`, update: `{"$bit":{"a":{}}}`},
	{name: "bit with a double", doc: `{"a":1}`, update: `{"$bit":{"a":{"and":1.5}}}`},
	{name: "bit with another name", doc: `{"a":1}`, update: `{"$bit":{"a":{"not":1}}}`},
	{name: "bit of a number", doc: `{"a":1}`, update: `{"$bit":{"a":1}}`},
	{name: "bit on a double", doc: `{"a":1.5}`, update: `{"$bit":{"a":{"and":1}}}`},
	{name: "rename to itself", doc: `{"a":1}`, update: `{"$rename":{"a":"a"}}`},
	{name: "rename into itself", doc: `{"a":1}`, update: `{"$rename":{"a":"a.b"}}`},
	{name: "rename out of itself", doc: `{"a":{"b":1}}`, update: `{"$rename":{"a.b":"a"}}`},
	{name: "rename the _id", doc: `{}`, update: `{"$rename":{"_id":"a"}}`},
	{name: "rename to the _id", doc: `{"a":1}`, update: `{"$rename":{"a":"_id"}}`},
	{name: "rename over", doc: `{"a":1,"x":2,"b":3}`, update: `{"$rename":{"a":"b"}}`},
	{name: "rename inside", doc: `{"a":{"b":1,"c":2}}`, update: `{"$rename":{"a.b":"a.d"}}`},
	{name: "rename in a circle", doc: `{"a":1,"b":2}`, update: `{"$rename":{"a":"b","b":"a"}}`},
	{name: "rename in a chain", doc: `{"a":1,"b":2}`, update: `{"$rename":{"a":"b","b":"c"}}`},
	{name: "rename from an array", doc: `{"a":[1]}`, update: `{"$rename":{"a.0":"b"}}`},
	{name: "rename into an array", doc: `{"a":[1],"b":1}`, update: `{"$rename":{"b":"a.0"}}`},
	{name: "rename behind an array", doc: `{"a":[1],"b":1}`, update: `{"$rename":{"b":"a.5"}}`},
	{name: "rename an array", doc: `{"a":[1],"b":1}`, update: `{"$rename":{"a":"b"}}`},
	{name: "rename nothing into an array", doc: `{"a":[1]}`, update: `{"$rename":{"b":"a.0"}}`},
	{name: "rename through a number", doc: `{"a":1}`, update: `{"$rename":{"a.b":"c"}}`},
	{name: "rename to below a number", doc: `{"a":1,"b":2}`, update: `{"$rename":{"b":"a.c"}}`},
	{name: "rename a positional path", doc: `{"a":[1]}`, filter: `{"a":1}`, update: `{"$rename":{"a.$":"c"}}`},
	{name: "rename to an empty name", doc: `{"a":1}`, update: `{"$rename":{"a":""}}`},
	{name: "rename and set beside", doc: `{"a":{"b":1}}`, update: `{"$rename":{"a.b":"c.d"},"$set":{"a.x":1,"c.a":1}}`},
	{name: "same _id", doc: `{}`, update: `{"$set":{"_id":{"$numberInt":"ID"}}}`},
	{name: "unset the _id", doc: `{}`, update: `{"$unset":{"_id":1}}`},
	{name: "field of the _id", doc: `{}`, update: `{"$set":{"_id.a":1}}`},
	{name: "unset a field of the _id", doc: `{}`, update: `{"$unset":{"_id.a":1}}`},
	{name: "inc the _id", doc: `{}`, update: `{"$inc":{"_id":1}}`},
	{name: "inc the _id by nothing", doc: `{}`, update: `{"$inc":{"_id":0}}`},
	{name: "push what the _id has", doc: `{"_id":{"a":[1]}}`, update: `{"$push":{"_id.a":{"$each":[1],"$slice":1}}}`},
	{name: "push nothing to the _id", doc: `{"_id":{"b":[1]}}`, update: `{"$push":{"_id.b":{"$each":[],"$slice":5}}}`},
	{name: "sort what is in the _id", doc: `{"_id":{"c":[1]}}`, update: `{"$push":{"_id.c":{"$each":[],"$sort":1}}}`},
	{name: "currentDate of a number", doc: `{}`, update: `{"$currentDate":{"a":1}}`},
	{name: "currentDate of another type", doc: `{}`, update: `{"$currentDate":{"a":{"$type":"x"}}}`},
	{name: "currentDate of a type number", doc: `{}`, update: `{"$currentDate":{"a":{"$type":9}}}`},
	{name: "currentDate of nothing", doc: `{}`, update: `{"$currentDate":{"a":{}}}`},
	{name: "currentDate of more", doc: `{}`, update: `{"$currentDate":{"a":{"$type":"date","x":1}}}`},
	{name: "identifier twice", doc: `{"a":[1]}`, update: `{"$set":{"a.$[x]":2}}`, arrayFilters: `{"x":[{"x":1},{"x":2}]}`},
	{name: "identifier in uppercase", doc: `{"a":[1]}`, update: `{"$set":{"a.$[X]":2}}`, arrayFilters: `{"x":[{"X":1}]}`},
	{name: "identifier with a digit", doc: `{"a":[1]}`, update: `{"$set":{"a.$[x1]":2}}`, arrayFilters: `{"x":[{"x1":1}]}`},
	{name: "two identifiers in a filter", doc: `{"a":[1]}`, update: `{"$set":{"a.$[x]":2}}`, arrayFilters: `{"x":[{"x":1,"y":1}]}`},
	{name: "empty array filter", doc: `{"a":[1]}`, update: `{"$set":{"a.$[x]":2}}`, arrayFilters: `{"x":[{}]}`},
	{name: "array filter with or", doc: `{"a":[1,2,3]}`, update: `{"$set":{"a.$[x]":9}}`, arrayFilters: `{"x":[{"$or":[{"x":1},{"x":3}]}]}`},
	{name: "array filter with and of two names", doc: `{"a":[1,2,3]}`, update: `{"$set":{"a.$[x]":9}}`, arrayFilters: `{"x":[{"$and":[{"x":1},{"y":3}]}]}`},
	{name: "unused array filter", doc: `{"a":[1,2,3]}`, update: `{"$set":{"a":9}}`, arrayFilters: `{"x":[{"x":1}]}`},
	{name: "array filter with all of nothing", doc: `{"a":[1]}`, update: `{"$set":{"a.$[x]":2}}`, arrayFilters: `{"x":[{"x":{"$all":[]}}]}`},
	{name: "array filter of nested arrays", doc: `{"a":[[1,2],[3]]}`, update: `{"$set":{"a.$[x]":9}}`, arrayFilters: `{"x":[{"x":1}]}`},
	{name: "array filters in two levels", doc: `{"a":[{"k":1,"b":[1,2]},{"k":2,"b":[1,2]}]}`, update: `{"$inc":{"a.$[x].b.$[y]":10}}`, arrayFilters: `{"x":[{"x.k":2},{"y":{"$gt":1}}]}`},
	{name: "two filters for one element", doc: `{"a":[{"k":1}]}`, update: `{"$set":{"a.$[x].p":1,"a.$[y].q":1,"a.$[].r":1}}`, arrayFilters: `{"x":[{"x.k":1},{"y.k":1}]}`},
	{name: "two filters for one field", doc: `{"a":[{"k":1}]}`, update: `{"$set":{"a.$[x].p":1,"a.$[y].p":1}}`, arrayFilters: `{"x":[{"x.k":1},{"y.k":1}]}`},
	{name: "two filters for no field", doc: `{"a":[{"k":1}]}`, update: `{"$set":{"a.$[x].p":1,"a.$[y].p":1}}`, arrayFilters: `{"x":[{"x.k":1},{"y.k":2}]}`},
	{name: "all of a number", doc: `{"a":1}`, update: `{"$set":{"a.$[]":1}}`},
	{name: "all of nothing", doc: `{}`, update: `{"$set":{"a.$[]":1}}`},
	{name: "all of an empty array", doc: `{"a":[]}`, update: `{"$set":{"a.$[].b":1}}`},
	{name: "unset all", doc: `{"a":[1,2]}`, update: `{"$unset":{"a.$[]":1}}`},
	{name: "matched without a match", doc: `{"a":[1]}`, update: `{"$set":{"a.$":1}}`},
	{name: "matched and its index", doc: `{"a":[1,2]}`, filter: `{"a":2}`, update: `{"$set":{"a.$":5,"a.1":6}}`},
	{name: "matched beside its index", doc: `{"a":[1,{"x":1}]}`, filter: `{"a.x":1}`, update: `{"$set":{"a.$.p":5,"a.1.q":6,"a.0":7}}`},
	{name: "matched in another array", doc: `{"a":[1,2],"b":[0]}`, filter: `{"a":2}`, update: `{"$set":{"b.$":5}}`},
	{name: "matched in an object", doc: `{"a":[1,2],"b":{"x":1}}`, filter: `{"a":2}`, update: `{"$set":{"b.$":5,"b.0":1,"b.10":3,"b.2":4}}`},
	{name: "matched before a greater number", doc: `{"a":[0,0,1],"b":[]}`, filter: `{"a":1}`, update: `{"$addToSet":{"b.0":1,"b.$":2,"b.100":3}}`},
	{name: "matched after a lower number", doc: `{"a":[0,0,0,0,0,0,0,0,0,0,1],"b":{}}`, filter: `{"a":1}`, update: `{"$set":{"b.9":1,"b.$":2}}`},
	{name: "matched twice", doc: `{"a":[[1]]}`, filter: `{"a":1}`, update: `{"$set":{"a.$.$":5}}`},
	{name: "objects for numbers", doc: `{}`, update: `{"$set":{"a.0.1":5,"a.b":1}}`},
	{name: "order of new fields", doc: `{"m":1}`, update: `{"$set":{"z":1,"b":1,"10":1,"9":1,"a.z":1,"a.b":1,"B":1},"$inc":{"c":1,"m":1}}`},
	{name: "increment a null", doc: `{"a":null}`, update: `{"$inc":{"a":1}}`},
	{name: "lowest with null", doc: `{"a":null,"b":1}`, update: `{"$min":{"a":0,"b":null}}`},
	{name: "depth of a path", doc: `{}`, update: `{"$set":{"` + strings.Repeat("a.", 49) + `a":1}}`},
}

func TestUpdatesInTheCorners(t *testing.T) {
	e := oracle.Open(t)
	docs := make([]bson.D, len(corners))
	cases := make([]oracle.UpdateCase, len(corners))
	for i, c := range corners {
		docs[i] = fromJSON(t, c.doc)
		cases[i] = oracle.UpdateCase{Filter: bson.D{}, Update: fromJSON(t, strings.ReplaceAll(c.update, "ID", strconv.Itoa(i)))}
		if c.filter != "" {
			cases[i].Filter = fromJSON(t, c.filter)
		}
		if c.arrayFilters == "" {
			continue
		}
		for _, f := range fromJSON(t, c.arrayFilters)[0].Value.(bson.A) {
			cases[i].ArrayFilters = append(cases[i].ArrayFilters, f.(bson.D))
		}
	}
	coll, stored := e.Fill(t, "corners", docs)
	for i, want := range theirs(t, coll, stored, cases) {
		t.Run(corners[i].name, func(t *testing.T) {
			got := ours(t, stored[i], cases[i])
			if verdict, agree := judge(got, want, stored[i]); !agree && !refusedByServerOnly(want) {
				t.Errorf("%s\nours   %s\ntheirs %s", verdict, show(got), show(want))
			}
		})
	}
}

func fromJSON(t *testing.T, text string) bson.D {
	t.Helper()
	var d bson.D
	if err := bson.UnmarshalExtJSON([]byte(text), false, &d); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}
