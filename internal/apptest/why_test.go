package apptest_test

import (
	"strings"
	"testing"

	"github.com/rolegate/rolegate/internal/apptest"
)

// sharing has documents of groups, whose members a lookup finds, and presets of all kinds.
const sharing = `
-- app/root_config.json --
{"app_id": "test-abcde", "config_version": 20210101}
-- app/data_sources/mongodb-atlas/config.json --
{"name": "mongodb-atlas", "type": "mongodb-atlas", "config": {"clusterName": "c"}}
-- app/lookups/groups.json --
{"database": "a", "collection": "groups", "match": {"members": "%%user.id"}, "select": "_id"}
-- app/data_sources/mongodb-atlas/a/b/rules.json --
{
  "database": "a", "collection": "b",
  "roles": [
    {"name": "member", "apply_when": {"group": {"%in": "%%lookups.groups"}}, "read": true, "write": true,
     "insert": {"level": {"%in": "%%lookups.groups"}}, "presets": {"update": {"team": "%%user.data.team", "at.by": "%%user.id"}}},
    {"name": "counts", "apply_when": {"%%request.operation": "count"}, "read": true},
    {"name": "deletes", "apply_when": {"%%request.operation": "delete"}, "read": true},
    {"name": "open", "apply_when": {"%and": [{"open": true}, {"%%user.id": {"%in": ["ua", "ub"]}}]}, "presets": {"insert": {"team": "%%user.data.team"}}, "read": true, "write": true}
  ]
}
-- app/data_sources/mongodb-atlas/a/groups/rules.json --
{"database": "a", "collection": "groups", "roles": [{"name": "all", "apply_when": {}, "read": true, "write": true}]}
-- users.json --
{"ann": {"id": "ua"}, "bob": {"id": "ub", "data": {"team": "red"}}}
-- documents/a.groups.json --
[{"_id": "g1", "members": ["ua", "ub"]}]
-- documents/a.b.json --
[{"_id": 1, "group": "g1", "at": {}}, {"_id": 2, "group": "g1", "at": 5}, {"_id": 3, "group": "g2"}]
`

// Why a step fails is told as it was when it was asked, whatever happened to what lookups find.
func TestWhy(t *testing.T) {
	t.Parallel()
	const leaves = `-- 1. ann leaves the group --
updateOne a.groups {} {"$pull": {"members": "ua"}}
-- 1. want --
matched 1 modified 1
`
	for _, c := range []struct {
		name, text string
		why        []string
	}{
		{"what a lookup finds", "-- 1. ann finds --\nfindOne a.b {\"_id\": 1}\n-- 1. want --\nnull\n-- 2. ann leaves --\n" +
			"updateOne a.groups {} {\"$pull\": {\"members\": \"ua\"}}\n-- 2. want --\nmatched 1 modified 1\n", []string{
			`role "member" applies (data_sources/mongodb-atlas/a/b/rules.json:4:5): {"group": {"%in": "%%lookups.groups"}} is true, because group is "g1" and %%lookups.groups is ["g1"]`,
		}},
		{"what it does not find any more", leaves + "-- 2. ann finds --\nfindOne a.b {\"_id\": 1}\n-- 2. want --\n{\"_id\": 1}\n", []string{
			`role "member" does not apply: {"group": {"%in": "%%lookups.groups"}} is false, because group is "g1" and %%lookups.groups is []`,
		}},
		{"an insert", "-- 1. ann inserts --\ninsertOne a.b {\"_id\": 4, \"group\": \"g1\", \"level\": \"g2\"}\n-- 1. want --\ninserted 4\n", []string{
			`The role "member" refused it, by insert.`,
			`its insert {"level": {"%in": "%%lookups.groups"}} is false, because level is "g2" and %%lookups.groups is ["g1"]`,
		}},
		{"an insert that nobody may make", "-- 1. ann inserts --\ninsertOne a.b {\"_id\": 4, \"group\": \"g2\"}\n-- 1. want --\ninserted 4\n", []string{
			"It was refused: no role applies to the document, or to what would become of it.",
			`role "member" does not apply: {"group": {"%in": "%%lookups.groups"}} is false, because group is "g2" and %%lookups.groups is ["g1"]`,
			"no role applies",
		}},
		{"an insert that is allowed", "-- 1. bob inserts --\ninsertOne a.b {\"_id\": 4, \"open\": true}\n-- 1. want --\nerror 403\n", []string{"it allows the insert"}},
		{"an update that is allowed", "-- 1. bob updates --\nupdateOne a.b {\"_id\": 1} {\"$set\": {\"x\": 1}}\n-- 1. want --\nerror 403\n", []string{
			"its write is true",
		}},
		{"a part that decides", "-- 1. bob finds --\nfindOne a.b {\"_id\": 3}\n-- 1. want --\n{\"_id\": 3}\n", []string{
			`role "open" does not apply: {"open": true} is false, because open has no value`,
		}},
		{"what is stored since before", leaves + "-- 2. bob finds --\nfind a.b {\"_id\": 9}\n-- 2. want --\n-- 2. stored --\n", []string{
			"This step has changed nothing in a.b: look at the steps before for what is different there.",
		}},
		{"what is stored elsewhere", leaves + "-- 2. bob finds --\nfind a.b {\"_id\": 9}\n-- 2. want --\n-- 2. stored a.groups --\n", []string{
			"This step is about a.b: look at the steps before for what is different in a.groups.",
		}},
		{"roles for other requests", "-- 1. ann inserts --\ninsertOne a.b {\"_id\": 4}\n-- 1. want --\ninserted 4\n", []string{
			`roles "counts" and "deletes" are not for this user and this kind of request`,
		}},
		{"a preset without a value", "-- 1. ann updates --\nupdateOne a.b {\"_id\": 1} {\"$set\": {\"x\": 1}}\n-- 1. want --\nmatched 1 modified 1\n", []string{
			`The role "member" refused it: the preset of "team" has no value.`,
		}},
		{"a preset without a value, on an insert", "-- 1. ann inserts --\ninsertOne a.b {\"_id\": 4, \"open\": true}\n-- 1. want --\ninserted 4\n", []string{
			`The role "open" refused it: the preset of "team" has no value.`, `the preset of "team" has no value`,
		}},
		{"a preset inside what is no document", "-- 1. bob updates --\nupdateOne a.b {\"_id\": 2} {\"$set\": {\"x\": 1}}\n-- 1. want --\nmatched 1 modified 1\n", []string{
			`The role "member" refused it: the preset of "at.by" cannot be set, because "at" is no document.`,
		}},
	} {
		r := test(t, apptest.Options{Dir: dirOf(t, sharing, "A case.\n"+c.text)})
		if len(r.Cases[0].Failures) != 1 {
			t.Errorf("%s: %s %s, %d failures", c.name, r.Cases[0].Outcome, r.Cases[0].Reason, len(r.Cases[0].Failures))
			continue
		}
		var said []string
		for _, s := range r.Cases[0].Failures[0].Why {
			said = append(said, strings.TrimSpace(s))
		}
		for _, want := range c.why {
			if !strings.Contains("\n"+strings.Join(said, "\n")+"\n", "\n"+want+"\n") {
				t.Errorf("%s: nothing says %s:\n%s", c.name, want, strings.Join(said, "\n"))
			}
		}
	}
}
