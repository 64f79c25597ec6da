package bsonval_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

func TestScalars(t *testing.T) {
	t.Parallel()
	id := bson.ObjectID{1, 2, 3}
	if got, ok := bsonval.String(bsonval.FromString("x\x00y")); !ok || got != "x\x00y" {
		t.Errorf("String = %q, %v", got, ok)
	}
	if got, ok := bsonval.ObjectID(bsonval.FromObjectID(id)); !ok || got != id {
		t.Errorf("ObjectID = %v, %v", got, ok)
	}
	if got, ok := bsonval.Bool(bsonval.FromBool(true)); !ok || !got {
		t.Errorf("Bool = %v, %v", got, ok)
	}
	if got, ok := bsonval.DateTime(bsonval.FromDateTime(-7)); !ok || got != -7 {
		t.Errorf("DateTime = %v, %v", got, ok)
	}
	if sub, data, ok := bsonval.Binary(mustValue(t, bson.Binary{Subtype: 4, Data: []byte("ab")})); !ok || sub != 4 || string(data) != "ab" {
		t.Errorf("Binary = %v, %q, %v", sub, data, ok)
	}
	if p, o, ok := bsonval.Regex(mustValue(t, bson.Regex{Pattern: "a.", Options: "i"})); !ok || string(p) != "a." || string(o) != "i" {
		t.Errorf("Regex = %q, %q, %v", p, o, ok)
	}
	doc := mustDoc(t, bson.D{{Key: "a", Value: bson.A{int32(1)}}})
	if got, ok := bsonval.Document(bsonval.FromDocument(doc)); !ok || cmp.Diff(doc, got) != "" {
		t.Errorf("Document = %v, %v", got, ok)
	}
	arr, _ := bsonval.Lookup(doc, "a")
	if got, ok := bsonval.Array(arr); !ok || cmp.Diff(bson.Raw(arr.Value), got) != "" {
		t.Errorf("Array = %v, %v", got, ok)
	}
	if _, ok := bsonval.Lookup(doc, "b"); ok {
		t.Error("Lookup finds what is not there")
	}
	if !bsonval.IsNumber(bsonval.FromInt32(1)) || bsonval.IsNumber(bsonval.FromString("1")) {
		t.Error("IsNumber")
	}
	if !bsonval.IsNaN(bsonval.FromDouble(math.NaN())) || !bsonval.IsNaN(mustValue(t, mustDecimal(t, "NaN"))) || bsonval.IsNaN(bsonval.FromInt32(1)) || bsonval.IsNaN(bson.RawValue{}) {
		t.Error("IsNaN")
	}
	if !bsonval.IsEmpty(mustValue(t, bson.A{})) || !bsonval.IsEmpty(mustValue(t, bson.D{})) || bsonval.IsEmpty(mustValue(t, bson.A{1})) || bsonval.IsEmpty(bsonval.FromString("")) {
		t.Error("IsEmpty")
	}
	for s, want := range map[string]int64{"4.9": 4, "-4.9": -4, "1E-6176": 0, "12E+2": 1200, "9223372036854775807.5": math.MaxInt64} {
		if got, ok := bsonval.TruncateDecimal(mustValue(t, mustDecimal(t, s))); !ok || got != want {
			t.Errorf("TruncateDecimal(%s) = %d, %v, want %d", s, got, ok, want)
		}
	}
	for _, s := range []string{"NaN", "-Infinity", "1E+19", "9223372036854775808"} {
		if got, ok := bsonval.TruncateDecimal(mustValue(t, mustDecimal(t, s))); ok {
			t.Errorf("TruncateDecimal(%s) = %d", s, got)
		}
	}
	if _, ok := bsonval.TruncateDecimal(bsonval.FromDouble(1)); ok {
		t.Error("TruncateDecimal of a double")
	}
	for _, v := range []bson.RawValue{{}, bsonval.Null(), bsonval.FromBool(true)} {
		if _, ok := bsonval.Double(v); ok {
			t.Errorf("Double(%v) is ok", v)
		}
		if _, ok := bsonval.Int64(v); ok {
			t.Errorf("Int64(%v) is exact", v)
		}
	}
	for s, want := range map[string]float64{"NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1), "1E+400": math.Inf(1), "0.1": 0.1} {
		got, ok := bsonval.Double(mustValue(t, mustDecimal(t, s)))
		if !ok || math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("Double(%s) = %v, want %v", s, got, want)
		}
	}
	if n, ok := bsonval.Int64(mustValue(t, mustDecimal(t, "1E+30"))); ok {
		t.Errorf("Int64(1E+30) = %d", n)
	}
	if bsonval.FromBool(false).Boolean() {
		t.Error("FromBool(false) is true")
	}
}

func TestWrongShapes(t *testing.T) {
	t.Parallel()
	// Values whose bytes are too short for their type: nothing is read, nothing panics.
	for typ := range 256 {
		for _, n := range []int{0, 1, 3, 7} {
			v := bson.RawValue{Type: bson.Type(typ), Value: make([]byte, n)}
			_, s := bsonval.String(v)
			_, d := bsonval.Document(v)
			_, a := bsonval.Array(v)
			_, o := bsonval.ObjectID(v)
			_, f := bsonval.Double(v)
			_, i := bsonval.Int64(v)
			_, dt := bsonval.DateTime(v)
			_, _, b := bsonval.Binary(v)
			if s || d || a || o || f || i || dt || b {
				t.Errorf("type %#x with %d bytes is readable", typ, n)
			}
			if _, _, ok := bsonval.Regex(v); ok && n < 2 {
				t.Errorf("regex with %d bytes is readable", n)
			}
			if got := bsonval.Compare(v, v); got != 0 {
				t.Errorf("Compare(%v, itself) = %d", v, got)
			}
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	nested := bson.D{{Key: "a", Value: bson.D{{Key: "b", Value: bson.A{int32(1)}}}}}
	everything := bson.D{
		{Key: "s", Value: "é"},
		{Key: "y", Value: bson.Symbol("y")},
		{Key: "j", Value: bson.JavaScript("j")},
		{Key: "r", Value: bson.Regex{Pattern: "p", Options: "i"}},
		{Key: "d", Value: bson.DBPointer{DB: "db"}},
		{Key: "t", Value: true},
		{Key: "b", Value: bson.Binary{Subtype: 2, Data: []byte("x")}},
		{Key: "w", Value: bson.CodeWithScope{Code: "c", Scope: bson.D{}}},
		{Key: "u", Value: bson.Undefined{}},
		{Key: "D", Value: bson.Decimal128{}},
		{Key: "f", Value: 1.5},
	}
	spoil := func(doc bson.Raw, old, replacement byte) bson.Raw {
		for i, b := range doc {
			if b == old {
				doc[i] = replacement
				break
			}
		}
		return doc
	}
	badScope := mustDoc(t, bson.D{{Key: "a", Value: bson.CodeWithScope{Code: "x", Scope: bson.D{}}}})
	badScope[len(badScope)-7]++ // the scope's length
	tests := map[string]struct {
		doc   bson.Raw
		depth int
		want  error
	}{
		"nested within the depth": {mustDoc(t, nested), 3, nil},
		"nested too deeply":       {mustDoc(t, nested), 2, bsonval.ErrTooDeep},
		"every type":              {mustDoc(t, everything), 2, nil},
		"empty slice":             {nil, 1, bsonval.ErrCorrupt},
		"one byte too many":       {append(mustDoc(t, bson.D{}), 0), 1, bsonval.ErrCorrupt},
		"bad UTF-8 in a string":   {spoil(mustDoc(t, bson.D{{Key: "a", Value: "\x01x"}}), 'x', 0xff), 1, bsonval.ErrCorrupt},
		"bad UTF-8 in a name":     {spoil(mustDoc(t, bson.D{{Key: "x", Value: nil}}), 'x', 0xff), 1, bsonval.ErrCorrupt},
		"bad UTF-8 in a regex":    {spoil(mustDoc(t, bson.D{{Key: "a", Value: bson.Regex{Pattern: "x"}}}), 'x', 0xff), 1, bsonval.ErrCorrupt},
		"bad UTF-8 in code":       {spoil(mustDoc(t, bson.D{{Key: "a", Value: bson.CodeWithScope{Code: "x", Scope: bson.D{}}}}), 'x', 0xff), 2, bsonval.ErrCorrupt},
		"boolean of 2":            {spoil(mustDoc(t, bson.D{{Key: "a", Value: true}}), 1, 2), 1, bsonval.ErrCorrupt},
		"unknown type":            {spoil(mustDoc(t, bson.D{{Key: "a", Value: nil}}), byte(bson.TypeNull), 0x70), 1, bsonval.ErrCorrupt},
		"bad scope":               {badScope, 2, bsonval.ErrCorrupt},
		"old binary":              {spoil(mustDoc(t, bson.D{{Key: "a", Value: bson.Binary{Subtype: 9, Data: []byte("wxyz")}}}), 9, 2), 1, bsonval.ErrCorrupt},
	}
	for name, tc := range tests {
		if got := bsonval.Validate(tc.doc, tc.depth); got != tc.want { //nolint:errorlint // sentinels, never wrapped
			t.Errorf("%s: Validate = %v, want %v", name, got, tc.want)
		}
	}
}

func TestTruncatedDocumentsEndTheWalk(t *testing.T) {
	t.Parallel()
	doc := mustDoc(t, bson.D{
		{Key: "s", Value: "text"},
		{Key: "d", Value: bson.D{{Key: "x", Value: int32(1)}}},
		{Key: "r", Value: bson.Regex{Pattern: "p", Options: "i"}},
		{Key: "b", Value: bson.Binary{Data: []byte("abc")}},
		{Key: "w", Value: bson.CodeWithScope{Code: "c", Scope: bson.D{}}},
		{Key: "p", Value: bson.DBPointer{DB: "db"}},
		{Key: "o", Value: bson.ObjectID{}},
		{Key: "e", Value: bson.Decimal128{}},
		{Key: "t", Value: true},
		{Key: "i", Value: int64(1)},
		{Key: "j", Value: int32(1)},
	})
	for n := range len(doc) {
		cut := append(bson.Raw(nil), doc[:n]...)
		if n >= 5 { // claim to be a whole document of that size
			cut[0], cut[1], cut[n-1] = byte(n), byte(n>>8), 0
		}
		whole := true
		it := bsonval.NewIter(cut)
		for it.Next() {
			if it.Key() == nil || it.Element() == nil || bsonval.IsMissing(it.Value()) {
				whole = false
			}
		}
		if !whole {
			t.Errorf("cut at %d: an element without content", n)
		}
		if it.Err() != nil && (it.Key() != nil || it.Element() != nil || !bsonval.IsMissing(it.Value())) {
			t.Errorf("cut at %d: an element after an error", n)
		}
	}
}

func TestDeepDocumentsDoNotExhaustTheStack(t *testing.T) {
	t.Parallel()
	deep := bson.Raw{5, 0, 0, 0, 0}
	for range 3000 {
		b, start := bsonval.BeginDocument(nil)
		b = bsonval.AppendElement(b, "a", bsonval.FromDocument(deep))
		deep = bsonval.EndDocument(b, start)
	}
	other := append(bson.Raw(nil), deep...)
	if got := bsonval.CompareDocuments(deep, other); got != 0 {
		t.Errorf("CompareDocuments = %d, want 0", got)
	}
	if got := bsonval.Validate(deep, 100); got != bsonval.ErrTooDeep { //nolint:errorlint // sentinel
		t.Errorf("Validate = %v, want %v", got, bsonval.ErrTooDeep)
	}
}

func TestReadingDoesNotAllocate(t *testing.T) {
	doc := mustDoc(t, bson.D{{Key: "a", Value: int32(1)}, {Key: "b", Value: bson.A{"x", 2.5, mustDecimal(t, "2.50"), bson.D{{Key: "c", Value: nil}}}}})
	dec, num := mustValue(t, mustDecimal(t, "12.50")), bsonval.FromInt64(12)
	sum := 0
	allocs := testing.AllocsPerRun(100, func() {
		it := bsonval.NewIter(doc)
		for it.Next() {
			sum += len(it.Key()) + len(it.Element())
			v := it.Value()
			sum += bsonval.Compare(v, v)
		}
		v, _ := bsonval.Lookup(doc, "b")
		sum += len(v.Value) + bsonval.Compare(dec, num) + bsonval.CompareDocuments(doc, doc)
	})
	if allocs != 0 || sum == 0 {
		t.Errorf("reading allocates %v times", allocs)
	}
}

func FuzzIter(f *testing.F) {
	f.Add([]byte(mustDoc(f, bson.D{{Key: "a", Value: bson.A{1, "x", bson.D{}}}, {Key: "b", Value: mustDecimal(f, "1.5")}})), []byte{5, 0, 0, 0, 0})
	f.Add([]byte(mustDoc(f, bson.D{{Key: "a", Value: bson.CodeWithScope{Code: "c", Scope: bson.D{}}}, {Key: "r", Value: bson.Regex{Pattern: "a"}}})), []byte{})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		valid := bsonval.Validate(a, 50) == nil
		it := bsonval.NewIter(a)
		for it.Next() {
			_ = it.Element()
		}
		if valid && it.Err() != nil {
			t.Fatal("valid document that cannot be walked")
		}
		if valid && bson.Raw(a).Validate() != nil {
			t.Fatal("the driver refuses what Validate accepts")
		}
		if got, reversed := bsonval.CompareDocuments(a, b), bsonval.CompareDocuments(b, a); valid && bsonval.Validate(b, 50) == nil && got != -reversed {
			t.Fatalf("CompareDocuments = %d, reversed %d", got, reversed)
		}
	})
}

func TestIsSegment(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "é": true, "0": true, "a$b": true, "_id": true,
		"": false, "$a": false, "$": false, "a.b": false, ".": false, "a.": false, "a\x00b": false,
	} {
		if got := bsonval.IsSegment(name); got != want {
			t.Errorf("IsSegment(%q) = %v", name, got)
		}
		if got := bsonval.IsSegment([]byte(name)); got != want {
			t.Errorf("IsSegment of the bytes of %q = %v", name, got)
		}
	}
}

func TestEmpty(t *testing.T) {
	if !bsonval.IsEmpty(bsonval.FromDocument(bsonval.Empty())) || bsonval.Validate(bsonval.Empty(), 1) != nil {
		t.Errorf("Empty() = %x", []byte(bsonval.Empty()))
	}
}
