package rules_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/rules"
	"github.com/rolegate/rolegate/rules/expr"
)

// What became of the roles and filters, and of the view that they make.
func TestBoundStates(t *testing.T) {
	server := `{"name": "server", "apply_when": {"%%user.type": "server"}, "read": true}`
	nobody := `{"name": "nobody", "apply_when": {"a": "%%user.data.none"}, "read": true}`
	everyone := `{"name": "everyone", "apply_when": {"%%user.id": "ua"}, "read": true}`
	tests := []struct {
		name, roles, filters string
		live                 string // the live roles
		states               string // of the filters: applies/none/query
		parts                string // role/documents/why/extents of _id, a, b and another field
	}{
		{"one role", owner, ``, "owner", "", `owner/{"owner":{"$eq":"ua"}}//whole`},
		{
			"out, live and not reached", server + `,` + owner + `,` + everyone + `,` + titles, ``, "owner everyone", "",
			`owner/{"owner":{"$eq":"ua"}}//whole everyone/{"$nor":[{"owner":{"$eq":"ua"}}]}//whole`,
		},
		{"a role of which nothing is known", nobody + `,` + everyone, ``, "everyone", "", `everyone/nothing//whole`},
		{"no role", server, ``, "", "", ``},
		{"a role that shows nothing", role(`"fields": {}`), ``, "r", "", ``},
		{
			"fields", role(`"fields": {"_id": {"read": true}, "a": {"read": {"o": 1}}, "b": {"fields": {"c": {"read": true}}}}`), ``,
			"r", "", `r/nothing//whole condition part hidden`,
		},
		{
			"other fields", role(`"fields": {"_id": {"read": true}, "a": {"read": false}, "b": {"fields": {"c": {"read": false}}}}, "additional_fields": {"read": true}`), ``,
			"r", "", `r/nothing//whole hidden hidden whole`,
		},
		{
			"whole or by field", role(`"write": {"o": 1}, "fields": {"_id": {"read": true}}`), ``, "r", "",
			`r/{"o":{"$eq":1}}//whole r/{"$nor":[{"o":{"$eq":1}}]}//whole hidden hidden hidden`,
		},
		{"what has no query", role(`"apply_when": {"s": {"$regex": "x"}}, "read": true`), ``, "r", "", `r/nothing/apply_when/whole`},
		{
			"filters", owner, `{"name": "f", "apply_when": true, "query": {"a": "%%user.id"}, "projection": {"b": 0}},
				{"name": "g", "apply_when": {"%%user.id": "ub"}, "query": {"a": 1}},
				{"name": "h", "apply_when": {"%%user.id": "%%user.data.none"}}`,
			"owner", `true/{"a":{"$eq":"ua"}} false/nothing unknown/none/nothing`, ``,
		},
		{
			"a filter that lacks a value", owner, `{"name": "f", "apply_when": true, "query": {"a": "%%user.data.none"}}`,
			"owner", `true/none/nothing`, ``,
		},
		{
			"a projection", role(`"fields": {"_id": {"read": true}, "a": {"read": true}, "b": {"read": true}}`),
			`{"name": "f", "apply_when": true, "projection": {"a": 0, "b.c": 0}}`,
			"r", `true/nothing`, `r/nothing//whole hidden part hidden`,
		},
	}
	extents := map[rules.Extent]string{rules.Hidden: "hidden", rules.InPart: "part", rules.OnCondition: "condition", rules.Whole: "whole"}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := bind(t, compile(t, rulesFile(tt.roles, tt.filters), rules.Options{}))
			var live, states, parts []string
			for _, r := range b.Roles() {
				if r.Live {
					live = append(live, r.Source.Name)
				}
			}
			for _, f := range b.Filters() {
				s := f.Applies.String()
				if f.None {
					s += "/none"
				}
				if (f.Filter == nil) != (f.Query == nil) {
					t.Errorf("filter %s has one of query and filter", f.Source.Name)
				}
				states = append(states, s+"/"+show(t, f.Query))
			}
			for _, p := range b.Plan().Parts() {
				s := p.Role.Name + "/" + show(t, p.Documents) + "/" + p.Why + "/"
				var fields []string
				for _, name := range []string{"_id", "a", "b", "other"} {
					fields = append(fields, extents[p.Extent(name)])
				}
				if p.Whole {
					fields = []string{"whole"}
				}
				parts = append(parts, s+strings.Join(fields, " "))
			}
			want := []string{tt.live, tt.states, tt.parts}
			got := []string{strings.Join(live, " "), strings.Join(states, " "), strings.Join(parts, " ")}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestBoundTrace(t *testing.T) {
	p := compile(t, rulesFile(role(`"apply_when": {"a": "%%values.admins"}, "read": true`), ``), rules.Options{})
	b := bind(t, p)
	doc := mustDoc(t, `{"a": "ua"}`)
	step := b.Trace(b.Roles()[0].Source.ApplyWhen, expr.InRole, &expr.Env{Root: doc, PrevRoot: doc})
	if step.Truth != expr.True || len(step.Seen) != 2 || step.Seen[1].Name != "%%values.admins" || bsonval.IsMissing(step.Seen[1].Value) {
		t.Errorf("traced %+v", step)
	}
}

func TestIsSecret(t *testing.T) {
	a := app(t, rulesFile(role(`"apply_when": {"_id": {"%stringToOid": "%%values.key"}}, "read": true`), ``),
		"values/key.json", `{"name": "key", "value": "k", "from_secret": true}`)
	p, _ := rules.Compile(a, rules.Options{Secrets: map[string]string{"key": "5f0000000000000000000001"}})
	values := mustDoc(t, `{"text": "5f0000000000000000000001", "id": {"$oid": "5f0000000000000000000001"}, "other": {"$oid": "5f0000000000000000000002"}, "admin": "ua"}`)
	want := map[string]bool{"text": true, "id": true}
	for it := bsonval.NewIter(values); it.Next(); {
		if name := string(it.Key()); p.IsSecret(it.Value()) != want[name] {
			t.Errorf("IsSecret(%s) = %v", name, !want[name])
		}
	}
}
