package filter_test

import (
	"bytes"
	"errors"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/bsonval"
)

// judge is a Judge made of a function.
type judge func(n int, this bson.RawValue) (bool, error)

func (j judge) Allow(n int, this bson.RawValue) (bool, error) { return j(n, this) }

// fields is a node that shows the named fields whole.
func fields(names ...string) *filter.Node {
	n := &filter.Node{Fields: map[string]*filter.Node{}}
	for _, name := range names {
		n.Fields[name] = &filter.Node{Whole: filter.Always}
	}
	return n
}

// under is a node with one field that is cut by n.
func under(name string, n *filter.Node) *filter.Node {
	return &filter.Node{Fields: map[string]*filter.Node{name: n}}
}

// tower is a node that shows what lies n levels down, under names "0".
func tower(n int) *filter.Node {
	node := fields("0")
	for range n {
		node = under("0", node)
	}
	return node
}

func TestCut(t *testing.T) {
	t.Parallel()
	// Condition 0 holds for even numbers, condition 1 for values that are arrays or objects.
	even := judge(func(n int, this bson.RawValue) (bool, error) {
		if n == 1 {
			return this.Type == bson.TypeArray || this.Type == bson.TypeEmbeddedDocument, nil
		}
		i, ok := bsonval.Int64(this)
		return ok && i%2 == 0, nil
	})
	hideSecret := &filter.Node{Fields: map[string]*filter.Node{"secret": {}}, Rest: filter.Always}
	tests := map[string]struct {
		doc  string
		mask filter.Mask
		want string // "" when nothing is visible
	}{
		"zero mask":                    {`{"_id":1,"a":2}`, filter.Mask{}, ``},
		"nil tree":                     {`{"_id":1}`, filter.Tree(nil, nil), ``},
		"zero node":                    {`{"_id":1}`, filter.Tree(&filter.Node{}, nil), ``},
		"all":                          {`{"_id":1,"a":{"b":[]}}`, filter.All(), `{"_id":1,"a":{"b":[]}}`},
		"all of nothing":               {`{}`, filter.All(), ``},
		"all but the reserved field":   {`{"a":1,"_id__baas_transaction":2,"b":3}`, filter.All(), `{"a":1,"b":3}`},
		"only the reserved field":      {`{"_id__baas_transaction":2}`, filter.All(), ``},
		"reserved field in a rule":     {`{"_id__baas_transaction":2}`, filter.Tree(fields("_id__baas_transaction"), nil), ``},
		"reserved name further down":   {`{"a":{"_id__baas_transaction":2}}`, filter.All(), `{"a":{"_id__baas_transaction":2}}`},
		"allow list":                   {`{"_id":1,"a":2,"b":3,"c":4}`, filter.Tree(fields("a", "c"), nil), `{"a":2,"c":4}`},
		"deny list":                    {`{"_id":1,"secret":2,"b":3}`, filter.Tree(hideSecret, nil), `{"_id":1,"b":3}`},
		"listed without a node":        {`{"a":1,"b":2}`, filter.Tree(&filter.Node{Fields: map[string]*filter.Node{"a": nil}, Rest: filter.Always}, nil), `{"b":2}`},
		"nested":                       {`{"addr":{"city":"Rome","zip":"1"}}`, filter.Tree(under("addr", fields("city")), nil), `{"addr":{"city":"Rome"}}`},
		"nested, nothing left":         {`{"addr":{"zip":"1"},"a":1}`, filter.Tree(under("addr", fields("city")), nil), ``},
		"nested, empty before":         {`{"addr":{}}`, filter.Tree(under("addr", fields("city")), nil), ``},
		"nested, whole and empty":      {`{"addr":{}}`, filter.Tree(fields("addr"), nil), `{"addr":{}}`},
		"nested rest does not count":   {`{"a":{"b":1}}`, filter.Tree(under("a", &filter.Node{Rest: filter.Always, Fields: fields("c").Fields}), nil), ``},
		"scalar where fields are":      {`{"addr":"Rome","a":1}`, filter.Tree(under("addr", fields("city")), nil), ``},
		"array of documents":           {`{"r":[{"by":1,"n":2},{"n":3},{"by":4}]}`, filter.Tree(under("r", fields("by")), nil), `{"r":[{"by":1},{"by":4}]}`},
		"array of scalars":             {`{"r":[1,2]}`, filter.Tree(under("r", fields("by")), nil), ``},
		"array in an array":            {`{"r":[[{"by":1}],{"by":2}]}`, filter.Tree(under("r", fields("by")), nil), `{"r":[{"by":2}]}`},
		"array in a cut element":       {`{"r":[{"s":[{"x":1,"y":2}]}]}`, filter.Tree(under("r", under("s", fields("x"))), nil), `{"r":[{"s":[{"x":1}]}]}`},
		"a name with a dot":            {`{"a.b":1,"a":{"b":2}}`, filter.Tree(&filter.Node{Fields: map[string]*filter.Node{"a.b": {Whole: filter.Always}}}, nil), ``},
		"odd names and rest":           {`{"":1,"$x":2,"a.b":3,"c":4}`, filter.Tree(&filter.Node{Fields: map[string]*filter.Node{"": {}, "$x": {}, "a.b": {}, "c": {}}, Rest: filter.Always}, nil), `{"":1,"$x":2,"a.b":3}`},
		"odd names in a whole value":   {`{"a":{"$x":2,"b.c":3}}`, filter.Tree(fields("a"), nil), `{"a":{"$x":2,"b.c":3}}`},
		"root condition, met":          {`{"a":1}`, filter.Tree(&filter.Node{Whole: filter.Ask(1)}, even), `{"a":1}`},
		"root condition, not met":      {`{"a":1,"b":2}`, filter.Tree(&filter.Node{Whole: filter.Ask(0), Fields: fields("b").Fields}, even), `{"b":2}`},
		"condition on a field":         {`{"a":1,"b":2}`, filter.Tree(&filter.Node{Fields: map[string]*filter.Node{"a": {Whole: filter.Ask(0)}, "b": {Whole: filter.Ask(0)}}}, even), `{"b":2}`},
		"condition on the rest":        {`{"a":1,"b":2,"c":4}`, filter.Tree(&filter.Node{Rest: filter.Ask(0), Fields: map[string]*filter.Node{"c": {}}}, even), `{"b":2}`},
		"condition in an array":        {`{"r":[{"n":1},{"n":2},{"n":3},{"n":4}]}`, filter.Tree(under("r", under("n", &filter.Node{Whole: filter.Ask(0)})), even), `{"r":[{"n":2},{"n":4}]}`},
		"condition on a container":     {`{"a":{"x":1},"b":3}`, filter.Tree(&filter.Node{Fields: map[string]*filter.Node{"a": {Whole: filter.Ask(1)}, "b": {Whole: filter.Ask(1)}}}, even), `{"a":{"x":1}}`},
		"condition, else its fields":   {`{"a":{"x":1,"y":2}}`, filter.Tree(&filter.Node{Fields: map[string]*filter.Node{"a": {Whole: filter.Ask(0), Fields: fields("y").Fields}}}, even), `{"a":{"y":2}}`},
		"condition without a judge":    {`{"a":2}`, filter.Tree(&filter.Node{Rest: filter.Ask(0)}, nil), ``},
		"condition below Never":        {`{"a":2}`, filter.Tree(&filter.Node{Rest: filter.Cond(-1)}, even), ``},
		"Ask below zero":               {`{"a":2}`, filter.Tree(&filter.Node{Rest: filter.Ask(-1)}, even), ``},
		"Ask out of range":             {`{"a":2}`, filter.Tree(&filter.Node{Rest: filter.Ask(1 << 31)}, even), ``},
		"runs at both ends and inside": {`{"a":1,"b":2,"x":3,"c":4,"y":5,"d":6}`, filter.Tree(fields("a", "b", "c", "d"), nil), `{"a":1,"b":2,"c":4,"d":6}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, visible, err := filter.Cut([]byte("x"), mustDoc(t, tt.doc), tt.mask)
			if err != nil {
				t.Fatal(err)
			}
			if out[0] != 'x' {
				t.Fatalf("Cut did not append: % x", out)
			}
			if got := text(t, out[1:]); got != tt.want || visible != (tt.want != "") {
				t.Errorf("Cut(%s) = %s, %v, want %s", tt.doc, got, visible, tt.want)
			}
		})
	}
}

func TestMaskIsAll(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		mask filter.Mask
		want bool
	}{
		"zero":             {filter.Mask{}, false},
		"all":              {filter.All(), true},
		"whole root":       {filter.Tree(&filter.Node{Whole: filter.Always, Fields: fields("a").Fields}, nil), true},
		"all but one":      {filter.Tree(&filter.Node{Rest: filter.Always, Fields: map[string]*filter.Node{"a": {}}}, nil), false},
		"on one condition": {filter.Tree(&filter.Node{Whole: filter.Ask(0)}, judge(parity)), false},
	} {
		if got := tt.mask.IsAll(); got != tt.want {
			t.Errorf("%s: IsAll = %v, want %v", name, got, tt.want)
		}
	}
}

func TestWithoutReserved(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string]string{
		`{"a":1,"_id__baas_transaction":2,"b":{"_id__baas_transaction":3}}`: `{"a":1,"b":{"_id__baas_transaction":3}}`,
		`{"_id__baas_transaction":2}`:                                       `{}`,
		`{"a":1}`:                                                           `{"a":1}`,
		`{}`:                                                                `{}`,
	} {
		if got := filter.WithoutReserved(mustDoc(t, doc)); !bytes.Equal(got, mustDoc(t, want)) {
			t.Errorf("WithoutReserved(%s) = %v, want %s", doc, got, want)
		}
	}
	corrupt := bson.Raw{12, 0, 0, 0, 99}
	if got := filter.WithoutReserved(corrupt); !bytes.Equal(got, corrupt) {
		t.Errorf("a corrupt document becomes %v", got)
	}
}

func TestCutJudgesEveryOccurrence(t *testing.T) {
	t.Parallel()
	doc, start := bsonval.BeginDocument(nil)
	doc = bsonval.AppendElement(doc, "a", bsonval.FromInt32(1))
	doc = bsonval.AppendElement(doc, "b", bsonval.FromInt32(2))
	doc = bsonval.AppendElement(doc, "a", bsonval.FromInt32(3))
	doc = bsonval.EndDocument(doc, start)
	out, visible, err := filter.Cut(nil, doc, filter.Tree(&filter.Node{Fields: map[string]*filter.Node{"a": {}}, Rest: filter.Always}, nil))
	if err != nil || !visible {
		t.Fatalf("Cut = %v, %v", visible, err)
	}
	if got, want := text(t, out), `{"b":2}`; got != want {
		t.Errorf("Cut = %s, want %s", got, want)
	}
}

// TestCutError lets an error end the cut at every place where one can arise; what was in the buffer stays, nothing is added.
func TestCutError(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	failing := judge(func(int, bson.RawValue) (bool, error) { return true, boom })
	ask := &filter.Node{Whole: filter.Ask(0)}
	a := mustDoc(t, `{"_id":1,"a":{"b":[{"c":1}]}}`)
	tests := map[string]struct {
		doc  bson.Raw
		mask filter.Mask
		want error
	}{
		"judge at the root":       {a, filter.Tree(ask, failing), boom},
		"judge on the rest":       {a, filter.Tree(&filter.Node{Rest: filter.Ask(0)}, failing), boom},
		"judge below":             {a, filter.Tree(under("a", ask), failing), boom},
		"judge after a kept one":  {a, filter.Tree(&filter.Node{Fields: map[string]*filter.Node{"_id": {Whole: filter.Always}, "a": ask}}, failing), boom},
		"judge in an array":       {a, filter.Tree(under("a", under("b", under("c", ask))), failing), boom},
		"no bytes":                {nil, filter.All(), bsonval.ErrCorrupt},
		"short":                   {a[:len(a)-1], filter.All(), bsonval.ErrCorrupt},
		"corrupt document inside": {one("a", bsonval.FromDocument(corrupt())), filter.Tree(under("a", fields("a")), nil), bsonval.ErrCorrupt},
		"corrupt array inside":    {one("a", bsonval.FromArray(corrupt())), filter.Tree(under("a", fields("a")), nil), bsonval.ErrCorrupt},
		"corrupt element inside":  {one("a", bsonval.FromArray(one("0", bsonval.FromDocument(corrupt())))), filter.Tree(under("a", fields("a")), nil), bsonval.ErrCorrupt},
		"too deep":                {nested(bson.TypeEmbeddedDocument, bsonval.FromInt32(1)), filter.Tree(under("a", tower(300)), nil), bsonval.ErrTooDeep},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dst := append(make([]byte, 0, 256), "kept"...)
			out, visible, err := filter.Cut(dst, tt.doc, tt.mask)
			if !errors.Is(err, tt.want) || visible || string(out) != "kept" {
				t.Errorf("Cut = %q, %v, %v, want the buffer as it was and %v", out, visible, err, tt.want)
			}
		})
	}
}
