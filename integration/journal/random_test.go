package journal_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// randomWords are conditions about what users write.
var randomWords = map[string][]string{
	"new":   {`"e0"`, `"e1"`, `"e2"`, `"e3"`, `"e4"`, `"e5"`},
	"role":  {`"writer"`, `"reviewer"`},
	"level": {`1`, `2`},
	"plain": {
		`{"owner": "%%user.custom_data.team"}`, `{"owner": "%%user.custom_data.teams"}`, `{"%%root.team": "%%user.custom_data.team"}`,
		`{"%%prevRoot.owner": "%%user.custom_data.team"}`, `{"%%root.owner": "%%prevRoot.owner"}`, `{"owner": {"%ne": null}}`,
		`{"status": <status>}`, `{"%%prevRoot.status": <status>}`, `{"%%root.status": {"$in": [<status>, <status>]}}`, `{"status": {"%nin": [<status>]}}`,
		`{"n": {"$gt": <n>}}`, `{"%%root.n": {"$gte": "%%prevRoot.n"}}`, `{"%%root.n": {"$lte": "%%prevRoot.n"}}`, `{"%%prevRoot.n": {"$lt": <n>}}`,
		`{"n": "%%root.m"}`, `{"m": {"%exists": true}}`, `{"%%prevRoot.m": {"$ne": "%%root.m"}}`,
		`{"open": true}`, `{"open": {"$ne": true}}`, `{"%%prevRoot.open": {"$ne": false}}`,
		`{"tags": <tag>}`, `{"tags": "%%user.id"}`, `{"%%prevRoot.tags": {"$size": 1}}`, `{"tags": {"$all": [<tag>]}}`,
		`{"meta.a": {"$gte": <n>}}`, `{"%%prevRoot.meta": {"a": 1, "b": 2}}`, `{"%%root.meta.b": "%%prevRoot.meta.b"}`, `{"meta": {"$type": "object"}}`,
		`{"items.qty": {"$lt": <n>}}`, `{"items": {"$elemMatch": {"sku": "x", "qty": {"$gt": <n>}}}}`, `{"%%root.items": "%%prevRoot.items"}`,
		`{"%%user.data.role": <role>}`, `{"%%user.custom_data.level": {"$gte": <level>}}`, `{"%%user.custom_data.level": "%%root.n"}`,
		`{"%%prevRoot": {"%exists": <bool>}}`, `{"%%request.operation": "update"}`, `{"title": {"$regex": "A|B"}}`, `{"_id": {"$in": [<id>, <id>, <id>]}}`,
		`{"%%root.title": "%%prevRoot.title"}`, `{"%%user.id": {"$in": "%%root.tags"}}`, `{"none": "%%user.custom_data.none"}`,
	},
	"cond": {
		`<plain>`, `<plain>`, `<plain>`, `<plain>`, `<plain>`, `<plain>`, `{"%and": [<plain>, <plain>]}`, `{"%or": [<plain>, <plain>]}`, `{"%or": [<plain>, <plain>]}`,
		`{"%not": <plain>}`, `{"%%false": <plain>}`,
	},
	"value": {
		`true`, `true`, `true`, `true`, `false`, `<cond>`, `{"%%this": {"$ne": "%%prev"}}`, `{"%%this": {"$gte": "%%prev"}}`, `{"%%this": {"$lt": "%%prev"}}`,
		`{"%%prev": {"$exists": <bool>}}`, `{"%%this": {"$exists": true}}`, `{"%%this": {"$in": [<n>, <s>, <status>, <team>]}}`, `{"%%prev": {"$nin": [<n>, <s>, <status>]}}`,
		`{"%%this": "%%user.custom_data.team"}`, `{"%%prev": "%%root.n"}`, `{"%or": [{"%%prev": <status>}, {"%%this": <status>}]}`,
	},
}

const randomDocuments = `{"_id": "d0", "owner": "a", "team": "a", "status": "draft", "n": 0, "m": 0, "open": true, "title": "A", "tags": ["u1"], "meta": {"a": 1, "b": 2}, "items": [{"sku": "x", "qty": 1}]}
	{"_id": "d1", "owner": "b", "team": "b", "status": "review", "n": 2, "title": "B", "tags": ["x", "u2"], "meta": {"b": 1}}
	{"_id": "d2", "owner": "c", "team": "a", "status": "final", "n": 5, "m": 5.0, "open": false, "items": [{"sku": "y", "qty": 3}, {"cost": 1}]}
	{"_id": "d3", "owner": <team>, "status": <status>, "n": <n>, "open": <bool>, "tags": []}`

const randomRequests = `updateOne | {"_id": <id>} | {"$set": {"title": <s>}}
	updateOne | {"_id": <id>} | {"$set": {"status": <status>}}
	updateOne | {"_id": <id>} | {"$set": {"status": <status>, "n": <n>}}
	updateOne | {"_id": <id>} | {"$set": {"owner": <team>}}
	updateOne | {"_id": <id>} | {"$set": {"open": <bool>, "team": <team>}}
	updateOne | {"_id": <id>} | {"$inc": {"n": 1}}
	updateOne | {"_id": <id>} | {"$inc": {"n": -1, "m": 1}}
	updateOne | {"_id": <id>} | {"$mul": {"m": 2}}
	updateOne | {"_id": <id>} | {"$min": {"n": <n>}, "$max": {"m": <n>}}
	updateOne | {"_id": <id>} | {"$push": {"tags": <tag>}}
	updateOne | {"_id": <id>} | {"$addToSet": {"tags": {"$each": [<tag>, <tag>]}}, "$set": {"title": <s>}}
	updateOne | {"_id": <id>} | {"$pull": {"tags": <tag>}}
	updateOne | {"_id": <id>} | {"$pop": {"tags": -1}}
	updateOne | {"_id": <id>} | {"$push": {"items": {"sku": "z", "qty": <int>}}}
	updateOne | {"_id": <id>} | {"$set": {"meta.a": <int>}}
	updateOne | {"_id": <id>} | {"$inc": {"meta.b": 1}}
	updateOne | {"_id": <id>} | {"$set": {"meta": {"a": <int>, "b": 2}}}
	updateOne | {"_id": <id>} | {"$unset": {"meta.a": "", "open": ""}}
	updateOne | {"_id": <id>} | {"$unset": {"m": ""}}
	updateOne | {"_id": <id>} | {"$rename": {"m": "title"}}
	updateOne | {"_id": <id>} | {"$bit": {"n": {"xor": 3}}}
	updateOne | {"_id": <id>, "n": <n>} | {"$inc": {"n": 1}}
	updateOne | {"status": <status>} | {"$set": {"status": <status>, "owner": <team>}}
	updateOne | {"open": {"$ne": false}, "n": {"$lte": <n>}} | {"$set": {"open": <bool>}, "$inc": {"n": 1}}
	updateOne | {"tags": <tag>} | {"$set": {"tags": [<tag>], "n": <n>}}
	updateMany | {} | {"$set": {"title": <s>}}
	updateMany | {} | {"$inc": {"m": 1}}
	updateMany | {"owner": <team>} | {"$set": {"n": <n>, "open": <bool>}}
	updateMany | {"status": <status>} | {"$set": {"status": <status>}}
	updateMany | {"n": {"$gt": <n>}} | {"$set": {"title": <s>}, "$unset": {"m": ""}}
	replaceOne | {"_id": <id>} | {"owner": <team>, "team": <team>, "status": <status>, "n": <n>, "open": <bool>, "title": <s>, "tags": [<tag>]}
	replaceOne | {"n": <n>} | {"owner": <team>, "n": <n>, "meta": {"a": 1, "b": 2}, "items": []}
	deleteOne | {"_id": <id>}
	deleteOne | {"_id": <id>, "status": <status>}
	deleteOne | {"_id": <new>}
	deleteOne | {"n": <n>}
	deleteMany | {"owner": <team>, "n": {"$gte": <n>}}
	insertOne | {"_id": <id>, "owner": <team>, "status": <status>, "n": <n>, "tags": [<tag>]}
	insertOne | {"_id": <new>, "owner": <team>, "n": <n>, "tags": [<tag>]}
	insertOne | {"owner": <team>, "status": "draft", "n": 1, "open": true}
	insertMany | {"_id": <new>, "owner": <team>, "open": true} | {"_id": <new>, "owner": <team>, "items": [{"sku": "x", "qty": <int>}]}
	upsert updateOne | {"_id": <new>} | {"$set": {"owner": <team>, "status": <status>}, "$inc": {"n": 1}}
	upsert updateOne | {"_id": <id>} | {"$set": {"owner": <team>, "status": <status>}, "$inc": {"n": 1}, "$push": {"tags": <tag>}}
	upsert updateOne | {"_id": <id>, "owner": <team>} | {"$setOnInsert": {"n": <n>, "status": "draft", "tags": []}, "$set": {"title": <s>}}
	upsert replaceOne | {"_id": <id>} | {"owner": <team>, "status": <status>, "n": <n>}
	findOneAndUpdate | {"_id": <id>} | {"$inc": {"n": 1}, "$set": {"title": <s>}}
	returnNew findOneAndUpdate | {"status": <status>} | {"$set": {"owner": <team>, "open": <bool>}}
	returnNew findOneAndReplace | {"_id": <id>} | {"owner": <team>, "n": <n>, "open": true}
	findOneAndDelete | {"n": <n>}
	bulkWrite updateOne | {"_id": "d0"} | {"$inc": {"n": 1}} && updateOne | {"_id": "d1"} | {"$set": {"title": <s>}} && deleteOne | {"_id": <new>}
	bulkWrite unordered insertOne | {"_id": <new>, "owner": <team>, "n": <n>} && updateMany | {"_id": {"$in": ["d1", "d2"]}} | {"$set": {"title": <s>}, "$inc": {"n": 1}}
	bulkWrite upsert updateOne | {"_id": <new>} | {"$set": {"owner": <team>}, "$inc": {"n": 1}} && replaceOne | {"_id": <id>} | {"owner": <team>, "n": <n>}`

const randomBeside = `<id> | {"owner": <team>}
	<id> | {"status": <status>, "n": <n>}
	<id> | {"open": <bool>, "m": <n>, "title": <s>}
	<id> | {"owner": <team>, "status": "draft", "n": <n>, "tags": [<tag>, <tag>], "meta": {"a": <int>, "b": 2}}
	<id> | {"owner": <team>, "team": <team>, "items": [{"sku": "x", "qty": <int>}, {"sku": "y", "cost": 1}], "tags": []}`

// randomWorld makes a world with rules of which the users get something, and not everything.
func randomWorld(r *rand.Rand, users []*user) *world {
	for {
		w := &world{
			name: "random rules", documents: randomDocuments, requests: randomRequests, beside: randomBeside, words: randomWords,
			loose: r.IntN(6) == 0, atOnce: r.IntN(4) == 0,
		}
		w.rules = w.fill(r, randomRules(r), "")
		if changed, shown := w.sample(r, users); changed > 5 && changed < 28 || shown && r.IntN(60) == 0 {
			return w
		}
	}
}

// sample asks the model what users can do at first, of forty requests.
func (w *world) sample(r *rand.Rand, users []*user) (changed int, matched bool) {
	model := w.model()
	for range 40 {
		u := users[r.IntN(len(users))]
		done := model.Write(u.facts, w.seeds(r), w.request(r, u).parts[0].Write)
		matched = matched || done.Matched > 0
		if done.Modified > 0 || len(done.Inserted) > 0 {
			changed++
		}
	}
	return changed, matched
}

// randomRules returns the text of a rules.json, with words.
func randomRules(r *rand.Rand) string {
	chance := func(percent int) bool { return r.IntN(100) < percent }
	pick := func(choices ...string) string { return choices[r.IntN(len(choices))] }
	var roles []string
	for i := range 1 + r.IntN(3) {
		role := []string{fmt.Sprintf(`"name": "r%d"`, i), `"apply_when": ` + pick(`{}`, `<cond>`, `<cond>`, `<cond>`)}
		add := func(percent int, key, value string) {
			if chance(percent) {
				role = append(role, fmt.Sprintf("%q: %s", key, value))
			}
		}
		byField := chance(55)
		add(30, "document_filters", pick(`{"read": <cond>}`, `{"write": <cond>}`, `{"read": true, "write": <cond>}`))
		add(70, "read", pick(`true`, `true`, `true`, `<cond>`))
		switch {
		case !byField:
			add(100, "write", pick(`true`, `<cond>`, `<cond>`, `<cond>`))
		default:
			add(50, "write", `false`)
			add(80, "fields", randomFields(r))
			add(60, "additional_fields", pick(`{"write": true}`, `{"write": <value>}`, `{"read": true}`, `{"write": <value>, "read": true}`))
		}
		add(20, "insert", pick(`false`, `<cond>`, `<cond>`, `<cond>`))
		add(30, "delete", pick(`false`, `<cond>`, `<cond>`, `<cond>`))
		roles = append(roles, "{"+strings.Join(role, ", ")+"}")
	}
	filters := ""
	if chance(20) {
		filters = `{"name": "f", "apply_when": ` + pick(`{}`, `{"%%user.data.role": <role>}`) +
			`, "query": ` + pick(`{"n": {"$lt": 6}}`, `{"owner": {"$in": "%%user.custom_data.teams"}}`, `{"status": {"$ne": <status>}}`) +
			pick(``, ``, ``, `, "projection": {"m": 0}`, `, "projection": {"meta.b": 0}`) + `}`
	}
	return `{"roles": [` + strings.Join(roles, ",\n") + `], "filters": [` + filters + `]}`
}

// randomFields returns the text of a fields object.
func randomFields(r *rand.Rand) string {
	var fields []string
	for _, name := range []string{"_id", "owner", "team", "status", "n", "m", "open", "title", "tags", "meta", "items"} {
		entry := []string{`{"write": <value>}`, `{"write": <value>}`, `{"read": true, "write": <value>}`, `{"read": true}`, `{}`}[r.IntN(5)]
		if nested := map[string]string{"meta": "a b", "items": "sku qty"}[name]; nested != "" && r.IntN(3) > 0 {
			parts := strings.Fields(nested)
			entry = fmt.Sprintf(`{"fields": {%q: {"write": <value>}, %q: {"read": true}}}`, parts[r.IntN(2)], "cost")
		}
		if name == "_id" {
			entry = []string{`{"read": true}`, `{"read": true, "write": true}`}[r.IntN(2)]
		}
		if r.IntN(10) < 6 {
			fields = append(fields, fmt.Sprintf("%q: %s", name, entry))
		}
	}
	return "{" + strings.Join(fields, ", ") + "}"
}
