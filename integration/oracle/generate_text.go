package oracle

import (
	"strings"
	"unicode"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Text returns a string of a few characters that matter to regular expressions.
func (g *Generator) Text() string {
	var b strings.Builder
	for range g.IntN(6) {
		b.WriteString(Pick(g, "a", "a", "b", "c", "A", "B", "k", "K", "s", "S", "é", "É", "ß", "\u212a", "ſ", "\n", "\n", " ", "\t", "\v", "\r", "1", "_", "-", ".", "#", "]", "}",
			"\u00a0", "\u2028", "\u0085", "\b", "x", "{", ",", "\x00", "\U0001f600"))
	}
	return b.String()
}

// CasedTexts returns a document for every tenth character that has another case, and for that case.
func CasedTexts() []bson.D {
	var docs []bson.D
	n := 0
	for r := rune(1); r < 0x20000; r++ {
		if unicode.SimpleFold(r) == r {
			continue
		}
		if n++; n%10 == 0 || r < 0x250 {
			for c := unicode.SimpleFold(r); c != r; c = unicode.SimpleFold(c) {
				docs = append(docs, bson.D{{Key: "a", Value: string(c)}})
			}
			docs = append(docs, bson.D{{Key: "a", Value: string(r)}})
		}
	}
	return docs
}
