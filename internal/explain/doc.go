// Package explain tells the author of rules why a user sees what they see: what became of each role, what the database
// would be asked, and, for one document, which role applies, which condition made it so, and which permission shows or
// hides each field.
//
// It decides nothing itself. Plans come from proxy, decisions from rules, and what a condition came to from its parts, each
// evaluated as the whole is. Values are shown, because the document and the user are the author's own; secrets of the app
// never are.
package explain
