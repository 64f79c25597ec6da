package update

import "strings"

// Codes of MongoDB's errors that this package reports.
const (
	codeBadValue       = 2
	codeFailedToParse  = 9
	codeTypeMismatch   = 14
	codeOverflow       = 15
	codePathNotViable  = 28
	codeCannotBackfill = 34
	codeConflict       = 40
	codeDollarPrefix   = 52
	codeInvalidID      = 53
	codeNotSingleValue = 54
	codeEmptyName      = 56
	codeDottedName     = 57
	codeImmutable      = 66
)

// CodeDocumentTooLarge is the code of an update after which the document would exceed MongoDB's limit. Unlike all other
// errors it depends on the whole document, not only on what the update names.
const CodeDocumentTooLarge = 10334

// Error says why an update was refused or could not be applied. It may name an operator or a path of the update, never a
// value and nothing of the document.
type Error struct {
	Code int    // MongoDB's code for this error, or for the most similar one
	Op   string // the operator, "" for the update as a whole
	Msg  string
}

func (e *Error) Error() string {
	if e.Op == "" {
		return e.Msg
	}
	return e.Op + ": " + e.Msg
}

func refuse(code int, op, msg string) error {
	return &Error{Code: code, Op: printable(op), Msg: msg}
}

// refusePath is refuse with the path at fault, as the client wrote it.
func refusePath(code int, op, path, msg string) error {
	return refuse(code, op, "'"+printable(path)+"' "+msg)
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
