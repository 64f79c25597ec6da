package explain

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
	"github.com/rolegate/rolegate/rules/expr"
)

// Options is what is asked.
type Options struct {
	Proxy     proxy.Config // of the app, without a store
	Namespace rules.Namespace
	User      *User
	Operation string   // as rules call it, one that begins with a read; "" is that of the user's request, or else get or find
	Filter    bson.Raw // of the client; nil is {}
	Sort      bson.Raw // nil is none
	Update    bson.Raw // of the client; nil is none
	Many      bool     // of an update or a deletion: all documents that match, not the first one
	Document  bson.Raw // as it is stored; nil is none
}

// operations are those that begin with a read, each with the action of the Data API that rules see where the user's request
// names none.
func operations() map[string]string {
	return map[string]string{
		"get": "findOne", "find": "find", "count": "countDocuments", "distinct": "distinct", "aggregate": "aggregate",
		"update": "updateOne", "delete": "deleteOne",
	}
}

type explainer struct {
	o            Options
	proxy        *proxy.Proxy
	plan         *proxy.Planned
	queryFilters []rules.FilterState
}

// New explains a request. An error is what the client would be told.
func New(o Options) (*Report, error) {
	x := &explainer{o: o, proxy: proxy.New(o.Proxy)}
	if err := x.complete(); err != nil {
		return nil, err
	}
	caller := proxy.Caller{User: &x.o.User.User, Request: x.o.User.Request, Found: x.o.User.Lookups}
	find := proxy.Find{NS: x.o.Namespace, Filter: x.o.Filter, Sort: x.o.Sort}
	plan, err := x.proxy.Plan(caller, x.customData(), x.o.Operation, find)
	if err != nil {
		return nil, told(err)
	}
	x.plan, x.queryFilters = plan, plan.Bound.Filters()
	write, err := x.write(caller)
	if err != nil {
		return nil, err
	}
	r := &Report{
		Namespace: x.o.Namespace.String(), DataSource: x.o.Namespace.Service, Operation: x.o.Operation,
		User: x.o.User.User.ID, UserType: string(x.o.User.User.Type), Notes: x.notes(),
		Filters: x.filters(), Roles: x.roles(), Read: x.read(), Aggregation: x.aggregation(), Write: write,
	}
	if x.o.Document != nil {
		r.Document = x.document()
	}
	return r, nil
}

func (x *explainer) customData() rules.CustomData {
	return rules.CustomData{Document: x.o.User.CustomData}
}

// told is an error as the client would be told of it.
func told(err error) error {
	if refused, ok := errors.AsType[*proxy.Error](err); ok {
		return errors.New(refused.Message)
	}
	return err
}

// write tells how an update that was given, or a deletion, would be carried out.
func (x *explainer) write(caller proxy.Caller) (w *Write, err error) {
	var plan *proxy.PlannedWrite
	switch {
	case x.o.Update != nil:
		plan, err = x.proxy.PlanUpdate(caller, x.customData(), proxy.Update{NS: x.o.Namespace, Filter: x.o.Filter, Update: x.o.Update, Many: x.o.Many})
	case x.o.Operation == "delete":
		plan, err = x.proxy.PlanDelete(caller, x.customData(), proxy.Delete{NS: x.o.Namespace, Filter: x.o.Filter, Many: x.o.Many})
	default:
		return nil, nil
	}
	if err != nil {
		return nil, told(err)
	}
	w = &Write{Mode: "guarded", Reason: plan.Why}
	if plan.Direct {
		w.Mode, w.Filter = "direct", x.showDocument(plan.Filter)
	}
	if plan.Denied != nil {
		w.Denied = x.showDocument(plan.Denied)
	}
	return w, nil
}

// complete fills in what every request has. The user that was given stays as it is.
func (x *explainer) complete() error {
	u := *x.o.User
	x.o.User = &u
	if x.o.Operation == "" && x.o.Update != nil {
		x.o.Operation = "update"
	}
	if x.o.Operation == "" {
		x.o.Operation = u.Request.Operation
	}
	if x.o.Operation == "" {
		x.o.Operation = proxy.Find{Filter: x.o.Filter}.Operation()
	}
	action, known := operations()[x.o.Operation]
	if !known {
		return fmt.Errorf("no documents are read for %s: the operation is one of get, find, count, distinct, aggregate, update, delete",
			strconv.Quote(x.o.Operation))
	}
	if x.o.Update != nil && x.o.Operation != "update" {
		return errors.New("an update is given, and the operation is " + x.o.Operation)
	}
	if u.Request.Action == "" {
		u.Request.Action = action
	}
	if u.Request.Service == "" {
		u.Request.Service = x.o.Namespace.Service
	}
	if u.Request.HTTPMethod == "" {
		u.Request.HTTPMethod = "POST"
	}
	return nil
}

func (x *explainer) notes() []string {
	notes := []string{}
	set, _ := x.o.Proxy.Policy.Collection(x.o.Namespace)
	switch {
	case x.o.Proxy.NoCustomData && (set.NeedsCustomData() || x.o.User.CustomData != nil):
		notes = append(notes, "The app has custom user data that the Data API does not fetch: whatever refers to it is unknown.")
	case x.o.Proxy.CustomData == nil && !x.o.Proxy.NoCustomData && x.o.User.CustomData != nil:
		notes = append(notes, "The app has no custom user data: the custom_data of the user is left out.")
	case x.o.Proxy.CustomData != nil && x.o.User.CustomData == nil && set.NeedsCustomData():
		notes = append(notes, "The rules refer to custom user data and this user has none.")
	}
	if set.LooksUp() && x.o.User.Lookups == nil {
		notes = append(notes, `The rules look something up, and no database is asked: say what is found under "lookups" of the user.`)
	}
	return notes
}

func (x *explainer) filters() []Filter {
	out := []Filter{}
	for _, f := range x.queryFilters {
		shown := Filter{
			Name: f.Source.Name, At: f.Source.Span.String(), HidesAll: f.None && f.Applies != expr.False,
			ApplyWhen: x.step(x.plan.Bound.Trace(f.Source.ApplyWhen, expr.BeforeDocuments, nil)),
		}
		if f.Query != nil {
			shown.Query = x.showDocument(f.Query)
		}
		if p := f.Source.Projection; p != nil {
			shown.Projection = []byte(p.String())
		}
		out = append(out, shown)
	}
	return out
}

func (x *explainer) roles() []Role {
	out := []Role{}
	parts := x.plan.View.Parts()
	last := "" // the last role that is live
	for _, state := range x.plan.Bound.Roles() {
		r := Role{
			Name: state.Source.Name, At: state.Source.Span.String(), Live: state.Live, Permissions: []Permission{}, Shows: []Shows{},
			ApplyWhen: x.step(x.plan.Bound.Trace(state.Source.ApplyWhen, expr.InRole, nil)),
		}
		if !state.Live {
			r.Reason = outReason(r.ApplyWhen.Truth, last)
			out = append(out, r)
			continue
		}
		last = r.Name
		r.Permissions = x.documentPermissions(state.Source, nil)
		r.Presets, r.Message = presets(state.Source.Presets), state.Source.Message
		for _, p := range parts {
			if p.Role == state.Source {
				r.Shows = append(r.Shows, x.shows(p))
			}
		}
		out = append(out, r)
	}
	return out
}

func presets(ps config.Presets) []Preset {
	var out []Preset
	for _, kind := range []struct {
		on   string
		list []config.Preset
	}{{"insert", ps.Insert}, {"update", ps.Update}} {
		for _, p := range kind.list {
			out = append(out, Preset{kind.on, strings.Join(p.Path, "."), p.Value.String()})
		}
	}
	return out
}

// outReason says why a role is not live; last is the role before which there is none.
func outReason(truth, last string) string {
	switch truth {
	case expr.False.String():
		return "apply_when is false for this user"
	case expr.Unknown.String():
		return "apply_when is unknown for this user, so that it never holds"
	}
	return fmt.Sprintf("never asked: the role %s before it decides about every document", source.Quote(last))
}

// documentPermissions are those that a role gives for documents as a whole.
func (x *explainer) documentPermissions(r *config.Role, e *expr.Env) []Permission {
	out := []Permission{}
	add := func(name string, v *source.Value) {
		if v != nil {
			out = append(out, Permission{name, x.step(x.plan.Bound.Trace(v, expr.InRole, e))})
		}
	}
	if d := r.DocumentFilters; d != nil {
		add("document_filters.read", d.Read)
		add("document_filters.write", d.Write)
	}
	add("read", r.Read)
	add("write", r.Write)
	return out
}

// extent is how reports call it.
func extent(e rules.Extent) string {
	switch e {
	case rules.Whole:
		return "whole"
	case rules.OnCondition:
		return "condition"
	case rules.InPart:
		return "part"
	default:
		return "hidden"
	}
}

func (x *explainer) shows(p rules.Part) Shows {
	s := Shows{Documents: x.showDocument(p.Documents), Because: p.Why, Whole: p.Whole}
	names := x.fieldNames(p.Role)
	other := unlike(names)
	if p.Whole && p.Extent(other) == rules.Whole && !slices.ContainsFunc(names, func(n string) bool { return p.Extent(n) != rules.Whole }) {
		return s
	}
	s.Whole = false // a projection hides some of it
	for _, name := range names {
		s.Fields = append(s.Fields, Field{name, extent(p.Extent(name))})
	}
	s.Others = extent(p.Extent(other))
	return s
}

// fieldNames are the top-level fields that a role or a projection of a query filter names.
func (x *explainer) fieldNames(r *config.Role) []string {
	var names []string
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, f := range r.Fields {
		add(f.Name)
	}
	for _, f := range x.queryFilters {
		if f.Applies == expr.False || f.Source.Projection == nil || len(f.Source.Projection.Members) == 0 {
			continue
		}
		add("_id") // for which a projection need not name it
		for _, m := range f.Source.Projection.Members {
			first, _, _ := strings.Cut(m.Name, ".")
			add(first)
		}
	}
	return names
}

// unlike is a name that is none of those, and so stands for every other field.
func unlike(names []string) string {
	other := "other"
	for slices.Contains(names, other) {
		other += "_"
	}
	return other
}

func (x *explainer) read() Read {
	p := x.plan
	r := Read{
		Filter: x.showDocument(x.o.Filter), Plan: p.Outcome.String(), Reasons: []Reason{},
		SortsThere: p.Ordered, PagesThere: p.Paged, ComputesThere: p.Computed,
	}
	if x.o.Sort != nil {
		r.Sort = x.showDocument(x.o.Sort)
	}
	for _, why := range p.Why {
		r.Reasons = append(r.Reasons, Reason(why))
	}
	if p.Outcome == proxy.None {
		return r
	}
	r.Query = x.showDocument(p.Query.Filter)
	if p.Query.Sort != nil {
		r.QuerySort = x.showDocument(p.Query.Sort)
	}
	return r
}

func (x *explainer) aggregation() Aggregation {
	segments, _, why := x.plan.View.Segments(x.plan.FilterDoc, x.plan.Filter)
	if why != nil {
		return Aggregation{Reason: (*Reason)(why)}
	}
	return Aggregation{InDatabase: true, Segments: len(segments)}
}
