package update

import (
	"encoding/binary"
	"math"
	"math/big"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// decimal is a decimal128 taken apart: (-1)^negative × coefficient × 10^exponent, unless it is special.
type decimal struct {
	negative    bool
	special     uint64 // the high bits of an infinity or a NaN, sign excluded; 0 for finite numbers
	payload     uint64 // the low bits of a NaN
	coefficient *big.Int
	exponent    int
}

// Layout of a decimal128.
const (
	decimalDigits   = 34
	exponentBias    = 6176
	minExponent     = -exponentBias
	maxExponent     = 6111
	decimalInfinity = 0x7800000000000000
	decimalNaN      = 0x7c00000000000000
	decimalSign     = 1 << 63
	coefficientHigh = 1<<49 - 1
	payloadHigh     = 1<<46 - 1
)

// toDecimal converts a number. A double keeps 15 digits, as it does in MongoDB.
func toDecimal(v bson.RawValue) decimal {
	switch v.Type {
	case bson.TypeDecimal128:
		return readDecimal(v.Value)
	case bson.TypeDouble:
		f, _ := bsonval.Double(v)
		return fromDouble(f)
	}
	n, _ := bsonval.Int64(v)
	return decimal{negative: n < 0, coefficient: new(big.Int).SetUint64(magnitude(n))}
}

func readDecimal(b []byte) decimal {
	low, high := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	d := decimal{negative: high&decimalSign != 0, coefficient: new(big.Int)}
	switch {
	case high&decimalNaN == decimalNaN:
		return notANumber(d.negative, high&payloadHigh, low)
	case high&decimalInfinity == decimalInfinity:
		d.special = decimalInfinity
	case high>>61&3 == 3:
		// The long form of the coefficient is always beyond its maximum, and so means zero.
		d.exponent = int(high>>47&0x3fff) - exponentBias
	default:
		d.exponent = int(high>>49&0x3fff) - exponentBias
		d.coefficient.SetUint64(high & coefficientHigh)
		d.coefficient.Lsh(d.coefficient, 64).Or(d.coefficient, new(big.Int).SetUint64(low))
		if digits(d.coefficient) > decimalDigits {
			d.coefficient.SetUint64(0)
		}
	}
	return d
}

// notANumber makes a quiet NaN. A payload of more than 33 digits is not canonical and means none.
func notANumber(negative bool, high, low uint64) decimal {
	const maxHigh, maxLow = 0x0000314dc6448d93, 0x38c15b09ffffffff // 10^33 - 1
	if high > maxHigh || high == maxHigh && low > maxLow {
		high, low = 0, 0
	}
	return decimal{negative: negative, special: decimalNaN | high, payload: low}
}

func (d decimal) isNaN() bool { return d.special&decimalNaN == decimalNaN }

func fromDouble(f float64) decimal {
	d := decimal{negative: math.Signbit(f), coefficient: new(big.Int)}
	switch {
	case math.IsNaN(f):
		payload := math.Float64bits(f) & (1<<51 - 1)
		return notANumber(d.negative, payload>>5, payload<<59)
	case math.IsInf(f, 0):
		d.special = decimalInfinity
	case f != 0:
		const kept = 15
		text := strconv.AppendFloat(nil, math.Abs(f), 'e', kept-1, 64) // d.dddddddddddddde±dd
		d.coefficient.SetString(string(text[:1])+string(text[2:kept+1]), 10)
		exponent, _ := strconv.Atoi(string(text[kept+2:]))
		d.exponent = exponent - (kept - 1)
	}
	return d
}

// value returns the number as a BSON value.
func (d decimal) value() bson.RawValue {
	high, low := d.special, d.payload
	if high == 0 {
		bits := make([]byte, 16)
		d.coefficient.FillBytes(bits)
		high = binary.BigEndian.Uint64(bits) | uint64(d.exponent+exponentBias)<<49
		low = binary.BigEndian.Uint64(bits[8:])
	}
	if d.negative {
		high |= decimalSign
	}
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, 16), low)
	return bson.RawValue{Type: bson.TypeDecimal128, Value: binary.LittleEndian.AppendUint64(b, high)}
}

func (d decimal) plus(e decimal) decimal {
	if d.special != 0 || e.special != 0 {
		return d.plusSpecial(e)
	}
	low := min(d.exponent, e.exponent)
	sum := d.scaledTo(low)
	sum.Add(sum, e.scaledTo(low))
	negative := sum.Sign() < 0
	if sum.Sign() == 0 {
		negative = d.negative && e.negative
	}
	return round(negative, sum.Abs(sum), low)
}

// scaledTo returns the signed coefficient for a lower exponent.
func (d decimal) scaledTo(exponent int) *big.Int {
	if d.coefficient.Sign() == 0 {
		return new(big.Int)
	}
	c := new(big.Int).Mul(d.coefficient, powerOfTen(d.exponent-exponent))
	if d.negative {
		c.Neg(c)
	}
	return c
}

func (d decimal) plusSpecial(e decimal) decimal {
	switch {
	case d.isNaN():
		return d
	case e.isNaN():
		return e
	case d.special != 0 && e.special != 0 && d.negative != e.negative:
		return decimal{special: decimalNaN}
	case d.special != 0:
		return d
	}
	return e
}

func (d decimal) times(e decimal) decimal {
	negative := d.negative != e.negative
	switch {
	case d.isNaN():
		return d
	case e.isNaN():
		return e
	case d.special == 0 && e.special == 0:
		return round(negative, new(big.Int).Mul(d.coefficient, e.coefficient), d.exponent+e.exponent)
	case d.isZero() || e.isZero():
		return decimal{special: decimalNaN}
	}
	return decimal{special: decimalInfinity, negative: negative}
}

func (d decimal) isZero() bool { return d.special == 0 && d.coefficient.Sign() == 0 }

// round fits a number into 34 digits and the range of exponents, half to even.
func round(negative bool, coefficient *big.Int, exponent int) decimal {
	if drop := max(digits(coefficient)-decimalDigits, minExponent-exponent, 0); drop > 0 {
		coefficient = divideHalfEven(coefficient, drop)
		exponent += drop
		if digits(coefficient) > decimalDigits {
			coefficient.Quo(coefficient, big.NewInt(10))
			exponent++
		}
	}
	if raise := exponent - maxExponent; raise > 0 {
		switch {
		case coefficient.Sign() == 0:
		case digits(coefficient)+raise > decimalDigits:
			return decimal{special: decimalInfinity, negative: negative}
		default:
			coefficient.Mul(coefficient, powerOfTen(raise))
		}
		exponent = maxExponent
	}
	return decimal{negative: negative, coefficient: coefficient, exponent: exponent}
}

func divideHalfEven(n *big.Int, tens int) *big.Int {
	if tens > digits(n)+1 {
		return new(big.Int)
	}
	divisor := powerOfTen(tens)
	quotient, rest := new(big.Int).QuoRem(n, divisor, new(big.Int))
	half := rest.Lsh(rest, 1).Cmp(divisor)
	if half > 0 || half == 0 && quotient.Bit(0) == 1 {
		quotient.Add(quotient, big.NewInt(1))
	}
	return quotient
}

// digits is the number of decimal digits, 0 for zero.
func digits(n *big.Int) int {
	if n.Sign() == 0 {
		return 0
	}
	return len(n.Text(10))
}

func powerOfTen(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}
