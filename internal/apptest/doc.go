// Package apptest runs the cases beside an app: it says which of them fail and why, and what of the rules they have
// exercised. docs/testing.md is for those who write them.
//
// A case runs through the Data API over a store with its documents: one in memory, or databases of a real server that are
// made for the case and dropped after it. Who a user is, the case says; credentials are not what is tested.
package apptest
