// Package proxy carries one operation of one known user along the line plan, run, decide, cut, record.
//
// It knows the order of the steps, the limits and the kinds of errors. What a user may see is decided by
// rules and cut by filter; how a request arrives is the business of a door such as proxy/dataapi, and how
// documents are stored that of a Store.
package proxy
