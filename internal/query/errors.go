package query

import "github.com/rolegate/rolegate/internal/echo"

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
	return &Error{Op: echo.Name(op), Msg: msg}
}
