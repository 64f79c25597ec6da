package oracle_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/integration/oracle"
)

const arithmeticUpdates = 8000

// number returns a number of any type and any size.
func number(r *rand.Rand) any {
	switch r.IntN(8) {
	case 0:
		return int32(r.Uint32())
	case 1:
		return int64(r.Uint64() >> r.IntN(64))
	case 2:
		return math.Float64frombits(r.Uint64())
	case 3:
		return r.NormFloat64() * math.Pow(10, float64(r.IntN(40)-20))
	case 4:
		return bson.NewDecimal128(r.Uint64(), r.Uint64())
	}
	exponent := uint64(6176 + r.IntN(80) - 40)
	switch r.IntN(6) {
	case 0:
		exponent = uint64(r.IntN(40))
	case 1:
		exponent = uint64(12287 - r.IntN(40))
	}
	high, low := r.Uint64N(0x1ed09bead87c0), r.Uint64()
	switch r.IntN(4) {
	case 0:
		high, low = 0, r.Uint64N(1000)
	case 1:
		high, low = 0, r.Uint64()
	}
	return bson.NewDecimal128(r.Uint64N(2)<<63|exponent<<49|high, low)
}

func TestArithmeticIsTheServers(t *testing.T) {
	e := oracle.Open(t)
	c := newComparison()
	for range e.Scale {
		docs := make([]bson.D, arithmeticUpdates)
		cases := make([]oracle.UpdateCase, arithmeticUpdates)
		for i := range docs {
			docs[i] = bson.D{{Key: "n", Value: number(e.Rand)}}
			op := [...]string{"$inc", "$mul", "$min", "$max"}[e.Rand.IntN(4)]
			operand := number(e.Rand)
			if e.Rand.IntN(8) == 0 {
				operand = docs[i][0].Value
			}
			cases[i] = oracle.UpdateCase{Filter: bson.D{}, Update: bson.D{{Key: op, Value: bson.D{{Key: "n", Value: operand}, {Key: "new", Value: operand}}}}}
		}
		coll, stored := e.Fill(t, "arithmetic", docs)
		c.compare(t, coll, stored, cases)
	}
	t.Logf("%s", c)
}
