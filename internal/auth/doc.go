// Package auth turns credentials into a rules.User.
//
// Two providers exist: custom-token, which verifies a JSON Web Token that somebody else has signed, and api-key, whose
// keys are made by rolegate and kept as hashes. Whatever is wrong with credentials, the answer is one of the errors
// below, and the text of none of them tells what it was: the reasons are for the log.
//
// A token is read twice: by this package, strictly, so that no name occurs twice and nothing is coerced, and by the
// library that checks its signature. Only what both agree on counts.
package auth
