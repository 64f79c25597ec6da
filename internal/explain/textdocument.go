package explain

import "strings"

func (p *page) document(d *Document) {
	p.heading("Document")
	p.json(2, "", d.Stored)
	for _, f := range d.Filters {
		verdict := "lets it pass"
		if !f.Passes {
			verdict = "does not let it pass"
		}
		p.line(2, "query filter %s %s", f.Name, verdict)
	}
	for i := range d.Roles {
		r := &d.Roles[i]
		p.line(2, "%d %s: %s", i+1, r.Name, map[string]string{
			"applies": "applies",
			"passed":  "does not apply",
			"fails":   "fails, so that nobody is asked any more",
			"out":     "out for this user",
			"later":   "not asked any more",
		}[r.Outcome])
		if r.ApplyWhen != nil {
			p.step(6, r.ApplyWhen)
		}
	}
	p.line(2, "Decision: %s", d.Decision.Reason)
	p.permissions(4, d.Decision.Permissions)
	p.fates(4, d.Fields)
	if !d.Visible {
		p.line(2, "The user does not see this document.")
		return
	}
	p.line(2, "The user sees")
	p.json(4, "", d.View)
	found := "finds it."
	if !d.Matches {
		found = "does not find it."
	}
	p.line(2, "The client's filter %s", found)
	if len(d.Hidden) > 0 {
		p.line(2, "It tests what is hidden, which counts as absent: %s", strings.Join(d.Hidden, ", "))
	}
}

// fates writes what became of fields, aligned, each with the conditions that are no constants.
func (p *page) fates(indent int, fs []Fate) {
	longest := 0
	for i := range fs {
		longest = max(longest, len([]rune(fs[i].Path)))
	}
	for i := range fs {
		f := &fs[i]
		p.line(indent, "%-*s  %-6s  %s", longest, f.Path, f.Fate, f.Reason)
		for j := range f.Permissions {
			if s := &f.Permissions[j].Step; !s.literal() {
				p.step(indent+4, s)
			}
		}
		p.fates(indent+2, f.Fields)
	}
}
