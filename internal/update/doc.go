// Package update computes what MongoDB would store after an update: the after-image of a document, byte for byte.
//
// An Update is parsed once from an update document and its array filters and can be applied to any number of
// documents, at the same time if need be. What is written to the database is the difference that was computed and
// checked, never the operators of the client, so a deviation from MongoDB could make an answer wrong but never open a
// hole. The order of fields, the types of numbers and the errors are nevertheless MongoDB's, and compared with it
// over random updates.
//
// # Where it refuses more than MongoDB
//
//   - Names that are empty, contain '.' or start with '$' are refused everywhere in stored values and paths (codes
//     56, 57 and 52), and so are names that occur twice in an object and names over 1,024 bytes (2). Rules could not
//     name such fields.
//   - A segment with leading zeros is a name and never an index (28): to MongoDB a.1 and a.01 are two paths to one
//     element.
//   - Paths of more than 50 segments (2) and documents nested deeper than 100 levels (15).
//   - $pull conditions and array filters that the query package refuses (2).
//   - An operator that is written twice, and an update without any operator (9).
//   - Padding arrays with more than 1,500,000 nulls in one update, MongoDB's limit for each path (34).
//   - Updates that name more than 10,000 paths, or that would take too long because small conditions meet long arrays
//     (2).
//
// # Where it refuses differently
//
//   - What is wrong with a $pull condition or an array filter is always 2; MongoDB also has 9, 14, 224, 51075 and
//     51091.
//   - An array as the _id of an upsert always fails with 53, and before anything else.
//   - An array filter of nothing but $all: [] selects nothing; MongoDB forgets its name and refuses it (9).
//
// An index of 2^31 or more, at which MongoDB's $rename reads past the end of its array, is beyond the end of the array.
//
// A Timestamp(0, 0) is kept as it is: MongoDB fills those in at the top level of inserted and replacing documents only.
package update
