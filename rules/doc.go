// Package rules compiles an app's roles and query filters into a Policy and decides, document by document,
// which role a user plays and what that role may read and write.
package rules
