// Package ejson reads and writes the JSON form of BSON documents.
//
// Reading accepts MongoDB Extended JSON v2, canonical and relaxed mixed, and is strict about everything else:
// duplicate keys, depth, trailing data, invalid UTF-8, numbers that cannot be kept, wrappers that are not
// exactly right. What is accepted has one meaning, so a check made on the parsed document holds for the text.
//
// Writing has three forms. Canonical and relaxed Extended JSON are byte for byte what the driver's
// bson.MarshalExtJSON gives (with one deliberate exception, see dbPointer), at a fraction of its cost and
// without allocating. Plain JSON is the lossy form the Data API answers with by default. Writers check every
// length they follow: a document that arrives from a server has not been validated by anyone.
package ejson
