package source

import (
	"encoding/json"
	"io"
	"strconv"
	"strings"
)

// WriteText writes the problems for people to read:
//
//	app/rules.json:3:5: error[unknown-key]: a role has no key "aply_when"
//	  3 |     "aply_when": {}
//	    |     ^^^^^^^^^^^
//	    hint: did you mean "apply_when"?
func (ds Diagnostics) WriteText(w io.Writer) error {
	var out strings.Builder
	for _, d := range ds {
		out.WriteString(d.String())
		out.WriteByte('\n')
		indent := "    "
		if text, carets := d.Span.excerpt(); carets != "" {
			line, _ := d.Span.Position()
			number := "  " + strconv.Itoa(line)
			indent = strings.Repeat(" ", len(number)+1)
			out.WriteString(strings.TrimRight(number+" | "+text, " \t") + "\n")
			out.WriteString(indent + "| " + carets + "\n")
		}
		if d.Hint != "" {
			out.WriteString(indent + "hint: " + printable(d.Hint) + "\n")
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// report is the JSON form of a diagnostic. Its names are stable.
type report struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Message  string `json:"message"`
	Hint     string `json:"hint"`
}

// WriteJSON writes the problems for programs to read, as one array. Line and column are 0 for a problem of a whole file.
func (ds Diagnostics) WriteJSON(w io.Writer) error {
	out := make([]report, 0, len(ds))
	for _, d := range ds {
		line, column := d.Span.Position()
		out = append(out, report{d.Span.name(), line, column, d.Severity.String(), d.Code, d.Message, d.Hint})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}
