package apptest

import "fmt"

// Coverage says what of the rules the cases have exercised.
type Coverage struct {
	Seen       int         `json:"seen"` // outcomes that some case has shown
	Of         int         `json:"of"`   // outcomes that there can be
	Namespaces []Namespace `json:"namespaces"`
	Never      []Never     `json:"never"`
}

// Namespace is the rules of a collection, or the default rules of a data source.
type Namespace struct {
	Namespace  string        `json:"namespace"`
	DataSource string        `json:"data_source"`
	Requests   int           `json:"requests"`
	Filters    []FilterCount `json:"query_filters"`
	Roles      []RoleCount   `json:"roles"`
}

// FilterCount is a query filter.
type FilterCount struct {
	Name    string `json:"name"`
	At      string `json:"at"`
	Applied int    `json:"applied"` // to requests
	Skipped int    `json:"skipped"`
	Passed  int    `json:"passed"` // documents
	Hidden  int    `json:"hidden"`
}

// RoleCount is a role: to how many documents it applied, and to how many that it was asked about it did not.
type RoleCount struct {
	Name        string            `json:"name"`
	At          string            `json:"at"`
	Applied     int               `json:"applied"`
	NotApplied  int               `json:"not_applied"`
	Permissions []PermissionCount `json:"permissions"`
	Fields      []FieldCount      `json:"fields"`
}

// PermissionCount is a permission for documents as a whole.
type PermissionCount struct {
	Name    string `json:"name"`
	At      string `json:"at"`
	Granted int    `json:"granted"`
	Refused int    `json:"refused"`
}

// FieldCount is the rule about a field. That of additional_fields has that name.
type FieldCount struct {
	Name       string `json:"name"`
	At         string `json:"at"`
	Shown      int    `json:"shown"`
	Hidden     int    `json:"hidden"`
	Written    int    `json:"written"`
	NotWritten int    `json:"not_written"`
}

// Never is an outcome that no case has shown.
type Never struct {
	Namespace string `json:"namespace"`
	Role      string `json:"role,omitempty"`
	Filter    string `json:"query_filter,omitempty"`
	What      string `json:"what"` // such as "insert refused"
	At        string `json:"at"`   // file:line:column
}

func (c *coverage) report() Coverage {
	out := Coverage{Namespaces: []Namespace{}, Never: []Never{}}
	for _, p := range c.places {
		n := Namespace{Namespace: p.name, DataSource: p.service, Requests: p.asked, Filters: []FilterCount{}, Roles: []RoleCount{}}
		check := func(s seen, never Never) {
			switch {
			case !s.can:
				return
			case s.times == 0:
				never.Namespace = p.name
				out.Never = append(out.Never, never)
			default:
				out.Seen++
			}
			out.Of++
		}
		for _, f := range p.filters {
			n.Filters = append(n.Filters, FilterCount{f.name, f.at, f.applied.times, f.skipped.times, f.passed.times, f.hidden.times})
			for _, s := range []struct {
				seen
				what string
			}{
				{f.applied, "applied"},
				{f.skipped, "left alone"},
				{f.passed, "a document let pass"},
				{f.hidden, "a document hidden"},
			} {
				check(s.seen, Never{Filter: f.name, What: s.what, At: f.at})
			}
		}
		for _, r := range p.roles {
			n.Roles = append(n.Roles, r.report(check))
		}
		out.Namespaces = append(out.Namespaces, n)
	}
	return out
}

func (r *roleSeen) report(check func(seen, Never)) RoleCount {
	out := RoleCount{
		Name: r.source.Name, At: r.source.Span.String(), Applied: r.applied.times, NotApplied: r.passed.times,
		Permissions: []PermissionCount{}, Fields: []FieldCount{},
	}
	never := func(s seen, at, format string, args ...any) {
		s.can = r.asked(s)
		check(s, Never{Role: out.Name, What: fmt.Sprintf(format, args...), At: at})
	}
	never(r.applied, out.At, "applied")
	never(r.passed, out.At, "passed over")
	for _, name := range r.order {
		b := r.permissions[name]
		out.Permissions = append(out.Permissions, PermissionCount{name, b.at, b.granted.times, b.denied.times})
		never(b.granted, b.at, "%s granted", name)
		never(b.denied, b.at, "%s refused", name)
	}
	for _, f := range r.fieldsSeen {
		name := f.path
		if name == "" {
			name = "additional_fields"
		}
		out.Fields = append(out.Fields, FieldCount{name, f.at, f.shown.times, f.hidden.times, f.written.times, f.denied.times})
		never(f.shown, f.at, "%s shown", name)
		never(f.hidden, f.at, "%s hidden", name)
		never(f.written, f.at, "%s changed", name)
		never(f.denied, f.at, "change of %s refused", name)
	}
	return out
}
