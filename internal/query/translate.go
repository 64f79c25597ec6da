package query

import (
	"regexp"
	"strings"
	"unicode"
)

// The server matches with PCRE, we with RE2, and both must give the same answer. So a pattern is parsed by the rules of
// PCRE, and printed in a form in which RE2 means the same. What has no such form is refused, and so is what PCRE
// versions disagree about.

// regexFlags are the options in force at one place of a pattern.
type regexFlags struct {
	fold, multiline, dotAll, extended bool
}

func (f *regexFlags) set(letter rune, on bool) bool {
	switch letter {
	case 'i':
		f.fold = on
	case 'm':
		f.multiline = on
	case 's':
		f.dotAll = on
	case 'x':
		f.extended = on
	default:
		return false
	}
	return true
}

type regexKind uint8

const (
	regexConcat regexKind = iota // of kids; none for the empty expression
	regexAlternate
	regexRepeat  // of one kid
	regexChar    // text, which consumes one character
	regexAssert  // text, which consumes nothing
	regexNewline // $ and \Z: the end, or before a newline that is the end
	regexLine    // ^ with m: the start, or after a newline that is not the end
)

type regexNode struct {
	text     string // of a character or an assertion; the suffix of a repetition
	kids     []*regexNode
	min, max int // of a repetition; max is -1 for none
	kind     regexKind
}

// translate returns the RE2 form of a PCRE pattern.
func translate(source string, f regexFlags) (string, error) {
	p := regexParser{rest: unquote(source), flags: f}
	n, err := p.alternation(0)
	if err != nil {
		return "", err
	}
	if p.rest != "" {
		return "", refuse("$regex", "unmatched ) in the pattern")
	}
	var b strings.Builder
	if err := n.print(&b, follow{nothing: true}); err != nil {
		return "", err
	}
	return b.String(), nil
}

// follow says what comes after a place in the pattern.
type follow struct {
	nothing  bool // nothing whatever
	consumes bool // at least one character
}

// print writes the RE2 form of n.
func (n *regexNode) print(b *strings.Builder, after follow) error {
	switch n.kind {
	case regexChar, regexAssert:
		b.WriteString(n.text)
	case regexNewline:
		// RE2 cannot look ahead; consuming the newline is the same as long as nothing else wants to look at it.
		if !after.nothing {
			return refuse("$regex", "$ and \\Z must end the pattern or one of its alternatives")
		}
		b.WriteString(`(?:\n?\z)`)
	case regexLine:
		// RE2 would also take the very end after a last newline; not if a character must follow.
		if !after.consumes {
			return refuse("$regex", "^ with the option m must be followed by a character")
		}
		b.WriteString(`(?m:^)`)
	case regexRepeat:
		if n.max != 1 && n.max != 0 {
			after.nothing = false
		}
		b.WriteString("(?:")
		if err := n.kids[0].print(b, after); err != nil {
			return err
		}
		b.WriteString(")" + n.text)
	case regexAlternate:
		b.WriteString("(?:")
		for i, kid := range n.kids {
			if i > 0 {
				b.WriteByte('|')
			}
			if err := kid.print(b, after); err != nil {
				return err
			}
		}
		b.WriteByte(')')
	case regexConcat:
		return n.printConcat(b, after)
	}
	return nil
}

func (n *regexNode) printConcat(b *strings.Builder, after follow) error {
	for i, kid := range n.kids {
		rest := after
		for _, later := range n.kids[i+1:] {
			rest.nothing = false
			rest.consumes = rest.consumes || later.consumes()
		}
		if err := kid.print(b, rest); err != nil {
			return err
		}
	}
	return nil
}

// consumes tells whether every match of n takes at least one character.
func (n *regexNode) consumes() bool {
	switch n.kind {
	case regexChar:
		return true
	case regexConcat:
		for _, kid := range n.kids {
			if kid.consumes() {
				return true
			}
		}
		return false
	case regexAlternate:
		for _, kid := range n.kids {
			if !kid.consumes() {
				return false
			}
		}
		return true
	case regexRepeat:
		return n.min > 0 && n.kids[0].consumes()
	}
	return false
}

// literal is a node for one character.
func literal(r rune, f regexFlags) *regexNode {
	text := regexp.QuoteMeta(string(r))
	if f.fold && unicode.SimpleFold(r) != r {
		text = "(?i:" + text + ")"
	}
	return &regexNode{kind: regexChar, text: text}
}

// unquote turns \Q…\E into single escapes.
func unquote(s string) string {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		next := byte(0)
		if i+1 < len(s) {
			next = s[i+1]
		}
		switch {
		case c == '\\' && next == 'E':
			quoted = false
			i++
		case quoted:
			if c < 0x80 && !isAlphanumeric(c) {
				b.WriteByte('\\')
			}
			b.WriteByte(c)
		case c == '\\' && next == 'Q':
			quoted = true
			i++
		case c == '\\' && i+1 < len(s):
			b.WriteByte(c)
			b.WriteByte(next)
			i++
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}
