package policytest

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/tools/txtar"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/ejson"
)

// Rewrite returns the case file with what came back in place of what was wanted. A line that matches stays as it is
// written, with its placeholders. Elsewhere they stay where they still match, and ids and times that this run has made become
// placeholders: they would be others the next time.
func (r Result) Rewrite() []byte {
	c := r.Case
	w := &rewriter{said: c.said(), from: r.From.Truncate(time.Millisecond), to: r.To}
	files := append([]txtar.File(nil), c.archive.Files...)
	for _, f := range r.Failures {
		data := strings.Join(w.lines(f.Section.Lines, f.Got), "\n")
		if data != "" {
			data += "\n"
		}
		files[f.Section.file].Data = []byte(data)
	}
	return txtar.Format(&txtar.Archive{Comment: c.archive.Comment, Files: files})
}

// said is everything that a case says, its documents and users included.
func (c *Case) said() string {
	var b bytes.Buffer
	b.Write(txtar.Format(c.archive))
	for _, coll := range c.Documents {
		for _, doc := range coll.Documents {
			b.WriteString(Text(bsonval.FromDocument(doc)))
		}
	}
	for _, u := range c.Users {
		b.WriteString(u.ID)
		for _, doc := range []bson.Raw{u.Data, u.CustomData} {
			b.WriteString(Text(bsonval.FromDocument(doc)))
		}
	}
	return b.String()
}

type rewriter struct {
	said     string
	from, to time.Time
}

// lines writes what came back, each line as a wanted one that matches it where there is one.
func (w *rewriter) lines(want, got []string) []string {
	out := make([]string, len(got))
	left := slices.Clone(want)
	for i, line := range got {
		if at := slices.IndexFunc(left, func(l string) bool { return LineMatches(l, line) }); at >= 0 {
			out[i] = left[at]
			left = slices.Delete(left, at, at+1)
		}
	}
	for i, line := range got {
		if out[i] == "" {
			out[i] = w.line(&left, line)
		}
	}
	return out
}

// line writes a line that is not what was wanted. Those that are wanted and did not come back are left.
func (w *rewriter) line(left *[]string, line string) string {
	doc, err := ejson.Parse([]byte(line), ejson.Limits{})
	if err != nil {
		return w.text(line)
	}
	was := w.take(left, doc)
	return Text(w.value(bsonval.FromDocument(was), bsonval.FromDocument(doc)))
}

// take takes the wanted line that is about a document from those that are left, by its _id. It is empty when there is none.
func (w *rewriter) take(left *[]string, doc bson.Raw) bson.Raw {
	id, _ := bsonval.Lookup(doc, "_id")
	for i, line := range *left {
		was, err := ejson.Parse([]byte(line), ejson.Limits{})
		if err != nil {
			continue
		}
		if wanted, given := bsonval.Lookup(was, "_id"); given == bsonval.IsMissing(id) || given && !sameValue(wanted, id) {
			continue
		}
		*left = slices.Delete(*left, i, i+1)
		return was
	}
	return bsonval.Empty()
}

// value is what came back, with placeholders.
func (w *rewriter) value(want, got bson.RawValue) bson.RawValue {
	switch s, _ := want.StringValueOK(); s {
	case "(any)", "(generated)", "(now)":
		if sameValue(want, got) {
			return want
		}
	}
	switch got.Type {
	case bson.TypeObjectID:
		if !strings.Contains(w.said, got.ObjectID().Hex()) {
			return bsonval.FromString("(generated)")
		}
	case bson.TypeDateTime:
		if at := got.Time(); !at.Before(w.from) && !at.After(w.to) && !strings.Contains(w.said, at.UTC().Format("2006-01-02T15:04:05.999Z")) {
			return bsonval.FromString("(now)")
		}
	case bson.TypeEmbeddedDocument, bson.TypeArray:
		was := bsonval.Empty()
		if want.Type == got.Type {
			was = bson.Raw(want.Value)
		}
		doc, start := bsonval.BeginDocument(nil)
		for it := bsonval.NewIter(bson.Raw(got.Value)); it.Next(); {
			v, _ := bsonval.Lookup(was, string(it.Key()))
			doc = bsonval.AppendElementBytes(doc, it.Key(), w.value(v, it.Value()))
		}
		return bson.RawValue{Type: got.Type, Value: bsonval.EndDocument(doc, start)}
	}
	return got
}

var objectID = regexp.MustCompile(`\{"\$oid":"([0-9a-f]{24})"\}|"([0-9a-f]{24})"`)

// text is a line that is no document, with placeholders for ids.
func (w *rewriter) text(line string) string {
	return objectID.ReplaceAllStringFunc(line, func(id string) string {
		if strings.Contains(w.said, strings.Trim(strings.TrimPrefix(id, `{"$oid":`), `"}`)) {
			return id
		}
		return "(generated)"
	})
}
