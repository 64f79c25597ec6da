package journal_test

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/update"
)

// versionField is the field that the recorder keeps in every document: {n, by}. n is the number of the last recorded
// change, unlike that of any other; by are the numbers of the changes of many documents at once that came after it. Neither
// the rules nor the proxy get to see it.
const versionField = "__v"

func versionOf(n int64) bson.RawValue {
	return raw(bson.D{{Key: "v", Value: bson.D{{Key: "n", Value: n}, {Key: "by", Value: bson.A{}}}}}).Lookup("v")
}

// stripped is a stored document as the proxy sees it.
func stripped(stored bson.Raw) bson.Raw { return without(stored, versionField) }

func without(doc bson.Raw, name string) bson.Raw {
	out, start := bsonval.BeginDocument(nil)
	for it := bsonval.NewIter(doc); it.Next(); {
		if string(it.Key()) != name {
			out = append(out, it.Element()...)
		}
	}
	return bsonval.EndDocument(out, start)
}

// with is doc with a field more, in the place that it has in like, or else at the end.
func with(doc bson.Raw, name string, v bson.RawValue, like bson.Raw) bson.Raw {
	place, fields := math.MaxInt, 0
	for it := bsonval.NewIter(like); it.Next(); fields++ {
		if string(it.Key()) == name {
			place = fields
		}
	}
	out, start := bsonval.BeginDocument(nil)
	i := 0
	for it := bsonval.NewIter(doc); it.Next(); i++ {
		if i == place {
			out = bsonval.AppendElement(out, name, v)
		}
		out = append(out, it.Element()...)
	}
	if place >= i {
		out = bsonval.AppendElement(out, name, v)
	}
	return bsonval.EndDocument(out, start)
}

// entry is one change of one document.
type entry struct {
	by            *request
	id            string   // of the document
	found, left   int64    // the version that it found, and that it left; 0 is no document
	sweeps        []int64  // the changes of many documents since that version
	before, after bson.Raw // nil is no document
}

// history is what has become of the documents of a world.
type history struct {
	last atomic.Int64 // version

	mu      sync.Mutex
	entries []entry
	sweeps  map[int64]*request // changes of many documents at once
	faults  []string           // of the database or the recorder
	counts  counts
}

func (h *history) next() int64 { return h.last.Add(1) }

func (h *history) add(e entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.entries = append(h.entries, e)
}

func (h *history) sweep(n int64, by *request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sweeps == nil {
		h.sweeps = map[int64]*request{}
	}
	h.sweeps[n] = by
}

func (h *history) count(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.counts == nil {
		h.counts = counts{}
	}
	h.counts[what]++
}

func (h *history) fault(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults = append(h.faults, fmt.Sprintf(format, args...))
}

// found reads the version of a stored document.
func found(stored bson.Raw) (n int64, sweeps []int64) {
	n, _ = bsonval.Int64(stored.Lookup(versionField, "n"))
	list, _ := bsonval.Array(stored.Lookup(versionField, "by"))
	for it := bsonval.NewIter(list); it.Next(); {
		v, _ := bsonval.Int64(it.Value())
		sweeps = append(sweeps, v)
	}
	return n, sweeps
}

// entryOn is a change of a stored document that leaves after.
func entryOn(stored, after bson.Raw, left int64, by *request) entry {
	n, sweeps := found(stored)
	id, _ := bsonval.Lookup(stored, "_id")
	return entry{by: by, id: id.String(), found: n, left: left, sweeps: sweeps, before: stripped(stored), after: after}
}

// whole links the changes of every document up to what is stored in the end, adds those that were made of many documents at
// once, and says what does not fit.
func (h *history) whole(stored []bson.Raw) (all []entry, faults []string) {
	faults = h.faults
	wrong := func(e entry, what string) { faults = append(faults, what+"\n"+e.String()) }
	type state struct {
		id string
		n  int64
	}
	left, taken := map[state]entry{}, map[state]bool{}
	for _, e := range h.entries {
		if e.left != 0 {
			left[state{e.id, e.left}] = e
		}
	}
	all = slices.Clone(h.entries)
	ends := slices.Clone(h.entries)
	for _, doc := range stored {
		ends = append(ends, entryOn(doc, nil, 0, nil))
	}
	for _, e := range ends {
		if e.found == 0 {
			continue
		}
		at := state{e.id, e.found}
		before, ok := left[at]
		switch {
		case !ok:
			wrong(e, "nobody left what this change found")
			continue
		case taken[at]:
			wrong(e, "two changes of the same state: one is lost")
			continue
		}
		taken[at] = true
		image := before.after
		for _, n := range e.sweeps {
			step := entry{by: h.sweeps[n], id: e.id, before: image}
			image = applied(step.by.parts[0].Update, image)
			step.after = image
			all = append(all, step)
		}
		if !bytes.Equal(image, e.before) {
			wrong(e, "this change did not find what the one before it left:\n"+text(image)+"\n"+before.String())
		}
	}
	for at, e := range left {
		if !taken[at] {
			wrong(e, "what this change left is gone, and nobody changed it")
		}
	}
	return all, faults
}

// applied is what an update makes of a document; nil if it cannot be applied.
func applied(u, doc bson.Raw) bson.Raw {
	parsed, err := update.Parse(u, nil, update.Options{})
	if err != nil {
		return nil
	}
	after, err := parsed.Apply(nil, doc, update.Input{Positional: -1})
	if err != nil {
		return nil
	}
	return after
}

func (e entry) String() string {
	return fmt.Sprintf("request: %v\nbefore (%d%v): %s\nafter (%d): %s", e.by, e.found, e.sweeps, text(e.before), e.left, text(e.after))
}
