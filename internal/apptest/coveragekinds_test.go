package apptest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/internal/apptest"
)

// kinds has a role for each kind of request, the last one for all of them.
const kinds = `
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
    {
      "name": "group", "apply_when": {"%%request.operation": {"%in": ["insert"]}, "group": null},
      "presets": {"insert": {"group": "none", "acl.by": "%%user.id"}}, "insert": true, "delete": false,
      "fields": {
        "_id": {"read": true, "write": true},
        "acl": {"fields": {"by": {"read": true, "write": false}, "r": {"write": true}, "x": {"read": true}}}
      }
    },
    {
      "name": "insert", "apply_when": {"%and": [{"%%request.operation": "insert"}]},
      "presets": {"insert": {"acl.by": "%%user.id"}}, "read": {"open": true}, "insert": {"group": {"%in": "%%lookups.groups"}},
      "fields": {"acl": {"fields": {"by": {"write": false}, "r": {"write": true}}}}, "additional_fields": {"write": true}
    },
    {"name": "delete", "apply_when": {"%%request.action": "deleteOne", "acl.by": "%%user.id"}, "insert": false, "delete": true, "write": true},
    {"name": "count", "apply_when": {"%%request.operation": "count"}, "insert": false, "delete": false, "fields": {"group": {"read": true}}},
    {
      "name": "all", "apply_when": {"acl.by": "%%user.id"}, "presets": {"update": {"at": "%%now"}}, "insert": false, "delete": false,
      "fields": {"_id": {"read": true}, "at": {"read": true, "write": false}, "acl": {"read": true, "fields": {"by": {"write": false}, "r": {"write": true}}}}
    }
  ]
}
-- users.json --
{"ann": {"id": "ua"}, "bob": {"id": "ub"}}
-- documents/a.groups.json --
[{"_id": "g", "members": ["ua"]}, {"_id": "none", "members": ["ua"]}]
-- documents/a.b.json --
[{"_id": 1, "group": "g", "acl": {"by": "ua", "r": ["ub"]}, "at": 0}]
`

// What cannot happen is not asked for, whoever could do what is asked for else.
func TestCoverageAsksForWhatCanHappen(t *testing.T) {
	t.Parallel()
	r := run(t, kinds, "A case.\n-- 1. bob counts --\ncountDocuments a.b {\"_id\": 9}\n-- 1. want --\ncount 0\n")
	want := []string{
		"group: applied", "group: passed over", "group: insert granted", "group: _id changed",
		"group: acl.r changed", "group: change of acl.x refused",
		"insert: applied", "insert: passed over", "insert: insert granted", "insert: insert refused", "insert: acl.r changed", "insert: additional_fields changed",
		"delete: applied", "delete: passed over", "delete: write granted", "delete: delete granted",
		"count: applied", "count: passed over", "count: group shown",
		"all: applied", "all: passed over", "all: delete refused", "all: _id shown", "all: at shown",
		"all: acl shown", "all: change of acl refused", "all: acl.by shown", "all: change of acl.by refused", "all: acl.r shown", "all: acl.r changed",
	}
	if diff := cmp.Diff(want, never(r)); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
}

func never(r *apptest.Report) []string {
	var out []string
	for _, n := range r.Coverage.Never {
		out = append(out, n.Role+n.Filter+": "+n.What)
	}
	return out
}

// A step shows what the roles did that its documents came to.
func TestCoverageOfKinds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, step string
		shows      []string
	}{
		{
			"what a role sets makes another one apply", "ann asks --\ninsertOne a.b {\"_id\": 2, \"acl\": {\"r\": []}}\n-- 1. want --\ninserted 2\n",
			[]string{
				"group: applied", "group: insert granted", "group: _id changed", "group: acl.r changed",
				"insert: applied", "insert: insert granted", "insert: acl.r changed", "insert: additional_fields changed",
			},
		},
		{
			"an upsert inserts", "ann asks --\nupdateOne a.b {\"_id\": 5} {\"$set\": {\"group\": \"g\", \"acl.r\": []}}\nupsert true\n-- 1. want --\nmatched 0 modified 0 upserted 5\n",
			[]string{"insert: applied", "insert: insert granted", "insert: acl.r changed", "insert: additional_fields changed"},
		},
		{
			"no condition of an insert holds for whom no lookup finds", "bob asks --\ninsertOne a.b {\"group\": \"g\"}\n-- 1. want --\nerror 403\n",
			[]string{"insert: insert refused"},
		},
		{
			"a refused field inside another one, inserted", "ann asks --\ninsertOne a.b {\"acl\": {\"r\": [], \"x\": 1}}\n-- 1. want --\nerror 403\n",
			[]string{"group: change of acl.x refused"},
		},
		{
			"a refused field inside another one, changed", "ann asks --\nupdateOne a.b {\"_id\": 1} {\"$set\": {\"acl.r\": [], \"acl.by\": \"ub\"}}\n-- 1. want --\nerror 403\n",
			[]string{"all: applied", "all: _id shown", "all: at shown", "all: acl shown", "all: acl.by shown", "all: change of acl.by refused", "all: acl.r shown"},
		},
		{
			"the field around is refused itself", "ann asks --\nupdateOne a.b {\"_id\": 1} {\"$set\": {\"acl.y\": 1}}\n-- 1. want --\nerror 403\n",
			[]string{"all: applied", "all: _id shown", "all: at shown", "all: acl shown", "all: change of acl refused", "all: acl.by shown", "all: acl.r shown"},
		},
		{
			"a deletion shows the permission to write", "ann asks --\ndeleteOne a.b {}\n-- 1. want --\ndeleted 1\n",
			[]string{"delete: applied", "delete: write granted", "delete: delete granted"},
		},
		{
			"nobody may delete so, whatever else is missing", "ann asks --\ndeleteMany a.b {}\n-- 1. want --\nerror 403\n",
			[]string{"all: applied", "all: delete refused", "all: _id shown", "all: at shown", "all: acl shown", "all: acl.by shown", "all: acl.r shown"},
		},
	} {
		asked := never(run(t, kinds, "A case.\n-- 1. bob asks --\ncountDocuments a.b {\"_id\": 9}\n-- 1. want --\ncount 0\n"))
		left := never(run(t, kinds, "A case.\n-- 1. "+c.step))
		shows := slices.DeleteFunc(asked, func(a string) bool { return slices.Contains(left, a) })
		shows = slices.DeleteFunc(shows, func(a string) bool { return strings.HasSuffix(a, ": passed over") })
		if diff := cmp.Diff(c.shows, shows); diff != "" {
			t.Errorf("%s shows (-want +got):\n%s", c.name, diff)
		}
	}
}

// A role is not asked for what an earlier one decides wherever it would apply.
func TestCoverageBehindAnotherRole(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, earlier string
		asked         bool
	}{
		{"the same condition", `{"%%request.operation": "delete", "owner": "%%user.id"}`, false},
		{"one of several", `{"%and": [{"%%request.operation": "delete"}, {"%or": [{"open": true}, {"owner": "%%user.id"}]}]}`, false},
		{"more than that", `{"%%request.operation": "delete", "owner": "%%user.id", "open": true}`, true},
		{"something else", `{"%%request.operation": "delete", "%or": [{"open": true}, {"owner": "ub"}]}`, true},
		{"for others", `{"%%request.operation": "delete", "owner": "%%user.id", "%%user.id": "ub"}`, true},
	} {
		rules := `-- app/data_sources/mongodb-atlas/a/b/rules.json --
{"database": "a", "collection": "b", "roles": [
	{"name": "deletes", "apply_when": ` + c.earlier + `, "read": true, "write": true},
	{"name": "owner", "apply_when": {"owner": "%%user.id", "x": 1}, "read": true, "write": true, "insert": false, "delete": false}
]}
`
		r := run(t, app+rules, "A case.\n-- 1. ann counts --\ncountDocuments a.b {}\n-- 1. want --\ncount 0\n")
		if got := slices.Contains(never(r), "owner: delete refused"); got != c.asked {
			t.Errorf("%s: a refused deletion is asked for: %t, want %t", c.name, got, c.asked)
		}
		if !slices.Contains(never(r), "owner: insert refused") {
			t.Errorf("%s: a refused insert is not asked for", c.name)
		}
	}
}
