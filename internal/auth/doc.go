// Package auth turns credentials into a rules.User, and keeps sessions.
//
// Who vouches for a user depends on the provider: somebody else with a signed token (custom-token, oauth2-google,
// oauth2-apple), or rolegate itself, which keeps keys, passwords and sessions as hashes. Whatever is wrong with credentials,
// the answer is one of the errors below, and the text of none of them tells what it was: the reasons are for the log.
//
// A token is read twice: by this package, strictly, so that no name occurs twice and nothing is coerced, and by the
// library that checks its signature. Only what both agree on counts. Tokens of our own are written and read by this
// package alone.
//
// What is known of a user is remembered for a short time, good news only: whoever is refused is looked up once more.
package auth
