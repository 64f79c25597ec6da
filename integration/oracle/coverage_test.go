package oracle_test

import (
	"strings"
	"testing"

	"github.com/rolegate/rolegate/integration/oracle"
)

// requireReached holds that changes by everything that may stand in an update were compared, and errors of every code.
func requireReached(t *testing.T, cov oracle.Coverage) {
	t.Helper()
	var want []string
	for under, names := range map[string]string{
		"operator ":     "$set $unset $inc $mul $min $max $rename $push $addToSet $pull $pullAll $pop $bit $currentDate $setOnInsert",
		"$push ":        "$each $position $slice $sort $sort+by+fields $sort+by+several+fields",
		"$bit ":         "and or xor of+several",
		"$pull ":        conditions + " value",
		"array filter ": conditions,
		"path ":         "single+name name number $ $[] $[id] of+several+positional of+four+or+more",
		"rename to ":    "name number",
	} {
		for name := range strings.FieldsSeq(names) {
			want = append(want, under+strings.ReplaceAll(name, "+", " "))
		}
	}
	for _, op := range []string{"$inc", "$mul", "$min", "$max"} {
		want = append(want, op+" int32", op+" int64", op+" float64", op+" bson.Decimal128")
	}
	for _, modifiers := range []string{"$position", "$slice", "$sort", "$position+$slice", "$position+$sort", "$slice+$sort", "$position+$slice+$sort"} {
		want = append(want, "$push $each+"+modifiers)
		if strings.HasSuffix(modifiers, "$sort") {
			want = append(want, "$push $each+"+modifiers+" by fields")
		}
	}
	for _, feature := range append(want, "$addToSet $each", "several operators") {
		least := 1
		if strings.HasPrefix(feature, "operator ") || strings.HasPrefix(feature, "path ") {
			least = 50
		}
		if n := cov[feature]["change"]; n < least {
			t.Errorf("%s: only %d changes, this compares too little", feature, n)
		}
	}
	for _, code := range []string{"2", "9", "14", "28", "40", "52", "56", "57", "66"} {
		n := 0
		for _, outcomes := range cov {
			n += outcomes[code]
		}
		if n == 0 {
			t.Errorf("no error with code %s", code)
		}
	}
}

// conditions are the operators that clients may use in conditions on array elements.
const conditions = "$eq $ne $gt $gte $lt $lte $in $nin $exists $type $size $all $elemMatch $mod $regex $options $not $and $or $nor pattern field of+several"
