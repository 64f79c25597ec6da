package worlds_test

import (
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/policytest"
)

// archive writes an app as a case of the corpus.
type archive struct{ strings.Builder }

func (a *archive) file(name, text string) {
	fmt.Fprintf(a, "-- %s --\n%s\n", name, strings.TrimRight(text, "\n"))
}

// values are the parts that every app has.
func (a *archive) values() {
	for _, v := range appValues {
		a.file("values/"+v.Key+".json", text(bson.D{{Key: "name", Value: v.Key}, {Key: "value", Value: v.Value}}))
	}
	a.file("environments/no-environment.json", text(bson.D{{Key: "values", Value: environment}}))
}

// users writes users.json, with names u0, u1 and so on.
func (a *archive) users(list []User, withCustomData bool) {
	all := bson.D{}
	for i, u := range list {
		user := bson.D{{Key: "id", Value: u.ID}, {Key: "data", Value: u.Data}}
		if u.Data == nil {
			user = user[:1]
		}
		if u.Custom != nil && withCustomData {
			user = append(user, bson.E{Key: "custom_data", Value: u.Custom})
		}
		all = append(all, bson.E{Key: fmt.Sprintf("u%d", i), Value: user})
	}
	a.file("users.json", text(all))
}

// rules writes the rules.json of a collection, a role or filter a line.
func (a *archive) rules(database, collection string, rules bson.D) {
	var b strings.Builder
	fmt.Fprintf(&b, "{\"database\": %q, \"collection\": %q", database, collection)
	for _, part := range rules {
		fmt.Fprintf(&b, ", %q: [", part.Key)
		list, _ := part.Value.(bson.A)
		for i, entry := range list {
			if i > 0 {
				b.WriteString(",")
			}
			b.WriteString("\n  " + text(entry))
		}
		b.WriteString("\n]")
	}
	a.file(fmt.Sprintf("data_sources/%s/%s/%s/rules.json", policytest.DefaultService, database, collection), b.String()+"}")
}

func (a *archive) documents(name string, docs []bson.D) {
	lines := make([]string, len(docs))
	for i, d := range docs {
		lines[i] = text(d)
	}
	a.file("documents/"+name+".json", "[\n"+strings.Join(lines, ",\n")+"\n]")
}

// export is the app of a batch: the rules of each world twice, once for each database.
func (b *batch) export() (*policytest.Case, error) {
	var a archive
	a.WriteString("Random worlds.\nSpec: enforcement 1\n")
	a.values()
	a.users(b.users(), false)
	a.file("auth/custom_user_data.json", text(bson.D{
		{Key: "enabled", Value: true},
		{Key: "mongo_service_name", Value: policytest.DefaultService},
		{Key: "database_name", Value: b.databases[0]},
		{Key: "collection_name", Value: customCollection},
		{Key: "user_id_field", Value: policytest.CustomDataUserField},
	}))
	for i, w := range b.worlds {
		for _, database := range b.databases {
			a.rules(database, collection(i), w.Rules)
		}
	}
	a.file("1. u0 asks", "find app.c {}") // a case has a step
	a.file("1. want", "")
	return policytest.Parse("worlds.txtar", []byte(a.String()))
}

// case writes a world as a case of the corpus, with the answers that the model gives.
func (w *World) text(why string, run pipelines) string {
	var a archive
	fmt.Fprintf(&a, "%s\n\nSpec: enforcement 1\n\n", why)
	a.values()
	a.rules("app", "c", w.Rules)
	a.users([]User{w.User}, true)
	a.documents("app.c", w.Docs)
	if w.Twin != nil {
		a.documents("app.twin", w.Twin)
		fmt.Fprintf(&a, "-- indexes --\n%s and %s\n", text(w.Indexes), text(w.TwinIndexes))
	}
	for i, r := range w.Requests {
		a.file(fmt.Sprintf("%d. u0 asks", i+1), r.text())
		want := expect(w.model(), w.User, w.Docs, r, run)
		a.file(fmt.Sprintf("%d. want", i+1), strings.Join(want.lines(), "\n"))
	}
	return a.String()
}

// text writes a request the way cases do.
func (r Request) text() string {
	first, rest := r.Action+" app.c", ""
	for _, arg := range r.args() {
		switch arg.Key {
		case "key", "filter", "pipeline":
			first += " " + arg.Text
		default:
			rest += "\n" + arg.Key + " " + arg.Text
		}
	}
	return first + rest
}
