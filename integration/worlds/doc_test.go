// Package worlds_test proves two properties of the product on random worlds: rules, users, documents and requests that lean
// towards trouble.
//
// Completeness: every answer is the one of the reference model. Non-interference: two databases that differ only in what a
// user may not read, twins, give that user the same answers, byte for byte. A whole server runs in front of a database
// and is asked over HTTP.
//
// ROLEGATE_WORLDS_SCALE multiplies the number of worlds (1 by default), ROLEGATE_WORLDS_SEED starts from other worlds. A
// failure prints the smallest world that still fails, as a case of the corpus; ROLEGATE_WORLDS_FAILURES says how many are
// shown before it stops, 0 that it stops at the first as it is. `make worlds` is the long run: more than 50,000 requests,
// each to both databases, with a real MongoDB at ROLEGATE_TEST_MONGODB_URI.
package worlds_test
