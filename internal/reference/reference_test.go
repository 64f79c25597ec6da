package reference_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/reference"
)

// The documents and users of rules.md 18.
var (
	stored = []string{
		`{"_id":1,"owner":"ua","email":"a@x","team":"red","title":"A","secret":"s1","members":["ub"],"status":"draft","addr":{"city":"Rome","zip":"00"}}`,
		`{"_id":2,"owner":"ub","email":"b@x","team":"blue","title":"B","secret":"s2","members":[],"status":"final"}`,
		`{"_id":3,"title":"C"}`,
	}
	users = map[string]string{
		"A": `{"id":"ua","type":"normal","data":{"email":"a@x"},"custom_data":{"team":"red","manages":["b@x"]}}`,
		"B": `{"id":"ub","type":"normal","data":{"email":"b@x"},"custom_data":{}}`,
		"K": `{"id":"uk","type":"server","data":{"name":"ci"},"custom_data":{}}`,
	}
	titles = []string{`{"title":"A"}`, `{"title":"B"}`, `{"title":"C"}`}
)

func doc(t *testing.T, text string) bson.Raw {
	t.Helper()
	d, err := ejson.Parse([]byte(text), ejson.Limits{})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}

func docs(t *testing.T, texts ...string) []bson.Raw {
	t.Helper()
	var list []bson.Raw
	for _, text := range texts {
		list = append(list, doc(t, text))
	}
	return list
}

func texts(t *testing.T, docs []bson.Raw) []string {
	t.Helper()
	var list []string
	for _, d := range docs {
		text, err := ejson.AppendRelaxed(nil, d)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, string(text))
	}
	return list
}

// view cuts documents for a user. Without a bracket, rules are the roles of the shorthand of rules.md 18.
func view(t *testing.T, rules, user string, documents ...string) (reference.View, error) {
	t.Helper()
	if !strings.Contains(rules, `"roles"`) {
		rules = `{"roles": [` + rules + `]}`
	}
	r, err := reference.Parse([]byte(strings.ReplaceAll(rules, `"aw"`, `"apply_when"`)))
	if err != nil {
		t.Fatal(err)
	}
	facts := &reference.Facts{
		User: doc(t, users[user]), Values: doc(t, `{"admins": ["ua"], "some": {}}`), Environment: doc(t, `{"tag": ""}`),
		Request: doc(t, `{"operation": "find"}`),
	}
	return r.View(facts, docs(t, documents...))
}

// TestTheTablesOfTheSpecification holds the rows of rules.md 18.1 and 18.2 that are about one rules.json and no function.
func TestTheTablesOfTheSpecification(t *testing.T) {
	d1, d2, d3 := stored[0], stored[1], stored[2]
	all := stored
	tests := []struct {
		row   string
		rules string
		user  string
		want  []string
	}{
		{"4", `{"aw":{"owner":"%%user.id"},"read":true}`, "B", []string{d2}},
		{"6", `{"aw":{"owner":"%%user.id"},"read":true},{"aw":{},"additional_fields":{},"fields":{"title":{"read":true}}}`, "A", []string{d1, titles[1], titles[2]}},
		{"7", `{"aw":{},"additional_fields":{},"fields":{"title":{"read":true}}},{"aw":{"owner":"%%user.id"},"read":true}`, "A", titles},
		{"8", `{"aw":{"members":"%%user.id"},"read":true}`, "B", []string{d1}},
		{"9", `{"aw":{"email":"%%user.custom_data.manages"},"read":true}`, "A", []string{d2}},
		{"10", `{"aw":{"email":"%%user.custom_data.manages"},"read":true}`, "B", nil},
		{"11", `{"aw":{"owner":"%%user.id"},"read":true}`, "A", []string{d1}},
		{"12 K", `{"aw":{"%%user.type":"server"},"read":true}`, "K", all},
		{"12 A", `{"aw":{"%%user.type":"server"},"read":true}`, "A", nil},
		{"13", `{"aw":{"_id":{"%stringToOid":"%%user.id"}},"read":true}`, "A", nil},
		{"17 A", `{"aw":{"%%values.admins":"%%user.id"},"read":true}`, "A", all},
		{"17 B", `{"aw":{"%%values.admins":"%%user.id"},"read":true}`, "B", nil},
		{"18", `{"aw":{"%%user.id":{"$in":"%%values.some.missing"}},"read":true}`, "A", nil},
		{"19", `{"aw":{"%not":{"team":"%%user.custom_data.team"}},"read":true}`, "B", nil},
		{"20", `{"aw":{"%%user.custom_data.banned":{"$ne":true}},"read":true}`, "B", all},
		{"21", `{"aw":{},"read":true,"fields":{"secret":{"read":false}}}`, "A", all},
		{"22", `{"aw":{"_id":1},"fields":{"secret":{"read":false}},"additional_fields":{"read":true}}`, "A", []string{strings.Replace(d1, `"secret":"s1",`, "", 1)}},
		{"23", `{"aw":{},"fields":{"title":{"read":true}}}`, "A", titles},
		{"24", `{"aw":{},"fields":{"addr":{"fields":{"city":{"read":true}}}}}`, "A", []string{`{"addr":{"city":"Rome"}}`}},
		{"25", `{"aw":{},"fields":{"addr":{"read":true,"fields":{"zip":{"read":false}}}}}`, "A", []string{`{"addr":{"city":"Rome","zip":"00"}}`}},
		{"26", `{"aw":{},"fields":{"addr":{"read":false,"fields":{"city":{"read":true}}}}}`, "A", nil},
		{"27", `{"aw":{},"fields":{"title":{"write":true}}}`, "A", titles},
		{"28", `{"aw":{},"write":true}`, "A", all},
		{"29", `{"aw":{},"read":false,"write":true}`, "A", all},
		{"30", `{"aw":{},"read":false,"additional_fields":{"read":true}}`, "A", nil},
		{"31", `{"aw":{},"document_filters":{"read":{"owner":"%%user.id"},"write":false},"read":true}`, "A", []string{d1}},
		{"32", `{"aw":{},"document_filters":{"read":false,"write":{"owner":"%%user.id"}},"read":true}`, "A", []string{d1}},
		{"33", `{"aw":{},"document_filters":{},"read":true}`, "A", all},
		{"34", `{"aw":{},"read":{"%%root.status":"final"}}`, "A", []string{d2}},
		{"35", `{"aw":{},"read":{"%%prevRoot":{"%exists":false}}}`, "A", nil},
		{"36", `{"aw":{},"fields":{"secret":{"read":{"%%this":"s1"}}}}`, "A", []string{`{"secret":"s1"}`}},
		{"40", `{"roles":[{"aw":{},"read":true}],"filters":[{"aw":true,"query":{"status":"final"}}]}`, "A", []string{d2}},
		{"43 K", `{"roles":[{"aw":{},"read":true}],"filters":[{"aw":{"%%user.type":"server"},"query":{"team":"red"}}]}`, "K", []string{d1}},
		{"43 A", `{"roles":[{"aw":{},"read":true}],"filters":[{"aw":{"%%user.type":"server"},"query":{"team":"red"}}]}`, "A", all},
		{"44", `{"roles":[{"aw":{},"read":true}],"filters":[{"aw":true,"query":{"owner":"%%user.custom_data.org"}}]}`, "B", nil},
		{"45", `{"roles":[{"aw":{"owner":"%%user.id"},"read":true}],"filters":[{"aw":true,"projection":{"owner":0}}]}`, "A", []string{strings.Replace(d1, `"owner":"ua",`, "", 1)}},
		{"102", `{"aw":{"%%environment.tag":"production"},"read":true}`, "A", nil},
	}
	for _, tt := range tests {
		t.Run(tt.row, func(t *testing.T) {
			v, err := view(t, tt.rules, tt.user, stored...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, texts(t, v.Documents)); diff != "" {
				t.Errorf("view (-want +got):\n%s", diff)
			}
			if want := len(tt.want) != len(stored) || tt.want[0] != d1 || tt.want[2] != d3; v.Hidden != want {
				t.Errorf("Hidden = %v", v.Hidden)
			}
		})
	}
}

func TestProjectionsThatDiffer(t *testing.T) {
	_, err := view(t, `{"roles":[{"aw":{},"read":true}],"filters":[{"aw":true,"projection":{"secret":0}},{"aw":true,"projection":{"title":1}}]}`, "A")
	if !errors.Is(err, reference.ErrProjections) {
		t.Errorf("View = %v", err)
	}
}

// TestTruth holds the tables of the four truth values, seen from outside: x does not convert, u has no value.
func TestTruth(t *testing.T) {
	const fail, unknown = `{"x":{"%oidToString":"%%root.x"}}`, `{"x":"%%user.custom_data.none"}`
	tests := []struct {
		name, condition string
		applies, next   bool // the role, or the one behind it
	}{
		{"true", `{"x":1}`, true, false},
		{"false", `{"x":2}`, false, true},
		{"unknown", unknown, false, true},
		{"failed", fail, false, false},
		{"not true", `{"%not":{"x":1}}`, false, true},
		{"not false", `{"%not":{"x":2}}`, true, false},
		{"not unknown", `{"%not":` + unknown + `}`, false, true},
		{"not failed", `{"%not":` + fail + `}`, false, false},
		{"failed and false", `{"%and":[` + fail + `,false]}`, false, true},
		{"failed and unknown", `{"%and":[` + fail + `,` + unknown + `]}`, false, false},
		{"failed and true", `{"%and":[true,` + fail + `]}`, false, false},
		{"failed or true", `{"%or":[` + fail + `,true]}`, true, false},
		{"failed or unknown", `{"%or":[` + unknown + `,` + fail + `]}`, false, false},
		{"unknown and false", `{"%not":{"%and":[` + unknown + `,false]}}`, true, false},
		{"unknown or true", `{"%or":[` + unknown + `,true]}`, true, false},
		{"unknown or false", `{"%not":{"%or":[` + unknown + `,false]}}`, false, true},
		{"nor", `{"%nor":[false,{"x":2}]}`, true, false},
		{"nor unknown", `{"%nor":[false,` + unknown + `]}`, false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rules := `{"aw":` + tt.condition + `,"fields":{"a":{"read":true}}},{"aw":{},"fields":{"b":{"read":true}}}`
			v, err := view(t, rules, "B", `{"_id":1,"x":1,"a":1,"b":2}`)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			switch {
			case tt.applies:
				want = []string{`{"a":1}`}
			case tt.next:
				want = []string{`{"b":2}`}
			}
			if diff := cmp.Diff(want, texts(t, v.Documents)); diff != "" {
				t.Errorf("view (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRequests(t *testing.T) {
	v, err := view(t, `{"aw":{"owner":"%%user.id"},"read":true},{"aw":{},"fields":{"title":{"read":true}}}`, "A", stored...)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, filter, sort, projection string
		skip, limit                    int64
		want                           []string
	}{
		{"hidden fields are missing", `{"owner":null}`, `{}`, `{}`, 0, 0, titles[1:]},
		{"and sort as missing", `{}`, `{"secret":1}`, `{"title":1}`, 0, 0, []string{`{"title":"B"}`, `{"title":"C"}`, `{"_id":1,"title":"A"}`}},
		{"ties are in the order of what is shown", `{}`, `{}`, `{"title":1,"_id":0}`, 0, 0, titles},
		{"a page", `{}`, `{"title":-1}`, `{"title":1,"_id":0}`, 1, 1, []string{titles[1]}},
		{"past the end", `{}`, `{}`, `{}`, 9, 1, nil},
		{"exclusion", `{"_id":1}`, `{}`, `{"addr.zip":0,"members":0,"secret":0,"email":0,"team":0,"status":0}`, 0, 0, []string{`{"_id":1,"owner":"ua","title":"A","addr":{"city":"Rome"}}`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			found, err := v.Select(doc(t, tt.filter), doc(t, tt.sort))
			if err != nil {
				t.Fatal(err)
			}
			found, err = reference.Project(reference.Page(found, tt.skip, tt.limit), doc(t, tt.projection))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, texts(t, found)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
	if _, err := v.Select(doc(t, `{"$where":"1"}`), nil); err == nil {
		t.Error("a query that is refused was answered")
	}
	if _, err := reference.Project(nil, doc(t, `{"a":1,"b":0}`)); err == nil {
		t.Error("a projection that is refused was applied")
	}
}

func TestDistinct(t *testing.T) {
	list := docs(t, `{"a":[2,{"b":[1,[3]]}]}`, `{"a":{"$numberDouble":"2.0"}}`, `{"a":null}`, `{}`, `{"a":[]}`, `{"a":{"b":"x"}}`, `{"a":[[1]]}`, `{"d":[{"0":1}]}`)
	for key, want := range map[string]string{"a": `[null,2,{"b":"x"},{"b":[1,[3]]},[1]]`, "a.b": `[1,"x",[3]]`, "a.0": `[1,2]`, "c": `[]`, "d.0": `[{"0":1}]`} {
		var got []string
		for _, v := range reference.Distinct(list, key) {
			text, err := ejson.AppendRelaxedValue(nil, v)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(text))
		}
		if text := "[" + strings.Join(got, ",") + "]"; text != want {
			t.Errorf("Distinct(%s) = %s, want %s", key, text, want)
		}
	}
}
