package pipeline

import (
	"fmt"

	"github.com/rolegate/rolegate/internal/echo"
)

// Error says why a pipeline was refused. It may name a stage, an operator, a variable or a field of the pipeline, never
// a value.
type Error struct{ Msg string }

func (e *Error) Error() string { return e.Msg }

func refuse(format string, args ...any) error {
	return &Error{Msg: fmt.Sprintf(format, args...)}
}

// unlisted refuses a name that is not on the list of its kind.
func unlisted(kind, name string) error {
	return refuse(`%s "%s" is not supported for this user`, kind, echo.Name(name))
}

// passOn makes an Error of what another parser refused.
func passOn(err error) error {
	if err == nil {
		return nil
	}
	return refuse("%s", echo.Text(err.Error(), 200))
}
