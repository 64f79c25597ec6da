// Package predicate builds MongoDB queries out of smaller ones, and brackets a condition between two of them.
//
// A condition that a document satisfies or not often has no query that says exactly the same. It has two, then: one that
// every such document matches (May) and one that only such documents match (Must). Bounds holds the two, and knows how
// they combine; where they are the same query the condition is stated exactly.
package predicate
