package apptest

import (
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/explain"
	"github.com/rolegate/rolegate/internal/policytest"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
	"github.com/rolegate/rolegate/rules/expr"
)

// logged is a line of the decision log as a sentence.
func (w *why) logged(l line) string {
	role, permission, path := source.Quote(l.attrs["role"]), l.attrs["permission"], source.Quote(l.attrs["path"])
	switch {
	case l.message == "documents withheld: a rule could not be evaluated":
		return fmt.Sprintf("Documents were withheld: %s of the role %s could not be evaluated.", permission, role)
	case l.message == "a lookup failed: what needs its values is denied":
		return fmt.Sprintf("The lookup %s failed: %s.", source.Quote(l.attrs["lookup"]), l.attrs["error"])
	case l.message == "a function failed: what needs its result is denied":
		return fmt.Sprintf("The function %s failed: %s.", source.Quote(l.attrs["function"]), l.attrs["error"])
	case l.message != "refused" || permission == "" || l.attrs["cause"] != "denied":
		return ""
	case permission == "presets":
		return fmt.Sprintf("The role %s refused it: %s.", role, w.preset(l.attrs["path"]))
	}
	subject, named := "The role "+role, l.attrs["path"] != ""
	switch {
	case permission == "apply_when" && l.attrs["role"] == "":
		return "It was refused: no role applies to the document, or to what would become of it."
	case permission == "apply_when":
		return subject + " refused it: its apply_when could not be evaluated."
	case permission == "filter" && named:
		return "It was refused: a query filter hides the field " + path + "."
	case permission == "filter":
		return "It was refused: a query filter would hide what would be stored."
	case permission == "schema":
		return "It was refused: what would be stored does not conform to the schema, in a field that the user may not read: " + path + "."
	case permission == "database":
		return "It was refused by the database: a validator or an index does not take what would be stored."
	case l.attrs["role"] == "":
		return "It was refused: it depends on a value that the user may not read."
	case permission == "read":
		return subject + " refused it: the new value of " + path + " depends on the old one, which it does not show."
	case permission == "write" && named:
		return subject + " refused it: it does not let " + path + " be written."
	}
	return subject + " refused it, by " + permission + "."
}

// preset says what is wrong with a preset that a write was refused for.
func (w *why) preset(path string) string {
	if path == "" {
		return "a preset has a value that cannot be stored"
	}
	docs := w.a.before
	for _, r := range requests(w.a.step.Command) {
		docs = append(slices.Clone(docs), r.documents...)
	}
	for i := range path {
		if path[i] != '.' {
			continue
		}
		for _, doc := range docs {
			if v := at(doc, path[:i]); !bsonval.IsMissing(v) && v.Type != bson.TypeEmbeddedDocument {
				return fmt.Sprintf("the preset of %s cannot be set, because %s is no document", source.Quote(path), source.Quote(path[:i]))
			}
		}
	}
	return fmt.Sprintf("the preset of %s has no value", source.Quote(path))
}

// insert tells which role would decide about new documents.
func (w *why) insert(r request) []string {
	plan := w.s.plan(w.a, request{operation: r.operation, filter: bsonval.Empty()})
	if plan == nil {
		return nil
	}
	var out []string
	for _, doc := range r.documents[:min(mostExplained, len(r.documents))] {
		out = append(out, "The new document "+policytest.Text(bsonval.FromDocument(doc))+":")
		for _, l := range w.inserted(plan, doc) {
			out = append(out, "  "+l)
		}
	}
	return out
}

func (w *why) inserted(plan *proxy.Planned, doc bson.Raw) []string {
	_, idGiven := bsonval.Lookup(doc, "_id")
	env := &expr.Env{Root: doc}
	var out, none []string
	var applies *config.Role
	for _, role := range plan.Bound.Roles() {
		name, step := source.Quote(role.Source.Name), w.condition(plan, role.Source.ApplyWhen, env)
		if step.Truth == expr.True.String() {
			applies = role.Source
			out = append(out, fmt.Sprintf("role %s applies (%s): %s", name, applies.Span, condition(step)))
			break
		}
		if !role.Live {
			none = append(none, name)
			continue
		}
		out = append(out, fmt.Sprintf("role %s does not apply: %s", name, condition(step)))
	}
	if len(none) > 0 {
		out = slices.Insert(out, 0, notHere(none))
	}
	d := plan.Bound.Decider().CheckInsert(doc, idGiven)
	role := slices.IndexFunc(plan.Bound.Roles(), func(s rules.RoleState) bool { return s.Source.Name == d.Role })
	switch {
	case d.Allowed && applies.Insert != nil:
		return append(out, "it allows the insert: its "+permission("insert", w.condition(plan, applies.Insert, &expr.Env{Root: d.Post})))
	case d.Allowed:
		return append(out, "it allows the insert")
	case applies == nil:
		return append(out, "no role applies")
	case role < 0:
		return append(out, "with what it sets, no role applies")
	case d.Permission == "presets":
		return append(out, w.preset(d.Path))
	}
	by := plan.Bound.Roles()[role].Source
	its := "its "
	if by != applies {
		its = fmt.Sprintf("with what it sets, the role %s applies, too: its ", source.Quote(by.Name))
	}
	v := map[string]*source.Value{"insert": by.Insert, "write": by.Write}[d.Permission]
	switch {
	case d.Path != "" && d.Permission == "write":
		out = append(out, its+"fields do not let "+source.Quote(d.Path)+" be written")
	case v == nil:
		out = append(out, its+d.Permission+" does not allow it")
	case len(applies.Presets.Insert) > 0: // it is asked about the outcome
		out = append(out, its+d.Permission+" does not hold of what would be stored: "+v.String())
	default:
		out = append(out, its+permission(d.Permission, w.condition(plan, v, env)))
	}
	return out
}

func (w *why) condition(plan *proxy.Planned, v *source.Value, env *expr.Env) *explain.Step {
	step := explain.Condition(w.s.rules.Proxy.Policy, plan.Bound, v, env)
	return &step
}
