package reference_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/reference"
)

// rulesOf reads roles in the shorthand of rules.md 18.
func rulesOf(t *testing.T, roles string) *reference.Rules {
	t.Helper()
	if !strings.Contains(roles, `"roles"`) {
		roles = `{"roles": [` + roles + `]}`
	}
	r, err := reference.Parse([]byte(strings.ReplaceAll(roles, `"aw"`, `"apply_when"`)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func factsOf(t *testing.T, user, operation string) *reference.Facts {
	t.Helper()
	return &reference.Facts{
		User: doc(t, users[user]), Values: doc(t, `{}`), Environment: doc(t, `{"tag": ""}`),
		Request: doc(t, `{"operation": "`+operation+`"}`),
	}
}

const (
	owner  = `{"aw":{"owner":"%%user.id"},"write":true}`
	reader = `{"aw":{},"read":true}`
)

// TestWrites holds the rows of rules.md 18.3 to 18.5 that are about one rules.json and no schema. What is wanted is what
// the answer says: denied, or how many documents are matched and modified, or inserted.
func TestWrites(t *testing.T) {
	set := func(s string) reference.Write {
		return reference.Write{Filter: doc(t, `{"_id":1}`), Update: doc(t, `{"$set":`+s+`}`)}
	}
	on := func(filter string, w reference.Write) reference.Write {
		w.Filter = doc(t, filter)
		return w
	}
	many := func(w reference.Write) reference.Write {
		w.Many = true
		return w
	}
	upsert := func(w reference.Write) reference.Write {
		w.Upsert = true
		return w
	}
	insert := func(texts ...string) reference.Write { return reference.Write{Insert: docs(t, texts...)} }
	remove := func(filter string) reference.Write { return reference.Write{Filter: doc(t, filter), Delete: true} }
	replace := func(s string) reference.Write {
		return reference.Write{Filter: doc(t, `{"_id":1}`), Replacement: doc(t, s)}
	}
	const (
		title     = `{"aw":{},"read":true,"write":false,"fields":{"title":{"write":true}}}`
		butSecret = `{"aw":{},"read":true,"additional_fields":{"write":true},"fields":{"secret":{"read":true,"write":false}}}`
		city      = `{"aw":{},"fields":{"_id":{"read":true},"addr":{"fields":{"city":{"write":true}}}}}`
	)
	without := func(field string) string { return strings.Replace(stored[0], field, "", 1) }
	tests := []struct {
		row, rules string
		write      reference.Write
		want       string
	}{
		{"46", owner, insert(`{"owner":"ua"}`), "inserted"},
		{"47", owner, insert(`{"owner":"ub"}`), "denied"},
		{"48", `{"aw":{},"insert":true}`, insert(`{"x":1}`), "denied"},
		{"49", `{"aw":{},"insert":false,"write":true}`, insert(`{"x":1}`), "denied"},
		{"50", `{"aw":{},"insert":true,"fields":{"a":{"write":true}}}`, insert(`{"a":1}`), "inserted"},
		{"51", `{"aw":{},"insert":true,"fields":{"a":{"write":true}}}`, insert(`{"a":1,"b":2}`), "denied"},
		{"52", `{"aw":{},"insert":true,"fields":{"a":{"write":true}}}`, insert(`{"_id":9,"a":1}`), "denied"},
		{"53", `{"aw":{},"insert":true,"delete":false,"write":{"%%prevRoot":{"%exists":false}}}`, insert(`{"x":1}`), "inserted"},
		{"54", `{"aw":{},"document_filters":{"read":true,"write":{"owner":"%%user.id"}},"write":true}`, insert(`{"owner":"ub"}`), "denied"},
		{"57", owner, insert(`{"owner":"ua"}`, `{"owner":"ub"}`), "denied"},
		{"59", owner, set(`{"title":"Z"}`), "1 1"},
		{"60", owner, on(`{"_id":2}`, set(`{"title":"Z"}`)), "0 0"},
		{"61", owner, on(`{"_id":2}`, set(`{"owner":"ua"}`)), "0 0"},
		{"62", owner, set(`{"owner":"ub"}`), "denied"},
		{"64", reader, set(`{"title":"Z"}`), "denied"},
		{"65", title, set(`{"title":"Z"}`), "1 1"},
		{"66", title, set(`{"title":"Z","status":"x"}`), "denied"},
		{"67", title, set(`{"status":"draft"}`), "1 0"},
		{"68", `{"aw":{},"fields":{"_id":{"read":true},"title":{"write":true}}}`, set(`{"secret":"s1"}`), "denied"},
		{"69", `{"aw":{},"read":true,"write":{"%%prevRoot.status":"draft"}}`, set(`{"status":"final"}`), "1 1"},
		{"70", `{"aw":{},"read":true,"write":{"%%prevRoot.status":"draft"}}`, on(`{"_id":2}`, set(`{"title":"Z"}`)), "denied"},
		{"71", `{"aw":{},"read":true,"write":{"%%root.status":{"$ne":"final"}}}`, set(`{"status":"final"}`), "denied"},
		{"72", `{"aw":{},"write":{"%%root.x":1},"fields":{"title":{"write":true}},"read":true}`, set(`{"title":"Z"}`), "denied"},
		{"73", butSecret, reference.Write{Filter: doc(t, `{"_id":1}`), Update: doc(t, `{"$unset":{"secret":""}}`)}, "denied"},
		{"74", butSecret, reference.Write{Filter: doc(t, `{"_id":1}`), Update: doc(t, `{"$rename":{"title":"secret"}}`)}, "denied"},
		{"75", butSecret, replace(strings.Replace(stored[0], `"title":"A"`, `"title":"B"`, 1)), "1 1"},
		{"76", butSecret, replace(without(`"secret":"s1",`)), "denied"},
		{"77", city, set(`{"addr.city":"X"}`), "1 1"},
		{"78", city, set(`{"addr":{"city":"X","zip":"00"}}`), "denied"},
		{"80", owner, on(`{}`, many(set(`{"t":1}`))), "1 1"},
		{"81", owner + "," + reader, on(`{}`, many(set(`{"t":1}`))), "denied"},
		{"82", owner, on(`{"k":1}`, upsert(set(`{"owner":"ua"}`))), "inserted"},
		{"83", owner, on(`{"k":1}`, upsert(set(`{"x":1}`))), "denied"},
		{"84", `{"aw":{},"write":true,"insert":false}`, on(`{"k":1}`, upsert(set(`{"x":1}`))), "denied"},
		{"88", owner, remove(`{"_id":1}`), "1 1"},
		{"89", `{"aw":{},"write":true,"delete":false}`, remove(`{"_id":1}`), "denied"},
		{"90", `{"aw":{},"read":true,"delete":true}`, remove(`{"_id":1}`), "denied"},
		{"91", `{"aw":{},"delete":true}`, remove(`{"_id":1}`), "0 0"},
		{"92", owner, many(remove(`{}`)), "1 1"},
		{"93", `{"aw":{},"delete":{"%%root.status":"draft"},"write":true}`, remove(`{"_id":2}`), "denied"},
		{"105", `{"aw":{},"fields":{"owner":{"write":true},"title":{"write":true}}}`, remove(`{"owner":"ua"}`), "denied"},
		{"106", `{"aw":{},"additional_fields":{"write":true}}`, remove(`{"_id":1}`), "1 1"},
		{"a taken _id", `{"aw":{},"write":true}`, insert(`{"_id":1}`), "failed"},
		{"another _id", `{"aw":{},"write":true}`, replace(`{"_id":7}`), "failed"},
		{"an operator that fails", `{"aw":{},"write":true}`, reference.Write{Filter: doc(t, `{"_id":1}`), Update: doc(t, `{"$inc":{"title":1}}`)}, "failed"},
		{
			"an operator that fails on what is hidden", `{"aw":{},"fields":{"_id":{"read":true},"title":{"write":true}}}`,
			reference.Write{Filter: doc(t, `{"_id":1}`), Update: doc(t, `{"$inc":{"secret":1}}`)},
			"denied",
		},
		{"out of a filter", `{"roles":[{"aw":{},"write":true}],"filters":[{"aw":{},"query":{"team":"red"}}]}`, set(`{"team":"blue"}`), "denied"},
		{"under a filter's projection", `{"roles":[{"aw":{},"write":true}],"filters":[{"aw":{},"projection":{"secret":0}}]}`, set(`{"secret":"x"}`), "denied"},
		{
			"projections that exclude each other",
			`{"roles":[{"aw":{},"write":true}],"filters":[{"aw":{},"projection":{"secret":0}},{"aw":{},"projection":{"title":1}}]}`, set(`{"title":"x"}`), "failed",
		},
	}
	for _, tt := range tests {
		t.Run(tt.row, func(t *testing.T) {
			before := docs(t, stored...)
			done := rulesOf(t, tt.rules).Write(func(operation string) *reference.Facts { return factsOf(t, "A", operation) }, before, tt.write)
			got := ""
			switch {
			case done.Denied != "":
				got = "denied"
			case done.Failed != nil:
				got = "failed"
			case len(done.Inserted) > 0:
				got = "inserted"
			default:
				got = strings.Repeat("1", int(done.Matched)) + " " + strings.Repeat("1", int(done.Modified))
				got = map[string]string{" ": "0 0", "1 ": "1 0", "1 1": "1 1"}[got]
			}
			if got != tt.want {
				t.Errorf("%s (%s%v), want %s", got, done.Denied, done.Failed, tt.want)
			}
			changed := !cmp.Equal(texts(t, before), texts(t, done.Stored))
			if want := tt.want == "inserted" || tt.want == "1 1"; changed != want {
				t.Errorf("stored afterwards: %v", texts(t, done.Stored))
			}
		})
	}
}

// TestJudge asks about images alone.
func TestJudge(t *testing.T) {
	const (
		parts = `{"aw":{},"fields":{"_id":{"read":true},"o":{"fields":{"w":{"write":true},"r":{"read":true}}},"l":{"fields":{"w":{"write":true},"r":{"read":true}}}}}`
		hides = `{"roles":[{"aw":{},"read":true,"write":true}],"filters":[{"aw":{},"projection":{"m.b":0}}]}`
		none  = ""
	)
	tests := []struct {
		name, rules, before, after string
		want                       bool
	}{
		{"no document", owner, none, none, false},
		{"not in the view", owner, `{"_id":1,"owner":"ub"}`, `{"_id":1,"owner":"ub","x":1}`, false},
		{"another _id", `{"aw":{},"write":true}`, `{"_id":1}`, `{"_id":2}`, false},
		{"an _id of another type", `{"aw":{},"write":true}`, `{"_id":1}`, `{"_id":{"$numberDouble":"1"}}`, false},
		{"the reserved field", `{"aw":{},"write":true}`, `{"_id":1}`, `{"_id":1,"_id__baas_transaction":1}`, false},
		{"the reserved field stays", `{"aw":{},"write":true}`, `{"_id":1,"_id__baas_transaction":1}`, `{"_id":1,"_id__baas_transaction":1,"x":1}`, true},

		{"beside what a filter hides", hides, `{"_id":1}`, `{"_id":1,"m":{"a":5}}`, true},
		{"what a filter hides", hides, `{"_id":1}`, `{"_id":1,"m":{"b":5}}`, false},
		{"what is beside it goes, and it does not", hides, `{"_id":1,"m":{"a":1,"b":2}}`, `{"_id":1,"m":{"b":2}}`, true},
		{"all of it goes", hides, `{"_id":1,"m":{"a":1,"b":2}}`, `{"_id":1}`, false},

		{"a part", parts, `{"_id":1,"o":{"w":1,"r":1}}`, `{"_id":1,"o":{"w":2,"r":1}}`, true},
		{"a part that is only read", parts, `{"_id":1,"o":{"w":1,"r":1}}`, `{"_id":1,"o":{"w":1,"r":2}}`, false},
		{"a part that is not listed", parts, `{"_id":1,"o":{"w":1}}`, `{"_id":1,"o":{"w":1,"x":1}}`, false},
		{"a part of another type", parts, `{"_id":1,"o":{"r":1}}`, `{"_id":1,"o":{"r":{"$numberDouble":"1"}}}`, false},
		{"a part comes", parts, `{"_id":1}`, `{"_id":1,"o":{"w":1}}`, true},
		{"parts go", parts, `{"_id":1,"o":{"w":1}}`, `{"_id":1}`, true},
		{"a part goes that may not", parts, `{"_id":1,"o":{"w":1,"r":1}}`, `{"_id":1}`, false},
		{"the last part goes", parts, `{"_id":1,"o":{"w":1}}`, `{"_id":1,"o":{}}`, true},
		{"an empty document comes", parts, `{"_id":1}`, `{"_id":1,"o":{}}`, false},
		{"an empty document goes", parts, `{"_id":1,"o":{}}`, `{"_id":1}`, false},
		{"a scalar for a document", parts, `{"_id":1,"o":{"w":1}}`, `{"_id":1,"o":1}`, false},
		{"a document for a scalar", parts, `{"_id":1,"o":1}`, `{"_id":1,"o":{"w":1}}`, false},
		{"parts turned around", parts, `{"_id":1,"o":{"w":1,"r":1}}`, `{"_id":1,"o":{"r":1,"w":1}}`, false},
		{"a part comes in front", parts, `{"_id":1,"o":{"r":1}}`, `{"_id":1,"o":{"w":1,"r":1}}`, true},
		{"an array for a document", parts, `{"_id":1,"l":{"w":1}}`, `{"_id":1,"l":[{"w":1}]}`, true},
		{"an array for a document with more", parts, `{"_id":1,"l":{"w":1,"r":1}}`, `{"_id":1,"l":[{"w":1}]}`, false},

		{"a part of an element", parts, `{"_id":1,"l":[{"w":1,"r":1},{"r":1}]}`, `{"_id":1,"l":[{"w":2,"r":1},{"w":1,"r":1}]}`, true},
		{"a part of an element that is only read", parts, `{"_id":1,"l":[{"r":1}]}`, `{"_id":1,"l":[{"r":2}]}`, false},
		{"an element comes", parts, `{"_id":1,"l":[{"r":1}]}`, `{"_id":1,"l":[{"r":1},{"w":1}]}`, true},
		{"an element goes", parts, `{"_id":1,"l":[{"w":1},{"r":1}]}`, `{"_id":1,"l":[{"w":1}]}`, false},
		{"elements move up", parts, `{"_id":1,"l":[{"w":1},{"r":1}]}`, `{"_id":1,"l":[{"r":1}]}`, false},
		{"a scalar as element", parts, `{"_id":1,"l":[{"w":1}]}`, `{"_id":1,"l":[{"w":1},1]}`, false},
		{"a scalar element stays", parts, `{"_id":1,"l":[1,{"w":1}]}`, `{"_id":1,"l":[1,{"w":2}]}`, true},
		{"an array as element", parts, `{"_id":1,"l":[[{"w":1}]]}`, `{"_id":1,"l":[[{"w":2}]]}`, false},
		{"an empty array comes", parts, `{"_id":1}`, `{"_id":1,"l":[]}`, false},

		{
			"what a level says holds below", `{"aw":{},"fields":{"_id":{"read":true},"o":{"write":true,"fields":{"r":{"write":false}}}}}`,
			`{"_id":1,"o":{"r":1}}`, `{"_id":1,"o":{"r":2}}`, true,
		},
		{
			"also when it is false", `{"aw":{},"fields":{"_id":{"read":true},"o":{"write":false,"fields":{"r":{"write":true}}}}}`,
			`{"_id":1,"o":{"r":1}}`, `{"_id":1,"o":{"r":2}}`, false,
		},
		{"this and prev", `{"aw":{},"read":true,"fields":{"n":{"write":{"%%this":{"$lt":"%%prev"}}}}}`, `{"_id":1,"n":2}`, `{"_id":1,"n":1}`, true},
		{"this and prev the other way", `{"aw":{},"read":true,"fields":{"n":{"write":{"%%this":{"$lt":"%%prev"}}}}}`, `{"_id":1,"n":1}`, `{"_id":1,"n":2}`, false},
		{"root and prevRoot", `{"aw":{},"read":true,"write":{"%%root.n":{"$lt":"%%prevRoot.n"}}}`, `{"_id":1,"n":2}`, `{"_id":1,"n":1}`, true},
		{
			"the filter for writing sees both", `{"aw":{},"read":true,"document_filters":{"write":{"%%prevRoot.n":1,"%%root.n":2}},"write":true}`,
			`{"_id":1,"n":1}`, `{"_id":1,"n":2}`, true,
		},
		{"the filter for reading holds for writing", `{"aw":{},"document_filters":{"read":{"n":1}},"write":true}`, `{"_id":1,"n":1}`, `{"_id":1,"n":2}`, false},
		{"a condition that fails", `{"aw":{},"read":true,"write":{"%%root.n":{"%oidToString":"%%root.n"}}}`, `{"_id":1,"n":1}`, `{"_id":1,"n":2}`, false},
		{
			"a role that fails afterwards", `{"aw":{"%or":[{"n":1},{"n":{"%oidToString":"%%root.n"}}]},"write":true},{"aw":{},"write":true}`,
			`{"_id":1,"n":1}`, `{"_id":1,"n":2}`, false,
		},
		{"the next role afterwards", `{"aw":{"n":1},"write":true},{"aw":{"n":2},"write":true}`, `{"_id":1,"n":1}`, `{"_id":1,"n":2}`, true},
		{"which does not allow it", `{"aw":{"n":1},"write":true},{"aw":{"n":2},"fields":{"n":{"write":true}}}`, `{"_id":1,"n":1}`, `{"_id":1,"n":2,"x":1}`, false},

		{"a delete is judged by the role", `{"aw":{},"fields":{"a":{"write":true},"_id":{"write":true}}}`, `{"_id":1,"a":1}`, none, false},
		{"all listed and all others", `{"aw":{},"fields":{"a":{"write":true}},"additional_fields":{"write":true}}`, `{"_id":1,"a":1}`, none, true},
		{"not if only parts are listed", `{"aw":{},"fields":{"a":{"fields":{"b":{"write":true}}}},"additional_fields":{"write":true}}`, `{"_id":1}`, none, false},
		{"a condition on a value", `{"aw":{},"fields":{"a":{"read":true,"write":{"%%prev":1}}},"additional_fields":{"write":true}}`, `{"_id":1,"a":2}`, none, false},
		{"a condition on all others", `{"aw":{},"additional_fields":{"read":true,"write":{"%%this":{"$ne":5}}}}`, `{"_id":1,"a":5}`, none, false},
		{"write of the document", `{"aw":{},"read":true,"write":{"a":1}}`, `{"_id":1,"a":2}`, none, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := reference.Change{Before: image(t, tt.before), After: image(t, tt.after)}
			v := rulesOf(t, tt.rules).Judge(factsOf(t, "A", "update"), c)
			if v.Allowed != tt.want || v.Allowed == (v.Why != "") {
				t.Errorf("Judge = %+v, want %v", v, tt.want)
			}
		})
	}
}

func image(t *testing.T, text string) bson.Raw {
	t.Helper()
	if text == "" {
		return nil
	}
	return doc(t, text)
}

func TestWithoutAfterCheck(t *testing.T) {
	rules := rulesOf(t, `{"roles":[`+owner+`],"filters":[{"aw":{},"query":{"team":"red"}}]}`)
	given := reference.Change{Before: doc(t, `{"_id":1,"owner":"ua","team":"red"}`), After: doc(t, `{"_id":1,"owner":"ub","team":"blue"}`)}
	made := reference.Change{After: doc(t, `{"_id":1,"owner":"ua","team":"blue"}`)}
	for _, c := range []reference.Change{given, made} {
		if v := rules.Judge(factsOf(t, "A", "update"), c); v.Allowed {
			t.Errorf("%s → %s is allowed", c.Before, c.After)
		}
		if v := rules.WithoutAfterCheck().Judge(factsOf(t, "A", "update"), c); !v.Allowed {
			t.Errorf("%s → %s is refused without the check: %s", c.Before, c.After, v.Why)
		}
	}
}

func TestJudgeNamed(t *testing.T) {
	const parts = `{"aw":{},"fields":{"_id":{"read":true},"r":{"read":true},"w":{"write":{"%%this":1}},
		"o":{"fields":{"r":{"read":true},"w":{"write":true}}},"l":{"fields":{"r":{"read":true}}},"h":{}}}`
	before := `{"_id":1,"r":1,"w":2,"o":{"r":1,"x":1},"l":[{"r":1},{"x":1}],"h":1,"s":1}`
	tests := []struct {
		path     string
		computed bool
		want     bool
	}{
		{"r", true, true},
		{"w", false, true},
		{"w", true, false}, // as it was it is hidden
		{"o", false, false},
		{"o.r", true, true},
		{"o.w", false, true},
		{"o.x", false, false},
		{"o.r.z", true, true},
		{"l.0.r", true, true},
		{"l.1.x", false, false},
		{"l.7.r", false, false},
		{"l.r", false, false},
		{"h", false, false},
		{"s", false, false},
		{"_id__baas_transaction", false, false},
		{"", false, false},
	}
	after := strings.Replace(before, `"w":2`, `"w":1`, 1)
	for _, tt := range tests {
		c := reference.Change{Before: doc(t, before), After: doc(t, after)}
		v := rulesOf(t, parts).JudgeNamed(factsOf(t, "A", "update"), c, []reference.Named{{Path: tt.path, Computed: tt.computed}})
		if v.Allowed != tt.want {
			t.Errorf("%q, computed %v: %+v, want %v", tt.path, tt.computed, v, tt.want)
		}
	}
}
