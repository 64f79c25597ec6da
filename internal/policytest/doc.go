// Package policytest runs the case corpus: files that show, in plain English and JSON, what an app export
// does for a user. A case is data; where it runs is a Target, so that the same file is checked against the
// decisions in process and through HTTP against a database.
//
// # The format
//
// A case is a txtar archive. The text before the first file says what the case shows, followed by lines that
// place it:
//
//	Bob sees his colleague's name but not her salary.
//	Spec: rules 18.1/4        the statements it shows, separated by commas
//	Decision: 11              the decisions that change what the specification says
//	Needs: real engine        the case runs only on a target that has this
//
// The files are those of the app export, at their usual paths, and besides:
//
//	users.json                {"ann": {"id": "ua", "type": "normal", "data": {…}, "custom_data": {…}}}
//	documents/app.c.json      the documents of a collection, [{…}, …]; documents/svc/app.c.json for a
//	                          data source other than mongodb-atlas; {"(repeat)": 9, "document": {"_id": "(n)"}}
//	                          stands for nine documents
//	secrets.json              {"name": "value"}
//	server.json               settings of the server
//	now                       2025-03-01T12:00:00Z, the time at which the case begins, for rules about days and hours
//	want refused              the app does not load; lines are file:line:col code
//
// What a case leaves out of the export is supplied: see [Case.Files].
//
// The rest are numbered steps. "-- 1. ann finds everything --" starts with the name of a user and holds a command:
//
//	find app.c {"title": "A"}
//	sort {"_id": -1}
//	limit 2
//	header X-Org: acme
//
// The first line is an action of the Data API, a namespace (svc/app.c for another data source) and the
// positional arguments of the action; each further line is another key of the request's body or a header.
// "-- 1. want --" holds what comes back:
//
//	{"_id": "d1"}                                      a document each line, in order; nothing for none
//	null                                               findOne or findOneAnd… found nothing
//	documents 1000                                     as many documents, whatever they are
//	inserted "d9" (generated)                          the ids
//	matched 1 modified 1, … upserted "d9"              an update
//	deleted 1, count 3, values ["a"]
//	bulk inserted 1 matched 2 modified 2 deleted 0 upserted 1 0:"d9" 3:(generated)      bulkWrite, ids by operation
//	error 403 NoMatchingRuleFound: insert not permitted      text, or code and text, may be left out
//
// "-- 1. stored --", or "-- 1. stored app.d --", holds what the collection then contains, in any order. Inside
// documents the strings (generated), (now) and (any) stand for an ObjectId, a date, and anything.
//
// A step whose text starts with a method is sent as it is: the request line, headers, an empty line, the body. Its
// want starts with "status 200", then headers ("Name: value", "Name: (absent)"), an empty line and the body. {token ann} and
// {key ci} stand for credentials of a user, {expired ann} for a token that was good an hour ago. {access ann} and
// {refresh ann} are the tokens of a session, which server users begin with their key, {expired access ann} one that is over.
//
// "go test ./integration -run TestCases -update" rewrites the sections that differ; reading that change is reading
// the change in behaviour.
package policytest
