// Package query decides whether a document matches a MongoDB query, and in which order documents are sorted, as the
// server would, from the document's bytes.
//
// A Filter is parsed once from a query document and matches any number of documents, at the same time if need be. A Test
// is a single operator with its operand, for callers that have their own logic around it. What Parse does not know it
// refuses with an *Error before anything is matched: an operator that is accepted means what it means to MongoDB.
//
// Filters, tests and paths alias the bytes they were made from; those bytes must not change. Matching does not allocate,
// except inside regular expressions and decimal arithmetic, and bytes that are not BSON never match.
package query
