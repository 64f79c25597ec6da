package expr_test

import (
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/rules/expr"
)

func mustDoc(t testing.TB, text string) bson.Raw {
	t.Helper()
	if text == "" {
		return nil
	}
	doc, err := ejson.Parse([]byte(text), ejson.Limits{})
	if err != nil {
		t.Fatalf("parse %s: %v", text, err)
	}
	return doc
}

func parseDoc(text []byte) (bson.Raw, bool) {
	doc, err := ejson.Parse(text, ejson.Limits{})
	return doc, err == nil
}

func mustExpr(t testing.TB, text string, place expr.Place) *expr.Expr {
	t.Helper()
	e, ds := parse(text, place)
	if ds.HasErrors() {
		var b strings.Builder
		_ = ds.WriteText(&b)
		t.Fatalf("parse %s:\n%s", text, b.String())
	}
	return e
}

var names = expr.Names{
	Values:            map[string]bool{"admins": true, "limit": true, "flag": true, "nothing": true},
	EnvironmentValues: map[string]bool{"region": true},
}

func parse(text string, place expr.Place) (*expr.Expr, source.Diagnostics) {
	return parseWith(text, place, names)
}

func parseWith(text string, place expr.Place, names expr.Names) (*expr.Expr, source.Diagnostics) {
	v, ds := source.Parse(&source.File{Name: "rules.json", Text: []byte(text)})
	if ds.HasErrors() {
		return nil, ds
	}
	return expr.Parse(v, place, names, &ds), ds
}

const (
	userDoc    = `{"id": "ua", "type": "normal", "data": {"email": "a@x", "tags": ["x", "y"], "oid": "5f0000000000000000000001"}}`
	customDoc  = `{"team": "red", "manages": ["b@x", null], "none": null, "nested": {"level": {"$numberInt": "3"}}, "flag": true, "pattern": {"$regularExpression": {"pattern": ".*", "options": ""}}, "patterns": [{"$regularExpression": {"pattern": ".*", "options": ""}}], "one": 1, "list": [[1, 2], 3], "empty": [], "operator": {"$elemMatch": {"$exists": true}}, "operators": [{"$elemMatch": {"$exists": true}}]}`
	valuesDoc  = `{"admins": ["ua", "uz"], "limit": 5, "flag": true, "nothing": null}`
	envDoc     = `{"tag": "", "values": {"region": "eu"}}`
	requestDoc = `{"action": "find", "requestHeaders": {"x-org": ["acme"]}}`
)

func scope(t testing.TB) *expr.Scope {
	t.Helper()
	return &expr.Scope{
		User: mustDoc(t, userDoc), CustomData: mustDoc(t, customDoc), Values: mustDoc(t, valuesDoc),
		Environment: mustDoc(t, envDoc), Request: mustDoc(t, requestDoc),
	}
}

func TestEval(t *testing.T) {
	tests := []struct {
		name, expr, doc string
		want            expr.Truth
	}{
		{"true", `true`, `{}`, expr.True},
		{"false", `false`, `{}`, expr.False},
		{"the empty object is true", `{}`, `{}`, expr.True},
		{"several members are all needed", `{"a": 1, "b": 2}`, `{"a": 1, "b": 3}`, expr.False},
		{"several operators are all needed", `{"a": {"$gt": 1, "$lt": 5}}`, `{"a": 3}`, expr.True},
		{"either prefix", `{"a": {"%gt": 1, "$lte": 2}}`, `{"a": 2}`, expr.True},

		{"field equals literal", `{"a": "x"}`, `{"a": "x"}`, expr.True},
		{"root is spelled out", `{"%%root.a": "x"}`, `{"a": "x"}`, expr.True},
		{"numbers of different types", `{"a": 3}`, `{"a": {"$numberDouble": "3.0"}}`, expr.True},
		{"types are not coerced", `{"a": "3"}`, `{"a": 3}`, expr.False},
		{"null matches missing", `{"a": null}`, `{}`, expr.True},
		{"ne matches missing", `{"a": {"$ne": 1}}`, `{}`, expr.True},
		{"through an array of documents", `{"m.id": "ua"}`, `{"m": [{"id": "ub"}, {"id": "ua"}]}`, expr.True},
		{"by position", `{"m.1.id": "ua"}`, `{"m": [{"id": "ub"}, {"id": "ua"}]}`, expr.True},
		{"a literal array is compared whole", `{"a": ["x"]}`, `{"a": "x"}`, expr.False},
		{"a literal document is compared whole", `{"a": {"b": 1}}`, `{"a": {"b": 1, "c": 2}}`, expr.False},
		{"a literal document with an expansion", `{"a": {"o": "%%user.id"}}`, `{"a": {"o": "ua"}}`, expr.True},
		{"a literal document with a document expansion", `{"a": {"o": "%%root.b"}}`, `{"a": {"o": 1}, "b": 1}`, expr.True},
		{"the empty document", `{"a": {}}`, `{"a": {}}`, expr.True},
		{"extended JSON", `{"_id": {"$oid": "5f0000000000000000000001"}}`, `{"_id": {"$oid": "5f0000000000000000000001"}}`, expr.True},

		{"expansion on the right", `{"owner": "%%user.id"}`, `{"owner": "ua"}`, expr.True},
		{"array field contains the user", `{"members": "%%user.id"}`, `{"members": ["ub", "ua"]}`, expr.True},
		{"array from an expansion contains the field", `{"email": "%%user.custom_data.manages"}`, `{"email": "b@x"}`, expr.True},
		{"... but a null in it owns nothing", `{"email": "%%user.custom_data.manages"}`, `{"email": null}`, expr.False},
		{"... nor what is missing", `{"email": "%%user.custom_data.manages"}`, `{}`, expr.False},
		{"arrays do not match by intersection", `{"t": "%%user.data.tags"}`, `{"t": ["x", "z"]}`, expr.False},
		{"equal arrays match", `{"t": "%%user.data.tags"}`, `{"t": ["x", "y"]}`, expr.True},
		{"an array that is an element matches", `{"t": "%%user.data.tags"}`, `{"t": [["x", "y"], 1]}`, expr.True},
		{"through documents in an array", `{"m.t": "%%user.data.tags"}`, `{"m": [{"t": "q"}, {"t": "y"}]}`, expr.True},
		{"explicit in does intersect", `{"t": {"$in": "%%user.data.tags"}}`, `{"t": ["x", "z"]}`, expr.True},
		{"nin with an expansion", `{"t": {"$nin": "%%user.data.tags"}}`, `{"t": ["q"]}`, expr.True},
		{"in drops nulls", `{"email": {"$in": "%%user.custom_data.manages"}}`, `{}`, expr.False},
		{"in with something that is no list", `{"t": {"$in": "%%user.id"}}`, `{"t": "ua"}`, expr.Unknown},
		{"all with an expansion", `{"t": {"$all": "%%user.data.tags"}}`, `{"t": ["y", "x"]}`, expr.True},
		{"all with a null among data", `{"t": {"$all": "%%user.custom_data.manages"}}`, `{"t": ["b@x", null]}`, expr.False},
		{"... that is not there", `{"t": {"$all": "%%user.custom_data.manages"}}`, `{}`, expr.False},
		{"... in the document", `{"t": {"$all": "%%root.own"}}`, `{"t": ["b@x", null], "own": ["b@x", null]}`, expr.False},
		{"an empty array among data", `{"t": "%%user.custom_data.empty"}`, `{"t": []}`, expr.Unknown},
		{"... and its contrary", `{"t": {"$ne": "%%user.custom_data.empty"}}`, `{"t": []}`, expr.Unknown},
		{"... and something else", `{"t": {"$ne": "%%user.custom_data.empty"}}`, `{"t": ["x"]}`, expr.True},
		{"... on the left", `{"%%user.custom_data.empty": "%%root.t"}`, `{"t": []}`, expr.Unknown},
		{"... in a written list", `{"t": {"$in": ["%%user.custom_data.empty", "x"]}}`, `{"t": []}`, expr.Unknown},
		{"... of which another one is there", `{"t": {"$in": ["%%user.custom_data.empty", "x"]}}`, `{"t": [[], "x"]}`, expr.True},
		{"... of which all are there", `{"t": {"$all": ["%%user.custom_data.empty", "x"]}}`, `{"t": [[], "x"]}`, expr.Unknown},
		{"an empty array in the rule", `{"t": []}`, `{"t": []}`, expr.True},
		{"an empty array of two documents", `{"t": "%%root.u"}`, `{"t": [], "u": []}`, expr.True},
		{"all of nothing", `{"t": {"$all": "%%user.custom_data.empty"}}`, `{"t": []}`, expr.False},
		{"all with an operator among data", `{"t": {"$all": "%%user.custom_data.operators"}}`, `{"t": ["x"]}`, expr.False},
		{"... is that document", `{"t": {"$all": "%%user.custom_data.operators"}}`, `{"t": [{"$elemMatch": {"$exists": true}}]}`, expr.True},
		{"... in a written list", `{"t": {"$all": ["%%user.custom_data.operator"]}}`, `{"t": [["x"]]}`, expr.False},
		{"ne with an expansion", `{"owner": {"$ne": "%%user.id"}}`, `{"owner": "ub"}`, expr.True},
		{"gt with an expansion", `{"n": {"$gt": "%%values.limit"}}`, `{"n": 6}`, expr.True},
		{"list with an expansion", `{"owner": {"$in": ["uz", "%%user.id"]}}`, `{"owner": "ua"}`, expr.True},

		{"unresolved is unknown", `{"owner": "%%user.custom_data.org"}`, `{}`, expr.Unknown},
		{"... and stays so under not", `{"%not": {"owner": "%%user.custom_data.org"}}`, `{"owner": "x"}`, expr.Unknown},
		{"... and with ne", `{"owner": {"$ne": "%%user.custom_data.org"}}`, `{"owner": "x"}`, expr.Unknown},
		{"... and with nin", `{"owner": {"$nin": "%%user.custom_data.org"}}`, `{"owner": "x"}`, expr.Unknown},
		{"... and inside a list", `{"owner": {"$in": ["x", "%%user.custom_data.org"]}}`, `{"owner": "x"}`, expr.Unknown},
		{"... and inside a document", `{"a": {"o": "%%user.custom_data.org"}}`, `{"a": {"o": null}}`, expr.Unknown},
		{"null from an expansion does not match missing", `{"owner": "%%user.custom_data.none"}`, `{}`, expr.Unknown},
		{"... but null", `{"owner": "%%user.custom_data.none"}`, `{"owner": null}`, expr.True},
		{"null in a list does not match missing", `{"owner": {"$in": ["x", "%%user.custom_data.none"]}}`, `{}`, expr.Unknown},
		{"args never have a value", `{"%%args.x": {"$exists": false}}`, `{}`, expr.Unknown},
		{"partition never has a value", `{"a": "%%partition"}`, `{"a": 1}`, expr.Unknown},
		{"a pattern among data is no pattern", `{"a": "%%user.custom_data.pattern"}`, `{"a": "x"}`, expr.Unknown},
		{"... nor in a list", `{"a": {"$in": "%%user.custom_data.patterns"}}`, `{"a": "x"}`, expr.Unknown},
		{"... nor in a written list", `{"a": {"$in": ["%%user.custom_data.pattern"]}}`, `{"a": "x"}`, expr.Unknown},

		{"expansion on the left", `{"%%user.type": "normal"}`, `{}`, expr.True},
		{"left array contains right expansion", `{"%%values.admins": "%%user.id"}`, `{}`, expr.True},
		{"missing on the left is MongoDB's missing", `{"%%user.custom_data.banned": {"$ne": true}}`, `{}`, expr.True},
		{"exists on the left", `{"%%user.custom_data.banned": {"$exists": true}}`, `{}`, expr.False},
		{"left known, right of the document", `{"%%user.id": "%%root.owner"}`, `{"owner": "ua"}`, expr.True},
		{"conditions on sub-fields", `{"%%user.custom_data": {"team": "red", "nested.level": {"$gte": 3}}}`, `{}`, expr.True},
		{"conditions on sub-fields, nested", `{"%%user.custom_data": {"nested": {"level": 4}}}`, `{}`, expr.False},
		{"sub-fields of the user", `{"%%user": {"custom_data": {"team": "red"}, "id": "ua"}}`, `{}`, expr.True},
		{"environment", `{"%%environment.values.region": "eu", "%%environment.tag": ""}`, `{}`, expr.True},
		{"header in any case", `{"%%request.requestHeaders.X-Org": "acme"}`, `{}`, expr.True},
		{"header as an operand", `{"org": "%%request.requestHeaders.X-Org"}`, `{"org": "acme"}`, expr.True},

		{"right side of the document", `{"a": "%%root.b"}`, `{"a": 1, "b": 1}`, expr.True},
		{"missing right side of the document is null", `{"a": "%%root.b"}`, `{}`, expr.True},
		{"... and equals nothing else", `{"a": "%%root.b"}`, `{"a": 1}`, expr.False},
		{"right side through an array", `{"a": "%%root.m.id"}`, `{"a": 2, "m": [{"id": 1}, {"id": 2}]}`, expr.True},
		{"right side by position", `{"a": "%%root.m.1"}`, `{"a": 2, "m": [1, 2]}`, expr.True},
		{"right side below a scalar", `{"a": "%%root.b.c"}`, `{"a": 2, "b": 2}`, expr.False},
		{"right side through an array without matches", `{"a": "%%root.m.id"}`, `{"a": 2, "m": [1]}`, expr.False},
		{"a stored pattern is no pattern", `{"a": "%%root.b"}`, `{"a": "x", "b": {"$regularExpression": {"pattern": ".*", "options": ""}}}`, expr.Unknown},
		{"list with a field", `{"a": {"$in": ["%%root.b", 7]}}`, `{"a": 1, "b": 1}`, expr.True},
		{"list with a missing field", `{"a": {"$in": ["%%root.b"]}}`, `{"a": 1}`, expr.False},
		{"in with a field that is a list", `{"a": {"$in": "%%root.b"}}`, `{"a": 1, "b": [1, null]}`, expr.True},
		{"list with a field and a null of the user", `{"a": {"$in": ["%%root.b", "%%user.custom_data.none"]}}`, `{"b": 1}`, expr.Unknown},
		{"... that is a null", `{"a": {"$in": ["%%root.b", "%%user.custom_data.none"]}}`, `{"a": null, "b": 1}`, expr.True},
		{"a stored pattern in a list", `{"a": {"$in": ["%%root.b", 7]}}`, `{"a": "x", "b": {"$regularExpression": {"pattern": ".*", "options": ""}}}`, expr.Unknown},
		{"... does not exclude either", `{"a": {"$nin": ["%%root.b", 7]}}`, `{"a": "x", "b": {"$regularExpression": {"pattern": ".*", "options": ""}}}`, expr.Unknown},
		{"a pattern of the user beside a field", `{"a": {"$in": ["%%root.b", "%%user.custom_data.pattern"]}}`, `{"a": "x", "b": 1}`, expr.Unknown},
		{"a written pattern beside a field", `{"a": {"$in": ["%%root.b", {"$regularExpression": {"pattern": "^x", "options": ""}}]}}`, `{"a": "xy", "b": 1}`, expr.True},

		{"the user on the left", `{"%%user.custom_data.team": "%%root.t"}`, `{"t": "red"}`, expr.True},
		{"nothing of the user is not nothing of the document", `{"%%user.custom_data.org": "%%root.t"}`, `{}`, expr.Unknown},
		{"... nor its null", `{"%%user.custom_data.org": "%%root.t"}`, `{"t": null}`, expr.Unknown},
		{"... nor in a list", `{"%%user.custom_data.org": {"$in": ["%%root.t", "x"]}}`, `{}`, expr.Unknown},
		{"... nor in a list with a stored null", `{"%%user.custom_data.org": {"$in": ["%%root.t", "x"]}}`, `{"t": null}`, expr.Unknown},
		{"... nor by order", `{"%%user.custom_data.org": {"$gte": "%%root.t"}}`, `{}`, expr.Unknown},
		{"... and its negation grants nothing", `{"%not": {"%%user.custom_data.org": "%%root.t"}}`, `{}`, expr.Unknown},
		{"a null of the user is not what is missing", `{"%%user.custom_data.none": "%%root.t"}`, `{}`, expr.Unknown},
		{"... nor in a list", `{"%%user.custom_data.none": {"$in": ["%%root.t"]}}`, `{}`, expr.Unknown},
		{"... but equals a stored null", `{"%%user.custom_data.none": "%%root.t"}`, `{"t": null}`, expr.True},
		{"nothing of the user is unlike a value", `{"%%user.custom_data.org": {"$ne": "%%root.t"}}`, `{"t": "x"}`, expr.True},
		{"... and not in a list of values", `{"%%user.custom_data.org": {"$in": ["%%root.t"]}}`, `{"t": "x"}`, expr.False},
		{"a written null still matches nothing of the user", `{"%%user.custom_data.org": {"$in": ["%%root.t", null]}}`, `{"t": "x"}`, expr.True},

		{"truth of an expansion", `{"%%true": "%%user.custom_data.flag"}`, `{}`, expr.True},
		{"only the very boolean is true", `{"%%true": "%%user.custom_data.one"}`, `{}`, expr.False},
		{"unresolved truth", `{"%%true": "%%user.custom_data.org"}`, `{}`, expr.Unknown},
		{"falsehood of an expansion", `{"%%false": "%%user.custom_data.flag"}`, `{}`, expr.False},
		{"truth of a field", `{"%%true": "%%root.a"}`, `{"a": true}`, expr.True},
		{"truth of a missing field", `{"%%true": "%%root.a"}`, `{}`, expr.False},
		{"truth of true", `{"%%true": true}`, `{}`, expr.True},
		{"truth of the expansion true", `{"%%true": "%%true"}`, `{}`, expr.True},
		{"falsehood of false", `{"%%false": false}`, `{}`, expr.True},
		{"truth of a nested expression", `{"%%true": {"%or": [{"a": 1}, {"b": 1}]}}`, `{"b": 1}`, expr.True},
		{"falsehood of a nested expression", `{"%%false": {"a": 1}}`, `{"a": 2}`, expr.True},
		{"falsehood of unknown is unknown", `{"%%false": {"a": "%%user.custom_data.org"}}`, `{}`, expr.Unknown},
		{"truth compared by operator", `{"%%true": {"$eq": "%%user.custom_data.flag"}}`, `{}`, expr.True},
		{"truth as a value", `{"a": "%%true"}`, `{"a": true}`, expr.True},
		{"nested expression as a value", `{"a": {"%%true": {"b": 1}}}`, `{"a": true, "b": 1}`, expr.True},
		{"nested expression as a value, false", `{"a": {"%%true": {"b": 1}}}`, `{"a": true, "b": 2}`, expr.False},

		{"and", `{"%and": [{"a": 1}, {"b": 1}]}`, `{"a": 1, "b": 1}`, expr.True},
		{"or", `{"$or": [{"a": 1}, {"b": 1}]}`, `{"a": 2, "b": 2}`, expr.False},
		{"nor", `{"%nor": [{"a": 1}, {"b": 1}]}`, `{"a": 2, "b": 2}`, expr.True},
		{"not", `{"%not": {"a": 1}}`, `{"a": 2}`, expr.True},
		{"not on a value", `{"a": {"$not": {"$gt": 5}}}`, `{"a": 3}`, expr.True},
		{"and on a value", `{"a": {"%and": [{"$gte": 1}, {"$lt": 10}]}}`, `{"a": 5}`, expr.True},
		{"or on a value, with another field", `{"a": {"%or": [{"$gt": 10}, {"b": 1}]}}`, `{"a": 5, "b": 1}`, expr.True},
		{"nor on a value", `{"a": {"%nor": [{"$gt": 10}]}}`, `{"a": 5}`, expr.True},

		{"exists", `{"a": {"$exists": true}}`, `{"a": null}`, expr.True},
		{"exists by number", `{"a": {"%exists": 0}}`, `{}`, expr.True},
		{"exists by expansion", `{"a": {"%exists": "%%true"}}`, `{}`, expr.False},
		{"the document exists", `{"%%root": {"$exists": true}}`, `{}`, expr.True},
		{"size", `{"a": {"$size": 2}}`, `{"a": [1, 2]}`, expr.True},
		{"type", `{"a": {"$type": "string"}}`, `{"a": "x"}`, expr.True},
		{"mod", `{"a": {"$mod": [2, 1]}}`, `{"a": 3}`, expr.True},
		{"elemMatch", `{"a": {"$elemMatch": {"b": {"%gt": 1}}}}`, `{"a": [{"b": 1}, {"b": 2}]}`, expr.True},
		{"regex", `{"a": {"$regex": "^X", "$options": "i"}}`, `{"a": "xy"}`, expr.True},
		{"regex, other prefix", `{"a": {"%options": "i", "%regex": "^X"}}`, `{"a": "xy"}`, expr.True},

		{"string to ObjectId", `{"_id": {"%stringToOid": "%%user.data.oid"}}`, `{"_id": {"$oid": "5f0000000000000000000001"}}`, expr.True},
		{"a bound value that does not convert", `{"_id": {"%stringToOid": "%%user.id"}}`, `{"_id": 1}`, expr.Unknown},
		{"ObjectId to string", `{"a": {"%oidToString": "%%root._id"}}`, `{"_id": {"$oid": "5f0000000000000000000001"}, "a": "5f0000000000000000000001"}`, expr.True},
		{"a stored value that does not convert", `{"a": {"%oidToString": "%%root._id"}}`, `{"_id": 1, "a": 1}`, expr.Error},
		{"a missing value stays missing", `{"a": {"%oidToString": "%%root.b"}}`, `{"a": "x"}`, expr.False},
		{"conversion of a literal", `{"_id": {"%stringToOid": "5f0000000000000000000001"}}`, `{"_id": {"$oid": "5f0000000000000000000001"}}`, expr.True},
		{"conversion under an operator", `{"_id": {"$in": [{"%stringToOid": "%%user.data.oid"}]}}`, `{"_id": {"$oid": "5f0000000000000000000001"}}`, expr.True},
		{"UUIDs", `{"u": {"%stringToUuid": "00112233-4455-6677-8899-aabbccddeeff"}}`, `{"u": {"$uuid": "00112233-4455-6677-8899-aabbccddeeff"}}`, expr.True},
		{"UUID to string", `{"a": {"%uuidToString": "%%root.u"}}`, `{"a": "00112233-4455-6677-8899-aabbccddeeff", "u": {"$uuid": "00112233-4455-6677-8899-aabbccddeeff"}}`, expr.True},
		{"an error inside a list", `{"a": {"$in": [{"%oidToString": "%%root._id"}]}}`, `{"_id": 1, "a": 1}`, expr.Error},
		{"an error inside a document", `{"a": {"b": {"%oidToString": "%%root._id"}}}`, `{"_id": 1, "a": 1}`, expr.Error},
		{"an error beside false is false", `{"b": 1, "a": {"%oidToString": "%%root._id"}}`, `{"_id": 1}`, expr.False},
		{"... in either order", `{"a": {"%oidToString": "%%root._id"}, "b": 1}`, `{"_id": 1}`, expr.False},
		{"an error beside true is true in or", `{"%or": [{"a": {"%oidToString": "%%root._id"}}, {"b": 1}]}`, `{"_id": 1, "b": 1}`, expr.True},
		{"an error beside unknown is an error", `{"a": {"%oidToString": "%%root._id"}, "b": "%%user.custom_data.org"}`, `{"_id": 1}`, expr.Error},
		{"truth of an error", `{"%%true": {"a": {"%oidToString": "%%root._id"}}}`, `{"_id": 1}`, expr.Error},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc := mustDoc(t, tt.doc)
			got := mustExpr(t, tt.expr, expr.InRole).Bind(scope(t)).Eval(&expr.Env{Root: doc, PrevRoot: doc})
			if got != tt.want {
				t.Errorf("%s on %s = %v, want %v", tt.expr, tt.doc, got, tt.want)
			}
		})
	}
}

func TestEvalField(t *testing.T) {
	tests := []struct {
		name, expr, this, prev string
		want                   expr.Truth
	}{
		{"the value itself", `{"%%this": "s1"}`, `{"v": "s1"}`, ``, expr.True},
		{"unchanged", `{"%%this": "%%prev"}`, `{"v": 1}`, `{"v": 1}`, expr.True},
		{"changed", `{"%%this": "%%prev"}`, `{"v": 2}`, `{"v": 1}`, expr.False},
		{"was missing", `{"%%prev": {"%exists": false}}`, `{"v": 1}`, ``, expr.True},
		{"below a document", `{"%%this.a": 1}`, `{"v": {"a": 1}}`, ``, expr.True},
		{"below an array", `{"%%this.a": 1}`, `{"v": [{"a": 2}, {"a": 1}]}`, ``, expr.True},
		{"below an array by position", `{"%%this.0.a": 2}`, `{"v": [{"a": 2}, {"a": 1}]}`, ``, expr.True},
		{"below a scalar", `{"%%this.a": {"$exists": false}}`, `{"v": 1}`, ``, expr.True},
		{"list below an array", `{"%%this.a": "%%user.data.tags"}`, `{"v": [{"a": "y"}]}`, ``, expr.True},
		{"the user in an array", `{"%%this": "%%user.id"}`, `{"v": ["ua"]}`, ``, expr.True},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env := expr.Env{}
			env.This, _ = bsonval.Lookup(mustDoc(t, tt.this), "v")
			if tt.prev != "" {
				env.Prev, _ = bsonval.Lookup(mustDoc(t, tt.prev), "v")
			}
			got := mustExpr(t, tt.expr, expr.InField).Bind(scope(t)).Eval(&env)
			if got != tt.want {
				t.Errorf("%s = %v, want %v", tt.expr, got, tt.want)
			}
		})
	}
}

func TestImages(t *testing.T) {
	pre, post := mustDoc(t, `{"status": "draft"}`), mustDoc(t, `{"status": "final"}`)
	for text, want := range map[string]expr.Truth{
		`{"%%prevRoot.status": "draft", "%%root.status": "final"}`: expr.True,
		`{"%%this.status": "final", "%%prev.status": "draft"}`:     expr.True, // at role level: the documents
		`{"status": "draft"}`:                expr.False,
		`{"%%prevRoot": {"%exists": false}}`: expr.False,
	} {
		got := mustExpr(t, text, expr.InRole).Bind(scope(t)).Eval(&expr.Env{Root: post, PrevRoot: pre})
		if got != want {
			t.Errorf("%s = %v, want %v", text, got, want)
		}
	}
	inserted := expr.Env{Root: post}
	for text, want := range map[string]expr.Truth{
		`{"%%prevRoot": {"%exists": false}}`: expr.True,
		`{"%%prevRoot.status": null}`:        expr.True,
	} {
		if got := mustExpr(t, text, expr.InRole).Bind(scope(t)).Eval(&inserted); got != want {
			t.Errorf("%s on an insert = %v, want %v", text, got, want)
		}
	}
}

func TestCustomDataUnresolved(t *testing.T) {
	s := scope(t)
	s.CustomDataUnresolved = true
	for _, text := range []string{
		`{"%%user.custom_data.banned": {"$ne": true}}`,
		`{"owner": "%%user.custom_data.team"}`,
		`{"%not": {"owner": "%%user.custom_data.team"}}`,
	} {
		c := mustExpr(t, text, expr.InRole).Bind(s)
		if got, isConst := c.Const(); !isConst || got != expr.Unknown {
			t.Errorf("%s = %v (constant %v), want unknown", text, got, isConst)
		}
	}
}

func TestZeroCondGrantsNothing(t *testing.T) {
	var c expr.Cond
	if got := c.Eval(&expr.Env{}); got != expr.Unknown {
		t.Errorf("zero Cond = %v", got)
	}
	if got := expr.Any(c).Eval(&expr.Env{}); got == expr.True {
		t.Errorf("Any of a zero Cond = %v", got)
	}
}
