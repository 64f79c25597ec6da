package ejson_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/ejson"
)

// want is what a text must parse to, given as a Go value for the driver to encode.
var accepted = []struct {
	name, text string
	want       any
}{
	{"empty", `{}`, bson.D{}},
	{"order is kept", ` {"b": 1 , "a": 2}`, bson.D{{Key: "b", Value: int32(1)}, {Key: "a", Value: int32(2)}}},
	{"literals", `[null,true,false,"x",""]`, bson.A{nil, true, false, "x", ""}},
	{"int32", `[0,-0,2147483647,-2147483648]`, bson.A{int32(0), int32(0), int32(math.MaxInt32), int32(math.MinInt32)}},
	{"int64", `[2147483648,-9223372036854775808]`, bson.A{int64(1 << 31), int64(math.MinInt64)}},
	{"beyond int64 is a double", `[9223372036854775808]`, bson.A{float64(1 << 63)}},
	{"a point makes a double", `[5.0,1e2,-0.0,2E-3]`, bson.A{5.0, 100.0, math.Copysign(0, -1), 0.002}},
	{"underflow is zero", `1e-999`, 0.0},
	{"escapes", `"\u0041\n\ud83d\ude00é"`, "A\n😀é"},
	{"NUL inside a string", `"a\u0000b"`, "a\x00b"},
	{"operators are keys", `{"a":{"$gt":1},"$regex":"x","$options":"i","$type":2}`, bson.D{{Key: "a", Value: bson.D{{Key: "$gt", Value: int32(1)}}}, {Key: "$regex", Value: "x"}, {Key: "$options", Value: "i"}, {Key: "$type", Value: int32(2)}}},
	{"empty key", `{"":1}`, bson.D{{Key: "", Value: int32(1)}}},
	{"oid", `{"$oid":"0123456789abcdefABCDEF01"}`, bson.ObjectID{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xab, 0xcd, 0xef, 0x01}},
	{"escaped wrapper key", `{"\u0024oid":"0123456789abcdef01234567"}`, bson.ObjectID{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67}},
	{"oid in a filter", `{"_id":{"$oid":"000000000000000000000001"}}`, bson.D{{Key: "_id", Value: bson.ObjectID{11: 1}}}},
	{"date", `{"$date":"1970-01-01T00:00:01Z"}`, bson.DateTime(1000)},
	{"date with milliseconds and offset", `[{"$date":"1970-01-01T01:00:00.5+01:00"},{"$date":"1970-01-01T01:00:00.123+0100"}]`, bson.A{bson.DateTime(500), bson.DateTime(123)}},
	{"canonical date", `{"$date":{"$numberLong":"-1"}}`, bson.DateTime(-1)},
	{"date as a number", `{"$date":1000}`, bson.DateTime(1000)},
	{"numbers", `[{"$numberInt":"-5"},{"$numberLong":"5"},{"$numberDouble":"5"},{"$numberDouble":"-1.5E+06"}]`, bson.A{int32(-5), int64(5), 5.0, -1.5e6}},
	{"infinities", `[{"$numberDouble":"Infinity"},{"$numberDouble":"-Infinity"}]`, bson.A{math.Inf(1), math.Inf(-1)}},
	{"decimal", `{"$numberDecimal":"1.50"}`, mustDecimal("1.50")},
	{"binary", `{"$binary":{"subType":"80","base64":"AQI="}}`, bson.Binary{Subtype: 0x80, Data: []byte{1, 2}}},
	{"binary with the old subtype", `{"$binary":{"base64":"AQI=","subType":"2"}}`, bson.Binary{Subtype: 2, Data: []byte{1, 2}}},
	{"uuid", `{"$uuid":"00112233-4455-6677-8899-aabbccddeeff"}`, bson.Binary{Subtype: 4, Data: []byte{0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}}},
	{"timestamp", `{"$timestamp":{"t":4294967295,"i":1}}`, bson.Timestamp{T: math.MaxUint32, I: 1}},
	{"regular expression", `{"$regularExpression":{"pattern":"a/b","options":"mi"}}`, bson.Regex{Pattern: "a/b", Options: "im"}},
	{"keys", `[{"$minKey":1},{"$maxKey":1}]`, bson.A{bson.MinKey{}, bson.MaxKey{}}},
}

func TestParseValue(t *testing.T) {
	for _, tt := range accepted {
		t.Run(tt.name, func(t *testing.T) {
			typ, value, err := bson.MarshalValue(tt.want)
			if err != nil {
				t.Fatal(err)
			}
			got, err := ejson.ParseValue([]byte(tt.text), ejson.Limits{})
			if err != nil {
				t.Fatalf("ParseValue(%s): %v", tt.text, err)
			}
			if diff := cmp.Diff(bson.RawValue{Type: typ, Value: value}.String(), got.String()); diff != "" {
				t.Errorf("ParseValue(%s) (-want +got):\n%s", tt.text, diff)
			}
			if got.Type != typ || string(got.Value) != string(value) {
				t.Errorf("ParseValue(%s) = %v %x, want %v %x", tt.text, got.Type, got.Value, typ, value)
			}
		})
	}
}

func TestParseValueRefuses(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	tests := []struct {
		name, text, want string
	}{
		{"nothing", ``, "unexpected end of JSON"},
		{"blank", ` `, "unexpected end of JSON"},
		{"cut short", `{"a":`, "unexpected end of JSON"},
		{"trailing data", `{} {}`, "unexpected data after the value"},
		{"trailing bracket", `{}}`, "malformed JSON"},
		{"trailing comma", `{"a":1,}`, "malformed JSON"},
		{"trailing comma in array", `[1,]`, "malformed JSON"},
		{"comment", `{/*x*/}`, "malformed JSON"},
		{"NaN", `[NaN]`, "malformed JSON"},
		{"byte order mark", "\ufeff{}", "malformed JSON"},
		{"invalid UTF-8", "\"\xff\"", "malformed JSON"},
		{"lone surrogate", `"\ud800"`, "malformed JSON"},
		{"control character", "\"\x01\"", "malformed JSON"},
		{"leading zero", `[01]`, "malformed JSON"},
		{"bad bracket", `[}`, "malformed JSON"},
		{"key is no string", `{1:2}`, "malformed JSON"},
		{"duplicate key", `{"a":1,"a":2}`, `duplicate key "a"`},
		{"duplicate key, escaped and nested", `{"x":[{"a":1,"\u0061":2}]}`, `duplicate key "a"`},
		{"duplicate key is cut and printable", `{"é` + strings.Repeat("x", 80) + `":1,"é` + strings.Repeat("x", 80) + `":2}`, `duplicate key "??` + strings.Repeat("x", 62) + `"`},
		{"NUL in a key", `{"a\u0000":1}`, "key contains a NUL"},
		{"long key", `{"` + strings.Repeat("k", 1025) + `":1}`, "key too long"},
		{"depth", deep(101), "nested too deeply"},
		{"depth of objects", strings.Repeat(`{"a":`, 101) + "1" + strings.Repeat("}", 101), "nested too deeply"},
		{"depth with a wrapper", strings.Repeat("[", 100) + `{"$oid":"000000000000000000000000"}` + strings.Repeat("]", 100), "nested too deeply"},
		{"huge number", `[1e999]`, "number out of range"},
		{"further key", `{"$oid":"000000000000000000000000","a":1}`, "a wrapped value cannot have further keys"},
		{"wrapper second", `{"a":1,"$oid":"000000000000000000000000"}`, "$oid cannot stand beside other keys"},
		{"two wrappers", `{"$numberInt":"1","$numberLong":"1"}`, "a wrapped value cannot have further keys"},
		{"short oid", `{"$oid":"00"}`, "bad value of $oid"},
		{"oid no hex", `{"$oid":"00000000000000000000000g"}`, "bad value of $oid"},
		{"oid no string", `{"$oid":1}`, "bad value of $oid"},
		{"int range", `{"$numberInt":"2147483648"}`, "bad value of $numberInt"},
		{"int sign", `{"$numberInt":"+1"}`, "bad value of $numberInt"},
		{"int empty", `{"$numberInt":""}`, "bad value of $numberInt"},
		{"int unquoted", `{"$numberInt":1}`, "bad value of $numberInt"},
		{"long range", `{"$numberLong":"9223372036854775808"}`, "bad value of $numberLong"},
		{"long fraction", `{"$numberLong":"1.0"}`, "bad value of $numberLong"},
		{"double hex", `{"$numberDouble":"0x1p4"}`, "bad value of $numberDouble"},
		{"double word", `{"$numberDouble":"inf"}`, "bad value of $numberDouble"},
		{"double blank", `{"$numberDouble":" 1"}`, "bad value of $numberDouble"},
		{"double range", `{"$numberDouble":"1e999"}`, "bad value of $numberDouble"},
		{"double empty", `{"$numberDouble":""}`, "bad value of $numberDouble"},
		{"decimal", `{"$numberDecimal":"x"}`, "bad value of $numberDecimal"},
		{"decimal bomb", `{"$numberDecimal":"` + strings.Repeat("0", 129) + `"}`, "bad value of $numberDecimal"},
		{"date only", `{"$date":"1970-01-01"}`, "bad value of $date"},
		{"date sloppy", `{"$date":"1970-01-01T1:00:00Z"}`, "bad value of $date"},
		{"date comma", `{"$date":"1970-01-01T01:00:00,5Z"}`, "bad value of $date"},
		{"date without zone", `{"$date":"1970-01-01T01:00:00"}`, "bad value of $date"},
		{"date fraction", `{"$date":1.5}`, "bad value of $date"},
		{"date bool", `{"$date":true}`, "bad value of $date"},
		{"date object", `{"$date":{}}`, "bad value of $date"},
		{"date object key", `{"$date":{"$numberInt":"1"}}`, "bad value of $date"},
		{"binary bare", `{"$binary":"AQI="}`, "bad value of $binary"},
		{"binary half", `{"$binary":{"base64":"AQI="}}`, "bad value of $binary"},
		{"binary further", `{"$binary":{"base64":"AQI=","subType":"00","x":""}}`, "bad value of $binary"},
		{"binary subtype", `{"$binary":{"base64":"AQI=","subType":"000"}}`, "bad value of $binary"},
		{"binary subtype no hex", `{"$binary":{"base64":"AQI=","subType":"g"}}`, "bad value of $binary"},
		{"binary unpadded", `{"$binary":{"base64":"AQI","subType":"00"}}`, "bad value of $binary"},
		{"binary loose bits", `{"$binary":{"base64":"AQJ=","subType":"00"}}`, "bad value of $binary"},
		{"binary newline", `{"$binary":{"base64":"AQI\n=","subType":"00"}}`, "bad value of $binary"},
		{"uuid", `{"$uuid":"00112233-4455-6677-8899-aabbccddeefg"}`, "bad value of $uuid"},
		{"uuid short", `{"$uuid":"00112233445566778899aabbccddeeff"}`, "bad value of $uuid"},
		{"timestamp range", `{"$timestamp":{"t":4294967296,"i":1}}`, "bad value of $timestamp"},
		{"timestamp negative", `{"$timestamp":{"t":-1,"i":1}}`, "bad value of $timestamp"},
		{"timestamp half", `{"$timestamp":{"t":1}}`, "bad value of $timestamp"},
		{"timestamp key", `{"$timestamp":{"t":1,"j":1}}`, "bad value of $timestamp"},
		{"timestamp quoted", `{"$timestamp":{"t":"1","i":1}}`, "bad value of $timestamp"},
		{"regex bare", `{"$regularExpression":"a"}`, "bad value of $regularExpression"},
		{"regex half", `{"$regularExpression":{"pattern":"a"}}`, "bad value of $regularExpression"},
		{"regex NUL", `{"$regularExpression":{"pattern":"\u0000","options":""}}`, "bad value of $regularExpression"},
		{"regex options", `{"$regularExpression":{"pattern":"a","options":"é"}}`, "bad value of $regularExpression"},
		{"regex key", `{"$regularExpression":{"pattern":"a","flags":""}}`, "bad value of $regularExpression"},
		{"minKey", `{"$minKey":2}`, "bad value of $minKey"},
		{"maxKey", `{"$maxKey":true}`, "bad value of $maxKey"},
		{"code", `{"a":{"$code":"x"}}`, "$code is not supported"},
		{"code and scope", `{"$code":"x","$scope":{}}`, "$code is not supported"},
		{"scope second", `{"a":1,"$scope":{}}`, "$scope is not supported"},
		{"DBRef", `{"$ref":"c","$id":1}`, "$ref is not supported"},
		{"id", `{"x":{"$id":1}}`, "$id is not supported"},
		{"db", `{"$db":1}`, "$db is not supported"},
		{"symbol", `{"$symbol":"a"}`, "$symbol is not supported"},
		{"undefined", `[{"$undefined":true}]`, "$undefined is not supported"},
		{"pointer", `{"$dbPointer":{}}`, "$dbPointer is not supported"},
		{"date string cut", `{"$date":"1970`, "unexpected end of JSON"},
		{"date number cut", `{"$date":01}`, "malformed JSON"},
		{"date number beyond int64", `{"$date":9223372036854775808}`, "bad value of $date"},
		{"date impossible", `{"$date":"1970-02-30T00:00:00Z"}`, "bad value of $date"},
		{"date shape", `{"$date":"1970/01/01T00:00:00Z"}`, "bad value of $date"},
		{"double no string", `{"$numberDouble":1.5}`, "bad value of $numberDouble"},
		{"decimal no string", `{"$numberDecimal":1.5}`, "bad value of $numberDecimal"},
		{"uuid no string", `{"$uuid":1}`, "bad value of $uuid"},
		{"binary payload no string", `{"$binary":{"base64":1,"subType":"00"}}`, "bad value of $binary"},
		{"regex payload no string", `{"$regularExpression":{"pattern":1,"options":""}}`, "bad value of $regularExpression"},
		{"timestamp payload cut", `{"$timestamp":{"t":-`, "unexpected end of JSON"},
		{"minKey no number", `{"$minKey":"1"}`, "bad value of $minKey"},
		{"minKey cut", `{"$minKey":-`, "unexpected end of JSON"},
		{"members cut", `{"$binary":{"base64`, "unexpected end of JSON"},
		{"members without end", `{"$timestamp":{"t":1,"i":1`, "unexpected end of JSON"},
		{"string cut in a wrapper", `{"$oid":"00`, "unexpected end of JSON"},
		{"number cut", `-`, "unexpected end of JSON"},
		{"bad literal", `nul`, "unexpected end of JSON"},
		{"cut in a wrapper", `{"$timestamp":{"t":1`, "unexpected end of JSON"},
		{"cut after a payload", `{"$oid":"000000000000000000000000"`, "unexpected end of JSON"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ejson.ParseValue([]byte(tt.text), ejson.Limits{})
			var e *ejson.Error
			if !errors.As(err, &e) {
				t.Fatalf("ParseValue(%s) = %v, %v, want an *Error", tt.text, got, err)
			}
			if e.Msg != tt.want {
				t.Errorf("ParseValue(%s): %q, want %q", tt.text, e.Msg, tt.want)
			}
			if e.Offset < 0 || e.Offset > len(tt.text) {
				t.Errorf("ParseValue(%s): offset %d is outside the text", tt.text, e.Offset)
			}
			if !got.IsZero() {
				t.Errorf("ParseValue(%s) = %v beside an error", tt.text, got)
			}
		})
	}
}

func TestParse(t *testing.T) {
	got, err := ejson.Parse([]byte(`{"a":{"b":[1]}}`), ejson.Limits{})
	if want := `{"a": {"b": [{"$numberInt":"1"}]}}`; err != nil || got.String() != want {
		t.Errorf("got %v, %v, want %s", got, err, want)
	}
	_, err = ejson.Parse([]byte(`{"a"`), ejson.Limits{})
	if want := "unexpected end of JSON (at byte 4)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestParseWantsAnObject(t *testing.T) {
	for _, text := range []string{`[]`, `1`, `"x"`, `null`, `{"$oid":"000000000000000000000000"}`} {
		if doc, err := ejson.Parse([]byte(text), ejson.Limits{}); err == nil {
			t.Errorf("Parse(%s) = %v, want an error", text, doc)
		}
	}
}

func TestLimits(t *testing.T) {
	tests := []struct {
		name, text string
		lim        ejson.Limits
		want       string // "" is accepted
	}{
		{"bytes, just fits", `{"a":1}`, ejson.Limits{MaxBytes: 12}, ""},
		{"bytes", `{"a":1}`, ejson.Limits{MaxBytes: 11}, "too large"},
		{"bytes of an empty document", `{}`, ejson.Limits{MaxBytes: 4}, "too large"},
		{"bytes that grow", `[` + strings.Repeat(`1,`, 1000) + `1]`, ejson.Limits{MaxBytes: 4000}, "too large"},
		{"depth, just fits", `[[]]`, ejson.Limits{MaxDepth: 2}, ""},
		{"depth", `[[[]]]`, ejson.Limits{MaxDepth: 2}, "nested too deeply"},
		{"names, just fit", `{"a":1,"b":2}`, ejson.Limits{MaxNames: 2}, ""},
		{"names", `{"a":1,"b":2,"c":3}`, ejson.Limits{MaxNames: 2}, "too many keys in one object"},
		{"name, just fits", `{"ab":1}`, ejson.Limits{MaxName: 2}, ""},
		{"name", `{"abc":1}`, ejson.Limits{MaxName: 2}, "key too long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ejson.ParseValue([]byte(tt.text), tt.lim)
			var e *ejson.Error
			switch errors.As(err, &e) {
			case true:
				if e.Msg != tt.want {
					t.Errorf("got %q, want %q", e.Msg, tt.want)
				}
			case false:
				if err != nil || tt.want != "" {
					t.Errorf("got %v, want %q", err, tt.want)
				}
			}
		})
	}
}

// FuzzParse holds three things: no panic; what is accepted is valid JSON and valid BSON; and it prints back, in
// canonical form, to a text that parses to the same bytes.
func FuzzParse(f *testing.F) {
	for _, tt := range accepted {
		f.Add([]byte(tt.text))
	}
	f.Add([]byte(`{"a":[{"$oid":"x"}],"b":{"$date":{"$numberLong":"x"}}}`))
	addExports(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := ejson.ParseValue(text, ejson.Limits{MaxBytes: 1 << 16})
		if err != nil {
			return
		}
		if !json.Valid(text) {
			t.Fatalf("accepted what is not JSON: %q", text)
		}
		if err := v.Validate(); err != nil {
			t.Fatalf("made invalid BSON of %q: %v", text, err)
		}
		printed, err := ejson.AppendCanonicalValue(nil, v)
		if err != nil {
			t.Fatalf("cannot print %v: %v", v, err)
		}
		again, err := ejson.ParseValue(printed, ejson.Limits{})
		if err != nil {
			t.Fatalf("cannot read back %s: %v", printed, err)
		}
		if again.Type != v.Type || string(again.Value) != string(v.Value) {
			t.Fatalf("%s reads back as %v, want %v", printed, again, v)
		}
	})
}

// addExports adds files that people have written, where there are some at hand.
func addExports(f *testing.F) {
	f.Helper()
	const limit = 200
	added := 0
	_ = filepath.WalkDir("../../../shared/corpus", func(path string, d fs.DirEntry, err error) error {
		if err != nil || added >= limit {
			return fs.SkipAll
		}
		if d.IsDir() || filepath.Base(path) != "rules.json" {
			return nil
		}
		if text, err := os.ReadFile(path); err == nil && len(text) < 4096 {
			f.Add(text)
			added++
		}
		return nil
	})
}

func mustDecimal(s string) bson.Decimal128 {
	d, err := bson.ParseDecimal128(s)
	if err != nil {
		panic(err)
	}
	return d
}
