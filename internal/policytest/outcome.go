package policytest

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/ejson"
)

// Outcome is what came back from a step. The zero Outcome is an empty list of documents.
type Outcome struct {
	documents []bson.Raw
	line      string // an answer that is one line of text; "" when it is documents or a response
	response  *response
}

type response struct {
	status int
	header http.Header
	body   string
}

// Documents is the answer of find: the documents in order.
func Documents(docs []bson.Raw) Outcome { return Outcome{documents: docs} }

// Document is the answer of findOne; nil is null.
func Document(doc bson.Raw) Outcome {
	if doc == nil {
		return Outcome{line: "null"}
	}
	return Documents([]bson.Raw{doc})
}

// Inserted is the answer of an insert.
func Inserted(ids ...bson.RawValue) Outcome {
	line := "inserted"
	for _, id := range ids {
		line += " " + Text(id)
	}
	return Outcome{line: line}
}

// Updated is the answer of an update or replacement; a zero upserted id says that nothing was inserted.
func Updated(matched, modified int64, upserted bson.RawValue) Outcome {
	line := fmt.Sprintf("matched %d modified %d", matched, modified)
	if !upserted.IsZero() {
		line += " upserted " + Text(upserted)
	}
	return Outcome{line: line}
}

// Bulk is the answer of bulkWrite: its counts, and the ids by the number of their operation.
func Bulk(doc bson.Raw) Outcome {
	number := func(key string) int64 { n, _ := doc.Lookup(key).AsInt64OK(); return n }
	line := fmt.Sprintf("bulk inserted %d matched %d modified %d deleted %d upserted %d", number("insertedCount"),
		number("matchedCount"), number("modifiedCount"), number("deletedCount"), number("upsertedCount"))
	for _, key := range []string{"insertedIds", "upsertedIds"} {
		ids, _ := doc.Lookup(key).DocumentOK()
		for _, e := range must(ids.Elements()) {
			line += " " + e.Key() + ":" + Text(e.Value())
		}
	}
	return Outcome{line: line}
}

// Deleted is the answer of a delete.
func Deleted(n int64) Outcome { return Outcome{line: fmt.Sprintf("deleted %d", n)} }

// Counted is the answer of a count.
func Counted(n int64) Outcome { return Outcome{line: fmt.Sprintf("count %d", n)} }

// Values is the answer of distinct.
func Values(array bson.RawValue) Outcome { return Outcome{line: "values " + Text(array)} }

// Failed is an error as the HTTP API reports it.
func Failed(status int, code, message string) Outcome {
	return Outcome{line: fmt.Sprintf("error %d %s: %s", status, code, message)}
}

// Response is the answer to a request that was written out.
func Response(status int, header http.Header, body string) Outcome {
	return Outcome{response: &response{status, header, body}}
}

// Lines renders the outcome the way cases write it. The headers of a response are those that want names.
func (o Outcome) Lines(want []string) []string {
	switch {
	case o.response != nil:
		return o.response.lines(want)
	case o.line != "":
		return []string{o.line}
	}
	lines := make([]string, len(o.documents))
	for i, doc := range o.documents {
		lines[i] = Text(bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: doc})
	}
	return lines
}

// Matches compares the outcome with the lines of a want section.
func (o Outcome) Matches(want []string) bool {
	switch {
	case o.response != nil:
		return o.response.matches(want)
	case o.line != "":
		return len(want) == 1 && lineMatches(want[0], o.line)
	case len(want) == 1 && want[0] == fmt.Sprintf("documents %d", len(o.documents)):
		return true
	case len(want) != len(o.documents):
		return false
	}
	for i, doc := range o.documents {
		if !documentMatches(want[i], doc) {
			return false
		}
	}
	return true
}

// lineMatches compares one line. An error may be wanted without its text, or without text and code.
func lineMatches(want, got string) bool {
	if strings.HasPrefix(want, "error ") {
		rest, ok := strings.CutPrefix(got, want)
		return ok && (rest == "" || rest[0] == ':' || rest[0] == ' ' && !strings.Contains(want, ":"))
	}
	return wildcards(want).MatchString(got)
}

// wildcards turns a line into a pattern: (generated) is an ObjectId in any of its JSON forms, (any) anything.
func wildcards(want string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(want)
	quoted = strings.ReplaceAll(quoted, `\(generated\)`, `(?:\{"\$oid":"[0-9a-f]{24}"\}|"?[0-9a-f]{24}"?)`)
	quoted = strings.ReplaceAll(quoted, `\(any\)`, `.*`)
	return regexp.MustCompile("^" + quoted + "$")
}

func (r *response) lines(want []string) []string {
	lines := []string{"status " + strconv.Itoa(r.status)}
	for _, h := range wantedHeaders(want) {
		value := strings.Join(r.header.Values(h.Name), ", ")
		if value == "" {
			value = "(absent)"
		}
		lines = append(lines, h.Name+": "+value)
	}
	if body := strings.TrimSuffix(r.body, "\n"); body != "" {
		lines = append(lines, "", body)
	}
	return lines
}

// matches compares line by line, so that a want without a body demands an empty one; "(any)" stands for a
// body that does not matter.
func (r *response) matches(want []string) bool {
	got := r.lines(want)
	if len(want) > 1 && want[len(want)-1] == "(any)" && len(got) < len(want) {
		got = append(got, "", "")
	}
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		if !wildcards(want[i]).MatchString(got[i]) {
			return false
		}
	}
	return true
}

func wantedHeaders(want []string) []Header {
	var headers []Header
	for _, l := range want {
		if l == "" {
			break
		}
		if name, value, ok := strings.Cut(l, ": "); ok {
			headers = append(headers, Header{name, value})
		}
	}
	return headers
}

// StoredMatches compares the documents of a collection with the lines of a stored section, in any order.
func StoredMatches(want []string, got []bson.Raw) bool {
	if len(want) == 1 && want[0] == fmt.Sprintf("documents %d", len(got)) {
		return true
	}
	if len(want) != len(got) {
		return false
	}
	used := make([]bool, len(got))
	for _, w := range want {
		found := false
		for i, doc := range got {
			if found = !used[i] && documentMatches(w, doc); found {
				used[i] = true
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// LineMatches compares a line of a section with a line that came back: a document, or another answer.
func LineMatches(want, got string) bool {
	if doc, err := ejson.Parse([]byte(got), ejson.Limits{}); err == nil {
		return documentMatches(want, doc)
	}
	return want == got || lineMatches(want, got)
}

func documentMatches(want string, got bson.Raw) bool {
	doc, err := ejson.Parse([]byte(want), ejson.Limits{})
	return err == nil && sameDocument(doc, got)
}

func sameDocument(want, got bson.Raw) bool {
	w, g := must(want.Elements()), must(got.Elements())
	if len(w) != len(g) {
		return false
	}
	for i := range w {
		if w[i].Key() != g[i].Key() || !sameValue(w[i].Value(), g[i].Value()) {
			return false
		}
	}
	return true
}

// ValueMatches compares a wanted value, which may be or hold placeholders, with one that came back.
func ValueMatches(want, got bson.RawValue) bool { return sameValue(want, got) }

// sameValue demands the same type and the same bytes, but for the placeholders.
func sameValue(want, got bson.RawValue) bool {
	switch s, _ := want.StringValueOK(); {
	case s == "(any)":
		return true
	case s == "(generated)":
		return got.Type == bson.TypeObjectID
	case s == "(now)":
		return got.Type == bson.TypeDateTime
	case want.Type != got.Type:
		return false
	case want.Type == bson.TypeEmbeddedDocument, want.Type == bson.TypeArray:
		return sameDocument(bson.Raw(want.Value), bson.Raw(got.Value))
	}
	return want.Equal(got)
}

// Text is a value as JSON that reads back as the same value: relaxed, unless that loses the type.
func Text(v bson.RawValue) string {
	relaxed, err := ejson.AppendRelaxedValue(nil, v)
	if err != nil {
		return "(" + err.Error() + ")"
	}
	if back, err := ejson.ParseValue(relaxed, ejson.Limits{}); err == nil && back.Equal(v) {
		return string(relaxed)
	}
	canonical, err := ejson.AppendCanonicalValue(nil, v)
	if err != nil {
		return "(" + err.Error() + ")"
	}
	return string(canonical)
}
