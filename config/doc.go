// Package config turns an app export directory into checked Go values that remember where each came from.
//
// It knows the layouts of all export versions and the shape of every file: which keys there are and what type they have.
// It does not know what an expression means; expressions are handed on as [source.Value] trees.
//
// Everything that is wrong is reported, not only the first problem. An error that concerns one collection marks the
// [Ruleset] of that collection as broken, so that the others can be served in quarantine; see [App.Usable].
package config
