// Package expr is the expression language of roles and query filters: parse, bind the values that are known
// before any document is read, and evaluate what is left on a document.
//
// # The language
//
// An expression is a boolean or an object. The members of an object must all hold; {} is true.
//
//	{"owner": "%%user.id"}                      a document field against an expansion
//	{"%%root.age": {"$gte": 18, "$lt": 65}}     several operators on one value
//	{"%or": [{"public": true}, {"team": "%%user.custom_data.team"}]}
//	{"%%true": {"%not": {"archived": true}}}    the truth of a nested expression
//
// A member's name is a logical operator (and, or, nor, not), an expansion, or a field path, which is short for
// %%root.<path>. Operators are written with % or $. A member's value is a literal, which may be Extended JSON, an
// expansion, a conversion (stringToOid, oidToString, stringToUuid, uuidToString), or an object of operators:
// eq ne gt gte lt lte in nin exists all size elemMatch type mod regex (with options) not and or nor.
//
// A call, {"%function": {"name": ..., "arguments": [...]}}, stands as a condition, of which only true and false
// count, or as a value. It happens when its arguments are known: at bind, or for each document. What calls functions
// is asked last.
//
// Under an expansion of the request (%%user, %%values, %%environment, %%request) an object without operators states
// conditions on sub-fields, all of which must hold; under a document field it is an embedded document, compared as a
// whole and in field order.
//
// # Comparison
//
// A member behaves as the MongoDB query predicate on the value of its name: fields may be reached through arrays, an
// array satisfies what one of its elements satisfies, null matches a missing field, and only values of one type class
// are ordered. In addition an array on the right that came from an expansion is matched by each of its elements; two
// arrays match when they are equal or one is an element of the other, never because they intersect. What comes from an
// expansion is data: it is never read as an operator or a pattern.
//
// # Truth
//
// A predicate is true, false, unknown or an error. It is unknown when an expansion on its right has no value, also
// when that value is null and the field is missing, and so with the sides exchanged. It is an error when a stored
// value cannot be converted, or a function fails. Negating unknown or an error changes nothing, so neither ever grants.
//
// Parse turns configuration into an [Expr]. [Expr.Bind] evaluates everything that does not depend on the document and
// returns a [Cond], which is immutable and evaluates documents without decoding them.
package expr
