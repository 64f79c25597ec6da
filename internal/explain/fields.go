package explain

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/rules/expr"
)

// The fates of a field.
const (
	shown  = "shown"
	inPart = "part"
	hidden = "hidden"
)

// fates tells what became of the fields of a document. It compares what is stored with what is left of it; the permissions
// are evaluated to say why.
type fates struct {
	x        *explainer
	role     *config.Role
	env      *expr.Env
	decision Decision
}

// fate compares a value with what is left of it.
func fate(stored, left bson.RawValue) string {
	switch {
	case bsonval.IsMissing(left):
		return hidden
	case bsonval.Identical(stored, left):
		return shown
	default:
		return inPart
	}
}

// failing is what is left of a list when only that is told which permissions could not be evaluated.
func failing(fs []Fate) []Fate {
	out := []Fate{}
	for _, f := range fs {
		f.Fields = failing(f.Fields)
		is := func(t expr.Truth) bool {
			return slices.ContainsFunc(f.Permissions, func(p Permission) bool { return p.Truth == t.String() })
		}
		fails := is(expr.Error) && !is(expr.True) // one that holds is enough
		if !fails && len(f.Fields) > 0 {
			f.Reason = "by a field inside"
		}
		if fails || len(f.Fields) > 0 {
			out = append(out, f)
		}
	}
	return out
}

// top goes through the fields of the document. cut is what the role leaves, view what the query filters leave of that.
func (f *fates) top(stored, cut, view bson.Raw) []Fate {
	out := []Fate{}
	for it := bsonval.NewIter(stored); it.Next(); {
		name, v := string(it.Key()), it.Value()
		byRole, _ := bsonval.Lookup(cut, name)
		left, _ := bsonval.Lookup(view, name)
		var one Fate
		switch {
		case name == filter.Reserved:
			one = Fate{Reason: "never shown to anybody"}
		case f.decision.Shows == "fields":
			one = f.field(name, v, byRole)
		default:
			one = Fate{Reason: f.ofDocument()}
		}
		one.Path, one.Fate = name, fate(v, left)
		if fate(v, byRole) != one.Fate || !bsonval.Identical(byRole, left) {
			one.Reason, one.Fields = "by the projection of a query filter", nil
		}
		if one.Permissions == nil {
			one.Permissions = []Permission{}
		}
		out = append(out, one)
	}
	return out
}

// ofDocument is the permission that decides about all fields at once.
func (f *fates) ofDocument() string {
	granting := f.decision.Shows == "document"
	for _, p := range f.decision.Permissions {
		if isGate := strings.HasPrefix(p.Name, "document_filters"); !isGate && granting && p.Truth == "true" {
			return "by " + p.Name
		}
	}
	return f.decision.Reason
}

// field explains a top-level field by the rule about it: its own, or else additional_fields.
func (f *fates) field(name string, v, left bson.RawValue) Fate {
	if i := indexOf(f.role.Fields, name); i >= 0 && bsonval.IsSegment(name) {
		return f.ruled(&f.role.Fields[i].Rule, "fields."+name, name, v, left, true, true)
	}
	if f.role.Additional == nil {
		return Fate{Reason: "not listed, and there are no additional_fields"}
	}
	rule := *f.role.Additional
	rule.Fields = nil
	return f.ruled(&rule, "additional_fields", name, v, left, true, true)
}

func indexOf(fields []config.Field, name string) int {
	return slices.IndexFunc(fields, func(f config.Field) bool { return f.Name == name })
}

// ruled explains a field by a rule, and what is inside it by the rules inside. A kind of permission that has been given
// further up is not open any more.
func (f *fates) ruled(rule *config.FieldRule, key, path string, v, left bson.RawValue, readOpen, writeOpen bool) Fate {
	out := Fate{Path: path, Fate: fate(v, left), Permissions: []Permission{}}
	env := *f.env
	env.This, env.Prev = v, v
	if rule.Read != nil && readOpen {
		readOpen = false
		out.Permissions = append(out.Permissions, Permission{key + ".read", f.x.step(f.x.plan.Bound.Trace(rule.Read, expr.InField, &env))})
	}
	if rule.Write != nil && writeOpen {
		writeOpen = false
		out.Permissions = append(out.Permissions, f.write(key+".write", f.x.plan.Bound.Trace(rule.Write, expr.InField, &env)))
	}
	inside := len(rule.Fields) > 0 && (readOpen || writeOpen)
	out.Reason = reason(out.Permissions, key, inside)
	if !inside || strings.HasPrefix(out.Reason, "by ") {
		return out
	}
	doc, isDoc := bsonval.Document(v)
	if !isDoc {
		if out.Fate != hidden {
			out.Reason = "by what is listed in " + key + ".fields, in each element"
		}
		return out
	}
	if out.Fate != hidden {
		out.Reason = "by what is listed in " + key + ".fields"
	}
	shownDoc, _ := bsonval.Document(left)
	for it := bsonval.NewIter(doc); it.Next(); {
		name, v := string(it.Key()), it.Value()
		var left bson.RawValue
		if shownDoc != nil {
			left, _ = bsonval.Lookup(shownDoc, name)
		}
		i := indexOf(rule.Fields, name)
		if i < 0 || !bsonval.IsSegment(name) {
			out.Fields = append(out.Fields, Fate{
				Path: path + "." + name, Fate: fate(v, left), Reason: "not listed in " + key + ".fields", Permissions: []Permission{},
			})
			continue
		}
		out.Fields = append(out.Fields, f.ruled(&rule.Fields[i].Rule, key+".fields."+name, path+"."+name, v, left, readOpen, writeOpen))
	}
	return out
}

// write explains a permission to write, which counts for nothing where document_filters.write does not hold.
func (f *fates) write(name string, own expr.Step) Permission {
	gate := f.role.DocumentFilters
	if gate == nil || gate.Write == nil {
		return Permission{name, f.x.step(own)}
	}
	under := f.x.plan.Bound.Trace(gate.Write, expr.InRole, f.env)
	if under.Truth == expr.True {
		return Permission{name, f.x.step(own)}
	}
	return Permission{name + " (under document_filters.write)", f.x.step(expr.Step{
		Text: under.Text + " and " + own.Text, At: own.At, Truth: under.Truth.And(own.Truth), Join: expr.All, Parts: []expr.Step{under, own},
	})}
}

// reason names the permission that shows a field, or those that do not.
func reason(permissions []Permission, key string, inside bool) string {
	var parts []string
	for _, p := range permissions {
		if p.Truth == "true" {
			return "by " + p.Name
		}
		parts = append(parts, p.Name+" is "+p.Truth)
	}
	switch {
	case inside:
		parts = append(parts, "nothing that is listed in "+key+".fields is there")
	case len(parts) == 0:
		return key + " grants nothing"
	}
	return strings.Join(parts, ", ")
}
