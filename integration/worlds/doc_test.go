// Package worlds_test proves two properties of the product on random worlds: rules, users, documents and requests that lean
// towards trouble.
//
// Completeness: every answer is the one of the reference model. Non-interference: two databases that differ only in what a
// user may not read, twins, give that user the same answers, byte for byte. A whole server runs in front of a database
// and is asked over HTTP.
//
// ROLEGATE_WORLDS_SCALE multiplies the number of worlds (1 by default), ROLEGATE_WORLDS_SEED starts from other worlds. A
// failure prints the smallest world that still fails, as a case of the corpus. The long run is
//
//	ROLEGATE_TEST_MONGODB_URI=… ROLEGATE_WORLDS_SCALE=20 go test -count=1 -timeout 1h ./integration/worlds
package worlds_test
