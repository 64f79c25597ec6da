package explain

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rolegate/rolegate/internal/echo"
	"github.com/rolegate/rolegate/internal/source"
)

// WriteJSON writes the report for programs.
func (r *Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}

// WriteText writes the report for people.
func (r *Report) WriteText(w io.Writer) error {
	p := &page{}
	p.line(0, "%s of %s: %s as %s (%s)", r.Namespace, r.DataSource, r.Operation, r.User, r.UserType)
	for _, n := range r.Notes {
		p.line(0, "%s", n)
	}
	p.filters(r.Filters)
	p.roles(r.Roles)
	p.read(r.Operation, &r.Read)
	p.aggregation(&r.Aggregation)
	if r.Write != nil {
		p.write(r.Write)
	}
	if r.Document != nil {
		p.document(r.Document)
	}
	_, err := io.WriteString(w, echo.Printable(p.String()))
	return err
}

// page is the text of a report.
type page struct{ strings.Builder }

// line writes one line, indented by so many columns.
func (p *page) line(indent int, format string, args ...any) {
	text := strings.Repeat(" ", indent) + fmt.Sprintf(format, args...)
	p.WriteString(strings.TrimRight(text, " ") + "\n")
}

func (p *page) heading(text string) { p.line(0, "\n%s", text) }

// width is where lines of JSON are broken.
const width = 118

// json writes a value behind a label, over several lines where one is too short.
func (p *page) json(indent int, label string, text []byte) {
	v, _ := source.Parse(&source.File{Text: text})
	if v == nil {
		return // there is no text that does not parse
	}
	p.line(indent, "%s%s", label, layout(v, indent+utf8.RuneCountInString(label)))
}

// layout writes JSON that starts at a column.
func layout(v *source.Value, column int) string {
	whole := v.String()
	if column+utf8.RuneCountInString(whole) <= width || len(v.Items)+len(v.Members) == 0 {
		return whole
	}
	var b strings.Builder
	pad := "\n" + strings.Repeat(" ", column)
	b.WriteString(whole[:1])
	for i, it := range v.Items {
		b.WriteString(comma(i) + pad + "  " + layout(it, column+2))
	}
	for i, m := range v.Members {
		name := (&source.Value{Kind: source.String, Str: m.Name}).String() + ": "
		b.WriteString(comma(i) + pad + "  " + name + layout(m.Value, column+2))
	}
	b.WriteString(pad + whole[len(whole)-1:])
	return b.String()
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

// step writes a condition, the truth first.
func (p *page) step(indent int, s *Step) {
	joins := map[string]string{"all": "all of", "any": "any of", "none": "none of", "not": "not"}
	if s.Join != "" {
		p.line(indent, "%-8s %s", s.Truth, joins[s.Join])
	} else {
		p.json(indent, fmt.Sprintf("%-8s ", s.Truth), []byte(s.Text))
	}
	for i := range s.Parts {
		p.step(indent+9, &s.Parts[i])
	}
	longest := 0
	for _, v := range s.Values {
		longest = max(longest, utf8.RuneCountInString(v.Name))
	}
	for _, v := range s.Values {
		label := fmt.Sprintf("%-*s  ", longest, v.Name)
		if v.Value == nil {
			p.line(indent+11, "%sno value", label)
			continue
		}
		p.json(indent+11, label, v.Value)
	}
}

// literal tells that a condition is written as true or false, which says it all.
func (s *Step) literal() bool { return s.Text == "true" || s.Text == "false" }

// permission writes a condition under its name.
func (p *page) permission(indent int, name string, s *Step) {
	if s.literal() {
		p.line(indent, "%s is %s", name, s.Text)
		return
	}
	p.line(indent, "%s", name)
	p.step(indent+2, s)
}

func (p *page) permissions(indent int, ps []Permission) {
	for i := range ps {
		p.permission(indent, ps[i].Name, &ps[i].Step)
	}
}

func (p *page) filters(fs []Filter) {
	if len(fs) == 0 {
		return
	}
	p.heading("Query filters: every document has to pass those that apply")
	for i := range fs {
		f := &fs[i]
		p.line(2, "%s (%s)", f.Name, f.At)
		p.permission(4, "apply_when", &f.ApplyWhen)
		if f.HidesAll {
			p.line(4, "lets nothing pass: a value that it needs is missing")
		}
		if f.Query != nil {
			p.json(4, "query       ", f.Query)
		}
		if f.Projection != nil {
			p.json(4, "projection  ", f.Projection)
		}
	}
}

func (p *page) roles(rs []Role) {
	p.heading("Roles: the first that applies to a document decides about it")
	for i := range rs {
		r := &rs[i]
		state := "live"
		if !r.Live {
			state = "out, " + r.Reason
		}
		p.line(2, "%d %s: %s (%s)", i+1, r.Name, state, r.At)
		p.permission(4, "apply_when", &r.ApplyWhen)
		if !r.Live {
			continue
		}
		p.permissions(4, r.Permissions)
		if len(r.Shows) == 0 {
			p.line(4, "shows nothing")
		}
		where := ""
		if slices.ContainsFunc(r.Permissions, func(perm Permission) bool { return perm.Truth == "depends" }) {
			where = ", where that holds"
		}
		for j := range r.Shows {
			if len(r.Shows) > 1 {
				where = ""
				p.json(4, "of  ", r.Shows[j].Documents)
			}
			p.shows(&r.Shows[j], where)
		}
		for _, preset := range r.Presets {
			p.line(4, "sets on %s  %s = %s", preset.On, preset.Path, preset.Value)
		}
		if r.Message != "" {
			p.line(4, "says when it denies a write: %s", r.Message)
		}
	}
}

func (p *page) shows(s *Shows, where string) {
	if s.Whole {
		p.line(4, "shows the whole document%s", where)
		return
	}
	p.line(4, "shows, field by field%s", where)
	for _, extent := range []struct{ of, label string }{
		{"whole", "whole"}, {"part", "in part"}, {"condition", "on a condition"}, {"hidden", "hidden"},
	} {
		var names []string
		for _, f := range s.Fields {
			if f.Shown == extent.of {
				names = append(names, f.Name)
			}
		}
		if s.Others == extent.of {
			names = append(names, "all others")
		}
		if len(names) > 0 {
			p.line(6, "%-15s %s", extent.label, strings.Join(names, ", "))
		}
	}
}

func (p *page) read(operation string, r *Read) {
	p.heading("Read: what the database is asked")
	p.json(2, "filter  ", r.Filter)
	if r.Sort != nil {
		p.json(2, "sort    ", r.Sort)
	}
	p.line(2, "plan    %s", map[string]string{
		"none":     "none: nothing is asked, no document that this user sees can match",
		"exact":    "exact: the database finds what matches, no less and no more",
		"narrowed": "narrowed: the database finds what matches and more; the rest is sorted out in rolegate",
	}[r.Plan])
	for _, why := range r.Reasons {
		p.line(10, "because of %s", why)
	}
	if r.Query == nil {
		return
	}
	p.json(2, "query   ", r.Query)
	where := map[bool]string{true: "in the database", false: "in rolegate"}
	if r.ComputesThere {
		where[false] = "in the database, where it can compute fields; else in rolegate"
	}
	switch operation {
	case "get", "find", "update", "delete":
		sorted := where[r.SortsThere]
		if r.QuerySort == nil {
			p.line(2, "sorted  %s", sorted)
		} else {
			p.json(2, "sorted  "+sorted+" by ", r.QuerySort)
		}
		p.line(2, "paged   %s", where[r.PagesThere])
	case "count":
		p.line(2, "counted %s", where[r.PagesThere])
	}
}

// String is the reason as it ends a sentence.
func (r Reason) String() string {
	out := "the query filters"
	if r.Role != "" {
		out = fmt.Sprintf("%s of the role %s", r.Permission, source.Quote(r.Role))
	}
	if r.Path != "" {
		out += ", for the test of " + source.Quote(r.Path)
	}
	return out
}

func (p *page) aggregation(a *Aggregation) {
	p.heading("Aggregation: what a pipeline begins with")
	switch {
	case !a.InDatabase:
		p.line(2, "the view has no form as stages and would have to be sent along, because of %s", a.Reason)
	case a.Segments == 0:
		p.line(2, "nothing: no document that this user sees can match")
	case a.Segments == 1:
		p.line(2, "the view, stated in the database as one set of documents")
	default:
		p.line(2, "the view, stated in the database as %d sets of documents", a.Segments)
	}
}

func (p *page) write(w *Write) {
	p.heading("Write: how it is stored")
	if w.Mode == "guarded" {
		p.line(2, "guarded: the documents are read and decided first, and each is written only if it is still what it was")
		p.line(10, "because %s", w.Reason)
		return
	}
	p.line(2, "direct: one command, which writes what its filter finds (on a server that can compute fields, else guarded)")
	p.json(2, "filter  ", w.Filter)
	if w.Denied != nil {
		p.json(2, "not if there is ", w.Denied)
	}
}
