// Package reference is the definition of what a user may read, written as plainly as possible: it walks the roles in order,
// evaluates the expressions of a rules.json as they are written, cuts each document, and answers requests from the list
// of cut documents in memory.
//
// It exists to be compared with. The product binds, compiles, plans and narrows; nothing of that is here, and nothing of
// the product's rules, masks or plans is used, so that a mistake would have to be made twice. What is shared lies below the
// meaning of rules and is compared with MongoDB itself: how values compare and how a query matches.
//
// Only tests may import this package. It assumes an app that the product accepts; what the product refuses to load has no
// meaning here.
package reference
