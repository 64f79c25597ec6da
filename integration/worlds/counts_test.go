package worlds_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// counts says what the worlds were like and what was asked, by name.
type counts map[string]int

func (c counts) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(c)) {
		fmt.Fprintf(&b, "\n%8d %s", c[name], name)
	}
	return b.String()
}

func (c counts) world(w *World) {
	c["worlds"]++
	if w.Twin != nil {
		c["worlds: with a twin"]++
	}
	view, err := w.model().View(w.User.facts("find"), raws(w.Docs))
	hasID := func(d bson.Raw) bool { _, err := d.LookupErr("_id"); return err == nil }
	switch {
	case err != nil:
		c["worlds: refused"]++
	case len(view.Documents) == 0:
		c["worlds: nothing is shown"]++
	case !view.Hidden:
		c["worlds: nothing is hidden"]++
	case !slices.ContainsFunc(view.Documents, hasID):
		c["worlds: no _id is shown"]++
	case slices.ContainsFunc(view.Documents, func(d bson.Raw) bool { return !hasID(d) }):
		c["worlds: some _ids are shown"]++
	default:
		c["worlds: every _id is shown"]++
	}
}

func (c counts) answer(want expected) {
	c["requests"]++
	c["requests: "+want.action]++
	switch {
	case want.refused != nil:
		c["answers: refused"]++
	case len(want.documents)+len(want.values)+want.count == 0:
		c["answers: empty"]++
	default:
		c["answers: not empty"]++
	}
}

// interesting fails when the worlds show too little of what they are for. A few worlds say nothing about that.
func (c counts) interesting(t *testing.T) {
	t.Helper()
	for _, least := range []struct {
		name, of string
		percent  int
	}{
		{"answers: not empty", "requests", 30},
		{"answers: empty", "requests", 10},
		{"requests: find", "requests", 25},
		{"requests: distinct", "requests", 5},
		{"requests: countDocuments", "requests", 5},
		{"twin pairs", "requests", 75},
		{"worlds: with a twin", "worlds", 75},
		{"worlds: every _id is shown", "worlds", 10},
		{"worlds: some _ids are shown", "worlds", 1},
		{"worlds: no _id is shown", "worlds", 10},
	} {
		if c[least.of] >= 100 && 100*c[least.name] < least.percent*c[least.of] {
			t.Errorf("%s: %d of %d, which is less than %d %%: the worlds are not what they should be", least.name, c[least.name], c[least.of], least.percent)
		}
	}
}

// planned is a line of the metrics that says how reads were planned.
var planned = regexp.MustCompile(`(?m)^rolegate_reads_total\{(.*)\} ([0-9]+)$`)

// plans adds how the server of a batch planned its reads.
func (c counts) plans(ctx context.Context, b *batch) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.admin+"/metrics", nil)
	if err != nil {
		return err
	}
	res, err := b.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // the body has been read
	text, err := io.ReadAll(res.Body)
	for _, line := range planned.FindAllSubmatch(text, -1) {
		n, _ := strconv.Atoi(string(line[2])) // it has digits only
		c["plans: "+string(line[1])] += n
	}
	return err
}
