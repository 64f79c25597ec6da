package apptest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/rules"
	"github.com/rolegate/rolegate/rules/expr"
)

// kinds are the ways in which a request comes to a rule.
type kinds uint8

const (
	reading kinds = 1 << iota // what is to be changed or deleted is read, too
	inserting
	updating
	deleting

	writing = inserting | updating | deleting
)

func kindsOf(operation string) kinds {
	switch operation {
	case "insert":
		return inserting
	case "update":
		return reading | updating
	case "delete":
		return reading | deleting
	}
	return reading
}

// operationsOf are the operations that rules may take a request for, with the action of the Data API.
func operationsOf(action string) []string {
	switch operation := operations()[action]; {
	case action == "bulkWrite":
		return []string{"insert", "update", "delete"}
	case operation == "find":
		return []string{"find", "get"}
	case operation == "update":
		return []string{"update", "insert"} // of an upsert
	default:
		return []string{operation}
	}
}

// reach notes how the user of a step could come to the roles, with every action and not only that of the step.
func (p *place) reach(s *session, a *asked) {
	known := fmt.Sprintf("%v %s %v %v %v", a.ns, a.step.User, a.step.Command.Headers, a.custom, a.found)
	if s.reached[known] {
		return
	}
	s.reached[known] = true
	for _, action := range actions() {
		for _, operation := range operationsOf(action) {
			r := request{operation: operation, filter: bsonval.Empty()}
			c := s.caller(a, r)
			c.Request.Action = action
			plan := s.planAs(a, c, r)
			if plan == nil {
				continue
			}
			roles := plan.Bound.Roles()
			for i, state := range roles {
				if state.Live && i < len(p.roles) && !hidden(plan.Bound, roles[:i], state.Source.ApplyWhen) {
					p.roles[i].applies |= kindsOf(operation)
				}
			}
		}
	}
}

// hidden tells whether one of the roles before applies wherever a condition holds.
func hidden(b *rules.Bound, before []rules.RoleState, when *source.Value) bool {
	return slices.ContainsFunc(before, func(r rules.RoleState) bool { return r.Live && implies(b, when, r.Source.ApplyWhen) })
}

// implies tells whether one condition holds wherever another does, as far as that can be seen from how they are written: what
// it demands is demanded there, too, or holds for every document.
func implies(b *rules.Bound, when, other *source.Value) bool {
	if step := b.Trace(other, expr.InRole, nil); !step.Open {
		return step.Truth == expr.True
	}
	for _, m := range other.Members {
		one := &source.Value{Kind: source.Object, Members: []source.Member{m}, Span: m.Value.Span}
		demanded := func(v *source.Value) bool { return implies(b, when, v) }
		switch {
		case slices.ContainsFunc(demands(when), func(d string) bool { return d == one.String() }):
		case len(other.Members) > 1 && implies(b, when, one):
		case isOperator(m.Name, "and") && !slices.ContainsFunc(m.Value.Items, func(v *source.Value) bool { return !demanded(v) }):
		case isOperator(m.Name, "or") && slices.ContainsFunc(m.Value.Items, demanded):
		default:
			return false
		}
	}
	return len(other.Members) > 0
}

// demands are the conditions all of which a condition demands, as they are written.
func demands(v *source.Value) []string {
	if v == nil {
		return nil
	}
	var out []string
	for _, m := range v.Members {
		out = append(out, (&source.Value{Kind: source.Object, Members: []source.Member{m}}).String())
		if isOperator(m.Name, "and") {
			for _, it := range m.Value.Items {
				out = append(out, demands(it)...)
			}
		}
	}
	return out
}

func isOperator(name, operator string) bool { return name == "%"+operator || name == "$"+operator }

// asked tells whether an outcome is one that a case can show.
func (r *roleSeen) asked(s seen) bool {
	return s.can && (s.only == 0 || r.applies == 0 || s.only&r.applies != 0)
}

// changes are the kinds of writes in which a client can change the field at a path; "" is every field that is not listed.
func (r *roleSeen) changes(path string) kinds {
	var out kinds
	if !r.presets("insert", path) {
		out |= inserting
	}
	if first, _, _ := strings.Cut(path, "."); first != "_id" && !r.presets("update", path) {
		out |= updating
	}
	return out
}

// presets tells whether the role itself sets all of what is at a path on a kind of write, so that what clients send there has
// no effect.
func (r *roleSeen) presets(operation, path string) bool {
	list := r.source.Presets.Insert
	if operation == "update" {
		list = r.source.Presets.Update
	}
	return slices.ContainsFunc(list, func(p config.Preset) bool { return leadsTo(strings.Join(p.Path, "."), path) })
}

// leadsTo tells whether a path is another one or leads to it.
func leadsTo(path, other string) bool { return path == other || strings.HasPrefix(other, path+".") }
