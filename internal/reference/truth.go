package reference

// Truth is what an expression says of a document.
type Truth uint8

// The four truth values. The zero one grants nothing.
const (
	False   Truth = iota
	Unknown       // an operand has no value
	Failed        // an operand cannot be evaluated
	True
)

func truth(b bool) Truth {
	if b {
		return True
	}
	return False
}

// all is true if all are. One that is false decides, whatever else fails.
func all(ts ...Truth) Truth {
	result := True
	for _, t := range ts {
		switch {
		case t == False:
			return False
		case t != True && result != Failed:
			result = t
		}
	}
	return result
}

// some is true if one is, whatever else fails.
func some(ts ...Truth) Truth { return not(all(mapped(ts, not)...)) }

// not leaves alone what is neither true nor false.
func not(t Truth) Truth {
	switch t {
	case True:
		return False
	case False:
		return True
	}
	return t
}

func mapped(ts []Truth, f func(Truth) Truth) []Truth {
	out := make([]Truth, len(ts))
	for i, t := range ts {
		out[i] = f(t)
	}
	return out
}
