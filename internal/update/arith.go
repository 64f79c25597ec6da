package update

import (
	"math"
	"math/bits"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// arithmetic is $inc and $mul.
type arithmetic struct {
	operand  bson.RawValue
	multiply bool
}

func newArithmetic(_ *parser, f field) (change, error) {
	if !bsonval.IsNumber(f.value) {
		return nil, refuse(codeTypeMismatch, f.op, "takes a number")
	}
	return arithmetic{f.value, f.op == "$mul"}, nil
}

func (m arithmetic) existing(_ *applier, l *leaf, at place) error {
	v := at.node().value()
	if !bsonval.IsNumber(v) {
		return refusePath(codeTypeMismatch, l.op, l.path.text, "is not a number")
	}
	result, ok := calculate(m.multiply, m.operand, v) // in MongoDB's order: of two NaNs the first one stays
	if !ok {
		return refusePath(codeBadValue, l.op, l.path.text, "would overflow")
	}
	// As in MongoDB, a result that only differs in form, such as 1.00 for 1.0 or 0 for -0, changes nothing.
	if result.Type != v.Type || bsonval.IsNaN(result) || !bsonval.Equal(result, v) {
		at.node().set(result)
	}
	return nil
}

// missing starts from zero: $inc makes its operand, $mul a zero of its type.
func (m arithmetic) missing(*applier, *leaf, place) (bson.RawValue, absence, error) {
	if !m.multiply {
		return m.operand, create, nil
	}
	v, _ := calculate(true, m.operand, bsonval.FromInt32(0))
	return v, create, nil
}

// calculate adds or multiplies two numbers. The result has the wider of the two types; integers of 32 bits that do not
// fit become ones of 64 bits, and those fail.
func calculate(multiply bool, a, b bson.RawValue) (bson.RawValue, bool) {
	switch {
	case a.Type == bson.TypeDecimal128 || b.Type == bson.TypeDecimal128:
		if multiply {
			return toDecimal(a).times(toDecimal(b)).value(), true
		}
		return toDecimal(a).plus(toDecimal(b)).value(), true
	case a.Type == bson.TypeDouble || b.Type == bson.TypeDouble:
		x, _ := bsonval.Double(a)
		y, _ := bsonval.Double(b)
		if multiply {
			return bsonval.FromDouble(x * y), true
		}
		return bsonval.FromDouble(x + y), true
	}
	x, _ := bsonval.Int64(a)
	y, _ := bsonval.Int64(b)
	n, ok := add(x, y)
	if multiply {
		n, ok = mul(x, y)
	}
	if a.Type == bson.TypeInt32 && b.Type == bson.TypeInt32 && n >= math.MinInt32 && n <= math.MaxInt32 {
		return bsonval.FromInt32(int32(n)), true
	}
	return bsonval.FromInt64(n), ok
}

func add(x, y int64) (int64, bool) {
	sum := x + y
	return sum, (sum < x) == (y < 0)
}

func mul(x, y int64) (int64, bool) {
	hi, lo := bits.Mul64(magnitude(x), magnitude(y))
	if (x < 0) != (y < 0) {
		return -int64(lo), hi == 0 && lo <= 1<<63
	}
	return int64(lo), hi == 0 && lo < 1<<63
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}
