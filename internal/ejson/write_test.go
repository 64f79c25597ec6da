package ejson_test

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"pgregory.net/rapid"

	"github.com/rolegate/rolegate/internal/ejson"
)

// written has every type of BSON and the corners of each.
func written() bson.D {
	dec := func(h, l uint64) bson.Decimal128 { return bson.NewDecimal128(h, l) }
	return bson.D{
		{Key: "string", Value: "plain"},
		{Key: "", Value: "empty key"},
		{Key: "escapes \" \\ \n", Value: "\"\\\b\f\n\r\t\x01\x1f\x7f/<>&"},
		{Key: "unicode", Value: "é漢😀\u2028\u2029\ufffd"},
		{Key: "invalid", Value: "a\xffb\xc3"},
		{Key: "long", Value: strings.Repeat("0123456789abcdef", 4) + "\"" + strings.Repeat("x", 9)},
		{Key: "ints", Value: bson.A{int32(0), int32(math.MinInt32), int64(math.MaxInt64), int64(math.MinInt64)}},
		{Key: "doubles", Value: bson.A{0.0, math.Copysign(0, -1), 1.0, -1.5, 999999.0, 1e6, 123456789.0, 1e15, 1e20, 1e21, 1e-6, 1e-7, 0.1, 1.0 / 3, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(1), math.Inf(-1), math.NaN()}},
		{Key: "dates", Value: bson.A{bson.DateTime(0), bson.DateTime(-1), bson.DateTime(1), bson.DateTime(120), bson.DateTime(1100), bson.DateTime(253402300799999), bson.DateTime(253402300800000), bson.DateTime(-62135596800001), bson.DateTime(951782400000), bson.DateTime(math.MaxInt64), bson.DateTime(math.MinInt64)}},
		{Key: "oid", Value: bson.ObjectID{1, 2, 0xff}},
		{Key: "bools", Value: bson.A{true, false, nil}},
		{Key: "binaries", Value: bson.A{bson.Binary{Subtype: 0}, bson.Binary{Subtype: 4, Data: make([]byte, 16)}, bson.Binary{Subtype: 2, Data: []byte("old")}, bson.Binary{Subtype: 0xff, Data: []byte{1}}}},
		{Key: "decimals", Value: bson.A{dec(0x3040000000000000, 0), dec(0x3040000000000000, 15), dec(0xb03e000000000000, 1500), dec(0x3046000000000000, 1), dec(0x302e000000000000, 1), dec(0x3030000000000000, 1), dec(0x5ffe000000000000, 7), dec(0, 7), dec(0x7800000000000000, 0), dec(0xf800000000000000, 0), dec(0x7c00000000000000, 0), dec(0x6c10000000000000, 5), dec(0x3041ed09bead87c0, 0x378d8e63ffffffff)}},
		{Key: "timestamp", Value: bson.Timestamp{T: math.MaxUint32, I: 7}},
		{Key: "regexes", Value: bson.A{bson.Regex{Pattern: "a\"b", Options: "im"}, bson.Regex{Pattern: "", Options: ""}, bson.Regex{Pattern: "x", Options: "mi\xffé"}}},
		{Key: "marks", Value: bson.A{bson.MinKey{}, bson.MaxKey{}, bson.Undefined{}}},
		{Key: "symbol", Value: bson.Symbol("s\"")},
		{Key: "code", Value: bson.JavaScript("f(\"\")")},
		{Key: "scoped", Value: bson.CodeWithScope{Code: "f", Scope: bson.D{{Key: "a", Value: bson.D{}}, {Key: "b", Value: int64(1)}}}},
		{Key: "pointer", Value: bson.DBPointer{DB: "d.c", Pointer: bson.ObjectID{9}}},
		{Key: "empties", Value: bson.A{bson.D{}, bson.A{}, bson.A{bson.A{}, bson.D{{Key: "x", Value: bson.D{}}}}}},
	}
}

func TestExtendedJSONIsTheDrivers(t *testing.T) {
	doc := mustMarshal(t, written())
	for _, form := range []struct {
		name      string
		canonical bool
		write     func([]byte, bson.Raw) ([]byte, error)
	}{
		{"canonical", true, ejson.AppendCanonical},
		{"relaxed", false, ejson.AppendRelaxed},
	} {
		want, err := bson.MarshalExtJSON(doc, form.canonical, false)
		if err != nil {
			t.Fatal(err)
		}
		got, err := form.write([]byte("x"), doc)
		if err != nil || string(got) != "x"+string(want) {
			t.Errorf("%s: %v\n got %s\nwant x%s", form.name, err, got, want)
		}
	}
}

func TestRandomNumbersAreTheDrivers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	same := func(v any) {
		t.Helper()
		doc := mustMarshal(t, bson.D{{Key: "v", Value: v}})
		for _, canonical := range []bool{true, false} {
			want, err := bson.MarshalExtJSON(doc, canonical, false)
			if err != nil {
				t.Fatal(err)
			}
			write := ejson.AppendRelaxed
			if canonical {
				write = ejson.AppendCanonical
			}
			if got, err := write(nil, doc); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("got %s, %v, want %s", got, err, want)
			}
		}
	}
	for range 20_000 {
		bits := rng.Uint64()
		same(math.Float64frombits(bits))
		same(float64(int64(bits) >> (bits % 64)))
		same(bson.DateTime(int64(bits) >> (8 + bits%40)))
		same(bson.NewDecimal128(bits, rng.Uint64()>>(bits%64)))                     // any exponent
		same(bson.NewDecimal128(0x3040<<48-(bits%90)<<49, rng.Uint64()>>(bits%64))) // exponents near zero
	}
}

func TestPlainJSON(t *testing.T) {
	tests := []struct {
		name  string
		value any
		want  string
	}{
		{"oid", bson.ObjectID{11: 0xab}, `"0000000000000000000000ab"`},
		{"date", bson.NewDateTimeFromTime(time.Date(2031, 5, 6, 7, 8, 9, 120e6, time.UTC)), `"2031-05-06T07:08:09.12Z"`},
		{"date to the second", bson.DateTime(1000), `"1970-01-01T00:00:01Z"`},
		{"date before 1970", bson.DateTime(-1), `"1969-12-31T23:59:59.999Z"`},
		{"date of the year zero", bson.DateTime(-62167219200000), `"0000-01-01T00:00:00Z"`},
		{"date before the year zero", bson.DateTime(-62167219200001), `"-000001-12-31T23:59:59.999Z"`},
		{"date after the year 9999", bson.DateTime(253402300800000), `"+010000-01-01T00:00:00Z"`},
		{"date at the end of time", bson.DateTime(math.MaxInt64), `"+292278994-08-17T07:12:55.807Z"`},
		{"int32", int32(-7), `-7`},
		{"int64 in full", int64(math.MaxInt64), `9223372036854775807`},
		{"integral double", 5.0, `5`},
		{"double", 10.5, `10.5`},
		{"large double", 1e21, `1e+21`},
		{"small double", 1e-7, `1e-7`},
		{"NaN", math.NaN(), `"NaN"`},
		{"Infinity", math.Inf(1), `"Infinity"`},
		{"-Infinity", math.Inf(-1), `"-Infinity"`},
		{"decimal", mustDecimal("1.50"), `"1.50"`},
		{"binary", bson.Binary{Subtype: 4, Data: []byte{1, 2}}, `{"Subtype":4,"Data":"AQI="}`},
		{"regex", bson.Regex{Pattern: "^a", Options: "i"}, `{"Pattern":"^a","Options":"i"}`},
		{"timestamp", bson.Timestamp{T: 1, I: 2}, `{"T":1,"I":2}`},
		{"minKey", bson.MinKey{}, `{}`},
		{"maxKey", bson.MaxKey{}, `{}`},
		{"null", bson.Null{}, `null`},
		{"undefined", bson.Undefined{}, `null`},
		{"symbol", bson.Symbol("s"), `"s"`},
		{"code", bson.JavaScript("f()"), `"f()"`},
		{"code with scope", bson.CodeWithScope{Code: "f()", Scope: bson.D{{Key: "a", Value: int32(1)}}}, `{"Code":"f()","Scope":{"a":1}}`},
		{"pointer", bson.DBPointer{DB: `d"`, Pointer: bson.ObjectID{}}, `{"DB":"d\"","Pointer":"000000000000000000000000"}`},
		{"nested", bson.D{{Key: "a", Value: bson.A{true, bson.D{{Key: "b", Value: "c"}}}}}, `{"a":[true,{"b":"c"}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			typ, value, err := bson.MarshalValue(tt.value)
			if err != nil {
				t.Fatal(err)
			}
			got, err := ejson.AppendJSONValue(nil, bson.RawValue{Type: typ, Value: value})
			if err != nil || string(got) != tt.want {
				t.Errorf("got %s, %v, want %s", got, err, tt.want)
			}
		})
	}
}

// Doubles in plain JSON are those of encoding/json, and so are dates wherever it has them.
func TestPlainJSONIsTheStandardLibrarys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64().Draw(t, "x")
		ms := rapid.Int64Range(-62167219200000, 253402300799999).Draw(t, "ms")
		for _, v := range []any{x, math.Trunc(x), time.UnixMilli(ms).UTC()} {
			want, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			typ, value, err := bson.MarshalValue(v)
			if err != nil {
				t.Fatal(err)
			}
			got, err := ejson.AppendJSONValue(nil, bson.RawValue{Type: typ, Value: value})
			if err != nil || string(got) != string(want) {
				t.Fatalf("got %s, %v, want %s", got, err, want)
			}
		}
	})
}

// The driver would let a stored namespace close the string and add keys.
func TestDBPointerCannotInjectKeys(t *testing.T) {
	doc := mustMarshal(t, bson.D{{Key: "p", Value: bson.DBPointer{DB: `x","$id":1},"admin":true,"z":{"a":"`}}})
	got, err := ejson.AppendCanonical(nil, doc)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(got, &out); err != nil || len(out) != 1 {
		t.Errorf("got %s, %v, want one key", got, err)
	}
}

func TestWritersRefuseCorruption(t *testing.T) {
	value := func(t bson.Type, b ...byte) bson.RawValue { return bson.RawValue{Type: t, Value: b} }
	deep := bson.D{}
	for range 300 {
		deep = bson.D{{Key: "a", Value: deep}}
	}
	tests := map[string]bson.RawValue{
		"missing":           {},
		"unknown type":      value(0x42, 1),
		"short int32":       value(bson.TypeInt32, 1),
		"long int32":        value(bson.TypeInt32, 1, 2, 3, 4, 5),
		"short int64":       value(bson.TypeInt64, 1),
		"short double":      value(bson.TypeDouble, 1),
		"short date":        value(bson.TypeDateTime, 1),
		"short oid":         value(bson.TypeObjectID, 1),
		"short decimal":     value(bson.TypeDecimal128, 1),
		"short timestamp":   value(bson.TypeTimestamp, 1),
		"boolean two":       value(bson.TypeBoolean, 2),
		"null with bytes":   value(bson.TypeNull, 0),
		"empty string":      value(bson.TypeString),
		"string length":     value(bson.TypeString, 9, 0, 0, 0, 'a', 0),
		"string end":        value(bson.TypeString, 2, 0, 0, 0, 'a', 'b'),
		"symbol":            value(bson.TypeSymbol, 1),
		"binary length":     value(bson.TypeBinary, 2, 0, 0, 0, 0, 1),
		"binary short":      value(bson.TypeBinary, 0, 0, 0, 0),
		"old binary":        value(bson.TypeBinary, 5, 0, 0, 0, 2, 9, 0, 0, 0, 1),
		"regex":             value(bson.TypeRegex, 'a', 0, 'b'),
		"regex with a tail": value(bson.TypeRegex, 'a', 0, 'b', 0, 0),
		"document":          value(bson.TypeEmbeddedDocument, 5, 0, 0, 0),
		"array":             value(bson.TypeArray, 6, 0, 0, 0, 0),
		"nested corruption": value(bson.TypeEmbeddedDocument, 9, 0, 0, 0, 2, 'a', 0, 1, 0),
		"scope total":       value(bson.TypeCodeWithScope, 1, 0, 0, 0, 1, 0, 0, 0, 0, 5, 0, 0, 0, 0),
		"scope string":      value(bson.TypeCodeWithScope, 14, 0, 0, 0, 99, 0, 0, 0, 0, 5, 0, 0, 0, 0),
		"scope document":    value(bson.TypeCodeWithScope, 14, 0, 0, 0, 1, 0, 0, 0, 0, 6, 0, 0, 0, 0),
		"pointer":           value(bson.TypeDBPointer, 1, 0, 0, 0, 0),
		"pointer string":    value(bson.TypeDBPointer, append([]byte{2, 0, 0, 0, 0}, make([]byte, 12)...)...),
		"depth of arrays":   value(bson.TypeArray, deepArray(t)...),
		"string in array":   value(bson.TypeArray, 10, 0, 0, 0, 8, '0', 0, 2, 0, 0),
		"document end":      value(bson.TypeArray, 8, 0, 0, 0, 2, '0', 0),
		"depth":             value(bson.TypeEmbeddedDocument, mustMarshal(t, deep)...),
	}
	for name, v := range tests {
		t.Run(name, func(t *testing.T) {
			for _, write := range []func([]byte, bson.RawValue) ([]byte, error){
				ejson.AppendCanonicalValue, ejson.AppendRelaxedValue, ejson.AppendJSONValue,
			} {
				if got, err := write([]byte("kept"), v); err == nil || string(got) != "kept" {
					t.Errorf("got %s, %v, want an error and nothing appended", got, err)
				}
			}
		})
	}
}

func TestWritersDoNotAllocate(t *testing.T) {
	full := mustMarshal(t, written()[:len(written())-1])
	dst := make([]byte, 0, 1<<16)
	for name, doc := range map[string]bson.Raw{"every type": withoutOddOptions(t, full), "twenty fields": twentyFields(t)} {
		for _, write := range []func([]byte, bson.Raw) ([]byte, error){
			ejson.AppendCanonical, ejson.AppendRelaxed, ejson.AppendJSON,
		} {
			if n := testing.AllocsPerRun(100, func() { _, _ = write(dst, doc) }); n != 0 {
				t.Errorf("%s: %v allocations, want 0", name, n)
			}
		}
	}
}

// withoutOddOptions drops the one value that needs sorting, which no server stores.
func withoutOddOptions(t *testing.T, doc bson.Raw) bson.Raw {
	t.Helper()
	var d bson.D
	if err := bson.Unmarshal(doc, &d); err != nil {
		t.Fatal(err)
	}
	for i := range d {
		if d[i].Key == "regexes" {
			d[i].Value = bson.A{bson.Regex{Pattern: "a", Options: "im"}}
		}
	}
	return mustMarshal(t, d)
}

// FuzzAppend holds that no document makes a writer panic, and that what the driver can write we write alike.
func FuzzAppend(f *testing.F) {
	for _, e := range written() {
		doc, err := bson.Marshal(bson.D{e})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(doc)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		if out, err := ejson.AppendJSON(nil, doc); err == nil && !json.Valid(out) {
			t.Fatalf("not JSON: %s", out)
		}
		for _, canonical := range []bool{true, false} {
			write := ejson.AppendRelaxed
			if canonical {
				write = ejson.AppendCanonical
			}
			got, err := write(nil, doc)
			if err != nil {
				continue
			}
			if !json.Valid(got) {
				t.Fatalf("not JSON: %s", got)
			}
			if bytes.Contains(got, []byte(`"$dbPointer"`)) {
				continue // the one deliberate difference
			}
			want, err := bson.MarshalExtJSON(bson.Raw(doc), canonical, false)
			if err == nil && !bytes.Equal(got, want) {
				t.Fatalf("canonical %v:\n got %s\nwant %s", canonical, got, want)
			}
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	doc := twentyFields(b)
	dst := make([]byte, 0, 1<<14)
	for _, bm := range []struct {
		name  string
		write func() error
	}{
		{"canonical/own", func() error { _, err := ejson.AppendCanonical(dst, doc); return err }},
		{"canonical/driver", func() error { _, err := bson.MarshalExtJSON(doc, true, false); return err }},
		{"relaxed/own", func() error { _, err := ejson.AppendRelaxed(dst, doc); return err }},
		{"relaxed/driver", func() error { _, err := bson.MarshalExtJSON(doc, false, false); return err }},
		{"plain/own", func() error { _, err := ejson.AppendJSON(dst, doc); return err }},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(doc)))
			for b.Loop() {
				if err := bm.write(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	text, err := ejson.AppendCanonical(nil, twentyFields(b))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("own", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			if _, err := ejson.Parse(text, ejson.Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("driver", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			var doc bson.Raw
			if err := bson.UnmarshalExtJSON(text, false, &doc); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// twentyFields is a document of a kilobyte such as applications store.
func twentyFields(tb testing.TB) bson.Raw {
	tb.Helper()
	tags := bson.A{"alpha", "beta", "gamma", "delta"}
	d := bson.D{
		{Key: "_id", Value: bson.ObjectID{1, 2, 3}},
		{Key: "name", Value: "Ann Example"},
		{Key: "email", Value: "ann@example.com"},
		{Key: "active", Value: true},
		{Key: "age", Value: int32(42)},
		{Key: "visits", Value: int64(1 << 40)},
		{Key: "balance", Value: 1234.56},
		{Key: "score", Value: 88.0},
		{Key: "created", Value: bson.DateTime(1700000000123)},
		{Key: "updated", Value: bson.DateTime(1750000000000)},
		{Key: "nothing", Value: nil},
		{Key: "tags", Value: tags},
		{Key: "address", Value: bson.D{{Key: "street", Value: "1 Example Road"}, {Key: "city", Value: "Rome"}, {Key: "zip", Value: "00100"}, {Key: "geo", Value: bson.A{12.49, 41.89}}}},
		{Key: "owner", Value: bson.ObjectID{4, 5, 6}},
		{Key: "bio", Value: strings.Repeat("Lorem ipsum dolor sit amet. ", 12)},
		{Key: "notes", Value: strings.Repeat("consectetur adipiscing ", 8)},
		{Key: "role", Value: "employee"},
		{Key: "team", Value: "blue"},
		{Key: "manager", Value: bson.ObjectID{7, 8, 9}},
		{Key: "history", Value: bson.A{bson.D{{Key: "at", Value: bson.DateTime(1)}, {Key: "what", Value: "hired"}}, bson.D{{Key: "at", Value: bson.DateTime(2)}, {Key: "what", Value: "moved"}}}},
	}
	return mustMarshal(tb, d)
}

func deepArray(tb testing.TB) []byte {
	tb.Helper()
	a := bson.A{}
	for range 300 {
		a = bson.A{a}
	}
	_, b, err := bson.MarshalValue(a)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func mustMarshal(tb testing.TB, v any) bson.Raw {
	tb.Helper()
	doc, err := bson.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return doc
}
