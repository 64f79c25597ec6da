// Package query decides whether a document matches a MongoDB query, and in which order documents are sorted, as the
// server would, from the document's bytes.
//
// A Filter is parsed once from a query document and matches any number of documents, at the same time if need be. A Test
// is a single operator with its operand, for callers that have their own logic around it. What Parse does not know it
// refuses with an *Error before anything is matched: an operator that is accepted means what it means to MongoDB.
// Path.Values is how distinct looks into a document, which is another way through arrays.
//
// Refused although the server would take it: $expr, $where, $text, $jsonSchema, the geospatial and the bitwise operators;
// from clients also names that start with a dollar sign inside values and paths, and the BSON types that only old drivers
// write. Database references ({$ref, $id}) are no literals here. A regular expression is refused where RE2 has no form
// that means what PCRE means (see translate), for instance when something follows $ or a brace stands for itself.
//
// Servers differ in one point: what a path finds in an array none of whose elements can contain it, as {"a.b": null} on
// {a: [1]}. It is a missing value here, as in MongoDB 9; older servers find nothing, so that null, a bound that null lies
// on, and their negations give the opposite answer there. The same holds for null and a stored undefined, which are
// different here and since MongoDB 8. A plan that lets the server decide such a test is not exact: Test.MatchesMissing
// tells which tests these are.
//
// Filters, tests and paths alias the bytes they were made from; those bytes must not change. Matching does not allocate,
// except inside regular expressions and decimal arithmetic, and bytes that are not BSON never match.
package query
