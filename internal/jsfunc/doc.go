// Package jsfunc runs the functions of an app, which are JavaScript.
//
// Functions see what App Services shows them: context.user, request, values, environment, functions and services,
// EJSON and BSON; there is no network, no file system, and nothing to require. Compile reads the sources once. A
// Runtime is made for one request, so that nothing a function leaves behind reaches another one.
//
// The source of a function is trusted as the rest of the configuration is; its arguments are not. A call ends after a
// time limit, and at a depth of calls and a size of its result. Memory has no limit of its own: what bounds it is
// time.
//
// Values cross over without losing their type: an int32, a double, and an int64 that a number can hold are numbers, a
// date is a Date, every other type that JavaScript does not have is an object of BSON. A number comes back as int32,
// int64 or double, whichever holds it first.
package jsfunc
