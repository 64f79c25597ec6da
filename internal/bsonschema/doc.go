// Package bsonschema checks documents against the schema of a collection: JSON schema with bsonType.
//
// The keywords are those of an established validator, which knows the types of JSON only. So every value is tagged:
// it becomes a one-member object named after its BSON type, and each node of the schema is rewritten to put its
// constraints below the tags of the types they constrain.
//
//	document   {_id: ObjectId("5f…"), n: NumberInt(5)}
//	tagged     {"object": {"_id": {"objectId": "5f…"}, "n": {"int": 5}}}
//
//	schema     {bsonType: ["int", "double"], minimum: 3}
//	rewritten  {properties: {int: {minimum: 3}, double: {minimum: 3}}, additionalProperties: false}
//
// The validator has traps: it accepts Go values that it does not know, ignores keywords and formats that it does not
// know, fetches references over the network, compares through float64, and panics on some numbers. Therefore the
// rewriting is total, so that only keywords written here ever reach it, and nothing but the output of the encoder is
// ever validated. What needs the exact value (enum, const, uniqueItems) is decided by the encoder, which adds digests
// beside the tag.
//
// A node may also have a validate expression. Its language belongs to others: they get the expression when the schema
// is compiled and are asked for its truth when a document is checked.
package bsonschema
