package query

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxRegexDepth bounds the nesting of groups.
const maxRegexDepth = 50

type regexParser struct {
	rest  string
	names map[string]bool
	flags regexFlags
	folds int // characters whose cases have been looked up for classes
}

// next takes the first character of the rest.
func (p *regexParser) next() rune {
	r, n := utf8.DecodeRuneInString(p.rest)
	p.rest = p.rest[n:]
	return r
}

func (p *regexParser) skip(prefix string) bool {
	rest, ok := strings.CutPrefix(p.rest, prefix)
	p.rest = rest
	return ok
}

// alternation parses up to a closing parenthesis or the end.
func (p *regexParser) alternation(depth int) (*regexNode, error) {
	if depth > maxRegexDepth {
		return nil, refuse("$regex", "the pattern is nested too deeply")
	}
	n := &regexNode{kind: regexAlternate}
	for {
		kid, err := p.concatenation(depth)
		if err != nil {
			return nil, err
		}
		n.kids = append(n.kids, kid)
		if !p.skip("|") {
			break
		}
	}
	if len(n.kids) == 1 {
		return n.kids[0], nil
	}
	return n, nil
}

func (p *regexParser) concatenation(depth int) (*regexNode, error) {
	n := &regexNode{kind: regexConcat}
	for {
		if err := p.skipSpace(); err != nil {
			return nil, err
		}
		if p.rest == "" || p.rest[0] == '|' || p.rest[0] == ')' {
			return n, nil
		}
		kid, err := p.atom(depth)
		if err != nil {
			return nil, err
		}
		if kid == nil { // options that were set for what follows
			continue
		}
		if kid, err = p.quantified(kid); err != nil {
			return nil, err
		}
		n.kids = append(n.kids, kid)
	}
}

// skipSpace skips white space and comments under the option x.
func (p *regexParser) skipSpace() error {
	for p.flags.extended && p.rest != "" {
		switch c := p.rest[0]; {
		case strings.IndexByte(" \t\n\v\f\r", c) >= 0:
			p.rest = p.rest[1:]
		case c == '#':
			_, p.rest, _ = strings.Cut(p.rest, "\n")
		case c >= utf8.RuneSelf && strings.TrimLeft(p.rest, "\u0085\u200e\u200f\u2028\u2029") != p.rest:
			return refuse("$regex", "this kind of white space is not supported with the option x")
		default:
			return nil
		}
	}
	return nil
}

func (p *regexParser) atom(depth int) (*regexNode, error) {
	switch r := p.next(); r {
	case '(':
		return p.group(depth)
	case '[':
		return p.class()
	case '\\':
		return p.escape()
	case '.':
		if p.flags.dotAll {
			return &regexNode{kind: regexChar, text: `(?s:.)`}, nil
		}
		return &regexNode{kind: regexChar, text: `[^\n]`}, nil
	case '^':
		if p.flags.multiline {
			return &regexNode{kind: regexLine}, nil
		}
		return &regexNode{kind: regexAssert, text: `\A`}, nil
	case '$':
		if p.flags.multiline {
			return &regexNode{kind: regexAssert, text: `(?m:$)`}, nil
		}
		return &regexNode{kind: regexNewline}, nil
	case '*', '+', '?':
		return nil, refuse("$regex", "a quantifier follows nothing that can be repeated")
	case '{':
		return nil, refuse("$regex", "a literal { must be escaped")
	default:
		return literal(r, p.flags), nil
	}
}

// group parses what follows an opening parenthesis. It returns nil for a group that only sets options.
func (p *regexParser) group(depth int) (*regexNode, error) {
	outer := p.flags
	switch {
	case strings.HasPrefix(p.rest, "*"):
		return nil, refuse("$regex", "verbs are not supported")
	case p.skip("?:"):
	case strings.HasPrefix(p.rest, "?<") || strings.HasPrefix(p.rest, "?P<"):
		if err := p.groupName(); err != nil {
			return nil, err
		}
	case p.skip("?"):
		alone, err := p.groupOptions()
		if err != nil || alone {
			return nil, err
		}
	}
	n, err := p.alternation(depth + 1)
	if err != nil {
		return nil, err
	}
	if !p.skip(")") {
		return nil, refuse("$regex", "missing ) in the pattern")
	}
	p.flags = outer
	if n.kind == regexAlternate {
		return n, nil
	}
	// Its own node, so that a quantifier takes all of it.
	return &regexNode{kind: regexAlternate, kids: []*regexNode{n}}, nil
}

var groupName = regexp.MustCompile(`^\?P?<([A-Za-z_][0-9A-Za-z_]{0,31})>`)

func (p *regexParser) groupName() error {
	found := groupName.FindStringSubmatch(p.rest)
	if found == nil {
		return refuse("$regex", "this kind of group is not supported")
	}
	if p.names[found[1]] {
		return refuse("$regex", "two groups have the same name")
	}
	if p.names == nil {
		p.names = map[string]bool{}
	}
	p.names[found[1]] = true
	p.rest = p.rest[len(found[0]):]
	return nil
}

// groupOptions parses (?i-s) and (?i-s:…); alone tells that it was the first. Options that stand alone hold to the end
// of the group around, in its later alternatives too.
func (p *regexParser) groupOptions() (alone bool, err error) {
	f, on, letters := p.flags, true, 0
	for p.rest != "" {
		r := p.next()
		switch {
		case r == ')' && letters > 0:
			p.flags = f
			return true, nil
		case r == ':' && letters > 0:
			p.flags = f
			return false, nil
		case r == '-' && on:
			on = false
		case f.set(r, on):
			letters++
		default:
			return false, refuse("$regex", "this kind of group is not supported")
		}
	}
	return false, refuse("$regex", "missing ) in the pattern")
}

var repetition = regexp.MustCompile(`^(?:[*+?]|\{([0-9]{1,4})(,([0-9]{0,4}))?\})`)

// quantified parses a quantifier behind an atom, if there is one.
func (p *regexParser) quantified(n *regexNode) (*regexNode, error) {
	if err := p.skipSpace(); err != nil {
		return nil, err
	}
	found := repetition.FindStringSubmatch(p.rest)
	if found == nil {
		return n, nil
	}
	if n.kind == regexAssert || n.kind == regexNewline || n.kind == regexLine {
		return nil, refuse("$regex", "a quantifier follows nothing that can be repeated")
	}
	p.rest = p.rest[len(found[0]):]
	repeat := &regexNode{kind: regexRepeat, kids: []*regexNode{n}, text: found[0], max: -1}
	switch {
	case found[0] == "+":
		repeat.min = 1
	case found[0] == "?":
		repeat.max = 1
	case found[1] != "":
		repeat.min, _ = strconv.Atoi(found[1])
		if found[2] == "" {
			repeat.max = repeat.min
		} else if found[3] != "" {
			repeat.max, _ = strconv.Atoi(found[3])
			if repeat.max < repeat.min {
				return nil, refuse("$regex", "a repetition ends before it starts")
			}
		}
	}
	p.skip("?") // lazy or greedy makes no difference to whether there is a match
	if err := p.skipSpace(); err != nil {
		return nil, err
	}
	if p.rest != "" && strings.IndexByte("*+?{", p.rest[0]) >= 0 {
		return nil, refuse("$regex", "possessive and repeated quantifiers are not supported")
	}
	return repeat, nil
}

// escape parses what follows a backslash outside a class.
func (p *regexParser) escape() (*regexNode, error) {
	if p.rest == "" {
		return nil, refuse("$regex", "the pattern ends in a backslash")
	}
	switch p.rest[0] {
	case 'A':
		p.next()
		return &regexNode{kind: regexAssert, text: `\A`}, nil
	case 'z':
		p.next()
		return &regexNode{kind: regexAssert, text: `\z`}, nil
	case 'Z':
		p.next()
		return &regexNode{kind: regexNewline}, nil
	case 'b', 'B':
		return &regexNode{kind: regexAssert, text: `\` + string(p.next())}, nil
	case 'N':
		p.next()
		if strings.HasPrefix(p.rest, "{") && !repetition.MatchString(p.rest) {
			return nil, refuse("$regex", "the pattern has an escape that is not supported")
		}
		return &regexNode{kind: regexChar, text: `[^\n]`}, nil
	}
	if set, ok := escapedSet(p.rest[0]); ok {
		p.next()
		return &regexNode{kind: regexChar, text: set.String()}, nil
	}
	r, err := p.escapedRune()
	if err != nil {
		return nil, err
	}
	return literal(r, p.flags), nil
}

// escapedRune parses an escape that stands for one character.
func (p *regexParser) escapedRune() (rune, error) {
	if p.rest == "" {
		return 0, refuse("$regex", "the pattern ends in a backslash")
	}
	switch r := p.next(); {
	case r == 'x':
		return p.hexRune()
	case strings.ContainsRune("nrtfae", r):
		return map[rune]rune{'n': '\n', 'r': '\r', 't': '\t', 'f': '\f', 'a': '\a', 'e': 0x1b}[r], nil
	case r < utf8.RuneSelf && !isAlphanumeric(byte(r)):
		return r, nil
	}
	return 0, refuse("$regex", "the pattern has an escape that is not supported")
}

var hexDigits = regexp.MustCompile(`^(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})`)

func (p *regexParser) hexRune() (rune, error) {
	found := hexDigits.FindStringSubmatch(p.rest)
	if found == nil {
		return 0, refuse("$regex", "\\x needs two digits or braces")
	}
	p.rest = p.rest[len(found[0]):]
	n, _ := strconv.ParseInt(found[1]+found[2], 16, 32)
	if !utf8.ValidRune(rune(n)) {
		return 0, refuse("$regex", "\\x names no character")
	}
	return rune(n), nil
}
