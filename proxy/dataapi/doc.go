// Package dataapi speaks HTTP in the shape of the Atlas Data API v1.
//
// One request is one straight line, in handler.go: origin, app, version, action, method, authenticate, rate, read
// the body, parse it, hand the operation to the proxy, write the answer. Each step can refuse, nothing after a
// refusal runs, and every refusal goes through one table (status.go) into one shape of answer.
//
// Requests to the custom endpoints of an app, which live beside it, follow a line of their own in endpoint.go, through the same
// credentials, limits and refusals; at its end the proxy calls a function.
//
// The package knows routes, Extended JSON and status codes. It decides nothing about documents: those it is given
// by the proxy are already cut to what the user may see.
package dataapi
