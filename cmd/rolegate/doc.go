// Command rolegate enforces the rules of an App Services export in front of MongoDB.
//
// Each subcommand is a file of its own. Exit codes: 0 ok, 1 usage or runtime, 3 the configuration is not valid,
// 4 cases failed.
package main
