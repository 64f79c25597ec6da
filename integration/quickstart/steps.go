package main

import (
	"fmt"
	"io"
	"strings"
)

// step is a request worth trying.
type step struct {
	title  string
	who    string // as in users.json
	action string
	body   string
}

// steps show what a role lets through, on the documents as seeded.
var steps = []step{
	{"Tom reads his own document: all of it.", "tom", "findOne", employees(`"filter": {"_id": "0528"}`)},
	{"Tom reads a team mate's: phone and salary are missing.", "tom", "findOne", employees(`"filter": {"_id": "0713"}`)},
	{"Tom reads somebody's of another team: it does not exist for him.", "tom", "findOne", employees(`"filter": {"_id": "0902"}`)},
	{"Mara manages Tom and Priya: she reads theirs and her own.", "mara", "find", employees(`"sort": {"_id": 1}`)},
	{"Zoe is nobody's colleague.", "zoe", "find", employees(`"filter": {}`)},
	{
		"Tom changes his phone number.", "tom", "updateOne",
		employees(`"filter": {"_id": "0528"}, "update": {"$set": {"phone": "555-0199"}}`),
	},
	{
		"Tom tries to change his salary.", "tom", "updateOne",
		employees(`"filter": {"_id": "0528"}, "update": {"$set": {"salary": 99000}}`),
	},
	{
		"Tom renames the city of the Chicago restaurants he sees: his two.", "tom", "updateMany",
		restaurants(`"filter": {"city": "Chicago"}, "update": {"$set": {"city": "Chicago, IL"}}`),
	},
	{
		"In Boston he sees one that is not his: nothing is changed.", "tom", "updateMany",
		restaurants(`"filter": {"city": "Boston"}, "update": {"$set": {"city": "Boston, MA"}}`),
	},
}

func employees(rest string) string   { return body("hr", "employees", rest) }
func restaurants(rest string) string { return body("guide", "restaurants", rest) }

func body(database, collection, rest string) string {
	return fmt.Sprintf(`{"dataSource": "mongodb-atlas", "database": %q, "collection": %q, %s}`, database, collection, rest)
}

// curl is the step as a line for a shell in which $TOM is Tom's token.
func (s step) curl(base, appID string) string {
	return fmt.Sprintf("curl -s %s -H \"Authorization: Bearer $%s\" -H 'Content-Type: application/json' \\\n  -d '%s'",
		s.url(base, appID), strings.ToUpper(s.who), s.body)
}

func (s step) url(base, appID string) string {
	return fmt.Sprintf("%s/app/%s/endpoint/data/v1/action/%s", base, appID, s.action)
}

func printSteps(w io.Writer, base, appID string) {
	for _, s := range steps {
		_, _ = fmt.Fprintf(w, "# %s\n%s\n\n", s.title, s.curl(base, appID))
	}
}
