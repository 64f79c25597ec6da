package bsonval

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/big"
	"math/bits"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// compareNumbers compares two numbers of any types by their exact values. Their sizes have been checked.
func compareNumbers(a, b bson.RawValue) int {
	switch {
	case a.Type == bson.TypeDecimal128 && b.Type == bson.TypeDouble:
		return compareDecimalDouble(readDecimal(a.Value), doubleBits(b.Value))
	case a.Type == bson.TypeDouble && b.Type == bson.TypeDecimal128:
		return -compareDecimalDouble(readDecimal(b.Value), doubleBits(a.Value))
	case a.Type == bson.TypeDecimal128 || b.Type == bson.TypeDecimal128:
		return compareDecimals(toDecimal(a), toDecimal(b))
	case a.Type == bson.TypeDouble && b.Type == bson.TypeDouble:
		return cmp.Compare(doubleBits(a.Value), doubleBits(b.Value)) // NaN first, -0 equal to 0
	case a.Type == bson.TypeDouble:
		return -compareIntDouble(integer(b), doubleBits(a.Value))
	case b.Type == bson.TypeDouble:
		return compareIntDouble(integer(a), doubleBits(b.Value))
	}
	return cmp.Compare(integer(a), integer(b))
}

func integer(v bson.RawValue) int64 {
	if v.Type == bson.TypeInt32 {
		return int64(int32bits(v.Value))
	}
	return int64bits(v.Value)
}

func compareIntDouble(n int64, f float64) int {
	switch {
	case math.IsNaN(f), f < -1<<63:
		return 1
	case f >= 1<<63:
		return -1
	}
	whole := math.Trunc(f)
	return cmp.Or(cmp.Compare(n, int64(whole)), cmp.Compare(whole, f))
}

type decimalKind uint8

const (
	decimalFinite decimalKind = iota
	decimalInf
	decimalNaN
)

// decimal is a decimal128 taken apart: (-1)^negative × (hi·2^64 + lo) × 10^exponent.
type decimal struct {
	hi, lo   uint64
	exponent int
	kind     decimalKind
	negative bool
}

// The largest coefficient of a decimal128, 10^34 - 1. Larger ones are not canonical and mean zero.
const (
	maxCoefficientHi = 0x0001ed09bead87c0
	maxCoefficientLo = 0x378d8e63ffffffff
	maxDigits        = 34
	exponentBias     = 6176
)

func readDecimal(b []byte) decimal {
	lo, hi := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	d := decimal{negative: hi>>63 == 1}
	switch {
	case hi>>58&0x1f == 0x1f:
		d.kind = decimalNaN
	case hi>>58&0x1f == 0x1e:
		d.kind = decimalInf
	case hi>>61&3 == 3:
		// The long form of the coefficient always exceeds the maximum, so this is a zero.
		d.exponent = int(hi>>47&0x3fff) - exponentBias
	default:
		d.exponent = int(hi>>49&0x3fff) - exponentBias
		d.hi, d.lo = hi&(1<<49-1), lo
		if d.hi > maxCoefficientHi || d.hi == maxCoefficientHi && d.lo > maxCoefficientLo {
			d.hi, d.lo = 0, 0
		}
	}
	return d
}

// toDecimal takes a decimal128 or an integer; both are exact.
func toDecimal(v bson.RawValue) decimal {
	if v.Type == bson.TypeDecimal128 {
		return readDecimal(v.Value)
	}
	return intDecimal(integer(v))
}

func intDecimal(n int64) decimal {
	if n < 0 {
		return decimal{negative: true, lo: -uint64(n)}
	}
	return decimal{lo: uint64(n)}
}

// sign is -1, 0 or 1 as for a number, and NaN has the sign -2 so that it stays below -infinity.
func (d decimal) sign() int {
	switch {
	case d.kind == decimalNaN:
		return -2
	case d.kind == decimalFinite && d.hi == 0 && d.lo == 0:
		return 0
	case d.negative:
		return -1
	}
	return 1
}

func compareDecimals(a, b decimal) int {
	sign := a.sign()
	if c := cmp.Compare(sign, b.sign()); c != 0 || sign == 0 || sign == -2 {
		return c
	}
	if a.kind != decimalFinite || b.kind != decimalFinite {
		return sign * cmp.Compare(a.kind, b.kind)
	}
	// Both have the same sign and are not zero. Compare where the first digit stands, then 34 digits of each.
	a, aDigits := a.normalized()
	b, bDigits := b.normalized()
	c := cmp.Compare(a.exponent+aDigits, b.exponent+bDigits)
	if c == 0 {
		c = cmp.Or(cmp.Compare(a.hi, b.hi), cmp.Compare(a.lo, b.lo))
	}
	return sign * c
}

// normalized returns d with its coefficient shifted to 34 digits (the exponent stays) and the digits it had before.
func (d decimal) normalized() (decimal, int) {
	digits := maxDigits
	for d.hi < 0x0000314dc6448d93 || d.hi == 0x0000314dc6448d93 && d.lo < 0x38c15b0a00000000 { // 10^33
		hi, lo := bits.Mul64(d.lo, 10)
		d.hi, d.lo = d.hi*10+hi, lo
		digits--
	}
	return d, digits
}

// int64 returns the value when it is exactly a 64-bit integer.
func (d decimal) int64() (int64, bool) {
	if d.kind != decimalFinite {
		return 0, false
	}
	if d.hi == 0 && d.lo == 0 {
		return 0, true
	}
	for d.exponent < 0 {
		hi, rest := d.hi/10, d.hi%10
		lo, rest := bits.Div64(rest, d.lo, 10)
		if rest != 0 {
			return 0, false
		}
		d.hi, d.lo = hi, lo
		d.exponent++
	}
	for ; d.exponent > 0 && d.hi == 0; d.exponent-- {
		hi, lo := bits.Mul64(d.lo, 10)
		d.hi, d.lo = hi, lo
	}
	switch {
	case d.hi != 0:
		return 0, false
	case d.negative && d.lo <= 1<<63:
		return -int64(d.lo), true
	case !d.negative && d.lo < 1<<63:
		return int64(d.lo), true
	}
	return 0, false
}

func compareDecimalDouble(d decimal, f float64) int {
	switch {
	case math.IsNaN(f):
		if d.kind == decimalNaN {
			return 0
		}
		return 1
	case math.IsInf(f, 0) || d.kind != decimalFinite:
		return compareDecimals(d, infinity(f))
	}
	if n, ok := wholeDouble(f); ok {
		return compareDecimals(d, intDecimal(n))
	}
	sign := d.sign()
	if f < 0 && sign >= 0 {
		return 1
	}
	if f > 0 && sign <= 0 {
		return -1
	}
	return sign * compareMagnitudes(d, math.Abs(f))
}

// infinity stands for a double beside which the other operand is not finite, or which is not finite itself: only the
// sign and the infinity count then.
func infinity(f float64) decimal {
	switch {
	case math.IsInf(f, 1):
		return decimal{kind: decimalInf}
	case math.IsInf(f, -1):
		return decimal{kind: decimalInf, negative: true}
	}
	return decimal{}
}

// compareMagnitudes compares |d| and f > 0, both finite and not zero.
func compareMagnitudes(d decimal, f float64) int {
	_, digits := d.normalized()
	// Doubles lie between 10^-324 and 10^309; beyond that no big numbers are needed.
	switch place := d.exponent + digits; {
	case place > 310:
		return 1
	case place < -330:
		return -1
	}
	fraction, exponent := math.Frexp(f)
	mantissa := new(big.Int).SetUint64(uint64(fraction * (1 << 53)))
	exponent -= 53
	coefficient := new(big.Int).SetUint64(d.hi)
	coefficient.Lsh(coefficient, 64).Or(coefficient, new(big.Int).SetUint64(d.lo))
	// coefficient·10^e against mantissa·2^k: move negative powers to the other side.
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(d.exponent, -d.exponent))), nil)
	if d.exponent >= 0 {
		coefficient.Mul(coefficient, power)
	} else {
		mantissa.Mul(mantissa, power)
	}
	if exponent >= 0 {
		mantissa.Lsh(mantissa, uint(exponent))
	} else {
		coefficient.Lsh(coefficient, uint(-exponent))
	}
	return coefficient.Cmp(mantissa)
}

// TruncateDecimal returns the whole part of a decimal128, rounded towards zero, if it fits 64 bits.
func TruncateDecimal(v bson.RawValue) (value int64, ok bool) {
	if v.Type != bson.TypeDecimal128 || len(v.Value) != 16 {
		return 0, false
	}
	d := readDecimal(v.Value)
	for ; d.exponent < 0 && (d.hi != 0 || d.lo != 0); d.exponent++ {
		hi, rest := d.hi/10, d.hi%10
		lo, _ := bits.Div64(rest, d.lo, 10)
		d.hi, d.lo = hi, lo
	}
	return d.int64()
}
