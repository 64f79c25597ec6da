package explain

import (
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/rules"
	"github.com/rolegate/rolegate/rules/expr"
)

// document explains the view of one stored document. What it is comes from a Decider, the rest says why.
func (x *explainer) document() *Document {
	doc := x.o.Document
	decider := x.plan.Bound.Decider()
	view, visible, err := decider.View(nil, doc)
	d := &Document{Stored: x.showDocument(doc), Filters: []Verdict{}, Roles: []Tried{}, Fields: []Fate{}, Visible: visible, Hidden: []string{}}
	if visible {
		d.View = x.showDocument(view)
		d.Matches = x.plan.Filter.Match(view)
		d.Hidden = x.hiddenFromFilter(doc, view)
	}
	env := &expr.Env{Root: doc, PrevRoot: doc}
	stopped := x.verdicts(d, doc)
	role := x.try(d, env)
	decision := decider.Decide(doc)
	d.Decision = decided(decision)
	if role != nil {
		d.Decision.Permissions = x.documentPermissions(role, env)
	}
	switch {
	case stopped != "":
		d.Decision.Shows, d.Decision.Reason = "nothing", fmt.Sprintf("the query filter %s does not let it pass", source.Quote(stopped))
	case err != nil:
		if role != nil && decision.Err == nil { // a permission of a field failed
			d.Fields = failing((&fates{x, role, env, d.Decision}).top(doc, nil, nil))
		}
		d.Decision.Shows, d.Decision.Reason = "withheld", err.Error()
	case role != nil:
		cut, _, _ := filter.Cut(nil, doc, decision.Read) // View has told of errors
		d.Fields = (&fates{x, role, env, d.Decision}).top(doc, cut, view)
		if !visible && d.Decision.Shows != "nothing" {
			d.Decision.Reason += ", and nothing of it is left"
		}
	}
	return d
}

// hiddenFromFilter are the paths of the client's filter at which the view has other values than the stored document.
func (x *explainer) hiddenFromFilter(doc, view bson.Raw) []string {
	out := []string{}
	for _, path := range x.plan.Filter.Paths() {
		var values [2][]bson.RawValue
		for i, d := range []bson.Raw{doc, view} {
			path.Values(d, func(v bson.RawValue) bool {
				values[i] = append(values[i], v)
				return true
			})
		}
		if !slices.EqualFunc(values[0], values[1], bsonval.Identical) {
			out = append(out, path.String())
		}
	}
	return out
}

// verdicts lists the query filters that apply, and returns the first that does not let the document pass.
func (x *explainer) verdicts(d *Document, doc bson.Raw) (stopped string) {
	for _, f := range x.queryFilters {
		if f.Applies == expr.False {
			continue
		}
		passes := !f.None && (f.Filter == nil || f.Filter.Match(doc))
		d.Filters = append(d.Filters, Verdict{f.Source.Name, passes})
		if !passes && stopped == "" {
			stopped = f.Source.Name
		}
	}
	return stopped
}

// try lists the roles, and returns the one that applies.
func (x *explainer) try(d *Document, env *expr.Env) (applies *config.Role) {
	done := false
	for _, state := range x.plan.Bound.Roles() {
		tried := Tried{Name: state.Source.Name}
		switch {
		case !state.Live:
			tried.Outcome = "out"
		case done:
			tried.Outcome = "later"
		default:
			step := x.plan.Bound.Trace(state.Source.ApplyWhen, expr.InRole, env)
			shown := x.step(step)
			tried.ApplyWhen = &shown
			tried.Outcome = "passed"
			switch step.Truth {
			case expr.True:
				tried.Outcome, done, applies = "applies", true, state.Source
			case expr.Error:
				tried.Outcome, done = "fails", true
			}
		}
		d.Roles = append(d.Roles, tried)
	}
	return applies
}

// decided says what a decision means for the document.
func decided(d rules.Decision) Decision {
	out := Decision{Role: d.Role, Permissions: []Permission{}}
	switch {
	case d.Err != nil:
		out.Shows, out.Reason = "withheld", d.Err.Error()
	case d.Role == "":
		out.Shows, out.Reason = "nothing", "no role applies"
	case d.Read.IsAll():
		out.Shows, out.Reason = "document", fmt.Sprintf("the role %s shows the whole document", source.Quote(d.Role))
	case d.Read == filter.Mask{}:
		out.Shows, out.Reason = "nothing", fmt.Sprintf("the role %s does not let the document be read", source.Quote(d.Role))
	default:
		out.Shows, out.Reason = "fields", fmt.Sprintf("the role %s decides field by field", source.Quote(d.Role))
	}
	return out
}
