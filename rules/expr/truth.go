package expr

// Truth is the value of a condition. Only True ever grants anything.
type Truth uint8

// The four truth values. The zero value is Unknown.
const (
	Unknown Truth = iota
	False
	True
	// Error means that evaluation failed: a stored value had the wrong type for a conversion, or a function
	// failed. A role or a read permission that is an error withholds the document.
	Error
)

func (t Truth) String() string {
	switch t {
	case False:
		return "false"
	case True:
		return "true"
	case Error:
		return "error"
	default:
		return "unknown"
	}
}

// not negates. Unknown and Error stay what they are: a failure never becomes a grant.
func (t Truth) not() Truth {
	switch t {
	case True:
		return False
	case False:
		return True
	default:
		return t
	}
}

// And is false if either is false, whatever the other is, so that the result does not depend on the order of
// evaluation; else an error if either is one; else unknown if either is unknown.
func (t Truth) And(u Truth) Truth {
	switch {
	case t == False || u == False:
		return False
	case t == Error || u == Error:
		return Error
	case t == Unknown || u == Unknown:
		return Unknown
	default:
		return True
	}
}

// or mirrors And.
func (t Truth) or(u Truth) Truth { return t.not().And(u.not()).not() }

// Or combines two conditions of which one is enough.
func Or(t, u Truth) Truth { return t.or(u) }

func truthOf(b bool) Truth {
	if b {
		return True
	}
	return False
}
