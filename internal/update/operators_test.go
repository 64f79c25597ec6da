package update_test

import (
	"fmt"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/update"
)

func TestArrayOperators(t *testing.T) {
	t.Parallel()
	runAll(t, []applied{
		{pre: `{"a":[1]}`, update: `{"$push":{"a":[2]}}`, want: `{"a":[1,[2]]}`},
		{pre: `{}`, update: `{"$push":{"a":{"$each":[]},"b":1}}`, want: `{"a":[],"b":[1]}`},
		{pre: `{"a":1}`, update: `{"$push":{"a":1}}`, code: 2},
		{pre: `{"a":[1,2,3]}`, update: `{"$push":{"a":{"$each":[8,9],"$position":1}}}`, want: `{"a":[1,8,9,2,3]}`},
		{pre: `{"a":[1,2,3]}`, update: `{"$push":{"a":{"$each":[8],"$position":-1}}}`, want: `{"a":[1,2,8,3]}`},
		{pre: `{"a":[1,2,3]}`, update: `{"$push":{"a":{"$each":[8],"$position":-3}}}`, want: `{"a":[8,1,2,3]}`},
		{pre: `{"a":[1]}`, update: `{"$push":{"a":{"$each":[8],"$position":{"$numberLong":"-9223372036854775808"}}}}`, want: `{"a":[8,1]}`},
		{pre: `{"a":[1]}`, update: `{"$push":{"a":{"$each":[8],"$position":{"$numberLong":"9223372036854775807"}}}}`, want: `{"a":[1,8]}`},
		{pre: `{"a":[1,2,3]}`, update: `{"$push":{"a":{"$each":[4],"$slice":2}}}`, want: `{"a":[1,2]}`},
		{pre: `{"a":[1,2,3]}`, update: `{"$push":{"a":{"$each":[4],"$slice":-2}}}`, want: `{"a":[3,4]}`},
		{pre: `{"a":[1,2,3]}`, update: `{"$push":{"a":{"$each":[4],"$slice":-9}}}`, want: `{"a":[1,2,3,4]}`},
		{pre: `{"a":[1,2,3]}`, update: `{"$push":{"a":{"$each":[4],"$slice":{"$numberLong":"-9223372036854775808"}}}}`, want: `{"a":[1,2,3,4]}`},
		{pre: `{"a":[1,2,3]}`, update: `{"$push":{"a":{"$each":[4],"$slice":0}}}`, want: `{"a":[]}`},
		{pre: `{"a":[3,1]}`, update: `{"$push":{"a":{"$each":[2],"$sort":1,"$slice":2}}}`, want: `{"a":[1,2]}`},
		{pre: `{"a":[3,1]}`, update: `{"$push":{"a":{"$each":[2],"$sort":-1}}}`, want: `{"a":[3,2,1]}`},
		{
			pre: `{"a":[{"b":1,"c":1},{"b":1.0,"c":2},{"b":0}]}`, update: `{"$push":{"a":{"$each":[5],"$sort":{"b":-1,"c":-1}}}}`,
			want: `{"a":[{"b":1.0,"c":2},{"b":1,"c":1},{"b":0},5]}`,
		},
		{
			pre: `{"a":[{"b":[{"c":2}]},{"b":[{"c":1}]},{"b":1}]}`, update: `{"$push":{"a":{"$each":[],"$sort":{"b.0.c":1}}}}`,
			want: `{"a":[{"b":1},{"b":[{"c":1}]},{"b":[{"c":2}]}]}`,
		},
		{pre: `{"a":[1,"x"]}`, update: `{"$addToSet":{"a":1.0}}`, want: `{"a":[1,"x"]}`},
		{pre: `{"a":[1]}`, update: `{"$addToSet":{"a":{"$each":[3,1.0,2,3.0,{"b":1}]}}}`, want: `{"a":[1,3,2,{"b":1}]}`},
		{pre: `{}`, update: `{"$addToSet":{"a":{"$each":[3,3]},"b":[1]}}`, want: `{"a":[3],"b":[[1]]}`},
		{pre: `{"a":1}`, update: `{"$addToSet":{"a":1}}`, code: 2},
		{pre: `{"a":[1]}`, update: `{"$addToSet":{"a":{"$each":1}}}`, code: 14},
		{pre: `{"a":[1]}`, update: `{"$addToSet":{"a":{"$each":[1],"x":1}}}`, code: 2},
		{pre: `{"a":[1,2,3]}`, update: `{"$pop":{"a":1}}`, want: `{"a":[1,2]}`},
		{pre: `{"a":[1,2,3],"b":[]}`, update: `{"$pop":{"a":-1.0,"b":1,"c":1}}`, want: `{"a":[2,3],"b":[]}`},
		{pre: `{"a":1}`, update: `{"$pop":{"a":1}}`, code: 14},
		{pre: `{"a":1}`, update: `{"$pop":{"a.b":1}}`, code: 28},
		{pre: `{"a":[]}`, update: `{"$pop":{"a.0":1}}`, want: `{"a":[]}`},
		{pre: `{"a":[]}`, update: `{"$pop":{"a":0}}`, code: 9},
		{pre: `{"a":[1,1.0,{"$numberLong":"1"},2,[1]]}`, update: `{"$pull":{"a":1}}`, want: `{"a":[2,[1]]}`},
		{pre: `{"a":[1,{},{"b":1},{"b":2}]}`, update: `{"$pull":{"a":{}}}`, want: `{"a":[1]}`},
		{pre: `{"a":[1,{"b":1,"c":1},{"b":2}]}`, update: `{"$pull":{"a":{"b":1}}}`, want: `{"a":[1,{"b":2}]}`},
		{pre: `{"a":[1,5,9]}`, update: `{"$pull":{"a":{"$gt":1,"$lt":9}}}`, want: `{"a":[1,9]}`},
		{pre: `{"a":[{"b":[{"c":1}]},{"b":[{"c":2}]}]}`, update: `{"$pull":{"a":{"b":{"$elemMatch":{"c":1}}}}}`, want: `{"a":[{"b":[{"c":2}]}]}`},
		{pre: `{"a":["ax","bx"]}`, update: `{"$pull":{"a":{"$regularExpression":{"pattern":"^a","options":""}}}}`, want: `{"a":["bx"]}`},
		{pre: `{"a":[{"b":1},{"c":1},{"d":1}]}`, update: `{"$pull":{"a":{"$or":[{"b":1},{"c":1}]}}}`, want: `{"a":[{"d":1}]}`},
		{pre: `{}`, update: `{"$pull":{"a":1}}`, want: `{}`},
		{pre: `{"a":1}`, update: `{"$pull":{"a":1}}`, code: 2},
		{pre: `{"a":[1]}`, update: `{"$pull":{"a":{"$x":1}}}`, code: 2},
		{pre: `{"a":[1]}`, update: `{"$pull":{"a":{"b":{"$x":1}}}}`, code: 2},
		{pre: `{"a":[1,2.0,3,{"b":1}]}`, update: `{"$pullAll":{"a":[2,{"b":1},7]}}`, want: `{"a":[1,3]}`},
		{pre: `{"a":[1]}`, update: `{"$pullAll":{"a":1}}`, code: 2},
	})
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	const (
		maxInt  = `2147483647`
		maxLong = `{"$numberLong":"9223372036854775807"}`
		minLong = `{"$numberLong":"-9223372036854775808"}`
	)
	runAll(t, []applied{
		{pre: `{"a":1}`, update: `{"$inc":{"a":2,"b":3}}`, want: `{"a":3,"b":3}`},
		{pre: `{"a":` + maxInt + `}`, update: `{"$inc":{"a":1}}`, want: `{"a":{"$numberLong":"2147483648"}}`},
		{pre: `{"a":1}`, update: `{"$inc":{"a":{"$numberLong":"1"}}}`, want: `{"a":{"$numberLong":"2"}}`},
		{pre: `{"a":` + maxLong + `}`, update: `{"$inc":{"a":1}}`, code: 2},
		{pre: `{"a":` + minLong + `}`, update: `{"$inc":{"a":-1}}`, code: 2},
		{pre: `{"a":` + minLong + `}`, update: `{"$mul":{"a":1}}`, want: `{"a":` + minLong + `}`},
		{pre: `{"a":` + minLong + `}`, update: `{"$mul":{"a":-1}}`, code: 2},
		{pre: `{"a":` + maxLong + `}`, update: `{"$mul":{"a":2}}`, code: 2},
		{pre: `{"a":` + maxLong + `}`, update: `{"$inc":{"a":1.0}}`, want: `{"a":9223372036854775807.0}`},
		{pre: `{"a":3}`, update: `{"$mul":{"a":-2,"b":5,"c":1.5,"d":{"$numberDecimal":"1.5"}}}`, want: `{"a":-6,"b":0,"c":0.0,"d":{"$numberDecimal":"0.0"}}`},
		{pre: `{"a":100000}`, update: `{"$mul":{"a":100000}}`, want: `{"a":{"$numberLong":"10000000000"}}`},
		{pre: `{"a":1.5}`, update: `{"$mul":{"a":2}}`, want: `{"a":3.0}`},
		{pre: `{"a":-0.0}`, update: `{"$mul":{"a":-1}}`, want: `{"a":-0.0}`},
		{pre: `{"a":"1"}`, update: `{"$inc":{"a":1}}`, code: 14},
		{pre: `{"a":null}`, update: `{"$mul":{"a":1}}`, code: 14},
		{pre: `{"a":1}`, update: `{"$inc":{"a":"1"}}`, code: 14},
		{
			pre: `{"a":12,"b":{"$numberLong":"12"}}`, update: `{"$bit":{"a":{"and":10},"b":{"or":1},"c":{"xor":5},"d":{"or":{"$numberLong":"5"}}}}`,
			want: `{"a":8,"b":{"$numberLong":"13"},"c":5,"d":{"$numberLong":"5"}}`,
		},
		{pre: `{"a":12}`, update: `{"$bit":{"a":{"xor":{"$numberLong":"-1"},"and":7}}}`, want: `{"a":{"$numberLong":"3"}}`},
		{pre: `{"a":1.5}`, update: `{"$bit":{"a":{"and":1}}}`, code: 2},
		{pre: `{"a":1}`, update: `{"$bit":{"a":{"and":1.5}}}`, code: 2},
		{pre: `{"a":1}`, update: `{"$bit":{"a":{"not":1}}}`, code: 2},
		{pre: `{"a":1}`, update: `{"$bit":{"a":{}}}`, code: 2},
		{pre: `{"a":1}`, update: `{"$bit":{"a":1}}`, code: 2},
	})
}

func TestDecimals(t *testing.T) {
	t.Parallel()
	digits := strings.Repeat("9", 34)
	for _, c := range []struct{ op, a, b, want string }{
		{"$inc", `"1"`, `"0.1"`, "1.1"},
		{"$inc", `"1.0"`, `"-1"`, "0.0"},
		{"$inc", `"-0"`, `"-0"`, "-0"},
		{"$inc", `"` + digits + `"`, `"1"`, "1.000000000000000000000000000000000E+34"},
		{"$inc", `"` + digits + `"`, `"0.4"`, digits},
		{"$inc", `"` + digits + `E+6111"`, `"` + digits + `E+6111"`, "Infinity"},
		{"$inc", `"Infinity"`, `"-Infinity"`, "NaN"},
		{"$inc", `"Infinity"`, `"1"`, "Infinity"},
		{"$inc", `"1"`, `"-Infinity"`, "-Infinity"},
		{"$inc", `"NaN"`, `"1"`, "NaN"},
		{"$inc", `"1"`, `"NaN"`, "NaN"},
		{"$inc", `"2"`, `0.1`, "2.100000000000000"},
		{"$inc", `"2"`, `3`, "5"},
		{"$inc", `"2"`, `{"$numberLong":"-9223372036854775808"}`, "-9223372036854775806"},
		{"$mul", `"1.5"`, `"2"`, "3.0"},
		{"$mul", `"-1.5"`, `"0"`, "-0.0"},
		{"$mul", `"1E-6176"`, `"0.5"`, "0E-6176"},
		{"$mul", `"3E-6176"`, `"0.5"`, "2E-6176"},
		{"$mul", `"1E-6176"`, `"1E-6176"`, "0E-6176"},
		{"$mul", `"1E+6111"`, `"1E+2"`, "1.00E+6113"},
		{"$mul", `"0E+6111"`, `"0E+6111"`, "0E+6111"},
		{"$mul", `"1E+6144"`, `"10"`, "Infinity"},
		{"$mul", `"Infinity"`, `"0"`, "NaN"},
		{"$mul", `"Infinity"`, `"-2"`, "-Infinity"},
		{"$mul", `"2"`, `"NaN"`, "NaN"},
		{"$mul", `"2"`, `{"$numberDouble":"NaN"}`, "NaN"},
		{"$mul", `"2"`, `{"$numberDouble":"-Infinity"}`, "-Infinity"},
		{"$mul", `"2"`, `1e300`, "2.00000000000000E+300"},
	} {
		operand := c.b
		if strings.HasPrefix(operand, `"`) {
			operand = `{"$numberDecimal":` + operand + `}`
		}
		name := c.op + " " + c.a + " " + c.b
		pre, u := `{"a":{"$numberDecimal":`+c.a+`}}`, `{"`+c.op+`":{"a":`+operand+`}}`
		t.Run(name, applied{pre: pre, update: u, want: `{"a":{"$numberDecimal":"` + c.want + `"}}`}.run)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	long := strings.Repeat("n", 1025)
	runAll(t, []applied{
		{name: "deepest", pre: `{}`, update: `{"$set":{"x":` + nested(99) + `}}`, want: `{"x":` + nested(99) + `}`},
		{name: "too deep", pre: `{}`, update: `{"$set":{"x":` + nested(100) + `}}`, code: 15},
		{name: "too deep below a path", pre: `{}`, update: `{"$set":{"x.y":` + nested(99) + `}}`, code: 15},
		{name: "far too deep", pre: `{}`, update: `{"$set":{"x":` + nested(150) + `}}`, code: 15},
		{name: "too deep in an array", pre: `{}`, update: `{"$push":{"x":` + nested(99) + `}}`, code: 15},
		{name: "deep elements", pre: `{}`, update: `{"$push":{"x":{"$each":[` + nested(98) + `]}}}`, want: `{"x":[` + nested(98) + `]}`},
		{name: "too deep elements", pre: `{}`, update: `{"$push":{"x":{"$each":[` + nested(99) + `]}}}`, code: 15},
		{name: "too deep in a set", pre: `{}`, update: `{"$addToSet":{"x":{"$each":[` + nested(99) + `]}}}`, code: 15},
		{name: "too deep after a rename", pre: `{"x":` + nested(99) + `}`, update: `{"$rename":{"x":"y.z"}}`, code: 15},
		{name: "deep after a rename", pre: `{"x":` + nested(98) + `}`, update: `{"$rename":{"x":"y.z"}}`, want: `{"y":{"z":` + nested(98) + `}}`},
		{name: "longest path", pre: `{}`, update: `{"$unset":{"` + strings.Repeat("a.", 49) + `a":1}}`, want: `{}`},
		{name: "too long a path", pre: `{}`, update: `{"$unset":{"` + strings.Repeat("a.", 50) + `a":1}}`, code: 2},
		{name: "too long a name", pre: `{}`, update: `{"$set":{"` + long + `":1}}`, code: 2},
		{name: "too long a name inside", pre: `{}`, update: `{"$set":{"a":{"` + long + `":1}}}`, code: 2},
		{name: "too large", pre: `{"a":["` + strings.Repeat("x", 9<<20) + `"]}`, update: `{"$push":{"a":"` + strings.Repeat("y", 8<<20) + `"}}`, code: 10334},
		{name: "many fields", pre: manyFields(200, "1"), update: `{"$inc":` + manyFields(200, "1") + `}`, want: manyFields(200, "2")},
		{
			name: "many new fields", pre: `{"x":` + manyFields(20, "1") + `}`, update: `{"$set":` + prefixed("x", 10, 40) + `,"$unset":` + prefixed("x", 0, 10) + `}`,
			want: `{"x":` + fields("", 10, 40) + `}`,
		},
	})
}

func fields(prefix string, from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		b.WriteString(`,"` + prefix + `f` + string(rune('a'+i/26)) + string(rune('a'+i%26)) + `":1`)
	}
	return "{" + b.String()[1:] + "}"
}

func prefixed(prefix string, from, to int) string { return fields(prefix+".", from, to) }

func manyFields(n int, value string) string {
	return strings.ReplaceAll(fields("", 0, n), ":1", ":"+value)
}

func TestExpensiveUpdates(t *testing.T) {
	t.Parallel()
	element := `,{"b":[` + strings.Repeat("1,", 99) + `1]}`
	pre := `{"a":[` + strings.Repeat(element, 1000)[1:] + `]}`
	each := strings.Repeat(",2", 1000)[1:]
	runAll(t, []applied{
		{name: "push much to much", pre: `{"a":[` + strings.Repeat(",{}", 70_000)[1:] + `]}`, update: `{"$push":{"a.$[].b":{"$each":[` + each + `],"$slice":1}}}`, code: 2},
		{name: "push something", pre: `{"a":[{},{}]}`, update: `{"$push":{"a.$[].b":{"$each":[` + each + `],"$slice":1}}}`, want: `{"a":[{"b":[2]},{"b":[2]}]}`},
		{name: "many conditions", pre: pre, update: `{"$pull":{"a":{"$or":[` + strings.Repeat(`,{"b":5}`, 100)[1:] + `]}}}`, want: pre},
		{
			name: "many conditions on many elements", pre: `{"a":[` + strings.Repeat(",{}", 70_000)[1:] + `]}`,
			update: `{"$pull":{"a":{"$and":[` + strings.Repeat(`,{"$or":[`+strings.Repeat(`,{"b":5}`, 90)[1:]+`]}`, 9)[1:] + `]}}}`, code: 2,
		},
		{
			name: "many filters of many elements", pre: `{"a":[` + strings.Repeat(",{}", 70_000)[1:] + `]}`, update: `{"$set":{"a.$[x].n":1}}`,
			filters: `[{"$and":[` + strings.Repeat(`,{"$or":[`+strings.Repeat(`,{"x.b":5}`, 90)[1:]+`]}`, 9)[1:] + `]}]`, code: 2,
		},
		{name: "a long list", pre: pre, update: `{"$pull":{"a":{"b":{"$in":[` + strings.Repeat(",5", 5000)[1:] + `]}}}}`, want: pre},
		{name: "a large condition", pre: pre, update: `{"$pull":{"a.$[].b":{"$gt":5}}}`, want: pre},
	})
}

// TestExpensiveMerges has another set of identifiers for each element, and so another tree of paths.
func TestExpensiveMerges(t *testing.T) {
	t.Parallel()
	for identifiers, wantErr := range map[int]bool{8: false, 15: true} {
		var filters []bson.Raw
		set := bson.D{}
		for i := range identifiers {
			id := fmt.Sprint("x", i)
			filters = append(filters, raw(t, fmt.Sprintf(`{"%s":%d}`, id, i)))
			set = append(set, bson.E{Key: fmt.Sprintf("a.$[%s].%d", id, 200+i), Value: 1})
		}
		elements := bson.A{}
		for i := range 1 << identifiers {
			element := bson.A{}
			for bit := range identifiers {
				if i&(1<<bit) != 0 {
					element = append(element, bit)
				}
			}
			elements = append(elements, element)
		}
		u, err := update.Parse(marshal(t, bson.D{{Key: "$unset", Value: set}}), filters, update.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = u.Apply(nil, marshal(t, bson.D{{Key: "a", Value: elements}}), update.Input{Positional: -1})
		if (err != nil) != wantErr {
			t.Errorf("%d identifiers: %v", identifiers, err)
		}
	}
}

func marshal(t *testing.T, d bson.D) bson.Raw {
	t.Helper()
	doc, err := bson.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}
