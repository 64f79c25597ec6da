package query_test

import (
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/query"
)

func regexFilter(t testing.TB, pattern, options string) (*query.Filter, error) {
	t.Helper()
	doc, err := bson.Marshal(bson.D{{Key: "a", Value: bson.Regex{Pattern: pattern, Options: options}}})
	if err != nil {
		t.Fatal(err)
	}
	return query.Parse(doc, query.Options{})
}

func textDoc(t testing.TB, text string) bson.Raw {
	t.Helper()
	doc, err := bson.Marshal(bson.D{{Key: "a", Value: text}})
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestRegexMeansWhatPCREMeans(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern, options string
		match, differs   []string
	}{
		{`c$`, "", []string{"abc", "abc\n"}, []string{"abc\n\n", "abcd"}},
		{`c\Z`, "", []string{"abc\n"}, []string{"abc\n\n"}},
		{`c\z`, "", []string{"abc"}, []string{"abc\n"}},
		{`^(a|b$)`, "", []string{"ax", "b\n"}, []string{"bx"}},
		{`(a$)?`, "", []string{"b"}, nil},
		{`a$`, "m", []string{"a\nb", "a"}, []string{"ab"}},
		{`^b`, "m", []string{"a\nb"}, []string{"ab"}},
		{`^b`, "", []string{"b"}, []string{"a\nb"}},
		{`(?m)^(?:b|c+)`, "", []string{"a\ncc"}, []string{"a\n"}},
		{`a\sb`, "", []string{"a\vb", "a b"}, []string{"a\u00a0b"}},
		{`a[\s]b`, "", []string{"a\vb"}, nil},
		{`a\Sb`, "", []string{"a\u00a0b"}, []string{"a\vb"}},
		{`^\w$`, "i", []string{"k", "_"}, []string{"\u212a", "é"}},
		{`^k$`, "i", []string{"K", "\u212a"}, nil},
		{`^[k]$`, "i", []string{"\u212a"}, nil},
		{`^[^k]$`, "i", []string{"a"}, []string{"K", "\u212a"}},
		{`^[[:lower:]]$`, "i", []string{"A"}, []string{"\u212a"}},
		{`^[[:^digit:]x-]$`, "", []string{"-", "x", "é"}, []string{"1"}},
		{`^[]a]$`, "", []string{"]"}, []string{"b"}},
		{`^[^]a]$`, "", []string{"b"}, []string{"]"}},
		{`^[\b]$`, "", []string{"\b"}, []string{"b"}},
		{`^[\x61\]\-]$`, "", []string{"a", "]", "-"}, []string{"b"}},
		{`^[\W\w]$`, "", []string{"a", "é"}, nil},
		{`^[^\W\w]$`, "", nil, []string{"a", "é"}},
		{`a.b`, "", []string{"a\rb"}, []string{"a\nb"}},
		{`a.b`, "s", []string{"a\nb"}, nil},
		{`a\Nb`, "s", []string{"a b"}, []string{"a\nb"}},
		{`a b # c`, "x", []string{"ab"}, []string{"a b"}},
		{"a #x\n b\\ +", "x", []string{"ab  "}, []string{"ab"}},
		{`a(?i)b|c`, "", []string{"aB", "C"}, []string{"Ab"}},
		{`(?i:a)b`, "", []string{"Ab"}, []string{"aB"}},
		{`a(?i-s:b)`, "s", []string{"aB"}, nil},
		{`\Qa.b\E+`, "", []string{"a.bb"}, []string{"axb"}},
		{`(?<x>a)(?P<y>b)`, "", []string{"ab"}, nil},
		{`^a{2,3}b{2}c{1,}?d*?$`, "", []string{"aabbc", "aaabbcd"}, []string{"abbc"}},
		{`\ba\B`, "", []string{"x ab"}, []string{"a b"}},
		{`\x{1F600}\x41\e?\t`, "", []string{"\U0001f600A\t"}, nil},
		{`\d\D\.`, "", []string{"1x."}, []string{"11."}},
		{`a|`, "", []string{"", "b"}, nil},
		{`}]`, "", []string{"}]"}, nil},
	}
	for _, tc := range tests {
		f, err := regexFilter(t, tc.pattern, tc.options)
		if err != nil {
			t.Errorf("/%s/%s: %v", tc.pattern, tc.options, err)
			continue
		}
		for _, text := range tc.match {
			if !f.Match(textDoc(t, text)) {
				t.Errorf("/%s/%s does not match %q", tc.pattern, tc.options, text)
			}
		}
		for _, text := range tc.differs {
			if f.Match(textDoc(t, text)) {
				t.Errorf("/%s/%s matches %q", tc.pattern, tc.options, text)
			}
		}
	}
}

func TestRegexThatCannotBeTranslatedIsRefused(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{
		`a$b`, `(a$)+`, `$\b`, `a\Z.`, `(?m)^`, `(?m)^$`, `(?m)^a*`, `(?m)(?:^|b)c?`, `(?=a)`, `(?!a)`, `(?<=a)`, `(?<!a)`, `(?>a)`, `(?|a)`, `(?#c)`, `(a)\1`, `\k<n>`, `(?R)`, `(?P=n)`,
		`a*+`, `a++`, `a?+`, `a**`, `a{2}{3}`, `a{,3}`, `a{`, `{`, `*a`, `(*UTF)a`, `(?+a)`, `^*`, `$?`, `\b+`, `\h`, `\v`, `\H`, `\V`, `\R`, `\X`, `\K`, `\G`, `\C`, `\pL`, `\p{L}`,
		`\u0041`, `\x4`, `\xg0`, `\x{110000}`, `\x{d800}`, `\o{101}`, `\101`, `\cA`, `\N{U+41}`, `\é`, `\`, `[a`, `[`, `[]`, `[a-\d]`, `[\d-z]`, `[z-a]`, `[a-c-e]`, `[--a]`, `[[:foo:]]`,
		`[[.a.]]`, `[[=a=]]`, `[a-[:alpha:]]`, `[\R]`, `[\1]`, `[[:alpha:`, `[a-`, `[\`, `(a`, `a)`, `(?i`, `(?z)`, `(?)`, `(?<n>a)(?<n>b)`, `(?<1>a)`, `(?i:a`, `a{1001}`, `a{3,2}`, `((a{99}){99}){99}`,
		`(?i)[\x{0}-\x{10ffff}]`, strings.Repeat("(", 60) + strings.Repeat(")", 60), "(?x)a\u2028", "(?x)a ?\u0085", "(?x)a \u200e", "a\xff", `(?<n>a$)b`, `(?:a|^$)+`,
	} {
		if _, err := regexFilter(t, pattern, ""); err == nil {
			t.Errorf("/%s/ is accepted", pattern)
		}
	}
}

func TestRegexNeedsValidText(t *testing.T) {
	t.Parallel()
	f, err := regexFilter(t, "a", "")
	if err != nil {
		t.Fatal(err)
	}
	if f.Match(textDoc(t, "a\xff")) {
		t.Error("matches text that is not UTF-8")
	}
}
