package apptest

import (
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/explain"
	"github.com/rolegate/rolegate/internal/policytest"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/rules/expr"
)

// mostExplained is how many documents are explained for one failure.
const mostExplained = 3

// why says why a step came to what it did.
type why struct {
	s *session
	a *asked
	f policytest.Failure
}

func (w *why) sentences() []string {
	switch ns := policytest.Namespace(w.a.ns).String(); {
	case w.f.Stored == "":
	case w.f.Stored != ns:
		return []string{fmt.Sprintf("This step is about %s: look at the steps before for what is different in %s.", ns, w.f.Stored)}
	case len(compare(w.a.before, w.a.after)) == 0:
		return []string{fmt.Sprintf("This step has changed nothing in %s: look at the steps before for what is different there.", ns)}
	}
	var out []string
	for _, l := range w.a.log {
		if text := w.logged(l); text != "" {
			out = append(out, text)
		}
	}
	if w.a.step.Command.Action == "aggregate" && !w.s.target.computed {
		out = append(out, `This aggregation may need a database that can compute fields: give one with --mongodb-uri, and add the line `+
			`"Needs: computed fields" to the case, so that it is skipped without.`)
	}
	docs, fields := w.changed()
	for _, r := range requests(w.a.step.Command) {
		if r.operation == "insert" {
			out = append(out, w.insert(r)...)
			continue
		}
		for i, doc := range w.relevant(r, docs) {
			if i == mostExplained {
				out = append(out, "Other documents are not explained.")
				break
			}
			out = append(out, w.explain(r, doc, fields)...)
		}
	}
	return out
}

// changed are the documents of the lines that are different, and the fields that are.
func (w *why) changed() (docs []bson.Raw, fields []string) {
	for _, l := range difference(w.f.Section.Lines, w.f.Got) {
		if doc, ok := parsed(l.Text); ok && l.Mark != "" {
			docs, fields = append(docs, doc), append(fields, l.fields...)
		}
	}
	return docs, fields
}

// relevant are the stored documents that a failure is about: those whose lines are different, or else all that the request
// is about.
func (w *why) relevant(r request, lines []bson.Raw) []bson.Raw {
	var out []bson.Raw
	for _, doc := range w.a.before {
		if slices.ContainsFunc(lines, func(line bson.Raw) bool { return isOf(line, doc) }) {
			out = append(out, doc)
		}
	}
	plan := w.s.plan(w.a, r)
	if plan == nil || len(out) > 0 {
		return out
	}
	return about(plan, w.a.before)
}

// isOf tells whether a line is about a stored document: by its _id, or where that is not shown by every plain value.
func isOf(line, stored bson.Raw) bool {
	if id, shown := bsonval.Lookup(line, "_id"); shown {
		other, _ := bsonval.Lookup(stored, "_id")
		return bsonval.Equal(id, other)
	}
	for it := bsonval.NewIter(line); it.Next(); {
		v, _ := bsonval.Lookup(stored, string(it.Key()))
		nested := it.Value().Type == bson.TypeEmbeddedDocument || it.Value().Type == bson.TypeArray
		if !nested && !bsonval.Equal(v, it.Value()) {
			return false
		}
	}
	return true
}

// written are the names of the top-level fields of a document that the step has changed.
func (w *why) written(doc bson.Raw) []string {
	var out []string
	for _, ch := range compare(w.a.before, w.a.after) {
		if ch.before == nil || ch.after == nil || idOf(ch.before) != idOf(doc) {
			continue
		}
		for it := bsonval.NewIter(doc); it.Next(); {
			if v, _ := bsonval.Lookup(ch.after, string(it.Key())); !bytesEqual(it.Value(), v) {
				out = append(out, string(it.Key()))
			}
		}
	}
	return out
}

// explain goes through the rules with one document, as rolegate explain does.
func (w *why) explain(r request, doc bson.Raw, fields []string) []string {
	c := w.s.caller(w.a, r)
	report, err := explain.New(explain.Options{
		Proxy: w.s.rules.Proxy, Namespace: w.a.ns, Operation: r.operation, Filter: r.filter, Document: doc,
		User: &explain.User{User: *c.User, CustomData: w.a.custom.Document, Request: c.Request, Lookups: w.a.found},
	})
	if err != nil {
		return []string{err.Error()}
	}
	out := []string{fmt.Sprintf("The document %s of %s, as it was before:", idOf(doc), w.a.ns)}
	add := func(format string, args ...any) { out = append(out, "  "+fmt.Sprintf(format, args...)) }
	var none []string
	for i, tried := range report.Document.Roles {
		name := source.Quote(tried.Name)
		switch tried.Outcome {
		case "applies":
			add("role %s applies (%s): %s", name, report.Roles[i].At, condition(tried.ApplyWhen))
		case "passed", "fails":
			add("role %s does not apply: %s", name, condition(tried.ApplyWhen))
		case "out":
			if report.Roles[i].ApplyWhen.Truth != expr.True.String() { // else it stands behind one that always applies
				none = append(none, name)
			}
		}
	}
	if len(none) > 0 {
		out = slices.Insert(out, 1, "  "+notHere(none))
	}
	for _, f := range report.Document.Filters {
		if !f.Passes {
			add("the query filter %s hides it", source.Quote(f.Name))
		}
	}
	d := report.Document.Decision
	add("%s", d.Reason)
	for _, p := range d.Permissions {
		add("its %s", permission(p.Name, &p.Step))
	}
	written := w.written(doc)
	for _, f := range report.Document.Fields {
		if slices.Contains(written, f.Path) {
			for _, l := range fieldWritten(report, f) {
				add("%s", l)
			}
		}
		if slices.Contains(fields, f.Path) {
			add("%s is %s: %s", f.Path, map[string]string{"shown": "shown", "part": "shown in part", "hidden": "hidden"}[f.Fate], f.Reason)
		}
	}
	return out
}

// fieldWritten tells what let a field be written.
func fieldWritten(r *explain.Report, f explain.Fate) []string {
	for _, role := range r.Roles {
		set := slices.ContainsFunc(role.Presets, func(p explain.Preset) bool { return p.On == "update" && leadsTo(p.Path, f.Path) })
		if role.Name == r.Document.Decision.Role && set {
			return []string{f.Path + " is set by the role, whatever the request says"}
		}
	}
	var out []string
	for _, p := range f.Permissions {
		if strings.HasSuffix(p.Name, ".write") {
			out = append(out, "its "+permission(p.Name, &p.Step))
		}
	}
	return out
}

// notHere says of roles that whoever asks for this has none of them, whatever the document.
func notHere(names []string) string {
	if len(names) == 1 {
		return "role " + names[0] + " is not for this user and this kind of request"
	}
	last := len(names) - 1
	return "roles " + strings.Join(names[:last], ", ") + " and " + names[last] + " are not for this user and this kind of request"
}

// decisive is the part of a condition that made it what it is, as far as one part alone did.
func decisive(s *explain.Step) *explain.Step {
	truth := map[string]string{"all": expr.False.String(), "any": expr.True.String()}[s.Join]
	if s.Truth != truth {
		return s
	}
	for i := range s.Parts {
		if s.Parts[i].Truth == truth {
			return decisive(&s.Parts[i])
		}
	}
	return s
}

// permission is what the condition of a permission came to.
func permission(name string, s *explain.Step) string {
	if s.Text == s.Truth {
		return name + " is " + s.Text
	}
	return name + " " + condition(s)
}

// condition is what a condition came to, with the values that it saw.
func condition(s *explain.Step) string {
	s = decisive(s)
	if s.Text == s.Truth {
		return s.Text
	}
	out := s.Text + " is " + s.Truth
	var seen []string
	var visit func(s *explain.Step)
	visit = func(s *explain.Step) {
		for _, v := range s.Values {
			text := v.Name + " is " + string(v.Value)
			if v.Value == nil {
				text = v.Name + " has no value"
			}
			if !slices.Contains(seen, text) {
				seen = append(seen, text)
			}
		}
		for i := range s.Parts {
			visit(decisive(&s.Parts[i]))
		}
	}
	visit(s)
	if len(seen) == 0 {
		return out
	}
	return out + ", because " + strings.Join(seen, " and ")
}
