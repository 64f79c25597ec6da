package bsonval_test

import (
	"math"
	"math/big"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"pgregory.net/rapid"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// tester is what *testing.T, *testing.F and *rapid.T have in common here.
type tester interface {
	Helper()
	Fatal(args ...any)
}

func mustValue(t tester, v any) bson.RawValue {
	t.Helper()
	typ, b, err := bson.MarshalValue(v)
	if err != nil {
		t.Fatal(err)
	}
	return bson.RawValue{Type: typ, Value: b}
}

func mustDoc(t tester, v any) bson.Raw {
	t.Helper()
	b, err := bson.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustDecimal(t tester, s string) bson.Decimal128 {
	t.Helper()
	d, err := bson.ParseDecimal128(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestCompareLadder(t *testing.T) {
	t.Parallel()
	dec := func(s string) bson.Decimal128 { return mustDecimal(t, s) }
	id := bson.ObjectID{1}
	// Every rung is lower than the next; values in one rung are equal.
	ladder := [][]any{
		{bson.MinKey{}},
		{bson.Undefined{}},
		{bson.Null{}},
		{math.NaN(), dec("NaN"), math.Float64frombits(0xfff8000000000001)},
		{math.Inf(-1), dec("-Infinity")},
		{dec("-1E+6000")},
		{-math.MaxFloat64},
		{float64(-1 << 63), int64(math.MinInt64), dec("-9223372036854775808")},
		{int64(math.MinInt64 + 1)},
		{-1.5, dec("-1.5"), dec("-1.50")},
		{int32(-1), int64(-1), -1.0, dec("-1"), dec("-10E-1")},
		{dec("-1E-6176")},
		{int32(0), int64(0), 0.0, math.Copysign(0, -1), dec("0"), dec("-0"), dec("0E+6000")},
		{dec("1E-6176")},
		{5e-324},
		{dec("0.1")},
		{0.1}, // the double lies a little above a tenth
		{dec("0.1000000000000000055511151231257828")},
		{0.3}, // and this one below three tenths
		{dec("0.3")},
		{int32(1)},
		{dec("1.000000000000000000000000000000001")},
		{int64(1 << 53), float64(1 << 53)},
		{int64(1<<53 + 1), dec("9007199254740993")},
		{int64(math.MaxInt64)},
		{float64(1 << 63), dec("9223372036854775808")},
		{1e300},
		{dec("1E+301")},
		{dec("1E+6144")},
		{math.Inf(1), dec("Infinity")},
		{"", bson.Symbol("")},
		{"a", bson.Symbol("a")},
		{"a\x00"},
		{"a\x00b"},
		{"ab"},
		{"b"},
		{bson.D{}},
		{bson.D{{Key: "z", Value: nil}}},
		{bson.D{{Key: "a", Value: int32(1)}}, bson.D{{Key: "a", Value: 1.0}}},
		{bson.D{{Key: "a", Value: int32(1)}, {Key: "b", Value: nil}}},
		{bson.D{{Key: "b", Value: int32(0)}}},
		{bson.D{{Key: "a", Value: "x"}}},
		{bson.A{}},
		{bson.A{int32(1)}},
		{bson.A{int32(1), int32(0)}},
		{bson.A{int32(2)}},
		{bson.A{bson.A{}}},
		{bson.Binary{}},
		{bson.Binary{Data: []byte{9}}},
		{bson.Binary{Subtype: 5, Data: []byte{1}}},
		{bson.Binary{Data: []byte{1, 2}}},
		{bson.ObjectID{}},
		{id},
		{false},
		{true},
		{bson.DateTime(-1)},
		{bson.DateTime(0)},
		{bson.Timestamp{T: 1, I: 2}},
		{bson.Timestamp{T: 1, I: 1 << 31}},
		{bson.Timestamp{T: 1 << 31, I: 0}},
		{bson.Regex{Pattern: "a", Options: ""}},
		{bson.Regex{Pattern: "a", Options: "i"}},
		{bson.Regex{Pattern: "ab", Options: ""}},
		{bson.DBPointer{DB: "z", Pointer: id}},
		{bson.DBPointer{DB: "aa", Pointer: id}},
		{bson.JavaScript("a")},
		{bson.JavaScript("b")},
		{bson.CodeWithScope{Code: "a", Scope: bson.D{}}},
		{bson.CodeWithScope{Code: "a", Scope: bson.D{{Key: "x", Value: int32(1)}}}},
		{bson.CodeWithScope{Code: "b", Scope: bson.D{}}},
		{bson.MaxKey{}},
	}
	type rung struct {
		n int
		v bson.RawValue
	}
	var all []rung
	for n, vs := range ladder {
		for _, v := range vs {
			all = append(all, rung{n, mustValue(t, v)})
		}
	}
	for _, a := range all {
		for _, b := range all {
			want := 0
			if a.n != b.n {
				want = 1
				if a.n < b.n {
					want = -1
				}
			}
			if got := bsonval.Compare(a.v, b.v); got != want {
				t.Errorf("Compare(%v, %v) = %d, want %d", a.v, b.v, got, want)
			}
			if got := bsonval.Equal(a.v, b.v); got != (want == 0) {
				t.Errorf("Equal(%v, %v) = %v", a.v, b.v, got)
			}
		}
	}
	missing := bson.RawValue{}
	if got := bsonval.Compare(missing, mustValue(t, bson.Undefined{})); got != 0 {
		t.Errorf("Compare(missing, undefined) = %d, want 0", got)
	}
	if got := bsonval.Compare(missing, bsonval.Null()); got != -1 {
		t.Errorf("Compare(missing, null) = %d, want -1", got)
	}
}

// rational is the reference for finite numbers.
func rational(t tester, v bson.RawValue) *big.Rat {
	t.Helper()
	switch v.Type {
	case bson.TypeDouble:
		return new(big.Rat).SetFloat64(v.Double())
	case bson.TypeDecimal128:
		n, exp, err := v.Decimal128().BigInt()
		if err != nil {
			t.Fatal(err)
		}
		p := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(exp, -exp))), nil)
		if exp < 0 {
			return new(big.Rat).SetFrac(n, p)
		}
		return new(big.Rat).SetInt(n.Mul(n, p))
	case bson.TypeInt32:
		return new(big.Rat).SetInt64(int64(v.Int32()))
	}
	return new(big.Rat).SetInt64(v.Int64())
}

func drawNumber(t *rapid.T) bson.RawValue {
	base := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-3, 3), rapid.Int64Range(1<<53-2, 1<<53+2),
		rapid.Int64Range(math.MaxInt64-2, math.MaxInt64)).Draw(t, "n")
	switch rapid.IntRange(0, 6).Draw(t, "kind") {
	case 0:
		return bsonval.FromInt32(int32(base))
	case 1:
		return bsonval.FromInt64(base)
	case 2:
		return bsonval.FromDouble(float64(base))
	case 3:
		return bsonval.FromDouble(rapid.Float64().Draw(t, "f"))
	case 4:
		return bsonval.FromDouble(float64(base) / 10)
	case 5:
		d, _ := bson.ParseDecimal128FromBigInt(big.NewInt(base), rapid.IntRange(-3, 3).Draw(t, "exp"))
		return mustValue(t, d)
	}
	hi := rapid.Uint64().Draw(t, "hi") // any bits, also those that are not canonical
	return mustValue(t, bson.NewDecimal128(hi, rapid.Uint64().Draw(t, "lo")))
}

func TestNumbersAgreeWithRationals(t *testing.T) {
	t.Parallel()
	finite := func(v bson.RawValue) bool {
		f, _ := bsonval.Double(v)
		if v.Type == bson.TypeDecimal128 {
			hi, _ := v.Decimal128().GetBytes()
			// The reference knows only canonical, finite decimals.
			return hi>>61&3 != 3 && hi&(1<<49-1) < 0x0001ed09bead87c0
		}
		return !math.IsNaN(f) && !math.IsInf(f, 0)
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawNumber(t), drawNumber(t)
		if !finite(a) || !finite(b) {
			return
		}
		ra, rb := rational(t, a), rational(t, b)
		if got, want := bsonval.Compare(a, b), ra.Cmp(rb); got != want {
			t.Fatalf("Compare(%v, %v) = %d, want %d", a, b, got, want)
		}
		n, exact := bsonval.Int64(a)
		if want := ra.IsInt() && ra.Num().IsInt64(); exact != want || exact && n != ra.Num().Int64() {
			t.Fatalf("Int64(%v) = %d, %v, want exact %v", a, n, exact, want)
		}
		if f, ok := bsonval.Double(a); ok {
			if want, _ := ra.Float64(); f != want {
				t.Fatalf("Double(%v) = %v, want %v", a, f, want)
			}
		}
	})
}

// drawValue makes values that collide often.
func drawValue(t *rapid.T, depth int) bson.RawValue {
	kinds := 12
	if depth == 0 {
		kinds = 10
	}
	switch rapid.IntRange(0, kinds).Draw(t, "type") {
	case 0, 1, 2:
		return drawNumber(t)
	case 3:
		return bsonval.FromString(rapid.StringOfN(rapid.SampledFrom([]rune("ab\x00é")), 0, 3, -1).Draw(t, "s"))
	case 4:
		return bsonval.Null()
	case 5:
		return mustValue(t, bson.Regex{Pattern: rapid.SampledFrom([]string{"", "a", "ab"}).Draw(t, "p"), Options: rapid.SampledFrom([]string{"", "i"}).Draw(t, "o")})
	case 6:
		return mustValue(t, bson.Binary{Subtype: rapid.Byte().Draw(t, "sub"), Data: rapid.SliceOfN(rapid.Byte(), 0, 2).Draw(t, "bin")})
	case 7:
		return mustValue(t, bson.Timestamp{T: rapid.Uint32().Draw(t, "T"), I: rapid.Uint32Range(0, 2).Draw(t, "I")})
	case 8:
		return bsonval.FromBool(rapid.Bool().Draw(t, "b"))
	case 9:
		return mustValue(t, bson.CodeWithScope{Code: bson.JavaScript(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "c")), Scope: bson.D{{Key: "x", Value: rapid.Int32Range(0, 1).Draw(t, "x")}}})
	case 10:
		return rapid.SampledFrom([]bson.RawValue{
			{}, {Type: bson.TypeUndefined}, {Type: bson.TypeMinKey}, {Type: bson.TypeMaxKey}, bsonval.FromDateTime(0), bsonval.FromObjectID(bson.ObjectID{1}),
		}).Draw(t, "odd")
	case 11:
		return bsonval.FromArray(drawDoc(t, depth-1))
	}
	return bsonval.FromDocument(drawDoc(t, depth-1))
}

func drawDoc(t *rapid.T, depth int) bson.Raw {
	doc, start := bsonval.BeginDocument(nil)
	for range rapid.IntRange(0, 2).Draw(t, "fields") {
		doc = bsonval.AppendElement(doc, rapid.SampledFrom([]string{"a", "b", "0"}).Draw(t, "key"), drawValue(t, depth))
	}
	return bsonval.EndDocument(doc, start)
}

func TestCompareIsTotalOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawValue(t, 2), drawValue(t, 2), drawValue(t, 2)
		ab, ba, bc, ac := bsonval.Compare(a, b), bsonval.Compare(b, a), bsonval.Compare(b, c), bsonval.Compare(a, c)
		if ab != -ba {
			t.Fatalf("Compare(%v, %v) = %d, reversed %d", a, b, ab, ba)
		}
		if bsonval.Compare(a, a) != 0 {
			t.Fatalf("Compare(%v, itself) != 0", a)
		}
		if ab <= 0 && bc <= 0 && ac > 0 {
			t.Fatalf("not transitive: %v <= %v <= %v", a, b, c)
		}
		if ab == 0 && ac != bc {
			t.Fatalf("equal values order differently: %v, %v against %v", a, b, c)
		}
		if bsonval.Identical(a, b) && ab != 0 {
			t.Fatalf("identical values differ: %v", a)
		}
	})
}

func TestIterRebuilds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		doc := drawDoc(t, 3)
		if err := bsonval.Validate(doc, 10); err != nil {
			t.Fatalf("Validate(%v): %v", doc, err)
		}
		byElement, s1 := bsonval.BeginDocument(nil)
		byValue, s2 := bsonval.BeginDocument([]byte("prefix"))
		it := bsonval.NewIter(doc)
		for it.Next() {
			byElement = append(byElement, it.Element()...)
			byValue = bsonval.AppendElementBytes(byValue, it.Key(), it.Value())
			if v, ok := bsonval.Lookup(doc, string(it.Key())); !ok || bsonval.IsMissing(v) {
				t.Fatalf("Lookup misses %q", it.Key())
			}
		}
		if it.Err() != nil {
			t.Fatal(it.Err())
		}
		for _, got := range []bson.Raw{bsonval.EndDocument(byElement, s1), bsonval.EndDocument(byValue, s2)[s2:]} {
			if diff := cmp.Diff(doc, got); diff != "" {
				t.Fatalf("rebuilt document differs: %s", diff)
			}
		}
		if bsonval.CompareDocuments(doc, doc) != 0 {
			t.Fatal("document differs from itself")
		}
	})
}
