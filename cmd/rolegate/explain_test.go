package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/internal/explain"
	"github.com/rolegate/rolegate/internal/source"
)

const (
	explainPage = "../../docs/explain.md"
	example     = "../../examples/employees"
	begin       = "<!-- output: explain -->\n"
	end         = "<!-- end -->\n"
)

// asked is what one person of the example asks, and the document that is explained.
type asked struct {
	who, title, collection, filter, sort, op, id string
}

func examples() []asked {
	return []asked{
		{"mara", "Mara looks for who earns most, and finds somebody she manages", "hr.employees", `{"salary": {"$gt": 50000}}`, `{"salary": -1}`, "", "0528"},
		{"tom", "Tom asks the same, and does not find a team mate whose salary he may not see", "hr.employees", `{"salary": {"$gt": 50000}}`, `{"salary": -1}`, "", "0713"},
		{"priya", "Priya looks for good restaurants, and finds one that is not hers", "guide.restaurants", `{"stars": {"$gte": 3}}`, `{"stars": -1}`, "", "lantern"},
		{"olaf", "Olaf counts the sales team, to which he does not belong", "hr.employees", `{"team": "sales"}`, ``, "count", "0528"},
		{"zoe", "Zoe has no account: two of the three roles are out for her", "hr.employees", ``, ``, "", "0902"},
	}
}

// TestExplainPage holds that docs/explain.md shows what the command answers for the people of the example.
func TestExplainPage(t *testing.T) {
	page, err := os.ReadFile(explainPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), begin)
	want, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("the page has no %q or no %q", begin, end)
	}
	var got strings.Builder
	for _, a := range examples() {
		got.WriteString(a.section(t))
	}
	got.WriteString("\n")
	if *update {
		if err := os.WriteFile(explainPage, []byte(before+begin+got.String()+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("explain answers otherwise than the page says; -update rewrites it (-want +got):\n%s", diff)
	}
}

// section shows the user, the command and its answer.
func (a asked) section(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	user, doc := filepath.Join(dir, a.who+".json"), filepath.Join(dir, a.id+".json")
	write(t, user, a.user(t))
	write(t, doc, document(t, a.collection, "_id", a.id))
	command, args := "rolegate explain --app examples/employees/app --as "+a.who+".json --ns "+a.collection,
		[]string{"explain", "--app", filepath.Join(example, "app"), "--as", user, "--ns", a.collection}
	add := func(flag, shown, value string) {
		if value != "" {
			command += " " + flag + " " + shown
			args = append(args, flag, value)
		}
	}
	add("--op", a.op, a.op)
	add("--filter", "'"+a.filter+"'", a.filter)
	add("--sort", "'"+a.sort+"'", a.sort)
	add("--doc", a.id+".json", doc)
	var out, talk strings.Builder
	if code := run(t.Context(), args, streams{out: &out, err: &talk}); code != exitOK {
		t.Fatalf("exit code %d: %s", code, talk.String())
	}
	return fmt.Sprintf("\n### %s\n\n`%s.json`:\n\n```json\n%s\n```\n\n```console\n$ %s\n%s```\n", a.title, a.who, a.user(t), command, out.String())
}

// user is the person of users.json, with their document of hr.accounts as custom data.
func (a asked) user(t *testing.T) string {
	t.Helper()
	people := parse(t, "users.json")
	person := people.Get(a.who)
	if len(people.Members) != len(examples()) || person == nil {
		t.Fatalf("users.json has %d people, %s among them: %v", len(people.Members), a.who, person != nil)
	}
	text := strings.TrimSuffix(person.String(), "}")
	if account := document(t, "hr.accounts", "user_id", person.Get("id").Str); account != "" {
		text += `, "custom_data": ` + account
	}
	return text + "}"
}

// document is the one of a collection of the example that has a value, "" when there is none.
func document(t *testing.T, collection, field, value string) string {
	t.Helper()
	for _, doc := range parse(t, "documents/"+collection+".json").Items {
		if v := doc.Get(field); v != nil && v.Str == value {
			return doc.String()
		}
	}
	return ""
}

func parse(t *testing.T, name string) *source.Value {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(example, name))
	if err != nil {
		t.Fatal(err)
	}
	v, ds := source.Parse(&source.File{Name: name, Text: text})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	return v
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestExplainKeysAreDocumented holds that the page explains every key of the JSON form.
func TestExplainKeysAreDocumented(t *testing.T) {
	page, err := os.ReadFile(explainPage)
	if err != nil {
		t.Fatal(err)
	}
	_, tables, _ := strings.Cut(string(page), "## The JSON form")
	tables, _, _ = strings.Cut(tables, "\n## ")
	seen := map[reflect.Type]bool{}
	var visit func(of reflect.Type)
	visit = func(of reflect.Type) {
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct || seen[of] {
			return
		}
		seen[of] = true
		for i := range of.NumField() {
			f := of.Field(i)
			if key, _, _ := strings.Cut(f.Tag.Get("json"), ","); !f.Anonymous && !strings.Contains(tables, "`"+key+"`") {
				t.Errorf("%s does not explain %q of %s", explainPage, key, of.Name())
			}
			visit(f.Type)
		}
	}
	visit(reflect.TypeFor[explain.Report]())
	if len(seen) < 10 {
		t.Errorf("only %d types are looked at", len(seen))
	}
}
