package apptest

import (
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/policytest"
)

// Line is a line of a difference.
type Line struct {
	// Mark is "-" for what is wanted and did not come back, "+" for what came back and is not wanted, and else "".
	Mark  string   `json:"mark"`
	Text  string   `json:"text"`
	Notes []string `json:"notes,omitempty"` // what is different in it from the line that was wanted

	fields []string // the names of the fields that are
}

// difference compares two lists of lines with the fewest changes.
func difference(want, got []string) []Line {
	// common[i][j] is how many lines of want[i:] and got[j:] can be kept.
	common := make([][]int, len(want)+1)
	for i := range common {
		common[i] = make([]int, len(got)+1)
	}
	for i := len(want) - 1; i >= 0; i-- {
		for j := len(got) - 1; j >= 0; j-- {
			if policytest.LineMatches(want[i], got[j]) {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	out := []Line{}
	i, j := 0, 0
	for i < len(want) || j < len(got) {
		switch {
		case i < len(want) && j < len(got) && policytest.LineMatches(want[i], got[j]):
			out = append(out, Line{Text: got[j]})
			i, j = i+1, j+1
		case j == len(got) || i < len(want) && common[i+1][j] >= common[i][j+1]:
			out = append(out, Line{Mark: "-", Text: want[i]})
			i++
		default:
			out = append(out, Line{Mark: "+", Text: got[j]})
			j++
		}
	}
	return noted(out)
}

// noted puts the two lines of one document under each other and says what is different between them.
func noted(in []Line) []Line {
	var out []Line
	used := map[int]bool{}
	for i, l := range in {
		if used[i] {
			continue
		}
		out = append(out, l)
		if l.Mark != "-" {
			continue
		}
		want, ok := parsed(l.Text)
		if !ok {
			continue
		}
		j := slices.IndexFunc(in, func(o Line) bool {
			got, ok := parsed(o.Text)
			return ok && o.Mark == "+" && sameID(want, got)
		})
		if j < 0 || used[j] || j < i {
			continue
		}
		used[j] = true
		got, _ := parsed(in[j].Text)
		pair := in[j]
		pair.Notes, pair.fields = differences(want, got)
		out = append(out, pair)
	}
	if out == nil {
		return []Line{}
	}
	return out
}

func parsed(text string) (bson.Raw, bool) {
	doc, err := ejson.Parse([]byte(text), ejson.Limits{})
	return doc, err == nil
}

// sameID tells whether two documents are one. Where the _id is not shown, one of each is.
func sameID(want, got bson.Raw) bool {
	w, inWant := bsonval.Lookup(want, "_id")
	g, inGot := bsonval.Lookup(got, "_id")
	return inWant != inGot || !inWant || bsonval.Equal(w, g)
}

// differences says what is different field by field.
func differences(want, got bson.Raw) (notes, fields []string) {
	note := func(field, format string, args ...any) {
		notes = append(notes, fmt.Sprintf(format, args...))
		fields = append(fields, field)
	}
	for it := bsonval.NewIter(want); it.Next(); {
		name, w := string(it.Key()), it.Value()
		g, there := bsonval.Lookup(got, name)
		switch {
		case !there:
			note(name, "%s is missing; it should be %s", name, policytest.Text(w))
		case !policytest.ValueMatches(w, g):
			note(name, "%s is %s; it should be %s", name, policytest.Text(g), policytest.Text(w))
		}
	}
	for it := bsonval.NewIter(got); it.Next(); {
		if _, wanted := bsonval.Lookup(want, string(it.Key())); !wanted {
			note(string(it.Key()), "%s is %s; it should not be there", it.Key(), policytest.Text(it.Value()))
		}
	}
	if notes == nil {
		notes = []string{"the fields are in another order"}
	}
	return notes, fields
}
