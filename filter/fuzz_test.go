package filter_test

import (
	"bytes"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/bsonval"
)

var fuzzNames = []string{"_id", "owner", "addr", "city", "reviews", "by", "a.b", ""}

// nodeOf reads a tree from bytes: one byte of conditions, one of which names have a node, then those nodes.
func nodeOf(program []byte, depth int) (*filter.Node, []byte) {
	if len(program) < 2 || depth == 0 {
		return nil, program
	}
	conds := [...]filter.Cond{filter.Never, filter.Always, filter.Ask(0), filter.Ask(1)}
	n := &filter.Node{Whole: conds[program[0]&3], Rest: conds[program[0]>>2&3], Fields: map[string]*filter.Node{}}
	listed := program[1]
	program = program[2:]
	for i, name := range fuzzNames {
		if listed>>i&1 == 1 {
			n.Fields[name], program = nodeOf(program, depth-1)
		}
	}
	return n, program
}

// seedDocuments cover every shape that a cut treats in its own way.
var seedDocuments = []string{
	`{}`,
	`{"_id":1,"owner":"ua","addr":{"city":"Rome","zip":"00100"}}`,
	`{"_id":{"by":1},"reviews":[{"by":"a","n":1},{"n":2},3,[{"by":"b"}]],"addr":[]}`,
	`{"":1,"a.b":{"city":2},"$x":[1],"_id__baas_transaction":{"$oid":"000000000000000000000000"}}`,
	`{"addr":{"addr":{"addr":{"addr":[{"addr":{}}]}}},"city":{"$date":"2020-01-01T00:00:00Z"}}`,
	`{"owner":{"$numberDecimal":"1.5"},"by":{"$regularExpression":{"pattern":"a","options":"i"}},"city":{"$binary":{"base64":"AAAA","subType":"02"}}}`,
	`{"owner":{"$code":"f","$scope":{"a":1}},"by":{"$minKey":1},"city":{"$timestamp":{"t":1,"i":2}},"_id":{"$undefined":true}}`,
}

func FuzzCut(f *testing.F) {
	for _, doc := range seedDocuments {
		for _, program := range []string{"", "\x01\x00", "\x04\x05\x00\x00\x00\x00", "\x00\x3e\x02\x00\x00\x3e\x01\x00\x02\x00\x03\x00\x00\x20\x01\x00", "\x08\xff\x00\x0c\x01\x00"} {
			f.Add([]byte(mustDoc(f, doc)), []byte(program))
		}
	}
	f.Fuzz(func(t *testing.T, doc, program []byte) {
		node, _ := nodeOf(program, 6)
		mask := filter.Tree(node, judge(parity))
		before := bytes.Clone(doc)
		dst := append(make([]byte, 0, 64), "kept"...)
		out, visible, err := filter.Cut(dst, doc, mask)
		if !bytes.Equal(doc, before) || string(out[:4]) != "kept" {
			t.Fatal("Cut wrote where it must not")
		}
		out = out[4:]
		if visible != (len(out) > 0) || visible && err != nil {
			t.Fatalf("Cut = %d bytes, %v, %v", len(out), visible, err)
		}
		if !visible {
			return
		}
		if !within(out, doc, false) {
			t.Fatalf("% x is not within % x", out, doc)
		}
		if bsonval.Validate(doc, maxDepth) == nil {
			if err := bsonval.Validate(out, maxDepth); err != nil {
				t.Fatalf("output of a valid document: %v", err)
			}
		}
		again, _, err := filter.Cut(nil, out, mask)
		if err != nil || !bytes.Equal(again, out) {
			t.Fatalf("cut twice: % x, %v, want % x", again, err, out)
		}
	})
}

func FuzzProject(f *testing.F) {
	for _, doc := range seedDocuments {
		for _, p := range []string{`{}`, `{"_id":0}`, `{"addr.city":1,"reviews":{"by":true}}`, `{"reviews.by":0,"_id":0}`, `{"a":{"$slice":1}}`} {
			f.Add([]byte(mustDoc(f, doc)), []byte(mustDoc(f, p)))
		}
	}
	f.Fuzz(func(t *testing.T, doc, projection []byte) {
		p, err := filter.ParseProjection(projection)
		if err != nil {
			return
		}
		out, err := filter.Project([]byte("kept"), doc, p)
		if string(out[:4]) != "kept" {
			t.Fatal("Project wrote where it must not")
		}
		if out = out[4:]; err != nil {
			if len(out) > 0 {
				t.Fatalf("Project left %d bytes behind an error", len(out))
			}
			return
		}
		if !within(out, doc, false) {
			t.Fatalf("% x is not within % x", out, doc)
		}
		if bsonval.Validate(doc, maxDepth) == nil {
			if err := bsonval.Validate(out, maxDepth); err != nil {
				t.Fatalf("output of a valid document: %v", err)
			}
		}
		again, err := filter.Project(nil, out, p)
		if err != nil || !bytes.Equal(again, out) {
			t.Fatalf("projected twice: % x, %v, want % x", again, err, out)
		}
	})
}

func FuzzDiff(f *testing.F) {
	for i, doc := range seedDocuments {
		f.Add([]byte(mustDoc(f, doc)), []byte(mustDoc(f, seedDocuments[(i+1)%len(seedDocuments)])))
	}
	f.Fuzz(func(t *testing.T, pre, post []byte) {
		paths := filter.Diff(pre, post)
		if len(paths) == 0 && len(pre) == len(post) && !bytes.Equal(pre, post) {
			// Only the order of the fields at the top may differ: each of them is in both, with one value.
			for it := bsonval.NewIter(pre); it.Next(); {
				if v, _ := bsonval.Lookup(post, string(it.Key())); !bsonval.Identical(v, it.Value()) {
					t.Fatalf("no path for %q", it.Key())
				}
			}
		}
		for _, p := range paths {
			for _, segment := range p.Segments() {
				if segment == "" || segment[0] == '$' {
					t.Fatalf("path %q", p)
				}
			}
		}
	})
}

// maxDepth is how deep a document the fuzzers take for valid.
const maxDepth = 150

// TestFuzzSeedsAreValid keeps the seeds from testing nothing.
func TestFuzzSeedsAreValid(t *testing.T) {
	t.Parallel()
	seen := map[bson.Type]bool{}
	for _, text := range seedDocuments {
		doc := mustDoc(t, text)
		if err := bsonval.Validate(doc, maxDepth); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		for it := bsonval.NewIter(doc); it.Next(); {
			seen[it.Value().Type] = true
		}
	}
	if len(seen) < 12 {
		t.Errorf("the seeds have %d types of values at the top, want 12", len(seen))
	}
}
