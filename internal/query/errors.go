package query

import "strings"

// Error says why a query or sort was refused. It names an operator or a field name of the query, never a value.
type Error struct {
	Op  string // the operator or name at fault, as it was written, cut to what may be shown; "" for the query as a whole
	Msg string
}

func (e *Error) Error() string {
	if e.Op == "" {
		return e.Msg
	}
	return e.Op + ": " + e.Msg
}

func refuse(op, msg string) error {
	return &Error{Op: printable(op), Msg: msg}
}

// printable cuts a name that came from a client to 64 printable ASCII characters.
func printable(s string) string {
	const most = 64
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s[:min(len(s), 4*most)])
	return clean[:min(len(clean), most)]
}
