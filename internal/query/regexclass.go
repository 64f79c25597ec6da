package query

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// runeSet is a set of characters as ranges.
type runeSet []runeRange

type runeRange struct{ lo, hi rune }

var (
	digits   = runeSet{{'0', '9'}}
	word     = runeSet{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}
	space    = runeSet{{'\t', '\r'}, {' ', ' '}} // with the vertical tab, which RE2's \s leaves out
	alphabet = runeSet{{'A', 'Z'}, {'a', 'z'}}
)

// posixSets are the [:name:] classes of the C locale, which PCRE uses.
var posixSets = map[string]runeSet{
	"alnum": {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}, "alpha": alphabet, "ascii": {{0, 0x7f}}, "blank": {{'\t', '\t'}, {' ', ' '}},
	"cntrl": {{0, 0x1f}, {0x7f, 0x7f}}, "digit": digits, "graph": {{'!', '~'}}, "lower": {{'a', 'z'}}, "print": {{' ', '~'}},
	"punct": {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}, "space": space, "upper": {{'A', 'Z'}}, "word": word,
	"xdigit": {{'0', '9'}, {'A', 'F'}, {'a', 'f'}},
}

// escapedSet returns the class of characters that a letter behind a backslash stands for. \h and \v are not among them:
// PCRE takes them for disjoint from \S and then misses matches.
func escapedSet(letter byte) (runeSet, bool) {
	var set runeSet
	switch letter | 0x20 {
	case 'd':
		set = digits
	case 'w':
		set = word
	case 's':
		set = space
	default:
		return nil, false
	}
	if letter < 'a' {
		set = set.negated()
	}
	return set, true
}

// negated returns all other characters.
func (s runeSet) negated() runeSet {
	s = slices.Clone(s)
	slices.SortFunc(s, func(a, b runeRange) int { return cmp.Compare(a.lo, b.lo) })
	var out runeSet
	next := rune(0)
	for _, r := range s {
		if r.lo > next {
			out = append(out, runeRange{next, r.lo - 1})
		}
		next = max(next, r.hi+1)
	}
	if next <= unicode.MaxRune {
		out = append(out, runeRange{next, unicode.MaxRune})
	}
	return out
}

// String returns the set as an RE2 class.
func (s runeSet) String() string {
	if len(s) == 0 {
		return `[^\x00-\x{10FFFF}]`
	}
	var b strings.Builder
	b.WriteByte('[')
	for _, r := range s {
		fmt.Fprintf(&b, `\x{%X}-\x{%X}`, r.lo, r.hi)
	}
	b.WriteByte(']')
	return b.String()
}

// class parses what follows an opening bracket.
func (p *regexParser) class() (*regexNode, error) {
	negate := p.skip("^")
	var set runeSet
	for first := true; ; first = false {
		switch {
		case p.rest == "":
			return nil, refuse("$regex", "missing ] in the pattern")
		case p.rest[0] == ']' && !first:
			p.next()
			if negate {
				set = set.negated()
			}
			return &regexNode{kind: regexChar, text: set.String()}, nil
		}
		item, err := p.classItem()
		if err != nil {
			return nil, err
		}
		set = append(set, item...)
	}
}

// classItem parses a character, a range or a set inside a class.
func (p *regexParser) classItem() (runeSet, error) {
	if set, err := p.classSet(); set != nil || err != nil {
		if err == nil && p.hyphen() {
			err = refuse("$regex", "a range in a class starts with a set")
		}
		return set, err
	}
	lo, err := p.classRune()
	if err != nil {
		return nil, err
	}
	if !p.hyphen() {
		return p.folded(runeRange{lo, lo})
	}
	p.next()
	hi, err := p.classRune()
	switch {
	case err != nil:
		return nil, err
	case lo == '-' || lo > hi || p.hyphen():
		return nil, refuse("$regex", "a class has an invalid range")
	}
	return p.folded(runeRange{lo, hi})
}

// hyphen tells whether a hyphen follows that is not the last character of the class.
func (p *regexParser) hyphen() bool {
	return len(p.rest) > 1 && p.rest[0] == '-' && p.rest[1] != ']'
}

// classSet parses \d and [:alpha:] and their like; nil stands for something else.
func (p *regexParser) classSet() (runeSet, error) {
	if len(p.rest) < 2 {
		return nil, nil
	}
	switch p.rest[0] {
	case '\\':
		set, ok := escapedSet(p.rest[1])
		if ok {
			p.rest = p.rest[2:]
		}
		return set, nil
	case '[':
		if strings.IndexByte(":.=", p.rest[1]) < 0 {
			return nil, nil
		}
		name, rest, ok := strings.Cut(p.rest[2:], ":]")
		name, negate := strings.CutPrefix(name, "^")
		if p.flags.fold && (name == "lower" || name == "upper") {
			name = "alpha"
		}
		set := posixSets[name]
		if !ok || set == nil || p.rest[1] != ':' {
			return nil, refuse("$regex", "a class has an unknown [:name:]")
		}
		p.rest = rest
		if negate {
			set = set.negated()
		}
		return set, nil
	}
	return nil, nil
}

// classRune parses one character of a class.
func (p *regexParser) classRune() (rune, error) {
	switch {
	case p.rest == "":
		return 0, refuse("$regex", "missing ] in the pattern")
	case p.skip(`\b`):
		return '\b', nil
	case p.skip(`\`):
		return p.escapedRune()
	case len(p.rest) > 1 && p.rest[0] == '[' && strings.IndexByte(":.=", p.rest[1]) >= 0:
		return 0, refuse("$regex", "a class has an invalid range")
	}
	return p.next(), nil
}

// maxFolds bounds the work of finding the other cases of long ranges.
const maxFolds = 20000

// folded adds the other cases of a range under the option i.
func (p *regexParser) folded(r runeRange) (runeSet, error) {
	set := runeSet{r}
	if !p.flags.fold {
		return set, nil
	}
	if p.folds += int(r.hi-r.lo) + 1; p.folds > maxFolds {
		return nil, refuse("$regex", "a class is too large for the option i")
	}
	for c := r.lo; c <= r.hi; c++ {
		if !utf8.ValidRune(c) {
			continue
		}
		for other := unicode.SimpleFold(c); other != c; other = unicode.SimpleFold(other) {
			if other < r.lo || other > r.hi {
				set = append(set, runeRange{other, other})
			}
		}
	}
	return set, nil
}
