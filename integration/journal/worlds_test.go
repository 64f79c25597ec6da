package journal_test

// worlds are those in which everybody wants what only one can have.
var worlds = []world{
	{
		name: "who owns a document decides about it, and cannot give it away",
		rules: `{"roles": [
			{"name": "owner", "apply_when": {"owner": "%%user.custom_data.team"}, "write": true},
			{"name": "reader", "apply_when": {}, "read": true}]}`,
		documents: threeOwned,
		requests: `updateOne | {"_id": <id>} | {"$set": {"title": <s>}}
			updateOne | {"owner": <team>} | {"$inc": {"n": 1}}
			updateOne | {"_id": <id>} | {"$set": {"owner": <team>, "title": <s>}}
			updateOne | {"_id": <id>} | {"$push": {"tags": <tag>}, "$unset": {"title": ""}}
			replaceOne | {"_id": <id>} | {"owner": <team>, "title": <s>, "n": <n>}
			updateMany | {"owner": <team>} | {"$set": {"n": <n>}}
			updateMany | {"owner": <team>} | {"$inc": {"n": 2}}
			returnNew findOneAndUpdate | {"owner": <team>} | {"$inc": {"n": 1}}
			bulkWrite updateOne | {"_id": "d0"} | {"$inc": {"n": 1}} && updateOne | {"_id": "d1", "owner": <team>} | {"$set": {"title": <s>}}
			bulkWrite updateMany | {"owner": <team>, "n": <n>} | {"$inc": {"n": 1}} && updateOne | {"title": <s>} | {"$push": {"tags": <tag>}}`,
		beside: `<id> | {"owner": <team>}
			<id> | {"owner": [<team>, <team>]}
			<id> | {"n": <n>}`,
	},
	{
		name:  "who owns a document can hand it over, and has lost it then",
		loose: true,
		rules: `{"roles": [
			{"name": "owner", "apply_when": {"owner": "%%user.custom_data.team"}, "write": {"%%prevRoot.frozen": {"$ne": true}}, "read": true},
			{"name": "reader", "apply_when": {}, "read": true}]}`,
		documents: threeOwned,
		requests: `updateOne | {"_id": <id>} | {"$set": {"owner": <team>}}
			updateOne | {"_id": <id>} | {"$set": {"owner": <team>, "title": <s>}}
			updateOne | {"_id": <id>} | {"$set": {"title": <s>}}
			updateOne | {"_id": <id>} | {"$inc": {"n": 1}}
			updateOne | {"title": <s>} | {"$inc": {"n": 1}, "$set": {"owner": <team>}}
			updateMany | {"n": {"$gt": 1}} | {"$set": {"owner": <team>}}
			updateOne | {"_id": <id>} | {"$rename": {"title": "was"}}
			replaceOne | {"_id": <id>, "owner": <team>} | {"owner": <team>, "n": <n>}`,
		beside: `<id> | {"frozen": <bool>}
			<id> | {"frozen": false, "title": <s>}`,
	},
	{
		name: "from draft to review to final, each step by others",
		rules: `{"roles": [
			{"name": "writer", "apply_when": {"%%prevRoot.status": "draft", "%%user.data.role": "writer"}, "read": true,
				"write": {"%%root.status": {"$in": ["draft", "review"]}}},
			{"name": "reviewer", "apply_when": {"%%prevRoot.status": "review", "%%user.data.role": "reviewer"}, "read": true,
				"write": {"%%root.status": {"$in": ["draft", "final"]}, "%%root.title": "%%prevRoot.title"}},
			{"name": "publisher", "apply_when": {"%%prevRoot.status": "final", "%%user.data.role": "publisher"}, "read": true, "write": false,
				"fields": {"status": {"write": {"%%this": "draft"}}, "n": {"write": {"%%this": {"$gt": "%%prev"}}}}},
			{"name": "reader", "apply_when": {}, "read": true}]}`,
		documents: threeOwned,
		requests: `updateOne | {"_id": <id>, "status": "draft"} | {"$set": {"status": "review"}}
			updateOne | {"status": "review"} | {"$set": {"status": "final"}}
			updateOne | {"status": "final"} | {"$set": {"status": "draft"}}
			updateOne | {"_id": <id>} | {"$set": {"status": <status>}}
			updateOne | {"_id": <id>, "status": <status>} | {"$set": {"status": <status>, "title": <s>}}
			updateOne | {"_id": <id>} | {"$set": {"title": <s>}}
			updateOne | {"_id": <id>} | {"$inc": {"n": 1}}
			updateOne | {"status": <status>} | {"$set": {"status": <status>}, "$push": {"tags": <tag>}}
			replaceOne | {"_id": <id>} | {"owner": <team>, "status": <status>, "title": <s>, "n": <n>}
			updateMany | {"status": <status>} | {"$set": {"status": <status>}}`,
		beside: `<id> | {"title": <s>, "tags": [<tag>]}
			<id> | {"status": <status>}
			<id> | {"status": "draft"}`,
	},
	{
		name: "a counter that only falls",
		rules: `{"roles": [{"name": "all", "apply_when": {}, "read": true,
			"write": {"%%root.n": {"$lt": "%%prevRoot.n"}, "%%root.owner": "%%prevRoot.owner"}}]}`,
		documents: threeCounting,
		requests: `updateOne | {"_id": <id>} | {"$inc": {"n": -1}}
			updateOne | {"_id": <id>} | {"$inc": {"n": -2}, "$set": {"title": <s>}}
			updateOne | {"_id": <id>} | {"$inc": {"n": 1}}
			updateOne | {"_id": <id>} | {"$min": {"n": <high>}}
			updateOne | {"_id": <id>} | {"$set": {"n": <high>}}
			updateOne | {"_id": <id>} | {"$max": {"n": <high>}}
			updateMany | {} | {"$inc": {"n": -1}}
			updateOne | {"n": {"$gt": <high>}} | {"$inc": {"n": -3}}
			replaceOne | {"_id": <id>} | {"owner": "a", "n": <high>}
			findOneAndUpdate | {"_id": <id>} | {"$inc": {"n": -1}}
			bulkWrite updateOne | {"_id": "d0"} | {"$inc": {"n": -1}} && updateOne | {"_id": "d1"} | {"$inc": {"n": -2}} && updateOne | {"_id": <id>} | {"$inc": {"n": -1}}`,
		beside: `<id> | {"title": <s>}
			<id> | {"n": <high>}`,
		words: high,
	},
	{
		name: "fields that follow each other",
		rules: `{"roles": [{"name": "all", "apply_when": {}, "fields": {
			"_id": {"read": true},
			"n": {"read": true, "write": {"%%this": {"$lt": "%%prev"}}},
			"low": {"write": {"%%this": {"$lt": "%%root.n"}, "%%prev": {"$ne": "%%this"}}},
			"title": {"write": {"%%prevRoot.n": {"$gt": 960}}},
			"status": {"read": true, "write": {"%or": [{"%%prev": "draft"}, {"%%this": "draft"}]}},
			"tags": {"write": {"%%prev": {"$size": 2}}}}}]}`,
		documents: threeCounting,
		requests: `updateOne | {"_id": <id>} | {"$inc": {"n": -4}}
			updateOne | {"_id": <id>} | {"$set": {"n": <high>}}
			updateOne | {"_id": <id>} | {"$set": {"low": <high>}}
			updateOne | {"_id": <id>} | {"$set": {"low": <high>, "n": <high>}}
			updateOne | {"_id": <id>} | {"$set": {"title": <s>}}
			updateOne | {"_id": <id>} | {"$set": {"status": <status>}}
			updateOne | {"status": <status>} | {"$set": {"status": <status>, "title": <s>}}
			updateOne | {"_id": <id>} | {"$pop": {"tags": 1}}
			updateMany | {"n": {"$gt": <high>}} | {"$set": {"title": <s>}}
			updateMany | {"status": "draft"} | {"$set": {"status": <status>}}`,
		beside: `<id> | {"n": <high>}
			<id> | {"status": "draft", "tags": [<tag>, <tag>]}`,
		words: high,
	},
	{
		name: "documents that move between tenants",
		rules: `{"roles": [
			{"name": "member", "apply_when": {"team": "%%user.custom_data.team"}, "write": true, "delete": {"locked": {"$ne": true}}},
			{"name": "mover", "apply_when": {"%%user.custom_data.level": 3}, "read": true, "write": false,
				"fields": {"team": {"write": {"%%this": {"$in": "%%user.custom_data.teams"}}}}}],
			"filters": [{"name": "regions", "apply_when": {"%%user.custom_data.level": {"$lt": 3}}, "query": {"region": {"$in": "%%user.custom_data.teams"}}}]}`,
		documents: threeOwned,
		requests: `updateOne | {"_id": <id>} | {"$set": {"title": <s>}}
			updateOne | {"_id": <id>} | {"$inc": {"n": 1}}
			updateOne | {"_id": <id>} | {"$addToSet": {"tags": <tag>}, "$set": {"n": <n>}}
			updateOne | {"n": {"$gt": 0}} | {"$inc": {"n": 1}}
			updateOne | {"_id": <id>} | {"$set": {"region": <team>}}
			updateOne | {"_id": <id>} | {"$set": {"region": <team>, "title": <s>}}
			updateMany | {} | {"$set": {"title": <s>}}
			updateMany | {} | {"$inc": {"n": 1}}
			updateMany | {"n": <n>} | {"$set": {"n": <n>}, "$unset": {"title": ""}}
			updateOne | {"_id": <id>} | {"$set": {"team": <team>}}
			updateOne | {"team": <team>} | {"$set": {"team": <team>, "n": <n>}}
			deleteOne | {"_id": <id>}
			insertOne | {"_id": <id>, "team": <team>, "region": <team>, "n": <n>}
			insertOne | {"_id": <id>, "team": <team>, "region": <team>, "locked": <bool>}`,
		beside: `<id> | {"team": <team>}
			<id> | {"region": <team>}
			<id> | {"region": <team>, "n": 1}
			<id> | {"locked": <bool>}`,
	},
	{
		name: "locks, taken by compare and set",
		rules: `{"roles": [
			{"name": "free", "apply_when": {"locked": false}, "read": true, "write": false, "fields": {
				"locked": {"write": true}, "by": {"write": {"%or": [{"%%this": "%%user.id"}, {"%%prev": "%%user.id"}]}}}},
			{"name": "holder", "apply_when": {"by": "%%user.id"}, "write": true},
			{"name": "others", "apply_when": {}, "read": true}]}`,
		documents: `{"_id": "d0", "locked": false, "n": 0}
			{"_id": "d1", "locked": false, "n": 0}`,
		requests: `updateOne | {"_id": <id>, "locked": false} | {"$set": {"locked": true, "by": <me>}}
			updateOne | {"locked": false} | {"$set": {"locked": true, "by": <me>}}
			updateOne | {"_id": <id>} | {"$set": {"locked": true, "by": <me>}}
			updateOne | {"_id": <id>, "by": <me>} | {"$inc": {"n": 1}}
			updateOne | {"_id": <id>} | {"$inc": {"n": 1}}
			updateOne | {"by": <me>} | {"$set": {"locked": false}, "$unset": {"by": ""}}
			updateOne | {"by": <me>} | {"$set": {"locked": false}}
			updateMany | {"locked": true} | {"$set": {"locked": false}}`,
		beside: `<id> | {"locked": false}
			<id> | {"by": <user>}`,
		words: map[string][]string{"id": {`"d0"`, `"d1"`}},
	},
	{
		name: "from insert to delete",
		rules: `{"roles": [
			{"name": "author", "apply_when": {"owner": "%%user.custom_data.team"}, "write": true, "insert": {"status": "draft"},
				"delete": {"status": {"$ne": "final"}, "n": {"$lt": 5}}},
			{"name": "reader", "apply_when": {}, "read": true}]}`,
		documents: threeOwned,
		requests: `insertOne | {"_id": <id>, "owner": <team>, "status": <status>, "n": <n>}
			insertOne | {"_id": <id>, "owner": <team>, "status": "draft", "n": 0}
			insertMany | {"_id": <id>, "owner": <team>, "status": "draft"} | {"owner": <team>, "status": "draft", "n": 1}
			upsert updateOne | {"_id": <id>} | {"$set": {"owner": <team>, "status": "draft"}, "$inc": {"n": 1}}
			upsert updateOne | {"_id": <id>, "owner": <team>} | {"$push": {"tags": <tag>}, "$setOnInsert": {"status": "draft", "n": 1}}
			upsert updateMany | {"owner": <team>, "status": "draft"} | {"$inc": {"n": 1}, "$unset": {"title": ""}}
			upsert replaceOne | {"_id": <id>} | {"owner": <team>, "status": <status>, "n": <n>}
			updateOne | {"_id": <id>} | {"$set": {"status": <status>}}
			updateOne | {"_id": <id>} | {"$inc": {"n": 1}}
			deleteOne | {"_id": <id>}
			deleteOne | {"owner": <team>, "n": {"$lt": 3}}
			deleteMany | {"owner": <team>, "n": {"$lt": 3}}
			deleteMany | {"status": "draft", "n": {"$lt": 2}}
			findOneAndDelete | {"owner": <team>, "n": {"$lt": 5}}
			bulkWrite deleteOne | {"_id": <id>} && insertOne | {"_id": <id>, "owner": <team>, "status": "draft"}
			bulkWrite unordered insertOne | {"_id": <id>, "owner": <team>, "status": "draft"} && updateMany | {"owner": <team>} | {"$inc": {"n": 1}}`,
		beside: `<id> | {"owner": <team>}
			<id> | {"owner": <team>, "status": "draft", "n": 1}
			<id> | {"status": <status>, "n": <n>}`,
		words: map[string][]string{"id": {`"d0"`, `"d1"`, `"d2"`, `"d3"`, `"d4"`, `"d5"`}},
	},
	{
		name: "document filters, and all fields but some",
		rules: `{"roles": [{"name": "all", "apply_when": {}, "document_filters": {"read": true, "write": {"rank": {"$lte": "%%user.custom_data.level"}}},
			"additional_fields": {"read": true, "write": true}, "fields": {
				"secret": {"read": {"%%root.open": true}, "write": {"%%prevRoot.open": true}},
				"level": {"read": true, "write": {"%%this": {"$gte": "%%prev"}}},
				"open": {"read": true, "write": {"%%this": {"$exists": true}}}}}]}`,
		documents: `{"_id": "d0", "level": 0, "rank": 0, "open": true, "secret": 1}
			{"_id": "d1", "level": 1, "rank": 1, "open": false}
			{"_id": "d2", "level": 2, "rank": 2, "secret": 5, "n": 1}`,
		requests: `updateOne | {"_id": <id>} | {"$set": {"secret": <n>}}
			updateOne | {"_id": <id>} | {"$inc": {"secret": 1}}
			updateOne | {"_id": <id>} | {"$set": {"level": <level>}}
			updateOne | {"_id": <id>} | {"$set": {"open": <bool>}}
			updateOne | {"open": true} | {"$set": {"open": <bool>, "secret": <n>}}
			updateOne | {"_id": <id>} | {"$set": {"title": <s>}}
			updateOne | {"open": <bool>} | {"$inc": {"n": 1}}
			updateOne | {"_id": <id>} | {"$set": {"rank": <level>}}
			updateOne | {"_id": <id>} | {"$unset": {"open": ""}}
			updateMany | {"level": {"$lte": <level>}} | {"$set": {"title": <s>}}
			findOneAndUpdate | {"_id": <id>} | {"$set": {"title": <s>}}
			returnNew findOneAndUpdate | {"_id": <id>} | {"$set": {"open": <bool>}}
			updateMany | {"open": <bool>} | {"$set": {"n": <n>}}
			replaceOne | {"_id": <id>} | {"level": <level>, "rank": <level>, "open": <bool>, "n": <n>}
			deleteOne | {"_id": <id>}`,
		beside: `<id> | {"level": <level>}
			<id> | {"rank": <level>}
			<id> | {"rank": 0, "level": 0}
			<id> | {"open": <bool>, "secret": <n>}`,
		words: map[string][]string{"level": {`0`, `1`, `2`}},
	},
	{
		name: "fields that look at others, and at themselves",
		rules: `{"roles": [{"name": "all", "apply_when": {}, "fields": {
			"_id": {"write": true}, "phase": {"write": true},
			"title": {"read": true, "write": {"%%root.phase": {"$lt": 2}}},
			"n": {"read": true, "write": {"%%prevRoot.phase": {"$ne": 1}}},
			"pinned": {"read": true, "write": {"%%this": {"$ne": true}, "%%prev": {"$ne": true}}}}, "additional_fields": {"write": true}}]}`,
		documents: `{"_id": "d0", "phase": 0, "n": 0, "pinned": false}
			{"_id": "d1", "phase": 1, "n": 0, "title": "A"}
			{"_id": "d2", "phase": 2, "n": 0}`,
		requests: `updateOne | {"n": {"$gte": 0}} | {"$set": {"title": <s>}}
			updateOne | {"_id": <id>} | {"$inc": {"n": 1}}
			updateOne | {"title": <s>} | {"$inc": {"n": 1}}
			updateOne | {"n": {"$lt": <n>}} | {"$set": {"title": <s>}, "$inc": {"n": 1}}
			updateOne | {"_id": <id>} | {"$set": {"phase": <phase>}}
			updateOne | {"_id": <id>} | {"$set": {"phase": <phase>, "title": <s>}}
			updateMany | {} | {"$inc": {"n": 1}}
			deleteOne | {"_id": <id>}
			deleteOne | {"n": {"$gte": 0}}
			insertOne | {"_id": <id>, "phase": 0, "n": 1}
			upsert updateOne | {"_id": <id>} | {"$set": {"title": <s>}, "$setOnInsert": {"phase": 0}}
			upsert replaceOne | {"_id": <id>} | {"phase": 0, "n": <n>}`,
		beside: `<id> | {"phase": <phase>}
			<id> | {"pinned": true}
			<id> | {"pinned": false, "n": 1, "phase": <phase>}`,
		words: map[string][]string{"phase": {`0`, `1`, `2`}, "id": {`"d0"`, `"d1"`, `"d2"`}},
	},
	{
		name: "what is listed can be written, and nothing else",
		rules: `{"roles": [{"name": "all", "apply_when": {}, "read": true, "fields": {
			"_id": {"write": true}, "n": {"write": {"%or": [{"%%this": {"$gte": "%%prev"}}, {"%%prev": {"%exists": false}}]}}, "title": {"write": true}}}]}`,
		documents: `{"_id": "d0", "n": 0}
			{"_id": "d1", "n": 0, "other": 1}`,
		requests: `updateOne | {"_id": <id>} | {"$inc": {"n": 1}}
			updateOne | {"n": {"$gte": <n>}} | {"$inc": {"n": 1}, "$set": {"title": <s>}}
			updateOne | {"_id": <id>} | {"$set": {"title": <s>, "other": <n>}}
			upsert updateOne | {"_id": <id>} | {"$set": {"n": <n>}}
			upsert replaceOne | {"_id": <id>} | {"n": <n>, "title": <s>}
			insertOne | {"_id": <id>, "n": <n>}
			insertMany | {"_id": <id>, "title": <s>} | {"_id": <id>, "other": <n>}
			deleteOne | {"_id": <id>}
			deleteMany | {"n": {"$gt": <n>}}`,
		beside: `<id> | {"other": <n>}
			<id> | {"n": <n>}`,
	},
	{
		name:   "sweeps: changes of many documents at once",
		atOnce: true,
		rules: `{"roles": [
			{"name": "open", "apply_when": {"open": true, "team": "%%user.custom_data.team"}, "write": true},
			{"name": "closed", "apply_when": {"team": "%%user.custom_data.team"}, "read": true, "write": false,
				"fields": {"open": {"write": true}, "count": {"write": {"%%this": {"$gt": "%%prev"}}}}}]}`,
		documents: `{"_id": "d0", "team": "a", "open": true, "n": 0, "count": 0}
			{"_id": "d1", "team": "b", "open": true, "n": 0, "count": 0}
			{"_id": "d2", "team": "c", "open": true, "n": 0, "count": 0}
			{"_id": "d3", "team": "a", "open": true, "n": 0, "count": 0}`,
		requests: `updateMany | {"open": true} | {"$set": {"mark": <me>}}
			updateMany | {"open": true} | {"$set": {"mark": <me>, "title": <s>}}
			updateMany | {"open": true} | {"$set": {"n": <n>}, "$unset": {"mark": ""}}
			updateMany | {} | {"$set": {"mark": <me>}}
			updateMany | {} | {"$set": {"open": <bool>}}
			updateOne | {"_id": <id>} | {"$set": {"open": <bool>}}
			updateOne | {"_id": <id>} | {"$inc": {"count": 1}}
			updateOne | {"mark": <me>} | {"$inc": {"n": 1}}`,
		beside: `<id> | {"team": <team>}
			<id> | {"open": true}
			<id> | {"open": false, "mark": "nobody"}`,
	},
	{
		name: "members let others in, and go",
		rules: `{"roles": [
			{"name": "member", "apply_when": {"members": "%%user.id"}, "read": true, "write": {"%%root.n": {"$gte": "%%prevRoot.n"}}},
			{"name": "guest", "apply_when": {}, "fields": {"_id": {"read": true}, "members": {"read": true}}}]}`,
		documents: `{"_id": "d0", "members": ["u0", "u1", "u2", "u3", "u4", "u5"], "n": 0}
			{"_id": "d1", "members": ["u3", "u6", "u7", "u8", "u9", "u10"], "n": 0}
			{"_id": "d2", "members": ["u1", "u11", "u12", "u13", "u14", "u15"], "n": 0}`,
		requests: `updateOne | {"_id": <id>} | {"$addToSet": {"members": <user>}}
			updateOne | {"_id": <id>} | {"$pull": {"members": <user>}}
			updateOne | {"_id": <id>} | {"$pull": {"members": <me>}}
			updateOne | {"members": <me>} | {"$inc": {"n": 1}}
			updateOne | {"members": <me>} | {"$set": {"title": <s>}}
			updateOne | {"_id": <id>} | {"$push": {"members": {"$each": [<user>, <me>], "$position": 0}}}
			updateOne | {"_id": <id>} | {"$pop": {"members": -1}, "$inc": {"n": -1}}
			updateMany | {"members": <me>} | {"$inc": {"n": 1}, "$addToSet": {"members": <user>}}
			updateMany | {"members": <user>} | {"$set": {"title": <s>}}`,
		beside: `<id> | {"members": [<user>, <user>, <user>, <user>, "u8", "u9", "u12", "u13"]}
			<id> | {"members": [<user>, "u5", "u7", "u10", "u11", "u14"]}`,
		words: map[string][]string{
			"user": {`"u0"`, `"u1"`, `"u2"`, `"u3"`, `"u4"`, `"u5"`, `"u6"`, `"u7"`, `"u8"`, `"u9"`, `"u10"`, `"u11"`, `"u12"`, `"u13"`, `"u14"`, `"u15"`},
		},
	},
	{
		name: "parts of documents and of elements",
		rules: `{"roles": [{"name": "all", "apply_when": {"meta.open": {"$ne": false}}, "fields": {
			"_id": {"read": true},
			"meta": {"fields": {"open": {"read": true, "write": {"%%root.n": {"$gt": 0}}}, "by": {"write": {"%%this": "%%user.id"}}, "a": {"write": true}}},
			"n": {"write": {"%%root.meta.by": "%%user.id"}},
			"items": {"fields": {"sku": {"read": true}, "qty": {"write": {"%%this": {"$gte": "%%prev"}}}}}}},
			{"name": "reader", "apply_when": {}, "read": true, "fields": {"meta": {"fields": {"open": {"write": true}}}}, "write": false}]}`,
		documents: `{"_id": "d0", "meta": {"open": true, "a": 1}, "n": 1, "items": [{"sku": "x", "qty": 1}, {"sku": "y", "qty": 2}]}
			{"_id": "d1", "meta": {"open": true, "z": 1}, "n": 2, "items": [{"sku": "x", "qty": 1, "cost": 3}]}`,
		requests: `updateOne | {"_id": <id>} | {"$set": {"meta.by": <me>}}
			updateOne | {"_id": <id>} | {"$set": {"meta.by": <me>, "n": <n>}}
			updateOne | {"_id": <id>} | {"$set": {"n": <n>}}
			updateOne | {"_id": <id>} | {"$inc": {"n": 1}}
			updateOne | {"_id": <id>} | {"$set": {"meta.open": <bool>}}
			updateOne | {"meta.open": true} | {"$inc": {"meta.a": 1}}
			updateOne | {"_id": <id>} | {"$inc": {"items.0.qty": 1}}
			updateOne | {"_id": <id>} | {"$set": {"items.0.qty": <int>, "meta.a": <int>}}
			updateOne | {"_id": <id>} | {"$unset": {"meta.a": ""}}
			updateMany | {} | {"$inc": {"meta.a": 1}}
			findOneAndUpdate | {"_id": <id>} | {"$inc": {"meta.a": 1}}
			returnNew findOneAndUpdate | {"meta.a": {"$gte": <int>}} | {"$set": {"meta.a": <int>}}`,
		beside: `<id> | {"meta": {"open": true, "by": <user>, "a": 0}}
			<id> | {"items": [{"sku": "x", "qty": <int>}, {"sku": "y", "qty": <int>}], "n": 1}`,
		words: map[string][]string{"id": {`"d0"`, `"d1"`}},
	},
}

const (
	threeOwned = `{"_id": "d0", "owner": "a", "team": "a", "region": "a", "status": "draft", "n": 0, "title": "A", "tags": []}
		{"_id": "d1", "owner": "b", "team": "b", "region": "b", "status": "review", "n": 1, "title": "B", "tags": ["x"]}
		{"_id": "d2", "owner": "c", "team": "c", "region": "c", "status": "final", "n": 2}`
	threeCounting = `{"_id": "d0", "owner": "a", "n": 1000, "status": "draft", "tags": ["x", "y"]}
		{"_id": "d1", "owner": "a", "n": 1000.0, "status": "final", "low": 1}
		{"_id": "d2", "owner": "a", "n": 1000, "title": "A", "tags": ["x"]}`
)

var high = map[string][]string{"high": {`1000`, `990`, `985`, `980`, `960`, `950`, `900`}}
