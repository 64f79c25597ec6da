// Package reference is the definition of what a user may read and write, written as plainly as possible: it walks the roles
// in order, evaluates the expressions of a rules.json as they are written, cuts each document, and answers requests from
// the list of cut documents in memory. Of a write it judges the document as it was and as it will be.
//
// It exists to be compared with. The product binds, compiles, plans and narrows; nothing of that is here, and nothing of
// the product's rules, masks or plans is used, so that a mistake would have to be made twice. What is shared lies below the
// meaning of rules and is compared with MongoDB itself: how values compare, how a query matches and what an update makes of
// a document.
//
// Only tests may import this package. It assumes an app and requests that the product accepts; what the product refuses to
// load or to parse has no meaning here.
package reference
