// Package pipeline reads an aggregation pipeline of a client and refuses what is not on its lists.
//
// The lists are of stages, expression operators, accumulators, window operators and variables. They hold at any depth
// and in any position, which takes knowing for each position what the server makes of it: a path, a constant or an
// expression. Where the server would take an expression and there is no need for one, as for the boundaries of $bucket,
// only a constant is accepted. What a $match says is what package query accepts. A stage or operator that the lists do
// not have is refused although it may be harmless: they grow by proof.
//
// Nothing is evaluated here and nothing decides about users. An accepted pipeline may still be one that the server
// refuses, for instance because an operator has too many arguments; it cannot be one that reaches anything but the
// documents it is run on. Stages alias the bytes they were parsed from; those bytes must not change.
package pipeline
