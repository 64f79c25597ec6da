package pipeline

// scope is what the operators around an expression have bound: a list of names, the innermost first. A nil scope has
// none.
type scope struct {
	name  string
	outer *scope
}

func (s *scope) bind(name string) *scope { return &scope{name: name, outer: s} }

func (s *scope) has(name string) bool {
	for ; s != nil; s = s.outer {
		if s.name == name {
			return true
		}
	}
	return false
}

// isBindable tells whether a client may give a variable this name. The variables of the server start with a capital.
func isBindable(name string) bool {
	return isName(name) && name[0] >= 'a' && name[0] <= 'z'
}

// isName tells whether this may be the name of a variable at all.
func isName(name string) bool {
	for i, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', i > 0 && c >= '0' && c <= '9':
		default:
			return false
		}
	}
	return name != ""
}
