// Package clientapi is HTTP in the shape of the client API of App Services, as far as it is about users: where the server
// is, logging in and out, refreshing, registering, setting a password, profiles and API keys of users.
//
// What client libraries act on is kept to the letter: error replies are exactly application/json, replies without a body
// have no content type, and 401 with InvalidSession makes a library refresh and try again, so that it is answered only
// where a new access token would help, and where the refresh then fails, too.
package clientapi
