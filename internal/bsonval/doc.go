// Package bsonval reads, compares and builds BSON values the way MongoDB does, on the bytes themselves.
//
// A value is a bson.RawValue, a document a bson.Raw, and a missing field is the zero bson.RawValue. Results alias the
// bytes they came from unless a function says otherwise. Nothing here allocates on the reading side, and nothing trusts
// a length that it has not checked: corrupt bytes end an iteration with an error and never panic.
package bsonval
