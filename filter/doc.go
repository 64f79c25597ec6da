// Package filter cuts a BSON document to a mask, applies a projection, and lists the paths in which two documents
// differ.
//
// It is mechanism below policy: a Mask says which fields may be seen, and nothing here knows roles or users. Everything
// works on the bytes of the document; nothing is decoded. Results never alias the input, because they are appended to a
// buffer of the caller's, and that buffer must not overlap the document.
//
// The zero Mask hides every field, the zero Cond is Never, and an error leaves nothing behind in the buffer.
package filter
